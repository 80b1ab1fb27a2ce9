"""The result of reading a header, and the little of TIFF that EXIF needs (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

Box = tuple[int, int, int, int]

ORIENTATION = 0x0112


class DamagedError(Exception):
    """The blocks of a file make no sense, or it ends in the middle of one."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says about itself.

    Attributes:
        width, height: px, before any turning.
        data: the file, or as much of it as makes its first picture.
        pictures: how many pictures the file holds. noun: what they are called there.
        deep: whether a channel has 16 bits.
        orientation: as in EXIF, 1 to 8. profile: the bytes of the ICC profile, or none.
        box: where on a GIF's screen the first frame lies: left, top, right, bottom.
    """

    width: int
    height: int
    data: bytes
    pictures: int = 1
    noun: str = "frames"
    deep: bool = False
    orientation: int = 1
    profile: bytes = b""
    box: Box | None = None

    def completed(self, exif: bytes, profile: bytes) -> Header:
        """With what only the decoder could find: the metadata of WebP and AVIF."""
        return replace(
            self,
            orientation=orientation_of(exif) if exif else self.orientation,
            profile=profile or self.profile,
        )


def orientation_of(exif: bytes) -> int:
    """The orientation, 1 to 8, in a block of EXIF; 1 when there is none or the block is damaged."""
    order, value = tag_of(exif.removeprefix(b"Exif\0\0"), ORIENTATION)
    number = int.from_bytes(value, "little" if order == "<" else "big")
    return number if 1 <= number <= 8 else 1


def tag_of(block: bytes, wanted: int) -> tuple[str, bytes]:
    """Byte order, as `struct` writes it, and value of a tag in the first directory of a TIFF.

    The value is empty when the tag is missing or the block is damaged.
    """
    order = ">" if block.startswith(b"MM") else "<"
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, number = struct.unpack_from(order + "HHI", block, at)
            if tag == wanted:
                length = number * {3: 2, 4: 4}.get(kind, 1)
                place = at + 8
                if length > 4:
                    (place,) = struct.unpack_from(order + "I", block, place)
                return order, block[place : place + length]
    except struct.error:
        pass
    return order, b""
