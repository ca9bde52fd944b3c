"""From the fields of a request to the fields of its answer, by way of the batcher."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np

from minner.compat import TokenClassificationPipeline
from minner.compat.huggingface.options import OPTIONS as PARAMETERS
from minner.compat.huggingface.options import Options as Parameters
from minner.entity import record_of
from minner.errors import MinnerError
from minner.explain.page import page
from minner.options import refuse_unknown
from minner.redact import LABEL, NUMBERED, Redactor
from minner.serve.batcher import Batcher, Job
from minner.serve.bodies import (
    Fields,
    Texts,
    check_fields,
    key_of,
    mapping_of,
    names_of,
    strings_of,
    text_of,
    texts_of,
)
from minner.serve.limits import Limits, too_large
from minner.serve.metrics import Metrics
from minner.tagger import Tagger

LARGE_ARRAYS = (
    *("embeddings", "q_lin", "k_lin", "v_lin", "out_lin", "attention"),
    *("sa_layer_norm", "activation", "lin2", "output_layer_norm"),
)
"""Arrays of an explanation that JSON has only where they are asked for."""


class Answer(NamedTuple):
    """What goes back: something for JSON, or a page; and the job that it was, if any."""

    content: Any
    job: Job | None = None


class Service:
    """A loaded model, and what can be asked of it."""

    def __init__(
        self,
        ner: Tagger,
        batcher: Batcher,
        explaining: Batcher,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        """Put them together; `explaining` is for what looks inside the model and may take long."""
        self.ner, self._batcher, self._explaining = ner, batcher, explaining
        self._limits, self._metrics = limits, metrics
        self._plain = ner.with_options(offsets="codepoints", inclusive_ends=False)
        self._pipeline = TokenClassificationPipeline(ner)

    # ---- entities -------------------------------------------------------------------------------

    async def tag(self, fields: Fields, seconds: float) -> Answer:
        """The entities of a text or of several; in the words of Hugging Face for `inputs`."""
        if "inputs" in fields:
            return await self._tag_inputs(fields, seconds)
        check_fields(fields, ("text", "texts", "options"))
        given, options = texts_of(fields, self._limits.request_texts), mapping_of(fields, "options")
        ner = self.ner.with_options(**options) if options else self.ner

        def run(texts: Sequence[str]) -> list[str]:
            found = self._recorded(lambda: ner(list(texts)))
            return [
                json.dumps({"text": text, "entities": [*map(record_of, those)]}, ensure_ascii=False)
                for text, those in zip(texts, found, strict=True)
            ]

        results, job = await self._submit(run, ("tag", key_of(options)), given, seconds)
        if given.are_list:
            return Answer(f'{{"results": [{", ".join(results)}]}}', job)
        return Answer(results[0], job)

    async def _tag_inputs(self, fields: Fields, seconds: float) -> Answer:
        check_fields(fields, ("inputs", "parameters", "options"))  # options: use_cache and the like
        given = strings_of("inputs", fields["inputs"], self._limits.request_texts)
        parameters = {"aggregation_strategy": "simple", **mapping_of(fields, "parameters")}
        refuse_unknown(parameters, PARAMETERS, "parameter")
        Parameters().changed(self.ner.vocabulary.max_length - 2, **parameters)

        def run(texts: Sequence[str]) -> list[list[dict[str, Any]]]:
            found = self._recorded(lambda: self._pipeline(list(texts), **parameters))
            return [[_plain_score(entity) for entity in entities] for entities in found]

        results, job = await self._submit(run, ("inputs", key_of(parameters)), given, seconds)
        return Answer(results if given.are_list else results[0], job)

    async def redact(self, fields: Fields, seconds: float) -> Answer:
        """Texts with placeholders in the place of entities, and what they stand for."""
        check_fields(fields, ("text", "texts", "numbered", "template", "mask", "labels"))
        given, redactor = texts_of(fields, self._limits.request_texts), self._redactor(fields)

        def run(texts: Sequence[str]) -> Any:
            return self._recorded(lambda: self._plain(list(texts)))

        found, job = await self._submit(run, "redact", given, seconds)
        results = []
        for text, entities in zip(given.texts, found, strict=True):
            redacted = redactor(text, entities)
            replaced = [asdict(replacement) for replacement in redacted.mapping]
            results.append({"text": redacted.text, "replaced": replaced})
        return Answer({"results": results} if given.are_list else results[0], job)

    def _redactor(self, fields: Fields) -> Redactor:
        numbered, template, mask = (fields.get(name) for name in ("numbered", "template", "mask"))
        if numbered not in (None, True, False):
            raise MinnerError("numbered must be true or false")
        for name, value in (("template", template), ("mask", mask)):
            if value is not None and not isinstance(value, str):
                raise MinnerError(f"{name} must be a string")
        if sum(map(bool, (numbered, template is not None, mask is not None))) > 1:
            raise MinnerError("numbered, template and mask exclude each other; choose one")
        labels = None if fields.get("labels") is None else names_of(fields, "labels")
        for label in labels or ():
            if label not in self.ner.entity_labels:
                known = ", ".join(self.ner.entity_labels)
                raise MinnerError(f"the model has no label {label!r}; it has: {known}")
        style = NUMBERED if numbered else LABEL if template is None else template
        return Redactor(style, mask=mask, labels=labels)

    # ---- inside the model -----------------------------------------------------------------------

    async def explain(self, fields: Fields, seconds: float, *, as_page: bool) -> Answer:
        """What `minner explain` shows, as a page or as data."""
        check_fields(fields, ("text", "window", "arrays"))
        text = text_of(fields, self._limits.explained_characters)
        window, wanted = fields.get("window", 0), names_of(fields, "arrays")
        if type(window) is not int:
            raise MinnerError("window must be a whole number")

        def run(texts: Sequence[str]) -> list[str]:
            found = self._plain.explain(texts[0], window=window)
            return [page(found) if as_page else self._explanation_json(found, wanted)]

        return await self._alone(run, text, seconds)

    def _explanation_json(self, found: dict[str, Any], wanted: Sequence[str]) -> str:
        arrays = found["arrays"]
        refuse_unknown(wanted, arrays, "array")
        names = wanted or [name for name in arrays if name not in LARGE_ARRAYS]
        count, most = sum(arrays[name].size for name in names), self._limits.explained_values
        if count > most:
            raise too_large(
                f"these arrays have {count} numbers, but an answer may have {most} at most; name "
                f"fewer in arrays, or send a shorter text"
            )
        return json.dumps(found | {"arrays": {name: arrays[name].tolist() for name in names}})

    async def trace(self, fields: Fields, seconds: float) -> Answer:
        """The entities of a run without some parts, and how they differ from those of all."""
        check_fields(fields, ("text", "without"))
        text = text_of(fields, self._limits.explained_characters)
        without = names_of(fields, "without")

        def run(texts: Sequence[str]) -> list[dict[str, Any]]:
            trace = self._plain.trace(texts[0], without=without)
            found = {name: getattr(trace, name) for name in ("entities", "lost", "gained")}
            lists = {name: [*map(record_of, those)] for name, those in found.items()}
            return [{"text": texts[0], "without": without, **lists}]

        return await self._alone(run, text, seconds)

    def facts(self) -> dict[str, Any]:
        """What the page must know of the model."""
        config = self.ner.config
        return {
            "model": {
                "name": self.ner.directory.name,
                "precision": self.ner.precision,
                "layers": config.n_layers,
                "heads": config.n_heads,
                "types": list(self.ner.entity_labels),
            },
            "limits": {"explained_characters": self._limits.explained_characters},
        }

    # ---- the batcher ----------------------------------------------------------------------------

    async def _submit(
        self, run: Callable[[Sequence[str]], Any], key: Any, given: Texts, seconds: float
    ) -> tuple[list[Any], Job | None]:
        if not given.texts:
            return [], None
        return await self._batcher.submit(run, key, given.texts, seconds)

    async def _alone(
        self, run: Callable[[Sequence[str]], Any], text: str, seconds: float
    ) -> Answer:
        results, job = await self._explaining.submit(run, object(), [text], seconds)
        return Answer(results[0], job)

    def _recorded(self, call: Callable[[], Any]) -> Any:
        """Run the model, and note the time of its stages."""
        with self.ner.record() as passes:
            found = call()
        self._metrics.passes(passes)
        return found


def _plain_score(entity: dict[str, Any]) -> dict[str, Any]:
    """With Python's numbers in the place of NumPy's, for JSON."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in entity.items()
    }
