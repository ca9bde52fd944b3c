"""Read files of words, tagged or not; cut words into wordpieces; join sentences to sequences."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer

from minner.text.words import split_words

TYPES = ("PER", "ORG", "LOC", "MISC")
LABELS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
LABEL_ID = {label: row for row, label in enumerate(LABELS)}
MAX_WORDPIECES = 510
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“(])")


@dataclass
class Sentence:
    """Words and their IOB2 tags; where it is trained on, also the labels that each word may have.

    Attributes:
        words: the words.
        tags: the tags as the file has them, in IOB2.
        options: for each word the labels of ours that it may have (`sets.allow` fills them in).
        set_id: the number of its data set.
    """

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    options: list[tuple[str, ...]] = field(default_factory=list)
    set_id: int = 0


Document = list[Sentence]


def sure_names(sentence: Sentence) -> list[tuple[int, int, str]]:
    """List the names that are surely such: first and last-plus-one word, and type; no @handles."""
    found = []
    for start, options in enumerate(sentence.options):
        kind = options[0][2:] if len(options) == 1 and options[0][0] == "B" else ""
        if kind and "@" not in (sentence.words[start][0], sentence.words[start - 1]):
            end = start + 1
            while end < len(sentence.options) and sentence.options[end] == (f"I-{kind}",):
                end += 1
            found.append((start, end, kind))
    return found


def to_iob2(tags: list[str]) -> list[str]:
    """Turn IOB1 (``B-`` only between neighbours of one type) into IOB2; IOB2 stays as it is."""
    fixed, before = [], "O"
    for tag in tags:
        starts = tag.startswith("I-") and before[2:] != tag[2:]
        fixed.append("B" + tag[1:] if starts else tag)
        before = tag
    return fixed


def read_columns(path: Path, word: int = 0, tag: int = -1) -> list[Document]:
    """Read a CoNLL file: a word and its tag in two of the columns, blank lines between sentences.

    In files whose words stand in a later column, lines that start with ``#`` are comments.
    """
    documents: list[Document] = [[]]
    sentence = Sentence()
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        if word and line.startswith("#"):
            continue
        columns = line.split("\t") if "\t" in line else line.split(" ")
        columns = [column for column in columns if column.strip()]
        if columns and not line.startswith("-DOCSTART-"):
            sentence.words.append(columns[word])
            sentence.tags.append(columns[tag].strip())
            continue
        if sentence.words:
            sentence.tags = to_iob2(sentence.tags)
            documents[-1].append(sentence)
            sentence = Sentence()
        if columns:
            documents.append([])
    return [document for document in documents if document]


def read_plain(path: Path) -> list[Document]:
    """Read plain text, a paragraph a line, into sentences without tags; each line is a document."""
    documents = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.startswith("<"):
            parts = SENTENCE_END.split(line)
            cut = [[part[start:end] for start, end in split_words(part)] for part in parts]
            documents.append([Sentence(words, ["O"] * len(words)) for words in cut if words])
    return [document for document in documents if document]


class Cutter:
    """Cut words into wordpiece ids, by longest match or with some matches refused at random."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Keep the tokenizer and remember every word's wordpieces."""
        self.tokenizer = tokenizer
        self.vocab = tokenizer.get_vocab()
        self.cls, self.sep = self.vocab["[CLS]"], self.vocab["[SEP]"]
        self.unk = self.vocab["[UNK]"]
        self.known: dict[str, list[int]] = {}

    def cut(self, word: str) -> list[int]:
        """Return the ids of a word's wordpieces, as the tokenizer gives them."""
        if word not in self.known:
            self.known[word] = self.tokenizer.encode(word, add_special_tokens=False).ids
        return self.known[word]

    def cut_roughly(self, word: str, refuse: float, rng: random.Random) -> list[int]:
        """Cut by longest match, but refuse each longer match with probability ``refuse``."""
        text = self.tokenizer.normalizer.normalize_str(word)
        ids: list[int] = []
        for part, _ in self.tokenizer.pre_tokenizer.pre_tokenize_str(text):
            wordpieces, start = [], 0
            while start < len(part):
                prefix = "##" if start else ""
                for end in range(len(part), start, -1):
                    row = self.vocab.get(prefix + part[start:end])
                    long = end - start > 1
                    if row is not None and not (long and rng.random() < refuse):
                        wordpieces.append(row)
                        start = end
                        break
                else:
                    wordpieces, start = [self.unk], len(part)
            ids += wordpieces
        return ids


