"""minner.compat.pipeline against the pipeline of Hugging Face transformers.

`tests/golden/pipeline.json` holds what transformers gave for all CASES, and `pipeline.py` beside
it is the script that stored it. Where torch and transformers are installed the comparison also
runs live.
"""

import json
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minner
from checkpoints import write_checkpoint
from minner.compat import pipeline
from minner.compat.huggingface.aggregation import Wordpiece, aggregate, merge_windows

GOLDEN = Path(__file__).parent / "golden"
STRATEGIES = ("none", "simple", "first", "average", "max")

SENTENCES = [
    "My name is John Smith and I work at Acme Corp. in Berlin.",
    "The U.S. and the U.K. signed it in Frankfurt-am-Main (Germany), didn't they?",
    "BRAZIL BEAT GERMANY 2-0 IN YOKOHAMA",
    "Dr. Ngozi Okonjo-Iweala, who heads the WTO, met O'Brien & Sons' lawyers.",
    "Wolfeschlegelsteinhausenbergerdorff plays for Bayern München; Brennan for Œuvre FC.",
    "Nothing to see here.",
    "Mu\u0308ller and Mu\u0308ller-Łu\u0301kasz saw São Paulo\u2019s caf\u00e9s",
    "In 東京 and Seoul (서울), the \U0001f600 of Αθήνα met \U0001f9d1\u200d\U0001f680 𐍈𐍈.",
    "  A\ttab,\u00a0a no-break\u3000space\u200b, a nul\x00 and a \ufffd in Oslo.\r\n",
    "[CLS] Anna [SEP] of [UNK] and [PAD] in [MASK] Paris ##ton ##",
    "https://example.org/Kofi_Annan?x=1#Geneva e-mailed kofi@un.org at 3.5% -- #Accra",
    "x" * 120 + " Lima",
    "",
    " ",
    "\n",
]
PARAGRAPH = " ".join(SENTENCES[:5])
ODD_LABELS = ["O", "PER", "work-of-art", "B-T-1", "I-T-1", "B-PER", "I-", "I-PER", "E-PER"]

MODELS: dict[str, dict[str, Any]] = {
    "random": {"max_positions": 32},
    "odd labels": {
        "max_positions": 64,
        "seed": 1,
        "id2label": dict(enumerate(ODD_LABELS)),
        "label2id": {label: index for index, label in enumerate(ODD_LABELS)},
    },
    "lowercase": {"max_positions": 64, "seed": 2, "lowercase": True},
}
"""The models beside the embedded one, by what `write_checkpoint` makes of this."""


class Case(NamedTuple):
    """Options of a pipeline, its input, and options of the call."""

    model: str
    options: dict[str, Any]
    inputs: Any
    call: dict[str, Any]


def cases() -> dict[str, Case]:
    """What is compared, by a name."""
    found = {}
    for strategy in STRATEGIES:
        options = {"aggregation_strategy": strategy}
        everything = {"ignore_labels": []}
        found[strategy] = Case("embedded", options, SENTENCES, {})
        found[f"{strategy}, O kept"] = Case("embedded", options, SENTENCES[1::3], everything)
        found[f"{strategy}, words"] = Case(
            "embedded",
            options,
            [text.split() for text in SENTENCES],
            {"is_split_into_words": True, "delimiter": "\n\n"},
        )
        for model in MODELS:
            found[f"{strategy}, {model}"] = Case(model, options, SENTENCES[3:7], everything)
        if strategy == "none":
            options = {}  # transformers refuses a stride beside `none`, but has it as the default
        found[f"{strategy}, stride"] = Case("embedded", options, PARAGRAPH * 6, {"stride": 100})
        for stride in (0, 9, 29):
            found[f"{strategy}, random, stride {stride}"] = Case(
                "random", options | {"stride": stride}, [*SENTENCES[3:5], "My name"], {}
            )
    simple = {"aggregation_strategy": "SIMPLE"}
    ignored = {"ignore_labels": ["O", "PER", "B-LOC"]}
    found["groups ignored"] = Case("embedded", simple | ignored, SENTENCES[:5], {})
    found["wordpieces ignored"] = Case(
        "embedded", simple | ignored, SENTENCES[:5], {"aggregation_strategy": "none"}
    )
    found["cut"] = Case("embedded", simple, PARAGRAPH * 6, {})
    found["one text"] = Case("embedded", simple, SENTENCES[0], {"batch_size": 4})
    found["an empty text"] = Case("embedded", simple, "", {"stride": 4})
    found["one list of words"] = Case(
        "embedded", simple, ["John", "Smith"], {"is_split_into_words": True}
    )
    found["no words"] = Case("embedded", simple, [[], ["Rome"]], {"is_split_into_words": True})
    return found


