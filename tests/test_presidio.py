"""The recognizer in Presidio's own analyzer and anonymizer."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Presidio's and spaCy's own
    pytest.importorskip("presidio_analyzer", reason="Presidio is not installed")
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

import minner
from minner.presidio import MinnerRecognizer
from minner.tagger import Tagger

TEXT = "\U0001f600 Kofi Annan of the UN flew to Geneva, call 212-555-5555."


def spans(results: list[Any]) -> list[tuple[str, str]]:
    ordered = sorted(results, key=lambda result: result.start)
    return [(result.entity_type, TEXT[result.start : result.end]) for result in ordered]


@pytest.fixture(scope="module")
def analyzer(embedded: Tagger) -> Any:
    engine = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    analyzer = AnalyzerEngine(nlp_engine=engine)
    analyzer.registry.add_recognizer(MinnerRecognizer(embedded))
    return analyzer


def test_the_analyzer_finds_minner_s_entities(analyzer: Any, embedded: Tagger) -> None:
    results = analyzer.analyze(TEXT, language="en", return_decision_process=True)
    assert spans(results) == [
        ("PERSON", "Kofi Annan"),
        ("ORGANIZATION", "UN"),
        ("LOCATION", "Geneva"),
        ("PHONE_NUMBER", "212-555-5555"),
    ]
    by_start = {result.start: result for result in results}
    for entity in embedded(TEXT):
        assert by_start[entity.start].score == entity.score
        assert by_start[entity.start].analysis_explanation.recognizer == "MinnerRecognizer"


def test_only_what_is_asked_for(analyzer: Any) -> None:
    found = analyzer.analyze(TEXT, language="en", entities=["PERSON"])
    assert spans(found) == [("PERSON", "Kofi Annan")]
    assert "LOCATION" in analyzer.get_supported_entities("en")


def test_names_and_options(embedded: Tagger, tiny: Tagger) -> None:
    utf8 = embedded.with_options(offsets="utf8", inclusive_ends=True)
    recognizer = MinnerRecognizer(utf8, entities={"PER": "NAME"}, min_score=0.5, name="names")
    assert recognizer.supported_entities == ["NAME"]
    assert spans(recognizer.analyze(TEXT, [])) == [("NAME", "Kofi Annan")]
    assert recognizer.name == "names"
    assert recognizer.analyze(TEXT, ["LOCATION"]) == []
    assert MinnerRecognizer(tiny).supported_entities == [
        "LOCATION", "NRP", "ORGANIZATION", "PERSON",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ({}, "entities must map labels to names of Presidio, .* not {}"),
        (["PER"], r"not \['PER'\]"),
        ({"PERS": "PERSON"}, "there is no label 'PERS'; did you mean 'PER'"),
    ],
)
def test_entities_that_would_find_nothing(tiny: Tagger, entities: Any, message: str) -> None:
    with pytest.raises(minner.MinnerError, match=message):
        MinnerRecognizer(tiny, entities=entities)


def test_the_anonymizer_takes_the_results(analyzer: Any) -> None:
    """Names by minner, numbers by Presidio's own recognizers; each with an operator of its own."""
    pytest.importorskip("presidio_anonymizer", reason="Presidio's anonymizer is not installed")
    from presidio_anonymizer import AnonymizerEngine
    from presidio_anonymizer.entities import OperatorConfig

    text = "My name is Bond, James Bond, of London; my card is 4095-2609-9393-4932."
    results = analyzer.analyze(text, "en", ["PERSON", "LOCATION", "CREDIT_CARD"])
    operators = {
        "PERSON": OperatorConfig("replace", {"new_value": "NN"}),
        "CREDIT_CARD": OperatorConfig(
            "mask", {"masking_char": "*", "chars_to_mask": 14, "from_end": False}
        ),
    }
    found = AnonymizerEngine().anonymize(text, results, operators)
    assert found.text == "My name is NN, NN, of <LOCATION>; my card is **************-4932."
