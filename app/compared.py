"""The two networks of the Compare page as maps and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from app import session
from app.components.diagram import diagram
from app.sides import title
from effnet.architecture.compare import FIELDS, Pair, Part, Total
from effnet.architecture.rounding import number
from effnet.architecture.spec import Spec
from effnet.drawing.diagram import network_dot
from effnet.drawing.numbers import bytes_short, exact, short

OPENED = "cmp_stage"

HEADINGS = {
    "operator": "Operator", "channels": "Channels", "repeats": "Repeats", "stride": "Stride",
    "se": "SE widths", "in_size": "Input map", "out_size": "Output map", "params": "Parameters",
    "macs": "MACs", "activation_bytes": "Activations", "receptive_field": "Receptive field",
}  # fmt: skip
MARK = "▸ "
"""In front of every cell whose two sides differ."""


# --- the two maps ----------------------------------------------------------------------------


def opened() -> int:
    """The MBConv stage whose blocks both maps show."""
    stage = session.get(OPENED)
    return stage if isinstance(stage, int) and 2 <= stage <= 8 else 4


def open_stage(node: str) -> None:
    """A callback: open a stage (`stage-5`, or a block of it) in both maps."""
    stage = node.removeprefix("stage-").split(".")[0]
    session.put(OPENED, int(stage))


def tints(pairs: Sequence[Pair], blocks: Sequence[Pair]) -> dict[str, float]:
    """Node -> how strongly it is coloured: not at all where nothing differs, more for more parameters."""
    found: dict[str, float] = {}
    for pair, node in [(p, f"stage-{p.place}") for p in pairs] + [(p, p.place) for p in blocks]:
        if pair.a is None or pair.b is None:
            found[node] = 0.6
        elif pair.differing:
            times = max(pair.b.params / pair.a.params, pair.a.params / pair.b.params)
            found[node] = min(0.55, 0.14 + 0.12 * math.log2(times))
    first = pairs[0]
    if first.a and first.b and first.a.in_size != first.b.in_size:
        found["input"] = 0.14
    return found


def map_of(side: str, spec: Spec, coloured: Mapping[str, float]) -> None:
    """One of the two maps; a click opens the stage in both."""
    stage = opened()
    diagram(
        network_dot(spec, [stage]),
        key=f"map_{side}",
        label=f"{side.upper()}: {title(spec)}",
        clickable=[f"stage-{n}" for n in range(2, 9) if n != stage],
        tints=coloured,
        reveal=f"{stage}.1",
        together="compare",
        least_scale=0.62,
        hint="Click a stage to open it in both. Coloured: it differs; the stronger, the more.",
        on_pick=open_stage,
    )


# --- tables ----------------------------------------------------------------------------------


def _cell(name: str, value: Any) -> str:
    if name in ("in_size", "out_size"):
        return f"{value}²"
    if name == "receptive_field":
        return f"{value} px"
    if name == "activation_bytes":
        return bytes_short(value)
    if name in ("params", "macs"):
        return short(value)
    return str(value)


def difference_row(pair: Pair, first: str) -> dict[str, str]:
    """A row of the table: one value where both agree, `▸ A → B` where they differ."""
    row = {first: pair.place}
    for name in FIELDS:
        if name == "repeats" and first == "Block":
            continue
        texts = [_side(name, part) for part in (pair.a, pair.b)]
        if name not in pair.differing:
            row[HEADINGS[name]] = texts[0]
            continue
        if texts[0] == texts[1]:  # alike in three digits, not in all
            texts = [exact(getattr(part, name)) for part in (pair.a, pair.b) if part]
        row[HEADINGS[name]] = f"{MARK}{texts[0]} → {texts[1]}"
    return row


def _side(name: str, part: Part | None) -> str:
    return "–" if part is None else _cell(name, getattr(part, name))


def total_row(total: Total, a: str, b: str) -> dict[str, str]:
    """A row of the whole-network table."""
    texts = [_total(total, value) for value in (total.a, total.b)]
    ratio = f"×{total.ratio:.3g}" if total.a else "–"
    if total.a == total.b:
        ratio = "equal"
    elif 0.99 < total.ratio < 1.01:
        ratio = f"{100 * (total.ratio - 1):+.2f} %"
    return {"": total.name, f"A: {a}": texts[0], f"B: {b}": texts[1], "B over A": ratio}


def _total(total: Total, value: float) -> str:
    if total.unit == "bytes":
        return bytes_short(value)
    if total.unit == "px":
        return f"{value:g} px"
    return exact(value) if isinstance(value, int) else number(value)


def tint_differing(cell: object) -> str:
    """CSS for a table cell; the mark in the text says the same without colour."""
    marked = isinstance(cell, str) and cell.startswith(MARK)
    return "background-color: rgba(217, 138, 0, 0.2)" if marked else ""
