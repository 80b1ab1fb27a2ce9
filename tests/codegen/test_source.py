"""Every text: its format, its numbers, its marks, and what is refused."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from effnet import scale, spec_for
from effnet.architecture.spec import Spec
from effnet.architecture.variants import VARIANTS
from effnet.codegen import FRAMEWORKS, PARTS, Source, generate
from effnet.codegen.facts import label, literal
from effnet.errors import SpecError

OTHERS = {
    "expanded": spec_for("b0", se_reduce_from="expanded", padding="symmetric", bn_eps=1e-5),
    "no-se": spec_for("b3", se=False),
    "small": scale(-3.3, stem_stride=1, num_classes=10, in_channels=1),
    "wide": scale(
        width=30, depth=0.2, resolution=4096, name="w" * 200, num_classes=100_000,
        bn_eps=0.00123456789, bn_momentum=0.0123456789012345, drop_connect=0.12345678901234567,
    ),
    "deep": scale(depth=60, resolution=8, drop_connect=0.0),
    "lite-phi": scale(2.5, lite=True),
}  # fmt: skip
SPECS = {**{name: spec_for(name) for name in VARIANTS}, **OTHERS}


@cache
def sources(name: str) -> tuple[tuple[Spec, Source], ...]:
    """Both frameworks: the network, each block of stages 2 to 8 that differs, and its SE."""

    def each() -> Iterator[tuple[Spec, Source]]:
        spec = SPECS[name]
        blocks = [b.id for s in spec.stages for b in (*s.blocks[:2], s.blocks[-1])]
        for framework in FRAMEWORKS:
            yield spec, generate(framework, spec, "model")
            for block in dict.fromkeys(blocks):
                yield spec, generate(framework, spec, "mbconv", block)
                if spec.has_se:
                    yield spec, generate(framework, spec, "se", block)

    return tuple(each())


def marked(source: Source, group: str) -> list[str]:
    """The lines of a mark, stripped, without empty ones."""
    lines = source.text.splitlines()
    found = [line.strip() for a, z in source.marks[group] for line in lines[a - 1 : z]]
    return [line for line in found if line]


def test_ruff_agrees_with_every_text(tmp_path: Path) -> None:
    """`ruff format --check` and `ruff check` with ruff's own defaults (88 columns)."""
    for name in SPECS:
        for i, (_, source) in enumerate(sources(name)):
            (tmp_path / f"{name}_{i}.py").write_text(source.text)
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize("name", SPECS)
def test_every_text_stands_alone(name: str) -> None:
    """Imports only the framework and the standard library; plain ASCII in 88 columns."""
    for _, source in sources(name):
        text = source.text
        assert text.isascii() and text.endswith("\n") and not text.endswith("\n\n")
        assert max(map(len, text.splitlines())) <= 88
        assert "effnet" not in text.lower()
        tree = ast.parse(text)
        found: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
        assert found - {"typing", "sys"} == {"torch" if source.framework == "pytorch" else "keras"}
        assert ast.get_docstring(tree)


@pytest.mark.parametrize("name", SPECS)
def test_marks_are_valid_lines_and_explain_every_operation(name: str) -> None:
    for spec, source in sources(name):
        count = len(source.text.splitlines())
        for group, ranges in source.marks.items():
            assert ranges, group
            assert all(1 <= a <= z <= count for a, z in ranges)
            assert all(z + 1 < a for (_, z), (a, _) in pairwise(ranges))
        for op in spec.operations:
            held = source.block in (None, op.block) and (source.part != "se" or op.part == "se")
            lines = source.lines_of(op)
            assert bool(lines) == held, (source.title, op.id)
            assert all(1 <= a <= z <= count for a, z in lines)


