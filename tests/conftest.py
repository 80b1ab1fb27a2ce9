"""What all tests share: reference figures, and one torch thread a worker."""

from __future__ import annotations

import csv
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.serving import server  # noqa: F401

DATA = Path(__file__).parent / "data"
RELEASED = (
    "b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "l2",
    "lite0", "lite1", "lite2", "lite3", "lite4",
)  # fmt: skip


@cache
def reference_blocks() -> dict[str, Any]:
    """blocks.json: every block of fifteen networks, on which six libraries agree."""
    return json.loads((DATA / "blocks.json").read_text())["variants"]


@cache
def reference_variants() -> dict[str, dict[str, str]]:
    """variants.csv: a row per network."""
    with (DATA / "variants.csv").open() as file:
        return {row["variant"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    import torch

    torch.set_num_threads(1)
