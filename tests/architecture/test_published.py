"""Every printed figure equals the reference table, and every figure names its source."""

from __future__ import annotations

import json
import re

import pytest

from effnet.architecture.published import (
    FILE,
    RECIPES,
    Printed,
    count,
    one_axis,
    other,
    published,
    source,
)
from effnet.architecture.variants import RELEASED as OURS
from effnet.errors import SpecError
from tests.conftest import RELEASED, reference_variants

SHORT = {
    "base": "base", "AA": "autoaugment", "RA": "randaugment", "AdvProp": "advprop",
    "NS": "noisy_student",
}  # fmt: skip


def cells(row: Printed | None, *names: str) -> list[str]:
    return ["" if row is None or getattr(row, n) is None else str(getattr(row, n)) for n in names]


@pytest.mark.parametrize("name", RELEASED)
def test_every_figure_equals_the_reference(name: str) -> None:
    row, found = reference_variants()[name], published(name)
    v5 = ["params", "flops", "top1", "top5"]
    assert cells(found.paper_v5, *v5) == [row[f"paper_v5_{key}"] for key in v5]
    assert cells(found.paper_v1, "top1", "top5") == [row["paper_v1_top1"], row["paper_v1_top5"]]
    for version in ("v1", "v2"):
        printed = cells(getattr(found, f"torchvision_{version}"), "top1", "top5", "crop")
        assert printed == [row[f"tv_{version}_{key}"] for key in ("acc1", "acc5", "crop")]


@pytest.mark.parametrize("name", RELEASED)
def test_every_recipe_equals_the_reference(name: str) -> None:
    text, found = reference_variants()[name]["official_readme_top1"], published(name)
    if name.startswith("lite"):
        fp32, params, flops = re.findall(r"FP32 ([\d.]+) .* README ([\d.]+M), ([\d.]+[MB])", text)[
            0
        ]
        assert cells(found.official_lite, "top1", "params", "flops") == [fp32, params, flops]
        assert not found.recipes
        return
    wanted = {}
    for recipe, value, size in re.findall(r"(\w+) ([\d.]+)(?: \((\d+px)\))?", text):
        wanted[SHORT[recipe] + (f"_{size}" if size else "")] = float(value)
    assert dict(found.recipes) == wanted
    assert set(found.recipes) <= set(RECIPES)


def test_the_same_networks_and_no_more() -> None:
    assert set(json.loads(FILE.read_text())["networks"]) == set(OURS)
    with pytest.raises(SpecError, match="choose one of b0"):
        published("b9")


def test_every_figure_has_a_source_that_says_where() -> None:
    body = json.loads(FILE.read_text())
    keys = {key for row in body["networks"].values() for key in row}
    named = {entry["source"] for entry in body["others"].values()} | {body["one_axis"]["source"]}
    assert keys | named == set(body["sources"])
    for key in body["sources"]:
        found = source(key)
        assert all((found.title, found.where))
        assert found.url.startswith("https://")
    assert "1905.11946v5" in source("paper_v5").where
    with pytest.raises(SpecError):
        source("hearsay")


def test_table_7_of_the_paper() -> None:
    """B0 by depth 4, width 2, resolution 2, and all three (1.4, 1.2, 1.3)."""
    rows = {row.name: row for row in one_axis()}
    assert [row.top1 for row in rows.values()] == [77.3, 79.0, 78.9, 79.1, 81.1]
    assert (rows["depth"].depth, rows["width"].width, rows["resolution"].resolution) == (4, 2, 2)
    assert rows["compound"][1:4] == (1.4, 1.2, 1.3)


def test_figures_about_others() -> None:
    """SENet-154 has 18.68 % error and 95.53 % top-5; r = 16; and PyTorch's defaults."""
    import torch

    assert (other("senet154")["top1_error"], other("senet154")["top5"]) == (18.68, 95.53)
    assert (other("senet_paper")["top1"], other("senet_paper")["top5"]) == (82.7, 96.2)
    assert other("se_ratio")["reduction"] == 16
    assert (other("stage_6_v1")["map"], other("stage_6_v5")["map"]) == (28, 14)
    assert (other("resnet50_se")["without"], other("resnet50_se")["with"]) == (23.91, 22.94)
    norm = torch.nn.BatchNorm2d(1)
    assert (other("torch_batch_norm")["eps"], other("torch_batch_norm")["momentum"]) == (
        norm.eps,
        norm.momentum,
    )
    with pytest.raises(SpecError):
        other("vgg")


def test_printed_counts_are_read() -> None:
    assert [count(t) for t in ("0.39B", "5.3M", "407M", "37B", "12")] == [
        0.39e9,
        5.3e6,
        407e6,
        37e9,
        12,
    ]
    with pytest.raises(SpecError):
        count("a lot")
