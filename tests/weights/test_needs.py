"""What networks need, told beforehand: against sums by hand and against a real run."""

from __future__ import annotations

import time

import pytest
import torch

from effnet import spec_for
from effnet.architecture.variants import VARIANTS
from effnet.network.model import build_model
from effnet.weights.needs import estimate, weights_bytes
from tests.conftest import reference_variants

# Seconds of one picture on one core, measured alone on a machine: the best of several runs.
MEASURED = {
    "b0": 0.0244, "b1": 0.0459, "b2": 0.0568, "b3": 0.0944, "b4": 0.2224, "b5": 0.4971, "b7": 2.0525,
    "lite0": 0.0237,
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_are_counted_exactly(variant: str) -> None:
    model = build_model(spec_for(variant), device="meta")
    floats = [t for t in model.state_dict().values() if t.is_floating_point()]
    assert weights_bytes(model.spec) == 4 * sum(t.numel() for t in floats)
    if variant in reference_variants():
        row = reference_variants()[variant]
        assert weights_bytes(model.spec) == 4 * int(row["params_plus_bn_stats"])


def test_the_widest_moment_of_b0_by_hand() -> None:
    """Stage 3's first block after its expansion: 96 x 112 x 112 twice (norm), and its input."""
    assert estimate(spec_for("b0")).peak_activation_bytes == 4 * 112 * 112 * (96 + 96 + 16)


def test_times_grow_as_measured() -> None:
    for variant, seconds in MEASURED.items():
        assert estimate(spec_for(variant)).seconds == pytest.approx(seconds, rel=0.25)
    assert estimate(spec_for("b0")).times_b0 == 1
    assert estimate(spec_for("b7")).times_b0 == pytest.approx(
        MEASURED["b7"] / MEASURED["b0"], rel=0.1
    )


def test_giants_say_so() -> None:
    b7, l2 = estimate(spec_for("b7")), estimate(spec_for("l2"))
    assert 0.5e9 < b7.memory_bytes < 1.5e9
    assert 3e9 < l2.memory_bytes < 8e9
    assert l2.times_b0 > 800
    began = time.process_time()
    estimate(spec_for("l2", num_classes=11))
    assert time.process_time() - began < 0.5


def test_a_run_allocates_about_what_was_foretold() -> None:
    """torch's own profiler counts what the tensors of one forward pass need at most."""
    model = build_model(spec_for("b0"))
    x = torch.zeros(1, 3, 224, 224)
    with torch.inference_mode(), torch.profiler.profile(profile_memory=True) as profile:
        model(x)
    now = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    needs = estimate(model.spec)
    assert 0.5 * needs.peak_activation_bytes < peak < 2.5 * needs.peak_activation_bytes
