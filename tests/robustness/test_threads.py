"""Sixteen threads share one model; nobody may see anybody else's gates, answers or heat maps.

The same test on a hook-based reader must fail, so that it is known to be able to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from effnet.inspection.gradcam import grad_cam
from effnet.inspection.trace import points, trace
from effnet.network.blocks import SqueezeExcite
from effnet.network.model import EfficientNet
from tests.nets import net, picture

THREADS, CALLS = 16, 100


def run_all(work: Callable[[int], bool]) -> int:
    """Wrong answers of THREADS x CALLS calls; `work(owner)` says whether the answer was right."""
    start = threading.Barrier(THREADS)

    def loop(owner: int) -> int:
        start.wait()
        return sum(not work(owner) for _ in range(CALLS))

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(loop, range(THREADS)))


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.abs(a - b).max() <= 1e-5 * np.abs(b).max())


def assert_different(answers: list[np.ndarray]) -> None:
    """Every owner's answer is another one, so that a mixed-up answer would be noticed."""
    for i, a in enumerate(answers):
        assert not any(same(a, b) for b in answers[:i])


def pictures() -> list[Tensor]:
    return [picture(32, seed=owner) for owner in range(THREADS)]


def test_traces_never_mix() -> None:
    model, xs = net(), pictures()
    alone = [trace(model, x, features=("8.1",)) for x in xs]
    for block in alone[0].gates:
        assert_different([t.gates[block] for t in alone])
    assert_different([t.logits for t in alone])

    def right(owner: int) -> bool:
        got = trace(model, xs[owner], features=("8.1",))
        want = alone[owner]
        return (
            same(got.logits, want.logits)
            and same(got.features["8.1"], want.features["8.1"])
            and all(same(got.gates[b], want.gates[b]) for b in want.gates)
        )

    wrong = run_all(right)
    print(f"traces {THREADS * CALLS} mixed {wrong}")
    assert wrong == 0


def test_heat_maps_never_mix_while_others_predict() -> None:
    model, xs = net(), pictures()
    alone = [grad_cam(model, x, 1, "4.1") for x in xs]
    assert_different([cam.grid for cam in alone])
    stop = threading.Event()

    def predict() -> None:
        while not stop.is_set():
            with torch.inference_mode():
                model(xs[0])

    others = [threading.Thread(target=predict) for _ in range(2)]
    for other in others:
        other.start()
    try:
        wrong = run_all(
            lambda owner: same(grad_cam(model, xs[owner], 1, "4.1").grid, alone[owner].grid)
        )
    finally:
        stop.set()
        for other in others:
            other.join()
    print(f"heat maps {THREADS * CALLS} mixed {wrong}")
    assert wrong == 0
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())


class CutOffError(BaseException):
    """As Streamlit ends a script in its middle: no `Exception`."""


def test_a_run_cut_off_at_any_point_leaves_the_model_as_it_was() -> None:
    model, x = net(), picture(32)
    wanted, heat = trace(model, x), grad_cam(model, x, 1, "4.1")
    state = [(p.requires_grad, p.grad) for p in model.parameters()]
    names = points(model)

    def cut_at(name: str) -> Callable[[str, Tensor], Tensor]:
        def tap(point: str, t: Tensor) -> Tensor:
            if point == name:
                raise CutOffError
            return t

        return tap

    for name in names:
        with pytest.raises(CutOffError):
            trace(model, x, edit=cut_at(name))
        with pytest.raises(CutOffError):
            grad_cam(model, x, 1, "4.1", edit=cut_at(name))
        assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
        assert not model.training
        assert state == [(p.requires_grad, p.grad) for p in model.parameters()]
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
    assert same(trace(model, x).logits, wanted.logits)
    assert same(grad_cam(model, x, 1, "4.1").grid, heat.grid)
    print(f"runs cut off {2 * len(names)} left behind 0")


def hooked_gates(model: EfficientNet, x: Tensor) -> dict[str, np.ndarray]:
    """How gates are usually read: forward hooks on the shared modules."""
    seen: dict[str, Any] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, SqueezeExcite):

            def keep(m: Any, args: Any, out: Tensor, name: str = name) -> None:
                seen[name] = torch.sigmoid(out).detach().numpy().copy()

            handles.append(module.expand.register_forward_hook(keep))
    try:
        with torch.inference_mode():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def test_the_same_test_catches_a_hook_based_reader() -> None:
    model, xs = net(), pictures()
    alone = [hooked_gates(model, x) for x in xs]

    def right(owner: int) -> bool:
        got = hooked_gates(model, xs[owner])
        return all(same(got.get(k, np.zeros(1)), v) for k, v in alone[owner].items() if k in got)

    wrong = run_all(right)
    print(f"hook-based {THREADS * CALLS} mixed {wrong}")
    assert wrong > 0
