"""What there is at which address, as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minner
from minner.compat.huggingface.aggregation import STRATEGIES
from minner.decoders import DECODERS
from minner.decoding.strategies import STRATEGIES as WORD_STRATEGIES
from minner.options import ON_LONG
from minner.serve.limits import Limits
from minner.text.offsets import UNITS

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SCORE: Schema = {"type": "number", "minimum": 0, "maximum": 1}

REFUSALS = {
    "400": "The request means nothing; the sentence says why.",
    "408": "The body came too slowly.",
    "413": "The request is larger than a limit, which the sentence names.",
    "429": "Too much is waiting; Retry-After says when to come again.",
    "500": "Something is wrong with the server.",
    "504": "The answer was not there in time.",
}


def schema(limits: Limits, labels: Sequence[str]) -> Schema:
    """The document, for a server with these limits and a model with these entity labels."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "minner",
            "version": minner.__version__,
            "description": "Named entity recognition: text in, entities out.",
        },
        "paths": _paths(),
        "components": {
            "schemas": {**_shared(), **_requests(limits, labels), **_answers()},
            "parameters": _parameters(limits),
        },
    }


def _paths() -> dict[str, Schema]:
    return {
        "/": {
            "get": _get("The live page", "text/html"),
            "post": _post("Find entities", "TagRequest", "TagAnswer"),
        },
        "/redact": {"post": _post("Replace entities", "RedactRequest", "RedactAnswer")},
        "/explain": {"post": _post("Look inside", "ExplainRequest", "Explanation", page=True)},
        "/trace": {"post": _post("Run without some parts", "TraceRequest", "Trace")},
        "/health": {"get": _get("Whether the process lives", "application/json")},
        "/ready": {
            "get": _get("Whether to send requests", "application/json", {"503": "Not now."})
        },
        "/metrics": {"get": _get("Metrics for Prometheus", "text/plain")},
        "/openapi.json": {"get": _get("This document", "application/json")},
    }


def _get(summary: str, media: str, refusals: dict[str, str] | None = None) -> Schema:
    kind = {"type": "object"} if media == "application/json" else STRING
    found = {"200": {"description": summary, "content": {media: {"schema": kind}}}}
    return {"summary": summary, "responses": found | _refusals(refusals or {})}


def _post(summary: str, request: str, answer: str, *, page: bool = False) -> Schema:
    content = {"application/json": {"schema": _ref(answer)}}
    if page:
        content["text/html"] = {"schema": STRING}
    return {
        "summary": summary,
        "parameters": [{"$ref": "#/components/parameters/Timeout"}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(request)}},
        },
        "responses": {
            "200": {"description": "The answer", "content": content},
            **_refusals(REFUSALS),
        },
    }


def _refusals(sentences: dict[str, str]) -> Schema:
    content = {"application/json": {"schema": _ref("Error")}}
    return {
        status: {"description": sentence, "content": content}
        for status, sentence in sentences.items()
    }


def _parameters(limits: Limits) -> dict[str, Schema]:
    return {
        "Timeout": {
            "name": "X-Request-Timeout",
            "in": "header",
            "description": f"Seconds to wait for the answer, {limits.deadline_seconds:g} at most.",
            "schema": {"type": "number", "exclusiveMinimum": 0},
        }
    }


def _shared() -> dict[str, Schema]:
    """Of what requests and answers are made."""
    place = {"start": COUNT, "end": COUNT}
    group = {"entity_group": STRING, "entity": STRING, "index": COUNT, "word": STRING}
    return {
        "Error": _object({"error": STRING}),
        "Entity": _object({"text": STRING, "label": STRING, **place, "score": SCORE}),
        "Group": _object({**group, **place, "score": SCORE}, ("word", "score")),
        "Replacement": _object({"start": COUNT, "placeholder": STRING, "original": STRING}),
        "Options": _options(),
        "Parameters": _hugging_face_parameters(),
    }


def _requests(limits: Limits, labels: Sequence[str]) -> dict[str, Schema]:
    texts = _list(STRING, maxItems=limits.request_texts)
    explained = {**STRING, "maxLength": limits.explained_characters}
    redaction = {
        "numbered": {"type": "boolean"},
        "template": STRING,
        "mask": {**STRING, "minLength": 1, "maxLength": 1},
        "labels": _list({"type": "string", "enum": list(labels)}, minItems=1),
    }
    return {
        "TagRequest": _one_or_more({"options": _ref("Options")}, texts, _inputs(texts)),
        "RedactRequest": _one_or_more(redaction, texts),
        "ExplainRequest": _object(
            {"text": explained, "window": COUNT, "arrays": _list(STRING)}, ("text",), closed=True
        ),
        "TraceRequest": _object(
            {"text": explained, "without": _list(STRING)}, ("text",), closed=True
        ),
    }


def _answers() -> dict[str, Schema]:
    groups = _list(_ref("Group"))
    tagged, redacted = (
        [_ref(name), _object({"results": _list(_ref(name))})] for name in ("Tagged", "Redacted")
    )
    lists = {name: _list(_ref("Entity")) for name in ("entities", "lost", "gained")}
    return {
        "Tagged": _object({"text": STRING, "entities": _list(_ref("Entity"))}),
        "TagAnswer": {"anyOf": [*tagged, groups, _list(groups)]},
        "Redacted": _object({"text": STRING, "replaced": _list(_ref("Replacement"))}),
        "RedactAnswer": {"anyOf": redacted},
        "Explanation": {"type": "object"},
        "Trace": _object({"text": STRING, "without": _list(STRING), **lists}),
    }


def _options() -> Schema:
    labels = {"type": ["array", "null"], "items": STRING, "minItems": 1}
    renames = {"type": ["object", "null"], "additionalProperties": STRING}
    return _object(
        {
            "decoder": {"type": "string", "enum": list(DECODERS)},
            "word_strategy": {"type": "string", "enum": list(WORD_STRATEGIES)},
            "labels": labels,
            "ignore_labels": _list(STRING),
            "label_map": renames,
            "min_score": SCORE,
            "on_long": {"type": "string", "enum": list(ON_LONG)},
            "offsets": {"type": "string", "enum": list(UNITS)},
            "inclusive_ends": {"type": "boolean"},
        },
        (),
        closed=True,
    )


def _hugging_face_parameters() -> Schema:
    return _object(
        {
            "aggregation_strategy": {"type": "string", "enum": list(STRATEGIES)},
            "ignore_labels": _list(STRING),
            "stride": COUNT,
        },
        (),
    )


def _inputs(texts: Schema) -> Schema:
    return _object(
        {"inputs": {"anyOf": [STRING, texts]}, "parameters": _ref("Parameters")},
        ("inputs",),
        closed=True,
    )


def _one_or_more(others: dict[str, Schema], texts: Schema, *more: Schema) -> Schema:
    """Requests with a text or with several, and others."""
    shapes = [
        _object({name: kind, **others}, (name,), closed=True)
        for name, kind in (("text", STRING), ("texts", texts))
    ]
    return {"oneOf": [*shapes, *more]}


def _object(
    properties: dict[str, Schema], required: Sequence[str] | None = None, *, closed: bool = False
) -> Schema:
    names = list(properties) if required is None else list(required)
    found: Schema = {"type": "object", "properties": properties, "required": names}
    return found | ({"additionalProperties": False} if closed else {})


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
