"""The named networks: one line of data each.

(width, depth, resolution, dropout) of B0 to B8 and L2 are the official list
(tensorflow/tpu, models/official/efficientnet/efficientnet_builder.py); Lite0 to Lite4 are
lite/efficientnet_lite_builder.py. They are data, not points of the law in phi.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from effnet.architecture.scaling import build, rebuild, scale
from effnet.architecture.spec import Config, Spec
from effnet.errors import SpecError


def _b(name: str, width: float, depth: float, resolution: int, dropout: float) -> Config:
    return Config(name=name, width=width, depth=depth, resolution=resolution, dropout=dropout)


def _lite(name: str, width: float, depth: float, resolution: int, dropout: float) -> Config:
    return Config(
        name=name, width=width, depth=depth, resolution=resolution, dropout=dropout,
        lite=True, se=False,
    )  # fmt: skip


def _mini(name: str, se: bool) -> Config:
    """Compound scaling downwards: width 1.1^-6 = 0.56, depth 1.2^-6 = 0.33.

    The law would run it at 97 px. Fashion-MNIST has 28 px, so the input has 28 and the stem keeps
    them all (stride 1).
    """
    return scale(
        -6, resolution=28, stem_stride=1, num_classes=10, se=se, dropout=0.1, drop_connect=0.05,
        bn_momentum=0.05, name=name,
    ).config  # fmt: skip


_CONFIGS = (
    _b("b0", 1.0, 1.0, 224, 0.2),
    _b("b1", 1.0, 1.1, 240, 0.2),
    _b("b2", 1.1, 1.2, 260, 0.3),
    _b("b3", 1.2, 1.4, 300, 0.3),
    _b("b4", 1.4, 1.8, 380, 0.4),
    _b("b5", 1.6, 2.2, 456, 0.4),
    _b("b6", 1.8, 2.6, 528, 0.5),
    _b("b7", 2.0, 3.1, 600, 0.5),
    _b("b8", 2.2, 3.6, 672, 0.5),
    _b("l2", 4.3, 5.3, 800, 0.5),
    _lite("lite0", 1.0, 1.0, 224, 0.2),
    _lite("lite1", 1.0, 1.1, 240, 0.2),
    _lite("lite2", 1.1, 1.2, 260, 0.3),
    _lite("lite3", 1.2, 1.4, 280, 0.3),
    _lite("lite4", 1.4, 1.8, 300, 0.3),
    _mini("mini", se=True),
    _mini("mini-no-se", se=False),
    Config(name="tiny", width=0.25, depth=0.5, resolution=32, num_classes=10),
)
VARIANTS: dict[str, Config] = {config.name: config for config in _CONFIGS}
"""Every named network, in the order in which a menu shows them."""

RELEASED = tuple(name for name in VARIANTS if not name.startswith(("mini", "tiny")))
"""The fifteen networks that Google released. `mini` is the one that this project trained, with a
twin without SE; `tiny` is for tests and first trials."""


@lru_cache(maxsize=256)
def _spec_for(name: str, changes: tuple[tuple[str, Any], ...]) -> Spec:
    config = VARIANTS.get(name)
    if config is None:
        raise SpecError(
            f"There is no network called {name!r:.40}; choose one of {', '.join(VARIANTS)}."
        )
    spec = build(config)
    return rebuild(spec, **dict(changes)) if changes else spec


def spec_for(name: str, **changes: Any) -> Spec:
    """The named network, with fields of its `Config` changed where asked.

    >>> spec_for("b0").params, spec_for("b0", se_reduce_from="expanded").params
    (5288548, 8423848)

    Args:
        name: `b0` .. `b8`, `l2`, `lite0` .. `lite4`, `mini` or `tiny`.
        **changes: e.g. `resolution=380`, `padding="symmetric"`, `bn_eps=1e-5`, `num_classes=10`.

    Raises:
        SpecError: in one sentence, for an unknown name or an impossible change.
    """
    key = str(name).strip().lower().removeprefix("efficientnet-").removeprefix("efficientnet_")
    return _spec_for(key, tuple(sorted(changes.items())))


__all__ = ["RELEASED", "VARIANTS", "scale", "spec_for"]
