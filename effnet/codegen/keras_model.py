"""The Keras 3 text of a whole network: a table of stages, the pieces, and `efficientnet()`."""

from __future__ import annotations

from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.codegen import sentences as says
from effnet.codegen.facts import Facts, literal, slug
from effnet.codegen.keras import BACKENDS, IMPORTS, check, pieces
from effnet.codegen.openings import STRIDE, open_model, stage_table
from effnet.codegen.writer import Items, Writer

IN_KERAS = tuple(f"b{i}" for i in range(8))
RECURSIVE_BLOCKS = 60
"""From here on Keras, which follows a graph by recursion, can meet Python's limit of 1000 calls."""

NAMES = "Layers are named as in keras.applications: block 4.2 is block3b there."
MATCH = (
    "Layers are named as in keras.applications, so that weights match by name: block 4.2 is "
    "block3b there. Its own network scales the pixels inside and ends with softmax; this one does "
    "neither."
)
"""For the networks that keras.applications has: B0 to B7 with its settings."""


def write_model(w: Writer, spec: Spec) -> None:
    """The file of a whole network: function `efficientnet`, with this spec's numbers."""
    facts = Facts(spec, None, channels_last=True)
    theirs = spec.name in IN_KERAS and spec == spec_for(spec.name)
    open_model(w, facts, "Keras", BACKENDS, MATCH if theirs else NAMES)
    w.line()
    if len(spec.blocks) > RECURSIVE_BLOCKS:
        w.line("import sys")
    w.lines("from typing import NamedTuple", "", *IMPORTS)
    w.gap()
    stage_table(w, facts)
    w.gap()
    conv_init(w)
    w.gap()
    pieces(w, facts)
    w.gap()
    efficientnet(w, facts)
    before = facts.shape(spec.config.in_channels, spec.resolution)
    check(w, "efficientnet()", before, f"(N, {spec.num_classes})", spec.params)


def conv_init(w: Writer) -> None:
    with w.block("def conv_init():"):
        w.doc(
            says.INITIALISE,
            f"{says.FAN_OUT} A new object for each layer: a shared one would repeat its numbers.",
        )
        arguments: Items = ["scale=2.0", 'mode="fan_out"', 'distribution="untruncated_normal"']
        w.spread("return keras.initializers.VarianceScaling(", arguments, ")")


def efficientnet(w: Writer, facts: Facts) -> None:
    spec, config, head = facts.spec, facts.spec.config, facts.spec.head_channels
    parameters: Items = [(f"resolution={spec.resolution}", "px; None takes any size")]
    parameters.append(f"num_classes={config.num_classes}")
    with w.define("efficientnet", parameters, "):"):
        w.doc("Stem, MBConv stages, head: pictures to logits.")
        w.line(f"inputs = keras.Input((resolution, resolution, {config.in_channels}))")
        w.line()
        stem(w, facts)
        w.line()
        with w.mark(*(f"stage {stage.number}" for stage in spec.stages)):
            loop(w, facts)
        w.line()
        with w.mark("head", "stage 9"):
            last = spec.blocks[-1]
            w.note(f"Head. The last block gives {facts.shape(last.out_channels, last.out_size)}.")
            arguments: Items = [str(head), "1", "use_bias=False", "kernel_initializer=conv_init()"]
            w.spread("x = layers.Conv2D(", [*arguments, 'name="top_conv"'], ")(x)")
            w.line('x = batch_norm(x, "top_bn")')
            w.line('x = activation(x, "top_activation")', facts.shape(head, spec.head_size))
            with w.mark("head.pool"):
                w.line('x = layers.GlobalAveragePooling2D(name="avg_pool")(x)', f"(N, {head})")
            with w.mark("head.dropout"):
                w.line(f'x = layers.Dropout({literal(config.dropout)}, name="top_dropout")(x)')
            with w.mark("head.fc"):
                w.line("bound = num_classes**-0.5", "official initialisation: 1 / sqrt(classes)")
                start = "kernel_initializer=keras.initializers.RandomUniform(-bound, bound)"
                logits = f"logits, (N, {config.num_classes})"
                arguments = ["num_classes", start, 'name="predictions"']
                w.spread("x = layers.Dense(", arguments, ")(x)", logits)
        name = f"efficientnet_{slug(spec.name)}"
        w.line(f'return keras.Model(inputs, x, name="{name}")')


def stem(w: Writer, facts: Facts) -> None:
    spec = facts.spec
    with w.mark("stem", "stage 1"):
        source = "inputs"
        w.note("Stem.")
        if not facts.same:
            w.line('x = layers.ZeroPadding2D(1, name="stem_conv_pad")(inputs)')
            source = "x"
        arguments: Items = [str(spec.stem_channels), "3", f"strides={spec.config.stem_stride}"]
        arguments += [f'padding="{"same" if facts.same else "valid"}"', "use_bias=False"]
        arguments += ["kernel_initializer=conv_init()", 'name="stem_conv"']
        w.spread("x = layers.Conv2D(", arguments, f")({source})")
        w.line('x = batch_norm(x, "stem_bn")')
        shape = facts.shape(spec.stem_channels, spec.stem_size)
        w.line('x = activation(x, "stem_activation")', shape)


def loop(w: Writer, facts: Facts) -> None:
    deep = max(stage.repeats for stage in facts.spec.stages) > 26
    count = len(facts.spec.blocks)
    w.line("total = sum(stage.repeats for stage in STAGES)", str(count))
    if count > RECURSIVE_BLOCKS:
        w.note("Keras follows the graph by recursion, some eleven calls a block.")
        w.line("sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000 + 12 * total))")
    w.line("index = 0")
    with w.block("for stage in STAGES:"), w.block("for repeat in range(1, stage.repeats + 1):"):
        letter = "chr(96 + repeat)"
        if deep:
            w.line('letter = chr(96 + repeat) if repeat <= 26 else f"_{repeat}"')
            letter = "letter"
        name = f'name=f"block{{stage.number - 1}}{{{letter}}}_"'
        arguments: Items = ["x", "stage.channels", "stage.expand_ratio", "stage.kernel"]
        arguments += [("stage.stride if repeat == 1 else 1", STRIDE)]
        arguments += ["DROP_CONNECT * index / total", (name, "block 4.2 is block3b_")]
        with w.mark("residual.drop"):
            w.spread("x = mbconv(", arguments, ")")
        w.line("index += 1")
