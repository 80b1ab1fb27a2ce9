"""DOT text to SVG or PNG by a Graphviz engine in a process of its own.

`graphviz-pure` comes by pip and draws the same bytes on every machine; `dot` is used where only
that is installed. In-process bindings are not used: they crash under threads.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal

from effnet.errors import DrawingError
from effnet.limits import LIMITS

Format = Literal["svg", "png"]


def engine() -> str | None:
    """Path of the layout program: `graphviz-pure` beside this Python or on PATH, else `dot`."""
    beside = str(Path(sys.executable).parent)
    for name, where in (("graphviz-pure", beside), ("graphviz-pure", None), ("dot", None)):
        if found := shutil.which(name, path=where):
            return found
    return None


@lru_cache(maxsize=LIMITS.cached_drawings)
def render(dot: str, fmt: Format = "svg") -> bytes:
    """The drawing of `dot`.

    Raises:
        DrawingError: when no engine is installed, or it fails or takes over 20 s.
    """
    program = engine()
    if program is None:
        raise DrawingError(
            "No Graphviz engine was found; run `pip install graphviz-pure` or install Graphviz."
        )
    if len(dot) > LIMITS.dot_bytes:
        raise DrawingError("This diagram is too large to draw; choose a smaller network.")
    # SERVER_NAME makes Graphviz refuse to open image files that a drawing might name.
    try:
        done = subprocess.run(
            [program, f"-T{fmt}"], input=dot.encode(), capture_output=True, check=True,
            timeout=LIMITS.layout_seconds, env={"SERVER_NAME": "none"},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DrawingError(
            "Drawing took too long and was stopped; choose a smaller part."
        ) from error
    except (subprocess.CalledProcessError, OSError) as error:
        raise DrawingError("The Graphviz engine could not draw this; please report it.") from error
    return done.stdout


def render_svg(dot: str) -> str:
    """The `<svg>` element alone, without the XML prologue."""
    text = render(dot, "svg").decode()
    return text[text.index("<svg") :]
