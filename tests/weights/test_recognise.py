"""From names and shapes to layout, network and classes; or a report in a table."""

from __future__ import annotations

import time

import pytest

from effnet import scale, spec_for
from effnet.architecture.spec import Spec
from effnet.architecture.variants import VARIANTS
from effnet.errors import CheckpointError
from effnet.weights.layouts import (
    COUNTER,
    KERAS,
    LAYOUTS,
    LUKEMELAS,
    OURS,
    TIMM,
    TORCHVISION,
    Layout,
    Shape,
    rename,
    shapes_of,
)
from effnet.weights.recognise import MisfitError, fit, recognise


def file_of(layout: Layout, spec: Spec) -> dict[str, Shape]:
    """The names and shapes that a checkpoint of `spec` has in that layout."""
    table = rename(layout, spec)
    return {table[o].name: table[o].their_shape(s) for o, s in shapes_of(spec).items()}


CASES = [
    (variant, layout) for variant in VARIANTS for layout in LAYOUTS.values()
    if VARIANTS[variant].se or layout.without_se
]  # fmt: skip


@pytest.mark.parametrize(("variant", "layout"), CASES, ids=[f"{v}-{la.name}" for v, la in CASES])
def test_every_network_in_every_layout_with_any_number_of_classes(
    variant: str, layout: Layout
) -> None:
    for classes in (2, 37, 1000):
        spec = spec_for(variant, num_classes=classes)
        match = recognise(file_of(layout, spec))
        assert match.layout is layout
        assert (match.variant, match.spec.num_classes) == (variant, classes)
        assert match.spec.config.se_reduce_from == "input"
        assert shapes_of(match.spec) == shapes_of(spec)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if VARIANTS[v].se])
def test_the_common_mistake_is_recognised(variant: str) -> None:
    for layout in LAYOUTS.values():
        spec = spec_for(variant, se_reduce_from="expanded")
        match = recognise(file_of(layout, spec))
        assert (match.variant, match.spec.config.se_reduce_from) == (variant, "expanded")


def test_twins_without_se() -> None:
    for variant in ("b1", "b4", "tiny"):
        match = recognise(file_of(TIMM, spec_for(variant, se=False)))
        assert (match.variant, match.spec.has_se) == (f"{variant}-no-se", False)
    # The same tensors as Lite0: nothing in the file tells them apart.
    assert recognise(file_of(TIMM, spec_for("b0", se=False))).variant == "lite0"
    if "mini" in VARIANTS:
        assert recognise(file_of(OURS, spec_for("mini", se=False))).variant == "mini-no-se"


@pytest.mark.parametrize("phi", [-5, -3, -1.5, 0.5, 2, 3.3, 5])
@pytest.mark.parametrize("lite", [False, True])
def test_other_widths_and_depths(phi: float, lite: bool) -> None:
    spec = scale(phi, lite=lite, num_classes=5)
    match = recognise(file_of(LUKEMELAS, spec))
    assert shapes_of(match.spec) == shapes_of(spec)
    # Lite at phi 2 rounds to Lite3's tensors.
    assert match.variant == ("lite3" if (phi, lite) == (2, True) else "custom")


def test_one_channel_input() -> None:
    spec = spec_for("b2", in_channels=1)
    for layout in LAYOUTS.values():
        assert recognise(file_of(layout, spec)).spec.config.in_channels == 1


def test_torch_counters_may_be_there_or_not() -> None:
    shapes = file_of(TIMM, spec_for("b0"))
    shapes |= {n.replace("running_mean", COUNTER): () for n in shapes if n.endswith("running_mean")}
    assert len(shapes) == 360
    assert recognise(shapes).variant == "b0"


def test_a_classifier_under_another_name() -> None:
    for layout, usual, other in (
        (TORCHVISION, "classifier.1", "classifier"), (TORCHVISION, "classifier.1", "classifier.3"),
        (TIMM, "classifier", "classifier.1"), (LUKEMELAS, "_fc", "_fc.1"),
        (KERAS, "predictions", "probs"), (KERAS, "predictions", "flowers"),
    ):  # fmt: skip
        shapes = file_of(layout, spec_for("b0", num_classes=7))
        renamed = {n.replace(f"{usual}{layout.joint}", f"{other}{layout.joint}"): s
                   for n, s in shapes.items()}  # fmt: skip
        match = recognise(renamed)
        assert match.spec.num_classes == 7
        assert {their.name for their in match.table.values()} == set(renamed)


