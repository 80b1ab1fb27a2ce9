"""EfficientNet built from a Spec.

Tan and Le (2019), arXiv 1905.11946v5, Table 1. Weights are named after the addresses that the
diagrams show: `stem.conv.weight`, `blocks.4_2.depthwise.conv.weight`, `head.norm.bias`,
`classifier.weight`.
"""

from __future__ import annotations

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn

from effnet.architecture.spec import Spec
from effnet.errors import SpecError
from effnet.network.blocks import ConvNormAct, MBConv, Tap, initialise


def module_name(block_id: str) -> str:
    """`4.2` -> `4_2`: a module's name must not hold a dot."""
    return block_id.replace(".", "_")


class EfficientNet(nn.Module):
    """The whole network: (N, 3, H, W) pixels -> (N, classes) logits.

    Any height and width from 1 px up are accepted, not only the spec's resolution.

    Args:
        spec: what to build. Weights are freshly initialised (official rule, global generator).

    Attributes:
        info: what the weights are, a `WeightsInfo`, on networks made by `effnet.load`; else None.
            Untyped here, because this room does not know the one above it.
    """

    info: Any = None

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        config = spec.config
        self.stem = ConvNormAct(
            config.in_channels, spec.stem_channels, 3, config.stem_stride, config
        )
        self.blocks = nn.ModuleDict({module_name(b.id): MBConv(b, config) for b in spec.blocks})
        self.head = ConvNormAct(spec.blocks[-1].out_channels, spec.head_channels, 1, 1, config)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(spec.head_channels, spec.num_classes)
        initialise(self)

    def block(self, block_id: str) -> MBConv:
        """The module of the block at an address.

        Raises:
            SpecError: when the network has no such block.
        """
        return cast(MBConv, self.blocks[module_name(self.spec.block(block_id).id)])

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Logits (N, classes). A tap sees `stem`, every point of every block, `head` and `pool`."""
        x = self.stem(x)  # (N, stem, H/2, W/2)
        if tap is not None:
            x = tap("stem", x)
        for block in self.blocks.values():
            x = block(x, tap)
        return self._head(x, tap)

    def forward_from(self, block_id: str, x: Tensor, tap: Tap | None = None) -> Tensor:
        """Logits from the input of block `block_id` on: the same operations as `forward` does.

        Args:
            block_id: the first block to compute. x: its input, (N, in_channels, h, w).

        Raises:
            SpecError: when the network has no such block.
        """
        first = module_name(self.spec.block(block_id).id)
        started = False
        for name, block in self.blocks.items():
            started = started or name == first
            if started:
                x = block(x, tap)
        return self._head(x, tap)

    def _head(self, x: Tensor, tap: Tap | None) -> Tensor:
        x = self.head(x)  # (N, head, h, w)
        if tap is not None:
            x = tap("head", x)
        x = x.mean((2, 3))  # (N, head)
        if tap is not None:
            x = tap("pool", x)
        return cast(Tensor, self.classifier(self.dropout(x)))  # (N, classes)

    def private_view(self) -> EfficientNet:
        """A model with module objects of its own and *the same* weight tensors.

        For tools that put hooks on modules or switch modes (captum): nothing they do is seen by
        another thread that uses this model. Costs no weight memory.
        """
        shared = [*self.parameters(), *self.buffers()]
        return copy.deepcopy(self, {id(t): t for t in shared} | {id(self.spec): self.spec})


def build_model(spec: Spec, seed: int = 0, device: str = "cpu") -> EfficientNet:
    """An untrained network in eval mode, the same one for the same seed; other random state is kept.

    Args:
        device: `meta` gives shapes without memory.
    """
    if not isinstance(spec, Spec):
        raise SpecError(
            "A model is built from a Spec; make one with effnet.spec_for or effnet.scale."
        )
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(seed)
        return EfficientNet(spec).eval()
