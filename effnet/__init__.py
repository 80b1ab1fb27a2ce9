"""EfficientNet, explained by a library that is checked against six others.

The names below are the public interface. Those that need torch import it when first used, so that
`import effnet` and everything about the architecture stay instant.

| name | what |
|---|---|
| `spec_for(name)` | the network called b0..b8, l2, lite0..lite4, mini or tiny, as frozen data |
| `scale(phi)` | a network by the compound-scaling law, or by any width, depth, resolution |
| `EfficientNet(spec)` | the torch module |
| `load(name, weights=...)` | a module with weights, in eval mode |
| `trace(model, x)` | one forward pass: logits, the gates of every SE block, feature maps |
| `grad_cam(model, x, target, block)` | a class-activation map from any block |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from effnet.architecture.scaling import scale
from effnet.architecture.variants import spec_for
from effnet.errors import EffnetError

if TYPE_CHECKING:
    from effnet.inspection.gradcam import grad_cam
    from effnet.inspection.trace import trace
    from effnet.network.model import EfficientNet
    from effnet.weights.load import load

_LATE = {
    "EfficientNet": "effnet.network.model",
    "grad_cam": "effnet.inspection.gradcam",
    "load": "effnet.weights.load",
    "trace": "effnet.inspection.trace",
}

__all__ = ["EfficientNet", "EffnetError", "grad_cam", "load", "scale", "spec_for", "trace"]


def __getattr__(name: str) -> Any:
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module 'effnet' has no attribute {name!r}")
