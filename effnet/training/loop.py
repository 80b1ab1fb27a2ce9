"""The training loop: a line per epoch, resumable at every epoch, measured on all test pictures.

State on disk is safetensors and JSON only. Every random choice of an epoch follows from the seed
and the epoch's number, so a resumed training gives what an unbroken one gives.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from effnet.network.model import EfficientNet, build_model
from effnet.training.data import FASHION_MNIST, MEAN, STD, Split, augment, to_input
from effnet.training.recipe import Recipe, mini_spec
from effnet.weights.info import Preprocessing, WeightsInfo


def accuracy(model: EfficientNet, split: Split, batch: int = 500) -> float:
    """Share of right answers on a split, eval mode, no augmentation."""
    model.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(split.labels), batch):
            logits = model(to_input(split.images[start : start + batch]))
            right += int((logits.argmax(1) == split.labels[start : start + batch]).sum())
    return right / len(split.labels)


class Average:
    """Exponential moving average of all float tensors of a model, batch statistics included."""

    def __init__(self, model: EfficientNet, decay: float) -> None:
        self.decay = decay
        self.model = build_model(model.spec)
        self.model.load_state_dict(model.state_dict())
        self.steps = 0

    @torch.no_grad()
    def update(self, model: EfficientNet) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mean, new in zip(
            self.model.state_dict().values(), model.state_dict().values(), strict=True
        ):
            if mean.is_floating_point():
                mean.lerp_(new, 1 - decay)
            else:
                mean.copy_(new)


def make_optimizer(model: EfficientNet, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; vectors (BN, biases) do not decay."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr)


def train(
    recipe: Recipe,
    data: tuple[Split, Split],
    out: Path,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train, or go on where `out` left off, and write `model.safetensors` and `result.json`.

    Returns:
        What was measured: test accuracy of float32 and float16 weights, seconds, epochs.
    """
    out.mkdir(parents=True, exist_ok=True)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    training, test = data
    model = build_model(mini_spec(recipe.se), seed=recipe.seed)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = make_optimizer(model, recipe)
    average = Average(model, recipe.average)
    state, log = out / "state.safetensors", out / "log.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if state.exists() and lines:
        _restore(state, model, average, optimizer)
        report(f"resumed after epoch {len(lines)}")
    steps = len(training.labels) // recipe.batch
    total = steps * recipe.epochs
    for epoch in range(len(lines), recipe.epochs):
        line = _epoch(recipe, epoch, steps, total, training, model, average, optimizer, report)
        line["test_accuracy"] = accuracy(average.model, test)
        lines.append(line)
        _store(state, model, average, optimizer)
        log.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
        report(
            f"epoch {epoch + 1}/{recipe.epochs}  loss {line['loss']:.4f}  "
            f"test {line['test_accuracy']:.4f}  {line['seconds']:.0f} s"
        )
    return _finish(recipe, average.model, test, lines, out, report)


def _epoch(
    recipe: Recipe, epoch: int, steps: int, total: int, training: Split, model: EfficientNet,
    average: Average, optimizer: torch.optim.Optimizer, report: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    generator = torch.Generator().manual_seed(recipe.seed * 100_003 + epoch)
    torch.manual_seed(recipe.seed * 100_003 + epoch)  # dropout and drop-connect
    order = torch.randperm(len(training.labels), generator=generator)
    model.train()
    began, losses = time.perf_counter(), 0.0
    for i in range(steps):
        step = epoch * steps + i
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr_at(step, total)
        pick = order[i * recipe.batch : (i + 1) * recipe.batch]
        x = to_input(augment(training.images[pick], recipe.shift, generator))
        loss = F.cross_entropy(
            model(x), training.labels[pick], label_smoothing=recipe.label_smoothing
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        average.update(model)
        losses += loss.item()
        if (i + 1) % 100 == 0:
            rate = (i + 1) * recipe.batch / (time.perf_counter() - began)
            report(f"  step {i + 1}/{steps}  loss {losses / (i + 1):.4f}  {rate:.0f} pictures/s")
    return {
        "epoch": epoch + 1,
        "loss": losses / steps,
        "seconds": time.perf_counter() - began,
        "threads": torch.get_num_threads(),
    }


def _store(
    path: Path, model: EfficientNet, average: Average, optimizer: torch.optim.Optimizer
) -> None:
    tensors = {f"model/{k}": v for k, v in model.state_dict().items()}
    tensors |= {f"average/{k}": v for k, v in average.model.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{k}": v for k, v in values.items()}
    flat = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    temporary = path.with_suffix(".part")
    save_file(flat, temporary, {"steps": str(average.steps)})
    temporary.replace(path)


def _restore(
    path: Path, model: EfficientNet, average: Average, optimizer: torch.optim.Optimizer
) -> None:
    tensors = load_file(path)

    def part(name: str) -> dict[str, Tensor]:
        return {k.removeprefix(name): v for k, v in tensors.items() if k.startswith(name)}

    model.load_state_dict(part("model/"))
    average.model.load_state_dict(part("average/"))
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in part("optimizer/").items():
        index, name = key.split("/")
        moments.setdefault(int(index), {})[name] = value
    average.steps = int(moments[0]["step"].item())
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})


def _finish(
    recipe: Recipe, model: EfficientNet, test: Split, lines: list[dict[str, Any]], out: Path,
    report: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    full = accuracy(model, test)
    half = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    rounded = build_model(model.spec)
    rounded.load_state_dict({k: v.float() if v.dtype == torch.half else v for k, v in half.items()})
    result = {
        "recipe": asdict(recipe),
        "params": model.spec.params,
        "macs": model.spec.macs,
        "test_pictures": len(test.labels),
        "test_accuracy": full,
        "test_accuracy_half": accuracy(rounded, test),
        "seconds": sum(line["seconds"] for line in lines),
        "epochs": len(lines),
    }
    info = WeightsInfo(
        name="mini-fashion" if recipe.se else "mini-fashion-no-se",
        title="Fashion-MNIST, trained by this project" + ("" if recipe.se else ", without SE"),
        config=model.spec.config,
        preprocessing=Preprocessing(
            size=28, crop=1.0, interpolation="bilinear", mean=(MEAN,) * 3, std=(STD,) * 3, grey=True
        ),
        labels=FASHION_MNIST,
        source="python -m effnet.training on Fashion-MNIST (Xiao, Rasul and Vollgraf 2017)",
        license="Apache-2.0 (weights); MIT (data set)",
        recipe=f"{recipe.epochs} epochs, AdamW {recipe.lr:g}, cosine, label smoothing "
        f"{recipe.label_smoothing:g}, shifts and flips, averaged weights, seed {recipe.seed}",
        accuracy=f"{100 * result['test_accuracy_half']:.2f} % top-1 on all 10,000 test pictures",
        accuracy_source="measured by the training script on the weights as stored",
    )
    contiguous = {
        k: v.contiguous() for k, v in half.items() if not k.endswith("num_batches_tracked")
    }
    save_file(contiguous, out / "model.safetensors", info.to_metadata())
    (out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    report(f"test accuracy {full:.4f}, in half precision {result['test_accuracy_half']:.4f}")
    return result
