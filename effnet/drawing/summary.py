"""torchinfo's layer table of a block or a network, as plain rows.

torchinfo runs the module on the meta device: shapes without memory, so that B7 at 600 px costs
neither seconds nor gigabytes.
"""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from effnet.architecture.spec import Spec

if TYPE_CHECKING:
    from torch import nn
    from torchinfo.layer_info import LayerInfo


@dataclass(frozen=True)
class Row:
    """One layer as torchinfo reports it.

    Attributes:
        depth: 0 for the module itself, 1 for its children, ..
        layer: path of names, e.g. `blocks.4_2.depthwise.conv`. kind: class name.
        input, output: shapes with the batch of 1 in front, `1 × 40 × 28 × 28`.
        kernel: `5 × 5` for a convolution, else empty.
        params: trainable. share: of the module's parameters, 0..1.
        macs: convolutions and linear layers, biases not counted; a container has its children's.
    """

    depth: int
    layer: str
    kind: str
    input: str
    output: str
    kernel: str
    params: int
    share: float
    macs: int


def _sizes(value: Any) -> str:
    return " × ".join(str(int(n)) for n in value) if value else ""


def _macs(info: LayerInfo) -> int:
    """Of a convolution or linear layer; torchinfo's own count adds biases and batch norms."""
    weight = getattr(info.module, "weight", None)
    if info.class_name not in ("Conv2d", "Linear") or weight is None:
        return 0
    positions = prod(info.output_size[2:]) if info.class_name == "Conv2d" else 1
    return int(weight.numel()) * int(positions)


def _rows(module: nn.Module, channels: int, size: int) -> tuple[Row, ...]:
    import torch
    from torchinfo import summary

    x = torch.empty(1, channels, size, size, device="meta")
    infos = summary(module, input_data=x, device="meta", depth=16, verbose=0).summary_list
    total = max(1, infos[0].num_params)
    paths: list[str] = []
    rows: list[Row] = []
    for info in infos:
        del paths[max(0, info.depth - 1) :]
        if info.depth:
            paths.append(info.var_name)
        rows.append(
            Row(
                depth=info.depth,
                layer=".".join(paths) or type(module).__name__,
                kind=info.class_name,
                input=_sizes(info.input_size),
                output=_sizes(info.output_size),
                kernel=_sizes(info.kernel_size) if info.class_name == "Conv2d" else "",
                params=info.num_params,
                share=info.num_params / total,
                macs=_macs(info),
            )
        )
    return tuple(_with_children(rows))


def _with_children(rows: list[Row]) -> list[Row]:
    """Give each container the MACs of the layers inside it."""
    done = []
    for i, row in enumerate(rows):
        inside = 0
        for later in rows[i + 1 :]:
            if later.depth <= row.depth:
                break
            inside += later.macs
        done.append(Row(**{**asdict(row), "macs": row.macs + inside}))
    return done


def summarize(spec: Spec, block: str | None = None) -> tuple[Row, ...]:
    """torchinfo's table of the whole network, or of one block.

    Raises:
        SpecError: when the network has no such block.
    """
    from effnet.network.model import build_model

    if block is not None:
        b = spec.block(block)
        module: nn.Module = build_model(spec, device="meta").block(block)
        return _rows(module, b.in_channels, b.in_size)
    return _rows(build_model(spec, device="meta"), spec.config.in_channels, spec.resolution)


def to_csv(rows: tuple[Any, ...] | list[dict[str, Any]]) -> str:
    """Rows (dataclasses or dicts of one shape) as CSV text with a header."""
    plain = [row if isinstance(row, dict) else asdict(row) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(plain[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)
    return out.getvalue()
