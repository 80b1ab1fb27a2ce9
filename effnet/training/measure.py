"""What SE does for the network in the box, measured on all 10,000 test pictures.

`python -m effnet.training.measure RUNS --out assets` reads the trainings of `RUNS` (folders `se`,
`no-se`, `short-se-1` ..) and writes the weights, `experiments.json`, a gate profile by class and
the model card's figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from effnet.errors import EffnetError
from effnet.files import write_bytes
from effnet.inspection.profile import Profile
from effnet.inspection.profile_file import write_profile
from effnet.inspection.trace import trace
from effnet.network.blocks import Tap
from effnet.network.model import EfficientNet
from effnet.training import data
from effnet.training.data import FASHION_MNIST, Split, to_input
from effnet.weights.load import load

BATCH = 500
Gates = dict[str, Tensor]


def accuracy(
    model: EfficientNet, split: Split, tap: Callable[[int], Tap | None] = lambda start: None
) -> float:
    """Share of right answers; `tap(start)` may change the gates of the batch that begins there."""
    right = 0
    with torch.inference_mode():
        for start in range(0, len(split.labels), BATCH):
            x = to_input(split.images[start : start + BATCH])
            answer = model(x, tap(start)).argmax(1)
            right += int((answer == split.labels[start : start + BATCH]).sum())
    return right / len(split.labels)


def all_gates(model: EfficientNet, split: Split) -> Gates:
    """block -> (N, C) gates of every picture."""
    parts: dict[str, list[Tensor]] = {}

    def tap(point: str, t: Tensor) -> Tensor:
        if point.endswith(".gate"):
            parts.setdefault(point.removesuffix(".gate"), []).append(t[:, :, 0, 0].clone())
        return t

    accuracy(model, split, lambda start: tap)
    return {block: torch.cat(values) for block, values in parts.items()}


def with_gates(
    change: Callable[[str, Tensor, int], Tensor], only: str | None = None
) -> Callable[[int], Tap]:
    """A tap that replaces gates (all blocks', or one's) by `change(block, gate, start)`."""

    def make(start: int) -> Tap:
        def tap(point: str, t: Tensor) -> Tensor:
            block = point.removesuffix(".gate")
            if not point.endswith(".gate") or (only is not None and block != only):
                return t
            return change(block, t, start)

        return tap

    return make


def gate_experiments(model: EfficientNet, train: Split, test: Split) -> dict[str, Any]:
    """Test accuracy with gates as they are, off, at their mean, shuffled, and block by block.

    The means are taken over the first 10,000 *training* pictures. Shuffled: each test picture gets
    the gates of another one, by a fixed permutation.
    """
    seen = all_gates(model, Split(train.images[:10_000], train.labels[:10_000]))
    mean = {block: values.mean(0)[None, :, None, None] for block, values in seen.items()}
    own = all_gates(model, test)
    order = torch.randperm(len(test.labels), generator=torch.Generator().manual_seed(0))

    def off(block: str, t: Tensor, start: int) -> Tensor:
        return torch.ones_like(t)

    def at_mean(block: str, t: Tensor, start: int) -> Tensor:
        return mean[block].expand_as(t)

    def shuffled(block: str, t: Tensor, start: int) -> Tensor:
        return own[block][order[start : start + len(t)]][:, :, None, None]

    def half(block: str, t: Tensor, start: int) -> Tensor:
        return torch.full_like(t, 0.5)

    changes = {"off": off, "mean": at_mean, "shuffled": shuffled, "constant 0.5": half}
    result: dict[str, Any] = {"as trained": accuracy(model, test)}
    result |= {name: accuracy(model, test, with_gates(change)) for name, change in changes.items()}
    result["by block"] = {
        block: {
            "off": accuracy(model, test, with_gates(off, block)),
            "mean": accuracy(model, test, with_gates(at_mean, block)),
        }
        for block in model.spec.block_ids
    }
    return result


def class_profile(model: EfficientNet, test: Split) -> Profile:
    """Gates of all test pictures by class."""
    profile = Profile(model.info)
    for label, name in enumerate(FASHION_MNIST):
        images = test.images[test.labels == label]
        for start in range(0, len(images), BATCH):
            seen = trace(model, to_input(images[start : start + BATCH]))
            profile.add(name, dict(seen.gates))
    return profile


def twins(runs: Path) -> dict[str, Any]:
    """Accuracies of the trainings with and without SE."""
    found: dict[str, Any] = {}
    for kind in ("se", "no-se"):
        long = json.loads((runs / kind / "result.json").read_text())
        short = [
            json.loads((folder / "result.json").read_text())
            for folder in sorted(runs.glob(f"short-{kind}-[0-9]*"))
        ]
        values = [run["test_accuracy"] for run in short]
        found[kind] = {
            "params": long["params"], "macs": long["macs"], "epochs": long["epochs"],
            "seconds": round(long["seconds"]), "accuracy": long["test_accuracy"],
            "accuracy_as_shipped": long["test_accuracy_half"],
            "short_epochs": short[0]["epochs"] if short else 0,
            "short_seeds": [run["recipe"]["seed"] for run in short], "short_accuracies": values,
            "short_mean": statistics.fmean(values) if values else None,
            "short_spread": statistics.stdev(values) if len(values) > 1 else None,
        }  # fmt: skip
    return found


def samples(test: Split, out: Path) -> None:
    """Twenty test pictures, two a class: the first two of each in the data set's order."""
    from effnet.inspection.images import encode_png

    rows = []
    out.mkdir(parents=True, exist_ok=True)
    for label, name in enumerate(FASHION_MNIST):
        for number, index in enumerate((test.labels == label).nonzero().flatten()[:2].tolist(), 1):
            file = f"{name.lower().replace('/', '-').replace(' ', '-')}-{number}.png"
            write_bytes(out / file, encode_png(test.images[index].numpy()))
            rows.append(
                {"file": f"fashion/{file}", "title": f"{name} {number}", "licence": "MIT",
                 "author": "Zalando Research, Fashion-MNIST test picture " + str(index),
                 "kind": "fashion"}
            )  # fmt: skip
    write_bytes(out / "fashion.json", (json.dumps(rows, indent=2) + "\n").encode())


