"""Edits against the same change made by hand in the weights, and resuming against full runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from effnet.errors import InspectionError
from effnet.inspection.edits import (
    KINDS,
    Edit,
    EditTap,
    Gates,
    apply,
    baseline,
    divergence,
    effect,
    format_edits,
    parse_edits,
    rank_blocks,
    sweep,
    targets,
)
from effnet.inspection.gates import gate_stats, gate_steps
from effnet.inspection.trace import trace
from effnet.network.model import build_model
from tests.nets import net, picture


def test_all_gates_one_is_the_twin_without_se() -> None:
    """The other tensors copied into a network that never had SE."""
    model, x = net(), picture()
    twin = build_model(net(se=False).spec)
    state = model.state_dict()
    twin.load_state_dict({k: state[k] for k in twin.state_dict()})
    off = trace(model, x, edit=EditTap(model.spec, [Edit("all", "off")]))
    with torch.no_grad():
        assert np.allclose(off.logits, twin(x).numpy(), atol=1e-6)


def test_a_constant_gate_is_the_same_made_by_hand_in_the_weights() -> None:
    """SE expand weight 0 and bias logit(0.3) make every gate 0.3; a block's factor goes into project."""
    model, x = net(), picture()
    edited = trace(model, x, edit=EditTap(model.spec, [Edit("5.2", "constant", 0.3)]))
    by_hand = net()
    se = by_hand.block("5.2").se
    with torch.no_grad():
        se.expand.weight.zero_()
        se.expand.bias.fill_(math.log(0.3 / 0.7))
        assert np.allclose(edited.logits, by_hand(x).numpy(), atol=1e-5)
    halved = trace(model, x, edit=EditTap(model.spec, [Edit("6.1", "times", 0.5)]))
    by_hand = net()
    with torch.no_grad():
        by_hand.block("6.1").project.conv.weight.mul_(0.5)
        assert np.allclose(halved.logits, by_hand(x).numpy(), atol=1e-5)


def test_one_channel_off_is_its_projection_column_zero() -> None:
    model, x = net(), picture()
    edited = trace(model, x, edit=EditTap(model.spec, [Edit("7.1", "channel", 0.0, 5)]))
    by_hand = net()
    with torch.no_grad():
        by_hand.block("7.1").project.conv.weight[:, 5] = 0
        assert np.allclose(edited.logits, by_hand(x).numpy(), atol=1e-6)
    assert edited.gates["7.1"][0, 5] == 0


def test_swap_and_mean_use_the_gates_they_are_given() -> None:
    model, a, b = net(), picture(seed=1), picture(seed=2)
    other = {k: v[0] for k, v in trace(model, b).gates.items()}
    swapped = trace(model, a, edit=EditTap(model.spec, [Edit("5.1", "swap")], other=other))
    assert np.allclose(swapped.gates["5.1"][0], other["5.1"], atol=1e-7)
    both = trace(model, torch.cat([a, b]))
    mean = {k: v.mean(0) for k, v in both.gates.items()}
    flat = EditTap(model.spec, [Edit("all", "mean")], mean=mean)
    one, two = trace(model, a, edit=flat), trace(model, b, edit=flat)
    assert all(np.array_equal(one.gates[k], two.gates[k]) for k in one.gates)


def test_edits_compose_in_order() -> None:
    model, x = net(), picture()
    edits = [Edit("5", "constant", 0.5), Edit("5.2", "times", 0.5), Edit("5.2", "channel", 1.0, 3)]
    gates = trace(model, x, edit=EditTap(model.spec, edits)).gates
    assert np.all(gates["5.1"] == 0.5)
    wanted = np.full_like(gates["5.2"], 0.25)
    wanted[:, 3] = 1.0
    assert np.array_equal(gates["5.2"], wanted)


