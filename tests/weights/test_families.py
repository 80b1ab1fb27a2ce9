"""Padding and BN epsilon: the rules per family, and that nothing is guessed silently."""

from __future__ import annotations

import pytest

from effnet.architecture.variants import VARIANTS
from effnet.errors import CheckpointError
from effnet.weights.families import ChoiceNeededError, Evidence, architecture_evidence, settle

TF, TORCH = Evidence(True, "The file's name"), Evidence(False, "The file's name")


def settled(variant: str, layout: str, **given: object) -> tuple[str, float, float]:
    config = settle(VARIANTS[variant], layout, **given).config  # type: ignore[arg-type]
    return config.padding, config.bn_eps, config.bn_momentum


@pytest.mark.parametrize(
    ("variant", "layout", "wanted"),
    [
        *[(f"b{i}", "torchvision", ("symmetric", 1e-5, 0.1)) for i in range(5)],
        *[(f"b{i}", "torchvision", ("symmetric", 1e-3, 0.01)) for i in range(5, 8)],
        *[(f"b{i}", "lukemelas", ("same", 1e-3, 0.01)) for i in range(9)],
        *[(f"lite{i}", "lukemelas", ("same", 1e-3, 0.01)) for i in range(5)],
        *[(f"b{i}", "keras", ("same", 1e-3, 0.01)) for i in range(8)],
    ],
)  # fmt: skip
def test_layouts_that_settle_it(
    variant: str, layout: str, wanted: tuple[str, float, float]
) -> None:
    assert settled(variant, layout) == wanted


def test_timm_needs_somebody_to_say() -> None:
    for variant in ("b0", "b1", "b2", "b3", "b4", "b5", "lite0"):
        with pytest.raises(ChoiceNeededError, match="--padding same --bn-eps 1e-3") as caught:
            settle(VARIANTS[variant], "timm")
        assert (caught.value.layout, caught.value.variant) == ("timm", variant)
        assert [f.padding for f in caught.value.choices] == ["same", "symmetric"]
        assert settled(variant, "timm", evidence=TF) == ("same", 1e-3, 0.1)
        assert settled(variant, "timm", evidence=TORCH) == ("symmetric", 1e-5, 0.1)
        for flag in ({"padding": "same"}, {"bn_eps": 1e-3}, {"padding": "same", "bn_eps": 1e-3}):
            assert settled(variant, "timm", **flag) == ("same", 1e-3, 0.1)
        for flag in ({"padding": "symmetric"}, {"bn_eps": 1e-5}):
            assert settled(variant, "timm", **flag) == ("symmetric", 1e-5, 0.1)


@pytest.mark.parametrize("variant", ["lite1", "lite2", "lite3", "lite4", "b6", "b7", "b8", "l2"])
def test_timm_variants_published_only_from_tensorflow_are_not_guessed_either(variant: str) -> None:
    """timm builds `efficientnet_b7` too, and somebody may have trained it."""
    with pytest.raises(ChoiceNeededError):
        settled(variant, "timm")
    assert settled(variant, "timm", evidence=TF) == ("same", 1e-3, 0.1)
    assert settled(variant, "timm", padding="symmetric") == ("symmetric", 1e-5, 0.1)


@pytest.mark.parametrize(
    ("layout", "given", "by"),
    [
        ("torchvision", {}, "as all weights of torchvision have it"),
        ("timm", {"padding": "same"}, "as you said"),
        ("timm", {"evidence": TF}, "as the file's name says"),
        ("timm", {"evidence": TORCH, "bn_eps": 1e-3}, "as the file's name says"),
        ("timm", {"bn_eps": 1e-3}, "as the BN epsilon you gave implies"),
    ],
)
def test_who_decided_is_told(layout: str, given: dict[str, object], by: str) -> None:
    assert settle(VARIANTS["b0"], layout, **given).by == by  # type: ignore[arg-type]


def test_contradictions_are_refused() -> None:
    for layout, padding in (
        ("torchvision", "same"),
        ("keras", "symmetric"),
        ("lukemelas", "symmetric"),
    ):
        with pytest.raises(CheckpointError, match="other answers than their own library"):
            settle(VARIANTS["b0"], layout, padding=padding)
    with pytest.raises(CheckpointError, match="says that these are tf_ weights"):
        settle(VARIANTS["b0"], "timm", padding="symmetric", evidence=TF)
    # A name without tf_ may be wrong about it; a sha256 is not.
    assert settled("b0", "timm", padding="same", evidence=TORCH)[0] == "same"
    with pytest.raises(CheckpointError, match="PyTorch weights, which need symmetric padding"):
        settle(VARIANTS["b0"], "timm", padding="same", evidence=TORCH._replace(sure=True))


def test_an_epsilon_of_ones_own_is_allowed() -> None:
    assert settled("b0", "torchvision", bn_eps=1e-3) == ("symmetric", 1e-3, 0.1)
    assert settled("b0", "timm", bn_eps=1e-3, evidence=TORCH) == ("symmetric", 1e-3, 0.1)
    assert settled("b0", "timm", padding="same", bn_eps=2e-4) == ("same", 2e-4, 0.1)
    with pytest.raises(ChoiceNeededError):
        settle(VARIANTS["b0"], "timm", bn_eps=2e-4)


@pytest.mark.parametrize("bad", [{"padding": "valid"}, {"bn_eps": 0.0}, {"bn_eps": float("nan")}])
def test_impossible_values(bad: dict[str, object]) -> None:
    with pytest.raises(CheckpointError):
        settle(VARIANTS["b0"], "timm", **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "variant", "tf"),
    [
        ("tf_efficientnet_b0", "b0", True),
        ("tf_efficientnet_b0_aa-827b6e33.pth", "b0", True),
        ("timm--tf_efficientnet_b5.ns_jft_in1k", "b5", True),
        ("tf_b0.pth", "b0", True),
        ("tf_b0.pth", "b1", None),
        ("tf_efficientnet_lite0-0aa007d2.pth", "lite0", True),
        ("efficientnet_b0_ra-3dd342df.pth", "b0", False),
        ("EfficientNet_B3.ra2_in1k", "b3", False),
        ("efficientnet_b0", "b1", None),  # of another variant than the file
        ("tf_efficientnet_b0", "b1", None),
        ("efficientnet_b0_from_tf.pth", "b0", None),  # a tf elsewhere leaves it open
        ("checkpoint.pth", "b0", None),
        ("efficientnetv2_b0", "b0", None),
        (None, "b0", None),
        (["tf_efficientnet_b0"], "b0", None),
    ],
)
def test_what_a_name_says(name: object, variant: str, tf: bool | None) -> None:
    evidence = architecture_evidence(name, variant, "somebody")
    assert (None if evidence is None else evidence.tf) is tf
