"""Writing files so that a half-written one never stands under the final name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from effnet.errors import EffnetError


def write_bytes(path: Path, data: bytes) -> None:
    """Write through a temporary file in the same folder, then rename.

    Raises:
        EffnetError: when the folder is missing or cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise EffnetError(
            f"{path} could not be written ({error.strerror or error}); choose another place."
        ) from error
