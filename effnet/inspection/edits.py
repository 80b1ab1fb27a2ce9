"""Changes to SE gates, as data, and what they do to the answer.

An edit says where (a block, a stage, all), what (SE off, its mean, a constant, times k, one channel,
another picture's gates) and how much. It acts through the network's explicit tap, so it belongs to
one call. An edit at block k is computed from k's cached input on; the operations are the same as
in a full run, so the result is the same bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from effnet.architecture.spec import Spec
from effnet.errors import InspectionError, SpecError
from effnet.inspection.devices import autocast
from effnet.inspection.trace import Array, Trace, check_input, to_array, to_arrays
from effnet.network.model import EfficientNet

Kind = Literal["off", "mean", "constant", "times", "channel", "swap"]
KINDS: tuple[Kind, ...] = ("off", "mean", "constant", "times", "channel", "swap")
ALL = "all"
LARGEST = 4.0
MOST_EDITS = 20

Gates = Mapping[str, Array]
"""Block id -> (C,) or (N, C)."""


@dataclass(frozen=True)
class Edit:
    """One change.

    Attributes:
        where: `all`, a stage (`5`) or a block (`5.2`).
        kind: off: gate = 1, so SE changes nothing. mean: the gate's mean over a set of pictures, so
            that what adapts to the picture is gone. constant: `value` everywhere. times: gate
            times `value`. channel: `value` for one channel (0 off, 1 on). swap: another picture's.
        value: 0..4. channel: of kind `channel`.
    """

    where: str
    kind: Kind
    value: float = 1.0
    channel: int | None = None

    def __str__(self) -> str:
        """The form used in URLs, e.g. `5.2:off`, `all:times=0.5`, `5.2:channel12=0`."""
        if self.kind in ("off", "mean", "swap"):
            return f"{self.where}:{self.kind}"
        name = f"channel{self.channel}" if self.kind == "channel" else self.kind
        return f"{self.where}:{name}={self.value:g}"


def format_edits(edits: Sequence[Edit]) -> str:
    """Edits in the order of application, separated by commas."""
    return ",".join(map(str, edits))


def parse_edits(text: str) -> tuple[Edit, ...]:
    """The way back from `format_edits`.

    Raises:
        InspectionError: for text that is no edit.
    """
    if not text.strip():
        return ()
    parts = text.split(",")
    if len(parts) > MOST_EDITS:
        raise InspectionError(f"At most {MOST_EDITS} edits can be combined; this has {len(parts)}.")
    return tuple(_parse(part.strip()) for part in parts)


def _parse(text: str) -> Edit:
    problem = InspectionError(
        f"{text!r:.60} is no gate edit; write one like 5.2:off, all:times=0.5 or 5.2:channel12=0."
    )
    where, colon, action = text.partition(":")
    name, equals, number = action.partition("=")
    try:
        value = float(number) if equals else 1.0
        if name.startswith("channel"):
            return Edit(where, "channel", value, int(name.removeprefix("channel")))
    except ValueError:
        raise problem from None
    needs_value = name in ("constant", "times")
    if not colon or name not in KINDS or bool(equals) != needs_value:
        raise problem
    return Edit(where, name, value)


def targets(spec: Spec, edit: Edit) -> tuple[str, ...]:
    """The blocks that an edit changes, in order.

    Raises:
        InspectionError: when this network has no SE, no such place, channel or value.
    """
    if not spec.has_se:
        raise InspectionError(
            f"{spec.name} has no squeeze-and-excitation, so there are no gates to edit; "
            "choose a network with SE, such as B0 or Mini."
        )
    if not (math.isfinite(edit.value) and 0 <= edit.value <= LARGEST):
        raise InspectionError(f"A gate's value or factor must lie between 0 and {LARGEST:g}.")
    if edit.where == ALL:
        blocks = spec.block_ids
    elif edit.where.isdigit():
        blocks = tuple(b for b in spec.block_ids if b.split(".")[0] == edit.where)
        if not blocks:
            raise InspectionError(f"{spec.name} has SE in stages 2 to 8, not in {edit.where:.20}.")
    else:
        try:
            blocks = (spec.block(edit.where).id,)
        except SpecError as error:
            raise InspectionError(str(error)) from error
    if edit.kind == "channel":
        for b in blocks:
            count = spec.block(b).expanded_channels
            if edit.channel is None or not 0 <= edit.channel < count:
                raise InspectionError(
                    f"Block {b} has the channels 0 to {count - 1}, not {edit.channel}."
                )
    return blocks


class EditTap:
    """Edits as a tap for one forward pass (or several with the same edits).

    Args:
        mean: gates for `mean` edits. other: gates for `swap` edits; block id -> (C,) arrays.

    Raises:
        InspectionError: when an edit does not fit the network or lacks its gates.
    """

    def __init__(
        self, spec: Spec, edits: Sequence[Edit], *, mean: Gates | None = None, other: Gates | None = None
    ) -> None:  # fmt: skip
        self.by_block: dict[str, list[tuple[Edit, Tensor | None]]] = {}
        for edit in edits:
            for block in targets(spec, edit):
                gates = None
                if edit.kind in ("mean", "swap"):
                    source = mean if edit.kind == "mean" else other
                    gates = self._gates(spec, block, edit.kind, source)
                self.by_block.setdefault(block, []).append((edit, gates))

    @staticmethod
    def _gates(spec: Spec, block: str, kind: Kind, source: Gates | None) -> Tensor:
        if source is None or block not in source:
            wanted = (
                "a set of pictures to take the mean of" if kind == "mean" else "a second picture"
            )
            raise InspectionError(f"This edit needs {wanted}; choose it first.")
        values = np.asarray(source[block]).reshape(-1)
        if len(values) != spec.block(block).expanded_channels:
            raise InspectionError("Those gates belong to another network; compute them again.")
        return torch.from_numpy(values.copy())[None, :, None, None]

    @property
    def first(self) -> str | None:
        """The first block that is changed, in network order; None without edits."""
        return min(self.by_block, key=_order, default=None)

    def __call__(self, point: str, t: Tensor) -> Tensor:
        if not point.endswith(".gate"):
            return t
        for edit, gates in self.by_block.get(point.removesuffix(".gate"), ()):
            t = _change(t, edit, gates)
        return t


def _order(block: str) -> tuple[int, int]:
    stage, repeat = block.split(".")
    return int(stage), int(repeat)


def _change(gate: Tensor, edit: Edit, gates: Tensor | None) -> Tensor:
    if edit.kind == "off":
        return torch.ones_like(gate)
    if edit.kind == "constant":
        return torch.full_like(gate, edit.value)
    if edit.kind == "times":
        return gate * edit.value
    if edit.kind == "channel":
        gate = gate.clone()
        gate[:, edit.channel] = edit.value
        return gate
    assert gates is not None
    return gates.to(gate.device, gate.dtype).expand_as(gate)


# --- running ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Baseline:
    """An unedited run and the input of every block, so that edits need not start over.

    The inputs are tensors on the model's device, about as large as the network's activations
    between blocks (4 MB for B0 at 224 px).
    """

    trace: Trace
    inputs: Mapping[str, Tensor]


def baseline(model: EfficientNet, x: Tensor) -> Baseline:
    """Run once and keep the gates and every block's input.

    Raises:
        InspectionError: for an input that is no picture batch.
    """
    x = check_input(model, x)
    ids = model.spec.block_ids
    after = dict(zip(("stem", *ids), ids, strict=False))
    inputs: dict[str, Tensor] = {}
    gates: dict[str, Tensor] = {}

    def tap(point: str, t: Tensor) -> Tensor:
        if point in after:
            inputs[after[point]] = t
        elif point.endswith(".gate"):
            gates[point.removesuffix(".gate")] = t
        return t

    with torch.inference_mode(), autocast(x.device):
        logits = model(x, tap)
    return Baseline(Trace(to_array(logits), to_arrays(gates)), inputs)


def apply(model: EfficientNet, base: Baseline, edits: EditTap) -> Trace:
    """The run with edits: only from the first changed block on. Earlier gates are the baseline's."""
    first = edits.first
    if first is None:
        return base.trace
    earlier = {k: v for k, v in base.trace.gates.items() if _order(k) < _order(first)}
    gates: dict[str, Tensor] = {}

    def tap(point: str, t: Tensor) -> Tensor:
        t = edits(point, t)
        if point.endswith(".gate"):
            gates[point.removesuffix(".gate")] = t
        return t

    x = base.inputs[first]
    with torch.inference_mode(), autocast(x.device):
        logits = model.forward_from(first, x, tap)
    return Trace(to_array(logits), earlier | to_arrays(gates))


