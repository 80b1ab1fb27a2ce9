"""Crafted headers and damaged files: none loads wrongly, each ends at once in one sentence."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save

from effnet import scale
from effnet.errors import CheckpointError
from effnet.network.model import EfficientNet, build_model
from effnet.weights.info import Preprocessing, WeightsInfo
from effnet.weights.layouts import OURS, shapes_of
from effnet.weights.uploads import read_upload
from tests.weights.conditioned import condition
from tests.weights.test_uploads import tensors_in

SPEC = scale(-9, resolution=32, num_classes=3)
SECONDS, BYTES = 1.0, 50_000_000  # of processor time, so that a busy machine does not count


def network() -> EfficientNet:
    model = build_model(SPEC)
    condition(model, 32)
    return model


def metadata() -> dict[str, str]:
    return WeightsInfo(
        name="x", title="X", config=SPEC.config, preprocessing=Preprocessing(size=32)
    ).to_metadata()


@pytest.fixture(scope="module")
def good() -> bytes:
    return save(tensors_in(OURS, network()), metadata())


def memory(field: str) -> int:
    """Bytes of `VmRSS` (now) or `VmHWM` (the most since it was reset); 0 where there is no /proc."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return 0


def attempt(data: bytes) -> tuple[str, float, int]:
    """`refused`, or `loaded` with every shape right and every value finite; seconds; growth, bytes."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    before, began, result = memory("VmRSS"), time.process_time(), None
    try:
        result = read_upload(data)
    except CheckpointError as error:
        assert "\n" not in str(error)
    seconds, grown = time.process_time() - began, memory("VmHWM") - before
    if result is None:
        return "refused", seconds, grown
    model, info = result
    state = {k: v for k, v in model.state_dict().items() if v.is_floating_point()}
    assert {k: tuple(v.shape) for k, v in state.items()} == shapes_of(model.spec)
    assert all(bool(torch.isfinite(v).all()) for v in state.values())
    assert info.config == model.spec.config
    return "loaded", seconds, grown


# --- crafted headers --------------------------------------------------------------------------


def pack(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def crafted(good: bytes) -> dict[str, bytes]:
    length = int.from_bytes(good[:8], "little")
    header, body = json.loads(good[8 : 8 + length]), good[8 + length :]
    first, second = [name for name in header if name != "__metadata__"][:2]

    def changed(change: Callable[[dict], object], tail: bytes = body) -> bytes:  # type: ignore[type-arg]
        copy = json.loads(json.dumps(header))
        change(copy)
        return pack(copy, tail)

    def entry(**values: object) -> Callable[[dict], object]:  # type: ignore[type-arg]
        return lambda h: h[first].update(values)

    a, b = header[first]["data_offsets"]
    text = json.dumps(header).encode()
    nan = bytearray(good)
    nan[8 + length : 12 + length] = b"\x00\x00\xc0\x7f"
    infinite = bytearray(good)
    infinite[-4:] = b"\x00\x00\x80\xff"
    many = ",".join(f'"{i}":0' for i in range(1_000_000)).encode()
    return {
        "nothing at all": b"",
        "seven bytes": good[:7],
        "length 2^63": (2**63).to_bytes(8, "little") + good[8:],
        "length 2^64 - 1": b"\xff" * 8 + good[8:],
        "length 0": bytes(8) + good[8:],
        "length 1": pack(b"{"),
        "length beyond the file": (len(good)).to_bytes(8, "little") + good[8:],
        "a header of 94 MB": pack(b"{" + b" " * 94_000_000 + b"}"),
        "a million names": pack(b"{" + many + b"}"),
        "as many names as fit": pack(b"{" + many[:900_000].rpartition(b",")[0] + b"}"),
        "no JSON": pack(b"{nonsense}", body),
        "no UTF-8": pack(b'{"\xff": 1}', body),
        "a list": pack([1, 2], body),
        "a number": pack(b"17", body),
        "nested": pack(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "overlap": changed(lambda h: h[second].update(data_offsets=[a, a + 4 * 1])),
        "one tensor twice": changed(lambda h: h.__setitem__("again", h[first])),
        "a hole": changed(lambda h: h.pop(first)),
        "bytes behind": good + b"PK\x03\x04",
        "a name twice": pack(text[:-1] + b"," + text[1:], body),
        "negative shape": changed(entry(shape=[-1, 3, 3, 3])),
        "fractional shape": changed(entry(shape=[8.0, 3, 3, 3])),
        "true as a shape": changed(entry(shape=[True])),
        "shape of 2^80": changed(entry(shape=[2**40, 2**40])),
        "nothing times 2^61": changed(entry(shape=[0, 2**61])),
        "a thousand dimensions": changed(entry(shape=[1] * 1000)),
        "NaN in the shape": pack(text.replace(b'"shape": [', b'"shape": [NaN, ', 1), body),
        "a number of 5000 digits": pack(
            text.replace(b'"shape": [', b'"shape": [' + b"9" * 5000 + b", ", 1), body
        ),
        "offsets reversed": changed(entry(data_offsets=[b, a])),
        "negative offset": changed(entry(data_offsets=[-4, b])),
        "offset past the end": changed(entry(data_offsets=[a, b + 2**40])),
        "three offsets": changed(entry(data_offsets=[a, b, b])),
        "no offsets": changed(lambda h: h[first].pop("data_offsets")),
        "a key more": changed(entry(extra=1)),
        "unknown dtype": changed(entry(dtype="F31")),
        "complex dtype": changed(entry(dtype="C64")),
        "dtype is a list": changed(entry(dtype=["F32"])),
        "integers": changed(entry(dtype="I32")),
        "8-bit floats": changed(entry(dtype="F8_E4M3")),
        "NaN among the values": bytes(nan),
        "infinity among the values": bytes(infinite),
        "metadata of numbers": changed(lambda h: h.update(__metadata__={"format": 1})),
        "metadata is a list": changed(lambda h: h.update(__metadata__=[])),
        "a name that does not print": changed(lambda h: h.__setitem__("\ud800", h.pop(first))),
        "a name of 100 kB": changed(lambda h: h.__setitem__("x" * 100_000, h.pop(first))),
        "another network's shapes": changed(
            lambda h: h.update(__metadata__={**h["__metadata__"], "config": '{"name": "l2", "width": 4.3, "depth": 5.3}'})
        ),
    }  # fmt: skip


def test_crafted_headers(good: bytes) -> None:
    assert attempt(good)[0] == "loaded"
    files = crafted(good)
    slowest, largest = 0.0, 0
    for name, data in files.items():
        how, seconds, grown = attempt(data)
        assert how == "refused", name
        assert seconds < SECONDS, (name, seconds)
        assert grown < BYTES, (name, grown)
        slowest, largest = max(slowest, seconds), max(largest, grown)
    print(
        f"{len(files)} crafted files: refused {len(files)}, loaded 0, other errors 0, slowest "
        f"{slowest:.3f} s, largest growth {largest / 1e6:.0f} MB"
    )
    assert len(files) >= 30


# --- mutants ----------------------------------------------------------------------------------


def mutate(good: bytes, random: Random) -> bytes:
    """Cut, flip bytes, delete a run, insert a run, or damage the header."""
    data = bytearray(good)
    length = int.from_bytes(good[:8], "little")
    kind = random.choice(["cut", "flip", "flip", "delete", "insert", "header", "header", "values"])
    at = random.randrange(len(data))
    if kind == "cut":
        return bytes(data[:at])
    if kind == "delete":
        del data[at : at + random.randrange(1, 64)]
    elif kind == "insert":
        data[at:at] = random.randbytes(random.randrange(1, 64))
    elif kind == "values":  # whole floats, so that huge and non-finite ones come up
        for _ in range(random.randrange(1, 8)):
            place = 8 + length + 4 * random.randrange((len(data) - 8 - length) // 4)
            data[place : place + 4] = random.choice(
                [random.randbytes(4), b"\0\0\x80\x7f", b"\xff" * 4]
            )
    else:
        reach = 8 + length if kind == "header" else len(data)
        for _ in range(random.choice([1, 1, 2, 8, 64])):
            data[random.randrange(reach)] = random.randrange(256)
    return bytes(data)


def test_5000_mutants_of_a_good_file(good: bytes) -> None:
    random = Random(20240607)
    ends = {"refused": 0, "loaded": 0}
    slowest, largest = 0.0, 0
    for _ in range(5000):
        how, seconds, grown = attempt(mutate(good, random))
        ends[how] += 1
        assert seconds < SECONDS
        assert grown < BYTES
        slowest, largest = max(slowest, seconds), max(largest, grown)
    print(
        f"5000 mutants of {len(good):,} bytes: {ends}, wrong shape 0, not finite 0, other errors 0, "
        f"slowest {slowest:.3f} s, largest growth {largest / 1e6:.1f} MB"
    )
    assert sum(ends.values()) == 5000
    assert min(ends.values()) > 500


def test_strangers_names_mutated_too() -> None:
    """Without our metadata, the file is recognised by its tensors; its padding is then given."""
    from effnet.weights.layouts import LAYOUTS

    random, ends = Random(7), {"refused": 0, "loaded": 0}
    for layout in ("torchvision", "timm", "lukemelas", "keras"):
        data = save(tensors_in(LAYOUTS[layout], network()))
        for _ in range(75):
            mutant = mutate(data, random)
            try:
                padding = "symmetric" if layout in ("torchvision", "timm") else "same"
                model, _ = read_upload(mutant, padding=padding)
            except CheckpointError:
                ends["refused"] += 1
                continue
            ends["loaded"] += 1
            floats = [v for v in model.state_dict().values() if v.is_floating_point()]
            assert all(bool(torch.isfinite(v).all()) for v in floats)
            assert shapes_of(model.spec) == shapes_of(SPEC)
    print(f"300 mutants of other libraries' files: {ends}, other errors 0")
    assert sum(ends.values()) == 300
    assert min(ends.values()) > 30
