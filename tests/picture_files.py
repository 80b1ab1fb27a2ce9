"""Picture files made byte by byte from the specifications, so that tests compare with something
that no picture library made."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms

GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6


def saved(
    pixels: np.ndarray | Image.Image, kind: str, mode: str | None = None, **options: Any
) -> bytes:
    """As Pillow saves it: for the formats that are too much to write by hand."""
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


# PNG


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, depth: int = 8, colour: int = GREY) -> bytes:
    fields = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", fields)


def png_rows(values: np.ndarray, depth: int = 8) -> bytes:
    """The content of IDAT: (H, W) or (H, W, C) whole numbers of `depth` bits, filter type 0."""
    rows = values.reshape(len(values), -1)
    if depth == 16:
        packed = rows.astype(">u2").view(np.uint8)
    elif depth == 8:
        packed = rows.astype(np.uint8)
    else:
        bits = rows[..., None] >> np.arange(depth - 1, -1, -1) & 1
        packed = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    return zlib.compress(b"".join(b"\0" + row.tobytes() for row in packed))


def png(values: np.ndarray, colour: int = GREY, depth: int = 8, *before: bytes) -> bytes:
    """`before` are chunks that stand before the pixels."""
    height, width = values.shape[:2]
    return b"".join(
        (png_header(width, height, depth, colour), *before,
         chunk(b"IDAT", png_rows(values, depth)), chunk(b"IEND"))
    )  # fmt: skip


def apng(frames: list[np.ndarray], still: np.ndarray | None = None) -> bytes:
    """Grey frames of one size; `still` is shown by readers that know no animations."""
    height, width = frames[0].shape
    parts = [png_header(width, height), chunk(b"acTL", struct.pack(">II", len(frames), 0))]
    if still is not None:
        parts.append(chunk(b"IDAT", png_rows(still)))
    number = 0
    for place, frame in enumerate(frames):
        control = struct.pack(">5I2H2B", number, width, height, 0, 0, 1, 10, 0, 0)
        parts.append(chunk(b"fcTL", control))
        number += 1
        if place == 0 and still is None:
            parts.append(chunk(b"IDAT", png_rows(frame)))
        else:
            parts.append(chunk(b"fdAT", struct.pack(">I", number) + png_rows(frame)))
            number += 1
    return b"".join((*parts, chunk(b"IEND")))


# JPEG


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def flat_jpeg(values: list[int], adobe: int | None = None) -> bytes:
    """8 x 8 px, one value for each component; `adobe` is the colour transform in its marker.

    Quantiser 8, so that the only coefficient of a flat block is value - 128. DC categories 0 to 8
    have the 4-bit codes 0 to 8; the only AC code is a 0 bit, end of block (ITU T.81, annex F).
    """
    bits = ""
    for value in values:
        level = value - 128
        size = abs(level).bit_length()
        bits += f"{size:04b}"
        bits += f"{level if level > 0 else level + (1 << size) - 1:0{size}b}" if size else ""
        bits += "0"
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    count = len(values)
    parts = [b"\xff\xd8"]
    if adobe is not None:
        parts.append(segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, adobe)))
    table = bytes([0, 0, 0, 9, *[0] * 12, *range(9)])
    parts += [
        segment(0xDB, b"\0" + b"\x08" * 64),
        segment(0xC0, struct.pack(">BHHB", 8, 8, 8, count)
                + b"".join(bytes([i + 1, 0x11, 0]) for i in range(count))),
        segment(0xC4, b"\0" + table),
        segment(0xC4, b"\x10" + bytes([1, *[0] * 15, 0])),
        segment(0xDA, bytes([count])
                + b"".join(bytes([i + 1, 0]) for i in range(count)) + b"\0\x3f\0"),
        scan.replace(b"\xff", b"\xff\0"),
        b"\xff\xd9",
    ]  # fmt: skip
    return b"".join(parts)


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """A segment put at the beginning."""
    return jpeg[:2] + segment(marker, body) + jpeg[2:]


def exif(orientation: int, order: str = ">", kind: int = 3) -> bytes:
    """A TIFF block of one tag, a short or (`kind` 4) a long."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    value = struct.pack(order + ("H2x" if kind == 3 else "I"), orientation)
    return head + struct.pack(order + "HHHI", 1, 0x0112, kind, 1) + value + bytes(4)


