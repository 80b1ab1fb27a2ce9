"""What looking at gates costs, as ratios in one run on B0 at 224 px: `python -m benchmarks.se`.

- all gates and the top 5, against a bare forward pass of the same network (goal 1.05 or less);
- an edit at block k, against the full forward pass, beside the share of MACs from block k on
  (goal: that share plus 10 %);
- the same edit by TorchLens, where it is installed.

Every figure is the median over rounds. In each round both sides run once, every other round in the
other order, so that a busy machine is busy for both; with one thread, processor time is taken, which
does not grow while another program runs. `bare / bare` shows how far such a ratio can be trusted.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable

import torch

from effnet import spec_for
from effnet.architecture.spec import HEAD, Spec
from effnet.inspection.devices import arrange
from effnet.inspection.edits import Edit, EditTap, apply, baseline
from effnet.inspection.trace import trace
from effnet.network.model import EfficientNet, build_model


def ratio(one: Callable[[], object], other: Callable[[], object], rounds: int) -> float:
    """Median of time(one) / time(other), measured in turn."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    found = []
    for number in range(rounds):
        times = {}
        for call in (one, other) if number % 2 else (other, one):
            began = clock()
            call()
            times[call] = clock() - began
        found.append(times[one] / times[other])
    return statistics.median(found)


def share_from(spec: Spec, block: str) -> float:
    """MACs from a block on, as a share of the network's."""
    later = spec.block_ids[spec.block_ids.index(block) :]
    return (sum(spec.block(b).macs for b in later) + spec.cost(HEAD).macs) / spec.macs


def by_torchlens(model: EfficientNet, x: torch.Tensor, rounds: int) -> float | None:
    """One edit of one gate vector by TorchLens against a bare forward; None when it is not there."""
    if importlib.util.find_spec("torchlens") is None:
        return None
    import torchlens

    def edit() -> object:
        return torchlens.log_forward_pass(model, x, layers_to_save="all")

    with torch.inference_mode():
        return ratio(edit, lambda: model(x), max(1, rounds // 10))


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = build_model(spec_for("b0"))
    x = torch.randn(1, 3, 224, 224)

    def bare() -> object:
        with torch.inference_mode():
            return model(x)

    for _ in range(5):
        bare()
    print(f"B0 at 224 px, {args.threads} thread(s), median of {args.rounds} rounds")
    print(f"bare / bare: {ratio(lambda: bare(), bare, args.rounds):.3f}")
    looked = ratio(lambda: trace(model, x).top(5), bare, args.rounds)
    print(f"all gates and top 5 / bare forward: {looked:.3f} (goal 1.05)")
    arranged = arrange(build_model(spec_for("b0")))

    def channels_last() -> object:
        with torch.inference_mode():
            return arranged(x)

    print(
        f"channels-last forward / contiguous forward: {ratio(channels_last, bare, args.rounds):.3f}"
    )
    base = baseline(model, x)
    print("block  edit / full forward  share of MACs from there on  goal (share + 0.10)")
    for block in model.spec.block_ids:
        tap = EditTap(model.spec, [Edit(block, "off")])
        took = ratio(lambda tap=tap: apply(model, base, tap), bare, args.rounds)  # type: ignore[misc]
        share = share_from(model.spec, block)
        mark = "" if took <= share + 0.10 else "  above the goal"
        print(f"{block:>5}  {took:19.3f}  {share:27.3f}  {share + 0.10:.3f}{mark}")
    other = by_torchlens(model, x, args.rounds)
    print(
        "TorchLens is not installed"
        if other is None
        else f"one pass through TorchLens / bare forward: {other:.1f}"
    )


if __name__ == "__main__":
    main()
