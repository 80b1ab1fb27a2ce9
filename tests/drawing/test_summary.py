"""torchinfo's table: its totals are the reference's, and it costs no memory."""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys

import pytest

from effnet import spec_for
from effnet.drawing.charts import stage_costs
from effnet.drawing.numbers import bytes_short, percent, short
from effnet.drawing.summary import summarize, to_csv
from effnet.drawing.words import explain, headline
from effnet.errors import SpecError
from tests.conftest import RELEASED, reference_blocks


@pytest.mark.parametrize("name", [n for n in RELEASED if n != "l2"])
def test_totals_are_the_references(name: str) -> None:
    rows, reference = summarize(spec_for(name)), reference_blocks()[name]
    assert rows[0].params == reference["total_params"]
    assert rows[0].share == 1
    leaves = [r for i, r in enumerate(rows) if i + 1 == len(rows) or rows[i + 1].depth <= r.depth]
    assert sum(r.params for r in leaves) == reference["total_params"]
    assert rows[0].macs == sum(r.macs for r in leaves) == spec_for(name).macs
    by_layer = {r.layer: r for r in rows}
    for block in reference["blocks"]:
        row = by_layer[f"blocks.{block['stage'] + 1}_{block['block_in_stage']}"]
        assert (row.params, row.macs) == (block["params"], block["macs"])
        assert row.output == f"1 × {block['out_ch']} × {block['out_hw']} × {block['out_hw']}"


def test_a_block_alone_has_the_rows_it_has_in_the_network() -> None:
    whole = [r for r in summarize(spec_for("b0")) if r.layer.startswith("blocks.4_2.")]
    alone = summarize(spec_for("b0"), "4.2")[1:]
    assert [(r.kind, r.input, r.output, r.kernel, r.params, r.macs) for r in whole] == [
        (r.kind, r.input, r.output, r.kernel, r.params, r.macs) for r in alone
    ]
    kernels = {r.layer: r.kernel for r in alone if r.kernel}
    assert kernels["depthwise.conv"] == "5 × 5"
    assert kernels["se.reduce"] == "1 × 1"
    with pytest.raises(SpecError):
        summarize(spec_for("b0"), "4.9")


def test_csv_round_trips() -> None:
    rows = summarize(spec_for("tiny"), "5.1")
    back = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [int(r["params"]) for r in back] == [r.params for r in rows]
    assert back[1]["output"] == rows[1].output


def test_l2_needs_no_gigabytes() -> None:
    """480 M parameters at 800 px: with real tensors over 10 GB, on the meta device hardly more than
    torch itself (measured in a process of its own)."""
    code = "from effnet import spec_for; from effnet.drawing.summary import summarize; import json, resource;" \
        "r = summarize(spec_for('l2')); print(json.dumps([r[0].params, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    params, peak = json.loads(done.stdout)
    assert params == reference_blocks()["l2"]["total_params"]
    assert peak * (1 if sys.platform == "darwin" else 1024) < 1_500_000_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0


def test_words_name_this_blocks_numbers() -> None:
    spec = spec_for("b0")
    assert (
        headline(spec, spec.block("4.2"))
        == "MBConv6 5×5, stride 1, SE 240 → 10 → 240, with residual"
    )
    assert [s.name for s in explain(spec, "2.1")] == [
        "depthwise",
        "se.squeeze",
        "se.reduce",
        "se.scale",
        "project",
    ]
    for name in ("b0", "b4", "lite0", "mini"):
        net = spec_for(name)
        for b in net.blocks:
            steps = explain(net, b.id)
            assert sum(s.params for s in steps) == b.params
            assert sum(s.macs for s in steps) == b.macs
            assert (steps[-1].name == "residual") == b.residual
    excite = next(s for s in explain(spec, "4.2") if s.name == "se.reduce")
    assert "a quarter of the block's 40 input channels" in excite.text
    wrong = spec_for("b0", se_reduce_from="expanded")
    excite = next(s for s in explain(wrong, "4.2") if s.name == "se.reduce")
    assert "common mistake" in excite.text


def test_the_chart_shows_the_stages_shares() -> None:
    spec = spec_for("b0")
    figure = stage_costs(spec)
    for bar, key in zip(figure.data, ("params", "macs", "activation_bytes"), strict=True):
        whole = getattr(spec.cost(), key)
        assert list(bar.y) == pytest.approx([100 * r[key] / whole for r in spec.stage_rows()])
        assert sum(bar.y) == pytest.approx(100)


@pytest.mark.parametrize(
    ("value", "text"),
    [(928, "928"), (5_288_548, "5.29 M"), (385_814_752, "386 M"), (37_745_884_192, "37.7 G"), (9_600, "9.60 k"), (0, "0")],
)  # fmt: skip
def test_short_numbers(value: int, text: str) -> None:
    assert short(value) == text


def test_units() -> None:
    assert bytes_short(4_816_896) == "4.82 MB"
    assert bytes_short(12) == "12 B"
    assert percent(0.1203) == "12.0 %"
    assert percent(0.0016) == "0.16 %"