@dataclass(frozen=True)
class Effect:
    """What an edit did to the first picture of a batch.

    Attributes:
        kl: Kullback-Leibler divergence of the distribution after from the one before, in bits.
        shifted: share of all probability that moved between classes, 0..1 (total variation distance).
        logit: change of the target's logit. probability: before and after.
        moved: block -> mean absolute change of its gates, edited blocks included.
    """

    kl: float
    shifted: float
    logit: float
    probability: tuple[float, float]
    moved: dict[str, float]


def effect(before: Trace, after: Trace, target: int) -> Effect:
    """Compare two runs of one picture."""
    p, q = before.probabilities[0], after.probabilities[0]
    return Effect(
        kl=divergence(before.logits[0], after.logits[0]),
        shifted=float(np.abs(p.astype(np.float64) - q).sum() / 2),
        logit=float(after.logits[0][target] - before.logits[0][target]),
        probability=(float(p[target]), float(q[target])),
        moved={b: float(np.abs(after.gates[b][0] - g[0]).mean()) for b, g in before.gates.items()},
    )


def divergence(before: Array, after: Array) -> float:
    """KL(p || q) in bits of the distributions of two logit vectors; 0 for equal ones.

    Taken from the logits, so that a class that has become impossible counts with its true, finite
    weight.
    """
    log_p, log_q = _log_softmax(before), _log_softmax(after)
    return max(0.0, float(np.sum(np.exp(log_p) * (log_p - log_q))) / math.log(2))


def _log_softmax(logits: Array) -> Array:
    x = logits.astype(np.float64)
    x = x - x.max()
    return np.asarray(x - np.log(np.exp(x).sum()))


def sweep(
    model: EfficientNet, base: Baseline, where: str, target: int, factors: Sequence[float]
) -> list[tuple[float, float]]:
    """(k, probability of the target) with the gates at `where` multiplied by each k."""
    points = []
    for k in factors:
        run = apply(model, base, EditTap(model.spec, [Edit(where, "times", float(k))]))
        points.append((float(k), float(run.probabilities[0][target])))
    return points


def rank_blocks(
    model: EfficientNet, base: Baseline, target: int, kind: Kind = "off", mean: Gates | None = None
) -> list[tuple[str, Effect]]:
    """Each block's SE switched off (or set to its mean) in turn, largest divergence first."""
    found = []
    for block in model.spec.block_ids:
        run = apply(model, base, EditTap(model.spec, [Edit(block, kind)], mean=mean))
        found.append((block, effect(base.trace, run, target)))
    return sorted(found, key=lambda pair: -pair[1].kl)
