"""How a pipeline finds entities: what it sets, and what a call overrides."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from minner.compat.huggingface.aggregation import STRATEGIES, AggregationStrategy
from minner.errors import MinnerError


class Options(NamedTuple):
    """The options of a pipeline or a call; what is None was not set.

    Attributes:
        aggregation_strategy: how wordpieces become entities.
        ignore_labels: which entities to leave out.
        stride: how many wordpieces neighbouring windows share.
        delimiter: what stands between words in the text.
    """

    aggregation_strategy: AggregationStrategy | None = None
    ignore_labels: Collection[Any] | None = None
    stride: int | None = None
    delimiter: str | None = None

    def changed(self, window_size: int, **given: Any) -> Options:
        """These options, with those of `given` that are not None.

        Besides its own fields, `given` may have `grouped_entities` and `ignore_subwords`, which
        stand for strategies in transformers 4 (the rule is that of its `_sanitize_parameters`).

        Args:
            window_size: most wordpieces that the model takes at once, special tokens not counted.
            given: options by name.

        Raises:
            MinnerError: a value is none that the option has.
        """
        grouped, whole = given.pop("grouped_entities", None), given.pop("ignore_subwords", None)
        if given.get("aggregation_strategy") is None and (grouped, whole) != (None, None):
            grouping = "first" if whole else "simple"
            given["aggregation_strategy"] = grouping if grouped else "none"
        stated = {name: value for name, value in given.items() if value is not None}
        if "aggregation_strategy" in stated:
            stated["aggregation_strategy"] = strategy_of(stated["aggregation_strategy"])
        _check(stated, window_size)
        return self._replace(**stated)

    @property
    def of_postprocess(self) -> dict[str, Any]:
        """What `postprocess` is told."""
        return {
            name: getattr(self, name)
            for name in ("aggregation_strategy", "ignore_labels")
            if getattr(self, name) is not None
        }


OPTIONS = (*Options._fields, "grouped_entities", "ignore_subwords")
"""The names that `Options.changed` takes."""


def strategy_of(given: Any) -> AggregationStrategy:
    """The strategy of a name, or of the enumeration of transformers.

    Raises:
        MinnerError: there is no such strategy.
    """
    name = given.lower() if isinstance(given, str) else None
    if name not in STRATEGIES:
        known = ", ".join(STRATEGIES)
        raise MinnerError(f"aggregation_strategy must be one of {known}, not {given!r}")
    return AggregationStrategy(name)


def _check(stated: dict[str, Any], window_size: int) -> None:
    ignored, stride = stated.get("ignore_labels", ()), stated.get("stride", 0)
    if isinstance(ignored, str) or not isinstance(ignored, Collection):
        raise MinnerError(f"ignore_labels must be a list of labels, not {ignored!r}")
    if not (isinstance(stride, int) and 0 <= stride < window_size):
        raise MinnerError(
            f"stride must be a whole number from 0 to {window_size - 1} with this model, "
            f"not {stride!r}"
        )
    if "stride" in stated and stated.get("aggregation_strategy") == AggregationStrategy.NONE:
        raise MinnerError(
            "a stride joins entities of overlapping windows, which aggregation_strategy='none' "
            "has not; choose another, such as 'simple'"
        )
    if not isinstance(stated.get("delimiter", ""), str):
        raise MinnerError(f"the delimiter must be a string, not {stated['delimiter']!r}")
