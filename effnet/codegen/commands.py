"""`python -m effnet code pytorch|keras NAME [--block 4.2 | --part se|mbconv|model] [-o FILE]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from effnet.architecture.spec import Spec, require
from effnet.codegen.source import FRAMEWORKS, PARTS, Source, generate
from effnet.files import write_bytes


def add_parser(
    subparsers: Any,
    add_spec_arguments: Callable[[argparse.ArgumentParser], object],
    spec_from_args: Callable[[argparse.Namespace], Spec],
) -> argparse.ArgumentParser:
    """Add the command `code`.

    The parsed namespace carries `run`: a function of the namespace that writes the source to
    standard output, or to the file of `-o`, and returns 0. It raises EffnetError with one sentence.

    Args:
        subparsers: what `ArgumentParser.add_subparsers` returned.
        add_spec_arguments: adds NAME, `--phi` and whatever else describes a network.
        spec_from_args: makes the Spec of the parsed arguments; may raise SpecError.
    """
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "code",
        help="readable PyTorch or Keras source of a block or a network",
        description="Write readable, self-contained source code with this network's numbers.",
    )
    parser.add_argument("framework", metavar="|".join(FRAMEWORKS), help="which library")
    add_spec_arguments(parser)
    parser.add_argument("--block", metavar="4.2", help="a block's address, stage.repeat")
    parser.add_argument(
        "--part", metavar="|".join(PARTS), help="default: mbconv with --block, else model"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="a file, or a folder that exists"
    )

    def run(args: argparse.Namespace) -> int:
        source = source_from_args(args, spec_from_args(args))
        if args.output is None:
            sys.stdout.write(source.text)
        else:
            print(f"{write(source, args.output)}: {source.title}")
        return 0

    parser.set_defaults(run=run)
    return parser


def source_from_args(args: argparse.Namespace, spec: Spec) -> Source:
    """The source that `--block` and `--part` ask for.

    Raises:
        SpecError: as `generate`, and for a whole network together with a block.
    """
    part = args.part or ("model" if args.block is None else "mbconv")
    require(
        part != "model" or args.block is None,
        "A whole network has every block; leave out --block, or choose --part se or mbconv.",
    )
    return generate(args.framework, spec, part, args.block)


def write(source: Source, target: Path) -> Path:
    """Write the text to a file, or into a folder under its own name; return where it is now.

    Raises:
        EffnetError: when the file cannot be written.
    """
    path = target / source.filename if target.is_dir() else target
    write_bytes(path, source.text.encode("ascii"))
    return path
