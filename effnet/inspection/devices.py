"""Where a model runs: CUDA, MPS or the CPU, and the way out when memory is short."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch

from effnet.errors import InspectionError
from effnet.network.model import EfficientNet

T = TypeVar("T")

VARIABLE = "EFFNET_DEVICE"


def available() -> tuple[str, ...]:
    """Device names that torch can use here, best first; `cpu` is always among them."""
    found = []
    if torch.cuda.is_available():
        found += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def choose_device(wanted: str | None = None) -> str:
    """The device asked for, else the one in EFFNET_DEVICE, else the best there is.

    Raises:
        InspectionError: when that device is not here; the sentence names those that are.
    """
    here = available()
    name = (wanted or os.environ.get(VARIABLE, "")).strip().lower()
    if not name or name == "auto":
        return here[0]
    if name == "cuda" and here[0].startswith("cuda"):
        return here[0]
    if name not in here:
        raise InspectionError(
            f"There is no device {name!r:.20} on this machine; set {VARIABLE} to one of "
            f"{', '.join(here)}."
        )
    return name


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 on CUDA, where it is faster and the gates keep their first three digits."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()


def arrange(model: EfficientNet) -> EfficientNet:
    """The same model with its weights laid out channels-last where convolutions then run faster.

    On the CPU a B0 forward takes 0.8 of the time (`benchmarks/se.py`); on MPS it gains nothing.
    Values do not change; save weights before, since some writers want them contiguous.
    """
    if model.classifier.weight.device.type in ("cpu", "cuda"):
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def share_cores() -> int:
    """Let torch use half of the cores (at least one) from here on, and say how many.

    torch takes every core by default and its threads wait for each other by spinning: with another
    program on the machine, two threads on two cores took 20 times as long as one.
    """
    cores = max(1, (os.cpu_count() or 1) // 2)
    torch.set_num_threads(cores)
    return cores


def is_out_of_memory(error: BaseException) -> bool:
    """True for CUDA, MPS and CPU ways of saying that memory ran out."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "not enough memory" in text or "can't allocate memory" in text
    )


def run_with_fallback(call: Callable[[str], T], device: str) -> tuple[T, str]:
    """`call(device)`; when that device's memory runs out, once more on the CPU.

    Returns:
        The result and a sentence to show, empty when nothing had to be done.

    Raises:
        InspectionError: when the CPU has not enough memory either.
    """
    try:
        return call(device), ""
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    # Outside the except block, so that the failed call's tensors are free by now.
    _release(device)
    if device != "cpu":
        try:
            return call("cpu"), f"{device} ran out of memory, so this was computed on the CPU."
        except Exception as error:
            if not is_out_of_memory(error):
                raise
    raise InspectionError(
        "There is not enough memory for this network at this size; choose a smaller network."
    )


def _release(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
