"""`python -m effnet.training --data fashion-mnist --out runs/se`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from effnet.errors import EffnetError


def main(argv: list[str] | None = None) -> int:
    """0 when trained, 2 with one sentence when it cannot be."""
    parser = argparse.ArgumentParser(
        prog="python -m effnet.training",
        description="Train the small network in the box, or its twin without SE.",
    )
    parser.add_argument("--data", choices=["fashion-mnist"], default="fashion-mnist")
    parser.add_argument("--folder", type=Path, help="folder of the four IDX files")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder; an earlier run there goes on"
    )
    parser.add_argument("--no-se", action="store_true", help="train the twin without SE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--threads", type=int, default=0)
    args = parser.parse_args(argv)

    from effnet.training import data
    from effnet.training.loop import train
    from effnet.training.recipe import Recipe

    recipe = Recipe(se=not args.no_se, seed=args.seed, epochs=args.epochs, threads=args.threads)
    try:
        train(
            recipe,
            data.load(args.folder or data.DEBIAN_FOLDER),
            args.out,
            lambda s: print(s, flush=True),
        )
    except EffnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
