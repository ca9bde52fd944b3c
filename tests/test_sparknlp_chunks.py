"""NerConverter: its rule on odd tags, and its annotations; test_decoders.py has the table."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from minner import MinnerError
from minner.decoders.ner_converter import ner_converter_chunks
from minner.sparknlp import Annotation, NerConverter, Tokenizer, document

ODD_TAGS = [
    ("", ""),
    ("O O", ""),
    ("person-other O", "rson-other[0-0]"),
    ("X O X", ""),  # a tag of one character opens nothing
    ("X B-PER X", "PER[1-2]"),  # and closes nothing
    ("B- I-", "[0-1]"),
    ("E-PER S-LOC", "PER[0-1]"),
    ("b-PER B-PER", "PER[0-0] PER[1-1]"),
]

NO_SCHEMA = [
    ("PER PER O LOC", "PER[0-1] LOC[3-3]"),
    ("PER LOC O", "PER[0-1]"),  # neighbours of different types are joined
    ("X O", "X[0-0]"),
    ("PER B-LOC", "PER[0-0] B-LOC[1-1]"),
]


def show(tags: str, *, has_schema: bool = True) -> str:
    chunks = ner_converter_chunks(tags.split(), has_schema=has_schema)
    return " ".join(f"{chunk.label}[{chunk.first}-{chunk.last}]" for chunk in chunks)


@pytest.mark.parametrize(("tags", "expected"), ODD_TAGS)
def test_chunks(tags: str, expected: str) -> None:
    assert show(tags) == expected


@pytest.mark.parametrize(("tags", "expected"), NO_SCHEMA)
def test_chunks_of_bare_types(tags: str, expected: str) -> None:
    assert show(tags, has_schema=False) == expected


# ---- annotations --------------------------------------------------------------------------------


def tag(token: Annotation, label: str, **metadata: str) -> Annotation:
    return Annotation(
        annotatorType="named_entity",
        begin=token["begin"],
        end=token["end"],
        result=label,
        metadata={"sentence": "0", "word": token["result"], **metadata},
    )


def sentence(begin: int, text: str, **metadata: str) -> Annotation:
    item = document(text, metadata)
    return Annotation(**{**item, "begin": begin, "end": begin + item["end"]})


def convert(
    documents: Sequence[Annotation],
    tags: str,
    numbers: Sequence[str] = (),
    **settings: object,
) -> list[Annotation]:
    """The chunks of tagged documents; the numbers, if any, are the probabilities of the tags."""
    tokens = Tokenizer().annotate(documents)
    labels = tags.split()
    scores = [{label: number} for label, number in zip(labels, numbers, strict=False)]
    scores += [{}] * (len(labels) - len(scores))
    ner = [
        tag(token, label, **score)
        for token, label, score in zip(tokens, labels, scores, strict=True)
    ]
    return NerConverter(**settings).annotate(documents, tokens, ner)  # type: ignore[arg-type]


TEXT = "😀 John Müller (New  York) met U.N. staff"
TAGS = "O B-PER I-LOC O B-LOC I-LOC O O I-ORG I-ORG O"


def test_annotations() -> None:
    numbers = ["1.0", "0.9", "0.8", "1.0", "0.5", "0.25", "1.0", "1.0", "0.75", "9.0E-4", "1.0"]
    assert convert([document(TEXT)], TAGS, numbers) == [
        {
            "annotatorType": "chunk",
            "begin": begin,
            "end": end,
            "result": result,
            "metadata": {
                "entity": entity,
                "sentence": "0",
                "chunk": chunk,
                "confidence": confidence,
            },
        }
        for begin, end, result, entity, chunk, confidence in [
            (3, 13, "John Müller", "PER", "0", "0.85"),
            (16, 24, "New  York", "LOC", "1", "0.375"),
            (31, 34, "U.N.", "ORG", "2", "0.37545"),
        ]
    ]


def test_without_numbers_there_is_no_confidence() -> None:
    assert [list(chunk["metadata"]) for chunk in convert([document("A b")], "B-PER O")] == [
        ["entity", "sentence", "chunk"]
    ]


@pytest.mark.parametrize(
    ("numbers", "confidence"),
    [
        (["0.5", "0.25", "0.25"], "0.33333334"),  # a mean in float32
        (["0.1", "0.2", "0.3"], "0.2"),
        (["1.0E-4", "1.0E-4", "1.0E-4"], "1.0E-4"),
        (["0.5"], "0.5"),  # of those that have one
        (["0.5", "high", "0.25"], None),  # none, if one is no number
        ([" 0.5 ", "0.5"], "0.5"),
    ],
)
def test_confidence(numbers: list[str], confidence: str | None) -> None:
    (chunk,) = convert([document("A B C")], "B-PER I-PER I-LOC", numbers)
    assert chunk["metadata"].get("confidence") == confidence


def test_the_confidence_of_other_taggers_comes_first() -> None:
    documents = [document("A")]
    tokens = Tokenizer().annotate(documents)
    ner = [tag(tokens[0], "B-PER", **{"B-PER": "0.5", "confidence": "0.75"})]
    (chunk,) = NerConverter().annotate(documents, tokens, ner)
    assert chunk["metadata"]["confidence"] == "0.75"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "0 PER John Müller|1 LOC New  York|2 ORG U.N."),
        ({"white_list": ["LOC", "ORG"]}, "0 LOC New  York|1 ORG U.N."),
        ({"white_list": ["B-LOC"]}, ""),
        ({"white_list": []}, ""),
        ({"preserve_position": False}, "0 PER John|1 LOC New|2 ORG U.N"),
        ({"ner_has_no_schema": True}, "0 B-PER John Müller|1 B-LOC New  York|2 I-ORG U.N."),
    ],
)
def test_settings(settings: dict[str, object], expected: str) -> None:
    chunks = convert([document(TEXT)], TAGS, **settings)
    shown = [f"{c['metadata']['chunk']} {c['metadata']['entity']} {c['result']}" for c in chunks]
    assert "|".join(shown) == expected
    assert [chunk["begin"] for chunk in chunks] == sorted(chunk["begin"] for chunk in chunks)


def test_preserve_position_changes_the_text_alone() -> None:
    chunks = convert([document("New York")], "B-LOC I-LOC", preserve_position=False)
    assert [(chunk["begin"], chunk["end"], chunk["result"]) for chunk in chunks] == [(0, 7, "New")]


def test_chunks_stay_in_their_sentences() -> None:
    documents = [
        sentence(0, "In Rome", sentence="0"),
        sentence(8, "...", sentence="1"),
        sentence(12, "😀 York rose", sentence="2"),
    ]
    chunks = convert(documents, "O B-LOC O O I-LOC O")
    assert [
        (chunk["begin"], chunk["end"], chunk["result"], chunk["metadata"]["sentence"])
        for chunk in chunks
    ] == [(3, 6, "Rome", "0"), (15, 18, "York", "2")]


def test_sentences_without_tokens_are_not_counted() -> None:
    documents = [sentence(0, "  ", sentence="0"), sentence(3, "Rome", sentence="1")]
    (chunk,) = convert(documents, "B-LOC")
    assert (chunk["begin"], chunk["metadata"]["sentence"]) == (3, "0")


def test_documents_of_one_number_are_one_sentence() -> None:
    documents = [sentence(0, "New", sentence="0"), sentence(4, "York", sentence="0")]
    with pytest.raises(MinnerError, match="the offsets 0 to 7, outside the 3 characters"):
        convert(documents, "B-LOC I-LOC")
    assert len(convert(documents, "B-LOC O")) == 1


def test_documents_that_no_metadata_number_are_sentences_of_their_own() -> None:
    documents = [sentence(0, "New"), sentence(4, "York")]
    tokens = Tokenizer().annotate(documents)
    for token in tokens:
        token["metadata"].clear()
    ner = [tag(token, "I-LOC") for token in tokens]
    found = NerConverter().annotate(documents, tokens, ner)
    assert [(chunk["result"], chunk["metadata"]["sentence"]) for chunk in found] == [
        ("New", "0"),
        ("York", "1"),
    ]


def test_tokens_without_a_tag_are_outside_and_the_first_of_two_tags_counts() -> None:
    documents = [document("New York City")]
    tokens = Tokenizer().annotate(documents)
    ner = [tag(tokens[0], "B-LOC"), tag(tokens[2], "B-LOC"), tag(tokens[2], "O")]
    found = NerConverter().annotate(documents, tokens, ner)
    assert [chunk["result"] for chunk in found] == ["New", "City"]


def test_a_row_without_anything() -> None:
    assert NerConverter().annotate([], [], []) == []
    assert NerConverter().annotate([document("")], [], []) == []


def test_a_text_that_is_not_the_tokens_own() -> None:
    documents = [document("My name is John")]
    tokens = Tokenizer().annotate(documents)
    documents[0]["result"] = "My name"
    with pytest.raises(MinnerError, match=r"the offsets 11 to 14, outside the 7 characters of"):
        NerConverter().annotate(documents, tokens, [tag(tokens[3], "B-PER")])


def test_a_white_list_is_a_list() -> None:
    with pytest.raises(MinnerError, match=r"must be a list of labels such as \['PER'\]"):
        NerConverter(white_list="PER")
    with pytest.raises(MinnerError, match="not 3"):
        NerConverter(white_list=3)
