"""Formulas with numbers put in: the numbers must add up as they stand there."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.formulas import expand_sum, sigmoid_formula, silu_formula, squeeze_formula
from effnet.inspection.gates import gate_steps
from effnet.inspection.trace import trace
from tests.nets import net, picture

NUMBER = r"[+-]?\d+\.\d+"


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(NUMBER, text)]


@pytest.mark.parametrize("block", ["2.1", "5.2", "8.1"])
def test_what_stands_on_both_sides_is_equal(block: str) -> None:
    model = net()
    seen = trace(model, picture(), features=(f"{block}.depthwise",))
    maps = seen.features[f"{block}.depthwise"][0]
    squeeze = maps.reshape(len(maps), -1).mean(1)
    steps = gate_steps(model, block, squeeze)
    for c in (0, len(maps) - 1):
        total, mean = numbers(squeeze_formula(c, np.atleast_2d(maps[c]), steps.squeeze[c]))
        assert total / maps[c].size == pytest.approx(mean, abs=1e-3)
        parts = steps.contributions(c)
        *terms, result = numbers(
            expand_sum(c, parts, float(steps.expand_bias[c]), float(steps.expand[c]))
        )
        assert sum(terms) == pytest.approx(result, abs=0.0005 * (len(terms) + 1))
        power, gate = numbers(sigmoid_formula(c, float(steps.expand[c]), float(steps.gate[c])))
        assert 1 / (1 + np.exp(power)) == pytest.approx(gate, abs=1e-4)
    z, same, r = numbers(silu_formula(steps.reduce, steps.activated))
    assert z == same
    assert z / (1 + np.exp(-z)) == pytest.approx(r, abs=1e-3)


def test_the_rest_of_a_long_sum_is_one_term() -> None:
    parts = np.array([0.5, -0.25, 0.125, 0.0625, 0.03125])
    text = expand_sum(3, parts, -0.1, float(parts.sum() - 0.1))
    assert r"\text{2 others}" in text
    assert numbers(text) == [0.5, -0.25, 0.125, 0.094, -0.1, 0.3688]
