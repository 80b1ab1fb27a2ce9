"""What a claim is: a sentence as commonly heard, and the answer with figures computed when shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for

Verdict = Literal["wrong", "imprecise", "depends", "missing"]
Value = int | float | str

VERDICTS: dict[Verdict, str] = {
    "wrong": "It contradicts the code, the paper or arithmetic.",
    "imprecise": "True in one sense, misleading in another.",
    "depends": "Implementations differ; say which one you mean.",
    "missing": "Nothing false is said, but something that matters is left out.",
}
"""Verdict -> what it means."""


@dataclass(frozen=True)
class Figure:
    """One number or word of a claim.

    Attributes:
        label: what it is, short. value: computes it. style: how it is written: `n` with
            separators, `%` of a share 0..1, `p` a percentage as printed, or a format such as `.2f`.
    """

    label: str
    value: Callable[[], Value]
    style: str = "n"

    @property
    def text(self) -> str:
        """The value for people."""
        value = self.value()
        if isinstance(value, str):
            return value
        if self.style == "n":
            return f"{value:,}"
        if self.style == "%":
            return f"{100 * value:.2f} %" if value < 0.01 else f"{100 * value:.1f} %"
        return f"{value:g} %" if self.style == "p" else format(value, self.style)


@dataclass(frozen=True)
class Claim:
    """One entry.

    Attributes:
        key: unique. verdict: a key of `VERDICTS`. heard: the sentence as commonly heard.
        right: one or two sentences; `{name}` stands for the figure of that name.
        figures: name -> figure. source: where it can be looked up.
        see: a page of the app and the address parameters that show it, or None.
    """

    key: str
    verdict: Verdict
    heard: str
    right: str
    figures: Mapping[str, Figure]
    source: str
    see: tuple[str, Mapping[str, str]] | None = None

    @property
    def answer(self) -> str:
        """`right` with its figures filled in."""
        return self.right.format(**{name: figure.text for name, figure in self.figures.items()})


def b0() -> Spec:
    """The network that most claims are about."""
    return spec_for("b0")


CODE = "official code, efficientnet_model.py"
BUILDER = "official code, efficientnet_builder.py"