@pytest.mark.parametrize("name", SPECS)
def test_the_numbers_are_those_of_the_spec(name: str) -> None:
    """Parameters, MACs and shapes of the docstring's table come from the operations."""
    for spec, source in sources(name):
        if source.block is None:
            assert f"{spec.params:,} " in source.text and f"{spec.macs:,} " in flat(source)
            rows = re.findall(r"^    Stage\((.*?)\),", source.text, re.MULTILINE)
            assert [tuple(map(int, row.split(","))) for row in rows] == [
                (s.number, s.first.expand_ratio, s.first.kernel, s.first.stride,
                 s.out_channels, s.repeats)
                for s in spec.stages
            ]  # fmt: skip
            continue
        block = spec.block(source.block)
        total = re.search(r"^total +([\d,]+) +([\d,]+)$", source.text, re.MULTILINE)
        assert total is not None
        params, macs = (int(number.replace(",", "")) for number in total.groups())
        if source.part == "mbconv":
            assert (params, macs) == (block.params, block.macs)
        else:
            assert params == block.se_params
            assert f"REDUCED = max(1, int({base_of(spec)} * 0.25))  # {block.se_channels}\n" in (
                source.text
            )


def flat(source: Source) -> str:
    return " ".join(source.text.split())


def base_of(spec: Spec) -> str:
    return "CHANNELS" if spec.config.se_reduce_from == "expanded" else "BLOCK_INPUT"


def test_marks_of_the_pytorch_block_3_2_by_hand() -> None:
    source = generate("pytorch", spec_for("b0"), "mbconv", "3.2")
    assert marked(source, "expand") == [
        "wide = in_channels * expand_ratio  # 144",
        "# 1. Expand (3,744 parameters): a 1x1 convolution makes 6 times as many channels",
        "# for the depthwise filters, 24 -> 144. The map keeps its size.",
        "if expand_ratio == 1:",
        "self.expand = nn.Identity()",
        "else:",
        "self.expand = ConvNormAct(in_channels, wide, kernel=1)",
        "y = self.expand(x)  # (N, 144, 56, 56)",
    ]
    assert marked(source, "se.squeeze") == [
        "# Squeeze: one number for each channel, its mean over the whole map.",
        "s = x.mean((2, 3), keepdim=True)  # (N, 144, 1, 1)",
    ]
    assert marked(source, "se.reduce") == [
        "self.reduce = nn.Conv2d(channels, reduced, 1)  # 870 parameters",
        "# Reduce: few numbers, each made from all the means. Here channels are compared.",
        "s = self.reduce(s)  # (N, 6, 1, 1)",
        "reduced = max(1, int(in_channels * 0.25))  # 6",
    ]
    between = "# SiLU, x * sigmoid(x): without it the two layers would act as one."
    assert marked(source, "se.act") == ["self.act = nn.SiLU()", between, "s = self.act(s)"]
    assert marked(source, "se.sigmoid")[-1] == "gate = torch.sigmoid(s)  # (N, 144, 1, 1)"
    assert marked(source, "se.scale")[-1] == "return x * gate  # (N, 144, 56, 56)"
    assert marked(source, "project")[-2:] == [
        "self.project = ConvNormAct(wide, out_channels, kernel=1, act=False)",
        "y = self.project(y)  # (N, 24, 56, 56)",
    ]
    assert marked(source, "residual")[-3:] == [
        "if self.residual:",
        "y = drop_connect(y, self.drop_rate, self.training)",
        "y = y + x  # (N, 24, 56, 56)",
    ]
    depthwise = marked(source, "depthwise")
    assert depthwise[0] == "def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:"
    assert depthwise[-2:] == [
        "self.depthwise = ConvNormAct(wide, wide, kernel, stride, groups=wide)",
        "y = self.depthwise(y)  # (N, 144, 56, 56)",
    ]
    assert "self.norm = nn.BatchNorm2d(" in marked(source, "norm")


