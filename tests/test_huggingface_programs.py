"""What programs written for Hugging Face transformers do with a pipeline besides calling it.

The right values are those of `TokenClassificationPipeline` in transformers 5.24.0. Where it is
installed they are compared live, with random checkpoints; the other tests need nothing.
"""

from __future__ import annotations

import copy
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, normalizers

import minner
from checkpoints import write_checkpoint
from minner.compat import AggregationStrategy, TokenClassificationPipeline, pipeline
from minner.compat.huggingface.arguments import hub_options
from minner.compat.huggingface.options import Options
from minner.tagger import Tagger
from minner.weights import packed
from minner.weights.checkpoint import open_checkpoint
from minner.weights.hub import HubOptions
from test_huggingface import assert_same

TEXTS = ["My name is John Smith and in London", "", "ACME works for the Paris corp.", "x" * 28]
STRATEGIES = tuple(AggregationStrategy)


class Table:
    """Rows by number, as data sets have them: a length and items, no iterator, no IndexError."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows, self.read = rows, 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Any:
        self.read += 1
        return self.rows[number % len(self.rows)]


# ---- what is passed in --------------------------------------------------------------------------


def test_a_tokenizer_by_path(tiny_path: Path, tmp_path: Path) -> None:
    lowercase = write_checkpoint(tmp_path / "lowercase", max_positions=32, lowercase=True)
    ours = pipeline("ner", str(tiny_path), tokenizer=str(lowercase), ignore_labels=[])
    assert [entity["word"] for entity in ours("John in")] == ["j", "##o", "##h", "##n", "in"]
    same = pipeline("ner", tiny_path, tokenizer=tiny_path, ignore_labels=[])
    assert [entity["word"] for entity in same("John in")] == ["John", "in"]


@pytest.mark.parametrize(
    ("model", "tokenizer", "message"),
    [
        (3, None, "the model must be a directory, a repo id or an object of transformers, not int"),
        (None, Tokenizer, "the tokenizer must be a directory, a repo id or an object"),
    ],
)
def test_what_is_no_model(model: Any, tokenizer: Any, message: str) -> None:
    with pytest.raises(minner.MinnerError, match=message):
        pipeline("ner", model, tokenizer=tokenizer)


class Foreign:
    """Looks like a model of transformers, and is one of another architecture."""

    def save_pretrained(self, path: Path) -> None:
        path.mkdir()
        (path / "config.json").write_text('{"model_type": "gpt2"}')


def test_other_architectures(tiny_path: Path) -> None:
    with pytest.raises(minner.MinnerError, match="pass the tokenizer of the model as well"):
        pipeline("ner", Foreign())
    with pytest.raises(minner.MinnerError, match=r"^model/config\.json .*'gpt2'"):
        pipeline("ner", Foreign(), tokenizer=tiny_path)


class Saving:
    """A model or a tokenizer that can only be saved."""

    def __init__(self, **shape: Any) -> None:
        self.shape = shape

    def save_pretrained(self, path: Path) -> None:
        write_checkpoint(path, max_positions=32, **self.shape)


def test_objects_are_what_they_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = Saving(lowercase=True)
    pipe = pipeline("ner", Saving(seed=7), tokenizer=given, ignore_labels=[])
    model = write_checkpoint(tmp_path / "model", max_positions=32, seed=7)
    tokens = write_checkpoint(tmp_path / "tokens", max_positions=32, lowercase=True)
    assert pipe(TEXTS) == pipeline("ner", model, tokenizer=tokens, ignore_labels=[])(TEXTS)
    assert pipe.tokenizer is given
    # The cache would keep their weights for longer than the files are there.
    later = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: later)
    assert packed._is_settled(open_checkpoint(model))
    assert not packed._is_settled(open_checkpoint(pipe.model.tagger.directory))


@pytest.mark.parametrize(
    "harmless",
    [
        {"device": -1},
        {"device": "cpu", "dtype": "auto", "torch_dtype": "float32"},
        {"use_fast": False, "trust_remote_code": True, "framework": "pt", "num_workers": 4},
        {"device_map": "auto", "model_kwargs": {"low_cpu_mem_usage": True}},
        {"model_kwargs": None, "feature_extractor": None},
    ],
)
def test_harmless_arguments_are_accepted(tiny: Tagger, harmless: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline("ner", tiny, **harmless)


def test_what_minner_cannot_do_is_told_once(tiny: Tagger) -> None:
    with pytest.warns(minner.MinnerWarning) as caught:
        pipeline("ner", tiny, device=0, model_kwargs={"torch_dtype": "float16"})
    assert len(caught) == 1
    assert str(caught[0].message).startswith("ignored: device=0, torch_dtype='float16'; minner ")


@pytest.mark.parametrize(
    ("misspelt", "nearest"),
    [
        ({"agregation_strategy": "max"}, "aggregation_strategy"),
        ({"devise": 0}, "device"),
        ({"tokeniser": "x"}, "tokenizer"),
        ({"model_kwargs": {"cache_dirs": "x"}}, "cache_dir"),
    ],
)
def test_misspelt_arguments(tiny: Tagger, misspelt: dict[str, Any], nearest: str) -> None:
    with pytest.raises(minner.MinnerError, match=rf"; did you mean '{nearest}'\?$"):
        pipeline("ner", tiny, **misspelt)


def test_misspelt_arguments_of_a_call(tiny: Tagger) -> None:
    with pytest.raises(ValueError, match=r"no argument 'strides'; did you mean 'stride'\?"):
        pipeline("ner", tiny)("text", strides=3)


def test_arguments_with_a_meaning() -> None:
    given = {"revision": "v2", "model_kwargs": {"cache_dir": "/c", "local_files_only": True}}
    assert hub_options(given | {"token": "t"}, ()) == HubOptions("v2", "t", "/c", True)


def test_a_config_with_other_labels(tiny_path: Path, tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "other", n_labels=3)
    pipeline("ner", tiny_path, config=tiny_path)
    with pytest.raises(minner.MinnerError, match="config has other labels than the model"):
        pipeline("ner", tiny_path, config=str(other))


@pytest.mark.parametrize(
    ("old", "strategy"),
    [
        ({"grouped_entities": True}, "simple"),
        ({"grouped_entities": True, "ignore_subwords": True}, "first"),
        ({"grouped_entities": False}, "none"),
        ({"ignore_subwords": True}, "none"),
    ],
)
def test_strategies_as_transformers_4_named_them(
    tiny: Tagger, old: dict[str, Any], strategy: str
) -> None:
    assert Options().changed(30, **old).aggregation_strategy == strategy
    assert pipeline("ner", tiny, **old)(TEXTS) == pipeline("ner", tiny)(
        TEXTS, aggregation_strategy=strategy
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda tokenizer: tokenizer(3), "expected a text or a list of texts, not 3"),
        (lambda tokenizer: tokenizer(["a", 3]), "not one that holds 3"),
        (lambda tokenizer: tokenizer.encode(None), "not None"),
        (lambda tokenizer: tokenizer.tokenize(b"a"), "not one that holds 97"),
        (lambda tokenizer: tokenizer.convert_ids_to_tokens("12"), "or a list of ids, not '12'"),
        (lambda tokenizer: tokenizer.convert_ids_to_tokens([1, 2.5]), "not 2.5"),
        (lambda tokenizer: tokenizer.convert_ids_to_tokens(-1), "not -1"),
        (lambda tokenizer: tokenizer.convert_tokens_to_ids(3), "expected a token or a list, not 3"),
        (lambda tokenizer: tokenizer.convert_tokens_to_ids([3]), "not one that holds 3"),
        (lambda tokenizer: tokenizer.convert_tokens_to_string("a"), "a list of tokens, not 'a'"),
        (lambda tokenizer: tokenizer.save_pretrained(3), "directory to save to, not 3"),
    ],
)
def test_wrong_types_for_a_tokenizer(
    tiny: Tagger, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(minner.MinnerError, match=message):
        call(pipeline("ner", tiny).tokenizer)


def test_a_tokenizer_takes_half_characters(tiny: Tagger) -> None:
    tokenizer = pipeline("ner", tiny).tokenizer
    assert tokenizer.encode("John \ud800") == tokenizer.encode("John \ufffd")
    assert tokenizer.convert_tokens_to_ids("\ud800") == tokenizer.convert_tokens_to_ids("none")
    assert tokenizer.convert_tokens_to_string(["John", "\ud800"]) == "John \ufffd"


# ---- inputs -------------------------------------------------------------------------------------


def test_tables_are_read_by_number(tiny: Tagger) -> None:
    pipe, table = pipeline("ner", tiny, ignore_labels=[]), Table(TEXTS)
    stream = pipe(table, batch_size=1)
    assert isinstance(stream, Iterator)
    assert next(stream) == pipe(TEXTS[0])
    assert table.read == 1
    assert list(stream) == pipe(TEXTS[1:])


def test_rows_are_no_texts(tiny: Tagger) -> None:
    with pytest.raises(minner.MinnerError, match="pass one of its columns, such as KeyDataset"):
        next(pipeline("ner", tiny)(Table([{"text": "John"}])))


def test_offset_mapping(tiny: Tagger) -> None:
    pipe = pipeline("ner", tiny, ignore_labels=[])
    places = [(0, 0), (5, 9), (10, 15), (0, 0)]
    moved = pipe("John Smith", offset_mapping=places)
    assert [(one["start"], one["end"]) for one in moved] == [(5, 9), (10, 15)]
    assert pipe(["John Smith"], offset_mapping=places) == [moved]
    assert pipe(["John Smith"] * 2, offset_mapping=[places] * 2) == [moved] * 2
    with pytest.raises(minner.MinnerError, match="has 2 places for 4 tokens"):
        pipe("John Smith", offset_mapping=places[:2])
    with pytest.raises(minner.MinnerError, match="has 1 items for 2 texts"):
        pipe(["John", "Smith"], offset_mapping=places)


def test_words_of_the_constructor(tiny: Tagger) -> None:
    usual = pipeline("ner", tiny, ignore_labels=[])
    pipe = pipeline("ner", tiny, ignore_labels=[], is_split_into_words=True, delimiter="__")
    assert pipe("My name") == usual("My name")
    assert pipe(["My", "name"]) == usual(["My", "name"])  # as in transformers: two texts
    # In transformers this is an error.
    assert pipe([["My", "name"]]) == usual(["My", "name"], is_split_into_words=True, delimiter="__")


def test_integer_labels_stay_integers(tmp_path: Path) -> None:
    numbers = {str(i): i for i in range(9)}
    path = write_checkpoint(tmp_path / "numbers", id2label=numbers, label2id=numbers)
    with pytest.warns(minner.MinnerWarning, match="no label starts with"):
        pipe = pipeline("ner", path)
    assert pipe.model.config.id2label == {i: i for i in range(9)}
    found = pipe("John Smith")
    assert {type(entity["entity"]) for entity in found} == {int}
    ignored = pipe("John Smith", ignore_labels=[entity["entity"] for entity in found])
    assert ignored == []
    grouped = pipe("John Smith", aggregation_strategy="simple")  # transformers fails here
    assert {type(entity["entity_group"]) for entity in grouped} == {int}


def test_a_stride_needs_groups(tiny: Tagger) -> None:
    with pytest.raises(ValueError, match="choose another, such as 'simple'"):
        pipeline("ner", tiny, stride=4, aggregation_strategy="none")
    pipe = pipeline("ner", tiny, aggregation_strategy="simple")
    with pytest.raises(ValueError, match="choose another, such as 'simple'"):
        pipe(TEXTS, stride=4, aggregation_strategy="none")
    # As in transformers, where only what is given together is compared.
    assert pipeline("ner", tiny, stride=4)(TEXTS[1]) == []
    assert pipeline("ner", tiny, aggregation_strategy="none")(TEXTS[1], stride=4) == []


# ---- what is asked of a pipeline ----------------------------------------------------------------


def test_names_of_a_pipeline(tiny_path: Path) -> None:
    pipe = pipeline("ner", str(tiny_path), config=None)
    assert pipe.task == "ner"
    assert TokenClassificationPipeline(tiny_path).task == ""
    assert pipe.model.name_or_path == str(tiny_path)
    config = pipe.model.config
    assert (config.num_labels, config.id2label[1], config.label2id["B-PER"]) == (9, "B-PER", 1)
    assert (config.model_type, config.dim, config.hidden_size) == ("distilbert", 32, 32)
    assert config.to_dict()["id2label"] == config.id2label
    assert pipe.model.eval().to("cpu") is pipe.model
    assert isinstance(pipe.model.tagger, Tagger)
    with pytest.raises(AttributeError, match=r"config\.json has no 'rope'"):
        _ = config.rope
    assert pipe.transform(TEXTS) == pipe.predict(TEXTS) == pipe(TEXTS)


def test_strategies_by_enumeration(tiny: Tagger) -> None:
    for strategy in STRATEGIES:
        pipe = pipeline("ner", tiny, aggregation_strategy=strategy)
        assert pipe(TEXTS) == pipeline("ner", tiny)(TEXTS, aggregation_strategy=strategy.value)


class Upper(TokenClassificationPipeline):
    """As programs derive from a pipeline: more is done to a text, and to what was found."""

    def preprocess(self, sentence: Any, offset_mapping: Any = None, **params: Any) -> Any:
        return super().preprocess(sentence.replace("john", "John"), offset_mapping, **params)

    def postprocess(self, all_outputs: Any, **params: Any) -> Any:
        logits = all_outputs[0]["logits"]
        assert logits.shape == (*all_outputs[0]["input_ids"].shape, 9)
        assert type(logits[0].numpy()) is np.ndarray
        found = super().postprocess(all_outputs, **params)
        return [entity | {"text": all_outputs[0]["sentence"]} for entity in found]


def test_a_derived_pipeline(tiny: Tagger) -> None:
    pipe = pipeline("ner", tiny, pipeline_class=Upper, ignore_labels=[], stride=3)
    expected = pipeline("ner", tiny, ignore_labels=[], stride=3)("John " * 40)
    assert pipe("john " * 40) == [entity | {"text": "John " * 40} for entity in expected]


def test_saving(tiny_path: Path, tmp_path: Path) -> None:
    tokens = write_checkpoint(tmp_path / "other", max_positions=32, lowercase=True)
    pipe = pipeline("ner", tiny_path, tokenizer=tokens, ignore_labels=[])
    pipe.save_pretrained(tmp_path / "saved")
    pipe.save_pretrained(tmp_path / "saved")  # over it
    assert pipeline("ner", tmp_path / "saved", ignore_labels=[])(TEXTS) == pipe(TEXTS)
    pipeline("ner", tmp_path / "saved").save_pretrained(tmp_path / "saved")  # onto itself
    assert pipeline("ner", tmp_path / "saved", ignore_labels=[])(TEXTS) == pipe(TEXTS)
    (tmp_path / "file").touch()
    with pytest.raises(minner.MinnerError, match=r"cannot save to .*file: File exists"):
        pipe.save_pretrained(tmp_path / "file")


# ---- live ---------------------------------------------------------------------------------------

# What torch and transformers warn of is not minner's.
live = pytest.mark.filterwarnings("ignore:", "error::minner.MinnerWarning")


@pytest.fixture(scope="module")
def transformers() -> Any:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    transformers.logging.set_verbosity_error()
    return transformers


@pytest.fixture(scope="module")
def objects(transformers: Any, tiny_path: Path) -> tuple[Any, Any]:
    """A model whose weights were changed since it was loaded, and its tokenizer."""
    model = transformers.AutoModelForTokenClassification.from_pretrained(tiny_path)
    model.classifier.bias.data += 0.5 * model.classifier.bias.data.flip(0) + 0.25
    model.classifier.weight.data *= -1
    return model, transformers.AutoTokenizer.from_pretrained(tiny_path)


def both(transformers: Any, **arguments: Any) -> tuple[Any, Any]:
    """A pipeline of minner and one of transformers, of the same arguments."""
    return pipeline("ner", **arguments), transformers.pipeline("ner", **arguments)


@live
def test_live_objects(transformers: Any, objects: tuple[Any, Any], tiny: Tagger) -> None:
    model, tokenizer = objects
    ours, theirs = both(transformers, model=model, tokenizer=tokenizer, ignore_labels=[])
    for strategy in STRATEGIES:
        for text in (TEXTS[0], TEXTS[2:]):
            found = ours(text, aggregation_strategy=strategy)
            assert_same(found, theirs(text, aggregation_strategy=strategy.value))
    assert found != pipeline("ner", tiny, ignore_labels=[])(TEXTS[2:])
    assert ours.tokenizer is tokenizer
    assert ours.task == theirs.task
    assert ours.model.name_or_path == theirs.model.name_or_path
    assert ours.model.config.id2label == theirs.model.config.id2label
    assert ours.model.config.label2id == theirs.model.config.label2id
    assert ours.model.config.num_labels == theirs.model.config.num_labels
    direct = TokenClassificationPipeline(model=model, tokenizer=tokenizer)
    assert_same(direct(TEXTS[0]), theirs(TEXTS[0], ignore_labels=["O"]))


@live
def test_live_objects_can_be_copied_and_saved(
    transformers: Any, objects: tuple[Any, Any], tmp_path: Path
) -> None:
    model, tokenizer = objects
    ours, theirs = both(transformers, model=model, tokenizer=tokenizer, ignore_labels=[])
    expected = ours(TEXTS)
    assert pickle.loads(pickle.dumps(ours))(TEXTS) == expected
    copied = copy.deepcopy(ours)
    ours.save_pretrained(tmp_path)
    folder = copied.model.tagger.directory
    del ours
    assert copied(TEXTS) == expected
    assert folder.is_dir()
    del copied
    assert not folder.exists()
    again = transformers.pipeline("ner", model=str(tmp_path), ignore_labels=[])
    for text in (TEXTS[0], TEXTS[2]):
        assert_same(theirs(text), again(text), 1e-6)


@live
@pytest.mark.parametrize("lowercase", [False, True])
def test_live_path_and_tokenizer(
    transformers: Any, tiny_path: Path, tmp_path: Path, lowercase: bool
) -> None:
    path = write_checkpoint(tmp_path / "tokens", max_positions=32, lowercase=lowercase)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    ours, theirs = both(
        transformers, model=str(tiny_path), tokenizer=tokenizer, ignore_labels=[], device="cpu"
    )
    assert_same(ours(TEXTS), theirs(TEXTS))


@live
def test_live_tokenizer_that_was_changed(transformers: Any, tiny_path: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_path)
    tokenizer.backend_tokenizer.normalizer = normalizers.Lowercase()
    ours, theirs = both(
        transformers, model=str(tiny_path), tokenizer=tokenizer, ignore_labels=[], device="cpu"
    )
    assert_same(ours(TEXTS), theirs(TEXTS))
    assert ours("JOHN")[0]["word"] == "j"


@live
def test_live_other_models(transformers: Any, tiny_path: Path) -> None:
    sizes = {"n_layers": 1, "n_heads": 1, "dim": 8, "hidden_dim": 8, "vocab_size": 181}
    headless = transformers.DistilBertModel(transformers.DistilBertConfig(**sizes))
    with pytest.raises(minner.MinnerError, match=r"^model has no classifier tensors"):
        pipeline("ner", headless, tokenizer=tiny_path)


@live
def test_live_strategies_stream_and_table(
    transformers: Any, objects: tuple[Any, Any], tiny_path: Path
) -> None:
    from transformers.pipelines.pt_utils import KeyDataset

    model, tokenizer = objects
    ours, theirs = both(transformers, model=model, tokenizer=tokenizer)
    rows = KeyDataset([{"text": text} for text in TEXTS], "text")
    assert_same(list(ours(rows)), list(theirs(rows)))
    assert_same(list(ours(iter(TEXTS))), list(theirs(text for text in TEXTS)))
    enumeration = transformers.pipelines.token_classification.AggregationStrategy
    for one, other in zip(STRATEGIES, enumeration, strict=True):
        assert (one.name, one.value) == (other.name, other.value)
        assert_same(
            ours(TEXTS, aggregation_strategy=other), theirs(TEXTS, aggregation_strategy=other)
        )
    places = [(number, number + 2) for number in range(40)]
    assert_same(
        ours(TEXTS[0], offset_mapping=places, ignore_labels=[]),
        theirs(TEXTS[0], offset_mapping=places, ignore_labels=[]),
    )
    unset = {"aggregation_strategy": None, "ignore_labels": None, "stride": None}
    assert_same(ours(TEXTS, **unset), theirs(TEXTS, **unset))


@live
def test_live_outputs_of_a_window(transformers: Any, objects: tuple[Any, Any]) -> None:
    seen: list[Any] = []

    class Ours(TokenClassificationPipeline):
        def postprocess(self, all_outputs: Any, **params: Any) -> Any:
            seen.append((all_outputs, params))
            return []

    class Theirs(transformers.TokenClassificationPipeline):  # type: ignore[misc]
        postprocess = Ours.postprocess

    model, tokenizer = objects
    options = {"model": model, "tokenizer": tokenizer, "aggregation_strategy": "max", "stride": 2}
    for kind in (Ours, Theirs):
        pipe = kind(**options)
        pipe(TEXTS[0])
        pipe([["John", "Smith"] * 25], is_split_into_words=True)
    for (ours, our_params), (theirs, their_params) in zip(seen[:2], seen[2:], strict=True):
        assert our_params == their_params
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            count = one["input_ids"].shape[1]  # transformers fills up the last window
            assert {name for name in other if other[name] is not None} == {*one} - {
                name for name in one if one[name] is None
            }
            for name in ("input_ids", "special_tokens_mask", "offset_mapping"):
                assert (one[name] == other[name][:, :count].numpy()).all()
            assert np.abs(one["logits"] - other["logits"][:, :count].numpy()).max() < 1e-4
            assert one["sentence"] == other["sentence"]
            if "word_ids" in one:
                assert one["word_ids"] == other["word_ids"][:count]
                assert one["word_to_chars_map"] == other["word_to_chars_map"]


@live
def test_live_tokenizer_of_a_pipeline(transformers: Any, tiny_path: Path) -> None:
    ours, theirs = both(transformers, model=str(tiny_path), device="cpu")
    one, other = ours.tokenizer, theirs.tokenizer
    for text in TEXTS:
        assert one.encode(text) == other.encode(text)
        assert one.tokenize(text) == other.tokenize(text)
        assert one(text)["input_ids"] == other(text)["input_ids"]
    our_columns = one(TEXTS, return_offsets_mapping=True)
    their_columns = other(TEXTS, return_offsets_mapping=True)
    for name in ("input_ids", "attention_mask", "offset_mapping"):
        assert our_columns[name] == their_columns[name]
    ids = one.encode(TEXTS[0], add_special_tokens=False)
    assert ids == other.encode(TEXTS[0], add_special_tokens=False)
    tokens = one.convert_ids_to_tokens(ids)
    assert tokens == other.convert_ids_to_tokens(ids)
    assert one.convert_ids_to_tokens(ids[0]) == other.convert_ids_to_tokens(ids[0])
    assert one.convert_tokens_to_ids([*tokens, "東"]) == other.convert_tokens_to_ids(
        [*tokens, "東"]
    )
    assert one.convert_tokens_to_string(tokens) == other.convert_tokens_to_string(tokens)
    assert one.get_vocab() == other.get_vocab()
    for name in ("name_or_path", "model_max_length", "vocab_size", "is_fast"):
        assert getattr(one, name) == getattr(other, name)
    for role in ("unk", "cls", "sep", "pad", "mask"):
        assert getattr(one, f"{role}_token") == getattr(other, f"{role}_token")
        assert getattr(one, f"{role}_token_id") == getattr(other, f"{role}_token_id")
    assert len(one) == len(other)
