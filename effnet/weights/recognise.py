"""Which network a set of names and shapes belongs to, or a report of how it fails to be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from effnet.architecture.spec import Spec
from effnet.architecture.variants import VARIANTS, spec_for
from effnet.errors import CheckpointError
from effnet.limits import LIMITS
from effnet.weights.candidates import candidates, classes_of, classifier_of, outline
from effnet.weights.layouts import (
    COUNTER,
    LAYOUTS,
    OURS,
    Layout,
    Shape,
    Their,
    layout_of,
    rename,
    shapes_of,
)

ALIASES = {
    "geffnet": "timm", "efficientnet_pytorch": "lukemelas", "lite": "lukemelas",
    "efficientnet_lite_pytorch": "lukemelas", "tf.keras": "keras",
}  # fmt: skip
"""Libraries that share the names of another one."""

REPORT_ROWS = 500
"""A report lists at most so many rows; its counts are always complete."""


@dataclass(frozen=True)
class Match:
    """A checkpoint that fits: its layout, the network, and our name of every tensor to theirs.

    `spec` has the file's number of classes and input channels; padding, BN epsilon and resolution
    are the variant's own, because names and shapes do not tell them (see `families.settle`).
    """

    layout: Layout
    spec: Spec
    table: Mapping[str, Their]

    @property
    def variant(self) -> str:
        return self.spec.name


class Row(NamedTuple):
    """One line of a report; shapes as text such as `32 x 3 x 3 x 3`, or an empty string."""

    problem: str  # "missing", "another shape" or "not expected"
    name: str
    expected: str
    found: str


@dataclass(frozen=True)
class Report:
    """How a checkpoint differs from the network that it comes nearest to.

    `headless`: it is that network but for a classifier, which is all that it lacks.
    """

    layout: str
    nearest: str
    matching: int
    missing: int
    misshaped: int
    unexpected: int
    headless: bool
    rows: tuple[Row, ...]

    @property
    def fits(self) -> bool:
        return not (self.missing or self.misshaped or self.unexpected)

    def sentence(self) -> str:
        """One sentence for a person; the rows are the table below it."""
        if self.headless:
            return (
                f"This is {self.nearest} as {LAYOUTS[self.layout].title} names it, without its "
                "classifier (a notop file); use the file that has one."
            )
        counts = (
            (self.missing, "missing"),
            (self.misshaped, "of another shape"),
            (self.unexpected, "not expected"),
        )
        parts = ", ".join(f"{count:,} {what}" for count, what in counts if count)
        return (
            f"This file is no EfficientNet that can be read here: it comes nearest to "
            f"{self.nearest} as {LAYOUTS[self.layout].title} names it, with {self.matching:,} "
            f"tensors that fit, {parts}."
        )


class MisfitError(CheckpointError):
    """A checkpoint that fits no network; `report` says in a table what is wrong."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.sentence())
        self.report = report


def named_layout(name: str) -> Layout:
    """The layout called `name`, or as the other library that names its tensors so.

    Raises:
        CheckpointError: naming the layouts there are.
    """
    layout = LAYOUTS.get(ALIASES.get(name.lower(), name.lower()))
    if layout is None:
        raise CheckpointError(
            f"There is no layout {name!r:.40}; choose one of {', '.join(LAYOUTS)}."
        )
    return layout


def recognise(shapes: Mapping[str, Shape], layout: str | None = None) -> Match:
    """Layout, network and number of classes of a checkpoint, from names and shapes alone.

    Known: the named networks, each with SE as published, with SE widths taken from the expanded
    channels (the common mistake) and without SE; and other widths and depths that follow the
    rounding rules. B0 without SE has the same tensors as Lite0 and is taken for it.

    Args:
        shapes: name to shape. Keras names as `layer/variable`, see `keras_names.py`.
        layout: name of the layout, when the caller insists on one.

    Raises:
        MisfitError: with a report against the nearest network.
        CheckpointError: for a layout that does not exist, or is not the one of the names.
    """
    tensors = without_counters(shapes)
    chosen, own = None if layout is None else named_layout(layout), layout_of(tensors)
    if chosen is not None and own not in (None, chosen):
        raise CheckpointError(
            f"The tensors are named as by {own.title}, not as by {chosen.title}; give "
            f"{own.name} as the layout, or none."
        )
    chosen = chosen or own
    if chosen is None:
        chosen = max(LAYOUTS.values(), key=lambda candidate: _overlap(tensors, candidate))
    classifier = classifier_of(tensors, chosen)
    found = outline(tensors, chosen)
    for spec in candidates(found, chosen) if found is not None else ():
        match = Match(chosen, spec, rename(chosen, spec, classifier))
        if compare(tensors, match).fits:
            return match
    raise MisfitError(_nearest(tensors, chosen, classifier))


def fit(shapes: Mapping[str, Shape], spec: Spec, layout: Layout = OURS) -> Match:
    """The match with a network that is known beforehand.

    Raises:
        MisfitError: unless the names and shapes are exactly those of `spec`.
    """
    tensors = without_counters(shapes)
    match = Match(layout, spec, rename(layout, spec, classifier_of(tensors, layout)))
    report = compare(tensors, match)
    if not report.fits:
        raise MisfitError(report)
    return match


def without_counters(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """The names that matter: torch's batch counters may be there or not."""
    return {n: s for n, s in shapes.items() if not (n.endswith(f".{COUNTER}") and s in ((), (1,)))}


def compare(shapes: Mapping[str, Shape], match: Match) -> Report:
    """Every difference between the tensors of a file and those of a network."""
    wanted = {
        match.table[ours].name: match.table[ours].their_shape(shape)
        for ours, shape in shapes_of(match.spec).items()
    }
    missing = [name for name in wanted if name not in shapes]
    misshaped = [n for n, shape in wanted.items() if n in shapes and shapes[n] != shape]
    unexpected = [name for name in shapes if name not in wanted]
    rows: list[Row] = []
    for problem, names in (
        ("missing", missing), ("another shape", misshaped), ("not expected", unexpected),
    ):  # fmt: skip
        for name in names[: REPORT_ROWS - len(rows)]:
            expected, found = _text(wanted.get(name)), _text(shapes.get(name))
            rows.append(Row(problem, name[: LIMITS.label_chars], expected, found))
    return Report(
        layout=match.layout.name,
        nearest=match.variant,
        matching=len(wanted) - len(missing) - len(misshaped),
        missing=len(missing),
        misshaped=len(misshaped),
        unexpected=len(unexpected),
        headless=set(missing) == {match.table[f"classifier.{v}"].name for v in ("weight", "bias")}
        and not misshaped
        and not unexpected,
        rows=tuple(rows),
    )


def _text(shape: Shape | None) -> str:
    if shape is None:
        return ""
    return " x ".join(str(side) for side in shape[:8]) if shape else "one value"


def _overlap(shapes: Mapping[str, Shape], layout: Layout) -> int:
    return sum(their.name in shapes for their in rename(layout, spec_for("b0")).values())


def _nearest(shapes: Mapping[str, Shape], layout: Layout, classifier: str | None) -> Report:
    """The report against the named network that shares the most tensors; fewest others breaks ties.

    With the file's own number of classes, which is never what is wrong.
    """
    classes = classes_of(shapes, layout, classifier)
    specs = [spec_for(name, **({"num_classes": classes} if classes else {})) for name in VARIANTS]
    matches = [Match(layout, spec, rename(layout, spec, classifier)) for spec in specs]
    return max(
        (compare(shapes, match) for match in matches),
        key=lambda report: (report.matching, -report.missing - report.unexpected),
    )
