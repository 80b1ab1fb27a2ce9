"""`python -m effnet profile`: gates of a folder of pictures into a Parquet file, resumable."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from effnet.errors import ProfileError
from effnet.inspection.profile import Profile, build_profile, list_pictures
from effnet.inspection.profile_file import read_profile, write_profile

if TYPE_CHECKING:
    from effnet.network.model import EfficientNet

SAVE_EVERY, TELL_EVERY = 5.0, 1.0  # seconds, at least
SAVING_SHARE = 0.05  # of the time may go into saving


def fingerprint(files: list[tuple[str, Path]], folder: Path) -> str:
    """Changes when the folder's list of pictures does."""
    names = "\n".join(f"{group}\t{path.relative_to(folder)}" for group, path in files)
    return hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()


def profile_folder(
    model: EfficientNet,
    folder: Path,
    out: Path,
    *,
    batch: int = 32,
    say: Callable[[str], None] = print,
) -> Profile:
    """Profile a folder into `out`; an interrupted run is continued from `out` with `.part` behind it.

    Raises:
        ProfileError: for a folder without pictures, a network without SE, or a part file that
            belongs to another folder or network.
    """
    files = list_pictures(folder)
    if out.is_dir() or not out.parent.is_dir():
        raise ProfileError(f"{out} cannot be written; give a file in a folder that exists.")
    mark = fingerprint(files, folder)
    part = out.with_name(out.name + ".part")
    profile, done = _resume(part, model, mark, len(files))
    if done:
        say(f"going on after {done} of {len(files)} pictures")
    started = told = time.monotonic()
    first, kept, due = done, done, started + SAVE_EVERY

    def step(profile: Profile, count: int) -> None:
        nonlocal told, kept, due
        now = time.monotonic()
        if now >= due:
            write_profile(part, profile, {"done": count, "fingerprint": mark})
            took, kept = time.monotonic() - now, count
            due = now + max(SAVE_EVERY, took / SAVING_SHARE)
        if now - told >= TELL_EVERY or count == len(files):
            told = now
            say(_line(count, len(files), (count - first) / max(now - started, 1e-9)))

    try:
        profile = build_profile(model, files, profile=profile, done=done, size=batch, step=step)
    except KeyboardInterrupt:
        say(f"stopped; the same command goes on after {kept} of {len(files)} pictures")
        raise
    if not profile.groups:
        raise ProfileError(f"None of the {len(files)} picture files in {folder} can be read.")
    write_profile(out, profile)
    part.unlink(missing_ok=True)
    return profile


def _line(count: int, total: int, rate: float) -> str:
    left = (total - count) / rate if rate else 0.0
    ending = f", {left / 60:.0f} min left" if left >= 90 else f", {left:.0f} s left" if left else ""
    return f"{count} of {total} pictures, {rate:.1f} a second{ending}"


def _resume(part: Path, model: EfficientNet, mark: str, total: int) -> tuple[Profile | None, int]:
    if not part.exists():
        return None, 0
    try:
        profile, about = read_profile(part.read_bytes())
    except (ProfileError, OSError) as error:
        raise ProfileError(f"{part} cannot be read; delete it to start over.") from error
    done = about.get("done")
    same = about.get("fingerprint") == mark and profile.info == model.info
    if not same or not isinstance(done, int) or not 0 <= done <= total:
        raise ProfileError(
            f"{part} was begun with another folder or network; delete it to start over, or choose "
            "another --out."
        )
    return profile, done
