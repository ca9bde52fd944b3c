"""The visit: read every file as minner does when it loads a model, and look further than that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minner.inspection.case import describe_case
from minner.inspection.cost import describe_cost
from minner.inspection.findings import Findings
from minner.inspection.labels import describe_labels
from minner.inspection.model import describe_length, describe_model
from minner.inspection.tensors import check_tensors, describe_weights, look_at_values
from minner.weights.architectures.distilbert import DISTILBERT
from minner.weights.checkpoint import read_checkpoint
from minner.weights.config import Config, read_config
from minner.weights.files import read_json_object
from minner.weights.labels import read_labels
from minner.weights.names import canonical_tensors
from minner.weights.shards import read_tensors
from minner.weights.sizes import fit_config
from minner.weights.tensors import StoredTensor
from minner.weights.tokenizer import read_tokenizer


@dataclass(frozen=True)
class Examination:
    """What there is to say about a checkpoint.

    Attributes:
        directory: where it lies.
        errors: why minner cannot run it; empty where it can.
        warnings: what is odd about it.
        sections: facts ready for JSON, by section and name; what could not be found out is None
            or absent.
    """

    directory: Path
    errors: list[str]
    warnings: list[str]
    sections: dict[str, dict[str, Any]]

    def numbers(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "directory": str(self.directory),
            "runs": not self.errors,
            "errors": self.errors,
            "warnings": self.warnings,
            **self.sections,
        }


def examine(directory: Path) -> Examination:
    """Examine the checkpoint in a directory; nothing in it, or its absence, raises.

    The errors begin with the one that `minner.load` would raise.
    """
    findings = Findings()
    checkpoint = findings.attempt(read_checkpoint, directory)
    path = directory / "config.json"
    raw = findings.attempt(read_json_object, path) or {}
    stored = findings.attempt(read_tensors, directory) or {}
    claimed = findings.attempt(read_config, directory)
    architecture = claimed.architecture if claimed else DISTILBERT  # its names are minner's
    tensors = findings.attempt(canonical_tensors, stored, architecture) or {}
    if checkpoint:
        config: Config | None = checkpoint.config
        look_at_values(checkpoint, findings)
    else:
        config = _config(directory, claimed, tensors, findings)
    labels = config.labels if config else findings.attempt(read_labels, path, raw) or ()
    vocabulary = findings.attempt(read_tokenizer, directory, config) if config else None
    sections = {
        "model": describe_model(raw, config),
        "labels": describe_labels(labels, findings),
        "case": describe_case(directory, config, findings),
        "length": describe_length(directory, raw, config, vocabulary, findings),
        "weights": describe_weights(stored, tensors, config),
        "cost": describe_cost(config) if config and labels else {},
    }
    return Examination(directory, findings.errors, findings.warnings, sections)


def _config(
    directory: Path,
    claimed: Config | None,
    tensors: Mapping[str, StoredTensor],
    findings: Findings,
) -> Config | None:
    """Return what can be known of a model that does not load; find all that is wrong with it."""
    if not claimed or not tensors:
        return claimed
    fitted = findings.attempt(fit_config, directory / "config.json", claimed, tensors)
    if fitted:
        check_tensors(fitted, tensors, findings)
    return fitted or claimed