FIRST, LATER = 1, 2


@dataclass
class Sample:
    """One sequence of wordpieces, with [CLS] and [SEP].

    Attributes:
        ids: the wordpieces.
        allowed: for each wordpiece a number whose bit ``k`` tells that it may have label ``k``; 0
            for what no label is known of.
        sets: the number of the data set that each wordpiece comes from.
        place: `FIRST` for the first wordpiece of a word, `LATER` for its others, 0 for [CLS] and
            [SEP].
    """

    ids: list[int]
    allowed: list[int]
    sets: list[int]
    place: list[int]


def bits(labels: Iterable[str]) -> int:
    """Write a set of labels as one number."""
    return sum(1 << LABEL_ID[label] for label in set(labels))


def later(labels: Iterable[str]) -> list[str]:
    """Return the labels of a word's later wordpieces: ``I-`` of the same types."""
    return [label if label == "O" else "I" + label[1:] for label in labels]


def make_sample(words: Iterable[Word], cutter: Cutter) -> Sample:
    """Join words into one sequence."""
    sample = Sample([cutter.cls], [0], [0], [0])
    for word in words:
        marks = [bits(word.options)] + [bits(later(word.options))] * (len(word.ids) - 1)
        sample.ids += word.ids
        sample.allowed += marks[: len(word.ids)]
        sample.sets += [word.set_id] * len(word.ids)
        sample.place += [FIRST, *[LATER] * (len(word.ids) - 1)][: len(word.ids)]
    longest = MAX_WORDPIECES + 1  # a longer sentence is cut off (there is hardly any)
    return Sample(
        [*sample.ids[:longest], cutter.sep],
        [*sample.allowed[:longest], 0],
        [*sample.sets[:longest], 0],
        [*sample.place[:longest], 0],
    )


@dataclass
class Word:
    """A word in wordpieces: their ids, the labels that the word may have, and its data set."""

    ids: list[int]
    options: tuple[str, ...]
    set_id: int


@dataclass(frozen=True)
class Mix:
    """How sequences are made: how often words are cut in other ways, and sentences joined."""

    rough_word: float = 0.04
    refuse: float = 0.4
    join: float = 0.12


def cut_words(sentence: Sentence, how: Mix, cutter: Cutter, rng: random.Random) -> list[Word]:
    """Cut a sentence's words, sometimes into other wordpieces."""
    return [
        Word(
            cutter.cut_roughly(word, how.refuse, rng)
            if rng.random() < how.rough_word
            else cutter.cut(word),
            allowed,
            sentence.set_id,
        )
        for word, allowed in zip(sentence.words, sentence.options, strict=True)
    ]


def draw_length(how: Mix, rng: random.Random) -> int:
    """Draw how many wordpieces a sequence may have; 0 means a single sentence."""
    if rng.random() >= how.join:
        return 0
    return rng.choices((96, 192, 256, MAX_WORDPIECES), weights=(40, 30, 20, 10))[0]


def sequences(
    document: Document,
    change: Callable[[Sentence], Sentence],
    how: Mix,
    cutter: Cutter,
    rng: random.Random,
) -> list[Sample]:
    """Walk through a document once, one sentence or several joined ones at a time."""
    samples, words = [], list[Word]()
    length = draw_length(how, rng)
    for sentence in document:
        new = cut_words(change(sentence), how, cutter, rng)
        if words and sum(len(word.ids) for word in (*words, *new)) > length:
            samples.append(make_sample(words, cutter))
            words, length = [], draw_length(how, rng)
        words = words + new
    samples.append(make_sample(words, cutter))
    return samples


def joined(documents: list[Document], cutter: Cutter, limit: int) -> list[Sentence]:
    """Join the sentences of each document up to ``limit`` wordpieces, as long raw text is fed."""
    windows: list[Sentence] = []
    for document in documents:
        window, size = Sentence(), 0
        for sentence in document:
            new = sum(len(cutter.cut(word)) for word in sentence.words)
            if window.words and size + new > limit:
                windows.append(window)
                window, size = Sentence(), 0
            window = Sentence(window.words + sentence.words, window.tags + sentence.tags)
            size += new
        windows.append(window)
    return windows
