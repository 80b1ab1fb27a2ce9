"""What stands in the address of the page and cannot be used.

Widgets bound to the address drop such a value in silence; a person who typed it should be told.
Call these before the widgets are drawn, since a widget takes the value out of the address.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from app.text import plain, refuse


def _asked(key: str) -> str | None:
    return st.query_params.get(key)


def not_numbers(keys: Iterable[str]) -> list[str]:
    """One sentence for each of these parameters that is there and is no finite number."""
    said = []
    for key in keys:
        text = _asked(key)
        if text is None:
            continue
        try:
            good = math.isfinite(float(text))
        except ValueError:
            good = False
        if not good:
            said.append(
                f"The address says {key}={plain(text, 40)}, which is not a number; ignored."
            )
    return said


def beyond(ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """One sentence for each of these parameters that is a number outside its range."""
    said = []
    for key, (low, high) in ranges.items():
        text = _asked(key)
        if text is None or not_numbers([key]) or low <= float(text) <= high:
            continue
        said.append(
            f"The address says {key}={plain(text, 40)}; choose a number from {low:g} to {high:g}."
        )
    return said


def not_choices(choices: Mapping[str, Sequence[str]]) -> list[str]:
    """One sentence for each of these parameters that is there and is none of its choices."""
    said = []
    for key, known in choices.items():
        text = _asked(key)
        if text is not None and text not in known:
            names = known if len(known) <= 20 else (*known[:2], "…", known[-1])
            said.append(
                f"The address says {key}={plain(text, 40)}; choose one of {', '.join(names)}."
            )
    return said


def tell(*sentences: str) -> None:
    """Show what cannot be used."""
    for sentence in sentences:
        refuse(ValueError(sentence))
