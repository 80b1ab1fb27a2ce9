"""What SE does for the network in the box, measured on all 10,000 test pictures.

`python -m effnet.training.measure RUNS --out assets` reads the trainings of `RUNS` (folders `se`,
`no-se`, `short-se-1` ..) and writes the weights, `experiments.json`, a gate profile by class, twenty
sample pictures and the model card. Where `RUNS/se` or `RUNS/no-se` is missing, the weights that
already lie in `--out` are measured in its place; what only the training knew is then null.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from torch import Tensor

from effnet.errors import EffnetError
from effnet.files import write_bytes
from effnet.inspection.profile_file import write_profile
from effnet.network.model import EfficientNet
from effnet.training import data
from effnet.training.card import card
from effnet.training.data import FASHION_MNIST, Split
from effnet.training.experiments import class_profile, gate_experiments, right, share
from effnet.training.recipe import mini_spec
from effnet.weights.load import load

KINDS = {"se": "mini-fashion", "no-se": "mini-fashion-no-se"}
"""Folder of the long training -> name of its weights."""


def weights_file(runs: Path, kind: str, out: Path) -> Path:
    """The weights of a long training, or else those that are shipped already.

    Raises:
        EffnetError: when there are neither.
    """
    shipped = out / "weights" / f"{KINDS[kind]}.safetensors"
    for path in (runs / kind / "model.safetensors", shipped):
        if path.is_file():
            return path
    raise EffnetError(
        f"There is no finished training in {runs / kind} and no {shipped}; train it first."
    )


def read_result(folder: Path) -> dict[str, Any] | None:
    """What a training wrote down at its end; None when that is missing.

    Raises:
        EffnetError: when the file is damaged.
    """
    path = folder / "result.json"
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise EffnetError(f"{path} is damaged; run that training again to rewrite it.") from error
    return found


def short_runs(runs: Path) -> dict[str, list[dict[str, Any]]]:
    """The finished short trainings of both kinds whose recipes differ in nothing but SE, by seed.

    Raises:
        EffnetError: when their recipes differ in more than SE and the seed.
    """
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for kind in KINDS:
        results = (read_result(folder) for folder in sorted(runs.glob(f"short-{kind}-[0-9]*")))
        found[kind] = {result["recipe"]["seed"]: result for result in results if result}
    seeds = sorted(set(found["se"]) & set(found["no-se"]))
    kept = {kind: [by_seed[seed] for seed in seeds] for kind, by_seed in found.items()}
    own = ("se", "seed", "threads")  # threads change the time, not what is learnt
    recipes = {
        json.dumps({k: v for k, v in run["recipe"].items() if k not in own}, sort_keys=True)
        for run in kept["se"] + kept["no-se"]
    }
    if len(recipes) > 1:
        raise EffnetError(f"The short trainings in {runs} were made by different recipes.")
    return kept


def twin(
    model: EfficientNet, found: Tensor, long: dict[str, Any] | None, short: list[dict[str, Any]]
) -> dict[str, Any]:
    """One side of the comparison.

    Args:
        model: with the weights as they are stored (half precision, computed in float32).
        found: (10000,) which test pictures it answers rightly.
        long, short: what the trainings wrote down.
    """
    values = [run["test_accuracy"] for run in short]
    return {
        "params": model.spec.params, "macs": model.spec.macs, "recipe": model.info.recipe,
        "epochs": int(model.info.recipe.split()[0]), "accuracy": share(found),
        "accuracy_float32": long["test_accuracy"] if long else None,
        "seconds": round(long["seconds"]) if long else None,
        "short_epochs": short[0]["epochs"] if short else 0,
        "short_seeds": [run["recipe"]["seed"] for run in short], "short_accuracies": values,
        "short_mean": statistics.fmean(values) if values else None,
        "short_spread": statistics.stdev(values) if len(values) > 1 else None,
    }  # fmt: skip


def compare(runs: Path, out: Path, test: Split) -> tuple[EfficientNet, dict[str, Any]]:
    """The network with SE, and the accuracies with and without.

    Raises:
        EffnetError: when a training is missing or the two were not made by the same recipe.
    """
    models = {kind: load(mini_spec(kind == "se"), weights_file(runs, kind, out)) for kind in KINDS}
    recipes = {model.info.recipe for model in models.values()}
    if len(recipes) > 1:
        raise EffnetError(
            f"The two networks were trained by different recipes: {'; '.join(sorted(recipes))}."
        )
    found = {kind: right(model, test) for kind, model in models.items()}
    short = short_runs(runs)
    twins: dict[str, Any] = {
        k: twin(models[k], found[k], read_result(runs / k), short[k]) for k in KINDS
    }
    a, b = found["se"], found["no-se"]
    twins["only_right"] = {"se": int((a & ~b).sum()), "no-se": int((b & ~a).sum())}
    return models["se"], twins


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


def ship(runs: Path, out: Path) -> None:
    """Copy both weights to `out/weights`, with their SHA-256 beside them."""
    (out / "weights").mkdir(parents=True, exist_ok=True)
    sums = []
    for kind, name in KINDS.items():
        content = weights_file(runs, kind, out).read_bytes()
        write_bytes(out / "weights" / f"{name}.safetensors", content)
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}.safetensors\n")
    write_bytes(out / "weights" / "SHA256SUMS", "".join(sums).encode())


def main(argv: list[str] | None = None) -> int:
    """0 when everything was measured and written; nothing is written before all is measured."""
    parser = argparse.ArgumentParser(prog="python -m effnet.training.measure", description=__doc__)
    parser.add_argument("runs", type=Path, help="folder of trainings")
    parser.add_argument("--folder", type=Path, default=data.DEBIAN_FOLDER)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    try:
        train, test = data.load(args.folder)
        model, twins = compare(args.runs, args.out, test)
        result = {
            "data": f"Fashion-MNIST, all {len(test.labels):,} test pictures",
            "pictures": len(test.labels),
            "command": "python -m effnet.training.measure RUNS --out assets",
            "twins": twins,
            "gates": gate_experiments(model, train, test),
        }
        profile = class_profile(model, test)
        ship(args.runs, args.out)
        (args.out / "profiles").mkdir(exist_ok=True)
        write_profile(args.out / "profiles" / "mini-fashion.parquet", profile)
        samples(test, args.out / "samples" / "fashion")
        write_bytes(args.out / "experiments.json", (json.dumps(result, indent=2) + "\n").encode())
        write_bytes(args.out / "weights" / "README.md", card(result).encode())
    except (EffnetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
