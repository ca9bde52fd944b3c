"""The label set: its tag scheme, its entity types, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minner.decoding.schemes import (
    SCHEMES,
    are_bare,
    chunk_labels,
    prefixes_by_label,
    scheme_of_labels,
)
from minner.inspection.findings import Findings


def describe_labels(labels: Sequence[str], findings: Findings) -> dict[str, Any]:
    """Return the labels, their scheme ("bare" without prefixes) and the entity types."""
    types = chunk_labels(labels)
    scheme = None
    if types:
        scheme = "bare" if are_bare(labels) else scheme_of_labels(labels)
    if labels:
        _check(labels, scheme, findings)
    return {"scheme": scheme, "types": types, "labels": list(labels)}


def _check(labels: Sequence[str], scheme: str | None, findings: Findings) -> None:
    if any(label.startswith("LABEL_") for label in labels):
        findings.warn(
            "id2label in config.json leaves labels like LABEL_0, which name no entity type; "
            "write the names used in training there"
        )
    if "O" not in labels:
        findings.warn("no label is O, so every word will be part of an entity")
    if are_bare(labels):
        findings.warn(
            "no label starts with B- or I-; neighbouring words of one label will be joined into "
            "one entity"
        )
        return
    odd = [label for label in labels if label != "O" and not prefixes_by_label([label])]
    if odd:
        findings.warn(f"labels without a prefix are never part of an entity: {', '.join(odd)}")
    if scheme is None:
        findings.warn(f"the prefixes are of no scheme out of {', '.join(SCHEMES)}")
        return
    wanted = "I" if scheme == "IOB1" else SCHEMES[scheme]
    for name, prefixes in prefixes_by_label(labels).items():
        missing = [prefix for prefix in wanted if prefix not in prefixes]
        if missing:
            findings.warn(f"the type {name} has no label {', '.join(f'{p}-' for p in missing)}")
