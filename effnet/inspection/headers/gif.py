"""GIF (CompuServe, GIF89a): its first frame, and how many there are."""

from __future__ import annotations

import struct

from effnet.inspection.headers.header import Box, DamagedError, Header

FRAME, EXTENSION, TRAILER, GRAPHIC_CONTROL = 0x2C, 0x21, 0x3B, 0xF9


def read(data: bytes) -> Header:
    """Raises DamagedError, IndexError, struct.error when there is no whole first frame."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _palette_bytes(flags)
    screen, control, first = data[:at], b"", b""
    frames = 0
    box: Box = (0, 0, 0, 0)
    try:
        while data[at] != TRAILER:
            start = at
            if data[at] == FRAME:
                left, top, w, h, flags = struct.unpack_from("<4HB", data, at + 1)
                at = _after_blocks(data, at + 11 + _palette_bytes(flags))
                if frames == 0:
                    box, first = (left, top, left + w, top + h), data[start:at]
                frames += 1
            elif data[at] == EXTENSION:
                at = _after_blocks(data, at + 2)
                if data[start + 1] == GRAPHIC_CONTROL and frames == 0:
                    control = data[start:at]
            else:
                raise DamagedError("neither a frame nor an extension")
    except (IndexError, struct.error, DamagedError):
        if frames == 0:  # what follows the first frame is only counted
            raise
    return Header(
        width=max(width, box[2]),
        height=max(height, box[3]),
        data=screen + control + first + bytes([TRAILER]),
        pictures=frames,
        box=box,
    )


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 128 else 0


def _after_blocks(data: bytes, at: int) -> int:
    """Where the run of length-prefixed blocks that begins at `at` is over."""
    while length := data[at]:
        at += 1 + length
    return at + 1
