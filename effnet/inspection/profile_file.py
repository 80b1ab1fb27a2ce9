"""A profile as a Parquet file: a row per group, block and channel; the rest in its metadata.

Files of others are read with care: size and shape are checked from the header before the rows.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from effnet.architecture.scaling import build
from effnet.errors import CheckpointError, ProfileError
from effnet.files import write_bytes
from effnet.inspection.profile import Profile, Sums
from effnet.limits import LIMITS
from effnet.weights.info import WeightsInfo

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT, VERSION = "effnet-profile", 1
_COLUMNS = {
    "group": "dictionary", "block": "dictionary", "channel": "int32", "count": "int64",
    "mean": "double", "squares": "double", "low": "float", "high": "float",
}  # fmt: skip


def to_bytes(profile: Profile, extra: dict[str, object] | None = None) -> bytes:
    """The Parquet file of a profile.

    Args:
        extra: further JSON values for the metadata (where a run stands, for resuming).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names, blocks, columns = list[str](), list[str](), {k: [] for k in _COLUMNS}  # type: ignore[var-annotated]
    for group, by_block in profile.groups.items():
        for block, sums in by_block.items():
            c = len(sums.mean)
            names += [group] * c
            blocks += [block] * c
            columns["channel"].append(np.arange(c, dtype=np.int32))
            columns["count"].append(np.full(c, sums.count, dtype=np.int64))
            for key in ("mean", "squares"):
                columns[key].append(np.asarray(getattr(sums, key), dtype=np.float64))
            for key in ("low", "high"):
                columns[key].append(np.asarray(getattr(sums, key), dtype=np.float32))
    data = {"group": pa.array(names, pa.string()).dictionary_encode()}
    data["block"] = pa.array(blocks, pa.string()).dictionary_encode()
    types = {"channel": np.int32, "count": np.int64, "low": np.float32, "high": np.float32}
    for key in list(_COLUMNS)[2:]:
        empty = np.zeros(0, dtype=types.get(key, np.float64))
        data[key] = pa.array(np.concatenate(columns[key]) if columns[key] else empty)
    about = {
        "format": FORMAT, "version": VERSION, "weights": profile.info.to_metadata(),
        "damaged": profile.damaged, "pictures": profile.pictures, **(extra or {}),
    }  # fmt: skip
    table = pa.table(data).replace_schema_metadata({FORMAT: json.dumps(about)})
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def write_profile(path: Path, profile: Profile, extra: dict[str, object] | None = None) -> None:
    """Write it whole or not at all.

    Raises:
        EffnetError: when the folder cannot be written.
    """
    write_bytes(path, to_bytes(profile, extra))


def read_profile(data: bytes) -> tuple[Profile, dict[str, object]]:
    """The profile in a Parquet file, and the rest of its metadata.

    Raises:
        ProfileError: for a file that is no profile, is damaged, too large or of a newer version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    problem = ProfileError(
        "This file is no gate profile; make one with `python -m effnet profile FOLDER --model NAME "
        "--out FILE.parquet`."
    )
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        raw = (file.schema_arrow.metadata or {}).get(FORMAT.encode())
        about = json.loads(raw) if raw else None
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        raise problem from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise problem
    version = about.get("version")
    if not isinstance(version, int) or version < VERSION:
        raise problem
    if version > VERSION:
        raise ProfileError(
            "This profile was written by a newer version of EfficientNet Explorer; update it, or make "
            "the profile again."
        )
    try:
        sizes = [
            file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups)
        ]
        if file.metadata.num_rows > LIMITS.profile_rows or sum(sizes) > LIMITS.profile_bytes:
            raise ProfileError("This profile is too large to open here; profile fewer groups.")
        if set(file.schema_arrow.names) != set(_COLUMNS):
            raise problem
        info = WeightsInfo.from_metadata(about.pop("weights"))
        damaged = [(str(a)[:500], str(b)[:500]) for a, b in about.pop("damaged")]
        groups = _groups(file.read(), info)
    except (
        pa.ArrowException,
        OSError,
        LookupError,
        TypeError,
        ValueError,
        CheckpointError,
    ) as error:
        if isinstance(error, ProfileError):
            raise
        raise ProfileError("This profile is damaged; make it again.") from error
    return Profile(info, groups, damaged), about


def _groups(table: pa.Table, info: WeightsInfo) -> dict[str, dict[str, Sums]]:
    """Check every row against the network that the file names.

    Raises:
        ValueError: when something does not fit.
    """
    spec = build(info.config)
    columns = {k: table[k].to_numpy() for k in list(_COLUMNS)[2:]}
    for key in ("mean", "squares", "low", "high"):
        if not np.isfinite(columns[key]).all():
            raise ValueError(key)
    names = np.asarray(table["group"].cast("string").to_numpy(zero_copy_only=False))
    blocks = np.asarray(table["block"].cast("string").to_numpy(zero_copy_only=False))
    found: dict[str, dict[str, Sums]] = {}
    start = 0
    while start < len(names):
        block = spec.block(str(blocks[start]))
        stop = start + block.expanded_channels
        part = slice(start, stop)
        whole = (
            (names[part] == names[start]).all()
            and (blocks[part] == blocks[start]).all()
            and np.array_equal(columns["channel"][part], np.arange(block.expanded_channels))
            and (columns["count"][part] == columns["count"][start]).all()
            and columns["count"][start] > 0
        )
        if not whole:
            raise ValueError(block.id)
        sums = Sums(int(columns["count"][start]), *(columns[k][part].astype(np.float64) for k in ("mean", "squares", "low", "high")))  # fmt: skip
        found.setdefault(str(names[start])[:200], {})[block.id] = sums
        start = stop
    if any(set(by_block) != set(spec.block_ids) for by_block in found.values()):
        raise ValueError("blocks")
    return found
