"""JPEG (ITU T.81) and several pictures in one JPEG (CIPA DC-007)."""

from __future__ import annotations

import re
import struct

from effnet.errors import ImageError
from effnet.inspection.headers.header import DamagedError, Header, orientation_of, tag_of

MAX_SCANS = 100
"""Passes over a progressive JPEG. Encoders write about ten; each costs milliseconds at 25 Mpx, and
a file of 10 MB can hold 200,000."""

START, END, SCAN, MULTI_PICTURE_ENTRIES = 0xD8, 0xD9, 0xDA, 0xB002
FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
ASIDE = {*range(0xE1, 0xEE), 0xEF, 0xFE}  # comments, and all application data but JFIF and Adobe
MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")  # neither an escaped byte nor a restart


def read(data: bytes) -> Header:
    """Raises DamagedError, ImageError, struct.error."""
    width = height = scans = pictures = 0
    exif, gain_map = b"", False
    profile: list[bytes] = []
    kept, rest, end = [data[:2]], 0, len(data)
    at = 2
    while found := MARKER.search(data, at):
        marker, at = found[1][0], found.end()
        if marker == END:
            end = at
            break
        if marker in (START, 0x01):  # these have no body
            continue
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at + 2 : at + length]
        at += max(2, length)
        if marker == SCAN:
            scans += 1
            rest = rest or found.start()
        elif marker in FRAME_HEADERS:
            bits, height, width = struct.unpack_from(">BHH", body)
            if bits != 8:
                raise ImageError(
                    f"This is a JPEG with {bits} bits per channel, which cannot be read here; "
                    "save it as a usual JPEG or as PNG."
                )
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or body
        elif marker == 0xE1:
            gain_map = gain_map or b"hdrgm:Version" in body
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            profile.append(body[12:])
        elif marker == 0xE2 and body.startswith(b"MPF\0"):
            pictures = _listed_pictures(body[4:])
        if scans == 0 and marker not in ASIDE:
            kept.append(data[found.start() : at])
    if scans == 0:
        raise DamagedError("no picture in it")
    if scans > MAX_SCANS:
        raise ImageError(
            f"This JPEG is built up in {scans:,} passes, which only a trap does; "
            "save it again as JPEG or PNG."
        )
    return Header(
        width=width,
        height=height,
        data=b"".join(kept) + data[rest:end],
        pictures=1 if gain_map else max(1, pictures),  # a gain map is no picture of its own
        noun="pictures",
        orientation=orientation_of(exif),
        profile=b"".join(part[2:] for part in sorted(profile)),  # two bytes: number, of how many
    )


def _listed_pictures(block: bytes) -> int:
    """How many a multi-picture block lists, not counting a camera's previews (kind 01 xx xx)."""
    order, entries = tag_of(block, MULTI_PICTURE_ENTRIES)
    kinds = struct.iter_unpack(order + "I12x", entries[: len(entries) // 16 * 16])
    return sum(kind >> 16 & 255 != 1 for (kind,) in kinds)
