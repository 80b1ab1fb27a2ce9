"""`python -m effnet`: the same library without a browser. Each command has `--help`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from effnet.architecture.scaling import ALPHA, BETA, GAMMA, rebuild, scale
from effnet.architecture.spec import Spec
from effnet.architecture.variants import VARIANTS, spec_for
from effnet.codegen import commands as code_commands
from effnet.errors import EffnetError, SpecError
from effnet.files import write_bytes
from effnet.weights import commands as weights_commands


def add_spec_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME and everything that changes the network."""
    parser.add_argument("name", help=f"one of {', '.join(VARIANTS)}")
    parser.add_argument("--phi", type=float, help="scale b0 or lite0 by the law at this phi")
    parser.add_argument("--alpha", type=float, help=f"depth base of the law ({ALPHA})")
    parser.add_argument("--beta", type=float, help=f"width base of the law ({BETA})")
    parser.add_argument("--gamma", type=float, help=f"resolution base of the law ({GAMMA})")
    parser.add_argument("--width", type=float, help="width multiplier")
    parser.add_argument("--depth", type=float, help="depth multiplier")
    parser.add_argument("--resolution", type=int, help="input size in pixels")
    parser.add_argument("--classes", type=int, help="number of classes")
    parser.add_argument(
        "--se-from", choices=["input", "expanded"],
        help="SE width: a quarter of the block's input (official) or of its expanded channels",
    )  # fmt: skip
    parser.add_argument("--padding", choices=["same", "symmetric"])
    parser.add_argument("--bn-eps", type=float)


def spec_from_args(args: argparse.Namespace) -> Spec:
    """The network that the arguments describe.

    Raises:
        SpecError: in one sentence.
    """
    by_hand = {
        "width": args.width, "depth": args.depth, "resolution": args.resolution,
        "num_classes": args.classes, "se_reduce_from": args.se_from, "padding": args.padding,
        "bn_eps": args.bn_eps,
    }  # fmt: skip
    changes: dict[str, Any] = {key: value for key, value in by_hand.items() if value is not None}
    base = spec_for(args.name)
    constants = {"alpha": args.alpha, "beta": args.beta, "gamma": args.gamma}
    given = {key: value for key, value in constants.items() if value is not None}
    if args.phi is None:
        if given:
            raise SpecError(
                "--alpha, --beta and --gamma belong to the law; give a --phi with them."
            )
        return rebuild(base, **changes) if changes else base
    if base.name not in ("b0", "lite0"):
        raise SpecError(f"--phi scales the baseline, so give it with b0 or lite0, not {base.name}.")
    return scale(args.phi, lite=base.config.lite, **given, **changes)


def _command_spec(args: argparse.Namespace) -> int:
    spec = spec_from_args(args)
    if args.json:
        print(json.dumps(spec.to_dict(), indent=2))
        return 0
    print(
        f"{spec.name}: width {spec.width:g}, depth {spec.depth:g}, {spec.resolution} px, "
        f"{spec.params:,} parameters, {spec.macs:,} MACs"
    )
    for b in spec.blocks:
        se = f"SE {b.se_channels}" if b.se_channels else "no SE"
        print(
            f"{b.id:>5}  {b.kind} {b.kernel}x{b.kernel} /{b.stride}  "
            f"{b.in_channels:>4} -> {b.expanded_channels:>4} -> {b.out_channels:>4}  {se:<7} "
            f"{b.in_size:>3} -> {b.out_size:>3} px  {b.params:>10,} params  {b.macs:>13,} MACs"
            f"{'  residual' if b.residual else ''}"
        )
    return 0


def _command_diagram(args: argparse.Namespace) -> int:
    from effnet.drawing.diagram import block_dot, network_dot
    from effnet.drawing.layout import render

    spec = spec_from_args(args)
    dot = block_dot(spec, args.block, args.direction) if args.block else network_dot(
        spec, [args.stage] if args.stage else [], args.direction
    )  # fmt: skip
    data = dot.encode() if args.format == "dot" else render(dot, args.format)
    if args.output is None and args.format == "png":
        raise EffnetError("A PNG goes into a file; give one with -o FILE.")
    if args.output is None:
        print(data.decode(), end="")
    else:
        write_bytes(args.output, data)
    return 0