# --- what does not fit ------------------------------------------------------------------------


def test_a_report_names_the_nearest_network_and_every_difference() -> None:
    shapes = file_of(TORCHVISION, spec_for("b2"))
    del shapes["features.0.1.bias"]
    shapes["features.2.0.block.2.fc1.weight"] = (24, 96, 1, 1)
    shapes["fc.weight"] = (10, 10)
    with pytest.raises(MisfitError, match="nearest to b2 as torchvision names it") as caught:
        recognise(shapes)
    report = caught.value.report
    assert (report.nearest, report.layout) == ("b2", "torchvision")
    assert (report.missing, report.misshaped, report.unexpected) == (1, 1, 1)
    assert report.matching == 439 - 2
    assert [tuple(row) for row in report.rows] == [
        ("missing", "features.0.1.bias", "32", ""),
        ("another shape", "features.2.0.block.2.fc1.weight", "4 x 96 x 1 x 1", "24 x 96 x 1 x 1"),
        ("not expected", "fc.weight", "", "10 x 10"),
    ]
    assert str(caught.value).count(".") == 1


@pytest.mark.parametrize("layout", [TORCHVISION, KERAS])
def test_a_report_does_not_count_the_number_of_classes_as_a_fault(layout: Layout) -> None:
    shapes = file_of(layout, spec_for("b1", num_classes=7))
    shapes.pop(next(name for name in shapes if "2" in name))
    with pytest.raises(MisfitError, match=r"fit, 1 missing\.$") as caught:
        recognise(shapes)
    assert caught.value.report.nearest == "b1"


def test_two_dimensional_se_weights_are_no_known_layout() -> None:
    shapes = file_of(TORCHVISION, spec_for("b0"))
    shapes = {n: s[:2] if ".fc" in n and len(s) == 4 else s for n, s in shapes.items()}
    with pytest.raises(MisfitError) as caught:
        recognise(shapes)
    assert caught.value.report.misshaped == 32


def test_other_architectures_and_nonsense_end_in_a_report() -> None:
    v2 = {"features.0.0.weight": (24, 3, 3, 3), "features.1.0.block.0.0.weight": (24, 24, 3, 3),
          "classifier.1.weight": (1000, 1280), "classifier.1.bias": (1000,)}  # fmt: skip
    resnet = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}
    both = file_of(TIMM, spec_for("b0")) | file_of(LUKEMELAS, spec_for("b0"))
    for shapes in (v2, resnet, {}, {"x": ()}, both):
        with pytest.raises(MisfitError) as caught:
            recognise(shapes)
        assert caught.value.report.rows


def test_a_file_without_a_classifier_is_told_apart() -> None:
    shapes = {n: s for n, s in file_of(TIMM, spec_for("b3")).items() if "classifier" not in n}
    with pytest.raises(MisfitError, match="b3 as timm or geffnet names it, without its classifier"):
        recognise(shapes)


def test_the_layout_can_be_insisted_on() -> None:
    shapes = file_of(TIMM, spec_for("b0"))
    assert recognise(shapes, "timm").variant == recognise(shapes, "GeffNet").variant == "b0"
    with pytest.raises(CheckpointError, match="named as by timm or geffnet, not as by torchvision"):
        recognise(shapes, "torchvision")
    with pytest.raises(MisfitError):
        recognise({"x": (1,)}, "torchvision")
    with pytest.raises(CheckpointError, match="choose one of ours, torchvision, timm"):
        recognise(shapes, "caffe")


def test_fit_takes_nothing_but_the_network_asked_for() -> None:
    assert fit(file_of(OURS, spec_for("tiny")), spec_for("tiny")).variant == "tiny"
    with pytest.raises(MisfitError):
        fit(file_of(OURS, spec_for("b0")), spec_for("tiny"))


def test_a_hundred_thousand_names_take_no_time_and_little_text() -> None:
    shapes = {f"{'x' * 300}{i}": (1,) for i in range(100_000)}
    began = time.process_time()
    with pytest.raises(MisfitError) as caught:
        recognise(shapes)
    assert time.process_time() - began < 3
    report = caught.value.report
    assert report.unexpected == 100_000
    assert len(report.rows) == 500
    assert max(len(row.name) for row in report.rows) <= 200
