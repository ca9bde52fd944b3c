"""Cased or uncased: what is done, what each file says, and where they disagree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers.models import WordPiece

from minner.inspection.findings import Findings
from minner.weights.case import casing_of_file
from minner.weights.casing import (
    CASED,
    Casing,
    casing_by_transformers,
    decide_casing,
    share_with_capitals,
)
from minner.weights.config import Config
from minner.weights.tokenizer_files import build_tokenizer
from minner.weights.tokenizer_settings import TokenizerSettings, read_tokenizer_settings


def describe_case(directory: Path, config: Config | None, findings: Findings) -> dict[str, Any]:
    """Return how the text's case is treated, with the evidence for it.

    Returns:
        `lowercase` (what minner does), `reason`, what `tokenizer_config.json` and `tokenizer.json`
        say about lowercasing (None: nothing), how many `wordpieces` there are and the share of them
        that has `capitals`, whether `transformers` 5 lowercases, and `strip_accents`; empty where
        there is no tokenizer that minner can read.
    """
    settings = findings.attempt(read_tokenizer_settings, directory)
    built = settings and findings.attempt(build_tokenizer, directory, settings)
    if not settings or not built:
        return {}
    path, tokenizer = built
    from_file = findings.attempt(casing_of_file, path, tokenizer)
    is_wordpiece = isinstance(tokenizer.model, WordPiece)
    if not is_wordpiece:  # their files know no do_lower_case
        settings = settings._replace(lowercase=None, strip_accents=None, chinese_chars=None)
    vocabulary = tokenizer.get_vocab()
    casing, reason = decide_casing(settings, from_file, tokenizer.get_vocab, None)
    config_class = config.tokenizer_class if config else None
    if not is_wordpiece:
        reason = path.name
    theirs = (
        casing_by_transformers(settings, config_class, from_file) if is_wordpiece else from_file
    )
    capitals = share_with_capitals(vocabulary)
    _warn_of_conflicts(settings, from_file, findings)
    if casing.lowercase == (capitals > CASED):
        findings.warn(
            f"text is {'lowercased' if casing.lowercase else 'not lowercased'}, by {reason}, but "
            f"{capitals:.1%} of the vocabulary's wordpieces have capitals"
        )
    strips = casing.strip_accents
    return {
        "lowercase": casing.lowercase,
        "reason": reason,
        "tokenizer_config.json": settings.lowercase,
        "tokenizer.json": from_file and from_file.lowercase,
        "wordpieces": len(vocabulary),
        "capitals": capitals,
        "transformers": theirs and theirs.lowercase,
        "strip_accents": casing.lowercase if strips is None else strips,
    }


def _warn_of_conflicts(
    settings: TokenizerSettings, from_file: Casing | None, findings: Findings
) -> None:
    if from_file and settings.lowercase not in (None, from_file.lowercase):
        findings.warn(
            f"tokenizer_config.json says do_lower_case {str(settings.lowercase).lower()}, but "
            f"tokenizer.json {'lowercases' if from_file.lowercase else 'keeps case'}; the first is "
            f"followed"
        )
