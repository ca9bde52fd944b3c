"""From the probabilities of a document's wordpieces to its tags, entities and all else of it.

One way for all options of `minner.load`: they choose the rules, or filter and rename afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.decoders import DECODERS
from minner.decoding.chunks import conlleval_chunks
from minner.decoding.decoder import best_of_each
from minner.decoding.entities import each_entity
from minner.decoding.reading import Reading
from minner.decoding.schemes import are_bare, chunk_labels, with_prefixes
from minner.decoding.strategies import STRATEGIES
from minner.entity import Entity
from minner.errors import MinnerError
from minner.options import Options
from minner.text.inputs import Source
from minner.text.offsets import unit_offsets
from minner.text.wordpieces import Indices
from minner.text.words import Span

if TYPE_CHECKING:
    from minner.document import Document

Floats = NDArray[np.float32]


class WordTags(NamedTuple):
    """The tags of the words of a document that have wordpieces, w of its W words.

    Attributes:
        words: int `[w]`, ascending, which words these are.
        tags: w tags; a list, unless probabilities are missing.
        scores: float32 `[w]`, the probability of each tag.
        probabilities: float32 `[w, C]`, of all labels; `[0, C]` where only the best are known.
    """

    words: Indices
    tags: Sequence[str]
    scores: Floats
    probabilities: Floats


class Assembler:
    """The rules of one set of options, for one model's labels.

    Attributes:
        options: as they were given.
        labels: the C labels of the model, by class index.
    """

    def __init__(self, options: Options, labels: tuple[str, ...]) -> None:
        """Fit the options to a model.

        Raises:
            MinnerError: an option names a label that the model does not have, or a rule that finds
                nothing in its labels.
        """
        self.options = options
        self.labels = labels
        self._are_bare = are_bare(labels)
        names = options.label_map or {}
        # One string for each, which all entities share: decoders cut theirs out of every tag.
        self._names = {label: names.get(label, label) for label in chunk_labels(labels)}
        self._chunks = DECODERS[options.decoder].chunks
        self._choose = DECODERS[options.decoder].fitted(options.decoder, labels)
        self._strategy = STRATEGIES[options.word_strategy]
        self._changes_nothing = options == Options(
            options.decoder, options.word_strategy, on_long=options.on_long
        )
        self._check_labels()

    @property
    def all_rows(self) -> bool:
        """Whether every wordpiece is looked at, not only the first of each word."""
        return self._strategy.all_rows

    @property
    def best_suffice(self) -> bool:
        """Whether entities can be told from the most probable label of each word alone."""
        return not self.all_rows and self._choose is best_of_each

    @property
    def reads_columns(self) -> bool:
        """Whether entities are what `columns.py` finds, much faster, in many short texts."""
        return self.best_suffice and self._chunks is conlleval_chunks

    @property
    def entity_labels(self) -> tuple[str, ...]:
        """The labels that entities can have, each once, in the order of the classes."""
        kept = filter(self._keeps, map(self._rename, chunk_labels(self.labels)))
        return tuple(dict.fromkeys(kept))

    # ---- tags -----------------------------------------------------------------------------------

    def word_tags(self, reading: Reading) -> WordTags:
        """The tags of the words that have wordpieces."""
        wordpieces = reading.plan.wordpieces
        if reading.best is not None:
            words, known = wordpieces.words[reading.rows], _Tags(self.labels, reading.best.classes)
            return WordTags(words, known, reading.best.scores, reading.probabilities)
        if self.all_rows:
            words, starts = wordpieces.first()
        else:
            words, starts = wordpieces.words[reading.rows], np.arange(len(reading.rows))
        probabilities = self._strategy(reading.probabilities, starts)
        classes = self._choose(probabilities)
        tags = [self.labels[index] for index in classes.tolist()]
        return WordTags(words, tags, probabilities[np.arange(len(classes)), classes], probabilities)

    def tags(self, source: Source, reading: Reading) -> list[str]:
        """The tags of all words of a document: without wordpieces, a word is `O`."""
        return _filled(self.word_tags(reading), len(source.spans))

    # ---- entities -------------------------------------------------------------------------------

    def entities(self, source: Source, reading: Reading) -> list[Entity]:
        """The entities of a document, as the options want them."""
        return [*self.each_entity(source, reading)]

    def each_entity(self, source: Source, reading: Reading) -> Iterator[Entity]:
        """As `entities`, one by one: they are made when they are asked for."""
        return self._each_entity(source, self.word_tags(reading), self._places(source))

    def document(self, source: Source, reading: Reading) -> Document:
        """Put together all that is known of a document."""
        from minner.document import Document  # here: entities do without

        tagged, places = self.word_tags(reading), self._places(source)
        scores, probabilities = self._of_all_words(tagged, len(source.spans), reading.plan.cut)
        return Document(
            text=source.text,
            words=[self._place(places, *span) for span in source.spans],
            tags=_filled(tagged, len(source.spans)),
            scores=scores,
            entities=[*self._each_entity(source, tagged, places)],
            labels=self.labels,
            probabilities=probabilities,
            wordpieces=reading.plan.wordpieces,
            windows=reading.plan.windows,
            cut=reading.plan.cut,
        )

    def _each_entity(
        self, source: Source, tagged: WordTags, places: Sequence[int]
    ) -> Iterator[Entity]:
        text, spans = source
        if len(tagged.words) != len(spans):
            spans = _Picked(spans, tagged.words)
        tags = with_prefixes(tagged.tags) if self._are_bare else tagged.tags
        found = each_entity(text, spans, tags, tagged.scores, self._chunks)
        return found if self._changes_nothing else self._selected(found, places)

    def select(self, text: str, found: list[Entity]) -> list[Entity]:
        """All entities of a text as the options want them: most options leave them as they are."""
        if self._changes_nothing:
            return found
        return [*self._selected(found, unit_offsets(text, self.options.offsets))]

    def _selected(self, found: Iterable[Entity], places: Sequence[int]) -> Iterator[Entity]:
        """Rename and filter entities, and bring their offsets to the unit asked for."""
        for entity in found:
            label = self._rename(entity.label)
            if entity.score >= self.options.min_score and self._keeps(label):
                start, end = self._place(places, entity.start, entity.end)
                yield Entity(entity.text, label, start, end, entity.score)

    def _of_all_words(self, tagged: WordTags, count: int, cut: int) -> tuple[Floats, Floats]:
        """Scores `[W]` and probabilities `[W, C]`, also of words that have no wordpieces.

        Those are `O` for sure; but nothing is known of what was cut off.
        """
        scores = np.ones(count, dtype=np.float32)
        probabilities = np.zeros((count, len(self.labels)), dtype=np.float32)
        if "O" in self.labels:
            probabilities[:, self.labels.index("O")] = 1
        if cut:
            unseen = slice(int(tagged.words[-1]) + 1, None)
            probabilities[unseen], scores[unseen] = 0, 0
        scores[tagged.words], probabilities[tagged.words] = tagged.scores, tagged.probabilities
        return scores, probabilities

    def _places(self, source: Source) -> Sequence[int]:
        return unit_offsets(source.text, self.options.offsets)

    def _place(self, places: Sequence[int], start: int, end: int) -> Span:
        return places[start], places[end] - self.options.inclusive_ends

    # ---- labels ---------------------------------------------------------------------------------

    def _rename(self, label: str) -> str:
        return self._names.get(label, label)

    def _keeps(self, label: str) -> bool:
        kept, ignored = self.options.labels, self.options.ignore_labels
        return label not in ignored and (kept is None or label in kept)

    def _check_labels(self) -> None:
        options = self.options
        types = {*chunk_labels(self.labels)} - {""}
        names = options.label_map or {}
        renamed = {*map(self._rename, types)}
        for option, asked, known in (
            ("label_map", names, types),
            ("labels", options.labels or (), renamed),
            ("ignore_labels", options.ignore_labels, renamed),
        ):
            unknown = sorted(set(asked) - known)
            if unknown:
                raise MinnerError(
                    f"{option} names {unknown[0]!r}, but the labels are: {', '.join(sorted(known))}"
                )


class _Tags(Sequence[str]):
    """Tags by the numbers of their labels; only those that are looked at become strings."""

    def __init__(self, labels: Sequence[str], classes: NDArray[np.uint16]) -> None:
        self._labels, self._classes = labels, classes

    def __len__(self) -> int:
        return len(self._classes)

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self._labels[index] for index in self._classes[place].tolist()]
        return self._labels[self._classes[place]]


class _Picked(Sequence[Span]):
    """The spans of some words, looked up one by one."""

    def __init__(self, spans: Sequence[Span], words: Indices) -> None:
        self._spans, self._words = spans, words

    def __len__(self) -> int:
        return len(self._words)

    def __getitem__(self, place: Any) -> Any:
        return self._spans[self._words[place]]


def _filled(tagged: WordTags, count: int) -> list[str]:
    """The tags of all `count` words."""
    if len(tagged.words) == count:
        return [*tagged.tags]
    tags = ["O"] * count
    for word, tag in zip(tagged.words.tolist(), tagged.tags, strict=True):
        tags[word] = tag
    return tags
