"""Byte-level BPE and Unigram: the tokenizers of RoBERTa, XLM-R and CamemBERT.

`subwords.py` makes small ones. Where transformers is installed, ids and offsets are compared with
those of its own tokenizers, over lines of ../shared/data and random Unicode.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

import minner
from checkpoints import edit_json, write_json
from families import write_family
from minner.cli import main
from minner.errors import MinnerError, MinnerWarning
from minner.text.wordpieces import encode_words
from minner.weights.config import Config, read_config
from minner.weights.tokenizer import Vocabulary, read_tokenizer
from subwords import CLASSES, TEXT, write_merges, write_subword_tokenizer

FAMILIES = tuple(CLASSES)
FORMS = [("roberta", True), ("roberta", False), ("xlm-roberta", True), ("camembert", True)]
"""Families, with a space before the first word of a text or without."""
SPECIAL = ("<s>", "</s>", "<mask>", "<unk>", "<pad>")
WORDS = [
    "My",
    "name",
    "",
    "is",
    "東京",
    ",",
    "\u200b",
    "Mu\u0308ller",
    " ",
    "a b",
    "\x00",
    "<s>",
    "x</s>y",
]


def written(directory: Path, family: str, **options: Any) -> Config:
    """Write a checkpoint with a tokenizer of its own; return its config."""
    directory.mkdir(parents=True, exist_ok=True)
    size = write_subword_tokenizer(directory, family, **options)
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(str, range(size - 5))]
    tokenizer, stated = (
        (directory / f"tokenizer{end}.json").read_bytes() for end in ("", "_config")
    )
    write_family(directory, family, vocab=vocab)
    (directory / "tokenizer.json").write_bytes(tokenizer)
    (directory / "tokenizer_config.json").write_bytes(stated)
    return read_config(directory)


def read(directory: Path, family: str, **options: Any) -> Vocabulary:
    return read_tokenizer(directory, written(directory, family, **options))


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# ---- reading them -----------------------------------------------------------------------------


def test_what_is_read(tmp_path: Path, family: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", MinnerWarning)
        vocabulary = read(tmp_path, family)
    special = [vocabulary.tokenizer.token_to_id(token) for token in ("<s>", "</s>", "<unk>")]
    assert [vocabulary.cls_id, vocabulary.sep_id, vocabulary.unk_id] == special
    assert (vocabulary.lowercase, vocabulary.lowercase_reason) == (False, "tokenizer.json")
    assert vocabulary.max_length == 24
    assert vocabulary.word_tokenizer is None


def test_words_are_cut_as_they_would_be_in_a_text(tmp_path: Path, family: str) -> None:
    """With and without `add_prefix_space`, a word has the wordpieces that it has after a space."""
    for prefix_space in (True, False):
        vocabulary = read(tmp_path / str(prefix_space), family, prefix_space=prefix_space)
        words = ["The", "first", "entity", "The"]
        encoded = vocabulary.encode_words(words)
        assert encoded.word_ids == sorted(encoded.word_ids)
        assert {*encoded.word_ids} == {0, 1, 2, 3}
        in_text = vocabulary.encode_text("<s> The first entity The").ids
        if family == "roberta":
            assert [vocabulary.cls_id, *encoded.ids] == in_text
        assert encoded.ids[: len(encoded.ids) // 2][0] == encoded.ids[encoded.word_ids.index(3)]


def test_a_file_without_leading_space_keeps_it_so_for_texts(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, "roberta", prefix_space=False)
    assert vocabulary.word_tokenizer is not None
    assert vocabulary.encode_text("The").tokens[0] == "T"
    assert vocabulary.encode_words(["The"]).tokens[0].startswith("Ġ")
    assert vocabulary.encode_words(["The"], as_in_text=False).tokens[0] == "T"


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("family", ["roberta", "xlm-roberta"])
def test_tokenizer_config_decides_about_the_leading_space(
    tmp_path: Path, family: str, stated: bool
) -> None:
    written(tmp_path, family, prefix_space=True)
    edit_json(tmp_path / "tokenizer_config.json", lambda raw: raw.update(add_prefix_space=stated))
    vocabulary = read_tokenizer(tmp_path, read_config(tmp_path))
    assert vocabulary.encode_text("The").tokens[0].startswith(("Ġ", "▁")) is stated
    assert vocabulary.encode_words(["The"]).tokens[0].startswith(("Ġ", "▁"))


def test_special_tokens_in_a_text_are_those_of_the_vocabulary(tmp_path: Path, family: str) -> None:
    vocabulary = read(tmp_path, family)
    for token in SPECIAL:
        assert (
            vocabulary.tokenizer.token_to_id(token) in vocabulary.encode_text(f"My {token} x").ids
        )


@pytest.mark.filterwarnings("default")
def test_live_split_special_tokens(tmp_path: Path, family: str) -> None:
    config = written(tmp_path, family)
    edit_json(tmp_path / "tokenizer_config.json", lambda raw: raw.update(split_special_tokens=True))
    vocabulary = read_tokenizer(tmp_path, config)
    if family == "roberta":  # the others have wordpieces that read like special tokens
        assert not {0, 2} & {*vocabulary.encode_text("My </s> x <s>").ids}
    assert_same_wordpieces(vocabulary, their_tokenizer(tmp_path), random_texts(100))


def test_the_lowercase_argument(tmp_path: Path, family: str) -> None:
    config = written(tmp_path, family)
    vocabulary = read_tokenizer(tmp_path, config, lowercase=True)
    assert vocabulary.encode_text("THE First").ids == vocabulary.encode_text("the first").ids
    assert (vocabulary.lowercase, vocabulary.lowercase_reason) == (True, "the lowercase argument")
    cased = read_tokenizer(tmp_path, config, lowercase=False)
    assert cased.encode_text("THE").ids != cased.encode_text("the").ids


def test_do_lower_case_is_not_for_these(tmp_path: Path, family: str) -> None:
    config = written(tmp_path, family)
    edit_json(tmp_path / "tokenizer_config.json", lambda raw: raw.update(do_lower_case=True))
    assert not read_tokenizer(tmp_path, config).lowercase


def test_a_normalizer_that_lowercases(tmp_path: Path, family: str) -> None:
    """There is a warning, since transformers 5 leaves it out; no argument can undo it."""
    config = written(tmp_path, family)
    edit_json(tmp_path / "tokenizer.json", lambda raw: raw.update(normalizer={"type": "Lowercase"}))
    with pytest.warns(MinnerWarning, match="because it rebuilds a "):
        vocabulary = read_tokenizer(tmp_path, config)
    assert vocabulary.lowercase
    with pytest.raises(MinnerError, match="has a normalizer that lowercases; to keep case"):
        read_tokenizer(tmp_path, config, lowercase=False)


def test_dropout_is_for_training(tmp_path: Path) -> None:
    config = written(tmp_path, "roberta")
    expected = read_tokenizer(tmp_path, config).encode_text("entities of a document").ids
    edit_json(tmp_path / "tokenizer.json", lambda raw: raw["model"].update(dropout=0.9))
    vocabulary = read_tokenizer(tmp_path, config)
    assert all(vocabulary.encode_text("entities of a document").ids == expected for _ in range(9))


@pytest.mark.parametrize("prefix_space", [True, False])
def test_vocab_json_and_merges(tmp_path: Path, prefix_space: bool) -> None:
    config = written(tmp_path, "roberta", prefix_space=prefix_space)
    expected = read_tokenizer(tmp_path, config)
    write_merges(tmp_path, prefix_space=prefix_space)
    vocabulary = read_tokenizer(tmp_path, config)
    text = "My name <mask> is São</s> 東京 <s>"
    assert vocabulary.encode_text(text).ids == expected.encode_text(text).ids
    assert vocabulary.encode_text(text).offsets == expected.encode_text(text).offsets
    assert vocabulary.encode_words(WORDS).ids == expected.encode_words(WORDS).ids
    assert (vocabulary.path.name, vocabulary.cls_id, vocabulary.sep_id, vocabulary.unk_id) == (
        "vocab.json",
        0,
        2,
        3,
    )


# ---- what is refused --------------------------------------------------------------------------


def test_sentencepiece_alone(tmp_path: Path) -> None:
    config = written(tmp_path, "xlm-roberta")
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"\n")
    with pytest.raises(
        MinnerError, match=r"sentencepiece.bpe.model alone.*save_pretrained"
    ) as caught:
        read_tokenizer(tmp_path, config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("vocabulary", "merges", "message"),
    [
        ({"a": "x"}, "", "vocab.json must give every wordpiece a number"),
        ({"a": 0, "<s>": 1, "</s>": 2}, "b c\n", "and merges.txt are no byte-level BPE tokenizer"),
        ({"a": 0, "</s>": 2}, "", r"vocab.json lacks the special token '<s>'"),
        ({"a": 0, "<s>": 2}, "", r"vocab.json lacks the special token '</s>'"),
    ],
)
def test_broken_merges(tmp_path: Path, vocabulary: Any, merges: str, message: str) -> None:
    config = written(tmp_path, "roberta")
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    write_json(tmp_path / "vocab.json", vocabulary)
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}")
    with pytest.raises(MinnerError, match=message):
        read_tokenizer(tmp_path, config)


def test_unigram_without_a_wordpiece_for_the_unknown(tmp_path: Path) -> None:
    config = written(tmp_path, "xlm-roberta")
    edit_json(tmp_path / "tokenizer.json", lambda raw: raw["model"].update(unk_id=None))
    with pytest.raises(MinnerError, match="lacks a wordpiece for what it cannot cut"):
        read_tokenizer(tmp_path, config)


def test_bpe_whose_wordpiece_for_the_unknown_is_none(tmp_path: Path) -> None:
    config = written(tmp_path, "roberta")
    edit_json(tmp_path / "tokenizer.json", lambda raw: raw["model"].update(unk_token="[UNK]"))
    with pytest.raises(MinnerError, match=r"lacks the wordpiece '\[UNK\]'"):
        read_tokenizer(tmp_path, config)


def test_word_level(tmp_path: Path) -> None:
    config = written(tmp_path, "roberta")
    Tokenizer(models.WordLevel({"<unk>": 0}, "<unk>")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(
        MinnerError, match="holds a WordLevel tokenizer; minner runs WordPiece, BPE"
    ):
        read_tokenizer(tmp_path, config)


# ---- promises ---------------------------------------------------------------------------------

PARTS = st.sampled_from([*"aThe \t\n.,▁Ġé😀東\u0301\u200b\ufeff\ud800", *SPECIAL])
TEXTS = st.text(max_size=80) | st.lists(PARTS, max_size=40).map("".join)


@pytest.fixture(scope="module")
def taggers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, minner.Tagger]:
    made = {}
    for name, prefix_space in FORMS:
        directory = tmp_path_factory.mktemp("model")
        written(directory, name, prefix_space=prefix_space)
        made[f"{name} {prefix_space}"] = minner.load(directory)
    return made


@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_entities_are_the_text_and_nothing_is_cut(
    taggers: dict[str, minner.Tagger], text: str
) -> None:
    for tagger in taggers.values():
        document = tagger.document(text)
        assert all(text[one.start : one.end] == one.text for one in document.entities)
        assert len(document.tags) == len(document.words)


@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.text(max_size=9), max_size=30))
def test_every_wordpiece_belongs_to_its_word(
    taggers: dict[str, minner.Tagger], words: list[str]
) -> None:
    for tagger in taggers.values():
        whole = encode_words(words, tagger.vocabulary)
        assert len(whole.ids) == len(whole.words)
        for index, word in enumerate(words):
            alone = encode_words([word], tagger.vocabulary).ids
            assert whole.ids[whole.words == index].tolist() == alone.tolist()


# ---- against transformers ---------------------------------------------------------------------


def random_texts(count: int) -> list[str]:
    """Strings of code points from all over Unicode, with spaces and special tokens among them."""
    random = np.random.default_rng(15)
    highest = [0x7F, 0x17F, 0x3FF, 0xFFF, 0xD7FF, 0x1F9FF, 0x10FFFF]
    between = [" ", "  ", "\n", "\u3000", *SPECIAL]
    made = []
    for i in range(count):
        points = random.integers(1, highest[i % len(highest)], 30)
        kept = [chr(point) for point in points.tolist() if not 0xD800 <= point <= 0xDFFF]
        for place in random.integers(0, len(kept), 6).tolist():
            kept[place] = str(random.choice(between))
        made.append("".join(kept))
    return made


def lines_of_words(shared: Path) -> Iterator[list[str]]:
    """The words of the sentences in ../shared/data, as many from each file as from any other."""
    patterns = ("wikigold/*", "btc/*", "wnut17/*.conll", "uner-ewt/*.iob2", "crossner/**/*.txt")
    for path in sorted(path for pattern in patterns for path in shared.glob(pattern)):
        column = 1 if path.suffix == ".iob2" else 0
        sentences = path.read_text(encoding="utf-8", errors="replace").split("\n\n")
        for sentence in sentences[:350]:
            rows = [line.split() for line in sentence.splitlines() if not line.startswith("# ")]
            words = [row[column] for row in rows if len(row) > column]
            if words:
                yield words


def lines_of_text(shared: Path) -> list[str]:
    articles = (shared / "wiki-text" / "wiki_00.txt").read_text(encoding="utf-8").splitlines()
    return [line[:400] for line in articles if line][:2000]


def their_tokenizer(directory: Path, **options: Any) -> Any:
    transformers = pytest.importorskip("transformers", minversion="5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return transformers.AutoTokenizer.from_pretrained(directory, **options)


def assert_same_wordpieces(vocabulary: Vocabulary, theirs: Any, texts: list[str]) -> None:
    expected = theirs(texts, add_special_tokens=False, return_offsets_mapping=True)
    for i, text in enumerate(texts):
        ours = vocabulary.encode_text(text)
        assert ours.ids == expected["input_ids"][i], text
        assert ours.offsets == expected["offset_mapping"][i], text
    around = theirs(texts[0])["input_ids"]
    assert [vocabulary.cls_id, *vocabulary.encode_text(texts[0]).ids, vocabulary.sep_id] == around


def assert_same_words(vocabulary: Vocabulary, theirs: Any, lines: list[list[str]]) -> None:
    expected = theirs(
        lines, is_split_into_words=True, add_special_tokens=False, return_offsets_mapping=True
    )
    for i, words in enumerate(lines):
        ours = vocabulary.encode_words(words)
        assert ours.ids == expected["input_ids"][i], words
        assert ours.offsets == expected["offset_mapping"][i], words
        assert ours.word_ids == expected.word_ids(i), words


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("family", "prefix_space"), [*FORMS, ("xlm-roberta", False)])
def test_live_wordpieces_of_random_texts(tmp_path: Path, family: str, prefix_space: bool) -> None:
    vocabulary = read(tmp_path, family, prefix_space=prefix_space)
    texts = random_texts(600)
    assert_same_wordpieces(vocabulary, their_tokenizer(tmp_path), texts)
    words = [text.split() for text in texts]
    assert_same_words(vocabulary, their_tokenizer(tmp_path, add_prefix_space=True), words)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("family", "prefix_space"), FORMS)
def test_live_wordpieces_of_five_thousand_lines(
    tmp_path: Path, family: str, prefix_space: bool, shared: Path
) -> None:
    vocabulary = read(tmp_path, family, prefix_space=prefix_space)
    lines = list(lines_of_words(shared))[:3000]
    texts = [*lines_of_text(shared), *map(" ".join, lines)]
    assert len(texts) == 5000
    assert_same_wordpieces(vocabulary, their_tokenizer(tmp_path), texts)
    words = [*lines, *(text.split() for text in lines_of_text(shared))]
    assert_same_words(vocabulary, their_tokenizer(tmp_path, add_prefix_space=True), words)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("prefix_space", [True, False])
def test_live_wordpieces_of_vocab_json_and_merges(tmp_path: Path, prefix_space: bool) -> None:
    config = written(tmp_path, "roberta")
    write_merges(tmp_path, prefix_space=prefix_space)
    vocabulary = read_tokenizer(tmp_path, config)
    assert_same_wordpieces(vocabulary, their_tokenizer(tmp_path), random_texts(300))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("family", ["xlm-roberta", "camembert"])
def test_live_wordpieces_with_the_table_of_sentencepiece(tmp_path: Path, family: str) -> None:
    """Transformers converts a SentencePiece model, which brings a table of characters (NFKC)."""
    sentencepiece = pytest.importorskip("sentencepiece")
    pytest.importorskip("google.protobuf")
    config = written(tmp_path, family)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    sentencepiece.SentencePieceTrainer.train(
        input=str(TEXT),
        model_prefix=str(tmp_path / "sentencepiece.bpe"),
        vocab_size=400,
        model_type="unigram",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    edit_json(tmp_path / "config.json", lambda raw: raw.update(vocab_size=2000))
    their_tokenizer(tmp_path).save_pretrained(tmp_path)
    vocabulary = read_tokenizer(tmp_path, config._replace(vocab_size=2000))
    assert (
        vocabulary.encode_text("\ufb01rst \u00bd").tokens
        == vocabulary.encode_text("first 1\u20442").tokens
    )
    assert_same_wordpieces(vocabulary, their_tokenizer(tmp_path), random_texts(700))
    assert_same_words(vocabulary, their_tokenizer(tmp_path), [t.split() for t in random_texts(300)])


# ---- quirks of public checkpoints: docs/checkpoints.md names where each was seen ----------------


def test_one_character_that_becomes_three(tmp_path: Path) -> None:
    """The table of characters of XLM-R writes `…` as `...`; all its wordpieces are of one place."""
    config = written(tmp_path, "xlm-roberta")
    dots = {"type": "Replace", "pattern": {"String": "\u2026"}, "content": "..."}
    edit_json(tmp_path / "tokenizer.json", lambda raw: raw.update(normalizer=dots))
    edit_json(
        tmp_path / "tokenizer_config.json",
        lambda raw: raw.update(tokenizer_class="PreTrainedTokenizerFast"),
    )
    vocabulary = read_tokenizer(tmp_path, config)
    encoded = vocabulary.encode_text("The\u2026\u2026 end")
    assert encoded.offsets[-1] == (9, 9) or encoded.offsets[-1][1] == 9
    assert all(0 <= start <= end <= 9 for start, end in encoded.offsets)
    text = "The\u2026\u2026 end\x10 of\x10 it"
    document = minner.load(tmp_path).document(text)
    assert all(text[one.start : one.end] == one.text for one in document.entities)


@pytest.mark.parametrize("prefix_space", [True, False])
def test_offsets_of_the_first_word_and_after_a_mask(tmp_path: Path, prefix_space: bool) -> None:
    vocabulary = read(tmp_path, "roberta", prefix_space=prefix_space)
    text = "The <mask> first"
    offsets = vocabulary.encode_text(text).offsets
    assert offsets[0][0] == 0
    assert (4, 10) in offsets
    assert "".join(text[start:end] for start, end in offsets) == "The<mask>first"


def test_a_space_alone_is_the_first_wordpiece_of_a_word(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, "xlm-roberta")
    encoded = vocabulary.encode_words(["The", "\u5317"])
    assert encoded.tokens[encoded.word_ids.index(1)] == "▁"
    words, firsts = encode_words(["The", "\u5317"], vocabulary).first()
    assert words.tolist() == [0, 1]
    assert encoded.tokens[firsts[1]] == "▁"


def test_a_length_that_means_none(tmp_path: Path, family: str) -> None:
    assert read(tmp_path, family, max_length=10**30).max_length == 24


def test_special_tokens_that_a_text_spells_out_are_text(taggers: dict[str, minner.Tagger]) -> None:
    """Raw texts are cut into words first, so that nobody ends a text from within."""
    for tagger in taggers.values():
        ids = tagger.trace("My </s> x")["ids"].tolist()
        assert (ids[0], ids[-1]) == (tagger.vocabulary.cls_id, tagger.vocabulary.sep_id)
        assert tagger.vocabulary.sep_id not in ids[1:-1]


@pytest.mark.parametrize("family", ["roberta", "camembert"])
def test_every_command_takes_it(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, small = tmp_path / "model", tmp_path / "small"
    written(model, family, prefix_space=family != "roberta")
    if family == "roberta":
        write_merges(model, prefix_space=False)
    gold = tmp_path / "gold.conll"
    gold.write_text("John B-PER\nSmith I-PER\nworks O\n", encoding="utf-8")
    for arguments in (
        ["inspect", str(model)],
        ["tag", "--model", str(model), "John </s> Smith"],
        ["redact", "--model", str(model), "John Smith"],
        ["eval", str(gold), "--model", str(model)],
        ["convert", str(model), str(small), "--precision", "int8"],
        ["tag", "--model", str(small), "--precision", "int8", "John Smith"],
    ):
        assert main(arguments) == 0, arguments
    said = capsys.readouterr().out
    assert f"cased, by {'vocab.json' if family == 'roberta' else 'tokenizer.json'}" in said
