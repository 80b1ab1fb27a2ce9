"""What was measured about SE, and sentences that say no more than the figures do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import streamlit as st

from effnet.architecture.published import other, source
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.drawing.numbers import exact, percent
from effnet.errors import ProfileError
from effnet.inspection.profile import Profile
from effnet.inspection.profile_file import read_profile

ASSETS = Path(__file__).resolve().parent.parent / "assets"
COSTED = ("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7")


def experiments() -> dict[str, Any] | None:
    """`assets/experiments.json`, written by `python -m effnet.training.measure`; None if missing."""
    path = ASSETS / "experiments.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


def box_profile() -> Profile | None:
    """Gates of the network in the box over the 10,000 test pictures, by class."""
    path = ASSETS / "profiles" / "mini-fashion.parquet"
    return _read_box(str(path), path.stat().st_mtime_ns) if path.exists() else None


@st.cache_resource(max_entries=1, show_spinner="Opening the profile …")
def _read_box(path: str, stamp: int) -> Profile:
    return read_profile(Path(path).read_bytes())[0]


@st.cache_resource(max_entries=4, scope="session", show_spinner="Opening the profile …")
def opened_profile(digest: str, _data: bytes) -> Profile:
    """A profile that the visitor brought.

    Raises:
        ProfileError: when it is none.
    """
    profile = read_profile(_data)[0]
    if len(profile.groups) < 2:
        raise ProfileError(
            "This profile has one group; profile a folder with two or more sub-folders."
        )
    return profile


def cost_rows() -> list[dict[str, Any]]:
    """What SE costs in each released network, computed here."""
    rows = []
    for name in COSTED:
        spec = spec_for(name)
        rows.append(
            {
                "Network": name.upper(),
                "Parameters": spec.params,
                "of which SE": spec.se_params,
                "share of parameters": percent(spec.se_params / spec.params),
                "MACs": spec.macs,
                "SE MACs": spec.se_macs,
                "share of MACs": percent(spec.se_macs / spec.macs),
            }
        )
    return rows


def width_rows(official: Spec, expanded: Spec) -> list[dict[str, Any]]:
    """SE channels and parameters of each block under both rules."""
    return [
        {
            "Block": a.id, "Input": a.in_channels, "Expanded": a.expanded_channels,
            "SE, official": a.se_channels, "SE, from expanded": b.se_channels,
            "Block parameters, official": a.params, "Block parameters, from expanded": b.params,
        }
        for a, b in zip(official.blocks, expanded.blocks, strict=True)
    ]  # fmt: skip


def elsewhere_sentence() -> str:
    """A comparison by others at a larger size, with its source."""
    figures = other("resnet50_se")
    where = source(figures["source"])
    return (
        f"On ImageNet, with one recipe for both, a ResNet-50 had {figures['without']} % top-1 error without SE "
        f"and {figures['with']} % with it ([{where.where}]({where.url}))."
    )


def twin_sentences(twins: dict[str, Any], pictures: int) -> list[str]:
    """The comparison of the network in the box with its twin without SE.

    Args:
        pictures: how many test pictures both answered.
    """
    se, no, alone = twins["se"], twins["no-se"], twins["only_right"]
    gap = se["accuracy"] - no["accuracy"]
    more = se["params"] - no["params"]
    said = [
        f"With SE **{_fine(se['accuracy'])}** of the {exact(pictures)} test pictures are right, without "
        f"**{_fine(no['accuracy'])}**: {_points(gap)}. Both were trained for {se['epochs']} epochs with "
        "the same recipe, order and seed.",
        f"{exact(alone['se'])} pictures are right only with SE, {exact(alone['no-se'])} only without. "
        + _chance(alone["se"], alone["no-se"]),
        f"SE is {percent(more / se['params'])} of the network's parameters ({exact(more)} of "
        f"{exact(se['params'])}) and {percent((se['macs'] - no['macs']) / se['macs'])} of its MACs.",
    ]
    if len(se["short_accuracies"]) > 1 and len(no["short_accuracies"]) > 1:
        said.append(_seeds(se, no))
    return said


def _chance(a: int, b: int) -> str:
    """Sign test on the pictures on which the two differ, in its normal approximation."""
    reach = 2 * (a + b) ** 0.5
    if abs(a - b) <= reach:
        return (
            f"If neither were better, chance alone would part these two numbers by up to {reach:.0f} "
            "(two standard deviations), so the test pictures do not show that one is better."
        )
    return (
        f"Chance alone would part these two numbers by up to {reach:.0f} (two standard deviations); "
        f"they differ by {abs(a - b)}, so on these pictures the network "
        f"{'with' if a > b else 'without'} SE is the better one."
    )


def _seeds(se: dict[str, Any], no: dict[str, Any]) -> str:
    difference = se["short_mean"] - no["short_mean"]
    spread = max(se["short_spread"], no["short_spread"])
    runs = len(se["short_accuracies"])
    return (
        f"One training says little, so both were trained again with {runs} seeds for "
        f"{se['short_epochs']} epochs: {_fine(se['short_mean'])} ± {_points(se['short_spread'], False)} "
        f"with SE, {_fine(no['short_mean'])} ± {_points(no['short_spread'], False)} without "
        f"(mean ± standard deviation). The difference of {_points(difference)} is "
        + (
            f"{abs(difference) / spread:.1f} times the larger spread."
            if abs(difference) > spread
            else "within the spread of seeds, so these runs do not show a difference."
        )
    )


def _fine(share: float) -> str:
    return f"{100 * share:.2f} %"


def _points(value: float, signed: bool = True) -> str:
    return f"{100 * value:+.2f} points" if signed else f"{100 * value:.2f}"


def gate_rows(gates: dict[str, Any]) -> list[dict[str, Any]]:
    """Accuracy with the gates of the trained network changed."""
    what = {
        "as trained": "as trained",
        "mean": "each gate at its mean over training pictures: nothing adapts to the picture",
        "shuffled": "each picture gets another picture's gates",
        "constant 0.5": "every gate 0.5",
        "off": "every gate 1: SE taken out of a network that was trained with it",
    }
    base = gates["as trained"]
    return [
        {"Gates": text, "Accuracy": _fine(gates[key]), "Change": _points(gates[key] - base)}
        for key, text in what.items()
    ]
