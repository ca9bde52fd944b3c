"""read_tokenizer: which case a text is read in, and every way a tokenizer is written down."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, processors

from checkpoints import VOCABULARY, edit_json, write_checkpoint, write_json
from minner.errors import MinnerError, MinnerWarning
from minner.weights.casing import Casing, casing_by_transformers, casing_of
from minner.weights.config import Config, read_config
from minner.weights.tokenizer import Vocabulary, read_tokenizer
from minner.weights.tokenizer_settings import read_tokenizer_settings

V = len(VOCABULARY)
TEXT = "My name is John Smith.\u200b [SEP] São x<e1>Foobar foobar 中文"


def write(
    directory: Path, json: str | None = "cased", settings: dict[str, Any] | None = None
) -> Config:
    """Write a checkpoint with a cased, an uncased or no tokenizer.json; return its config.

    Without tokenizer.json there is a vocab.txt; `settings` None means no tokenizer_config.json.
    The embeddings have 9 rows more than the vocabulary.
    """
    write_checkpoint(directory, vocab=[*VOCABULARY, *(f"[unused{i}]" for i in range(9))])
    config = read_config(directory)
    write_checkpoint(directory, lowercase=json == "uncased")
    if json is None:
        (directory / "tokenizer.json").unlink()
        write_vocabulary(directory)
    if settings is None:
        (directory / "tokenizer_config.json").unlink()
    else:
        write_json(directory / "tokenizer_config.json", settings)
    return config


def write_vocabulary(directory: Path, content: str = "\n".join([*VOCABULARY, ""])) -> None:
    """Write vocab.txt, byte for byte."""
    (directory / "vocab.txt").write_bytes(content.encode())


def quietly(directory: Path, config: Config, lowercase: bool | None = None) -> Vocabulary:
    """Return the tokenizer, whatever it warns about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MinnerWarning)
        return read_tokenizer(directory, config, lowercase)


def test_the_plain_layout(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False, "model_max_length": 32})
    vocabulary = read_tokenizer(tmp_path, config)
    assert vocabulary.tokenizer.encode("My London.").tokens == [
        "[CLS]",
        "My",
        "London",
        ".",
        "[SEP]",
    ]
    assert (vocabulary.cls_id, vocabulary.sep_id, vocabulary.max_length) == (2, 3, 32)
    assert not vocabulary.lowercase
    assert vocabulary.lowercase_reason == "do_lower_case in tokenizer_config.json"


BERT = "DistilBertTokenizer"
FILE = "PreTrainedTokenizerFast"


