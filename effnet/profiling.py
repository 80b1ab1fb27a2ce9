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

SAVE_EVERY = 20.0  # seconds


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
    mark = fingerprint(files, folder)
    part = out.with_name(out.name + ".part")
    profile, done = _resume(part, model, mark)
    if done:
        say(f"going on after {done} of {len(files)} pictures")
    saved = started = time.monotonic()
    first = done

    def step(profile: Profile, count: int) -> None:
        nonlocal saved
        now = time.monotonic()
        if now - saved >= SAVE_EVERY:
            write_profile(part, profile, {"done": count, "fingerprint": mark})
            saved = now
        rate = (count - first) / max(now - started, 1e-9)
        say(f"{count} of {len(files)} pictures, {rate:.1f} a second")

    try:
        profile = build_profile(model, files, profile=profile, done=done, size=batch, step=step)
    except KeyboardInterrupt:
        say(f"stopped; run the same command again to go on from {part}")
        raise
    if not profile.groups:
        raise ProfileError(f"None of the {len(files)} picture files in {folder} can be read.")
    write_profile(out, profile)
    part.unlink(missing_ok=True)
    return profile


def _resume(part: Path, model: EfficientNet, mark: str) -> tuple[Profile | None, int]:
    if not part.exists():
        return None, 0
    profile, about = read_profile(part.read_bytes())
    done = about.get("done")
    same = about.get("fingerprint") == mark and profile.info == model.info
    if not same or not isinstance(done, int):
        raise ProfileError(
            f"{part} was begun with another folder or network; delete it to start over, or choose "
            "another --out."
        )
    return profile, done
