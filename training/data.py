"""Read column files of tagged words; cut words into pieces; make training batches."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

TYPES = ("PER", "ORG", "LOC", "MISC")
LABELS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
LABEL_ID = {label: row for row, label in enumerate(LABELS)}
IGNORED = -100
MAX_PIECES = 510


@dataclass
class Sentence:
    """Words and their IOB2 tags."""

    words: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


Document = list[Sentence]


def to_iob2(tags: list[str]) -> list[str]:
    """Turn IOB1 (``B-`` only between neighbours of one type) into IOB2; IOB2 stays as it is."""
    fixed, before = [], "O"
    for tag in tags:
        starts = tag.startswith("I-") and before[2:] != tag[2:]
        fixed.append("B" + tag[1:] if starts else tag)
        before = tag
    return fixed


def read_columns(path: Path) -> list[Document]:
    """Read a CoNLL file: the word in the first column, its tag in the last, blank lines between."""
    documents: list[Document] = [[]]
    sentence = Sentence()
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        columns = line.split("\t") if "\t" in line else line.split(" ")
        columns = [column for column in columns if column.strip()]
        if columns and not line.startswith("-DOCSTART-"):
            sentence.words.append(columns[0])
            sentence.tags.append(columns[-1].strip())
            continue
        if sentence.words:
            sentence.tags = to_iob2(sentence.tags)
            documents[-1].append(sentence)
            sentence = Sentence()
        if columns:
            documents.append([])
    return [document for document in documents if document]


class Cutter:
    """Cut words into piece ids, by longest match or with some matches refused at random."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Keep the tokenizer and remember every word's pieces."""
        self.tokenizer = tokenizer
        self.vocab = tokenizer.get_vocab()
        self.cls, self.sep = self.vocab["[CLS]"], self.vocab["[SEP]"]
        self.unk = self.vocab["[UNK]"]
        self.known: dict[str, list[int]] = {}

    def cut(self, word: str) -> list[int]:
        """Return the ids of a word's pieces, as the tokenizer gives them."""
        if word not in self.known:
            self.known[word] = self.tokenizer.encode(word, add_special_tokens=False).ids
        return self.known[word]

    def cut_roughly(self, word: str, refuse: float, rng: random.Random) -> list[int]:
        """Cut by longest match, but refuse each longer match with probability ``refuse``."""
        text = self.tokenizer.normalizer.normalize_str(word)
        ids: list[int] = []
        for part, _ in self.tokenizer.pre_tokenizer.pre_tokenize_str(text):
            pieces, start = [], 0
            while start < len(part):
                prefix = "##" if start else ""
                for end in range(len(part), start, -1):
                    row = self.vocab.get(prefix + part[start:end])
                    long = end - start > 1
                    if row is not None and not (long and rng.random() < refuse):
                        pieces.append(row)
                        start = end
                        break
                else:
                    pieces, start = [self.unk], len(part)
            ids += pieces
        return ids


@dataclass
class Sample:
    """One sequence: piece ids with [CLS] and [SEP], and a label for every piece."""

    ids: list[int]
    labels: list[int]
    first: list[bool]


def label_pieces(pieces: list[list[int]], tags: list[str], cutter: Cutter) -> Sample:
    """Join words into one sequence; a word's later pieces get ``I-`` of the same type."""
    sample = Sample([cutter.cls], [IGNORED], [False])
    for ids, tag in zip(pieces, tags, strict=True):
        later = "I" + tag[1:] if tag != "O" else "O"
        for position, row in enumerate(ids):
            sample.ids.append(row)
            sample.labels.append(LABEL_ID[later if position else tag])
            sample.first.append(position == 0)
    sample.ids.append(cutter.sep)
    sample.labels.append(IGNORED)
    sample.first.append(False)
    return sample


@dataclass(frozen=True)
class Augment:
    """How often the training text is changed."""

    rough_word: float = 0.04
    refuse: float = 0.4
    upper: float = 0.03
    lower: float = 0.02
    join: float = 0.12


def augmented_words(
    sentence: Sentence, how: Augment, cutter: Cutter, rng: random.Random
) -> list[list[int]]:
    """Cut a sentence's words, sometimes in another case or into other pieces."""
    words, draw = sentence.words, rng.random()
    if draw < how.upper:
        words = [word.upper() for word in words]
    elif draw < how.upper + how.lower:
        words = [word.lower() for word in words]
    return [
        cutter.cut_roughly(word, how.refuse, rng)
        if rng.random() < how.rough_word
        else cutter.cut(word)
        for word in words
    ]


def draw_length(how: Augment, rng: random.Random) -> int:
    """Draw how many pieces a sequence may have; 0 means a single sentence."""
    if rng.random() >= how.join:
        return 0
    return rng.choices((96, 192, 256, MAX_PIECES), weights=(40, 30, 20, 10))[0]


def one_epoch(
    documents: list[Document], how: Augment, cutter: Cutter, rng: random.Random
) -> list[Sample]:
    """Walk through all documents once, one sentence or several joined ones at a time."""
    samples = []
    for document in documents:
        pieces: list[list[int]] = []
        tags: list[str] = []
        length = draw_length(how, rng)
        for sentence in document:
            new = augmented_words(sentence, how, cutter, rng)
            if pieces and sum(map(len, pieces)) + sum(map(len, new)) > length:
                samples.append(label_pieces(pieces, tags, cutter))
                pieces, tags, length = [], [], draw_length(how, rng)
            pieces, tags = pieces + new, tags + sentence.tags
        samples.append(label_pieces(pieces, tags, cutter))
    # A sentence of more pieces than the model has positions is cut off (there is hardly any).
    longest = MAX_PIECES + 2
    return [Sample(s.ids[:longest], s.labels[:longest], s.first[:longest]) for s in samples]


def joined(documents: list[Document], cutter: Cutter, limit: int) -> list[Sentence]:
    """Join the sentences of each document up to ``limit`` pieces, as long raw text is fed."""
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


def batches(samples: list[Sample], cells: int, rng: random.Random | None) -> list[list[Sample]]:
    """Group samples of similar length, at most ``cells`` padded pieces a batch."""
    order = list(samples)
    if rng:
        order.sort(key=lambda sample: len(sample.ids) * rng.uniform(0.9, 1.1))
    else:
        order.sort(key=lambda sample: len(sample.ids))
    groups: list[list[Sample]] = [[]]
    for sample in order:
        longest = max([len(sample.ids), *(len(other.ids) for other in groups[-1])])
        if groups[-1] and longest * (len(groups[-1]) + 1) > cells:
            groups.append([])
        groups[-1].append(sample)
    if rng:
        rng.shuffle(groups)
    return groups


def pad(batch: list[Sample]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return ids, mask, labels and first-piece marks, padded to the longest sample."""
    shape = (len(batch), max(len(sample.ids) for sample in batch))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    labels, first = np.full(shape, IGNORED, np.int64), np.zeros(shape, bool)
    for row, sample in enumerate(batch):
        length = len(sample.ids)
        ids[row, :length], mask[row, :length] = sample.ids, 1
        labels[row, :length], first[row, :length] = sample.labels, sample.first
    return ids, mask, labels, first
