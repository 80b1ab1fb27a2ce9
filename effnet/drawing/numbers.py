"""How numbers are written for people."""

from __future__ import annotations

from effnet.architecture.operations import Shape


def short(value: float) -> str:
    """Three digits and a letter: 5288548 -> `5.29 M`, 928 -> `928`."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            scaled = value / limit
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            return f"{scaled:.{digits}f} {letter}"
    return f"{value:,.0f}"


def exact(value: int) -> str:
    """With separators: `5,288,548`."""
    return f"{value:,}"


def bytes_short(value: float) -> str:
    """In powers of 1000: `4.82 MB`."""
    if abs(value) < 1000:
        return f"{value:.0f} B"
    return f"{short(value).replace('k', 'kB').replace('M', 'MB').replace('G', 'GB')}"


def percent(share: float) -> str:
    """0.1203 -> `12.0 %`; small shares keep two digits."""
    value = 100 * share
    return f"{value:.2f} %" if 0 < abs(value) < 1 else f"{value:.1f} %"


def shape(s: Shape) -> str:
    """`40 × 28 × 28` (channels, height, width)."""
    return " × ".join(str(n) for n in s)


def shape_short(channels: int, size: int) -> str:
    """`40 × 28²`; a single value per channel is just `40`."""
    return f"{channels} × {size}²" if size > 1 else f"{channels} × 1²"
