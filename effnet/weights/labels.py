"""Class names: the thousand of ImageNet-1k, Fashion-MNIST's ten, and lists that people bring."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from effnet.errors import CheckpointError, InspectionError
from effnet.limits import LIMITS

if TYPE_CHECKING:
    from effnet.weights.info import WeightsInfo

ASSETS = Path(__file__).resolve().parents[2] / "assets"

FASHION_MNIST = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@cache
def imagenet_classes() -> tuple[str, ...]:
    """The 1000 names of ImageNet-1k (ILSVRC 2012) in the order of every published classifier.

    >>> imagenet_classes()[282], len(imagenet_classes())
    ('tiger cat', 1000)

    Source: torchvision's category list, in `assets/imagenet_classes.json`.
    """
    return tuple(json.loads((ASSETS / "imagenet_classes.json").read_text(encoding="utf-8")))


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same names, with the class index added to those that occur twice: `crane (517)`."""
    count = Counter(names)
    return tuple(f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(names))


def labels_of(info: WeightsInfo) -> tuple[str, ...]:
    """One distinct name a class, or an empty tuple where the weights do not come with names."""
    names = imagenet_classes() if info.labels == "imagenet" else info.labels
    if isinstance(names, str) or len(names) != info.config.num_classes:
        return ()
    return distinct(names)


def find_class(wanted: str, labels: tuple[str, ...], classes: int) -> int:
    """The index of a class given by its number, its name, or a part of its name that no other has.

    Args:
        labels: as `labels_of` gives them; may be empty. classes: how many there are.

    Raises:
        InspectionError: when there is no such class, or several; the sentence names some of them.
    """
    text = wanted.strip()
    if text.isdecimal() and len(text) < 9:
        if int(text) < classes:
            return int(text)
        raise InspectionError(
            f"There is no class {int(text)}; they are numbered 0 to {classes - 1}."
        )
    same = [i for i, name in enumerate(labels) if name.casefold() == text.casefold()]
    within = [i for i, name in enumerate(labels) if text.casefold() in name.casefold()]
    found = same or within
    if len(found) == 1:
        return found[0]
    if not found or not text:
        raise InspectionError(
            f"No class is called {text!r:.60}; give a number from 0 to {classes - 1}"
            + (" or a name." if labels else ", since these weights come without names.")
        )
    some = ", ".join(f"{i} {labels[i]}" for i in found[:5])
    raise InspectionError(f"{len(found)} classes fit {text!r:.60}: {some}; give the number.")


def read_class_names(data: bytes) -> tuple[str, ...]:
    """Class names from a text file (one a line) or a JSON file, in the order of the classes.

    JSON may be a list of names, or an object from index to name or to `[id, name]`, as the lists
    of ImageNet that go around. Names are cut at 200 characters.

    Raises:
        CheckpointError: in one sentence, when the file is too large or is no such list.
    """
    if len(data) > LIMITS.class_names_bytes:
        raise CheckpointError(
            f"A list of class names may have at most {LIMITS.class_names_bytes / 1e6:g} MB."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointError("The class names must be a text or JSON file in UTF-8.") from error
    if text.lstrip()[:1] in ("[", "{"):
        names = _from_json(text)
    else:
        names = [line.strip() for line in text.splitlines()]
        while names and not names[-1]:
            names.pop()
    if len(names) > LIMITS.max_classes:
        raise CheckpointError(f"A list may have at most {LIMITS.max_classes:,} class names.")
    names = ["".join(c if c.isprintable() else " " for c in name) for name in names]
    names = [name[: LIMITS.label_chars].strip() for name in names]
    if not names or not all(names):
        raise CheckpointError("The list of class names is empty or has an empty line in it.")
    return tuple(names)


def _from_json(text: str) -> list[str]:
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            by_index = {int(key): item for key, item in value.items()}
            value = [by_index[i] for i in range(len(value))]
    except (ValueError, KeyError, RecursionError):
        value = [None]
    names = [item[-1] if isinstance(item, list) and len(item) == 2 else item for item in value]
    if not all(isinstance(name, str) for name in names):
        raise CheckpointError(
            'The JSON file must be a list of names, or an object such as {"0": "cat", "1": "dog"}.'
        )
    return [name.strip() for name in names]
