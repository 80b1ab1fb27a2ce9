"""`code pytorch|keras NAME ...`, with the arguments that the command line gives it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from effnet import scale, spec_for
from effnet.architecture.spec import Spec
from effnet.codegen import generate
from effnet.codegen.commands import add_parser
from effnet.errors import EffnetError, SpecError


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?")
    parser.add_argument("--phi", type=float)


def spec_from_args(args: argparse.Namespace) -> Spec:
    return spec_for(args.name) if args.phi is None else scale(args.phi)


def run(*argv: str) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(), add_spec_arguments, spec_from_args)
    args = parser.parse_args(["code", *argv])
    return int(args.run(args))


@pytest.mark.parametrize(
    ("argv", "part", "block"),
    [
        (["--block", "4.2"], "mbconv", "4.2"),
        (["--part", "mbconv"], "mbconv", "3.2"),
        (["--part", "se"], "se", "3.2"),
        (["--part", "se", "--block", "2.1"], "se", "2.1"),
        (["--part", "model"], "model", None),
        ([], "model", None),
    ],
)
@pytest.mark.parametrize("framework", ["pytorch", "keras"])
def test_what_is_printed(
    framework: str,
    argv: list[str],
    part: str,
    block: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(framework, "b0", *argv) == 0
    assert capsys.readouterr().out == generate(framework, spec_for("b0"), part, block).text


def test_any_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("pytorch", "--phi", "-2") == 0
    assert capsys.readouterr().out == generate("pytorch", scale(-2), "model").text


def test_into_a_file_or_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = generate("keras", spec_for("b0"), "mbconv", "4.2").text
    for target, written in (
        (tmp_path / "block.py", tmp_path / "block.py"),
        (tmp_path, tmp_path / "efficientnet_b0_block_4_2_keras.py"),
    ):
        assert run("keras", "b0", "--block", "4.2", "-o", str(target)) == 0
        assert written.read_text() == text
        assert capsys.readouterr().out == f"{written}: MBConv6 4.2 of B0 in Keras\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["jax", "b0"], "Code is written in pytorch or keras, not in 'jax'."),
        (["keras", "b0", "--part", "stem"], "The part is one of se, mbconv, model, not 'stem'."),
        (["keras", "b0", "--block", "9.9"], "b0 has no block '9.9'"),
        (["keras", "lite0", "--part", "se"], "no squeeze-and-excitation"),
        (["keras", "b0", "--part", "model", "--block", "4.2"], "leave out --block"),
        (["keras", "b99"], "no network called 'b99'"),
    ],
)
def test_refusals_are_one_sentence(argv: list[str], says: str) -> None:
    with pytest.raises(SpecError) as caught:
        run(*argv)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(EffnetError, match=r"missing.b0\.py could not be written \(.*\.$"):
        run("keras", "b0", "-o", str(tmp_path / "missing" / "b0.py"))
