"""Two networks side by side: parts aligned by their place, and what differs.

Stages are aligned by their number 1 to 9, blocks by their address (`4.2`), so a deeper network has
blocks that the other lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from effnet.architecture.growth import growth
from effnet.architecture.spec import HEAD, STEM, Spec
from effnet.architecture.variants import RELEASED, VARIANTS, spec_for


@dataclass(frozen=True)
class Part:
    """A stage or a block of one network.

    Attributes:
        operator: e.g. `MBConv6, k5x5`. channels: that leave it. repeats: blocks in it.
        stride: of its first block. se: the SE widths that occur in it, e.g. `6, 10`, or `none`.
        in_size, out_size: height and width of the map, px.
        params, macs, activation_bytes: see `Spec.cost`.
        receptive_field: px of the input that one value of its output has seen.
    """

    operator: str
    channels: int
    repeats: int
    stride: int
    se: str
    in_size: int
    out_size: int
    params: int
    macs: int
    activation_bytes: int
    receptive_field: int


FIELDS = tuple(f.name for f in fields(Part))
STRUCTURE = ("operator", "channels", "repeats", "stride", "se")
"""The fields that a person sets by choosing a network; the others follow from them and the size."""


@dataclass(frozen=True)
class Pair:
    """The same place in two networks; None where a network has no such block."""

    place: str
    a: Part | None
    b: Part | None

    @property
    def differing(self) -> tuple[str, ...]:
        """Names of the fields that are not equal; all of them when one side is missing."""
        if self.a is None or self.b is None:
            return FIELDS
        return tuple(name for name in FIELDS if getattr(self.a, name) != getattr(self.b, name))

    @property
    def same_structure(self) -> bool:
        """True when only sizes and costs that follow from the resolution can differ."""
        return not set(STRUCTURE) & set(self.differing)


@dataclass(frozen=True)
class Total:
    """One figure of the whole networks; `unit` is empty, `px` or `bytes`."""

    name: str
    a: float
    b: float
    unit: str = ""

    @property
    def ratio(self) -> float:
        """b over a."""
        return self.b / self.a if self.a else float("inf") if self.b else 1.0


def _se_text(widths: Sequence[int]) -> str:
    return ", ".join(str(w) for w in dict.fromkeys(widths)) or "none"


def _stage(spec: Spec, row: dict[str, Any]) -> Part:
    number = int(row["stage"])
    place = STEM if number == 1 else HEAD if number == 9 else spec.stages[number - 2].blocks[-1].id
    field = spec.operations_of(place)[-1].receptive_field
    return Part(
        operator=str(row["operator"]), channels=int(row["channels"]), repeats=int(row["repeats"]),
        stride=int(row["stride"]), se=_se_text(row["se_channels"]), in_size=int(row["resolution"]),
        out_size=int(row["out_size"]), params=int(row["params"]), macs=int(row["macs"]),
        activation_bytes=int(row["activation_bytes"]), receptive_field=field,
    )  # fmt: skip


def stages(a: Spec, b: Spec) -> tuple[Pair, ...]:
    """Nine pairs, stage 1 (stem) to 9 (head)."""
    return tuple(
        Pair(str(left["stage"]), _stage(a, left), _stage(b, right))
        for left, right in zip(a.stage_rows(), b.stage_rows(), strict=True)
    )


def _block(spec: Spec, place: str) -> Part | None:
    if place not in spec.block_ids:
        return None
    block, cost = spec.block(place), spec.cost(place)
    return Part(
        operator=f"{block.kind}, k{block.kernel}x{block.kernel}", channels=block.out_channels,
        repeats=1, stride=block.stride, se=_se_text([block.se_channels] if block.se_channels else []),
        in_size=block.in_size, out_size=block.out_size, params=cost.params, macs=cost.macs,
        activation_bytes=cost.activation_bytes,
        receptive_field=spec.operations_of(place)[-1].receptive_field,
    )  # fmt: skip


def blocks(a: Spec, b: Spec) -> tuple[Pair, ...]:
    """A pair for every address that either network has, in the order of computation."""
    places = sorted({*a.block_ids, *b.block_ids}, key=lambda p: [int(n) for n in p.split(".")])
    return tuple(Pair(place, _block(a, place), _block(b, place)) for place in places)


def totals(a: Spec, b: Spec) -> tuple[Total, ...]:
    """The whole networks: multipliers, blocks, input, parameters, MACs, memory, receptive field."""
    ca, cb = a.cost(), b.cost()
    fa, fb = (s.operations_of(s.block_ids[-1])[-1].receptive_field for s in (a, b))
    return (
        Total("Input", a.resolution, b.resolution, "px"),
        Total("Width multiplier", a.width, b.width),
        Total("Depth multiplier", a.depth, b.depth),
        Total("MBConv blocks", len(a.blocks), len(b.blocks)),
        Total("Parameters", ca.params, cb.params),
        Total("SE parameters", a.se_params, b.se_params),
        Total("MACs", ca.macs, cb.macs),
        Total("Activation memory", ca.activation_bytes, cb.activation_bytes, "bytes"),
        Total("Receptive field", fa, fb, "px"),
    )


def _against(ratio: float, what: str) -> str:
    if ratio == 1:
        return f"the same {what}"
    if 0.99 < ratio < 1.01:
        return f"{100 * abs(ratio - 1):.2f} % {'more' if ratio > 1 else 'fewer'} {what}"
    return f"{ratio:.3g} times the {what}"


def summary(a: Spec, b: Spec) -> tuple[str, ...]:
    """What differs, in a few plain sentences; one sentence when nothing does."""
    pairs = stages(a, b)
    said = [*_costs(a, b), *_axes(a, b), *_kind(a, b)]
    if not said:
        return ("The two networks are the same.",)
    equal = [p.place for p in pairs if p.same_structure]
    if len(equal) == len(pairs):
        said.append("All nine stages have the same operators, channels, repeats and SE widths.")
    elif equal:
        stages_word = "stage" if len(equal) == 1 else "stages"
        said.append(
            f"Alike in operators, channels, repeats and SE: {stages_word} {_listed(equal)}."
        )
    else:
        said.append("No stage is the same in both.")
    return tuple(said)


def _costs(a: Spec, b: Spec) -> list[str]:
    if (a.params, a.macs) == (b.params, b.macs):
        return []
    params = _against(b.params / a.params, "parameters")
    return [f"Against A, B has {params} and {_against(b.macs / a.macs, 'MACs')}."]


def _axes(a: Spec, b: Spec) -> list[str]:
    said = []
    if len(a.blocks) != len(b.blocks):
        word = "deeper" if len(b.blocks) > len(a.blocks) else "shallower"
        said.append(f"B is {word}: {len(b.blocks)} MBConv blocks against {len(a.blocks)}.")
    wide_a, wide_b = ([s.out_channels for s in spec.stages] for spec in (a, b))
    if wide_a != wide_b:
        word = "wider" if sum(wide_b) > sum(wide_a) else "narrower"
        said.append(
            f"B is {word}: its last MBConv stage has {wide_b[-1]} channels against {wide_a[-1]}."
        )
    if a.resolution != b.resolution:
        word = "larger" if b.resolution > a.resolution else "smaller"
        said.append(
            f"B sees {word} pictures: {b.resolution} px against {a.resolution} px. Every map follows."
        )
    return said


def _kind(a: Spec, b: Spec) -> list[str]:
    said = []
    if a.has_se != b.has_se:
        with_se, without = ("A", "B") if a.has_se else ("B", "A")
        se = max(a.se_params, b.se_params)
        said.append(
            f"{without} has no squeeze-and-excitation; in {with_se} it holds {se:,} parameters."
        )
    elif a.has_se and a.config.se_reduce_from != b.config.se_reduce_from:
        said.append(
            "The SE widths follow two rules: a quarter of the block's input channels, and a "
            f"quarter of its expanded channels. SE holds {a.se_params:,} parameters in A and "
            f"{b.se_params:,} in B."
        )
    if a.activation != b.activation:
        said.append(f"The activation is {a.activation} in A and {b.activation} in B.")
    if a.config.lite != b.config.lite:
        said.append(
            "Lite keeps the stem and the head at B0's width and does not repeat its first and "
            "last MBConv stage."
        )
    return said


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def rows(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """One flat row a place, for CSV: `place, differs, a_channels, b_channels, ..`."""
    table = []
    for pair in pairs:
        row: dict[str, Any] = {"place": pair.place, "differs": bool(pair.differing)}
        for name in FIELDS:
            row[f"a_{name}"] = getattr(pair.a, name) if pair.a else ""
            row[f"b_{name}"] = getattr(pair.b, name) if pair.b else ""
        table.append(row)
    return table


@lru_cache(maxsize=1)
def family() -> tuple[dict[str, Any], ...]:
    """Every released network in one table, and the small one of this project."""
    base = spec_for("b0")
    table = []
    for name in (*RELEASED, "mini"):
        spec, config = spec_for(name), VARIANTS[name]
        cost = spec.cost()
        table.append(
            {
                "name": name, "width": round(config.width, 3), "depth": round(config.depth, 3),
                "resolution": config.resolution, "dropout": config.dropout,
                "blocks": len(spec.blocks), "head_channels": spec.head_channels,
                "params": cost.params, "se_params": spec.se_params, "macs": cost.macs,
                "activation_bytes": cost.activation_bytes, "params_over_b0": cost.params / base.params,
                "macs_over_b0": growth(spec).ratio,
            }
        )  # fmt: skip
    return tuple(table)