@pytest.mark.parametrize("where", ["2.1", "5.2", "6", "8.1", "all"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_resuming_equals_the_full_run_bit_for_bit(where: str, layout: torch.memory_format) -> None:
    model, x = net().to(memory_format=layout), picture().contiguous(memory_format=layout)
    base = baseline(model, x)
    for edit in (Edit(where, "off"), Edit(where, "times", 0.3), Edit(where, "channel", 0.0, 1)):
        tap = EditTap(model.spec, [edit])
        full, resumed = trace(model, x, edit=tap), apply(model, base, tap)
        assert np.array_equal(full.logits, resumed.logits)
        assert full.gates.keys() == resumed.gates.keys()
        assert all(np.array_equal(full.gates[k], resumed.gates[k]) for k in full.gates)
    assert apply(model, base, EditTap(model.spec, [])) is base.trace
    assert np.array_equal(base.trace.logits, trace(model, x).logits)


class Recording(EditTap):
    """Edits as they are, with each block's gate kept before they act."""

    natural: dict[str, np.ndarray]

    def __call__(self, point: str, t: torch.Tensor) -> torch.Tensor:
        if point.endswith(".gate"):
            self.natural[point.removesuffix(".gate")] = t[:, :, 0, 0].numpy().copy()
        return super().__call__(point, t)


def by_hand(gate: np.ndarray, edit: Edit, block: str, mean: Gates, other: Gates) -> np.ndarray:
    """One edit of a block's gates (N, C) in numpy."""
    if edit.where not in ("all", block, block.split(".", maxsplit=1)[0]):
        return gate
    if edit.kind in ("mean", "swap"):
        return np.broadcast_to((mean if edit.kind == "mean" else other)[block], gate.shape)
    if edit.kind == "times":
        return gate * np.float32(edit.value)
    new = np.array(gate)
    new[:, edit.channel if edit.kind == "channel" else slice(None)] = edit.value
    return new


@pytest.mark.parametrize(
    ("name", "size", "tries"), [("tiny", 32, 12), ("mini", 28, 12), ("b0", 64, 4)]
)
def test_any_edits_in_any_order(name: str, size: int, tries: int) -> None:
    """Random lists of edits: each block's gates by numpy, and a resumed run equal to a full one."""
    model, x = net(name), picture(size, seed=3)
    spec, rng = model.spec, np.random.default_rng(0)
    base = baseline(model, x)
    every = trace(model, picture(size, seed=4, n=3)).gates
    mean, other = ({b: g.mean(0) for b, g in every.items()}, {b: g[1] for b, g in every.items()})
    places = ["all", *sorted({b.split(".")[0] for b in spec.block_ids}), *spec.block_ids]
    for _ in range(tries):
        edits = []
        for _ in range(rng.integers(1, 7)):
            kind, where = str(rng.choice(KINDS)), str(rng.choice(places))
            channel = int(rng.integers(0, 8)) if kind == "channel" else None
            value = 1.0 if kind in ("off", "mean", "swap") else round(float(rng.uniform(0, 2)), 2)
            edits.append(Edit(where, kind, value, channel))  # type: ignore[arg-type]
        assert parse_edits(format_edits(edits)) == tuple(edits)
        tap = Recording(spec, edits, mean=mean, other=other)
        tap.natural = {}
        full = trace(model, x, edit=tap)
        resumed = apply(model, base, EditTap(spec, edits, mean=mean, other=other))
        assert np.array_equal(full.logits, resumed.logits), format_edits(edits)
        for block, gate in tap.natural.items():
            for edit in edits:
                gate = by_hand(gate, edit, block, mean, other)
            assert np.array_equal(full.gates[block], gate), (block, format_edits(edits))
            assert np.array_equal(resumed.gates[block], gate), (block, format_edits(edits))


def test_the_order_matters_where_it_should() -> None:
    model, x = net(), picture()
    halve, hold = Edit("5.2", "times", 0.5), Edit("5.2", "constant", 0.8)
    one = trace(model, x, edit=EditTap(model.spec, [halve, hold])).gates["5.2"]
    two = trace(model, x, edit=EditTap(model.spec, [hold, halve])).gates["5.2"]
    assert np.all(one == np.float32(0.8))
    assert np.all(two == np.float32(0.4))


def test_only_the_blocks_from_the_edit_on_are_computed() -> None:
    model, x = net(), picture()
    base = baseline(model, x)
    seen: list[str] = []
    edits = EditTap(model.spec, [Edit("7.1", "off")])
    original = edits.__call__

    class Watch(EditTap):
        def __call__(self, point: str, t: torch.Tensor) -> torch.Tensor:
            seen.append(point)
            return original(point, t)

    apply(model, base, Watch(model.spec, [Edit("7.1", "off")]))
    assert {p.split(".")[0] for p in seen} == {"7", "8", "head", "pool"}


def test_effect_by_hand() -> None:
    p, q = np.array([0.5, 0.25, 0.25]), np.array([0.25, 0.5, 0.25])
    assert divergence(np.log(p), np.log(q) + 7) == pytest.approx(0.5 * 1 - 0.25 * 1)
    assert divergence(np.log(p), np.log(p)) == 0
    far = divergence(np.array([0.0, -2000.0]), np.array([-3000.0, 0.0]))
    assert far == pytest.approx(3000 / math.log(2))
    model, x = net(), picture()
    base = baseline(model, x)
    run = apply(model, base, EditTap(model.spec, [Edit("6.1", "off")]))
    got = effect(base.trace, run, 4)
    assert got.logit == pytest.approx(float(run.logits[0, 4] - base.trace.logits[0, 4]))
    apart = run.probabilities[0] - base.trace.probabilities[0]
    assert got.shifted == pytest.approx(float(apart[apart > 0].sum()), abs=1e-6)
    assert got.moved["5.2"] == 0
    assert got.moved["6.1"] == pytest.approx(float((1 - base.trace.gates["6.1"]).mean()), rel=1e-5)
    assert got.moved["8.1"] > 0
    assert got.kl > 0


def test_sweep_and_ranking_agree_with_single_edits() -> None:
    model, x = net(), picture()
    base = baseline(model, x)
    curve = sweep(model, base, "5", 2, [0, 1, 2])
    assert curve[1][1] == pytest.approx(float(base.trace.probabilities[0][2]), rel=1e-5)
    zero = apply(model, base, EditTap(model.spec, [Edit("5", "constant", 0.0)]))
    assert curve[0][1] == pytest.approx(float(zero.probabilities[0][2]), rel=1e-5)
    ranked = rank_blocks(model, base, 2)
    assert sorted(b for b, _ in ranked) == sorted(model.spec.block_ids)
    assert [e.kl for _, e in ranked] == sorted((e.kl for _, e in ranked), reverse=True)


def test_text_form_round_trips() -> None:
    edits = (
        Edit("all", "off"), Edit("5", "mean"), Edit("5.2", "constant", 0.25),
        Edit("7.1", "times", 1.5), Edit("4.2", "channel", 0.0, 12), Edit("8.1", "swap"),
    )  # fmt: skip
    text = format_edits(edits)
    assert text == "all:off,5:mean,5.2:constant=0.25,7.1:times=1.5,4.2:channel12=0,8.1:swap"
    assert parse_edits(text) == edits
    assert parse_edits(" ") == ()


@pytest.mark.parametrize(
    "text", ["5.2", "5.2:", "5.2:off=1", "5.2:times", "5.2:channelx=1", "5.2:explode", "5.2:constant=a",
             ",", "5.2:channel=1", ",".join(["all:off"] * 21)],
)  # fmt: skip
def test_text_that_is_no_edit(text: str) -> None:
    with pytest.raises(InspectionError):
        parse_edits(text)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit("9.9", "off"), "no block"), (Edit("9", "off"), "stages 2 to 8"),
        (Edit("x", "off"), "no block"), (Edit("5.2", "channel", 0, 10**6), "channels 0 to"),
        (Edit("5.2", "channel", 0, -1), "channels 0 to"), (Edit("5.2", "channel", 0), "channels 0 to"),
        (Edit("5.2", "times", math.nan), "between 0 and 4"), (Edit("5.2", "constant", -1), "between"),
        (Edit("5.2", "times", 99), "between 0 and 4"), (Edit("all", "mean"), "set of pictures"),
        (Edit("all", "swap"), "second picture"),
    ],
)  # fmt: skip
def test_edits_that_do_not_fit(edit: Edit, words: str) -> None:
    with pytest.raises(InspectionError, match=words):
        EditTap(net().spec, [edit])


