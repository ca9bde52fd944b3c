"""From the logits of a text to a Document, by the rules that the options of `minner.load` choose.

`Tagger` takes a shorter way to the same entities where no option asks for another rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minner.decode import entities
from minner.decoders import DECODERS, SCHEMES_READ, VITERBI, scheme_written
from minner.document import Document
from minner.entity import Entity
from minner.errors import MinnerError
from minner.offsets import unit_offsets
from minner.options import Options
from minner.pieces import Pieces, Window
from minner.schemes import are_bare, chunk_labels, scheme_of_labels, with_prefixes
from minner.strategies import STRATEGIES
from minner.words import Span

Floats = NDArray[np.float32]
Classes = NDArray[np.intp]
Chooser = Callable[[Floats], Classes]
"""From the probabilities `[w, C]` of words to a class for each."""


class Reading(NamedTuple):
    """What the model made of a document.

    Attributes:
        pieces: the n pieces it saw.
        windows: how it saw them.
        cut: how many pieces after those it did not see.
        logits: float32 `[n, C]`.
    """

    pieces: Pieces
    windows: list[Window]
    cut: int
    logits: Floats


class WordTags(NamedTuple):
    """W tags, the probability of each, and those of all C labels, float32 `[W]` and `[W, C]`."""

    tags: list[str]
    scores: Floats
    probabilities: Floats


class Assembler:
    """The rules of one set of options, for one model's labels."""

    def __init__(self, options: Options, labels: tuple[str, ...]) -> None:
        """Fit the options to a model.

        Raises:
            MinnerError: an option names a label that the model does not have, or a rule that finds
                nothing in its labels.
        """
        self._options = options
        self._labels = labels
        self._are_bare = are_bare(labels)
        self._check_decoder()
        self._check_labels()
        self._chunks = DECODERS[options.decoder]
        self._share = STRATEGIES[options.word_strategy]
        self._choose = self._path_finder() if options.decoder in VITERBI else _best_of_each

    @property
    def entity_labels(self) -> tuple[str, ...]:
        """The labels that entities can have, each once, in the order of the classes."""
        kept = filter(self._keeps, map(self._rename, chunk_labels(self._labels)))
        return tuple(dict.fromkeys(kept))

    def chunk_tags(self, tags: list[str]) -> list[str]:
        """Tags that say where chunks are: labels without a prefix read as `I-`."""
        return with_prefixes(tags) if self._are_bare else tags

    def document(self, text: str, spans: Sequence[Span], reading: Reading) -> Document:
        """Put together all that is known of a text.

        Args:
            text: the text.
            spans: start and end of each word, in code points.
            reading: what the model made of these words.
        """
        tags, scores, probabilities = self.word_tags(reading, len(spans))
        seen = reading.pieces.first()[0]
        found = entities(text, spans, self.chunk_tags(tags), scores, self._chunks, seen)
        places = unit_offsets(text, self._options.offsets)
        return Document(
            text=text,
            words=[self._place(places, *span) for span in spans],
            tags=tags,
            scores=scores,
            entities=self._select(found, places),
            labels=self._labels,
            probabilities=probabilities,
            pieces=reading.pieces,
            windows=reading.windows,
            cut=reading.cut,
        )

    def word_tags(self, reading: Reading, count: int) -> WordTags:
        """The tags of a document's `count` words."""
        pieces, _, cut, logits = reading
        seen, starts = pieces.first()
        tags = ["O"] * count
        probabilities = np.zeros((count, len(self._labels)), dtype=np.float32)
        scores = np.ones(count, dtype=np.float32)
        if "O" in self._labels:
            probabilities[:, self._labels.index("O")] = 1
        if cut:
            unseen = slice(int(seen[-1]) + 1, None)
            probabilities[unseen], scores[unseen] = 0, 0
        if len(seen):
            probabilities[seen] = self._share(logits, starts)
            best = self._choose(probabilities[seen])
            scores[seen] = probabilities[seen, best]
            for word, label in zip(seen.tolist(), best.tolist(), strict=True):
                tags[word] = self._labels[label]
        return WordTags(tags, scores, probabilities)

    def _select(self, found: list[Entity], places: Sequence[int]) -> list[Entity]:
        """Rename and filter entities, and bring their offsets to the unit asked for."""
        selected = []
        for entity in found:
            label = self._rename(entity.label)
            if entity.score >= self._options.min_score and self._keeps(label):
                start, end = self._place(places, entity.start, entity.end)
                selected.append(Entity(entity.text, label, start, end, entity.score))
        return selected

    def _rename(self, label: str) -> str:
        return (self._options.label_map or {}).get(label, label)

    def _keeps(self, label: str) -> bool:
        kept, ignored = self._options.labels, self._options.ignore_labels
        return label not in ignored and (kept is None or label in kept)

    def _place(self, places: Sequence[int], start: int, end: int) -> Span:
        return places[start], places[end] - self._options.inclusive_ends

    # ---- does it fit the model? -----------------------------------------------------------------

    def _check_decoder(self) -> None:
        decoder = self._options.decoder
        schemes = SCHEMES_READ.get(decoder)
        if schemes is not None and scheme_of_labels(self._labels) not in schemes:
            raise MinnerError(
                f"decoder {decoder!r} reads {', '.join(schemes)} tags only, but the "
                f"labels are {', '.join(self._labels)}; choose another, such as 'conlleval'"
            )

    def _path_finder(self) -> Chooser:
        from minner.decoders import viterbi

        scheme = scheme_written(self._options.decoder, self._labels)
        assert scheme is not None  # by _check_decoder
        allowed = viterbi.transitions(self._labels, scheme)
        if not viterbi.allow_any_length(allowed):
            raise MinnerError(
                f"no label may stand alone as O or S- does, so that decoder 'viterbi' has no tag "
                f"for one word: {', '.join(self._labels)}"
            )

        return lambda rows: viterbi.best_path(viterbi.logarithms(rows), allowed)

    def _check_labels(self) -> None:
        options = self._options
        types = {*chunk_labels(self._labels)} - {""}
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


def _best_of_each(probabilities: Floats) -> Classes:
    best: Classes = probabilities.argmax(axis=1)
    return best
