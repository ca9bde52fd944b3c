"""A forward pass stage by stage, for those who look at what lies between."""

from __future__ import annotations

from minner.call_buffers import CallBuffers
from minner.kernels.model import Shape
from minner.kernels.runtime.buffers import buffer_views
from minner.kernels.runtime.call import Call
from minner.kernels.runtime.operand_layout import OperandLayout
from minner.kernels.runtime.threads import Team


class Stages:
    """A batch in the middle of a forward pass: its stages run one by one.

    Attributes:
        buffers: views of what the stages read and write, in the kernels' own layouts.
        logits: float32 `[T, C]`, after the last stage.
        shape: the sizes of the model.
        layout: of the products' inputs.
        attention_layout: of q, k and v.
    """

    def __init__(
        self,
        team: Team,
        call: Call,
        shape: Shape,
        layouts: tuple[OperandLayout, OperandLayout],
        memory: CallBuffers,
    ) -> None:
        """Start before the first stage; only in the team's turn."""
        self._team, self._call = team, call
        self.shape, (self.layout, self.attention_layout) = shape, layouts
        sizes = call.tokens, call.longest, 0
        self.buffers, _ = buffer_views(memory.scratch, shape, *layouts, *sizes)
        self.logits = memory.logits[: call.tokens, : shape.classes]

    def run(self, first: int, end: int) -> None:
        """Run the stages `first` to `end - 1`; `model.stage_names` lists them."""
        self._team.run_stages(self._call, first, end)
