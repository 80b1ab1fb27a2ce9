"""Diagrams read back through Graphviz: the nodes, edges and numbers that the spec has, and no more."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import graphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effnet import scale, spec_for
from effnet.architecture.spec import Spec
from effnet.drawing.diagram import block_dot, label, network_dot
from effnet.drawing.layout import engine, render, render_svg
from effnet.errors import DrawingError, SpecError
from tests.conftest import RELEASED


def parse(dot: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Node name -> label and the set of edges, as Graphviz understood the text."""
    graph: dict[str, Any] = json.loads(render(dot, "json"))  # type: ignore[arg-type]
    objects = {o["_gvid"]: o for o in graph["objects"]}
    nodes = {
        o["name"]: o.get("label", "")
        for o in objects.values()
        if "nodes" not in o and "subgraphs" not in o
    }
    edges = {
        (objects[e["tail"]]["name"], objects[e["head"]]["name"]) for e in graph.get("edges", [])
    }
    return nodes, edges


def every_block(spec: Spec) -> list[str]:
    """One block of each form: first and last of each stage."""
    return sorted({i for s in spec.stages for i in (s.blocks[0].id, s.blocks[-1].id)})


@pytest.mark.parametrize("name", RELEASED)
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_network_is_a_chain_of_stages(name: str, direction: str) -> None:
    spec = spec_for(name)
    nodes, edges = parse(network_dot(spec, (), direction))  # type: ignore[arg-type]
    names = ["input", *(f"stage-{n}" for n in range(1, 10))]
    assert set(nodes) == set(names)
    assert edges == set(pairwise(names))
    for stage in spec.stages:
        text = nodes[f"stage-{stage.number}"]
        assert f"×{stage.repeats}," in text
        assert f"{stage.out_channels} × {stage.out_size}²" in text
        assert f"{stage.first.kernel}×{stage.first.kernel}" in text


@pytest.mark.parametrize("stage", range(2, 9))
def test_an_opened_stage_shows_its_blocks_in_the_chain(stage: int) -> None:
    spec = spec_for("b3")
    nodes, edges = parse(network_dot(spec, [stage]))
    inside = [b.id for b in spec.blocks if b.stage == stage]
    assert f"stage-{stage}" not in nodes
    assert set(inside) <= set(nodes)
    assert (f"stage-{stage - 1}", inside[0]) in edges
    assert (inside[-1], f"stage-{stage + 1}") in edges
    assert all(pair in edges for pair in pairwise(inside))
    assert len(edges) == len(nodes) - 1


@pytest.mark.parametrize("name", ["b0", "b3", "lite0", "lite4", "mini", "mini-no-se"])
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_block_has_exactly_its_parts(name: str, direction: str) -> None:
    spec = spec_for(name)
    for block_id in every_block(spec):
        b = spec.block(block_id)
        nodes, edges = parse(block_dot(spec, block_id, direction))  # type: ignore[arg-type]
        assert ("expand" in nodes) == (b.expand_ratio != 1)
        branch = {"se.squeeze", "se.reduce", "se.act", "se.expand", "se.sigmoid", "se.scale"}
        assert branch & set(nodes) == (branch if b.se_channels else set())
        assert ("residual" in nodes) == ("skip" in nodes) == b.residual
        if b.residual:
            assert {("in", "skip"), ("skip", "residual"), ("project", "residual")} <= edges
            rate = f"drop-connect {b.drop_connect:.3f}"
            assert (rate in nodes["residual"]) == (b.drop_connect > 0)
        if b.se_channels:
            assert {
                ("depthwise", "se.squeeze"),
                ("depthwise", "se.scale"),
                ("se.sigmoid", "se.scale"),
            } <= edges
            assert f"{b.expanded_channels} → {b.se_channels}" in nodes["se.reduce"]
            assert f"{b.se_channels} → {b.expanded_channels}" in nodes["se.expand"]
        assert f"{b.kernel}×{b.kernel}, stride {b.stride}" in nodes["depthwise"]
        assert f"{b.expanded_channels} → {b.out_channels}" in nodes["project"]
        assert f"{b.in_channels} × {b.in_size}²" in nodes["in"]
        assert f"{b.out_channels} × {b.out_size}²" in nodes["out"]
        assert ("ReLU6" in nodes["depthwise"]) == spec.config.lite


def test_the_se_rule_is_named_as_it_is() -> None:
    assert "10 = ¼ of the 40 input channels" in block_dot(spec_for("b0"), "4.2")
    wrong = block_dot(spec_for("b0", se_reduce_from="expanded"), "4.2")
    assert "60 = ¼ of the 240 expanded channels" in wrong
    with pytest.raises(SpecError):
        block_dot(spec_for("b0"), "4.3")


def test_parameters_on_the_nodes_add_up_to_the_block() -> None:
    """B0's 2.1: 352 + 264 + 288 + 544 = 1,448, all small enough to be written out."""
    nodes, _ = parse(block_dot(spec_for("b0"), "2.1"))
    written = [int(n) for text in nodes.values() for n in re.findall(r"(\d+) params", text)]
    assert sorted(written) == [264, 288, 352, 544]
    assert sum(written) == 1448


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
@settings(max_examples=250, deadline=None)
def test_hostile_labels_stay_text(lines: list[str]) -> None:
    """Backslashes, quotes, markup, newlines, NUL: two nodes and one edge remain, with no link."""
    g = graphviz.Digraph()
    g.node("a", label=label(*lines))
    g.edge("a", "b")
    nodes, edges = parse(g.source)
    assert set(nodes) == {"a", "b"}
    assert edges == {("a", "b")}
    svg = render_svg(g.source)
    assert "href" not in svg
    assert "<image" not in svg


@pytest.mark.parametrize(
    "attack",
    [
        '] c [URL="javascript:alert(1)" label="x',
        "<b>bold</b>",
        "\\",
        'x\\" URL="http://h/',
        "\\G\\N",
        "<TABLE HREF='x'>",
    ],
)
def test_known_attacks(attack: str) -> None:
    svg = render_svg(network_dot(scale(1, name=attack)))
    assert "javascript" not in svg
    assert "href" not in svg
    g = graphviz.Digraph()
    g.node("a", label=label(attack))
    assert set(parse(g.source)[0]) == {"a"}


def test_svg_png_and_dot() -> None:
    dot = block_dot(spec_for("b0"), "4.2")
    assert engine() is not None
    assert render_svg(dot).startswith("<svg")
    assert render(dot, "png")[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(DrawingError, match="could not draw"):
        render("this is { no dot")
    with pytest.raises(DrawingError, match="too large"):
        render("x" * 3_000_000)


def test_without_an_engine_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("effnet.drawing.layout.engine", lambda: None)
    with pytest.raises(DrawingError, match="pip install graphviz-pure"):
        render("digraph { unseen_before }")
