"""Weights saved by torchvision and timm themselves, imported here, against their own logits.

    pip install --no-deps --target PEERS torchvision==0.28.0 timm==1.0.31
    python benchmarks/same_answers.py PEERS b0 b1 lite0

Beside a CPU torch the two can be unpacked but not installed, so this is no test; the tests know
their names by a second reading (`tests/weights/oracle.py`). Each network gets well-conditioned
random values with jittered statistics, is saved, imported and compared in float32 and float64.
Exit code 1 when a difference is larger than 1e-4 or 1e-9 of the largest logit.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import types
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from safetensors.torch import save_file
from torch import nn

import effnet
from effnet.weights.importing import import_file
from tests.weights.conditioned import condition, picture


def peers(variant: str) -> dict[str, tuple[nn.Module, str]]:
    """Name of a file to a network of torchvision or timm, and how its projections' norms end."""
    import timm
    import torchvision

    found: dict[str, tuple[nn.Module, str]] = {}
    if variant in [f"b{i}" for i in range(8)]:
        maker = getattr(torchvision.models, f"efficientnet_{variant}")
        found[f"torchvision_{variant}.pth"] = (maker(weights=None), ".3.1")
    for name in (f"tf_efficientnet_{variant}", f"efficientnet_{variant}"):
        model = timm.create_model(name, pretrained=False)
        # A file called efficientnet_b7 might have lost its tf_; timm's training notes the name.
        found[f"{name}.safetensors"] = (model, "bn3")
        found[f"{name}.pth.tar"] = (model, "bn3")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", type=Path, help="folder with torchvision and timm")
    parser.add_argument("variants", nargs="+")
    args = parser.parse_args()
    sys.path.insert(0, str(args.peers))
    # Its compiled operators are for another torch; EfficientNet uses none of them.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("no operators")
    torch.set_num_threads(1)
    worst = {torch.float32: 0.0, torch.float64: 0.0}
    for variant in args.variants:
        size = effnet.spec_for(variant).resolution
        for file, (model, projection) in peers(variant).items():
            condition(model, min(size, 96), projection=projection)
            single, double, said = compare(model, variant, file, min(size, 240))
            print(f"{file:<36} float32 {single:.1e}  float64 {double:.1e}  {said}", flush=True)
            for dtype, found in ((torch.float32, single), (torch.float64, double)):
                worst[dtype] = max(worst[dtype], found)
    return int(worst[torch.float32] > 1e-4 or worst[torch.float64] > 1e-9)


def compare(model: nn.Module, variant: str, file: str, size: int) -> tuple[float, float, str]:
    """Largest difference over the largest logit in float32 and float64, and what import says."""
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / file, Path(folder) / "ours.safetensors"
        flags = {}
        if file.endswith(".safetensors"):
            flags["padding"] = "same" if file.startswith("tf_") else "symmetric"
            save_file(state, path)
        elif file.endswith(".tar"):
            torch.save({"arch": file.removesuffix(".pth.tar"), "state_dict": state}, path)
        else:
            torch.save(state, path)
        info = import_file(path, out=out, **flags)
        ours = effnet.load(variant, out)
    x, ratios = picture(size, 7), []
    with torch.inference_mode():
        for dtype in (torch.float32, torch.float64):
            wanted, found = model.to(dtype)(x.to(dtype)), ours.to(dtype)(x.to(dtype))
            ratios.append(float((found - wanted).abs().max() / wanted.abs().max()))
    model.float()
    return ratios[0], ratios[1], f"{info.config.padding} padding, {info.config.bn_eps:g}"


if __name__ == "__main__":
    sys.exit(main())
