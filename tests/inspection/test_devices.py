"""Which device, and the one way out when memory is short."""

from __future__ import annotations

import pytest
import torch

from effnet.errors import InspectionError
from effnet.inspection.devices import (
    autocast,
    available,
    choose_device,
    is_out_of_memory,
    run_with_fallback,
    share_cores,
)


def test_the_cpu_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available()[-1] == "cpu"
    monkeypatch.delenv("EFFNET_DEVICE", raising=False)
    assert choose_device() == available()[0]
    monkeypatch.setenv("EFFNET_DEVICE", " CPU ")
    assert choose_device() == "cpu"
    monkeypatch.setenv("EFFNET_DEVICE", "auto")
    assert choose_device() == available()[0]


@pytest.mark.parametrize("name", ["tpu", "cuda:99", "../../x"])
def test_a_device_that_is_not_here(name: str) -> None:
    with pytest.raises(InspectionError, match="set EFFNET_DEVICE to one of"):
        choose_device(name)


def test_the_cpu_keeps_full_precision() -> None:
    a = torch.randn(8, 8)
    with autocast(torch.device("cpu")):
        assert (a @ a).dtype == torch.float32


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            True,
        ),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: BaseException, memory: bool) -> None:
    assert is_out_of_memory(error) is memory


def test_falls_back_to_the_cpu_once_and_says_so() -> None:
    tried: list[str] = []

    def call(device: str) -> int:
        tried.append(device)
        if device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 42

    assert run_with_fallback(call, "cuda:0") == (
        42, "cuda:0 ran out of memory, so this was computed on the CPU."
    )  # fmt: skip
    assert tried == ["cuda:0", "cpu"]
    assert run_with_fallback(call, "cpu") == (42, "")


@pytest.mark.parametrize("device", ["cuda:0", "cpu"])
def test_when_the_cpu_has_no_memory_either(device: str) -> None:
    def call(where: str) -> int:
        raise MemoryError

    with pytest.raises(InspectionError, match="choose a smaller network"):
        run_with_fallback(call, device)


def test_other_errors_pass_through() -> None:
    def call(where: str) -> int:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        run_with_fallback(call, "cuda:0")


def test_half_of_the_cores_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    try:
        for cores, wanted in ((8, 4), (2, 1), (1, 1), (None, 1)):
            monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
            assert share_cores() == torch.get_num_threads() == wanted
    finally:
        torch.set_num_threads(before)
