"""The label set: its tag scheme, its entity types, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minner.inspection.findings import Findings
from minner.scoring.schemes import prefixes_by_type, scheme_of_labels

_WANTED = {"IOB2": "BI", "IOE2": "IE", "IOBES": "BIES", "BILOU": "BILU"}
"""Scheme -> the prefixes that each type should have; IOB1 needs no B."""


def describe_labels(labels: Sequence[str], findings: Findings) -> dict[str, Any]:
    """Return the labels, their scheme ("bare" without prefixes) and the entity types."""
    types = prefixes_by_type(labels)
    scheme = scheme_of_labels(labels)
    if labels:
        _check(labels, types, scheme, findings)
    bare = [label for label in labels if label != "O"]
    return {
        "scheme": scheme or ("bare" if bare else None),
        "types": list(types) or bare,
        "labels": list(labels),
    }


def _check(
    labels: Sequence[str], types: dict[str, set[str]], scheme: str | None, findings: Findings
) -> None:
    if any(label.startswith("LABEL_") for label in labels):
        findings.warn(
            "id2label in config.json leaves labels like LABEL_0, which name no entity type; "
            "write the names used in training there"
        )
    if "O" not in labels:
        findings.warn("no label is O, so every word will be part of an entity")
    if scheme is None:
        findings.warn(
            "no label starts with B- or I-; neighbouring words of one label will be joined into "
            "one entity"
        )
        return
    odd = [label for label in labels if label != "O" and not prefixes_by_type([label])]
    if odd:
        findings.warn(f"labels without a prefix are never part of an entity: {', '.join(odd)}")
    for name, prefixes in types.items():
        missing = [prefix for prefix in _WANTED.get(scheme, "") if prefix not in prefixes]
        if missing:
            findings.warn(f"the type {name} has no label {', '.join(f'{p}-' for p in missing)}")
