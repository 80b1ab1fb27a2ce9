"""`generate`: the readable source of an SE block, an MBConv block or a whole network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from effnet.architecture.operations import Operation
from effnet.architecture.scaling import build
from effnet.architecture.spec import Block, Spec, require
from effnet.codegen import keras, keras_model, pytorch, pytorch_model
from effnet.codegen.facts import label, slug
from effnet.codegen.writer import Ranges, Writer, merge

FRAMEWORKS = ("pytorch", "keras")
PARTS = ("se", "mbconv", "model")
NAMES = {"pytorch": "PyTorch", "keras": "Keras"}
SHARED = ("conv", "norm", "act")
"""Operations that one class or function of the text does for every part of the network."""

_WRITE = {
    ("pytorch", "se"): pytorch.write_se,
    ("pytorch", "mbconv"): pytorch.write_mbconv,
    ("keras", "se"): keras.write_se,
    ("keras", "mbconv"): keras.write_mbconv,
}
_WRITE_MODEL = {"pytorch": pytorch_model.write_model, "keras": keras_model.write_model}


@dataclass(frozen=True)
class Source:
    """A generated file.

    Attributes:
        framework, part: from FRAMEWORKS and PARTS. block: the address, e.g. `4.2`; None for a model.
        title: e.g. `MBConv6 4.2 of B0 in PyTorch`. filename: e.g. `efficientnet_b0_block_4_2.py`.
        text: the whole file, ASCII, ends with a newline.
        marks: group -> 1-based inclusive line ranges that explain it. Groups: `expand`,
            `depthwise`, `se`, `se.squeeze`, `se.reduce`, `se.act`, `se.expand`, `se.sigmoid`,
            `se.scale`, `project`, `residual`, `residual.drop`, `residual.add`; `conv`, `norm` and
            `act` where one place does them for all; in a model also `stem`, `head`, `head.pool`,
            `head.dropout`, `head.fc`, `stage 1` .. `stage 9` and every block's address.
    """

    framework: str
    part: str
    title: str
    text: str
    marks: Mapping[str, Ranges]
    filename: str
    block: str | None = None

    def lines_of(self, operation: Operation) -> Ranges:
        """The lines that explain one operation of a diagram; empty when this file does not hold it.

        In a model these are the class's lines and, for a block, its row of the table of stages.
        """
        if self.block is not None and operation.block != self.block:
            return ()
        exact = f"{operation.part}.{operation.name}"
        groups = [exact if exact in self.marks else operation.part]
        if groups[0] in self.marks:
            if operation.name in SHARED and groups[0] != exact:
                groups.append(operation.name)
            groups.append(operation.block)
        return merge([lines for group in groups for lines in self.marks.get(group, ())])


def generate(framework: str, spec: Spec, part: str = "mbconv", block: str | None = None) -> Source:
    """Source code of a part of `spec`, with its real numbers in the comments.

    The text is self-contained: it imports torch, or keras (3 or later), and nothing else. Weights
    of `effnet`'s own network load strictly into the PyTorch text; layers of the Keras text have
    the names that keras.applications gives them.

    Args:
        framework: `pytorch` or `keras`.
        part: `se` (the squeeze-and-excitation of a block), `mbconv` (a block) or `model`.
        block: an address such as `4.2`; by default the first MBConv6 with a residual connection.
            A model has all blocks: there it only has to exist.

    Raises:
        SpecError: in one sentence, for an unknown framework, part or block, for the SE of a
            network without SE, and for a hand-made Spec that its Config does not describe.
    """
    require(
        framework in FRAMEWORKS,
        f"Code is written in {' or '.join(FRAMEWORKS)}, not in {str(framework)!r:.40}.",
    )
    require(part in PARTS, f"The part is one of {', '.join(PARTS)}, not {str(part)!r:.40}.")
    name = label(spec.name)
    require(
        build(spec.config) == spec,
        f"Code is written for networks that follow from their settings; {name} was altered by hand.",
    )
    chosen = default_block(spec) if block is None else spec.block(block)
    w = Writer()
    if part == "model":
        _WRITE_MODEL[framework](w, spec)
        title, stem, address = name, f"efficientnet_{slug(spec.name)}", None
    else:
        require(part != "se" or spec.has_se, _no_se(spec))
        _WRITE[framework, part](w, spec, chosen)
        stem = f"efficientnet_{slug(spec.name)}_block_{chosen.id.replace('.', '_')}"
        stem += "_se" if part == "se" else ""
        what = "SE block" if part == "se" else chosen.kind
        title, address = f"{what} {chosen.id} of {name}", chosen.id
    suffix = "" if framework == "pytorch" else "_keras"
    return Source(
        framework=framework,
        part=part,
        title=f"{title} in {NAMES[framework]}",
        text=w.text,
        marks=w.marks,
        filename=f"{stem}{suffix}.py",
        block=address,
    )


def default_block(spec: Spec) -> Block:
    """The block that shows most: the first with an expand step and a residual, if there is one."""
    expanding = [block for block in spec.blocks if block.expand_ratio != 1]
    return next((block for block in expanding if block.residual), expanding[0])


def _no_se(spec: Spec) -> str:
    if spec.config.lite:
        return "EfficientNet-Lite has no squeeze-and-excitation, so there is no SE block to show."
    return (
        f"{label(spec.name)} was built without squeeze-and-excitation, so there is no SE block "
        "to show."
    )