# GIF and BMP


def gif_frame(index: int, left: int, top: int, width: int, height: int) -> bytes:
    """A frame of one colour, in codes of 8 bits with a reset before they would grow to 9."""
    codes = bytearray()
    for at in range(width * height):
        if at % 100 == 0:
            codes.append(128)
        codes.append(index)
    codes.append(129)
    blocks = [codes[at : at + 255] for at in range(0, len(codes), 255)]
    data = b"".join(bytes([len(block)]) + block for block in blocks)
    return b"," + struct.pack("<4HBB", left, top, width, height, 0, 7) + data + b"\0"


def gif(width: int, height: int, *frames: bytes, transparent: int | None = None) -> bytes:
    """A screen with the palette black, red, green, blue, white and then black."""
    colours = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    palette = b"".join(map(bytes, colours)).ljust(3 * 128, b"\0")
    control = b""
    if transparent is not None:
        control = b"!\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    screen = struct.pack("<HHBBB", width, height, 0xF6, 0, 0)
    return b"GIF89a" + screen + palette + control + b"".join(frames) + b";"


def bmp(pixels: np.ndarray, top_down: bool = False) -> bytes:
    """(H, W, 4) RGBA with a 124-byte header that names the masks."""
    height, width = pixels.shape[:2]
    body = pixels[..., [2, 1, 0, 3]][:: 1 if top_down else -1].tobytes()
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack(
        "<IiiHHIIiiII", 124, width, -height if top_down else height, 1, 32, 3, len(body), 0, 0, 0, 0
    )
    head = struct.pack("<2sIHHI", b"BM", 138 + len(body), 0, 0, 138)
    return head + info + masks + bytes(124 - 56) + body


# ICC profiles (ICC.1:2001-04)


def swapped_profile() -> bytes:
    """sRGB with the names of red and green exchanged: what it calls red is sRGB's green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def linear_grey_profile() -> bytes:
    """Shades that are proportional to light."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(78)
    tags, bodies, at = b"", b"", 128 + 4 + 3 * 12
    for name, body in ((b"wtpt", white), (b"kTRC", curve), (b"desc", text)):
        tags += name + struct.pack(">II", at, len(body))
        body += bytes(-len(body) % 4)
        bodies += body
        at += len(body)
    head = struct.pack(">I4sI4s4s4s", at, bytes(4), 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + tags + bodies


# AVIF: boxes (ISO/IEC 14496-12) around AV1 units; nothing in them can be decoded


def box(kind: bytes, body: bytes = b"", full: int | None = None) -> bytes:
    if full is not None:
        body = struct.pack(">I", full << 24) + body
    return struct.pack(">I4s", 8 + len(body), kind) + body


def sequence_header(width: int, height: int) -> bytes:
    """An AV1 unit with a reduced still picture header (AV1 specification, 5.5.1)."""
    bits = f"00011{0:05b}{15:04b}{15:04b}{width - 1:016b}{height - 1:016b}"
    bits += "0" * (-len(bits) % 8)
    body = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    return bytes([0x0A, len(body)]) + body


def avif(declared: tuple[int, int], coded: tuple[int, int], items: int = 1) -> bytes:
    """Items that are all the same few bytes."""
    unit = sequence_header(*coded)
    names = b"".join(
        box(b"infe", struct.pack(">HH4sB", number, 0, b"av01", 0), full=2)
        for number in range(1, items + 1)
    )
    size = box(b"ispe", struct.pack(">II", *declared), full=0)

    def meta(start: int) -> bytes:
        places = b"".join(
            struct.pack(">HHHII", number, 0, 1, start, len(unit)) for number in range(1, items + 1)
        )
        body = box(b"pitm", struct.pack(">H", 1), full=0)
        body += box(b"iloc", struct.pack(">BBH", 0x44, 0, items) + places, full=0)
        body += box(b"iinf", struct.pack(">H", items) + names, full=0)
        return box(b"meta", body + box(b"iprp", box(b"ipco", size)), full=0)

    head = box(b"ftyp", b"avif\0\0\0\0avifmif1")
    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", unit)
