"""A file that is still arriving: `NAME.part` beside its final name, and what is known of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from effnet.errors import WeightsError
from effnet.weights.cache import digest_of, set_aside, write_text


class Partial:
    """The unfinished copy of one file. All methods may raise OSError; see `writing`."""

    def __init__(self, final: Path) -> None:
        self.final = final
        self.path = final.with_name(f"{final.name}.part")
        self.note = final.with_name(f"{final.name}.part.json")

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self, url: str, validator: str) -> None:
        """Start from the first byte, and note what a later transfer may continue."""
        self.path.unlink(missing_ok=True)
        write_text(self.note, json.dumps({"url": url, "validator": validator}) + "\n")

    def resumable(self, url: str) -> tuple[int, str]:
        """How much has arrived, and the validator to continue with; (0, "") when it cannot be."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            if self.size and note["url"] == url and note["validator"]:
                return self.size, str(note["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, ""

    def digest(self) -> str:
        return digest_of(self.path)

    def discard(self) -> None:
        """Remove what has arrived. Never raises: it is called when something else is wrong."""
        for path in (self.path, self.note):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                continue

    def set_aside(self) -> Path | None:
        """Keep it for inspection under `NAME.damaged-1`, out of everybody's way."""
        aside = set_aside(self.path, self.final.name)
        self.discard()
        return aside

    def need_room(self, size: int) -> None:
        """Refuse at once what cannot fit."""
        if size > shutil.disk_usage(self.final.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def publish(self) -> None:
        """Flush to the disk and rename: from here on the file exists."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.chmod(0o644)
        self.path.replace(self.final)
        self.note.unlink(missing_ok=True)
        if os.name == "posix":
            folder = os.open(self.final.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


@contextmanager
def writing(partial: Partial) -> Iterator[None]:
    """Every fault of the disk as one sentence. A full disk gets its room back.

    Raises:
        WeightsError: for every OSError inside.
    """
    folder = partial.final.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            partial.discard()
            raise WeightsError(
                f"The disk is full: {partial.final.name} does not fit into {folder}; make room or "
                "set EFFNET_CACHE to another folder."
            ) from error
        raise WeightsError(
            f"{folder} cannot be written ({error.strerror or error}); set EFFNET_CACHE to a folder "
            "that can, or let its owner fetch the weights."
        ) from error


@contextmanager
def locked(partial: Partial, seconds: float, stop: Callable[[], None]) -> Iterator[None]:
    """One process at a time works on a file; the others wait. A killed process frees its lock.

    Args:
        stop: called several times a second while waiting; ends the wait by raising.

    Raises:
        WeightsError: after `seconds`.
    """
    from filelock import FileLock, Timeout

    name = partial.final.name
    lock = FileLock(partial.final.with_name(f".{name}.lock"))
    until = time.monotonic() + seconds
    while True:
        stop()
        try:
            lock.acquire(timeout=0.2)
            break
        except Timeout:
            if time.monotonic() > until:
                raise WeightsError(
                    f"Another process has been fetching {name} for a long time; end it and try "
                    "again."
                ) from None
    try:
        yield
    finally:
        lock.release()
