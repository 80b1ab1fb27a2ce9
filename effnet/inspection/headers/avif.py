"""How many pixels an AVIF file would make the decoder unpack, read without decoding it.

The size in an AVIF's boxes (ISO/IEC 14496-12) and the size of the coded frame inside (AV1
specification, section 5.5.1) are two numbers, and the decoder allocates the second: a file of a
kilobyte whose boxes say 100 x 100 may hold a frame of 16384 x 16384. So both are read here. What
a frame header says against its sequence header is not checked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from effnet.errors import ImageError
from effnet.inspection.headers.header import Header
from effnet.limits import LIMITS

Size = tuple[int, int]
SEQUENCE_HEADER = 1
STEP = 64  # what looking at one box, part or unit costs of the budget; reading a byte costs 1


class Sizes(NamedTuple):
    """Widths and heights in px: `declared` by the boxes, `coded` of each frame to be decoded."""

    declared: list[Size]
    coded: list[Size]


class _Bits:
    """Reads whole numbers of any width from the most significant bit on."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data), 8 * len(data)

    def read(self, count: int) -> int:
        self.left -= count
        if self.left < 0:
            raise IndexError("the bits end early")
        return self.value >> self.left & (1 << count) - 1

    def read_unary(self) -> int:
        """The specification's uvlc()."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return self.read(min(zeros, 32))


def _frame_size(payload: bytes) -> Size:
    """The largest frame that a sequence header allows."""
    bits = _Bits(payload[:256])  # the fields before the size end long before that
    bits.read(4)  # profile, still picture
    if bits.read(1):  # reduced still picture header
        bits.read(5)
    else:
        delay = 0
        if bits.read(1):  # timing
            bits.read(64)
            if bits.read(1):
                bits.read_unary()
            if bits.read(1):  # decoder model
                delay = bits.read(5) + 1
                bits.read(42)
        initial_delay = bits.read(1)
        for _ in range(bits.read(5) + 1):  # operating points
            bits.read(12)
            if bits.read(5) > 7:
                bits.read(1)
            if delay and bits.read(1):
                bits.read(2 * delay + 1)
            if initial_delay and bits.read(1):
                bits.read(4)
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    return bits.read(width_bits) + 1, bits.read(height_bits) + 1


class _File:
    """The boxes of one file. Every step is paid from a budget in proportion to the file's length,
    since boxes, parts and units that point at each other could otherwise keep a reader busy for
    hours.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.budget = 4 * len(data) + 1024 * STEP

    def spend(self, amount: int) -> None:
        self.budget -= amount
        if self.budget < 0:
            raise ValueError("the boxes point at each other")

    def boxes(self, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Kind, first byte and end of the body of each box between two places."""
        while start + 8 <= end:
            self.spend(STEP)
            size, kind = struct.unpack_from(">I4s", self.data, start)
            body = start + 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self.data, body)
                body += 8
            stop = end if size == 0 else start + size
            if not body <= stop <= end:
                raise ValueError("a box is longer than what holds it")
            yield kind, body, stop
            start = stop

    def find(self, path: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        """The bodies at the end of a path of boxes: `moov/trak`; `meta+4` skips four bytes."""
        step, _, rest = path.partition("/")
        name, _, skip = step.partition("+")
        for kind, body, stop in self.boxes(start, len(self.data) if end is None else end):
            if kind == name.encode():
                if rest:
                    yield from self.find(rest, body + int(skip or 0), stop)
                else:
                    yield body, stop

    def item_kinds(self) -> dict[int, tuple[bytes, int]]:
        """Item number -> its kind and where in the file that kind is written."""
        kinds = {}
        for body, stop in self.find("meta+4/iinf"):
            first = body + (8 if self.data[body] else 6)
            for start, _ in self.find("infe", first, stop):
                wide = self.data[start] >= 3
                (number,) = struct.unpack_from(">I" if wide else ">H", self.data, start + 4)
                at = start + (10 if wide else 8)
                kinds[number] = (self.data[at : at + 4], at)
        return kinds

    def item_bodies(self) -> Iterator[tuple[int, bytes]]:
        """Item number and bytes, as the location box says (ISO/IEC 14496-12, 8.11.3)."""
        inner = next(self.find("meta+4/idat"), (0, 0))
        for body, _ in self.find("meta+4/iloc"):
            version, widths, more = self.data[body], self.data[body + 4], self.data[body + 5]
            at = body + 6

            def number(width: int) -> int:
                nonlocal at
                at += width
                if at > len(self.data):
                    raise ValueError("the location box ends early")
                return int.from_bytes(self.data[at - width : at])

            for _item in range(number(4 if version == 2 else 2)):
                item = number(4 if version == 2 else 2)
                inside = version > 0 and number(2) & 15 == 1
                number(2)
                base = number(more >> 4) + (inner[0] if inside else 0)
                parts = []
                for _part in range(number(2)):
                    if version > 0:
                        number(more & 15)
                    start, length = base + number(widths >> 4), number(widths & 15)
                    stop = min(start + length, len(self.data)) if length else len(self.data)
                    self.spend(STEP + max(0, stop - start))
                    parts.append(self.data[start:stop])
                yield item, b"".join(parts)

    def coded(self, data: bytes) -> list[Size]:
        """The size in every sequence header of a run of AV1's open bitstream units."""
        sizes: list[Size] = []
        at = 0
        try:
            while at < len(data):
                self.spend(STEP)
                first = data[at]
                at += 2 if first & 4 else 1  # with an extension byte or not
                length = len(data) - at
                if first & 2:  # the unit says its length: seven bits a byte, the lowest first
                    length = 0
                    for place in range(8):
                        byte = data[at]
                        at += 1
                        length |= (byte & 127) << 7 * place
                        if byte < 128:
                            break
                if first >> 3 & 15 == SEQUENCE_HEADER:
                    sizes.append(_frame_size(data[at : at + length]))
                at += length
        except IndexError:
            pass  # the decoder cannot read it either, so it costs no memory
        return sizes


def read_sizes(data: bytes) -> Sizes:
    """Every size that the file declares or codes.

    Raises:
        ValueError, IndexError, struct.error: when the boxes are damaged.
    """
    file = _File(data)
    declared: list[Size] = []
    coded: list[Size] = []
    for body, _ in file.find("meta+4/iprp/ipco/ispe"):
        declared.append(struct.unpack_from(">II", data, body + 4))
    kinds = file.item_kinds()
    for item, content in file.item_bodies():
        if kinds.get(item, (b"", 0))[0] == b"av01":
            coded += file.coded(content)
    for body, stop in file.find("moov/trak"):
        for _, end in file.find("tkhd", body, stop):
            width, height = struct.unpack_from(">II", data, end - 8)
            declared.append((width >> 16, height >> 16))
        coded += file.coded(_first_sample(file, body, stop))
    return Sizes(declared, coded)


def _first_sample(file: _File, body: int, stop: int) -> bytes:
    """Of a track between two places: only this one is decoded."""
    table = "mdia/minf/stbl/"
    for name, entry in (("stco", ">I"), ("co64", ">Q")):
        for offsets, _ in file.find(table + name, body, stop):
            (start,) = struct.unpack_from(entry, file.data, offsets + 8)
            for sizes, _ in file.find(table + "stsz", body, stop):
                same, _, first = struct.unpack_from(">3I", file.data, sizes + 4)
                length = same or first
                file.spend(length)
                return file.data[start : start + length]
    return b""


def without_exif(data: bytes) -> bytes:
    """The same file with its EXIF items renamed, so that no reader looks inside.

    AVIF turns pictures by its own boxes (`irot`, `imir`) and ignores the orientation in EXIF.

    Raises:
        ValueError, IndexError, struct.error: when the boxes are damaged.
    """
    changed = bytearray(data)
    for kind, at in _File(data).item_kinds().values():
        if kind == b"Exif":
            changed[at : at + 4] = b"skip"
    return bytes(changed)


def read(data: bytes) -> Header:
    """Raises ImageError, ValueError, IndexError, struct.error; the size is the largest of all."""
    sizes = read_sizes(data)
    areas = [width * height for width, height in sizes.coded]
    # Beside the picture there may be its transparency, a gain map and a preview; a thousand tiles
    # that are the same few bytes are a trap.
    if sum(areas) > 4 * LIMITS.image_pixels >= 4 * max(areas):
        raise ImageError("This AVIF unpacks to more pixels than it shows; save it as JPEG or PNG.")
    width, height = max(sizes.declared + sizes.coded, key=lambda size: size[0] * size[1])
    return Header(width=width, height=height, data=without_exif(data))
