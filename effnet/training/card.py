"""The model card of the networks in the box, written from what was measured.

`assets/weights/README.md` is what `card` gives; `python -m effnet.training.measure` writes it. By
hand, after a change of words here: `python -m effnet.training.card assets`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from effnet.architecture.spec import Spec
from effnet.files import write_bytes
from effnet.training.recipe import Recipe, mini_spec

NOT_RECORDED = "not recorded"


def card(measured: dict[str, Any] | None) -> str:
    """The card as Markdown.

    Args:
        measured: `experiments.json`, or None before anything was measured.
    """
    return f"""# Model card: Mini, and its twin without SE

Two small EfficientNets for showing what squeeze-and-excitation does where there is no network. They
were trained by this project (`effnet/training`) and tell ten kinds of clothing apart.

| file | network | shape |
|---|---|---|
| `mini-fashion.safetensors` | Mini | {_outline(mini_spec(True))} |
| `mini-fashion-no-se.safetensors` | Mini without SE | {_outline(mini_spec(False))} |

The files are safetensors in half precision, with everything needed to use them in their metadata;
`SHA256SUMS` holds their digests, which are checked at every load.

## Spec

{_spec(mini_spec())}

## Data

[Fashion-MNIST](https://github.com/zalandoresearch/fashion-mnist) (Xiao, Rasul and Vollgraf 2017), MIT
licence, © Zalando SE: 60,000 training and 10,000 test pictures, grey, 28 × 28 px. The test pictures
took no part in training. The accuracy on them was logged after every epoch; the last epoch is the one
that is kept. No further pictures were set aside for choosing a recipe.

## Recipe

{_recipe(Recipe(), measured)}

## What was measured

{_measured(measured)}

## Use

For teaching and for trying this app: reading gates, editing them, heat maps. Not for deciding
anything about real clothes, shops or people.

## Limits

- It knows ten classes of centred, grey product pictures on black, 28 × 28 px. A photo from a phone is
  none of these, and its answer then means little.
- Its labels carry the data set's own mistakes and its narrow idea of clothing.
- A small network on small pictures: what SE brings here says nothing about what it brings to B0 on
  ImageNet.
- The long trainings were run once each. The shorter ones with several seeds show how much a seed
  alone changes.

## Licence

Weights: Apache-2.0, as this project. Data: MIT.
"""


def _outline(spec: Spec) -> str:
    return f"{spec.params:,} parameters, {spec.macs:,} MACs"


def _spec(spec: Spec) -> str:
    return f"""EfficientNet by compound scaling with phi = {spec.config.phi:g} from B0: width {spec.width:.3f}, depth \
{spec.depth:.3f},
input {spec.resolution} × {spec.resolution} px, stem stride {spec.config.stem_stride}, {len(spec.blocks)} \
MBConv blocks, {spec.num_classes} classes. `python -m effnet spec mini`
prints every block. The twin differs in nothing but the missing SE."""


def _recipe(r: Recipe, measured: dict[str, Any] | None) -> str:
    side: dict[str, Any] = (
        measured["twins"]["se"] if measured else {"short_epochs": 0, "short_seeds": []}
    )
    seeds = ", ".join(map(str, side["short_seeds"])) or ".."
    return f"""{r.epochs} epochs of 60,000 pictures, batches of {r.batch}; AdamW with weight decay \
{r.weight_decay:g} (none on biases and batch
norm); learning rate {r.lr:g}, {r.warmup_steps} steps of linear warm-up, then a cosine to 0; label smoothing \
{r.label_smoothing:g}; each
picture moved by up to {r.shift} px and mirrored with chance 1/2; the weights kept are an exponential average
({r.average:g} a step); seed {r.seed}. Dropout {mini_spec().config.dropout:g}, drop-connect \
{mini_spec().config.drop_connect:g}.

```bash
python -m effnet.training --out runs/se
python -m effnet.training --no-se --out runs/no-se
python -m effnet.training --seed 1 --epochs {side["short_epochs"] or "N"} --out runs/short-se-1   # seeds {seeds}; each also with --no-se
python -m effnet.training.measure runs --out assets
```"""


def _measured(measured: dict[str, Any] | None) -> str:
    if measured is None:
        return "Not in this copy yet; `python -m effnet.training.measure` fills this in."
    twins = measured["twins"]
    sides = twins["se"], twins["no-se"]
    rows = [
        ("", "with SE", "without SE"),
        ("---", "---", "---"),
        ("test accuracy, weights as shipped", *(_share(s["accuracy"]) for s in sides)),
        ("test accuracy, before rounding to half precision", *(_share(s["accuracy_float32"]) for s in sides)),
        ("pictures that only this one gets right", *(f"{twins['only_right'][k]:,}" for k in ("se", "no-se"))),
        ("epochs", *(str(s["epochs"]) for s in sides)),
        ("seconds of training on this project's machine", *(_seconds(s["seconds"]) for s in sides)),
        ("short trainings: epochs", *(str(s["short_epochs"] or "none") for s in sides)),
        ("short trainings: accuracy by seed", *(_shorts(s) for s in sides)),
    ]  # fmt: skip
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""On {measured["data"]}, by `{measured["command"]}`.

{table}

The short trainings are measured before rounding. Seconds are wall-clock time on processor cores that
did other work at the same time, so they bound the cost from above."""


def _share(value: float | None) -> str:
    return NOT_RECORDED if value is None else f"{100 * value:.2f} %"


def _seconds(value: int | None) -> str:
    return NOT_RECORDED if value is None else f"{value:,}"


def _shorts(side: dict[str, Any]) -> str:
    pairs = zip(side["short_seeds"], side["short_accuracies"], strict=True)
    return ", ".join(f"{_share(a)} (seed {s})" for s, a in pairs) or "none"


def main(assets: Path) -> None:
    """Write the card of a folder of assets."""
    path = assets / "experiments.json"
    measured = json.loads(path.read_text()) if path.exists() else None
    write_bytes(assets / "weights" / "README.md", card(measured).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
