"""The spaCy component, in real spaCy pipelines."""

from __future__ import annotations

import pickle
import warnings
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # spaCy's own
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
    from spacy.tokenizer import Tokenizer
    from spacy.tokens import Doc, Span
    from spacy.training import Example

from minner import MinnerError, MinnerWarning
from minner.entity import Entity
from minner.spacy_component import MinnerComponent
from minner.tagger import Tagger

TEXTS = ["Kofi Annan flew to Geneva.", "", " \n", "AL-AIN, the U.S. and  Paris\n\nare places."]


@pytest.fixture(scope="module")
def nlp(embedded: Tagger) -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("minner", config={"threads": 1})
    return nlp


def found(doc: Any) -> list[Entity]:
    return [
        Entity(span.text, span.label_, span.start_char, span.end_char, span._.score)
        for span in doc.ents
    ]


def by_whitespace(*stand_in: Entity) -> Any:
    """A pipeline whose tokens hold their punctuation, and a component that finds these entities."""
    nlp = spacy.blank("en")
    nlp.tokenizer = Tokenizer(nlp.vocab)
    component = MinnerComponent.__new__(MinnerComponent)
    component._ner = lambda texts: [list(stand_in) for _ in texts]  # type: ignore[assignment]
    return lambda text: component(nlp(text))


def test_entities_are_minners(nlp: Any, embedded: Tagger) -> None:
    assert [found(nlp(text)) for text in TEXTS] == embedded(TEXTS)
    assert [found(doc) for doc in nlp.pipe(TEXTS, batch_size=2)] == embedded(TEXTS)
    doc = nlp(TEXTS[0])
    assert [token.ent_iob_ for token in doc] == ["B", "I", "O", "O", "B", "O"]


def test_other_processes(nlp: Any, embedded: Tagger) -> None:
    assert [found(doc) for doc in nlp.pipe(TEXTS, n_process=2)] == embedded(TEXTS)


def test_scores_outlive_a_document(nlp: Any, embedded: Tagger) -> None:
    doc = nlp(TEXTS[0])
    assert found(Doc(nlp.vocab).from_bytes(doc.to_bytes())) == embedded(TEXTS[0])
    assert doc[2:3]._.score is None


def test_a_pipeline_on_disk(nlp: Any, tmp_path: Path, embedded: Tagger) -> None:
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert again.config["components"]["minner"] == {
        "factory": "minner",
        "model": None,
        "precision": "float32",
        "threads": 1,
        "lowercase": None,
        "rules": {},
    }
    assert found(again(TEXTS[0])) == embedded(TEXTS[0])


def test_another_model(tiny_path: Path, tiny: Tagger) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("minner", config={"model": str(tiny_path)})
    text = "John Smith lives in London ."
    assert found(nlp(text)) == tiny(text)
    with pytest.raises(MinnerError, match="no directory '/no/such/model'"):
        spacy.blank("en").add_pipe("minner", config={"model": "/no/such/model"})


def test_rules(tmp_path: Path, embedded: Tagger) -> None:
    rules = {"decoder": "viterbi", "labels": ["PERSON"], "label_map": {"PER": "PERSON"}}
    nlp = spacy.blank("en")
    nlp.add_pipe("minner", config={"rules": rules})
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        assert [(e.text, e.label_) for e in pipeline(TEXTS[0]).ents] == [("Kofi Annan", "PERSON")]
        assert found(pipeline(TEXTS[0])) == embedded.with_options(**rules)(TEXTS[0])
        assert pipeline.pipe_labels["minner"] == ["PERSON"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"offsets": "utf8"}, "there is no rule 'offsets'; choose from: decoder, "),
        ({"colour": "red"}, "there is no rule 'colour'; choose from: decoder, "),
        ({"decodr": "iob2"}, "there is no rule 'decodr'; did you mean 'decoder'?"),
        ({"decoder": "crf"}, "decoder 'crf' is not available"),
    ],
)
def test_bad_rules(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(MinnerError, match=message):
        spacy.blank("en").add_pipe("minner", config={"rules": rules})


def test_labels_and_scores(nlp: Any) -> None:
    assert nlp.pipe_labels["minner"] == ["PER", "ORG", "LOC", "MISC"]
    gold = {"entities": [(0, 10, "PER"), (19, 25, "ORG")]}
    scores = nlp.evaluate([Example.from_dict(nlp.make_doc(TEXTS[0]), gold)])
    assert (scores["ents_p"], scores["ents_r"], scores["ents_f"]) == (0.5, 0.5, 0.5)


def test_a_pickled_component(nlp: Any, embedded: Tagger) -> None:
    component = pickle.loads(pickle.dumps(nlp.get_pipe("minner")))
    assert found(component(nlp.make_doc(TEXTS[0]))) == embedded(TEXTS[0])


def test_an_entity_grows_to_whole_tokens() -> None:
    nlp = by_whitespace(Entity("Berlin", "LOC", 4, 10, 0.9))
    with pytest.warns(MinnerWarning, match=r"text='Berlin'.* grew to '\(Berlin\)\.'"):
        doc = nlp("in (Berlin).")
    assert found(doc) == [Entity("(Berlin).", "LOC", 3, 12, 0.9)]


def test_two_entities_of_one_token() -> None:
    first, second = Entity("Rome", "LOC", 0, 4, 0.8), Entity("Paris", "LOC", 5, 10, 0.9)
    with pytest.warns(MinnerWarning) as warned:
        doc = by_whitespace(first, second)("Rome/Paris now")
    assert found(doc) == [Entity("Rome/Paris", "LOC", 0, 10, 0.9)]
    assert [str(warning.message).split(") ")[1] for warning in warned] == [
        "grew to 'Rome/Paris', because spaCy's tokens end there",
        "was left out: it shares a token with one of higher score",
    ]


def test_entities_that_are_there_stay(embedded: Tagger) -> None:
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "CITY", "pattern": "to Geneva"}])
    nlp.add_pipe("minner")
    doc = nlp(TEXTS[0])
    assert [(span.text, span.label_) for span in doc.ents] == [
        ("Kofi Annan", "PER"),
        ("to Geneva", "CITY"),
    ]
    assert doc.ents[1]._.score is None
    assert Span.has_extension("score")


