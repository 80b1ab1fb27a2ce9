"""The deletion game on a network that provably looks at one corner only."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from effnet.errors import InspectionError
from effnet.inspection.faithfulness import SHARES, blurred, deletion
from tests.nets import net, picture


class Corner(nn.Module):
    """Class 0's logit is 20 times the mean of the top left quarter; class 1's is 10."""

    def __init__(self) -> None:
        super().__init__()
        inner = net()
        self.spec, self.classifier = inner.spec, inner.classifier

    def forward(self, x: Tensor) -> Tensor:
        seen = x[:, :, :16, :16].mean((1, 2, 3))
        return torch.stack([20 * seen, torch.full_like(seen, 10.0)], 1)


def bright_corner() -> tuple[Tensor, np.ndarray]:
    x = torch.zeros(1, 3, 32, 32)
    x[:, :, :16, :16] = 1.0
    return x, x[0, 0].numpy().copy()


def test_the_right_map_beats_random_and_the_wrong_one_does_not() -> None:
    x, heat = bright_corner()
    right = deletion(Corner(), x, heat, 0, orders=8)  # type: ignore[arg-type]
    wrong = deletion(Corner(), x, 1 - heat, 0, orders=8)  # type: ignore[arg-type]
    assert right.beats == 8
    assert wrong.beats == 0
    assert right.area < right.random_areas.mean() < wrong.area
    assert np.array_equal(right.coldest, wrong.hottest)


def test_the_ends_of_the_curve_are_the_picture_and_its_blur() -> None:
    x, heat = bright_corner()
    model = Corner()
    got = deletion(model, x, heat, 0, orders=2)  # type: ignore[arg-type]
    whole = model(x).softmax(1)[0, 0].item()
    blur = model(blurred(x)).softmax(1)[0, 0].item()
    for curve in (got.hottest, got.coldest, *got.random):
        assert curve[0] == pytest.approx(whole, abs=1e-6)
        assert curve[-1] == pytest.approx(blur, abs=1e-6)
    assert got.shares == SHARES


def test_area_by_hand() -> None:
    x, heat = bright_corner()
    got = deletion(Corner(), x, heat, 0, orders=1)  # type: ignore[arg-type]
    pairs = list(zip(got.shares, got.hottest, strict=True))
    by_hand = sum((b - a) * (p + q) / 2 for (a, p), (b, q) in pairwise(pairs))
    assert got.area == pytest.approx(by_hand)


def test_same_seed_same_answer_and_progress() -> None:
    model, x = net(), picture()
    heat = np.random.default_rng(0).random((32, 32))
    done: list[float] = []
    a = deletion(model, x, heat, 1, orders=3, progress=done.append)
    b = deletion(model, x, heat, 1, orders=3)
    assert np.array_equal(a.random, b.random)
    assert done == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_blur_keeps_a_flat_picture() -> None:
    assert torch.allclose(blurred(torch.full((1, 3, 20, 30), 0.4)), torch.tensor(0.4))


@pytest.mark.parametrize(
    ("heat", "words"), [(np.zeros((32, 32)), "flat"), (np.ones((4, 4)), "same height")]
)
def test_maps_that_cannot_be_checked(heat: np.ndarray, words: str) -> None:
    with pytest.raises(InspectionError, match=words):
        deletion(net(), picture(), heat, 0)