def main(argv: list[str] | None = None) -> int:
    """0 when everything was measured and written."""
    parser = argparse.ArgumentParser(prog="python -m effnet.training.measure", description=__doc__)
    parser.add_argument("runs", type=Path, help="folder of trainings")
    parser.add_argument("--folder", type=Path, default=data.DEBIAN_FOLDER)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    try:
        train, test = data.load(args.folder)
        weights = args.out / "weights"
        weights.mkdir(parents=True, exist_ok=True)
        sums = []
        for kind, name in (("se", "mini-fashion"), ("no-se", "mini-fashion-no-se")):
            target = weights / f"{name}.safetensors"
            shutil.copyfile(args.runs / kind / "model.safetensors", target)
            target.chmod(0o644)
            sums.append(f"{hashlib.sha256(target.read_bytes()).hexdigest()}  {target.name}")
        write_bytes(weights / "SHA256SUMS", ("\n".join(sums) + "\n").encode())
        model = load("mini", weights / "mini-fashion.safetensors")
        result = {
            "data": "Fashion-MNIST, all 10,000 test pictures",
            "command": "python -m effnet.training.measure RUNS --out assets",
            "twins": twins(args.runs),
            "gates": gate_experiments(model, train, test),
        }
        (args.out / "profiles").mkdir(exist_ok=True)
        profile = class_profile(model, test)
        write_profile(args.out / "profiles" / "mini-fashion.parquet", profile)
        samples(test, args.out / "samples" / "fashion")
        write_bytes(args.out / "experiments.json", (json.dumps(result, indent=2) + "\n").encode())
    except (EffnetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