CASES = cases()


KEYS = {
    6: ("entity", "score", "index", "word", "start", "end"),
    5: ("entity_group", "score", "word", "start", "end"),
}
"""The keys of an entity, by their number; only the values are stored."""


def with_keys(stored):
    """The entities, as dictionaries, of stored lists of values."""
    if stored and not isinstance(stored[0], list):
        return dict(zip(KEYS[len(stored)], stored, strict=True))
    return [with_keys(one) for one in stored]


def assert_same(ours, theirs, tolerance=1e-4):
    """Same shape, keys in the same order, and values; scores within the tolerance."""
    if isinstance(ours, dict):
        assert list(ours) == list(theirs)
        assert isinstance(ours["score"], np.float32)
        assert ours["score"] == pytest.approx(theirs["score"], rel=0, abs=tolerance)
        rest = [key for key in ours if key != "score"]
        assert [ours[key] for key in rest] == [theirs[key] for key in rest]
        assert {type(ours[key]) for key in rest} == {str, int}
    else:
        assert isinstance(ours, list)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other, tolerance)


@pytest.fixture(scope="module")
def models(tmp_path_factory, embedded):
    """The model of each name that a case may have."""
    made = {"embedded": embedded}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", minner.MinnerWarning)
        for name, shape in MODELS.items():
            made[name] = minner.load(write_checkpoint(tmp_path_factory.mktemp("model"), **shape))
    return made


# ---- the strategies by hand -------------------------------------------------------------------


def find(words, probabilities, strategy, labels=("O", "B-X", "I-X")):
    """Entities of wordpieces that stand one space apart, but for those with `##`."""
    wordpieces, end = [], 0
    for word in words:
        continues = word.startswith("##")
        start = end + bool(wordpieces and not continues)
        end = start + len(word.removeprefix("##"))
        wordpieces.append(Wordpiece(word, start, end, continues))

    def join(parts):
        return " ".join(parts).replace(" ##", "")

    rows = np.array(probabilities, np.float32)
    found = aggregate(wordpieces, rows, labels, strategy, join)
    return [tuple(entity.values()) for entity in found]


ROWS = [[0.1, 0.7, 0.2], [0.75, 0.05, 0.2], [0.3, 0.1, 0.6], [0.2, 0.2, 0.6]]
"""Of the wordpieces a ##b ##c d: B-X O I-X I-X."""


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (
            "none",
            [
                ("B-X", 0.7, 1, "a", 0, 1),
                ("O", 0.75, 2, "##b", 1, 2),
                ("I-X", 0.6, 3, "##c", 2, 3),
                ("I-X", 0.6, 4, "d", 4, 5),
            ],
        ),
        ("simple", [("X", 0.7, "a", 0, 1), ("O", 0.75, "##b", 1, 2), ("X", 0.6, "##c d", 2, 5)]),
        ("first", [("X", 0.65, "abc d", 0, 5)]),  # the mean over words, not over wordpieces
        ("max", [("O", 0.75, "abc", 0, 3), ("X", 0.6, "d", 4, 5)]),
        ("average", [("O", 1.15 / 3, "abc", 0, 3), ("X", 0.6, "d", 4, 5)]),
    ],
)
def test_strategies(strategy, expected):
    found = find(["a", "##b", "##c", "d"], ROWS, strategy)
    assert [entity[:1] + entity[2:] for entity in found] == [e[:1] + e[2:] for e in expected]
    assert [entity[1] for entity in found] == pytest.approx([e[1] for e in expected])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_nothing_gives_nothing(strategy):
    assert find([], np.empty((0, 3)), strategy) == []


