"""The Keras 3 text: SE block, MBConv block, and the pieces that the whole network uses too.

Functional style. Layers are named as in keras.applications, so that weights match by name:
`block3b_expand_conv` belongs to block 4.2.
"""

from __future__ import annotations

from effnet.architecture.spec import Block, Spec
from effnet.codegen import sentences as says
from effnet.codegen.facts import Facts, keras_momentum, literal
from effnet.codegen.openings import open_block, open_se, se_widths
from effnet.codegen.writer import Items, Writer

BACKENDS = "Keras 3: runs on TensorFlow, JAX or PyTorch; set KERAS_BACKEND before the import."
IMPORTS = ("import keras", "from keras import layers")
INITIALISED = "kernel_initializer=conv_init()"


def write_se(w: Writer, spec: Spec, block: Block) -> None:
    """The file of one SE block: function `squeeze_excite`, by default as wide as this block's."""
    facts = Facts(spec, block, channels_last=True)
    open_se(w, facts, "Keras", BACKENDS)
    w.lines("", *IMPORTS, "")
    se_widths(w, facts)
    w.gap()
    squeeze_excite(w, facts, defaults=True)
    shape = facts.map(facts.wide)
    check(w, "squeeze_excite(inputs)", shape, shape, block.se_params)


def write_mbconv(w: Writer, spec: Spec, block: Block) -> None:
    """The file of one MBConv block: function `mbconv`, by default with this block's numbers."""
    facts = Facts(spec, block, channels_last=True)
    open_block(w, facts, "Keras", BACKENDS)
    w.lines("", *IMPORTS)
    w.gap()
    pieces(w, facts)
    before, after = facts.map(facts.into, after=False), facts.map(facts.out)
    check(w, "mbconv(inputs)", before, after, block.params)


def pieces(w: Writer, facts: Facts) -> None:
    """All that an MBConv block needs, bottom up, ending with `mbconv` itself."""
    batch_norm(w, facts)
    w.gap()
    activation(w, facts)
    w.gap()
    if facts.spec.has_se:
        squeeze_excite(w, facts)
        w.gap()
    mbconv(w, facts)


def batch_norm(w: Writer, facts: Facts) -> None:
    config = facts.spec.config
    with w.mark("norm"), w.block("def batch_norm(x, name):"):
        w.doc("Batch norm. It has a bias of its own, so the convolution before it has none.")
        torch = literal(config.bn_momentum)
        arguments: Items = [
            (
                f"momentum={literal(keras_momentum(config))}",
                f"weight of the old mean; PyTorch names the new batch's, {torch}",
            ),
            f"epsilon={literal(config.bn_eps)}",
            "name=name",
        ]
        w.spread("return layers.BatchNormalization(", arguments, ")(x)")


def activation(w: Writer, facts: Facts) -> None:
    kind = facts.spec.activation
    with w.mark("act"), w.block("def activation(x, name):"):
        w.doc(f"{says.ACT[kind]}.")
        w.line(f'return layers.Activation("{kind.lower()}", name=name)(x)')


def squeeze_excite(w: Writer, facts: Facts, defaults: bool = False) -> None:
    """Function squeeze_excite; with `defaults` it takes its width from the file's constants."""
    wide = "channels" if facts.block is None else facts.wide
    pooled, map_shape = facts.shape(wide, 1), facts.map(wide)
    header, paragraphs = "def squeeze_excite(x, reduced, name):", [*says.SE, says.FULLY_CONNECTED]
    if defaults:
        header = f'def squeeze_excite(x, reduced=REDUCED, name="{facts.keras_prefix()}"):'
        paragraphs.append(says.layer_names(facts))
    if facts.block is None:
        map_shape = facts.shape(wide)
    with w.mark("se"), w.block(header):
        w.doc(*paragraphs, "Shape: (N, H, W, channels) -> the same.")
        with w.mark("se.expand"):
            w.line("channels = x.shape[-1]", "" if facts.block is None else wide)
        with w.mark("se.squeeze"):
            w.note(f"{says.SQUEEZE} Gives {pooled}.")
            w.line('s = layers.GlobalAveragePooling2D(keepdims=True, name=name + "se_squeeze")(x)')
        with w.mark("se.reduce"):
            w.note(f"{says.counted(facts, 'Reduce', 'se', 'reduce')} {says.REDUCE}")
            se_conv(w, facts, "reduced", "se_reduce", facts.shape(facts.reduced, 1))
        with w.mark("se.act"):
            w.note(says.BETWEEN)
            w.line('s = layers.Activation("silu", name=name + "se_activation")(s)')
        with w.mark("se.expand"):
            w.note(f"{says.counted(facts, 'Expand', 'se', 'expand')} {says.EXPAND}")
            se_conv(w, facts, "channels", "se_expand", pooled)
        with w.mark("se.sigmoid"):
            w.note(says.SIGMOID)
            w.line('gate = layers.Activation("sigmoid", name=name + "se_sigmoid")(s)')
        with w.mark("se.scale"):
            w.note(says.SCALE)
            w.line('return layers.Multiply(name=name + "se_excite")([x, gate])', map_shape)


def se_conv(w: Writer, facts: Facts, filters: str, name: str, shape: str) -> None:
    """A 1x1 convolution with bias on the pooled map; initialised in whole networks."""
    if facts.block is not None:
        w.line(f's = layers.Conv2D({filters}, 1, name=name + "{name}")(s)', shape)
        return
    arguments: Items = [filters, "1", INITIALISED, f'name=name + "{name}"']
    w.spread("s = layers.Conv2D(", arguments, ")(s)", shape)


