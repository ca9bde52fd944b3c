"""Long texts and long words: the same results as in parts, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from minner.decoders import DECODERS
from minner.decoding import entities as decoding
from minner.tagger import Tagger
from minner.text import inputs, wordpieces, words
from minner.text.wordpieces import encode_words
from minner.text.words import PackedSpans, split_words, word_spans

# Not by getrusage: its peak begins with that of the process that started this one.
MEMORY = """
import sys
from sys import getsizeof
from minner.text.inputs import text_source
from minner.text.wordpieces import encode_words
import minner
ner = minner.load(sys.argv[1], threads=1)
ner("warm")
text = {text}

def kilobytes(name):
    return int(open("/proc/self/status").read().partition(name)[2].split()[0])

before, found = kilobytes("VmRSS:"), []
{work}
peak = kilobytes("VmHWM:")
sizes = (getsizeof(one) + getsizeof(one.text) + 2 * getsizeof(one.start) + 32 for one in found)
print(((peak - before) * 1024 - sum(sizes)) / len(text))
"""


PEAK = """
import sys
from minner import cli
assert cli.main(sys.argv[1:]) == 0
sys.stdout.flush()
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0], file=sys.stderr)
"""


TAGS = ["O", "B-PER", "I-PER", "E-PER", "S-PER", "L-PER", "U-PER", "B-LOC", "I-LOC"]


def bytes_a_character(path: object, text: str, work: str) -> float:
    """How far memory rises over some work on a text, beside that text and the entities found."""
    program = MEMORY.format(text=text, work=work)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("'a' * 20_000_000", 1),
        ("'a-' * 5_000_000", 25),
        ("'a.' * 5_000_000", 25),
        ("'\\u4e2d' + 'a' * 10_000_000", 10),
        ("'\\u200b' * 10_000_000", 1),
        ("'http://' + 'a' * 10_000_000", 2),
    ],
)
def test_words_of_any_length_take_little_memory(tiny_path, text: str, most: float) -> None:  # type: ignore[no-untyped-def]
    """Not 120 bytes a character, which the tokenizer and a pattern with choices take."""
    work = "source = text_source(text); wordpieces = encode_words(source.words, ner.vocabulary)"
    assert bytes_a_character(tiny_path, text, work) < most


def test_a_long_text_takes_little_memory(tiny_path) -> None:  # type: ignore[no-untyped-def]
    """Not 85 bytes a character: words, their probabilities, chunks, and each entity twice."""
    text = "'John Smith lives in London and works for Acme Corp. ' * 40_000"
    assert bytes_a_character(tiny_path, text, "found = ner(text)") < 40


@pytest.mark.parametrize(
    ("command", "most"),
    [
        ("tag --format table", 40),
        ("tag --format jsonl", 40),
        ("tag --format displacy", 40),
        ("tag --format brat", 40),
        ("tag --format html", 40),
        ("tag --format conll", 60),
        ("redact --numbered --map /dev/null", 40),
    ],
)
def test_commands_hold_no_list_of_all_entities(
    tiny_path: Path, tmp_path: Path, command: str, most: int
) -> None:
    """Each takes 220 bytes, and as much again as a record: 40 bytes a character of this text."""
    peaks, model = [], ("--threads", "1", "--model", str(tiny_path))
    for name, count in (("short", 1_000), ("long", 300_000)):
        (tmp_path / name).write_text("John of Paris " * count)
        done = subprocess.run(
            [sys.executable, "-c", PEAK, *command.split(), *model, "-f", str(tmp_path / name)],
            capture_output=True,
            check=True,
        )
        peaks.append(int(done.stderr))
    assert (peaks[1] - peaks[0]) * 1024 / (14 * 299_000) < most


def test_a_text_read_in_stretches_gives_the_same(
    tiny: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(f"Smith{i}, \ud800 of \u200b Paris\n\n" for i in range(300))
    texts = [text, "", "John Smith", text[:500]]
    readers = [tiny, tiny.with_options(decoder="viterbi", word_strategy="average")]
    expected = [[ner(texts), [*ner.documents(texts)], ner.tag(text.split())] for ner in readers]
    monkeypatch.setattr(words, "LONG_TEXT", 100)
    monkeypatch.setattr(wordpieces, "CHARACTERS_PER_CALL", 50)
    monkeypatch.setattr("minner.reader.WINDOWS_PER_CALL", 2)
    monkeypatch.setattr("minner.decoding.entities.WORDS_AT_ONCE", 3)
    monkeypatch.setattr("minner.reader.CHARACTERS_PER_GROUP", 1000)
    assert isinstance(inputs.text_source(text).spans, PackedSpans)
    for ner, (entities, documents, tags) in zip(readers, expected, strict=True):
        assert ner(texts) == entities
        assert [*map(list, ner.stream(texts))] == entities
        assert ner.tag(text.split()) == tags
        for ours, theirs in zip(ner.documents(texts), documents, strict=True):
            assert (ours.words, ours.tags, ours.entities) == (
                theirs.words,
                theirs.tags,
                theirs.entities,
            )
            np.testing.assert_array_equal(ours.probabilities, theirs.probabilities)
            np.testing.assert_array_equal(ours.wordpieces.ids, theirs.wordpieces.ids)


@pytest.mark.parametrize("name", DECODERS)
def test_every_rule_finds_the_same_in_runs_of_words(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No rule joins an `O` or a `B-` to the word before: there runs are cut."""
    random = Random(0)
    tags = random.choices(
        ["O", "B-PER", "I-PER", "E-PER", "S-PER", "L-PER", "U-PER", "B-LOC", "I-LOC"], k=2000
    )
    spans, scores = [(2 * at, 2 * at + 1) for at in range(2000)], np.ones(2000, dtype=np.float32)
    found = decoding.entities("a " * 2000, spans, tags, scores, DECODERS[name].chunks)
    for count in (1, 2, 7):
        monkeypatch.setattr("minner.decoding.entities.WORDS_AT_ONCE", count)
        assert decoding.entities("a " * 2000, spans, tags, scores, DECODERS[name].chunks) == found
    assert len(found) > 100


