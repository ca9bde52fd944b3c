"""What an entity reaches over, where it ends, and what stays outside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minner
from minner.decoding.assembler import Assembler
from minner.decoding.reading import Reading
from minner.decoding.softmax import softmax
from minner.options import Options
from minner.tagger import Tagger
from minner.text.inputs import Source
from minner.text.paragraphs import holds_paragraph_end
from minner.text.windows import Plan
from minner.text.wordpieces import Wordpieces
from minner.text.words import split_words

IOB = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
IOBES = (*IOB, "E-PER", "S-PER")

INVISIBLE = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2064\u2066\u2069\ufeff\ufffb"
)
WITHOUT_WORDPIECES = INVISIBLE + "\0\x01\x7f\x9f\ufffd\ud800"
"""Characters that BERT's normalizer takes out, and one that no UTF-8 has."""

LINE_BREAKS = ["\n", "\r", "\r\n", "\v", "\x85", "\u2028"]
PARAGRAPH_BREAKS = [
    *(one + other for one in LINE_BREAKS for other in LINE_BREAKS if (one, other) != ("\r", "\n")),
    *("\n \t\n", "\n\u200b\n", "\n\ufffd\n", "\r\n\r\n", "\u2029", "\f", "\x1c", "\x1d", "\x1e"),
]


@pytest.fixture(scope="module")
def ner() -> Tagger:
    return minner.load()


def found(text: str, tags: str, decoder: str = "conlleval") -> list[str]:
    """The entities of a text whose words that are no invisible characters have these tags."""
    labels = IOBES if decoder == "iobes" else IOB
    spans = split_words(text)
    seen = [i for i, (a, b) in enumerate(spans) if text[a:b].strip(WITHOUT_WORDPIECES)]
    chosen = np.array([labels.index(tag) for tag in tags.split()])
    assert len(chosen) == len(seen)
    logits = np.zeros((len(seen), len(labels)), dtype=np.float32)
    logits[np.arange(len(seen)), chosen] = 9
    wordpieces = Wordpieces(np.ones(len(seen), dtype=np.int32), np.array(seen, dtype=np.intp))
    assembler = Assembler(Options(decoder=decoder), labels)
    reading = Reading(Plan(wordpieces, [], 0), np.arange(len(seen)), softmax(logits))
    document = assembler.document(Source(text, spans), reading)
    assert all(text[one.start : one.end] == one.text for one in document.entities)
    return [f"{one.label}:{one.text}" for one in document.entities]


# ---- words without wordpieces -------------------------------------------------------------------

RULES = [
    ("conlleval", "B-PER I-PER"),
    ("conlleval", "I-PER I-PER"),
    ("iob2", "B-PER I-PER"),
    ("sparknlp", "B-PER I-PER"),
    ("viterbi", "B-PER I-PER"),
    ("viterbi-iob1", "I-PER I-PER"),
    ("iobes", "B-PER E-PER"),
]


@pytest.mark.parametrize(("decoder", "tags"), RULES)
def test_decoders_see_through_words_without_wordpieces(decoder: str, tags: str) -> None:
    for character in WITHOUT_WORDPIECES:
        text = f"{character} Anna {character} Kern {character}"
        assert found(text, tags, decoder) == [f"PER:Anna {character} Kern"]


def test_viterbi_chooses_one_path_over_such_words() -> None:
    """`O` in the gap would forbid the I-PER after it."""
    text = "Anna \u200e Kern"
    spans = split_words(text)
    logits = np.float32([[0, 4, 0, 0, 0], [0, 3.9, 4, 0, 0]])
    wordpieces = Wordpieces(np.ones(2, np.int32), np.array([0, 2]))
    reading = Reading(Plan(wordpieces, [], 0), np.arange(2), softmax(logits))
    document = Assembler(Options(decoder="viterbi"), IOB).document(Source(text, spans), reading)
    assert document.tags == ["B-PER", "O", "I-PER"]
    assert [one.text for one in document.entities] == [text]


@pytest.mark.parametrize("character", WITHOUT_WORDPIECES)
def test_they_change_no_entity_of_the_model(ner: Tagger, character: str) -> None:
    text = "{0}Anna{0} Kern {0} left{0} {0}Acme{0} Corp {0}in {0}Bonn{0}.{0}"
    ours, plain = ner.document(text.replace("{0}", character)), ner(text.replace("{0}", ""))
    assert [(one.label, one.score) for one in ours.entities] == [
        (one.label, one.score) for one in plain
    ]
    for one, other in zip(ours.entities, plain, strict=True):
        assert one.text.replace(character, "") == other.text
        assert one.text.strip(character) == one.text


def test_the_reported_text(ner: Tagger) -> None:
    text = "Anna\u200e Kern met Olaf\ufffdBerg."
    assert [one.text for one in ner(text)] == ["Anna\u200e Kern", "Olaf\ufffdBerg"]


# ---- line breaks --------------------------------------------------------------------------------


@pytest.mark.parametrize("line_break", LINE_BREAKS)
@pytest.mark.parametrize(("decoder", "tags"), RULES)
def test_a_line_break_is_white_space(line_break: str, decoder: str, tags: str) -> None:
    text = f"Anna {line_break} Kern"
    assert found(text, tags, decoder) == [f"PER:{text}"]


