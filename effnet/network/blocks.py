"""The three pieces of an EfficientNet: ConvNormAct, SqueezeExcite, MBConv.

Tan and Le (2019), arXiv 1905.11946; official code tensorflow/tpu, models/official/efficientnet.
Tensors are (N, C, H, W).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effnet.architecture.spec import Block, Config, Padding

Tap = Callable[[str, Tensor], Tensor]
"""Called with a point's name and its tensor; what it returns is used from there on.

A tap belongs to one call of `forward`, so that two threads that share a model never see each
other's tensors (hooks on a shared module do mix them: see docs/decisions/0002-no-hooks.md).
"""


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding (before, after) of one side: the odd pixel goes after.

    >>> same_padding(224, 3, 2), same_padding(225, 3, 2), same_padding(112, 5, 2)
    ((0, 1), (1, 1), (1, 2))
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvNormAct(nn.Module):
    """Convolution without bias, batch norm, and an activation unless `act` is None.

    Shape: (N, in, H, W) -> (N, out, ceil(H / stride), ceil(W / stride)), for both paddings.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int,
        config: Config,
        *,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.padding: Padding = config.padding
        # SAME differs from k//2 only where a stride meets an even size, so it is computed per call.
        self.dynamic = config.padding == "same" and stride > 1
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride,
            padding=0 if self.dynamic else kernel // 2, groups=groups, bias=False,
        )  # fmt: skip
        self.norm = nn.BatchNorm2d(out_channels, eps=config.bn_eps, momentum=config.bn_momentum)
        self.act = make_activation(config) if act else None

    def forward(self, x: Tensor) -> Tensor:
        if self.dynamic:
            (kernel, _), (stride, _) = self.conv.kernel_size, self.conv.stride
            top, bottom = same_padding(x.shape[-2], kernel, stride)
            left, right = same_padding(x.shape[-1], kernel, stride)
            x = F.pad(x, (left, right, top, bottom))
        x = self.norm(self.conv(x))
        return x if self.act is None else self.act(x)


class SqueezeExcite(nn.Module):
    """Squeeze-and-excitation (Hu et al. 2018): a gate in (0, 1) for every channel.

    gate = sigmoid(expand(act(reduce(mean over H, W of x)))); out = x * gate.
    `gate` is apart from applying it, so that it can be read and replaced without a hook.
    """

    def __init__(self, channels: int, reduced: int, config: Config) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.act = make_activation(config)
        self.expand = nn.Conv2d(reduced, channels, 1)

    def gate(self, x: Tensor, tap: Tap | None = None, point: str = "") -> Tensor:
        """(N, C, H, W) -> (N, C, 1, 1). A tap sees `squeeze`, `reduce` (after act) and `gate`."""
        s = x.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
        if tap is None:
            return torch.sigmoid(self.expand(self.act(self.reduce(s))))
        s = tap(f"{point}.squeeze", s)
        r = tap(f"{point}.reduce", self.act(self.reduce(s)))  # (N, reduced, 1, 1)
        return tap(f"{point}.gate", torch.sigmoid(self.expand(r)))

    def forward(self, x: Tensor, tap: Tap | None = None, point: str = "") -> Tensor:
        return x * self.gate(x, tap, point)


class MBConv(nn.Module):
    """Inverted bottleneck of one `Block`: expand, depthwise, SE, project, residual.

    Shape: (N, in_channels, S, S) -> (N, out_channels, ceil(S / stride), ...).
    Points that a tap sees, each after `block.id + "."`: expand, depthwise, squeeze, reduce, gate,
    scaled, project; and the block's output under the id itself.
    """

    def __init__(self, block: Block, config: Config) -> None:
        super().__init__()
        self.id, self.residual, self.drop_connect = block.id, block.residual, block.drop_connect
        wide = block.expanded_channels
        self.expand = (
            ConvNormAct(block.in_channels, wide, 1, 1, config) if block.expand_ratio != 1 else None
        )
        self.depthwise = ConvNormAct(wide, wide, block.kernel, block.stride, config, groups=wide)
        self.se = SqueezeExcite(wide, block.se_channels, config) if block.se_channels else None
        self.project = ConvNormAct(wide, block.out_channels, 1, 1, config, act=False)

    def forward(self, x: Tensor, tap: Tap | None = None) -> Tensor:
        y = x
        if self.expand is not None:
            y = self.expand(y)  # (N, wide, S, S)
            if tap is not None:
                y = tap(f"{self.id}.expand", y)
        y = self.depthwise(y)  # (N, wide, S', S')
        if tap is not None:
            y = tap(f"{self.id}.depthwise", y)
        if self.se is not None:
            y = self.se(y, tap, self.id)
            if tap is not None:
                y = tap(f"{self.id}.scaled", y)
        y = self.project(y)  # (N, out, S', S')
        if tap is not None:
            y = tap(f"{self.id}.project", y)
        if self.residual:
            y = drop_connect(y, self.drop_connect, self.training) + x
        return y if tap is None else tap(self.id, y)


def drop_connect(x: Tensor, rate: float, training: bool) -> Tensor:
    """Stochastic depth: in training drop a sample's whole branch at `rate`, scale the rest up.

    Shape: (N, C, H, W) -> same. Official `utils.drop_connect`.
    """
    if not training or rate == 0.0:
        return x
    keep = 1.0 - rate
    mask = torch.empty((x.shape[0], 1, 1, 1), dtype=x.dtype, device=x.device).bernoulli_(keep)
    return x / keep * mask


def make_activation(config: Config) -> nn.Module:
    """SiLU, or ReLU6 in Lite. Not in place: a tap may hold the tensor before it."""
    return nn.ReLU6() if config.lite else nn.SiLU()


def initialise(model: nn.Module) -> None:
    """Official initialisation, from torch's global generator.

    Convolutions: normal, std sqrt(2 / fan_out), where a depthwise fan_out is k * k; SE biases 0;
    BN weight 1, bias 0; the classifier uniform within +-1 / sqrt(classes), bias 0.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            k = module.kernel_size[0] * module.kernel_size[1]
            fan_out = k * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            bound = 1.0 / math.sqrt(module.out_features)
            nn.init.uniform_(module.weight, -bound, bound)
            nn.init.zeros_(module.bias)
