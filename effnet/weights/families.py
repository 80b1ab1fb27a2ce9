"""What a layout does not say: the padding and the BN epsilon that weights were trained with.

| weights | padding | BN epsilon | momentum |
|---|---|---|---|
| torchvision B0 to B4 | symmetric | 1e-5 | 0.1 |
| torchvision B5 to B7 | symmetric | 1e-3 | 0.01 |
| timm and geffnet `tf_efficientnet_*` | same | 1e-3 | 0.1 |
| timm and geffnet `efficientnet_*` | symmetric | 1e-5 | 0.1 |
| lukemelas, the Lite packages, Keras | same | 1e-3 | 0.01 |

A wrong choice moves logits by 0.1 to 2 without an error. timm's two families have the same names,
so somebody has to say which one a file is. In this order: its owner; its sha256, when it is one of
the published files; the name of its architecture, which timm's training script and `config.json`
keep; its own name, or its folder's. Nobody guesses: where none of them says it, the person is asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from effnet.architecture.spec import Config, Padding
from effnet.errors import CheckpointError


@dataclass(frozen=True)
class Family:
    """Settings that belong together."""

    title: str
    padding: Padding
    bn_eps: float
    bn_momentum: float


TORCHVISION = Family("torchvision", "symmetric", 1e-5, 0.1)
TORCHVISION_LARGE = Family("torchvision B5 to B7", "symmetric", 1e-3, 0.01)
TIMM_TF = Family("timm tf_efficientnet (from TensorFlow)", "same", 1e-3, 0.1)
TIMM_TORCH = Family("timm efficientnet (trained in PyTorch)", "symmetric", 1e-5, 0.1)
LUKEMELAS = Family("efficientnet_pytorch or a Lite package", "same", 1e-3, 0.01)
KERAS = Family("Keras", "same", 1e-3, 0.01)
OURS_TF = Family("same padding, as TensorFlow", "same", 1e-3, 0.01)
OURS_TORCH = Family("symmetric padding, as torchvision", "symmetric", 1e-5, 0.1)

ONLY_TF = ("lite1", "lite2", "lite3", "lite4", "b6", "b7", "b8", "l2")
"""Variants that timm has published only as `tf_efficientnet_*`: a file called `efficientnet_b7` may
as well have lost its `tf_`."""


class Evidence(NamedTuple):
    """What is known about a timm checkpoint: whether it is a `tf_` one, and who says so.

    sure: whether that leaves no doubt. A name without `tf_` does, since people rename files.
    """

    tf: bool
    says: str
    sure: bool = False


class Settled(NamedTuple):
    """A network with the padding, BN epsilon and momentum of its weights, and by what they are so."""

    config: Config
    by: str


_WHO = {"ours": "this project"}


class ChoiceNeededError(CheckpointError):
    """Names and shapes fit, but somebody has to choose the padding; `choices` are the families.

    `layout` and `variant` say what was recognised; read again with the chosen family's `padding`
    and `bn_eps`.
    """

    def __init__(self, layout: str, variant: str, choices: tuple[Family, ...]) -> None:
        super().__init__(
            f"This is {variant} as {_WHO.get(layout, layout)} names it, which does not tell how it was trained; "
            "import it with --padding same --bn-eps 1e-3 if it comes from TensorFlow (timm's "
            "tf_efficientnet), or with --padding symmetric --bn-eps 1e-5 if it was trained in PyTorch "
            "(timm's efficientnet)."
        )
        self.layout = layout
        self.variant = variant
        self.choices = choices


def families(layout: str, variant: str) -> tuple[Family, ...]:
    """The families that a checkpoint of this layout and variant can belong to."""
    if layout == "torchvision":
        return (TORCHVISION_LARGE if variant in ("b5", "b6", "b7") else TORCHVISION,)
    if layout == "lukemelas":
        return (LUKEMELAS,)
    if layout == "keras":
        return (KERAS,)
    return (TIMM_TF, TIMM_TORCH) if layout == "timm" else (OURS_TF, OURS_TORCH)


def settle(
    config: Config,
    layout: str,
    *,
    padding: str | None = None,
    bn_eps: float | None = None,
    evidence: Evidence | None = None,
) -> Settled:
    """`config` with the padding, BN epsilon and momentum of its weights, and who decided.

    A padding that the caller names decides, then the evidence, then a BN epsilon that only one
    family has. An epsilon may be any (people fine-tune with their own); a padding that contradicts
    the layout, evidence of `tf_` or sure evidence is refused.

    Raises:
        ChoiceNeededError: when nothing decides.
        CheckpointError: for a contradiction or an impossible value.
    """
    _check(padding, bn_eps)
    known = families(layout, config.name)
    tf, torch = known[0], known[-1]
    if len(known) == 1 and padding not in (None, tf.padding):
        raise CheckpointError(
            f"{tf.title} weights need {tf.padding} padding; with {padding} padding they would give "
            "other answers than their own library."
        )
    if evidence is not None and (evidence.tf or evidence.sure):
        told = tf if evidence.tf else torch
        if padding not in (None, told.padding):
            raise CheckpointError(
                f"{evidence.says} says that these are {'tf_' if evidence.tf else 'PyTorch'} weights, "
                f"which need {told.padding} padding; with {padding} padding they would give other "
                "answers than their own library."
            )
    if len(known) == 1:
        chosen, by = tf, f"as all weights of {tf.title} have it"
    elif padding is not None:
        chosen, by = (tf if padding == tf.padding else torch), "as you said"
    elif evidence is not None:
        chosen, by = (tf if evidence.tf else torch), f"as {_inside(evidence.says)} says"
    elif bn_eps in (tf.bn_eps, torch.bn_eps):
        chosen, by = (tf if bn_eps == tf.bn_eps else torch), "as the BN epsilon you gave implies"
    else:
        raise ChoiceNeededError(layout, config.name, known)
    config = replace(
        config,
        padding=chosen.padding,
        bn_eps=chosen.bn_eps if bn_eps is None else bn_eps,
        bn_momentum=chosen.bn_momentum,
    )
    return Settled(config, by)


def _inside(says: str) -> str:
    """The beginning of a sentence for the middle of one: `The file's name` loses its capital."""
    return f"t{says[1:]}" if says.startswith("The ") else says


def _check(padding: str | None, bn_eps: float | None) -> None:
    if padding not in (None, "same", "symmetric"):
        raise CheckpointError(f"The padding is same or symmetric, not {padding!r:.40}.")
    if bn_eps is not None and not (math.isfinite(bn_eps) and 0 < bn_eps < 1):
        raise CheckpointError(f"The BN epsilon lies between 0 and 1, usually 1e-3, not {bn_eps!r}.")


def architecture_evidence(name: object, variant: str, says: str) -> Evidence | None:
    """What the name of an architecture, a file or a folder tells about a timm checkpoint.

    `tf_efficientnet_b0` (or `tf_b0`) speaks for the TensorFlow family and `efficientnet_b0` for the
    other one, when it names the variant that was found; a `tf` elsewhere in it leaves it open.
    """
    if not isinstance(name, str):
        return None
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if word == "tf" and after == variant:
            return Evidence(True, says)
        if word == "efficientnet" and after == variant:
            if before == "tf":
                return Evidence(True, says)
            return None if "tf" in words else Evidence(False, says)
    return None
