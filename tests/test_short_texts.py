"""Many short texts at once: what columns hold is what comes of one text after the other."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product, starmap
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minner.decoding.chunk_columns import ChunkRule
from minner.decoding.chunks import Chunk, conlleval_chunks
from minner.decoding.schemes import are_bare, with_prefixes
from minner.errors import MinnerError
from minner.sequences import packed
from minner.tagger import Tagger
from minner.text import word_table
from minner.text.packed_texts import PackedTexts, pack_texts, pack_words
from minner.text.word_table import WordTable
from minner.text.wordpieces import encode_words
from minner.text.words import one_word, split_field, split_words

# ---- words and wordpieces -----------------------------------------------------------------------

FRAGMENTS = (
    *(
        "John",
        "Smith",
        "J.",
        "j.",
        "É.",
        "Mr.",
        "mr.",
        "Inc.",
        "St.",
        "St.Louis",
        "U.S.",
        "U.S",
        ".",
    ),
    *("...", "don't", "n't", "'s", "’", "it's", "a_name", "_", "__init__", "3.5", "3.Oslo", "1,2"),
    *("Bonn.Yours", "joe@x.org", "http://a.b/c?d", "www.", "AT&T", "-", "a-b", "!", "!!", "(", '"'),
    *(
        "日本",
        "中",
        "e\u0301te\u0301",
        "\u0301",
        "👍🏽",
        "👩\u200d👧",
        "\U0001f1e9\U0001f1ea",
        "Ω",
        "x" * 50,
    ),
    *("\u200b", "\u00ad", "\ufeff", "\ud800", "\0", "\x1c", "\u2028", "\u00a0", "\u3000", "\t"),
    *(" ", " ", " ", " ", "  ", "\n", "\n\n", "\r\n"),
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join) | st.text(max_size=20)


def expected_packed(tagger: Tagger, texts: Sequence[str]) -> list[tuple[list[int], list[Any]]]:
    """The ids of each text, and the words that have some, by the way of one text."""
    found = []
    for text in texts:
        spans = split_words(text)
        wordpieces = encode_words([text[a:b] for a, b in spans], tagger.vocabulary)
        words, places = wordpieces.first()
        found.append(
            (
                wordpieces.ids.tolist(),
                [
                    (place, *spans[word])
                    for word, place in zip(words.tolist(), places.tolist(), strict=True)
                ],
            )
        )
    return found


def shown(cut: PackedTexts, tagger: Tagger) -> list[tuple[list[int], list[Any]]]:
    batch, facts = cut.batch, tagger._reader._encoder.facts
    found: list[tuple[list[int], list[Any]]] = []
    sequences = zip(batch.each(), pairwise(batch.bounds), strict=True)
    for count, own in zip(cut.counts.tolist(), starmap(slice, pairwise(cut.words)), strict=True):
        ids, begin = [], 0
        if count:
            whole, (begin, _) = next(sequences)
            first, *ids, last = whole.tolist()
            assert (first, last, len(ids)) == (facts.cls_id, facts.sep_id, count)
        places = (batch.rows[own] - begin - 1).tolist()
        spans = cut.spans[own].tolist()
        found.append((ids, [(a, *b) for a, b in zip(places, spans, strict=True)]))
    assert not [*sequences]
    return found


@pytest.fixture(scope="module")
def tables(tiny: Tagger) -> list[WordTable]:
    """An empty table; a test appends what it has learnt."""
    return [WordTable(tiny.vocabulary, split_field)]


@given(st.lists(TEXTS, max_size=6))
def test_texts_are_cut_as_each_alone(
    tiny: Tagger, tables: list[WordTable], texts: list[str]
) -> None:
    for before in (tables[0], tables[-1]):
        cut, after = pack_texts(texts, before, tiny._reader.kernels)
        assert shown(cut, tiny) == expected_packed(tiny, texts)
    tables.append(after)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("J. Smith", "J.|Smith"),
        ("by J.", "by|J|."),
        ("J. \u200bSmith", "J.|\u200b|Smith"),
        ("J. (", "J|.|("),
        ("Mr. (", "Mr.|("),
        ("Mr.\u200b\n\u200b!", "Mr.|\u200b|\u200b|!"),
        ("Mr.", "Mr|."),
        ("a-J. b", "a-J|.|b"),
    ],
)
def test_a_dot_that_depends_on_the_next_field(tiny: Tagger, text: str, words: str) -> None:
    """Whatever the table has learnt of the same field in other places."""
    table = WordTable(tiny.vocabulary, split_field)
    for around in (text, f"{text} x", f"{text} ", text):
        spans = split_words(around)
        cut, table = pack_texts([around], table, tiny._reader.kernels)
        assert shown(cut, tiny) == expected_packed(tiny, [around])
        if around == text:
            assert "|".join(text[a:b] for a, b in spans) == words


WORDS = st.lists(st.sampled_from([*FRAGMENTS, ""]) | st.text(max_size=5), max_size=8)


@given(st.lists(WORDS, max_size=5))
def test_given_words_are_words_whatever_they_hold(tiny: Tagger, sentences: list[list[str]]) -> None:
    table = WordTable(tiny.vocabulary, one_word)
    for _ in range(2):  # learning, and looking up
        cut, table = pack_words(sentences, table, tiny._reader.kernels)
        flat = [word for words in sentences for word in words]
        expected = encode_words(flat, tiny.vocabulary)
        words, _ = expected.first()
        assert [i for ids, _ in shown(cut, tiny) for i in ids] == expected.ids.tolist()
        assert cut.keys.tolist() == words.tolist()
        ids = [encode_words(words, tiny.vocabulary) for words in sentences]
        assert cut.counts.tolist() == [len(one.ids) for one in ids]
        assert [place for _, own in shown(cut, tiny) for place, *_ in own] == [
            place for one in ids for place in one.first()[1].tolist()
        ]


def test_threads_learn_side_by_side(tiny: Tagger) -> None:
    choose = random.Random(0)
    batches = [
        ["".join(choose.choices(FRAGMENTS, k=30)) + str(i) for i in range(8)] for _ in range(60)
    ]
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(tiny._reader.cut_texts, batches)]
    for cut, texts in zip(found, batches, strict=True):
        assert shown(cut, tiny) == expected_packed(tiny, texts)


LEARNT = ["Smith's lives in Paris's.", "John", "Acme's and Paris's"]


def test_who_learns_may_be_interrupted_by_who_learns(tiny: Tagger) -> None:
    """As by the handler of a signal, in the same thread: a lock would be taken for ever."""
    meanwhile: list[PackedTexts] = []

    def split(key: str) -> Any:
        if key == "Smith's" and not meanwhile:
            meanwhile.append(pack_texts(LEARNT[1:], table, tiny._reader.kernels)[0])
        return split_field(key)

    table = WordTable(tiny.vocabulary, split)
    cut, same = pack_texts(LEARNT[:1], table, tiny._reader.kernels)
    assert same is table
    assert shown(cut, tiny) == expected_packed(tiny, LEARNT[:1])
    assert shown(meanwhile[0], tiny) == expected_packed(tiny, LEARNT[1:])


def test_who_learns_may_fail(tiny: Tagger) -> None:
    """Then, as in a process forked meanwhile, the pen is gone: the next who learns takes a copy."""
    fails = True

    def split(key: str) -> Any:
        if fails and key == "Paris's.":
            raise InterruptedError
        return split_field(key)

    table = WordTable(tiny.vocabulary, split)
    with pytest.raises(InterruptedError):
        pack_texts(LEARNT, table, tiny._reader.kernels)
    fails = False
    cut, copy = pack_texts(LEARNT, table, tiny._reader.kernels)
    assert shown(cut, tiny) == expected_packed(tiny, LEARNT)
    assert copy is not table
    cut, same = pack_texts(["Acme's in Oslo's"], copy, tiny._reader.kernels)
    assert same is copy
    assert shown(cut, tiny) == expected_packed(tiny, ["Acme's in Oslo's"])


@pytest.mark.parametrize("bound", ["MOST_ROWS", "MOST_CHARACTERS"])
def test_a_table_does_not_grow_for_ever(
    tiny: Tagger, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(word_table, bound, 40)
    texts = [f"Smith{i}'s life in Paris" for i in range(50)]
    sizes = set()
    for text in texts:
        assert tiny([text, text]) == [tiny.document(text).entities] * 2
        sizes.add(len(tiny._reader._fields))
    assert max(sizes) <= 40 + 4


# ---- chunks -------------------------------------------------------------------------------------

LABELS = [
    ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    ("O", "I-PER", "E-PER", "S-PER", "E-LOC"),
    ("O", "L-PER", "U-PER", "B", "I"),
    ("O", "PER", "LOC"),
    ("B-PER", "X", "I-PER", "[-PER"),
]


@pytest.mark.parametrize("labels", LABELS)
def test_chunks_of_columns_are_those_of_conlleval(labels: tuple[str, ...]) -> None:
    rule = ChunkRule(labels)
    texts = [list(one) for k in range(5) for one in product(range(len(labels)), repeat=k)]
    random.Random(0).shuffle(texts)
    bounds = np.cumsum([0, *map(len, texts)])
    classes = np.array([index for text in texts for index in text], dtype=np.uint16)
    found = rule(classes, bounds)
    expected = []
    for text, start in zip(texts, bounds.tolist(), strict=False):
        tags = [labels[index] for index in text]
        chunks = conlleval_chunks(with_prefixes(tags) if are_bare(labels) else tags)
        expected += [Chunk(c.label, c.first + start, c.last + start) for c in chunks]
    assert [
        Chunk(rule.labels[label], first, last)
        for label, first, last in zip(*(column.tolist() for column in found), strict=True)
    ] == expected


# ---- from text to entities ----------------------------------------------------------------------

SENTENCES = [
    *("", " ", "John", "My name is John Smith.", "“John Smith”\n\nParis, London *Acme* 👍🏽"),
    *("Mr. J. Smith met J.\n\n\nMr. Smith", "日本 \u200b e\u0301te\u0301 \ud800 John"),
    " ".join(f"Smith{i} lives in Paris" for i in range(40)),  # many windows
    "John Smith works for Acme Corp. in London, and Mary for Johnson & Co. in Paris. " * 60,
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"labels": ["PER"]},
    {"ignore_labels": ["LOC"], "label_map": {"PER": "PERSON"}},
    {"min_score": 0.3, "offsets": "utf16", "inclusive_ends": True},
    {"on_long": "truncate"},
    {"decoder": "viterbi"},
    {"decoder": "iob2", "word_strategy": "average"},
]


@pytest.mark.filterwarnings("ignore:of the text that begins")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_stream_gives_what_documents_hold(tiny: Tagger, options: dict[str, Any]) -> None:
    ner = tiny.with_options(**options)
    choose = random.Random(1)
    texts = [choose.choice(SENTENCES[:-2]) for _ in range(150)]
    texts[20:20], texts[90:90] = SENTENCES, SENTENCES
    documents = [*ner.documents(texts)]
    assert sum(len(document.entities) for document in documents) > 100
    for size in (None, 1, 7, 64):
        assert [*ner.pipe(texts, batch_size=size)] == [one.entities for one in documents]
    words = [[text[a:b] for a, b in split_words(text)] for text in texts]
    expected = [one.tags for one in ner.documents(words)]
    for size in (None, 1, 7, 64):
        assert [*ner.pipe_tags(words, batch_size=size)] == expected


def test_a_text_too_long_among_short_ones_is_refused(tiny: Tagger) -> None:
    ner = tiny.with_options(on_long="error")
    with pytest.raises(MinnerError, match="the text that begins 'Smith0 lives"):
        ner(["John", SENTENCES[-2], "Paris"])
    assert ner(["John", "Paris"]) == [tiny("John"), tiny("Paris")]


# ---- cut sequences ---------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 20))
def test_runs_hold_all_sequences_in_order(lengths: list[int], most: int) -> None:
    choose = random.Random(sum(lengths))
    sequences = [np.arange(n, dtype=np.int32) + 10 * i for i, n in enumerate(lengths)]
    rows = [np.array(sorted(choose.sample(range(n), n // 2)), dtype=np.intp) for n in lengths]
    runs = [*packed(sequences, rows).runs(most)]
    assert [one.tolist() for run in runs for one in run.each()] == [s.tolist() for s in sequences]
    assert [number for run in runs for number in run.ids[run.rows]] == [
        number for ids, places in zip(sequences, rows, strict=True) for number in ids[places]
    ]
    for run in runs:
        assert run.bounds[0] == 0 and run.bounds[-1] == len(run.ids)
        assert len(run.ids) <= most or len(run.bounds) == 2