def test_a_window_that_starts_within_a_word():
    assert find(["##b", "##c"], ROWS[:2], "first") == [("X", np.float32(0.7), "##bc", 0, 2)]


@pytest.mark.parametrize(
    ("tags", "groups"),
    [
        ("B-A I-A O", [("A", 0, 1), ("O", 2, 2)]),
        ("I-A I-A", [("A", 0, 1)]),
        ("B-A I-B", [("A", 0, 0), ("B", 1, 1)]),
        ("I-A I-B I-A", [("A", 0, 0), ("B", 1, 1), ("A", 2, 2)]),
        ("B-A B-A", [("A", 0, 0), ("A", 1, 1)]),
        ("I-A B-A I-A", [("A", 0, 0), ("A", 1, 2)]),
        ("B-A O I-A", [("A", 0, 0), ("O", 1, 1), ("A", 2, 2)]),
        ("A A O O", [("A", 0, 1), ("O", 2, 3)]),
        ("B-A A", [("A", 0, 1)]),
        ("A-B A-B B-B", [("B", 0, 1), ("B", 2, 2)]),
        ("B-A-B I-A-B", [("A-B", 0, 1)]),
        ("B-A E-A", [("A", 0, 0), ("A", 1, 1)]),
        ("LABEL_1 LABEL_2", [("LABEL_1", 0, 0), ("LABEL_2", 1, 1)]),
    ],
)
def test_groups(tags, groups):
    tags = tags.split()
    found = find(["x"] * len(tags), np.eye(len(tags)), "simple", tags)
    assert [(name, start // 2, end // 2) for name, _, _, start, end in found] == groups


@pytest.mark.parametrize(
    ("entities", "kept"),
    [
        ([], []),
        ([(0, 2, 0.9), (2, 4, 0.9)], [0, 1]),
        ([(5, 6, 0.9), (0, 2, 0.9)], [1, 0]),
        ([(0, 2, 0.9), (1, 5, 0.1)], [1]),
        ([(0, 4, 0.1), (1, 3, 0.9)], [0]),
        ([(0, 4, 0.1), (0, 4, 0.2)], [1]),
        ([(0, 4, 0.2), (0, 4, 0.2)], [0]),
        ([(0, 3, 0.9), (2, 6, 0.9), (5, 7, 0.9)], [1]),
        ([(0, 5, 0.9), (3, 6, 0.9), (5, 7, 0.9)], [0, 2]),
    ],
)
def test_windows_are_merged_by_length_then_score(entities, kept):
    given = [dict(zip(("start", "end", "score"), one, strict=True)) for one in entities]
    assert merge_windows(given) == [given[i] for i in kept]


# ---- stored results ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored():
    found = json.loads((GOLDEN / "pipeline.json").read_text())["cases"]
    return {name: with_keys(result) for name, result in found.items()}


@pytest.mark.filterwarnings("ignore::minner.MinnerWarning")
@pytest.mark.parametrize("name", CASES)
def test_stored_results(name, models, stored):
    case = CASES[name]
    pipe = pipeline("ner", model=models[case.model], **case.options)
    assert_same(pipe(case.inputs, **case.call), stored[name])


def test_every_stored_result_belongs_to_a_case(stored):
    assert list(stored) == list(CASES)


# ---- the interface ----------------------------------------------------------------------------


def test_the_embedded_model_is_the_default(embedded):
    assert pipeline()("Anna flew to Rome.") == pipeline("ner", embedded)("Anna flew to Rome.")


def test_a_path_loads_a_model_with_its_tokenizer(tiny_path, tiny):
    pipe = pipeline("token-classification", tiny_path, tokenizer=tiny_path, device=-1)
    assert pipe("My name is John") == pipeline("ner", tiny)("My name is John")


def test_a_stream_is_read_as_it_is_used(tiny):
    read = []

    def texts():
        for text in SENTENCES * 10:
            read.append(text)
            yield text

    pipe = pipeline("ner", tiny, ignore_labels=[], stride=8)
    results = pipe(texts())
    assert not read
    assert next(results) == pipe(SENTENCES[0])
    assert len(read) < len(SENTENCES) * 10
    assert len(list(results)) == len(SENTENCES) * 10 - 1


def test_shapes(tiny):
    pipe = pipeline("ner", tiny, ignore_labels=[])
    one, two = pipe("My name"), pipe("John Smith")
    assert pipe(["My name", "John Smith"]) == pipe(("My name", "John Smith")) == [one, two]
    assert pipe([["My", "name"], ["John", "Smith"]], is_split_into_words=True) == [one, two]
    assert pipe(["My", "name"], is_split_into_words=True) == [one]
    assert pipe([]) == pipe([], is_split_into_words=True) == []


def test_a_call_overrides_for_itself_alone(tiny):
    pipe = pipeline("ner", tiny, ignore_labels=[], aggregation_strategy="max")
    before = pipe("My name")
    assert "index" in pipe("My name", aggregation_strategy="none")[0]
    assert pipe("My name", ignore_labels={entity["entity_group"] for entity in before}) == []
    assert pipe("My name") == before


def test_a_text_that_is_cut_gives_a_warning(tiny):
    pipe = pipeline("ner", tiny, ignore_labels=[])
    text = "name " * 31
    with pytest.warns(minner.MinnerWarning, match=r"31 wordpieces .* takes 30, .* character 150 "):
        found = pipe(text)
    assert found[-1]["end"] == 149
    assert pipe(text, stride=7)[-1]["end"] == 154


def test_lone_surrogates(tiny):
    pipe = pipeline("ner", tiny, ignore_labels=[])
    [name, is_] = pipe("name\ud800 is")
    assert (name["word"], name["end"], is_["start"]) == ("name", 4, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "fill-mask"}, "task must be one of token-classification, ner, not 'fill-mask'"),
        ({"tokenizer": "other"}, "a model from minner.load has a tokenizer"),
        ({"aggregation_strategy": "best"}, "must be one of none, simple, .* not 'best'"),
        ({"aggregation_strategy": 1}, "not 1"),
        ({"ignore_labels": "O"}, "ignore_labels must be a list of labels, not 'O'"),
        ({"stride": 30}, "from 0 to 29 with this model, not 30"),
        ({"stride": -1}, "not -1"),
        ({"stride": 1.5}, "not 1.5"),
        ({"batch_size": "x"}, "batch_size must be a whole number of at least 1, not 'x'"),
        ({"batch_size": 0}, "not 0"),
        ({"pipeline_class": 3}, "must be derived from TokenClassificationPipeline, not 3"),
        ({"pipeline_class": dict}, "not <class 'dict'>"),
        ({"model_kwargs": "x"}, "model_kwargs must be a dictionary of arguments, not 'x'"),
        ({"config": 3}, "config must be a directory, .* not 3"),
        ({"revision": 3}, "revision must be of the type str, not 3"),
        ({"model_kwargs": {"cache_dir": 3}}, "cache_dir must be of the type str or PathLike"),
        ({"token": 3}, "token must be of the type str or bool, not 3"),
        ({"local_files_only": "x"}, "local_files_only must be of the type bool, not 'x'"),
    ],
)
def test_bad_options(tiny, options, message):
    with pytest.raises(minner.MinnerError, match=message):
        pipeline(**{"model": tiny} | options)


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (None, {}, "expected a text or several, not NoneType"),
        (b"text", {}, "not bytes"),
        ({"text": 1}, {}, "not dict"),
        (["text", 1], {}, "a text must be a string, not int"),
        ([["a", "b"]], {}, "not list; for words, pass is_split_into_words=True"),
        ("text", {"is_split_into_words": True}, "must be a list of strings"),
        (["a", ["b"]], {"is_split_into_words": True}, "must be a list of strings"),
        (["a"], {"is_split_into_words": True, "delimiter": 1}, "delimiter must be a string"),
        ("text", {"stride": 30}, "not 30"),
        ("text", {"aggregation_strategy": 1}, "not 1"),
        ("text", {"batch_size": "x"}, "batch_size must be a whole number of at least 1, not 'x'"),
        (["text"], {"batch_size": 1.5}, "not 1.5"),
        ("text", {"offset_mapping": 3}, "offset_mapping must be a list with the start .* not 3"),
        ("text", {"offset_mapping": "xy"}, "not 'xy'"),
        ("text", {"offset_mapping": [3]}, "but it holds 3"),
        ("text", {"offset_mapping": [(0, 0), ("a", "b"), (0, 0)]}, r"but it holds \('a', 'b'\)"),
        ("text", {"offset_mapping": [(0, 0), (0, 1, 2), (0, 0)]}, r"but it holds \(0, 1, 2\)"),
    ],
)
def test_bad_calls(tiny, inputs, options, message):
    with pytest.raises(minner.MinnerError, match=message):
        pipeline("ner", tiny)(inputs, **options)