def _command_summary(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from effnet.drawing.summary import summarize

    rows = summarize(spec_from_args(args), args.block)
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return 0
    width = max(len(row.layer) + 2 * row.depth for row in rows) + 2
    print(
        f"{'layer':<{width}}{'input':<22}{'output':<22}{'kernel':<8}{'params':>12}{'share':>9}{'MACs':>16}"
    )
    for row in rows:
        name = "  " * row.depth + row.layer
        print(
            f"{name:<{width}}{row.input:<22}{row.output:<22}{row.kernel:<8}{row.params:>12,}"
            f"{100 * row.share:>8.2f}%{row.macs:>16,}"
        )
    return 0


def _command_inspect(args: argparse.Namespace) -> int:
    from effnet.report import inspect_files

    return inspect_files(
        args.images, model=args.model, weights=args.weights, target=args.target, block=args.block,
        out=args.out, say=lambda line: print(line, file=sys.stderr),
    )  # fmt: skip


def _command_profile(args: argparse.Namespace) -> int:
    from effnet.inspection.devices import share_cores
    from effnet.profiling import profile_folder
    from effnet.report import load_model

    def say(line: str) -> None:
        print(line, file=sys.stderr)

    if not 1 <= args.batch <= 1024:
        raise EffnetError(f"--batch must lie between 1 and 1024, not {args.batch}.")
    share_cores()
    model = load_model(args.model, args.weights, say)
    done = profile_folder(model, args.folder, args.out, batch=args.batch, say=say)
    for file, why in done.damaged:
        say(f"left out: {file}: {why}")
    print(f"{done.pictures} pictures in {len(done.groups)} groups: {args.out}")
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands."""
    parser = argparse.ArgumentParser(
        prog="python -m effnet",
        description="EfficientNet: its numbers, diagrams, gates and heat maps, without a browser.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    spec = commands.add_parser("spec", help="a network in numbers")
    add_spec_arguments(spec)
    spec.add_argument("--json", action="store_true")
    spec.set_defaults(run=_command_spec)

    diagram = commands.add_parser("diagram", help="a network or a block as a Graphviz diagram")
    add_spec_arguments(diagram)
    diagram.add_argument("--block", help="draw this block, e.g. 4.2")
    diagram.add_argument("--stage", type=int, help="open this stage of the whole network")
    diagram.add_argument("--direction", choices=["LR", "TB"], default="LR")
    diagram.add_argument("--format", choices=["dot", "svg", "png"], default="svg")
    diagram.add_argument("-o", "--output", type=Path)
    diagram.set_defaults(run=_command_diagram)

    summary = commands.add_parser("summary", help="torchinfo's layer table")
    add_spec_arguments(summary)
    summary.add_argument("--block")
    summary.add_argument("--json", action="store_true")
    summary.set_defaults(run=_command_summary)

    inspect = commands.add_parser("inspect", help="predictions, SE gates and Grad-CAM of pictures")
    inspect.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    inspect.add_argument("--model", required=True, metavar="NAME")
    inspect.add_argument(
        "--weights", help="a catalogue name, a weight file, `imagenet` or `none` (untrained)"
    )
    inspect.add_argument("--target", help="class index or name; the predicted class by default")
    inspect.add_argument("--block", default="head", help="where Grad-CAM looks: 8.1, .. or head")
    inspect.add_argument("--out", required=True, type=Path, metavar="DIR")
    inspect.set_defaults(run=_command_inspect)

    profile = commands.add_parser("profile", help="the gates of a folder of pictures, by group")
    profile.add_argument("folder", type=Path, metavar="DIR", help="sub-folders are groups")
    profile.add_argument("--model", required=True, metavar="NAME")
    profile.add_argument("--weights", help="as for inspect")
    profile.add_argument("--batch", type=int, default=32)
    profile.add_argument("--out", required=True, type=Path, metavar="FILE")
    profile.set_defaults(run=_command_profile)

    code_commands.add_parser(commands, add_spec_arguments, spec_from_args)
    weights_commands.add_parser(commands)
    return parser


def main(argv: list[str] | None = None) -> int:
    """0 when done, 2 with one sentence on stderr when refused."""
    args = make_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except EffnetError as error:
        print(f"error: {error}", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()  # the reader (head, less) has gone; that is its right
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
