"""The PyTorch text of what an MBConv is made from: padding, ConvNormAct, SqueezeExcite, drop-connect."""

from __future__ import annotations

from effnet.codegen import sentences as says
from effnet.codegen.facts import Facts, keras_momentum, literal
from effnet.codegen.writer import Items, Writer


def pad_same(w: Writer, facts: Facts) -> None:
    strided = ("depthwise", "stem") if facts.block is None else ("depthwise",)
    with (
        w.mark(*strided),
        w.block("def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:"),
    ):
        w.doc(
            "Pad as TensorFlow's SAME does: a map of n pixels becomes ceil(n / stride).",
            "At stride 2 an even size needs an odd number of pixels. The extra one goes to the "
            "bottom and the right: (0, 1) for a 3x3 kernel, (1, 2) for a 5x5 one.",
        )
        w.line("pads: list[int] = []")
        with w.block("for size in (x.shape[3], x.shape[2]):  # F.pad wants the width first"):
            w.line("out = -(-size // stride)", "ceil(size / stride)")
            w.line("total = max((out - 1) * stride + kernel - size, 0)")
            w.line("pads += [total // 2, total - total // 2]")
        w.line("return F.pad(x, pads)")


def conv_norm_act(w: Writer, facts: Facts) -> None:
    config, activation = facts.spec.config, facts.spec.activation
    with w.block("class ConvNormAct(nn.Module):"):
        w.doc(f"Convolution without bias, batch norm, then {activation} unless act is False.")
        w.line()
        parameters: Items = ["self", "in_channels: int", "out_channels: int", "kernel: int"]
        parameters += ["stride: int = 1", "groups: int = 1", "act: bool = True"]
        with w.define("__init__", parameters, ") -> None:"):
            w.line("super().__init__()")
            if facts.same:
                w.line("self.kernel, self.stride = kernel, stride")
                w.note(
                    "At stride 1, SAME padding is kernel // 2 on every side. At stride 2 it depends "
                    "on the size of the map, so `forward` pads."
                )
                w.line("padding = kernel // 2 if stride == 1 else 0")
            else:
                w.note(says.SYMMETRIC)
                w.line("padding = kernel // 2")
            with w.mark("conv"):
                arguments: Items = ["in_channels", "out_channels", "kernel", "stride", "padding"]
                arguments += ["groups=groups", ("bias=False", "the batch norm has one")]
                w.spread("self.conv = nn.Conv2d(", arguments, ")")
            keras = literal(keras_momentum(config))
            with w.mark("norm"):
                momentum = (
                    f"momentum={literal(config.bn_momentum)}",
                    f"weight of the new batch; TensorFlow and Keras call it {keras}",
                )
                arguments = ["out_channels", f"eps={literal(config.bn_eps)}", momentum]
                w.spread("self.norm = nn.BatchNorm2d(", arguments, ")")
            with w.mark("act"):
                w.line(
                    f"self.act = nn.{activation}() if act else nn.Identity()", says.ACT[activation]
                )
        w.line()
        with w.block("def forward(self, x: Tensor) -> Tensor:"):
            if facts.same:
                with w.mark("conv"), w.block("if self.stride > 1:"):
                    w.line("x = pad_same(x, self.kernel, self.stride)")
            with w.mark("conv", "norm", "act"):
                w.line("return self.act(self.norm(self.conv(x)))")


def squeeze_excite(w: Writer, facts: Facts, defaults: bool = False) -> None:
    """Class SqueezeExcite; with `defaults` it takes its widths from the file's constants."""
    channels = "channels" if facts.block is None else facts.wide
    pooled, a, b = facts.shape(channels, 1), "", ""
    if defaults:
        a, b = " = CHANNELS", " = REDUCED"
    with w.mark("se"), w.block("class SqueezeExcite(nn.Module):"):
        w.doc(*says.SE, "Shape: (N, channels, H, W) -> the same.")
        w.line()
        with w.block(f"def __init__(self, channels: int{a}, reduced: int{b}) -> None:"):
            w.line("super().__init__()")
            w.note(says.FULLY_CONNECTED)
            with w.mark("se.reduce"):
                w.line(
                    "self.reduce = nn.Conv2d(channels, reduced, 1)", facts.params("se", "reduce")
                )
            with w.mark("se.act"):
                w.line("self.act = nn.SiLU()")
            with w.mark("se.expand"):
                w.line(
                    "self.expand = nn.Conv2d(reduced, channels, 1)", facts.params("se", "expand")
                )
        w.line()
        with w.block("def forward(self, x: Tensor) -> Tensor:"):
            with w.mark("se.squeeze"):
                w.note(says.SQUEEZE)
                w.line("s = x.mean((2, 3), keepdim=True)", pooled)
            with w.mark("se.reduce"):
                w.note(f"Reduce: {says.REDUCE}")
                w.line("s = self.reduce(s)", facts.shape(facts.reduced, 1))
            with w.mark("se.act"):
                w.note(says.BETWEEN)
                w.line("s = self.act(s)")
            with w.mark("se.expand"):
                w.note(f"Expand: {says.EXPAND}")
                w.line("s = self.expand(s)", pooled)
            with w.mark("se.sigmoid"):
                w.note(says.SIGMOID)
                w.line("gate = torch.sigmoid(s)", pooled)
            with w.mark("se.scale"):
                w.note(says.SCALE)
                shape = facts.shape(channels) if facts.block is None else facts.map(channels)
                w.line("return x * gate", shape)


def drop_connect(w: Writer) -> None:
    with (
        w.mark("residual", "residual.drop"),
        w.block("def drop_connect(x: Tensor, rate: float, training: bool) -> Tensor:"),
    ):
        w.doc(*says.DROP_CONNECT)
        with w.block("if not training or rate == 0:"):
            w.line("return x")
        w.line("keep = 1 - rate")
        w.line("mask = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(keep)", "0 or 1 per sample")
        w.line("return x / keep * mask")