# Text of any characters, and text that looks like words of the random model.
TEXTS = st.text(max_size=60) | st.text("aé1.'# \u0301MyJohn名", max_size=90)


@settings(max_examples=200)
@given(text=TEXTS, strategy=st.sampled_from(STRATEGIES), stride=st.integers(0, 29))
def test_entities_are_places_in_the_text_in_order(tiny, text, strategy, stride):
    options = {"ignore_labels": [], "stride": stride}
    if strategy != "none":  # which is refused beside a stride, but is the default
        options["aggregation_strategy"] = strategy
    found = pipeline("ner", tiny, **options)(text)
    places = [place for entity in found for place in (entity["start"], entity["end"])]
    assert all(entity["start"] < entity["end"] for entity in found)
    assert places == sorted(places)
    assert not places or (places[0] >= 0 and places[-1] <= len(text))
    assert all(0 < entity["score"] <= 1 for entity in found)


# ---- live -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs(models):
    """The pipelines of transformers for the same models."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    return {
        name: transformers.pipeline("ner", model=str(model._checkpoint.directory), device="cpu")
        for name, model in models.items()
    }


@pytest.mark.filterwarnings("default", "ignore::minner.MinnerWarning")
@pytest.mark.parametrize("name", CASES)
def test_live_results(name, models, theirs):
    model, options, inputs, call = CASES[name]
    ours = pipeline("ner", model=models[model], **options)
    assert_same(ours(inputs, **call), theirs[model](inputs, **(options | call)))


@pytest.mark.filterwarnings("default", "ignore::minner.MinnerWarning")
@settings(max_examples=100)
@given(text=TEXTS, strategy=st.sampled_from(STRATEGIES), stride=st.none() | st.integers(0, 29))
def test_live_on_any_text(models, theirs, text, strategy, stride):
    options = {"ignore_labels": []}
    if strategy != "none":  # which transformers refuses beside a stride, but has as its default
        options["aggregation_strategy"] = strategy
    if stride is not None:
        options["stride"] = stride
    ours = pipeline("ner", model=models["random"], **options)
    assert_same(ours(text), theirs["random"](text, **options))


@pytest.mark.filterwarnings("default", "ignore::minner.MinnerWarning")
def test_live_on_a_long_article(models, theirs, shared):
    articles = (shared / "wiki-text").glob("*.txt")
    text = max(min(articles).read_text(encoding="utf-8").split("<doc"), key=len)[:15_000]
    for strategy in STRATEGIES[1:]:
        options = {"aggregation_strategy": strategy, "stride": 128}
        ours = pipeline("ner", model=models["embedded"], **options)
        assert_same(ours(text), theirs["embedded"](text, **options))
