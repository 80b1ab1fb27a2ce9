"""Networks for tests: seeded, and conditioned so that a mistake shows.

A fresh initialisation hides mistakes (BN statistics 0 and 1, SE biases 0), and values drawn without
regard to the signal make networks whose answer hardly depends on the picture.
"""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor

from effnet import spec_for
from effnet.network.model import EfficientNet, build_model
from tests.weights.conditioned import condition
from tests.weights.conditioned import picture as _picture

LARGEST = 64  # px that batch statistics are taken at: enough for the deepest stage to have 2 x 2


@lru_cache(maxsize=8)
def _state(name: str, seed: int, changes: tuple[tuple[str, object], ...]) -> dict[str, Tensor]:
    model = build_model(spec_for(name, **dict(changes)), seed=seed)
    condition(model, min(model.spec.resolution, LARGEST), seed=seed)
    return model.state_dict()


def net(name: str = "tiny", seed: int = 0, **changes: object) -> EfficientNet:
    """A conditioned network in eval mode, with tensors of its own."""
    model = build_model(spec_for(name, **changes))
    model.load_state_dict(_state(name, seed, tuple(sorted(changes.items()))))
    return model.eval()


def picture(size: int = 32, seed: int = 0, n: int = 1) -> Tensor:
    """(n, 3, size, size), normal values."""
    return _picture(size, seed, n)
