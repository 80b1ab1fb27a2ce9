"""Class names: ImageNet's, found by typing, and lists that people bring."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from effnet import spec_for
from effnet.errors import CheckpointError, InspectionError
from effnet.limits import LIMITS
from effnet.training.data import FASHION_MNIST as TRAINED_ON
from effnet.weights.catalog import CATALOG
from effnet.weights.info import Preprocessing, WeightsInfo
from effnet.weights.labels import (
    FASHION_MNIST,
    distinct,
    find_class,
    imagenet_classes,
    labels_of,
    read_class_names,
)

# Index and name of ImageNet-1k classes, from published predictions of other libraries.
BY_HAND = {
    281: "tabby", 282: "tiger cat", 285: "Egyptian cat", 287: "lynx", 447: "binoculars",
    504: "coffee mug", 518: "crash helmet", 535: "disk brake", 540: "drilling platform",
    593: "harmonica", 650: "microphone", 657: "missile", 665: "moped", 668: "mosque",
    670: "motor scooter", 671: "mountain bike", 744: "projectile", 759: "reflex camera",
    812: "space shuttle", 872: "tripod", 904: "window screen", 925: "consomme",
    960: "chocolate sauce", 967: "espresso", 968: "cup",
}  # fmt: skip


def test_imagenet() -> None:
    names = imagenet_classes()
    assert len(names) == len(set(names)) == 1000
    assert {i: names[i] for i in BY_HAND} == BY_HAND


def test_fashion_mnist_is_what_the_training_used() -> None:
    assert FASHION_MNIST == TRAINED_ON


def test_labels_of_weights() -> None:
    assert labels_of(CATALOG["pypi-lite0"].info)[282] == "tiger cat"
    assert labels_of(CATALOG["timm-efficientnet_b5.sw_in12k"].info) == ()
    own = WeightsInfo(
        name="x", title="X", config=spec_for("tiny", num_classes=3).config,
        preprocessing=Preprocessing(size=32), labels=("crane", "crane", "dog"),
    )  # fmt: skip
    assert labels_of(own) == ("crane (0)", "crane (1)", "dog")
    assert labels_of(replace(own, labels=("a", "b"))) == ()
    assert labels_of(replace(own, labels="imagenet")) == ()
    assert distinct(("a", "b", "a")) == ("a (0)", "b", "a (2)")


def test_finding_a_class() -> None:
    names = imagenet_classes()
    assert find_class("282", names, 1000) == 282
    assert find_class(" Tiger Cat ", names, 1000) == 282
    assert find_class("espresso", names, 1000) == 967  # though there is an espresso maker
    assert find_class("chihuahu", names, 1000) == names.index("Chihuahua")
    for wanted, match in (("1000", "numbered 0 to 999"), ("cat", "give the number"),
                          ("zebrafish7", "No class is called"), ("", "No class is called"),
                          ("9" * 50, "No class"), ("-1", "No class")):  # fmt: skip
        with pytest.raises(InspectionError, match=match):
            find_class(wanted, names, 1000)
    with pytest.raises(InspectionError, match="come without names"):
        find_class("cat", (), 5)
    assert find_class("4", (), 5) == 4


@pytest.mark.parametrize(
    "data",
    [
        b"cat\ndog\n\n",
        b"\xef\xbb\xbfcat\r\n dog ",
        b'["cat", "dog"]',
        b' {"1": "dog", "0": "cat"}',
        b'{"0": ["n02123045", "cat"], "1": ["n02084071", "dog"]}',
        b'[["n02123045", "cat"], ["n02084071", "dog"]]',
    ],
)
def test_lists_of_names(data: bytes) -> None:
    assert read_class_names(data) == ("cat", "dog")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"cat\n\ndog", b"[]", b"{}", b"[1, 2]", b'{"a": "cat"}', b'{"1": "cat"}',
        b'{"0": "cat", "2": "dog"}', b"[" * 100_000, b"\xff\xfe", b'["cat"', b'[["a","b","c"]]',
        b'{"0": {"name": "cat"}}', b"\x00\n\x00",
    ],
)  # fmt: skip
def test_no_lists_of_names(data: bytes) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_class_names(data)
    assert "\n" not in str(caught.value)


def test_limits_on_lists() -> None:
    with pytest.raises(CheckpointError, match="at most 5 MB"):
        read_class_names(b"a" * (LIMITS.class_names_bytes + 1))
    with pytest.raises(CheckpointError, match="at most 100,000"):
        read_class_names(b"a\n" * 100_001)
    names = read_class_names(json.dumps(["x" * 999, "a\tb\x1b[0m"]).encode())
    assert len(names[0]) == 200
    assert all(name.isprintable() for name in names)