def test_lite_and_strangers_gates_are_refused() -> None:
    with pytest.raises(InspectionError, match="no squeeze-and-excitation"):
        targets(net("lite0", resolution=32).spec, Edit("all", "off"))
    with pytest.raises(InspectionError, match="another network"):
        EditTap(net().spec, [Edit("5.2", "mean")], mean={"5.2": np.zeros(7)})


def test_gate_steps_recompute_the_gate() -> None:
    model, x = net(), picture()
    seen = trace(model, x, features=("5.2.squeeze", "5.2.reduce"))
    steps = gate_steps(model, "5.2", seen.features["5.2.squeeze"][0])
    assert np.allclose(steps.gate, seen.gates["5.2"][0], atol=1e-6)
    assert np.allclose(steps.activated, seen.features["5.2.reduce"][0], atol=1e-6)
    total = steps.contributions(3).sum() + steps.expand_bias[3]
    assert total == pytest.approx(steps.expand[3])
    with pytest.raises(InspectionError, match="squeezes"):
        gate_steps(model, "5.2", np.zeros(3))
    with pytest.raises(InspectionError, match="no squeeze"):
        gate_steps(net("lite0", resolution=32), "5.2", np.zeros(3))


def test_gate_stats_by_hand() -> None:
    stats = gate_stats(np.array([0.0, 0.05, 0.5, 0.95]))
    assert stats.mean == pytest.approx(0.375)
    assert stats.spread == pytest.approx(np.std([0, 0.05, 0.5, 0.95]))
    assert (stats.closed, stats.open) == (0.5, 0.25)
