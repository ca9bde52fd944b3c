"""The spaCy component `minner`: entities with scores in a spaCy pipeline.

    nlp = spacy.blank("en")
    nlp.add_pipe("minner")
    [(ent.text, ent.label_, ent._.score) for ent in nlp("Kofi Annan flew to Geneva.").ents]

spaCy finds it by an entry point of this package, so nothing has to be imported for it.

A score is kept in `span._.minner_score`, and in `span._.score` too, unless a program has an
extension of that name with a getter or a method of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.util import minibatch, raise_error

import minner
from minner.entity import Entity
from minner.errors import warn
from minner.options import OPTION_NAMES, refuse_unknown

_RULES = [name for name in OPTION_NAMES if name not in ("offsets", "inclusive_ends")]
"""Options of `minner.load` that fit spaCy, which has offsets of its own."""


ErrorHandler = Callable[[str, Any, list[Doc], Exception], Any]
"""What `nlp.set_error_handler` takes: a component's name, the component, the documents that it
failed on, and the exception."""


class MinnerComponent:
    """Sets `doc.ents`, and the score of each as `span._.score`.

    Entities that are there already stay, and win over those found here, as with spaCy's own
    components; blocked tokens (`doc.set_ents(..., blocked=...)`) stay blocked. spaCy's tokens are
    kept: an entity that starts or ends inside a token grows to the whole token, and of two that
    would then share a token the one with the higher score stays; both give a `MinnerWarning`.
    """

    def __init__(
        self,
        model: str | None,
        precision: str,
        threads: int | None,
        lowercase: bool | None,
        rules: Mapping[str, Any],
        name: str = "minner",
    ) -> None:
        """Load the model.

        Arguments and errors are those of `minner.load`; `rules` are its other options by name, such
        as `{"decoder": "viterbi", "min_score": 0.9}`; `name` is the component's in its pipeline.
        """
        refuse_unknown(rules, _RULES, "rule")
        self.name = name
        self._error_handler: ErrorHandler = raise_error
        self._settings = (model, precision, threads, lowercase, dict(rules), name)
        self._ner = minner.load(
            model, precision=precision, threads=threads, lowercase=lowercase, **rules
        )

    def __call__(self, doc: Doc) -> Doc:
        """Find the entities of one document."""
        self._annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Find the entities of a stream of documents, `batch_size` of them at a time.

        A document that fails is handed to the error handler and left out where that returns. The
        others of its batch are not.
        """
        for docs in minibatch(stream, batch_size):
            try:
                self._annotate(docs)
            except Exception:
                docs = [doc for doc in docs if self._succeeds(doc)]
            yield from docs

    def _succeeds(self, doc: Doc) -> bool:
        """Whether a document alone could be annotated; if not, the error handler was called."""
        try:
            self._annotate([doc])
        except Exception as error:
            self._error_handler(self.name, self, [doc], error)
            return False
        return True

    def _annotate(self, docs: list[Doc]) -> None:
        for doc, found in zip(docs, self._ner([doc.text for doc in docs]), strict=True):
            _set_entities(doc, found)

    def set_error_handler(self, error_handler: ErrorHandler) -> None:
        """Set what is called where a document fails; it is raised by default."""
        self._error_handler = error_handler

    def get_error_handler(self) -> ErrorHandler:
        """What is called where a document fails."""
        return self._error_handler

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that entities can have."""
        return self._ner.entity_labels

    def score(self, examples: Iterable[Any], **_: Any) -> dict[str, Any]:
        """What `nlp.evaluate` reports: `ents_p`, `ents_r`, `ents_f` and `ents_per_type`."""
        scores: dict[str, Any] = get_ner_prf(examples)
        return scores

    def __reduce__(self) -> tuple[type[MinnerComponent], tuple[Any, ...], dict[str, Any]]:
        """Pickle the settings: a process that is started afresh loads the model again."""
        return MinnerComponent, self._settings, {"_error_handler": self._error_handler}


def make(
    nlp: Language,
    name: str,
    model: str | None,
    precision: str,
    threads: int | None,
    lowercase: bool | None,
    rules: dict[str, Any],
) -> MinnerComponent:
    """What `nlp.add_pipe("minner", config={...})` calls; settings as for `MinnerComponent`.

    They are part of `nlp.config`, which is all that `nlp.to_disk` has to keep of the component.
    """
    return MinnerComponent(model, precision, threads, lowercase, rules, name)


def _set_entities(doc: Doc, found: list[Entity]) -> None:
    blocked = [token.i for token in doc if token.ent_iob_ == "B" and not token.ent_type]
    preset = {token.i for span in doc.ents for token in span}.union(blocked)
    taken: set[int] = set()
    spans = []
    for entity in sorted(found, key=lambda entity: -entity.score):
        span = doc.char_span(entity.start, entity.end, label=entity.label, alignment_mode="expand")
        tokens = {token.i for token in span}
        if tokens & preset:
            continue
        if tokens & taken:
            warn(f"the entity {entity!r} was left out: it shares a token with one of higher score")
            continue
        if span.text != entity.text:
            warn(f"the entity {entity!r} grew to {span.text!r}, because spaCy's tokens end there")
        taken |= tokens
        _set_score(span, entity.score)
        spans.append(span)
    doc.set_ents([*doc.ents, *spans], blocked=[doc[i : i + 1] for i in blocked])


def _set_score(span: Span, score: float) -> None:
    span._.minner_score = score
    extension = Span.get_extension("score")
    if extension is not None and extension[1:3] == (None, None):  # no method, no getter
        span._.score = score


for _extension in ("score", "minner_score"):
    if not Span.has_extension(_extension):
        Span.set_extension(_extension, default=None)

Language.factory(
    "minner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": None,
        "precision": "float32",
        "threads": None,
        "lowercase": None,
        "rules": {},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
    func=make,
)