def test_packed_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Ann Lee met\u200b Bob."
    plain = split_words(text)
    packed = PackedSpans(plain)
    assert [*packed] == plain
    assert (len(packed), packed[-1], packed[1:3]) == (len(plain), plain[-1], plain[1:3])
    assert word_spans(text) == plain
    monkeypatch.setattr(words, "LONG_TEXT", 5)
    assert [*word_spans(text)] == plain
    assert [*word_spans(" " * 9)] == []
    assert isinstance(inputs.words_source(["Ann", "Lee"]).spans, PackedSpans)


def test_what_the_tokenizer_sees_of_a_long_word(tiny: Tagger) -> None:
    unknown = tiny.vocabulary.tokenizer.token_to_id("[UNK]")
    for word in ("a" * 9999, "a" * 1_000_000):
        assert encode_words(["My", word, "name"], tiny.vocabulary).ids.tolist()[1] == unknown
    found = encode_words(["My", "a-" * 100_000, "name"], tiny.vocabulary)
    assert np.bincount(found.words).tolist() == [1, wordpieces.LONGEST_WORD, 1]


@pytest.mark.parametrize(
    "text",
    [
        "中" + "ab" * 9999,
        "中 " + "ab-cd.Ef " * 9,
        "U.S.A中 Mr. 中 J. 中 \u200d中 a中b_中_ http://x/中",
    ],
)
def test_a_text_with_cjk_is_cut_as_before(text: str) -> None:
    spans = split_words(text)
    assert "".join(text[a:b] for a, b in spans) == "".join(text.split())
    assert all(b - a == 1 for a, b in spans if text[a] == "中")
