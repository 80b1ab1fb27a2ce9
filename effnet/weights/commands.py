"""`python -m effnet weights ..`: what there is, fetching ahead, checking, and importing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from effnet.errors import CheckpointError, WeightsError
from effnet.weights.cache import cache_dir, cached_path, check, locate, read_pin, size_of
from effnet.weights.catalog import (
    CATALOG,
    Entry,
    describe,
    entry_for,
    recorded_digest,
    verified,
)
from effnet.weights.layouts import LAYOUTS
from effnet.weights.needs import estimate

Handler = Callable[[argparse.Namespace], int]


def add_parser(commands: Any) -> None:
    """Add `weights` and its subcommands to what `ArgumentParser.add_subparsers` returned.

    Each sets `run`, a function from the parsed arguments to an exit code: 0, or 2 when something
    was refused. Refusals of the whole command are raised as `EffnetError`.
    """
    parser = commands.add_parser("weights", help="published weights: list, fetch, verify, import")
    below = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = below.add_parser("list", help="every set of weights that can be had")
    listing.add_argument("--json", action="store_true")
    listing.set_defaults(run=_list)

    show = below.add_parser("show", help="everything about one of them")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=_show)

    fetching = below.add_parser("fetch", help="download ahead, into EFFNET_CACHE where it is set")
    fetching.add_argument("names", nargs="+", metavar="NAME")
    fetching.set_defaults(run=_fetch)

    verifying = below.add_parser("verify", help="compare every file that is here with its sha256")
    verifying.set_defaults(run=_verify)

    importing = below.add_parser(
        "import", help="a .pth, .pt, .h5, .weights.h5, .keras or .safetensors file of your own",
        description="Reads a weight file of torchvision, timm, efficientnet_pytorch or Keras and "
        "writes a safetensors file that also says padding, BN epsilon and preprocessing.",
    )  # fmt: skip
    importing.add_argument("file", type=Path, metavar="FILE")
    importing.add_argument("--layout", metavar="L", help=f"one of {', '.join(LAYOUTS)}")
    importing.add_argument("--padding", choices=["same", "symmetric"])
    importing.add_argument("--bn-eps", type=float, metavar="E")
    importing.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.safetensors")
    importing.set_defaults(run=_import)


def as_json(entry: Entry) -> dict[str, Any]:
    """An entry as plain JSON values, with whether its file is here.

    `memory_bytes` and `seconds` are estimates for one picture on one core, see `needs.py`;
    `revision` is that of a repository whose file was fetched.
    """
    info = describe(entry)
    needs = estimate(_spec(entry))
    pin = read_pin(cached_path(entry)) if entry.kind == "hf" else None
    return {
        "name": entry.name,
        "variant": entry.variant,
        "title": info.title,
        "kind": entry.kind,
        "source": info.source,
        "file": entry.file,
        "layout": entry.layout,
        "sha256": pin.sha256 if pin else recorded_digest(entry),
        "revision": pin.revision if pin else "",
        "bytes": size_of(entry),
        "here": locate(entry) is not None,
        "install": entry.extra,
        "license": info.license,
        "recipe": info.recipe,
        "accuracy": info.accuracy,
        "accuracy_source": info.accuracy_source,
        "preprocessing": asdict(info.preprocessing),
        "padding": info.config.padding,
        "bn_eps": info.config.bn_eps,
        "classes": info.config.num_classes,
        "verified": verified(entry)._asdict(),
        "memory_bytes": needs.memory_bytes,
        "seconds": round(needs.seconds, 3),
        "times_b0": round(needs.times_b0, 2),
        "note": entry.note,
    }


def _spec(entry: Entry) -> Any:
    from effnet.architecture.scaling import build

    return build(entry.info.config)


def _list(args: argparse.Namespace) -> int:
    if args.json:
        print(json.dumps([as_json(entry) for entry in CATALOG.values()], indent=2))
        return 0
    for entry in CATALOG.values():
        info, size = describe(entry), size_of(entry)
        print(
            f"{entry.name:<46} {entry.variant:<11} {'here' if locate(entry) else '':<5}"
            f"{f'{size / 1e6:.1f} MB' if size else '':>11}  {info.config.resolution:>3} px  "
            f"{info.config.padding:<9} {info.config.bn_eps:<6g} {info.accuracy}".rstrip()
        )
    return 0


def _show(args: argparse.Namespace) -> int:
    entry = entry_for(args.name)
    values = as_json(entry)
    if args.json:
        print(json.dumps(values, indent=2))
        return 0
    path = locate(entry)
    values["here"] = str(path) if path else "no"
    for key, value in values.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items() if v not in ("", False))
        if value not in ("", None):
            print(f"{key:<16} {value}")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    from effnet.weights.store import fetch

    entries = [entry_for(name) for name in args.names]  # a wrong name fetches nothing
    failed = 0
    for entry in entries:
        try:
            path = fetch(entry, progress=_progress(entry) if sys.stderr.isatty() else None)
        except WeightsError as error:
            failed += 1
            print(f"error: {error}", file=sys.stderr)
        else:
            print(f"{entry.name}: {path}")
    return 2 if failed else 0


def _progress(entry: Entry) -> Callable[[int, int | None, float], None]:
    def show(done: int, total: int | None, rate: float) -> None:
        of = f" of {total / 1e6:.1f}" if total else ""
        end = "\n" if done == total else "\r"
        line = f"{entry.name}: {done / 1e6:.1f}{of} MB, {rate / 1e6:.1f} MB/s"
        print(f"{line:<78}", end=end, file=sys.stderr, flush=True)

    return show


def _verify(_args: argparse.Namespace) -> int:
    checked = failed = 0
    for entry in CATALOG.values():
        path = locate(entry)
        if path is None:
            continue
        checked += 1
        try:
            digest = check(entry, path)
        except WeightsError as error:
            failed += 1
            print(f"error: {error}", file=sys.stderr)
        else:
            print(f"{entry.name}: whole, sha256 {digest}")
    print(f"{checked} files here (downloads go to {cache_dir()}), {failed} damaged")
    return 2 if failed else 0


def _import(args: argparse.Namespace) -> int:
    from effnet.weights.importing import import_file

    try:
        info = import_file(
            args.file, out=args.output, layout=args.layout, padding=args.padding,
            bn_eps=args.bn_eps,
        )  # fmt: skip
    except CheckpointError as error:
        report = getattr(error, "report", None)
        for row in report.rows[:40] if report is not None else ():
            print(f"  {row.problem:<14} {row.name:<60} {row.expected:<22} {row.found}")
        raise
    config = info.config
    print(
        f"{args.output}: {info.title}; {config.num_classes:,} classes, {config.padding} padding, "
        f"BN epsilon {config.bn_eps:g}, {info.preprocessing.size} px"
    )
    print(f"source: {info.source}")
    return 0
