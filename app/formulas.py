"""Formulas of a gate with a picture's own numbers put in, as LaTeX."""

from __future__ import annotations

import numpy as np

MOST_TERMS = 3


def squeeze_formula(channel: int, values: np.ndarray, mean: float) -> str:
    """The mean of a map (h, w): the sum, the count and the result."""
    rows, columns = values.shape
    return (
        rf"\begin{{aligned}}s_{{{channel}}} &= \frac{{1}}{{{rows}\cdot{columns}}}\sum_{{y,x}} "
        rf"m_{{{channel}}}(y,x)\\&= \frac{{{values.sum():.3f}}}{{{rows * columns}}} = "
        rf"{mean:.4f}\end{{aligned}}"
    )


def silu_formula(before: np.ndarray, after: np.ndarray) -> str:
    """z times its sigmoid, worked out for the value that comes out largest; (r,) both."""
    j = int(after.argmax())
    return (
        rf"\begin{{aligned}}r &= z\,\sigma(z)\\r_{{{j}}} &= {before[j]:.3f}\cdot\sigma({before[j]:.3f}) "
        rf"= {after[j]:.3f}\end{{aligned}}"
    )


def expand_sum(channel: int, parts: np.ndarray, bias: float, total: float) -> str:
    """The largest terms of the sum with their signs, the rest together, the bias, the result."""
    largest = np.argsort(-np.abs(parts), kind="stable")[:MOST_TERMS]
    shown = np.sort(largest[np.abs(parts[largest]) >= 0.0005])
    terms = [f"{parts[j]:+.3f}" for j in shown]
    if left := len(parts) - len(shown):
        rest = float(parts.sum() - parts[shown].sum())
        terms.append(
            rf"\underbrace{{{rest:+.3f}}}_{{\text{{{left} other{'s' if left > 1 else ''}}}}}"
        )
    text = "".join(terms).removeprefix("+")
    return (
        rf"\begin{{aligned}}u_{{{channel}}} &= \sum_j W_e[{channel},j]\,r_j + b_e[{channel}]\\"
        rf"&= {text}\;\underbrace{{{bias:+.3f}}}_{{\text{{bias}}}}\\&= {total:.4f}\end{{aligned}}"
    )


def sigmoid_formula(channel: int, value: float, gate: float) -> str:
    """The sigmoid with its value put in."""
    return (
        rf"g_{{{channel}}} = \frac{{1}}{{1+e^{{-u_{{{channel}}}}}}} "
        rf"= \frac{{1}}{{1+e^{{{-value:.4f}}}}} = {gate:.4f}"
    )
