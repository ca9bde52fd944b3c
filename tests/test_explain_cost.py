"""The cost that the explain page tells is that of the model's one description."""

from __future__ import annotations

import pytest

from minner.bench.work import forward_flops
from minner.explain.cost import stage_flops
from minner.tagger import Tagger


@pytest.mark.parametrize("tokens", [1, 18, 31])
def test_the_stages_add_up_to_the_forward_pass(tiny: Tagger, tokens: int) -> None:
    flops = stage_flops(tiny.config.shape, tokens)
    assert sum(flops.values()) == forward_flops(tiny.config, tokens)
    assert list(flops) == ["qkv", "out_lin", "lin1", "lin2", "classifier", "attention"]
