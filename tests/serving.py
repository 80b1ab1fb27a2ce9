"""The app as a user starts it, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Gives the address of an app that works offline."""
    with app_running(tmp_path_factory.mktemp("server"), EFFNET_OFFLINE="1") as address:
        yield address


@contextmanager
def app_running(folder: Path, **environment: str) -> Iterator[str]:
    """Gives the address; at the end there must be no traceback in the server's log."""
    port = free_port()
    log = (folder / "log").open("w+")
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.25)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.seek(0)
        text = log.read()
        log.close()
    assert "Traceback" not in text, text[-3000:]
