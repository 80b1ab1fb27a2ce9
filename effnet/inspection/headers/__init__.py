"""What a picture file says before anything is decoded, and the part of it that a decoder needs.

The files' blocks are walked here, in plain Python, for three reasons. The size is known before a
decoder allocates memory for it. Pillow is handed only what makes pixels, so hidden text, EXIF and
the further pictures of a file are never parsed by it. And what Pillow gets wrong without an error
is put right, such as the transparent shade of a 4-bit PNG.

| file | what |
|---|---|
| `header.py` | `Header`, the result; the orientation in EXIF |
| `jpeg.py` `png.py` `gif.py` `avif.py` | one format each |
"""

from __future__ import annotations

import struct

from effnet.errors import ImageError
from effnet.inspection.headers import avif, gif, jpeg, png
from effnet.inspection.headers.header import DamagedError, Header

__all__ = ["DamagedError", "Header", "read_header"]


def read_header(kind: str, data: bytes) -> Header:
    """The header of a JPEG, PNG, WebP, GIF, BMP or AVIF; takes less than a second for 10 MB.

    Raises:
        DamagedError: when the blocks of the file make no sense or one is cut short.
        ImageError: when the file is well-formed and nevertheless refused.
    """
    readers = {
        "JPEG": jpeg.read, "PNG": png.read, "WebP": _webp, "GIF": gif.read, "BMP": _bmp,
        "AVIF": avif.read,
    }  # fmt: skip
    try:
        return readers[kind](data)
    except ImageError:
        raise
    except (struct.error, IndexError, ValueError) as error:
        raise DamagedError(str(error)) from error


def _bmp(data: bytes) -> Header:
    short = struct.unpack_from("<I", data, 14) == (12,)
    width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
    return Header(width=abs(width), height=abs(height), data=data)  # below 0: top row first


def _webp(data: bytes) -> Header:
    """RFC 9649: the canvas of an extended file, or the frame of one of the two simple kinds."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (size & 0x3FFF for size in struct.unpack_from("<HH", data, 26))
    return Header(width=width, height=height, data=data)
