"""The PyTorch text: SE block, MBConv block, and the pieces that the whole network uses too.

Modules are named as in `effnet.network`, so that its weights load strictly.
"""

from __future__ import annotations

from effnet.architecture.spec import Block, Spec
from effnet.codegen import sentences as says
from effnet.codegen.facts import Facts
from effnet.codegen.openings import open_block, open_se, se_widths
from effnet.codegen.pytorch_pieces import conv_norm_act, drop_connect, pad_same, squeeze_excite
from effnet.codegen.writer import Items, Writer


def write_se(w: Writer, spec: Spec, block: Block) -> None:
    """The file of one SE block: class `SqueezeExcite`, by default as wide as this block's."""
    facts = Facts(spec, block, channels_last=False)
    open_se(w, facts, "PyTorch")
    w.lines("", "import torch", "from torch import Tensor, nn", "")
    se_widths(w, facts)
    w.gap()
    squeeze_excite(w, facts, defaults=True)
    shape = facts.map(facts.wide)
    check(w, "SqueezeExcite()", shape, shape, block.se_params)


def write_mbconv(w: Writer, spec: Spec, block: Block) -> None:
    """The file of one MBConv block: class `MBConv`, by default with this block's numbers."""
    facts = Facts(spec, block, channels_last=False)
    open_block(w, facts, "PyTorch")
    w.line()
    imports(w, facts)
    w.gap()
    pieces(w, facts)
    before, after = facts.map(facts.into, after=False), facts.map(facts.out)
    check(w, "MBConv()", before, after, block.params)


def imports(w: Writer, facts: Facts) -> None:
    w.line("import torch")
    if facts.same:
        w.line("import torch.nn.functional as F")
    w.line("from torch import Tensor, nn")


def pieces(w: Writer, facts: Facts) -> None:
    """All that an MBConv block needs, bottom up, ending with MBConv itself."""
    if facts.same:
        pad_same(w, facts)
        w.gap()
    conv_norm_act(w, facts)
    w.gap()
    if facts.spec.has_se:
        squeeze_excite(w, facts)
        w.gap()
    drop_connect(w)
    w.gap()
    mbconv(w, facts)


def mbconv(w: Writer, facts: Facts) -> None:
    """Class MBConv; with a block its defaults are the block's numbers."""
    block, has_se = facts.block, facts.spec.has_se
    numbers = ("in_channels", "out_channels", "expand_ratio", "kernel", "stride")
    parameters: Items = ["self"]
    if block is None:
        parameters += [*(f"{name}: int" for name in numbers), "drop_rate: float"]
    else:
        rate, meaning = facts.drop_rate()
        parameters += [f"{name}: int = {getattr(block, name)}" for name in numbers]
        parameters.append((f"drop_rate: float = {rate}", meaning))
    with w.block("class MBConv(nn.Module):"):
        w.doc(
            says.what(facts),
            f"Shape: {facts.map(facts.into, after=False)} -> {facts.map(facts.out)}.",
        )
        w.line()
        with w.define("__init__", parameters, ") -> None:"):
            w.line("super().__init__()")
            with w.mark("expand", "depthwise"):
                w.line("wide = in_channels * expand_ratio", "" if block is None else facts.wide)
            w.line()
            with w.mark("expand"):
                w.note(says.why_expand(facts))
                with w.block("if expand_ratio == 1:"):
                    w.line("self.expand = nn.Identity()")
                with w.block("else:"):
                    w.line("self.expand = ConvNormAct(in_channels, wide, kernel=1)")
            w.line()
            with w.mark("depthwise"):
                w.note(says.why_depthwise(facts))
                w.line("self.depthwise = ConvNormAct(wide, wide, kernel, stride, groups=wide)")
            w.line()
            if has_se:
                with w.mark("se"):
                    w.note(f"{says.why_se(facts)} {says.se_rule(facts)}")
                    base = "wide" if facts.se_from_expanded else "in_channels"
                    with w.mark("se.reduce", "se.expand"):
                        w.line(
                            f"reduced = max(1, int({base} * 0.25))",
                            "" if block is None else facts.reduced,
                        )
                    w.line("self.se = SqueezeExcite(wide, reduced)")
                w.line()
            with w.mark("project"):
                w.note(says.why_project(facts))
                w.line("self.project = ConvNormAct(wide, out_channels, kernel=1, act=False)")
            w.line()
            with w.mark("residual"):
                w.note(says.why_residual(facts))
                with w.mark("residual.add"):
                    w.line(
                        "self.residual = stride == 1 and in_channels == out_channels",
                        "" if block is None else str(block.residual),
                    )
                with w.mark("residual.drop"):
                    w.line("self.drop_rate = drop_rate")
        w.line()
        with w.block("def forward(self, x: Tensor) -> Tensor:"):
            with w.mark("expand"):
                w.line("y = self.expand(x)", facts.map(facts.wide, after=False))
            with w.mark("depthwise"):
                w.line("y = self.depthwise(y)", facts.map(facts.wide))
            if has_se:
                with w.mark("se"):
                    w.line("y = self.se(y)", facts.map(facts.wide))
            with w.mark("project"):
                w.line("y = self.project(y)", facts.map(facts.out))
            with w.mark("residual"), w.block("if self.residual:"):
                with w.mark("residual.drop"):
                    w.line("y = drop_connect(y, self.drop_rate, self.training)")
                with w.mark("residual.add"):
                    w.line("y = y + x", facts.map(facts.out))
            w.line("return y")


def check(w: Writer, build: str, before: str, after: str, params: int) -> None:
    """The end of a file: build it, run it once, print the shape and the parameters.

    `before`, `after`: shapes such as `(N, 24, 56, 56)`.
    """
    w.gap()
    with w.block('if __name__ == "__main__":'):
        w.line(f"module = {build}.eval()")
        with w.block("with torch.inference_mode():"):
            w.line(f"y = module(torch.randn{before.replace('N', '1')})")
        w.line("count = sum(p.numel() for p in module.parameters())")
        w.line("print(tuple(y.shape))", after.replace("N", "1"))
        w.line('print(f"{count:,} parameters")', f"{params:,} parameters")
