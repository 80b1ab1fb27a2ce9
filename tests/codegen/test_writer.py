"""The writer: wrapping, notes that do not fit, marks."""

from __future__ import annotations

from effnet.codegen.writer import Writer, merge


def test_a_note_stands_behind_its_line_or_above_it() -> None:
    w = Writer()
    with w.block("def f(x):"):
        w.line("return x", "n" * 72)  # 4 + 8 + 4 + 72 = 88
        w.line("return x", "m" * 73)
    assert w.text.splitlines() == [
        "def f(x):",
        "    return x  # " + "n" * 72,
        "    # " + "m" * 73,
        "    return x",
    ]


def test_sentences_wrap_but_shapes_and_formulas_do_not() -> None:
    w = Writer()
    w.note("word " * 15 + "(N, 240, 28, 28) and so on, " + "word " * 9 + "24 -> 144 -> 24")
    rows = w.text.splitlines()
    assert all(row.startswith("# ") and len(row) <= 88 for row in rows)
    assert any("(N, 240, 28, 28)" in row for row in rows)
    assert any("24 -> 144 -> 24" in row for row in rows)


def test_docstrings() -> None:
    w = Writer()
    w.doc("One line.")
    w.doc("A summary.", "A paragraph.", ["a   table", "b       1"])
    assert w.text == (
        '"""One line."""\n"""A summary.\n\nA paragraph.\n\na   table\nb       1\n"""\n'
    )


def test_marks_nest_merge_and_skip_what_wrote_nothing() -> None:
    w = Writer()
    w.line("a = 0")
    with w.mark("outer"):
        w.line("b = 0")
        with w.mark("inner", "twin"):
            w.line("c = 0", "a note")
        w.line("d = 0")
    with w.mark("outer"):
        w.line("e = 0")
    w.line("f = 0")
    with w.mark("outer", "empty"):
        pass
    with w.mark("outer"):
        w.line("g = 0")
    assert w.marks == {"inner": ((3, 3),), "twin": ((3, 3),), "outer": ((2, 5), (7, 7))}


def test_signatures_take_a_line_for_each_parameter() -> None:
    w = Writer()
    with w.define("f", ["x", ("y=1", "why")], "):"):
        w.line("return x")
    assert w.text == "def f(\n    x,\n    y=1,  # why\n):\n    return x\n"


def test_merge() -> None:
    assert merge([]) == ()
    assert merge([(5, 6), (1, 2), (2, 3), (8, 8), (7, 7)]) == ((1, 3), (5, 8))