@pytest.mark.parametrize(
    ("first", "last", "left"),
    [
        (4, 5, ["Kofi Annan"]),
        (0, 1, ["Geneva"]),
        (1, 3, ["Geneva"]),
        (2, 3, ["Kofi Annan", "Geneva"]),
    ],
)
def test_blocked_tokens_are_left_alone(nlp: Any, first: int, last: int, left: list[str]) -> None:
    """As spaCy 3.8.18's own `ner`: blocked tokens stay `B` without a type, missing ones are `O`."""
    doc = nlp.make_doc(TEXTS[0])
    doc.set_ents([], blocked=[doc[first:last]], default="unmodified")
    doc = nlp.get_pipe("minner")(doc)
    assert [span.text for span in doc.ents] == left
    for token in doc:
        if first <= token.i < last:
            assert (token.ent_iob_, token.ent_type_) == ("B", "")
        else:
            assert (token.ent_iob_ == "O") == (token.ent_type_ == "")


def failing(tiny_path: Path) -> Any:
    """A pipeline that fails on texts of more wordpieces than its model takes."""
    nlp = spacy.blank("en")
    nlp.add_pipe("minner", "names", config={"model": str(tiny_path), "rules": {"on_long": "error"}})
    return nlp


def test_failing_documents_go_to_the_error_handler(tiny_path: Path, tiny: Tagger) -> None:
    texts = ["John Smith .", "John " * 40, "in London", "Mary " * 50]
    nlp = failing(tiny_path)
    for run in (lambda: list(nlp.pipe(texts)), lambda: nlp(texts[1])):
        with pytest.raises(MinnerError, match="40 wordpieces"):
            run()
    seen = []
    nlp.set_error_handler(lambda name, proc, docs, error: seen.append((name, docs, error)))
    kept = list(nlp.pipe(texts, batch_size=3))
    assert [doc.text for doc in kept] == [texts[0], texts[2]]
    assert [found(doc) for doc in kept] == [tiny(texts[0]), tiny(texts[2])]
    assert [(name, [doc.text for doc in docs]) for name, docs, _ in seen] == [
        ("names", [texts[1]]),
        ("names", [texts[3]]),
    ]
    assert all(isinstance(error, MinnerError) for _, _, error in seen)
    assert nlp(texts[1]).ents == ()  # as spaCy does where a single document fails
    assert len(seen) == 3


@pytest.fixture
def own_score() -> Any:
    """A program's own extension of the name `score`."""
    before = Span.get_extension("score")
    Span.set_extension("score", getter=lambda span: "mine", force=True)
    yield
    Span.set_extension("score", default=before[0], force=True)


def test_a_program_s_own_score_hides_nothing(own_score: None, nlp: Any, embedded: Tagger) -> None:
    doc = nlp(TEXTS[0])
    assert [span._.score for span in doc.ents] == ["mine", "mine"]
    assert [span._.minner_score for span in doc.ents] == [e.score for e in embedded(TEXTS[0])]


def test_the_entry_point() -> None:
    """So that `add_pipe("minner")` works where nothing of minner was imported."""
    points = entry_points(group="spacy_factories", name="minner")
    if not points:
        pytest.skip("minner is not installed, or without its entry points")
    assert {point.value for point in points} == {"minner.spacy_component:make"}