def test_marks_of_the_keras_block_3_2_by_hand() -> None:
    source = generate("keras", spec_for("b0"), "mbconv", "3.2")
    assert marked(source, "expand")[-4:] == [
        "if expand_ratio != 1:",
        'x = layers.Conv2D(wide, 1, use_bias=False, name=name + "expand_conv")(x)',
        'x = batch_norm(x, name + "expand_bn")',
        'x = activation(x, name + "expand_activation")  # (N, 56, 56, 144)',
    ]
    assert 'name=name + "dwconv",' in marked(source, "depthwise")
    assert marked(source, "se.act") == [
        "# SiLU, x * sigmoid(x): without it the two layers would act as one.",
        's = layers.Activation("silu", name=name + "se_activation")(s)',
    ]
    assert marked(source, "se.scale")[-1] == (
        'return layers.Multiply(name=name + "se_excite")([x, gate])  # (N, 56, 56, 144)'
    )
    assert marked(source, "residual")[-1] == 'x = layers.Add(name=name + "add")([x, inputs])'
    assert "noise_shape=(None, 1, 1, 1),  # one draw for each sample" in marked(
        source, "residual.drop"
    )


def prose(source: Source) -> str:
    """The text as one line without comment signs."""
    return " ".join(source.text.replace("#", " ").split())


@pytest.mark.parametrize(
    ("settings", "block", "said"),
    [
        ({}, "3.2", "SAME padding: 1 pixel on every side."),
        (
            {}, "4.1",
            "SAME padding: 1 at the top and the left, 2 at the bottom and the right. PyTorch's "
            "padding=kernel // 2 would be 2 pixels on every side: the same size, other values.",
        ),
        (
            {"resolution": 226}, "3.1",
            "SAME padding: 1 pixel on every side, since 113 is odd; an even size gets 0 at the top and "
            "the left, 1 at the bottom and the right.",
        ),
        ({"padding": "symmetric"}, "4.2", "Padding: 2 pixels on every side."),
        (
            {"padding": "symmetric"}, "5.1",
            "Padding: 1 pixel on every side. TensorFlow's SAME pads 0 at the top and the left, 1 at the "
            "bottom and the right of an even size: other values.",
        ),
    ],
)  # fmt: skip
def test_padding_in_words(settings: dict[str, object], block: str, said: str) -> None:
    """The pixels by hand; on odd sizes both ways agree."""
    assert said in prose(generate("keras", spec_for("b0", **settings), "mbconv", block))


def test_a_network_of_the_law_says_where_it_comes_from() -> None:
    text = prose(generate("keras", scale(2.35), "model"))
    law_says = "at phi = 2.35, which is depth 1.2^2.35, width 1.1^2.35, resolution 224 * 1.15^2.35"
    assert f"No released network: B0 scaled by the law {law_says}, rounded." in text
    assert "weights match by name" not in text
    assert "Lite0 scaled by the law" in prose(generate("pytorch", scale(1, lite=True), "model"))
    assert "law" not in prose(generate("pytorch", scale(1, width=1.05), "model"))
    assert "weights match by name" in prose(generate("keras", spec_for("b7"), "model"))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_marks_of_a_model(framework: str) -> None:
    spec = spec_for("b0")
    source = generate(framework, spec, "model")
    row = "Stage(4, 6, 5, 2, 40, 2),  # 56 -> 28 px, SE 6, then 10, 46,640 parameters"
    assert marked(source, "4.2") == marked(source, "4.1") == [row]
    assert marked(source, "stage 4")[0] == row
    assert {f"stage {n}" for n in range(1, 10)} | set(spec.block_ids) <= source.marks.keys()
    assert any("stem" in line for line in marked(source, "stem"))
    (expand,) = (op for op in spec.operations if op.id == "4.2.expand.norm")
    lines = source.text.splitlines()
    shown = "\n".join(lines[i - 1] for a, z in source.lines_of(expand) for i in range(a, z + 1))
    assert row in shown and "momentum=" in shown and "1. Expand" in shown
    assert "2. Depthwise" not in shown