@pytest.mark.parametrize(
    ("json", "settings", "lowercase", "reason", "warns"),
    [
        ("cased", {"tokenizer_class": BERT}, False, "tokenizer.json", True),
        ("cased", {}, False, "tokenizer.json", True),
        ("cased", None, False, "tokenizer.json", True),
        ("cased", {"tokenizer_class": FILE}, False, "tokenizer.json", False),
        ("uncased", {"do_lower_case": False}, False, "do_lower_case", False),
        ("uncased", {"tokenizer_class": FILE, "do_lower_case": False}, False, "do_lower", True),
        ("uncased", {}, True, "tokenizer.json", False),
        ("uncased", {"do_lower_case": None}, True, "tokenizer.json", False),
        (None, {"do_lower_case": False}, False, "do_lower_case", False),
        (None, {"do_lower_case": True}, True, "do_lower_case", False),
        (None, {}, False, "evidence: vocab.txt has wordpieces with capitals", True),
        (None, None, False, "evidence: vocab.txt has wordpieces with capitals", True),
    ],
)
def test_who_decides_about_lowercasing(
    tmp_path: Path, json: str | None, settings: Any, lowercase: bool, reason: str, warns: bool
) -> None:
    config = write(tmp_path, json, settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vocabulary = read_tokenizer(tmp_path, config)
    assert vocabulary.lowercase is lowercase
    assert vocabulary.lowercase_reason.startswith(reason)
    assert vocabulary.tokenizer.encode("My").tokens[1] == ("m" if lowercase else "My")
    assert [warning.category for warning in caught] == [MinnerWarning] * warns
    for warning in caught:
        assert f"but transformers 5 would have lowercase={not lowercase}" in str(warning.message)


def test_an_uncased_vocabulary_is_lowercased_by_default(tmp_path: Path) -> None:
    config = write(tmp_path, None, None)
    write_vocabulary(tmp_path, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nmy\nname\n##s\n[E1]\n")
    vocabulary = read_tokenizer(tmp_path, config)
    assert vocabulary.lowercase
    assert vocabulary.lowercase_reason == "the default: vocab.txt has no wordpieces with capitals"
    assert vocabulary.tokenizer.encode("My names").ids == [2, 5, 6, 7, 3]


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("json", ["cased", "uncased", None])
@pytest.mark.parametrize("key", [True, False])
def test_the_argument_overrides_everything_without_a_warning(
    tmp_path: Path, json: str | None, key: bool, lowercase: bool
) -> None:
    config = write(tmp_path, json, {"do_lower_case": key})
    vocabulary = read_tokenizer(tmp_path, config, lowercase=lowercase)
    assert vocabulary.lowercase is lowercase
    assert vocabulary.lowercase_reason == "the lowercase argument"
    normalizer: Any = vocabulary.tokenizer.normalizer
    assert normalizer.normalize_str("Á") == ("a" if lowercase else "Á")


@pytest.mark.parametrize(
    ("settings", "text", "normalised"),
    [
        ({"do_lower_case": True}, "Ü中", "u 中 "),
        ({"do_lower_case": True, "strip_accents": False}, "Ü中", "ü 中 "),
        ({"do_lower_case": False, "strip_accents": True}, "Ü中", "U 中 "),
        ({"do_lower_case": False, "strip_accents": None}, "Ü中", "Ü 中 "),
        ({"do_lower_case": False, "tokenize_chinese_chars": False}, "Ü中", "Ü中"),
    ],
)
@pytest.mark.parametrize("json", ["cased", "uncased", None])
def test_accents_and_chinese_characters(
    tmp_path: Path, json: str | None, settings: dict[str, Any], text: str, normalised: str
) -> None:
    config = write(tmp_path, json, settings)
    normalizer: Any = read_tokenizer(tmp_path, config).tokenizer.normalizer
    assert normalizer.normalize_str(text) == normalised


def test_accents_in_tokenizer_json_count_and_are_warned_about(tmp_path: Path) -> None:
    config = write(tmp_path, "uncased", {"do_lower_case": True, "strip_accents": None})
    edit_json(
        tmp_path / "tokenizer.json", lambda keys: keys["normalizer"].update(strip_accents=False)
    )
    with pytest.warns(MinnerWarning, match="transformers 5 would have strip_accents=True"):
        normalizer: Any = read_tokenizer(tmp_path, config).tokenizer.normalizer
    assert normalizer.normalize_str("Ü") == "ü"


@pytest.mark.parametrize(
    ("normalizer", "casing"),
    [
        (None, Casing(False, False, False, False)),
        (normalizers.Lowercase(), Casing(True, False, False, False)),
        (
            normalizers.Sequence(
                [normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents()]
            ),
            Casing(True, True, False, False),
        ),
        (normalizers.Sequence([normalizers.BertNormalizer()]), Casing(True, True, True, True)),
        (normalizers.BertNormalizer(lowercase=False), Casing(False, None, True, True)),
    ],
)
def test_the_casing_of_any_normalizer(normalizer: Any, casing: Casing) -> None:
    assert casing_of(normalizer) == casing


def test_a_normalizer_that_agrees_is_left_alone(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"tokenizer_class": FILE})
    path = tmp_path / "tokenizer.json"
    edit_json(path, lambda keys: keys.update(normalizer={"type": "Lowercase"}))
    assert type(read_tokenizer(tmp_path, config).tokenizer.normalizer) is normalizers.Lowercase
    swapped = read_tokenizer(tmp_path, config, lowercase=False).tokenizer.normalizer
    assert casing_of(swapped) == Casing(False, False, False, False)


NORMALIZERS: list[Any] = [
    None,
    {"type": "Lowercase"},
    {"type": "BertNormalizer", "clean_text": False, "handle_chinese_chars": True}
    | {"strip_accents": None, "lowercase": False},
    {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": False}
    | {"strip_accents": True, "lowercase": True},
]


@pytest.mark.parametrize("lowercase", [True, False, None])
@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_the_advice_about_casing_helps(
    tmp_path: Path, normalizer: Any, lowercase: bool | None
) -> None:
    """Who does what the warning says gets what transformers would do, and no warning."""
    stated = {"tokenizer_class": BERT, "do_lower_case": lowercase}
    config = write(tmp_path, "cased", stated)
    path = tmp_path / "tokenizer.json"
    edit_json(path, lambda keys: keys.update(normalizer=normalizer))
    argument = None
    with pytest.warns(MinnerWarning, match="transformers 5 would have") as caught:
        read_tokenizer(tmp_path, config)
    advice = str(caught[0].message).partition("; ")[2]
    if advice.startswith("pass lowercase="):
        argument = lowercase is not False
    else:
        normalizer = json.loads(advice[advice.index("{") : advice.rindex("}") + 1])
        edit_json(path, lambda keys: keys.update(normalizer=normalizer))
    ours: Any = read_tokenizer(tmp_path, config, argument).tokenizer.normalizer
    theirs = Casing(lowercase is not False).normalizer()
    text = "São PAULO 中文\u200b\0."
    assert ours.normalize_str(text) == theirs.normalize_str(text)


@pytest.mark.parametrize(
    ("part", "key", "value", "said"),
    [
        ("pre_tokenizer", None, {"type": "Whitespace"}, "the pre_tokenizer Whitespace"),
        ("pre_tokenizer", None, None, "the pre_tokenizer None"),
        ("model", "continuing_subword_prefix", "@@", "the prefix '@@'"),
        ("model", "max_input_chars_per_word", 5, "max_input_chars_per_word 5"),
        ("normalizer", None, {"type": "Sequence", "normalizers": []}, ""),
        ("normalizer", None, {"type": "NFKC"}, "the normalizer NFKC"),
    ],
)
def test_what_transformers_leaves_out_of_tokenizer_json(
    tmp_path: Path, part: str, key: str | None, value: Any, said: str
) -> None:
    """Another class, as the warning advises, and transformers takes the file as it is."""
    config = write(tmp_path, "cased", {"tokenizer_class": BERT, "do_lower_case": False})

    def change(keys: dict[str, Any]) -> None:
        if key is None:
            keys[part] = value
        else:
            keys[part][key] = value

    edit_json(tmp_path / "tokenizer.json", change)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = read_tokenizer(tmp_path, config).tokenizer
    about = [str(warning.message) for warning in caught if "leaves out" in str(warning.message)]
    assert [f"tokenizer.json has {said}, which minner" in text for text in about] == [True] * bool(
        said
    )
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": FILE})
    read_tokenizer(tmp_path, config)  # warns of nothing
    transformers = pytest.importorskip("transformers", minversion="5")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    text = "Johnson's \ufb01 names (works)."
    assert ours.encode(text).ids == theirs(text)["input_ids"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_of_a_vocabulary(tmp_path: Path, end: str) -> None:
    """Blank lines and odd characters count as lines, line ends after the last wordpiece do not."""
    config = write(tmp_path, None, {"do_lower_case": False})
    lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "", "a\u2028b", "", "My", "\x85", "name"]
    for content in (end.join(lines) + end * ends for ends in (0, 1, 2, 5)):
        write_vocabulary(tmp_path, content)
        tokenizer = read_tokenizer(tmp_path, config).tokenizer
        assert tokenizer.encode("My name").ids == [2, 7, 9, 3]
        assert tokenizer.token_to_id("") == 6
        assert tokenizer.token_to_id("a\u2028b") == 5
        assert max(tokenizer.get_vocab().values()) == 9


SPECIAL = {"cls_token": "<s>", "sep_token": {"content": "</s>"}, "unk_token": "<unk>"}


@pytest.mark.parametrize("file_name", ["special_tokens_map.json", "tokenizer_config.json"])
def test_special_tokens_of_other_names(tmp_path: Path, file_name: str) -> None:
    config = write(tmp_path, None, {"do_lower_case": False})
    write_vocabulary(tmp_path, "My\n<s>\nname\n<unk>\n</s>\n")
    write_json(tmp_path / file_name, SPECIAL)
    vocabulary = quietly(tmp_path, config)
    assert (vocabulary.cls_id, vocabulary.sep_id) == (1, 4)
    assert vocabulary.tokenizer.encode("My</s>x name").ids == [1, 0, 4, 3, 2, 4]


def test_ids_come_from_the_template_not_from_habit(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.post_processor = processors.BertProcessing(("!", 5), ('"', 6))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.warns(MinnerWarning, match="has a template with other special tokens, which"):
        vocabulary = read_tokenizer(tmp_path, config)
    assert (vocabulary.cls_id, vocabulary.sep_id) == (6, 5)


def test_a_tokenizer_without_template_gets_one(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    edit_json(tmp_path / "tokenizer.json", lambda keys: keys.update(post_processor=None))
    assert read_tokenizer(tmp_path, config).tokenizer.encode("My").tokens == [
        "[CLS]",
        "My",
        "[SEP]",
    ]


def test_padding_and_truncation_are_switched_off(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_padding(length=50)
    tokenizer.enable_truncation(10)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    read = read_tokenizer(tmp_path, config).tokenizer
    assert (read.padding, read.truncation) == (None, None)
    assert len(read.encode("a " * 70)) == 72


@pytest.mark.parametrize(
    ("stated", "effective"),
    [
        ({}, 64),
        ({"model_max_length": None}, 64),
        ({"model_max_length": 512}, 64),
        ({"model_max_length": 1e30}, 64),
        ({"model_max_length": 10**30}, 64),
        ({"model_max_length": float("inf")}, 64),
        ({"model_max_length": 32}, 32),
        ({"model_max_length": 32.0}, 32),
        ({"max_len": 16}, 16),
        ({"model_max_length": 3}, 3),
    ],
)
def test_the_effective_length(tmp_path: Path, stated: dict[str, Any], effective: int) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False, **stated})
    vocabulary = read_tokenizer(tmp_path, config)
    assert vocabulary.max_length == effective
    assert type(vocabulary.max_length) is int


def added(index: int, content: str, **flags: bool) -> dict[str, Any]:
    """Return the settings of one token in added_tokens_decoder."""
    return {"added_tokens_decoder": {str(index): {"content": content, **flags}}}


@pytest.mark.parametrize("json", ["cased", None])
def test_added_tokens(tmp_path: Path, json: str | None) -> None:
    decoder = added(V, "<e1>", special=True, normalized=False, lstrip=True)
    config = write(tmp_path, json, {"do_lower_case": False, **decoder})
    write_json(tmp_path / "added_tokens.json", {"Foobar": V + 1})
    tokenizer = read_tokenizer(tmp_path, config).tokenizer
    encoded = tokenizer.encode("My <e1>Foobar.")
    assert encoded.tokens == ["[CLS]", "My", " <e1>", "Foobar", ".", "[SEP]"]  # lstrip's space
    assert encoded.ids[2:4] == [V, V + 1]
    assert tokenizer.get_added_tokens_decoder()[V].special
    assert not tokenizer.get_added_tokens_decoder()[V + 1].special


def test_added_tokens_of_a_vocabulary_may_leave_holes(tmp_path: Path) -> None:
    config = write(tmp_path, None, {"do_lower_case": False, **added(V + 5, "Foobar")})
    assert read_tokenizer(tmp_path, config).tokenizer.encode("Foobar").ids == [2, V + 5, 3]


@pytest.mark.parametrize("flag", [True, False])
def test_added_tokens_of_tokenizer_json_stay_as_they_are(tmp_path: Path, flag: bool) -> None:
    decoder = added(4, "[MASK]", special=True, lstrip=flag)
    config = write(tmp_path, "cased", {"do_lower_case": False, **decoder})
    tokenizer = read_tokenizer(tmp_path, config).tokenizer
    assert not tokenizer.get_added_tokens_decoder()[4].lstrip


@pytest.mark.parametrize(
    ("json", "settings", "message"),
    [
        ("cased", added(V + 3, "Foobar"), f"'Foobar' has id {V + 3} in .* but {V} in the tok"),
        ("cased", added(7, "Foobar"), f"'Foobar' has id 7 in the files beside it but {V} in"),
        (None, added(7, "Foobar"), "vocab.txt: id 7 is '#', but the added tokens say .* 'Foobar'"),
        ("cased", added(V + 3, "My"), f"'My' has id {V + 3} in the files beside it but 161 in"),
        (None, added(V + 9, "Foobar"), f"has ids up to {V + 9} but the embeddings have {V + 9}"),
    ],
)
def test_added_tokens_that_do_not_fit(
    tmp_path: Path, json: str | None, settings: dict[str, Any], message: str
) -> None:
    config = write(tmp_path, json, {"do_lower_case": False, **settings})
    with pytest.raises(MinnerError, match=message):
        read_tokenizer(tmp_path, config)


@pytest.mark.parametrize("json", ["cased", None])
def test_ids_beyond_the_embeddings(tmp_path: Path, json: str | None) -> None:
    config = write(tmp_path, json, {"do_lower_case": False})._replace(vocab_size=V - 1)
    match = rf"(tokenizer.json|vocab.txt) has ids up to {V - 1} but the embeddings have {V - 1} "
    with pytest.raises(MinnerError, match=match):
        read_tokenizer(tmp_path, config)


def test_template_ids_beyond_the_embeddings(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    edit_json(
        tmp_path / "tokenizer.json",
        lambda keys: keys["post_processor"]["special_tokens"]["[CLS]"].update(ids=[30522]),
    )
    with pytest.raises(MinnerError, match="has ids up to 30522 but the embeddings have 190 rows"):
        read_tokenizer(tmp_path, config)


def test_too_few_positions(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})._replace(max_position_embeddings=2)
    with pytest.raises(MinnerError, match="2 positions leave no room between two special tokens"):
        read_tokenizer(tmp_path, config)


def test_no_tokenizer_at_all(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {})
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(MinnerError, match=r"no tokenizer: no tokenizer.json and no vocab.txt"):
        read_tokenizer(tmp_path, config)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a tokenizer that can be read: .*EOF"),
        (b"{}", "is not a tokenizer that can be read: .*Model missing"),
        (b"[]", "is not a tokenizer that can be read: .*invalid type"),
        (b"\xff", "is not a tokenizer that can be read: .*expected value"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a git-lfs pointer"),
    ],
)
def test_a_broken_tokenizer_json(tmp_path: Path, content: bytes, message: str) -> None:
    config = write(tmp_path, "cased", {})
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(MinnerError, match=rf"tokenizer\.json {message}"):
        read_tokenizer(tmp_path, config)


def test_other_tokenizer_models(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {})
    Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(MinnerError, match="holds a WordLevel tokenizer; minner runs WordPiece, B"):
        read_tokenizer(tmp_path, config)


@pytest.mark.parametrize("model", [models.BPE(), models.Unigram()])
def test_empty_tokenizers(tmp_path: Path, model: Any) -> None:
    config = write(tmp_path, "cased", {})
    Tokenizer(model).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(MinnerError, match=r"tokenizer\.json lacks "):
        read_tokenizer(tmp_path, config)


def remove_unknown(keys: dict[str, Any]) -> None:
    """Remove [UNK] from the wordpieces; among the added tokens it stays."""
    del keys["model"]["vocab"]["[UNK]"]


def undefine_template(keys: dict[str, Any]) -> None:
    """Let the template ask for a token that it does not define, which makes tokenizers panic."""
    keys["post_processor"]["single"][0]["SpecialToken"]["id"] = "[XYZ]"


def shorten_template(keys: dict[str, Any]) -> None:
    """Drop the token after the text."""
    keys["post_processor"]["single"].pop()


def repeat_text(keys: dict[str, Any]) -> None:
    """Put the text in twice: its wordpieces come out of word order."""
    keys["post_processor"]["single"].insert(1, keys["post_processor"]["single"][1])


def break_normalizer(keys: dict[str, Any]) -> None:
    """Give it a normalizer over which tokenizers panic."""
    keys["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}


def grow_text(keys: dict[str, Any]) -> None:
    """Put 99 letters in the place of one, and again, in a sequence in a sequence."""
    part = {"type": "Replace", "pattern": {"Regex": "."}, "content": "a" * 99}
    inner = {"type": "Sequence", "normalizers": [{"type": "NFC"}, part]}
    keys["normalizer"] = {"type": "Sequence", "normalizers": [inner, part]}


def double_bytes(keys: dict[str, Any]) -> None:
    """Put the bytes of a character in its place, as characters of two bytes, and again."""
    keys["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 20}


def grow_words(keys: dict[str, Any]) -> None:
    """Grow in both parts, in neither of them much."""
    part = {"type": "Replace", "pattern": {"Regex": "."}, "content": "a" * 9}
    keys["normalizer"] = {"type": "Sequence", "normalizers": [part]}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    keys["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [level, level]}


def brood(keys: dict[str, Any]) -> None:
    """Look for wordpieces in words of any length."""
    keys["model"]["max_input_chars_per_word"] = 10**9


def lengthen_prefix(keys: dict[str, Any]) -> None:
    """Copy a megabyte for every part of a word."""
    keys["model"]["continuing_subword_prefix"] = "#" * 1_000_000


def reorder_template(keys: dict[str, Any]) -> None:
    """Put both special tokens before the text."""
    keys["post_processor"]["single"].append(keys["post_processor"]["single"].pop(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_unknown, r"lacks the wordpiece '\[UNK\]' for words it cannot cut"),
        (undefine_template, "has a template that does not work"),
        (
            shorten_template,
            "the template must put one special token before a text and one after it",
        ),
        (
            repeat_text,
            "the template must put one .* after it, and leave the text as it is",
        ),
        (grow_text, "its normalizer and pre_tokenizer could make a text more than 16 times"),
        (double_bytes, "its normalizer and pre_tokenizer could make a text more than 16 times"),
        (grow_words, "its normalizer and pre_tokenizer could make a text more than 16 times"),
        (brood, "max_input_chars_per_word is 1000000000, and minner takes up to 1000"),
        (lengthen_prefix, "continuing_subword_prefix is longer than 100"),
        (break_normalizer, "is not a tokenizer that can be read: .*recompiled"),
        (
            reorder_template,
            "the template must put one special token before a text and one after it",
        ),
    ],
)
def test_a_tokenizer_json_that_cannot_work(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    edit_json(tmp_path / "tokenizer.json", change)
    with pytest.raises(MinnerError, match=f"tokenizer.json:? {message}"):
        read_tokenizer(tmp_path, config)


@pytest.mark.filterwarnings("ignore::minner.MinnerWarning")
def test_parts_that_make_little_of_a_text(tmp_path: Path) -> None:
    """Strings in the place of strings, and what real files have."""

    def change(keys: dict[str, Any]) -> None:
        swap = {"type": "Replace", "pattern": {"String": "``"}, "content": '"'}
        spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
        parts = [swap] * 40 + [spaces] * 40 + [{"type": "Prepend", "prepend": "a"}]
        keys["normalizer"] = {"type": "Sequence", "normalizers": parts}

    config = write(tmp_path, "cased", {"do_lower_case": False})
    edit_json(tmp_path / "tokenizer.json", change)
    assert read_tokenizer(tmp_path, config).encode_words(["John"])


class PanicException(BaseException):
    """As the tokenizers library raises it."""


@pytest.mark.parametrize("fault", [PanicException, Exception, ValueError])
def test_a_tokenizer_that_breaks_down_over_a_text(tmp_path: Path, fault: Any) -> None:
    """Whatever the library's regular expressions and lookups make of somebody's text."""

    class Broken:
        def encode(self, *_: Any, **__: Any) -> None:
            raise fault("retry-limit-in-match over " + "x" * 10_000)

    config = write(tmp_path, "cased", {"do_lower_case": False})
    vocabulary = replace(read_tokenizer(tmp_path, config), tokenizer=Broken())
    match = r"json cannot cut the words \['My', 'name'\]: retry-limit-in-match over x{170,180}$"
    with pytest.raises(MinnerError, match=match):
        vocabulary.encode_words(["My", "name"])
    with pytest.raises(MinnerError, match=r"json cannot cut the text 'My name': retry-"):
        vocabulary.encode_text("My name")


def test_signals_pass_through_the_tokenizer(tmp_path: Path) -> None:
    class Interrupted:
        def encode(self, *_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

    config = write(tmp_path, "cased", {"do_lower_case": False})
    vocabulary = replace(read_tokenizer(tmp_path, config), tokenizer=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        vocabulary.encode_words(["My"])


@pytest.mark.parametrize("index", [V + 9, 2**31, 2**31 + 5, 2**32 - 1])
def test_ids_beyond_the_embeddings_that_a_text_has(tmp_path: Path, index: int) -> None:
    """A vocabulary with gaps: NumPy 1 made negative numbers of ids from 2^31 on."""
    config = write(tmp_path, "cased", {"do_lower_case": False})
    edit_json(tmp_path / "tokenizer.json", lambda keys: keys["model"]["vocab"].update(Rome=index))
    vocabulary = read_tokenizer(tmp_path, config._replace(vocab_size=config.vocab_size))
    assert max(vocabulary.encode_words(["My", "name"]).ids) < config.vocab_size
    for encode, text in (
        (vocabulary.encode_words, ["My", "Rome"]),
        (vocabulary.encode_text, "My Rome"),
    ):
        with pytest.raises(MinnerError, match=f"gave id {index} but the embeddings have {V + 9} r"):
            encode(text)  # type: ignore[operator]


def test_wordpieces_out_of_word_order(tmp_path: Path) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    vocabulary = read_tokenizer(tmp_path, config)
    vocabulary.tokenizer.post_processor = processors.TemplateProcessing(single="$A $A")
    with pytest.raises(MinnerError, match="puts the wordpieces of a text in another order"):
        vocabulary.encode_words(["My", "name"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"lacks the wordpiece '\[UNK\]'"),
        ("[UNK]\n[SEP]\nx\n", r"lacks the special token '\[CLS\]'"),
        ("[UNK]\n[CLS]\nx\n", r"lacks the special token '\[SEP\]'"),
    ],
)
def test_a_vocabulary_without_special_tokens(tmp_path: Path, content: str, message: str) -> None:
    config = write(tmp_path, None, {"do_lower_case": False})
    write_vocabulary(tmp_path, content)
    with pytest.raises(MinnerError, match=rf"vocab\.txt {message}"):
        read_tokenizer(tmp_path, config)


def test_a_vocabulary_of_another_encoding(tmp_path: Path) -> None:
    config = write(tmp_path, None, {})
    (tmp_path / "vocab.txt").write_bytes("[UNK]\ncafé\n".encode("latin-1"))
    with pytest.raises(MinnerError, match=r"vocab.txt is not UTF-8 text: bad byte at 9"):
        read_tokenizer(tmp_path, config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"do_lower_case": "false"}, "do_lower_case must be a bool, not 'false'"),
        ({"strip_accents": 1}, "strip_accents must be a bool, not 1"),
        ({"tokenize_chinese_chars": []}, "tokenize_chinese_chars must be a bool"),
        ({"tokenizer_class": {}}, "tokenizer_class must be a str"),
        ({"model_max_length": "512"}, "model_max_length must be a number from 3 up, not '512'"),
        ({"model_max_length": 2}, "model_max_length must be a number from 3 up, not 2"),
        ({"model_max_length": -1}, "model_max_length must be a number from 3 up, not -1"),
        ({"model_max_length": True}, "model_max_length must be a number from 3 up, not True"),
        ({"model_max_length": float("nan")}, "model_max_length must be a number .* not nan"),
        ({"cls_token": 3}, "3 is no special token"),
        ({"cls_token": {"content": 3}}, "3.* is no special token"),
        ({"added_tokens_decoder": [1]}, "added_tokens_decoder must be an object"),
        ({"added_tokens_decoder": {"1": "x"}}, "'x' in added_tokens_decoder is no added token"),
        ({"added_tokens_decoder": {"1": {}}}, "{} in added_tokens_decoder is no added token"),
        ({"added_tokens_decoder": {"x": {"content": "a"}}}, "'x' is no id of an added token"),
        ({"added_tokens_decoder": {"-1": {"content": "a"}}}, "'-1' is no id of an added token"),
    ],
)
def test_settings_of_the_wrong_type(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    config = write(tmp_path, "cased", settings)
    with pytest.raises(MinnerError, match=rf"tokenizer_config\.json.*{message}"):
        read_tokenizer(tmp_path, config)


@pytest.mark.parametrize(
    "file_name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]
)
def test_settings_that_are_no_json_object(tmp_path: Path, file_name: str) -> None:
    config = write(tmp_path, "cased", {"do_lower_case": False})
    for content in ("[]", "{", '{"x": "y"}' if file_name == "added_tokens.json" else "3"):
        (tmp_path / file_name).write_text(content)
        with pytest.raises(MinnerError, match=file_name):
            read_tokenizer(tmp_path, config)


SETTINGS: list[dict[str, Any]] = [
    {},
    {"tokenizer_class": BERT},
    {"tokenizer_class": "BertTokenizerFast", "do_lower_case": False},
    {"tokenizer_class": FILE, "do_lower_case": True},
    {"tokenizer_class": "TokenizersBackend"},
    {"do_lower_case": False, "strip_accents": True},
    {"do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": False},
    {"tokenizer_class": FILE, "strip_accents": False},
]


@pytest.mark.parametrize("json", ["cased", "uncased", None])
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("config_class", [None, FILE])
def test_what_transformers_would_do(
    tmp_path: Path, json: str | None, settings: dict[str, Any], config_class: str | None
) -> None:
    """The casing predicted for transformers is the one that the installed version has."""
    transformers = pytest.importorskip("transformers", minversion="5")
    write(tmp_path, json, settings)
    edit_json(tmp_path / "config.json", lambda keys: keys.update(tokenizer_class=config_class))
    predicted = casing_by_transformers(
        read_tokenizer_settings(tmp_path),
        config_class,
        None if json is None else Casing(lowercase=json == "uncased"),
    )
    if predicted is None:
        with pytest.raises(ValueError, match="Couldn't instantiate"):
            transformers.AutoTokenizer.from_pretrained(tmp_path)
        return
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path).backend_tokenizer.normalizer
    text = "São PAULO 中文\u200b."
    assert theirs.normalize_str(text) == predicted.normalizer().normalize_str(text)


CRLF = "\r\n".join([*VOCABULARY, ""])
DECODER = {
    "added_tokens_decoder": {
        str(V): {"content": "Foobar", "special": False, "normalized": True},
        str(V + 1): {"content": "<e1>", "special": True, "normalized": False, "lstrip": True},
    }
}


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize(
    "files",
    [
        {},
        {"vocab.txt": "\n".join([*VOCABULARY, ""])},
        {"vocab.txt": CRLF},
        {"vocab.txt": CRLF.replace("\r\nMy", "\r\nx\ry\r\nMy")},
        {"vocab.txt": CRLF + "\r\n"},
        {"vocab.txt": CRLF.replace("\r\nMy", "\r\n\r\n\r\nMy")},
        {"vocab.txt": CRLF, "added_tokens.json": {"Foobar": V, "<e1>": V + 1}},
        {"vocab.txt": CRLF, "tokenizer_config.json": DECODER},
        {"vocab.txt": CRLF.replace("[SEP]", "</s>"), "special_tokens_map.json": SPECIAL},
        {"tokenizer_config.json": DECODER},
        {"added_tokens.json": {"Foobar": V, "<e1>": V + 1}},
    ],
)
def test_the_wordpieces_of_transformers(
    tmp_path: Path, files: dict[str, Any], lowercase: bool
) -> None:
    """Where the settings leave no doubt, the ids are those of transformers."""
    transformers = pytest.importorskip("transformers", minversion="5")
    stated = {"do_lower_case": lowercase, "tokenizer_class": BERT}
    config = write(tmp_path, "uncased" if lowercase else "cased", stated)
    for name, value in files.items():
        if name == "vocab.txt":
            (tmp_path / "tokenizer.json").unlink()
            text = value.replace("[CLS]", "<s>").replace("[UNK]", "<unk>")
            write_vocabulary(tmp_path, text if "</s>" in value else value)
        elif name == "tokenizer_config.json":
            write_json(tmp_path / name, {**stated, **value})
        else:
            write_json(tmp_path / name, value)
    ours = read_tokenizer(tmp_path, config).tokenizer.encode(TEXT).ids
    assert ours == transformers.AutoTokenizer.from_pretrained(tmp_path)(TEXT)["input_ids"]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_corrupted_files_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("corrupted")
    from_json = data.draw(st.booleans())
    config = write(directory, "cased" if from_json else None, {"do_lower_case": False, **DECODER})
    names = ["tokenizer.json" if from_json else "vocab.txt", "tokenizer_config.json"]
    path = directory / data.draw(st.sampled_from(names))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=3))
    path.write_bytes(content)
    try:
        vocabulary = quietly(directory, config)
    except MinnerError as error:
        assert str(directory) in str(error)
    else:
        assert max(vocabulary.tokenizer.encode(TEXT).ids) < config.vocab_size
