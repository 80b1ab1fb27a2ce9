"""What travels with weights: there and back through a file's metadata."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from effnet import scale, spec_for
from effnet.errors import CheckpointError
from effnet.weights.info import LITE_MEAN, LITE_STD, Preprocessing, WeightsInfo

INFO = WeightsInfo(
    name="x", title="X", config=spec_for("b2", padding="symmetric", num_classes=3).config,
    preprocessing=Preprocessing(size=288, crop=0.9, mean=LITE_MEAN, std=LITE_STD, grey=True),
    trained=False, labels=("a", "b", "c"), source="s", license="l", recipe="r", accuracy="a",
    accuracy_source="as", digest="0" * 64,
)  # fmt: skip


def test_there_and_back() -> None:
    metadata = INFO.to_metadata()
    assert set(metadata) == {"format", "config", "preprocessing", "labels", "about"}
    assert metadata["format"] == "effnet/1"
    assert all(isinstance(value, str) for value in metadata.values())
    assert WeightsInfo.from_metadata(metadata) == INFO
    for changed in (
        replace(INFO, labels="", trained=True),
        replace(INFO, labels="imagenet", config=spec_for("b0").config),
        replace(INFO, labels="", config=scale(0.3, lite=True).config),
    ):
        assert WeightsInfo.from_metadata(changed.to_metadata()) == changed


def test_names_count_only_when_there_is_one_for_each_class() -> None:
    metadata = INFO.to_metadata()
    for value in (["a", "b"], "imagenet", {"0": "a"}, 5, None):
        read = WeightsInfo.from_metadata({**metadata, "labels": json.dumps(value)})
        assert read.labels == ""


@pytest.mark.parametrize(
    "bad",
    [
        {"size": 0}, {"size": 10**9}, {"size": 2.5}, {"crop": 0}, {"crop": 1.5},
        {"crop": float("nan")}, {"interpolation": "nearest"}, {"mean": (0.5, 0.5)},
        {"std": (0.2, 0.0, 0.2)}, {"mean": (float("inf"),) * 3}, {"std": ("a", "b", "c")},
    ],
)  # fmt: skip
def test_impossible_preprocessing(bad: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="makes no sense"):
        Preprocessing(**{"size": 224, **bad})  # type: ignore[arg-type]


def test_other_formats_are_told_to_be_imported() -> None:
    with pytest.raises(CheckpointError, match="weights import"):
        WeightsInfo.from_metadata({"format": "pt"})
