"""Assembles a source text line by line, and remembers which lines explain what."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 88
"""Longest line of a generated text: the default of ruff and black."""

GLUE = "\0"
"""Stands for a space that must not become a line break."""

KEEP = re.compile(r"\(N, [^)]*\)| (?:->|\*|//?|=|x) ")
"""Shapes and the signs of formulas: their spaces are no line breaks."""

Items = list[str | tuple[str, str]]
"""Arguments or parameters, each alone or with a note."""

Ranges = tuple[tuple[int, int], ...]
"""Line ranges, 1-based and inclusive, in order, apart from each other."""


class Writer:
    """Lines of code with notes, indentation and marks.

    Notes are wrapped to `WIDTH`, so that numbers of any length give a text that is formatted.

    >>> w = Writer()
    >>> with w.block("def double(x):"), w.mark("double"):
    ...     w.line("return 2 * x", "twice")
    >>> w.text, w.marks
    ('def double(x):\\n    return 2 * x  # twice\\n', {'double': ((2, 2),)})
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0
        self._marks: dict[str, list[tuple[int, int]]] = {}

    @property
    def text(self) -> str:
        """The whole text; ends with a newline."""
        return "\n".join(self._lines) + "\n"

    @property
    def marks(self) -> dict[str, Ranges]:
        """Group -> the line ranges that were written inside `mark(group)`."""
        return {group: merge(ranges) for group, ranges in self._marks.items()}

    def line(self, code: str = "", note: str = "") -> None:
        """One line of code; `note` is a comment behind it, or above it where it does not fit."""
        indented = "    " * self._depth + code if code else ""
        if note and len(indented) + len(note) + 4 > WIDTH:
            self.note(note)
            note = ""
        self._lines.append(f"{indented}  # {note}" if note else indented)

    def lines(self, *codes: str) -> None:
        """Several lines of code."""
        for code in codes:
            self.line(code)

    def note(self, sentence: str) -> None:
        """A comment of its own, wrapped."""
        for row in self._wrap(sentence, "# "):
            self.line(row)

    def doc(self, summary: str, *paragraphs: str | list[str]) -> None:
        """A docstring. Strings are wrapped; a list is a table whose rows are kept."""
        first = self._wrap('"""' + summary)
        if not paragraphs and len(first) == 1:
            self.line(f'"""{summary}"""')
            return
        self.lines(*first)
        for paragraph in paragraphs:
            self.line()
            rows = self._wrap(paragraph) if isinstance(paragraph, str) else paragraph
            self.lines(*rows)
        self.line('"""')

    def gap(self) -> None:
        """The two empty lines between functions and classes."""
        self.lines("", "")

    @contextmanager
    def block(self, *header: str) -> Iterator[None]:
        """Write a header such as `def f(x):` and indent what follows."""
        self.lines(*header)
        self._depth += 1
        yield
        self._depth -= 1

    def spread(self, head: str, items: Items, end: str, note: str = "") -> None:
        """A call or a signature with an item on each line; an item may come with a note."""
        with self.block(head):
            for item in items:
                code, item_note = (item, "") if isinstance(item, str) else item
                self.line(f"{code},", item_note)
        self.line(end, note)

    @contextmanager
    def define(self, name: str, items: Items, end: str) -> Iterator[None]:
        """A function whose parameters stand on a line each; then its body, indented."""
        self.spread(f"def {name}(", items, end)
        with self.block():
            yield

    @contextmanager
    def mark(self, *groups: str) -> Iterator[None]:
        """The lines written inside explain `groups`."""
        start = len(self._lines) + 1
        yield
        if len(self._lines) >= start:
            for group in groups:
                self._marks.setdefault(group, []).append((start, len(self._lines)))

    def _wrap(self, sentence: str, prefix: str = "") -> list[str]:
        sentence = KEEP.sub(lambda found: found[0].replace(" ", GLUE), sentence)
        rows = textwrap.wrap(
            sentence,
            WIDTH - 4 * self._depth,
            initial_indent=prefix,
            subsequent_indent=prefix,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [row.replace(GLUE, " ") for row in rows]


def merge(ranges: list[tuple[int, int]]) -> Ranges:
    """Sorted, with those that touch or overlap made one.

    >>> merge([(4, 5), (1, 2), (3, 3), (9, 9)])
    ((1, 5), (9, 9))
    """
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
