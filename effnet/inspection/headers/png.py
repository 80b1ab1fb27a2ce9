"""PNG and its animations (W3C, third edition)."""

from __future__ import annotations

import struct
import zlib

from PIL import PngImagePlugin

from effnet.errors import ImageError
from effnet.inspection.headers.header import DamagedError, Header, orientation_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
GREY, COLOUR = 0, 2


def read(data: bytes) -> Header:
    """Raises DamagedError, ImageError, struct.error."""
    if data[12:16] == b"CgBI":
        raise ImageError(
            "This is a PNG in Apple's own form for apps, which cannot be read here; save it as JPEG "
            "or as a usual PNG."
        )
    if data[12:16] != b"IHDR":
        raise DamagedError("the header is missing")
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    inflater = Inflater()
    frames, still = 0, False
    exif = raw_exif = profile = b""
    before, pixels = bytearray(SIGNATURE), bytearray()
    at, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind in KEPT:
            whole = data[at : at + 12 + length]
            if whole != _chunk(kind, body):
                raise DamagedError("a checksum is wrong")
            if kind == b"IDAT":
                pixels += body
                still = still or frames == 0
            elif kind == b"tRNS":
                before += _chunk(kind, _transparent_shade(body, depth, colour))
            elif kind != b"IEND":
                before += whole
        elif kind == b"fcTL":
            frames += 1
        elif kind == b"eXIf":
            exif = body
        elif kind in TEXTS:
            keyword, text = _text(kind, body, inflater)
            if kind == b"iCCP":
                profile = text or b"empty"
            elif keyword == b"Raw profile type exif":
                raw_exif = _raw_exif(text)
        at += 12 + length
    return Header(
        width=width,
        height=height,
        data=bytes(before) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b""),
        pictures=max(1, frames + (still and frames > 0)),  # a still may come before the frames
        deep=depth == 16,
        orientation=orientation_of(exif or raw_exif),
        profile=profile,
    )


class Inflater:
    """Unpacks what a PNG holds beside its pixels, within Pillow's limits: 1 MiB each, 64 in all."""

    def __init__(self) -> None:
        self.left = PngImagePlugin.MAX_TEXT_MEMORY

    def unpack(self, packed: bytes) -> bytes:
        """Raises ImageError beyond the limits, zlib.error when damaged."""
        inflater = zlib.decompressobj()
        plain = inflater.decompress(packed, PngImagePlugin.MAX_TEXT_CHUNK)
        self.left -= len(plain)
        if inflater.unconsumed_tail or self.left < 0:
            raise ImageError(
                "This PNG holds hidden text or a colour profile that unpacks to more than a "
                "megabyte; save it again without metadata."
            )
        return plain


def _text(kind: bytes, body: bytes, inflater: Inflater) -> tuple[bytes, bytes]:
    """Keyword and text of tEXt, zTXt and iTXt; name and profile of iCCP."""
    keyword, _, text = body.partition(b"\0")
    try:
        if kind in (b"zTXt", b"iCCP"):
            text = inflater.unpack(text[1:])
        elif kind == b"iTXt" and text[:1] == b"\1":
            text = inflater.unpack(text[2:].split(b"\0", 2)[-1])
    except zlib.error:
        text = b"damaged"
    return keyword, text


def _raw_exif(text: bytes) -> bytes:
    """EXIF as ImageMagick wrote it before PNG had a chunk for it: a name, a length, hex digits."""
    try:
        return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    except ValueError:
        return b""


def _transparent_shade(body: bytes, depth: int, colour: int) -> bytes:
    """On the scale 0..255, where Pillow compares it; the file has it on the scale of its depth."""
    if colour == GREY and depth in (2, 4):
        (shade,) = struct.unpack_from(">H", body)
        return struct.pack(">H", (shade & 2**depth - 1) * 255 // (2**depth - 1))
    if colour == COLOUR and depth == 16:
        return struct.pack(">3H", *(value >> 8 for value in struct.unpack_from(">3H", body)))
    return body


def _chunk(kind: bytes, body: bytes | bytearray) -> bytes:
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(body)), kind, body, struct.pack(">I", checksum)))
