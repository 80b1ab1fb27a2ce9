"""The PyTorch text of a whole network: a table of stages, the pieces, and class EfficientNet."""

from __future__ import annotations

from effnet.architecture.spec import Spec
from effnet.architecture.variants import RELEASED, spec_for
from effnet.codegen import sentences as says
from effnet.codegen.facts import Facts, literal
from effnet.codegen.openings import STRIDE, open_model, stage_table
from effnet.codegen.pytorch import check, imports, pieces
from effnet.codegen.writer import Items, Writer

TORCHVISION = {f"b{i}": 1e-5 if i < 5 else 1e-3 for i in range(8)}
"""Network -> the BN epsilon of torchvision's weights; all of them pad symmetrically."""


def write_model(w: Writer, spec: Spec) -> None:
    """The file of a whole network: class `EfficientNet`, with this spec's numbers."""
    facts = Facts(spec, None, channels_last=False)
    open_model(w, facts, "PyTorch", *released_weights(spec))
    w.lines("", "from typing import NamedTuple", "")
    imports(w, facts)
    w.gap()
    stage_table(w, facts)
    w.gap()
    pieces(w, facts)
    w.gap()
    efficientnet(w, facts)
    w.gap()
    initialise(w)
    before = facts.shape(spec.config.in_channels, spec.resolution)
    check(w, "EfficientNet()", before, f"(N, {spec.num_classes})", spec.params)


def released_weights(spec: Spec) -> list[str | list[str]]:
    """How released weights get into the text's network; nothing where none were trained like this."""
    own, name = spec.config, spec.name
    if name not in RELEASED or spec_for(name, padding=own.padding, bn_eps=own.bn_eps) != spec:
        return []
    settings = (own.padding, own.bn_eps)
    if settings == ("same", 1e-3):
        theirs = f'timm.create_model("tf_efficientnet_{name}", pretrained=True)'
    elif name in TORCHVISION and settings == ("symmetric", TORCHVISION[name]):
        theirs = f'torchvision.models.efficientnet_{name}(weights="DEFAULT")'
    else:
        return []
    return [
        "Released weights fit, because the tensors come in the order of timm, torchvision and "
        "efficientnet_pytorch. One with this padding and this BN epsilon:",
        [
            f"theirs = {theirs}",
            "values = theirs.state_dict().values()",
            "model = EfficientNet()",
            "model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))",
        ],
    ]


def efficientnet(w: Writer, facts: Facts) -> None:
    spec, config, head = facts.spec, facts.spec.config, facts.spec.head_channels
    last = spec.blocks[-1]
    stem_map = facts.shape(spec.stem_channels, spec.stem_size)
    with w.block("class EfficientNet(nn.Module):"):
        w.doc("Stem, MBConv stages, head: pictures to logits.")
        w.line()
        with w.block(f"def __init__(self, num_classes: int = {config.num_classes}) -> None:"):
            w.line("super().__init__()")
            with w.mark("stem", "stage 1"):
                w.line(
                    f"self.stem = ConvNormAct({config.in_channels}, {spec.stem_channels}, "
                    f"kernel=3, stride={config.stem_stride})"
                )
            with w.mark(*(f"stage {stage.number}" for stage in spec.stages)):
                w.note('Blocks are named "stage_repeat", e.g. "4_2" for block 4.2.')
                w.line("self.blocks = nn.ModuleDict()")
                w.line(f"channels, index = {spec.stem_channels}, 0")
                w.line("total = sum(stage.repeats for stage in STAGES)", f"{len(spec.blocks)}")
                with (
                    w.block("for stage in STAGES:"),
                    w.block("for repeat in range(1, stage.repeats + 1):"),
                ):
                    with w.mark("residual.drop"):
                        call = 'self.blocks[f"{stage.number}_{repeat}"] = MBConv('
                        arguments: Items = ["channels", "stage.channels", "stage.expand_ratio"]
                        arguments += [
                            "stage.kernel",
                            ("stage.stride if repeat == 1 else 1", STRIDE),
                        ]
                        w.spread(call, [*arguments, "DROP_CONNECT * index / total"], ")")
                    w.line("channels, index = stage.channels, index + 1")
            with w.mark("head", "stage 9"):
                w.line(f"self.head = ConvNormAct(channels, {head}, kernel=1)")
                with w.mark("head.dropout"):
                    w.line(f"self.dropout = nn.Dropout({literal(config.dropout)})")
                with w.mark("head.fc"):
                    w.line(f"self.classifier = nn.Linear({head}, num_classes)")
            w.line("initialise(self)")
        w.line()
        with w.block("def forward(self, x: Tensor) -> Tensor:"):
            with w.mark("stem", "stage 1"):
                w.line("x = self.stem(x)", stem_map)
            stages = w.mark(*(f"stage {stage.number}" for stage in spec.stages))
            with stages, w.block("for block in self.blocks.values():"):
                w.line("x = block(x)")
            with w.mark("head", "stage 9"):
                w.note(f"The last block gives {facts.shape(last.out_channels, last.out_size)}.")
                w.line("x = self.head(x)", facts.shape(head, spec.head_size))
                with w.mark("head.pool"):
                    w.line("x = x.mean((2, 3))", f"(N, {head}): global average pool")
                with w.mark("head.dropout"):
                    w.line("x = self.dropout(x)")
                with w.mark("head.fc"):
                    w.line("return self.classifier(x)", f"(N, {config.num_classes})")


def initialise(w: Writer) -> None:
    with w.block("def initialise(model: nn.Module) -> None:"):
        w.doc(
            says.INITIALISE, f"{says.FAN_OUT} The classifier is uniform within 1 / sqrt(classes)."
        )
        with w.block("for layer in model.modules():"):
            with w.block("if isinstance(layer, nn.Conv2d):"):
                w.line("kernel = layer.kernel_size[0] * layer.kernel_size[1]")
                w.line("fan_out = kernel * layer.out_channels // layer.groups")
                w.line("nn.init.normal_(layer.weight, std=(2 / fan_out) ** 0.5)")
                with w.block("if layer.bias is not None:"):
                    w.line("nn.init.zeros_(layer.bias)")
            with w.block("elif isinstance(layer, nn.Linear):"):
                w.line("bound = layer.out_features**-0.5")
                w.line("nn.init.uniform_(layer.weight, -bound, bound)")
                w.line("nn.init.zeros_(layer.bias)")