def test_titles_and_file_names() -> None:
    spec, lite = spec_for("b0"), spec_for("lite4")
    assert generate("pytorch", spec, "mbconv", "4.2").title == "MBConv6 4.2 of B0 in PyTorch"
    assert generate("keras", spec, "se", "2.1").title == "SE block 2.1 of B0 in Keras"
    assert generate("keras", lite, "model").title == "Lite4 in Keras"
    names = [
        generate(framework, s, part, "4.2").filename
        for s, part in ((spec, "mbconv"), (spec, "se"), (lite, "model"))
        for framework in FRAMEWORKS
    ]
    assert names == [
        "efficientnet_b0_block_4_2.py", "efficientnet_b0_block_4_2_keras.py",
        "efficientnet_b0_block_4_2_se.py", "efficientnet_b0_block_4_2_se_keras.py",
        "efficientnet_lite4.py", "efficientnet_lite4_keras.py",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "block"),
    [
        (spec_for("b0"), "3.2"),
        (spec_for("b7"), "3.2"),
        (spec_for("lite0"), "3.2"),
        (scale(depth=0.1), "3.1"),
    ],
)
def test_the_default_block_expands_and_is_residual_where_there_is_one(
    spec: Spec, block: str
) -> None:
    assert generate("pytorch", spec).block == block


def test_what_is_not_official_is_said() -> None:
    odd = spec_for("b0", se_reduce_from="expanded", padding="symmetric", bn_eps=1e-5)
    text = flat(generate("pytorch", odd, "mbconv", "4.2"))
    assert (
        "Not the official settings: SE width a quarter of the expanded channels instead of the "
        "block's input channels, padding symmetric instead of same, BN epsilon 1e-5 instead of "
        "1e-3."
    ) in text
    assert "10 instead of 60" in text
    for name in ("b0", "lite0"):
        assert "Not the official" not in generate("keras", spec_for(name), "model").text


@pytest.mark.parametrize(
    "name",
    ['b0"""\nimport os\n"""', "x\\", "a'b\"c", "\u202e\x00é", "# fmt: off\nx", "../../etc", " "],
)
def test_a_network_s_name_never_becomes_code(name: str) -> None:
    """A name is a person's text: only plain characters of it reach the source and the file name."""
    spec = scale(name=name, width=0.3)
    for framework in FRAMEWORKS:
        for part in PARTS:
            source = generate(framework, spec, part)
            tame = generate(framework, scale(name=label(name), width=0.3), part)
            assert source.text == tame.text
            assert re.fullmatch(r"efficientnet_[a-z0-9_]+\.py", source.filename)
            nodes = {type(node) for node in ast.parse(source.text).body}
            assert nodes <= {
                ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.FunctionDef, ast.ClassDef,
                ast.If,
            }  # fmt: skip
            assert "import os" not in source.text.splitlines()


def test_numbers_are_written_exactly() -> None:
    for value in (1e-3, 1e-5, 0.01, 0.2, 0.0123456789012345, 1.2e-7, 0.0, 5e-324):
        assert float(literal(value)) == value
    assert [literal(v) for v in (1e-3, 1e-5, 0.2)] == ["1e-3", "1e-5", "0.2"]


B0 = spec_for("b0")


@pytest.mark.parametrize(
    ("framework", "spec", "part", "block", "says"),
    [
        ("tensorflow", B0, "se", None, "Code is written in pytorch or keras, not in 'tensorflow'."),
        ("keras", B0, "head", None, "The part is one of se, mbconv, model, not 'head'."),
        ("keras", B0, "mbconv", "4.3", "b0 has no block '4.3'; its blocks are 2.1, "),
        ("keras", B0, "model", "stem", "b0 has no block 'stem'"),
        ("pytorch", spec_for("lite2"), "se", "4.2", "EfficientNet-Lite has no squeeze-and-"),
        ("pytorch", spec_for("b0", se=False), "se", None, "B0 was built without squeeze-and-"),
        ("pytorch", replace(B0, head_channels=640), "model", None, "B0 was altered by hand."),
    ],
)
def test_refusals_are_one_sentence(
    framework: str, spec: Spec, part: str, block: str | None, says: str
) -> None:
    with pytest.raises(SpecError) as caught:
        generate(framework, spec, part, block)
    sentence = str(caught.value)
    assert says in sentence and sentence.endswith(".") and "\n" not in sentence


def test_writing_code_needs_neither_framework() -> None:
    script = (
        "import sys, effnet; from effnet.codegen import generate;"
        "generate('keras', effnet.spec_for('b0'), 'model');"
        "sys.exit(bool({'torch', 'keras', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