@pytest.mark.parametrize("paragraph_break", PARAGRAPH_BREAKS)
def test_a_blank_line_ends_an_entity(paragraph_break: str) -> None:
    text = f"Anna {paragraph_break} Kern"
    for decoder, tags in RULES:
        assert found(text, tags, decoder) == ["PER:Anna", "PER:Kern"]
    # What goes on over it goes on after it, whatever the scheme says of the first word there.
    assert found(f"{text} {paragraph_break} Berg Lee", "B-PER I-PER I-PER I-PER", "iob2") == [
        "PER:Anna",
        "PER:Kern",
        "PER:Berg Lee",
    ]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        *((gap, True) for gap in PARAGRAPH_BREAKS),
        *((f" {gap}\t", False) for gap in ["", " ", "\u200b", "\x1f", *LINE_BREAKS]),
        ("\n" + " " * 1000, False),
        ("\r\n" + " " * 1000 + "\r\n", True),
    ],
)
def test_what_ends_a_paragraph(gap: str, expected: bool) -> None:
    assert holds_paragraph_end(gap) == expected


@given(st.text(alphabet="a \n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"))
def test_line_breaks_are_those_of_python(gap: str) -> None:
    breaks = len(f"{gap}.".splitlines()) - 1
    firm = any(character in "\f\x1c\x1d\x1e\u2029" for character in gap)
    assert holds_paragraph_end(gap) == (firm or breaks >= 2)


def test_no_entity_of_any_way_reaches_over_a_blank_line(ner: Tagger) -> None:
    text = "Thanks!\nJohn\n\nJohn Doe\r\n\r\n" + "\r\n" * 2000 + "Smith"
    words = ["Thanks", "!", "\n", "John", "\n\n", "John", "Doe", "\r\n", "\r\n", "Smith"]
    for decoder in ("conlleval", "sparknlp", "viterbi", "iob2"):
        for reader in (
            ner.with_options(decoder=decoder),
            ner.with_options(decoder=decoder, min_score=0.1),
        ):
            for entities in (
                reader(text),
                reader.document(text).entities,
                reader.document(words).entities,
            ):
                assert all(len(one.text.splitlines()) == 1 for one in entities)
                assert "John Doe" in [one.text for one in entities]


# ---- what stands around a name ------------------------------------------------------------------


@pytest.mark.parametrize(
    "marks",
    [
        "*",
        "**",
        "_",
        "__",
        "~~",
        "`",
        '"',
        "'",
        "’",
        "“",
        "”",
        "«",
        "»",
        "„",
        "😀",
        "❤\ufe0f",
        "🎉🎉",
        "™",
    ],
)
def test_marks_around_a_name_stay_outside(marks: str) -> None:
    text = f"{marks} Anna {marks} Kern {marks} {marks}"
    assert found(text, "B-PER" + 5 * " I-PER") == [f"PER:Anna {marks} Kern"]
    assert found(marks, "B-PER") == [f"PER:{marks}"]  # there is no name to stay outside of


@pytest.mark.parametrize(
    "text", ["Yahoo !", "Apple Inc .", "Rad ( B )", "'s", "C ++", "$ 5", "#", "1\ufe0f\u20e3"]
)
def test_other_words_at_the_end_of_a_name_stay(text: str) -> None:
    words = split_words(text)
    assert found(text, " ".join(["B-PER", "I-PER", "I-PER", "I-PER"][: len(words)])) == [
        f"PER:{text}"
    ]


def test_what_trimming_leaves_has_its_own_score() -> None:
    from minner.decoding.entities import entities

    text = "' Anna Kern '"
    scores = np.float32([0.25, 1, 0.5, 0.25])
    tags = ["B-PER", "I-PER", "I-PER", "I-PER"]
    (entity,) = entities(text, split_words(text), tags, scores)
    assert (entity.text, entity.score) == ("Anna Kern", 0.75)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_Oslo_ with Anna_", ["Oslo", "Anna"]),
        ("__Anna Kern__ met ***Olaf Berg*** in `Bonn`.", ["Anna Kern", "Olaf Berg", "Bonn"]),
        ("I met James'.", ["James"]),
        ("😀Anna Kern😀 left Oslo❤\ufe0f.", ["Anna Kern", "Oslo"]),
        ("I live in Bonn.Yours truly, Anna Kern", ["Bonn", "Anna Kern"]),
        ("“Anna Kern” and 'Olaf Berg'", ["Anna Kern", "Olaf Berg"]),
    ],
)
def test_names_in_the_wild(ner: Tagger, text: str, expected: list[str]) -> None:
    assert [one.text for one in ner(text)] == expected


# ---- a mapping is no list of texts --------------------------------------------------------------


def test_keys_are_not_annotated(tiny: Tagger) -> None:
    mapping = {"key": "value"}
    for call in (tiny, tiny.tag, tiny.document, tiny.logits, lambda it: tiny.tag([it])):
        with pytest.raises(minner.MinnerError, match="not dict"):
            call(mapping)  # type: ignore[arg-type]
    for stream in (tiny.pipe, tiny.documents, tiny.pipe_tags, lambda it: tiny.documents([it])):
        with pytest.raises(minner.MinnerError, match="not dict"):
            next(stream(mapping))  # type: ignore[arg-type]
    with pytest.raises(minner.MinnerError, match="not dict"):
        next(tiny.with_options(min_score=0.5).pipe(mapping))  # type: ignore[arg-type]