def conv1x1(w: Writer, facts: Facts, filters: str, name: str) -> None:
    """A 1x1 convolution without bias; initialised in whole networks."""
    if facts.block is not None:
        w.line(f'x = layers.Conv2D({filters}, 1, use_bias=False, name=name + "{name}")(x)')
        return
    arguments: Items = [filters, "1", "use_bias=False", INITIALISED, f'name=name + "{name}"']
    w.spread("x = layers.Conv2D(", arguments, ")(x)")


def depthwise(w: Writer, facts: Facts) -> None:
    w.note(f"{says.why_depthwise(facts)} {says.padding(facts)}")
    if not facts.same:
        w.line('x = layers.ZeroPadding2D(kernel // 2, name=name + "dwconv_pad")(x)')
    padding = f'padding="{"same" if facts.same else "valid"}"'
    arguments: Items = ["kernel", "strides=stride", padding, "use_bias=False"]
    if facts.block is None:
        arguments.append("depthwise_initializer=conv_init()")
    w.spread("x = layers.DepthwiseConv2D(", [*arguments, 'name=name + "dwconv"'], ")(x)")


def mbconv(w: Writer, facts: Facts) -> None:
    """Function mbconv; with a block its defaults are the block's numbers."""
    block, has_se = facts.block, facts.spec.has_se
    numbers = ("out_channels", "expand_ratio", "kernel", "stride")
    paragraphs = [
        says.what(facts),
        f"Shape: {facts.map(facts.into, after=False)} -> {facts.map(facts.out)}.",
    ]
    if block is None:
        function = w.block(f"def mbconv(x, {', '.join(numbers)}, drop_rate, name):")
    else:
        rate, meaning = facts.drop_rate()
        parameters: Items = ["x", *(f"{name}={getattr(block, name)}" for name in numbers)]
        parameters += [(f"drop_rate={rate}", meaning), f'name="{facts.keras_prefix()}"']
        paragraphs.append(says.layer_names(facts))
        function = w.define("mbconv", parameters, "):")
    with function:
        w.doc(*paragraphs)
        w.line("inputs = x")
        w.line("in_channels = x.shape[-1]", "" if block is None else facts.into)
        with w.mark("expand"):
            w.line("wide = in_channels * expand_ratio", "" if block is None else facts.wide)
        w.line()
        with w.mark("expand"):
            w.note(says.why_expand(facts))
            with w.block("if expand_ratio != 1:"):
                conv1x1(w, facts, "wide", "expand_conv")
                w.line('x = batch_norm(x, name + "expand_bn")')
                shape = facts.map(facts.wide, after=False)
                w.line('x = activation(x, name + "expand_activation")', shape)
        w.line()
        with w.mark("depthwise"):
            depthwise(w, facts)
            w.line('x = batch_norm(x, name + "bn")')
            w.line('x = activation(x, name + "activation")', facts.map(facts.wide))
        w.line()
        if has_se:
            with w.mark("se"):
                w.note(f"{says.why_se(facts)} {says.se_rule(facts)}")
                with w.mark("se.reduce", "se.expand"):
                    base = "wide" if facts.se_from_expanded else "in_channels"
                    reduced = "" if block is None else facts.reduced
                    w.line(f"reduced = max(1, int({base} * 0.25))", reduced)
                w.line("x = squeeze_excite(x, reduced, name)", facts.map(facts.wide))
            w.line()
        with w.mark("project"):
            w.note(says.why_project(facts))
            conv1x1(w, facts, "out_channels", "project_conv")
            w.line('x = batch_norm(x, name + "project_bn")', facts.map(facts.out))
        w.line()
        with w.mark("residual"):
            w.note(says.why_residual(facts))
            with w.block("if stride == 1 and in_channels == out_channels:"):
                with w.mark("residual.drop"):
                    w.note(says.DROP_BY_DROPOUT)
                    draw = ("noise_shape=(None, 1, 1, 1)", "one draw for each sample")
                    w.spread(
                        "x = layers.Dropout(", ["drop_rate", draw, 'name=name + "drop"'], ")(x)"
                    )
                with w.mark("residual.add"):
                    w.line('x = layers.Add(name=name + "add")([x, inputs])')
        w.line("return x", facts.map(facts.out))


def check(w: Writer, call: str, before: str, after: str, params: int) -> None:
    """The end of a file: build it, run it once, print the shape and the parameters.

    `before`, `after`: shapes such as `(N, 56, 56, 24)`. `call`: builds the layers; a whole network
    gives a model, the others layers on `inputs`.
    """
    w.gap()
    with w.block('if __name__ == "__main__":'):
        if "inputs" in call:
            w.line(f"inputs = keras.Input({before.replace('N, ', '')})")
            w.line(f"model = keras.Model(inputs, {call})")
        else:
            w.line(f"model = {call}")
        w.line(f"y = model(keras.random.normal({before.replace('N', '1')}))")
        w.line("count = sum(int(keras.ops.size(w)) for w in model.trainable_weights)")
        w.line("print(tuple(y.shape))", after.replace("N", "1"))
        w.line('print(f"{count:,} trainable parameters")', f"{params:,}")
