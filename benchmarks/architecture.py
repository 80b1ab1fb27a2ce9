"""How fast the architecture is, as ratios measured in one run: `python benchmarks/architecture.py`.

1. A step of the phi slider against one forward pass of B0 at 224 px (goal: two orders of magnitude).
   A step is what the page computes for it: the network, its nine stages, its map as SVG, its figures.
   The steps are cold: each phi is new. What Streamlit adds to send the result is not in it.
2. Network, tables and diagram of B7 against `torchinfo.summary` with a real forward pass of the
   same network (goal: 100 times faster). Tables: Table 1, every block with costs and receptive
   field. Cold: nothing is cached, and a Graphviz process is started for the drawing. The module
   that torchinfo needs is built beforehand and not counted.
3. The same for B7 against B0 (goal: at most 3 times as long).

Everything runs on one CPU thread, as on a machine that many people share; times are medians, and
what is compared is measured in turns, so that other work on the machine hits both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from effnet.architecture.scaling import build
from effnet.architecture.spec import Spec
from effnet.architecture.variants import VARIANTS
from effnet.drawing import live_map
from effnet.drawing.diagram import block_dot, network_dot
from effnet.drawing.layout import render, render_svg
from effnet.drawing.words import explain


def medians_ms(times: int, *works: Callable[[], object]) -> list[float]:
    """Median duration of each work in milliseconds, the works taken in turns."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(times):
        for work, durations in zip(works, found, strict=True):
            start = time.perf_counter()
            work()
            durations.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(durations) for durations in found]


def slider_steps() -> tuple[float, float, float]:
    """(first step, median, median from phi 6.5 on) of a drag from 0 to 7, in milliseconds a step."""
    live_map.frame.cache_clear()
    live_map._pieces.cache_clear()
    render.cache_clear()
    found = []
    for i in range(141):
        start = time.perf_counter()
        shown = live_map.frame(i * 0.05)
        _ = (shown.spec.params, shown.spec.macs)
        found.append(1e3 * (time.perf_counter() - start))
    return found[0], statistics.median(found[1:]), statistics.median(found[-11:])


def network_shown(name: str, opened: tuple[int, ...] = (4,)) -> Spec:
    """A network with its tables and its diagram, from nothing."""
    render.cache_clear()
    spec = build(VARIANTS[name])
    _ = (spec.cost(), spec.stage_rows())
    for block in spec.blocks:
        _ = (block.to_dict(), spec.cost(block.id), spec.operations_of(block.id)[-1].receptive_field)
    render_svg(network_dot(spec, opened))
    return spec


def page_shown(name: str) -> None:
    """What the first page adds: the diagram and the words of one block."""
    spec = network_shown(name)
    explain(spec, "4.2")
    render_svg(block_dot(spec, "4.2"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--times", type=int, default=7, help="turns of 2 and 3 (one takes about 4 s)"
    )
    times = parser.parse_args().times
    import torch
    import torchinfo

    from effnet.network.model import build_model

    torch.set_num_threads(1)
    torch.manual_seed(0)

    b0 = build_model(build(VARIANTS["b0"])).eval()
    picture = torch.randn(1, 3, 224, 224)
    drags: list[tuple[float, float, float]] = []
    with torch.inference_mode():
        b0(picture)
        forward, _ = medians_ms(20, lambda: b0(picture), lambda: drags.append(slider_steps()))
    first, step, large = (statistics.median(column) for column in zip(*drags, strict=True))
    print(f"B0, one forward pass at 224 px                {forward:9.2f} ms")
    print(f"slider, one step (median of 140 new phis)     {step:9.3f} ms  1 : {forward / step:.0f}")
    print(
        f"slider, one step (the largest, phi 6.5 to 7)  {large:9.3f} ms  1 : {forward / large:.0f}"
    )
    print(f"slider, the very first step (lays B0 out)     {first:9.2f} ms")

    spec, every = build(VARIANTS["b7"]), tuple(range(2, 9))
    model = build_model(spec).eval()
    size = (1, 3, spec.resolution, spec.resolution)
    small, seven, small_all, seven_all, whole, info, built = medians_ms(
        times,
        lambda: network_shown("b0"),
        lambda: network_shown("b7"),
        lambda: network_shown("b0", every),
        lambda: network_shown("b7", every),
        lambda: page_shown("b7"),
        lambda: torchinfo.summary(model, size, device="cpu", verbose=0),
        lambda: build_model(spec),
    )
    print(f"B0, network + tables + diagram                {small:9.2f} ms")
    print(
        f"B7, network + tables + diagram                {seven:9.2f} ms  B7 / B0 = {seven / small:.2f}"
    )
    print(
        f"B7, the same with all 55 blocks drawn         {seven_all:9.2f} ms  B7 / B0 = {seven_all / small_all:.2f}"
    )
    print(f"B7, torchinfo with a forward pass at 600 px   {info:9.0f} ms  1 : {info / seven:.0f}")
    print(f"  against all that the first page draws       {whole:9.2f} ms  1 : {info / whole:.0f}")
    print(f"  building the module for it, not included    {built:9.0f} ms")


if __name__ == "__main__":
    main()
