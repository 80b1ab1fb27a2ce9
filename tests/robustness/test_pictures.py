"""Hostile pictures: bombs, mutants, other kinds of file, long thin ones. Every test prints counts."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import random
import re
import struct
import subprocess
import sys
import tarfile
import time
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, UnidentifiedImageError

from effnet.errors import ImageError
from effnet.inspection.headers import DamagedError, Header, read_header
from effnet.inspection.images import formats, prepare, read_picture
from effnet.limits import LIMITS
from effnet.weights.info import Preprocessing
from tests.picture_files import (
    COLOUR,
    COLOUR_ALPHA,
    GREY,
    PALETTE,
    apng,
    avif,
    bmp,
    box,
    chunk,
    exif,
    flat_jpeg,
    gif,
    gif_frame,
    linear_grey_profile,
    png,
    png_header,
    saved,
    swapped_profile,
    with_segment,
)

ROOT = Path(__file__).parents[2]
SENTENCE = re.compile(r"[A-Z][^\n]{15,260}\.")
FEW_SECONDS = 30  # against hanging only; each of these takes a fraction of a second


def refusal(data: bytes) -> str:
    """The one sentence with which these bytes are refused."""
    with pytest.raises(ImageError) as caught:
        read_picture(data)
    sentence = str(caught.value)
    assert SENTENCE.fullmatch(sentence), sentence
    assert not re.search(r"\. |Error|Traceback|PIL|\\x|b'", sentence), sentence
    assert re.search(r"; .*(save|choose|make|cut|copy|unpack|export|share)", sentence), sentence
    return sentence


# Bombs


def _many_scans() -> bytes:
    """A pass over 25 megapixels costs milliseconds and 42 bytes."""
    data = saved(np.full((5000, 5000), 128, np.uint8), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 3000 + b"\xff\xd9"


def _vp8x(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _vp8(width: int, height: int) -> bytes:
    frame = b"\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(20)
    body = b"WEBPVP8 " + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _vp8l(width: int, height: int, rest: bytes = bytes(20)) -> bytes:
    frame = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + rest
    body = b"WEBPVP8L" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _bmp_header(width: int, height: int, bits: int, compression: int, body: bytes) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 2, 0)
    return struct.pack("<2sIHHI", b"BM", 62 + len(body), 0, 0, 62) + info + bytes(8) + body


def _png_of(width: int, height: int, depth: int, colour: int, idat: bytes) -> bytes:
    return png_header(width, height, depth, colour) + chunk(b"IDAT", idat) + chunk(b"IEND")


def _text_bomb(kind: bytes, head: bytes, size: int) -> bytes:
    return png(np.zeros((4, 4)), GREY, 8, chunk(kind, head + zlib.compress(bytes(size), 9)))


def _gif_screen(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0)


def _ruined(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


@cache
def bombs() -> dict[str, bytes]:
    """Small files that ask for much memory or time: each must be refused."""
    noise = random.Random(1).randbytes(200_000)
    flat = np.zeros((5000, 5000), np.uint8)
    rgba = zlib.compress(bytes(20_001 * 5000))
    progressive = saved(flat, "JPEG", "RGB", progressive=True, quality=95)
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20), 9))
    one_byte_blocks = b"!\xfe" + b"\1a" * 4_900_000
    made = {
        "png 9000 x 9000": _png_of(9000, 9000, 8, GREY, zlib.compress(bytes(9001 * 9000))),
        "png 30000 x 30000": _png_of(30000, 30000, 16, COLOUR_ALPHA, b"x"),
        "png 2^31 x 2^31": _png_of(2**31 - 1, 2**31 - 1, 8, COLOUR, b""),
        "png 8192 x 1": _png_of(8192, 1, 8, GREY, zlib.compress(bytes(8193))),
        "png 1 x 8192": _png_of(1, 8192, 8, GREY, zlib.compress(bytes(16384))),
        "png 10^6 x 25": _png_of(1_000_000, 25, 1, GREY, zlib.compress(bytes(3_125_025))),
        "png, second size is huge": png_header(8, 8) + png_header(60000, 60000)[8:]
        + chunk(b"IDAT", zlib.compress(bytes(72))) + chunk(b"IEND"),
        "png, zTXt": _text_bomb(b"zTXt", b"a\0\0", 10**9 // 4),
        "png, iTXt": _text_bomb(b"iTXt", b"a\0\1\0en\0a\0", 10**9 // 4),
        "png, iCCP": _text_bomb(b"iCCP", b"a\0\0", 10**9 // 4),
        "png, 9000 texts": png(np.zeros((4, 4)), GREY, 8, text * 9000),
        "png, 800,000 chunks": png_header(8, 8) + chunk(b"abCd") * 800_000 + chunk(b"IEND"),
        "png, 800,000 empty IDAT": png_header(8, 8) + chunk(b"IDAT") * 800_000 + chunk(b"IEND"),
        "png 25 Mpx, half": _png_of(5000, 5000, 8, COLOUR_ALPHA, rgba[: len(rgba) // 2]),
        "png 25 Mpx of 16 bits, empty": _png_of(5000, 5000, 16, COLOUR_ALPHA, b""),
        "gif 65535 x 65535": _gif_screen(65535, 65535) + gif_frame(1, 0, 0, 2, 2) + b";",
        "gif, frame far out": _gif_screen(9, 9) + gif_frame(1, 65000, 65000, 2, 2) + b";",
        "gif 25 Mpx, noise": _gif_screen(5000, 5000) + b"," + struct.pack("<4HBB", 0, 0, 5000, 5000,
        0, 8) + b"".join(b"\xff" + noise[i : i + 255] for i in range(0, 199_000, 255)) + b"\0;",
        "gif, blocks of a byte": _gif_screen(9, 9) + one_byte_blocks + b"\0;",
        "webp 16384 x 16384": _vp8l(16384, 16384),
        "webp 16383 x 16383, lossy": _vp8(16383, 16383),
        "webp 2^24 x 2^24": _vp8x(2**24, 2**24),
        "webp 25 Mpx, noise": _vp8l(5000, 5000, noise[:50_000]),
        "bmp 10^5 x 10^5": _bmp_header(100_000, 100_000, 1, 0, b""),
        "bmp of runs": _bmp_header(30_000, 30_000, 8, 1, b"\0\1"),
        "bmp -2^31 high": _bmp_header(1, -(2**31), 24, 0, b""),
        "bmp 25 Mpx, empty": _bmp_header(5000, 5000, 32, 0, b""),
        "jpeg 65500 x 65500": re.sub(rb"(\xff\xc0..\x08)....", b"\\1\xff\xdc\xff\xdc",
        flat_jpeg([100]), flags=re.DOTALL),
        "jpeg, 3000 passes": _many_scans(),
        "jpeg 25 Mpx, half": progressive[: len(progressive) // 2],
        "avif 16384 x 16384": avif((16384, 16384), (16384, 16384)),
        "avif, a huge frame in a small box": avif((100, 100), (16384, 16384)),
        "avif, 300 tiles in one": avif((4900, 4900), (4900, 4900), items=300),
        "avif, boxes in circles": box(b"ftyp", b"avif\0\0\0\0avif") + box(b"moov") * 1_200_000,
        "more than 10 MB": bytes(LIMITS.image_bytes + 1),
    }  # fmt: skip
    return made


CHILD = """
import json, os, resource, signal, sys, time
from pathlib import Path
from effnet.errors import ImageError
from effnet.inspection.images import read_picture

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

for path in sorted(Path(sys.argv[1]).iterdir()):
    data = path.read_bytes()
    read, write = os.pipe()
    if not os.fork():  # what a forked process has used at most begins with what it has
        signal.alarm(30)
        before, began = megabytes(), time.monotonic()
        try:
            outcome = "read" if path.name == "control" else f"read {read_picture(data)}"
            if path.name == "control":
                held = b"x" * 200_000_000
        except ImageError as error:
            outcome = f"refused: {error}"
        os.write(write, json.dumps(
            [path.name, outcome, megabytes() - before, time.monotonic() - began]).encode())
        os._exit(0)
    os.close(write)
    _, status = os.wait()
    answer = os.read(read, 65536).decode()
    os.close(read)
    print(answer or json.dumps([path.name, f"died with {status}", 0, 0]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="memory is measured in forked processes")
def test_bombs_are_refused_within_150_megabytes(tmp_path: Path) -> None:
    names = {f"{number:02}": name for number, name in enumerate(bombs())}
    for number, name in names.items():
        (tmp_path / number).write_bytes(bombs()[name])
    (tmp_path / "control").write_bytes(b"")
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stderr == ""
    results = [json.loads(line) for line in run.stdout.splitlines()]
    control = results.pop()
    assert control[0] == "control" and control[2] > 180  # the meter sees 200 MB
    worst = max(results, key=lambda result: result[2])
    slowest = max(results, key=lambda result: result[3])
    refused = sum(outcome.startswith("refused: ") for _, outcome, *_ in results)
    print(f"\nbombs {len(results)} refused {refused}, most memory +{worst[2]:.0f} MB: "
          f"{names[worst[0]]}; slowest {slowest[3]:.1f} s: {names[slowest[0]]}")  # fmt: skip
    for number, outcome, used, _ in results:
        assert outcome.startswith("refused: "), (names[number], outcome)
        assert used <= 150, (names[number], used)
    assert len(results) == len(bombs()) >= 30


def test_what_is_said_about_bombs() -> None:
    """Limits are named before a byte is decoded; damage only where that is all there is to say."""
    said = {name: refusal(data) for name, data in bombs().items()}
    assert "9,000 × 9,000 pixels" in said["png 9000 x 9000"]
    assert "16,384 × 16,384 pixels" in said["avif, a huge frame in a small box"]
    assert "65,500 × 65,500" in said["jpeg 65500 x 65500"]
    assert "long and thin" in said["png 8192 x 1"] and "long and thin" in said["png 1 x 8192"]
    assert "25 megapixels" in said["png 10^6 x 25"] or "thin" in said["png 10^6 x 25"]
    assert "10.0 MB" in said["more than 10 MB"]
    assert "3,0" in said["jpeg, 3000 passes"]
    for name in ("png, zTXt", "png, iTXt", "png, iCCP", "png, 9000 texts"):
        assert "unpacks to more" in said[name]
    assert "more pixels than it shows" in said["avif, 300 tiles in one"]
    for name in ("png 25 Mpx, half", "jpeg 25 Mpx, half", "bmp 25 Mpx, empty"):
        assert "damaged or cut short" in said[name]


def test_a_long_chain_of_blocks_does_not_hang_the_reader() -> None:
    """Ten megabytes of them, in pure Python."""
    for name in (
        "png, 800,000 chunks", "png, 9000 texts", "gif, blocks of a byte",
        "avif, boxes in circles", "jpeg, 3000 passes",
    ):  # fmt: skip
        start = time.monotonic()
        with suppress(ImageError, DamagedError):
            read_header(name.split(",")[0].upper(), bombs()[name])
        assert time.monotonic() - start < FEW_SECONDS


def test_boxes_that_point_at_each_other_run_out_of_budget() -> None:
    with pytest.raises(DamagedError, match="point at each other"):
        read_header("AVIF", bombs()["avif, boxes in circles"])


def test_a_header_that_pillow_does_not_agree_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits hold for the size that Pillow will allocate, whatever was found before."""
    large = _png_of(5001, 5000, 1, GREY, b"")
    found = Header(width=8, height=8, data=large)
    monkeypatch.setattr("effnet.inspection.images.read_header", lambda *_: found)
    assert "5,001 × 5,000 pixels" in refusal(flat_jpeg([9]).replace(flat_jpeg([9]), large))
    monkeypatch.undo()
    found = Header(width=8, height=8, data=png(np.zeros((8, 9))))
    monkeypatch.setattr("effnet.inspection.images.read_header", lambda *_: found)
    assert "damaged" in refusal(large)


def test_a_changed_pixel_does_not_get_past_the_checksum() -> None:
    """Pillow does not look at the checksums of pixels; here the packed ones are right again."""
    data, changed = png(np.full((8, 8), 5)), png(np.full((8, 8), 7))
    assert len(data) == len(changed)
    assert "damaged" in refusal(changed[:-16] + data[-16:])


def test_pillow_is_asked_for_one_format_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = Image.open

    def spy(file: io.BytesIO, **options: object) -> Image.Image:
        asked.append(options)
        return real(file, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("PIL.Image.open", spy)
    for seed in seeds().values():
        read_picture(seed)
    allowed = [{"formats": (kind.upper(),)} for kind in formats()]
    assert len(asked) == len(seeds()) and all(options in allowed for options in asked)


def test_reading_does_not_load_what_it_does_not_need(tmp_path: Path) -> None:
    """Neither PostScript, which Pillow would hand to another program, nor torch."""
    for kind in formats():
        (tmp_path / kind).write_bytes(saved(np.zeros((8, 8), np.uint8), kind))
    script = """
import sys
from pathlib import Path
from effnet.inspection.images import read_picture
for path in Path(sys.argv[1]).iterdir():
    assert read_picture(path.read_bytes()).format == path.name
print([m for m in ("PIL.EpsImagePlugin", "PIL.TiffImagePlugin", "torch", "streamlit")
       if m in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == "[]"


# Other kinds of file


def _zip(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>'
ISO = b"\0\0\0\x18ftyp"
KINDS: dict[str, tuple[bytes, str]] = {
    "svg": (SVG, "an SVG drawing, .* export it as PNG"),
    "svg after a prologue": (b'<?xml version="1.0"?>\n<!-- x -->\n' + SVG, "an SVG drawing"),
    "svg in UTF-16": (("\ufeff" + SVG.decode()).encode("utf-16-le"), "an SVG drawing"),
    "svgz": (gzip.compress(SVG), "gzip, .* unpack it"),
    "heic": (ISO + b"heic\0\0\0\0mif1heic", "a HEIC, .*iPhones.* as JPEG"),
    "heif": (ISO + b"mif1\0\0\0\0mif1heic", "a HEIC"),
    "jpeg xl": (b"\xff\x0a" + bytes(30), "a JPEG XL"),
    "jpeg xl in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), "a JPEG XL"),
    "jpeg 2000": (saved(np.zeros((8, 8), np.uint8), "JPEG2000"), "a JPEG 2000"),
    "pdf": (saved(np.zeros((8, 8), np.uint8), "PDF"), "a PDF document, .* save the page"),
    "eps": (saved(np.zeros((8, 8), np.uint8), "EPS"), "a PostScript"),
    "eps with a preview": (b"\xc5\xd0\xd3\xc6" + bytes(30), "a PostScript"),
    "tiff": (saved(np.zeros((8, 8), np.uint8), "TIFF"), "a TIFF or a camera's raw file"),
    "tiff, other byte order": (b"MM\0*\0\0\0\x08", "a TIFF"),
    "camera's raw, Canon": (ISO + b"crx \0\0\0\1crx isom", "a raw file of a camera"),
    "camera's raw, Fuji": (b"FUJIFILMCCD-RAW 0201", "a raw file of a camera"),
    "psd": (b"8BPS\0\1" + bytes(30), "a Photoshop document"),
    "xcf": (b"gimp xcf file\0", "a GIMP document"),
    "ico": (saved(np.zeros((8, 8), np.uint8), "ICO"), "an icon"),
    "cur": (b"\0\0\2\0\1\0" + bytes(30), "a mouse pointer"),
    "icns": (b"icns\0\0\0\x08", "an Apple icon"),
    "ppm": (b"P6 2 2 255\n" + bytes(12), "a Netpbm picture"),
    "dds": (b"DDS \x7c\0\0\0" + bytes(30), "a DirectDraw texture"),
    "qoi": (b"qoif" + bytes(30), "a QOI"),
    "exr": (b"v/1\x01" + bytes(30), "an OpenEXR"),
    "hdr": (b"#?RADIANCE\n", "a Radiance HDR"),
    "dicom": (bytes(128) + b"DICM" + bytes(30), "a medical picture"),
    "fits": (b"SIMPLE  =                    T", "an astronomical picture"),
    "emf": (b"\1\0\0\0\x6c\0\0\0" + bytes(60), "a Windows metafile"),
    "zip": (_zip(a_DOT_jpg=b"x"), "a ZIP archive, .* unpack it"),
    "docx": (_zip(word__document_DOT_xml=b"x"), "a Word document"),
    "pptx": (_zip(ppt__presentation_DOT_xml=b"x"), "a PowerPoint document, .* save the slide"),
    "xlsx": (_zip(xl__workbook_DOT_xml=b"x"), "an Excel document"),
    "odt": (_zip(mimetype=b"application/vnd.oasis.opendocument.text"), "an OpenDocument file"),
    "kra": (_zip(mimetype=b"application/x-krita"), "a Krita drawing"),
    "torch": (_zip(archive__data_DOT_pkl=b"x"), "a PyTorch file"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(30), "a 7-Zip archive"),
    "rar": (b"Rar!\x1a\x07\x01\0", "a RAR archive"),
    "tar": (_tar(), "a TAR archive"),
    "mp4": (ISO + b"isom\0\0\2\0isomiso2", "a video .MP4 or QuickTime., .* one of its frames"),
    "mov": (b"\0\0\0\x14ftypqt  " + bytes(60), "a video"),
    "mov without brands": (b"\0\0\0\x08wide\0\0\0\x08mdat", "a video .QuickTime"),
    "webm": (b"\x1a\x45\xdf\xa3" + bytes(30), "a video .Matroska or WebM"),
    "avi": (b"RIFF\0\0\0\0AVI LIST", "a video .AVI"),
    "mpeg": (b"\0\0\1\xba" + bytes(30), "a video .MPEG"),
    "wav": (b"RIFF\0\0\0\0WAVEfmt ", "a sound"),
    "mp3": (b"ID3\3" + bytes(30), "a sound"),
    "m4a": (ISO + b"M4A \0\0\0\0M4A mp42", "a sound"),
    "html": (b"\n<!DOCTYPE html><html><svg></svg></html>", "a web page, .* save the picture"),
    "html after a comment": (b"<!-- saved --><HTML><body>", "a web page"),
    "text": (b"Dear all,\nhere is the picture.\n", "a text file"),
    "text, not English": ("Привет, вот картинка".encode(), "a text file"),
    "json": (b'{"a": [1, 2]}', "a text file"),
    "text that begins like a BMP": (b"BMW is a make of cars, and this is a text", "a text file"),
    "rtf": (b"{\\rtf1 x}", "a Rich Text"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(30), "an old Microsoft Office"),
    "npy": (b"\x93NUMPY\1\0" + bytes(30), "a NumPy array"),
    "h5": (b"\x89HDF\r\n\x1a\n" + bytes(30), "an HDF5 or Keras file"),
    "safetensors": (struct.pack("<Q", 9) + b'{"a":{}} ', "a file of weights"),
    "exe": (b"MZ\x90\0" + bytes(60), "a program"),
    "elf": (b"\x7fELF\2\1\1" + bytes(60), "a program"),
    "nothing": (b"", "is empty"),
    "zeros": (bytes(5000), "nothing but zeros"),
    "noise": (random.Random(5).randbytes(3000), "no kind that is known"),
    "a picture with its beginning lost": (saved(np.zeros((8, 8), np.uint8), "JPEG")[9:], "known"),
    "no width": (_png_of(0, 5, 8, GREY, zlib.compress(b"")), "no pixels, .* 0 × 5"),
    "no height": (re.sub(rb"(\xff\xc0..\x08)..", b"\\1\0\0", flat_jpeg([9]), flags=re.DOTALL),
                  "no pixels"),
    "a gif without a screen": (gif(0, 0, gif_frame(1, 0, 0, 0, 0)), "no pixels"),
    "12 bits": (flat_jpeg([9]).replace(b"\x0b\x08\0\x08", b"\x0b\x0c\0\x08"), "12 bits per channel"),
    "a pdf that is also a jpeg": (b"%PDF-1.4\n" + flat_jpeg([9]), "a PDF document"),
    "a gif that is also a script": (b"GIF89a/*\0\0\0*/=1;alert(1)", "GIF file is damaged"),
    "png of an iPhone app": (png(np.zeros((4, 4)))[:8] + chunk(b"CgBI", bytes(4)), "Apple's own form"),
    "png without a header": (png(np.zeros((4, 4)))[:8] + chunk(b"IDAT", bytes(40)), "PNG file is damaged"),
    "only a signature": (b"\x89PNG\r\n\x1a\n", "PNG file is damaged"),
    "png of another kind of compression": (
        png(np.zeros((4, 4)))[:26] + b"\7" + png(np.zeros((4, 4)))[27:], "PNG file is damaged"),
}  # fmt: skip

EVENTS: list[str] = []
_watching = False


def _hook(event: str, _: object) -> None:
    if _watching and event.startswith(
        ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.",
         "open", "socket.", "ctypes.", "pickle.", "exec", "compile")
    ):  # fmt: skip
        EVENTS.append(event)


@contextmanager
def watched() -> Iterator[list[str]]:
    """What a block does outside itself: processes, files, sockets, code."""
    global _watching
    if not getattr(_hook, "added", False):
        sys.addaudithook(_hook)
        _hook.added = True  # type: ignore[attr-defined]
    EVENTS.clear()
    _watching = True
    try:
        yield EVENTS
    finally:
        _watching = False


def answers() -> dict[str, str]:
    """What is said to each of the other kinds; pictures are read in between."""
    said = {}
    for name, (data, _) in KINDS.items():
        try:
            read_picture(data)
        except ImageError as error:
            said[name] = str(error)
    for seed in seeds().values():
        read_picture(seed)
    return said


def test_other_kinds_get_a_sentence_of_their_own_and_start_nothing() -> None:
    answers()  # once before, for what is imported late
    with watched() as control:
        subprocess.run([sys.executable, "-c", ""], check=True)
    assert "subprocess.Popen" in control
    with watched() as events:
        said = answers()
    assert events == []
    for name, (data, words) in KINDS.items():
        assert name in said, name
        assert re.search(words, said[name]), (name, said[name])
        assert refusal(data) == said[name]
    print(f"\nkinds {len(KINDS)}, sentences {len(set(said.values()))}, processes started 0")
    assert len(KINDS) >= 25 and len(set(said.values())) >= 25


def test_the_name_is_never_asked_and_a_polyglot_is_what_it_begins_with() -> None:
    truth = np.asarray(read_picture(flat_jpeg([100])).image)
    both = flat_jpeg([100]) + _zip(a=b"x") + SVG
    assert (np.asarray(read_picture(both).image) == truth).all()
    assert read_picture(both).format == "JPEG"
    assert read_header("JPEG", both).data == flat_jpeg([100])  # the rest is not even looked at


# Mutants


@cache
def seeds() -> dict[str, bytes]:
    """Small pictures of every format and of every kind of block that is looked into."""
    rng = np.random.default_rng(3)
    shades = rng.integers(0, 256, (12, 20), dtype=np.uint8)
    smooth = np.add.outer(np.arange(24) * 5, np.arange(40) * 3).astype(np.uint8)
    colours = np.dstack([smooth, smooth[::-1], 255 - smooth])
    rgba = np.dstack([colours, smooth])
    frames = {"save_all": True, "append_images": [Image.fromarray(smooth[::-1].copy())]}
    block = b"Exif\0\0" + exif(6)
    profile = swapped_profile()
    iccp = chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"hello" * 20))
    itxt = chunk(b"iTXt", b"Title\0\1\0en\0x\0" + zlib.compress(b"hello" * 20))
    plte = chunk(b"PLTE", bytes(range(48)))
    made = {
        "png grey": png(shades),
        "png 1": png(shades & 1, GREY, 1),
        "png 4 + tRNS": png(shades & 15, GREY, 4, chunk(b"tRNS", b"\0\3")),
        "png 16": png(shades.astype(int) * 257, GREY, 16, chunk(b"tRNS", b"\3\3")),
        "png palette": png(shades & 15, PALETTE, 4, plte, chunk(b"tRNS", bytes(range(0, 240, 20)))),
        "png colour": png(colours, COLOUR, 8, iccp, text, itxt, chunk(b"eXIf", exif(7))),
        "png rgba 16": png(rgba.astype(int) * 257, COLOUR_ALPHA, 16),
        "png by Pillow": saved(rgba, "PNG", optimize=True),
        "apng": apng([shades, shades[::-1]]),
        "apng + still": apng([shades, shades[::-1]], still=shades),
        "jpeg flat": flat_jpeg([76, 85, 255]),
        "jpeg ycck": flat_jpeg([76, 85, 255, 200], adobe=2),
        "jpeg grey": saved(smooth, "JPEG"),
        "jpeg": saved(colours, "JPEG", exif=block, icc_profile=profile, comment=b"hello"),
        "jpeg progressive": saved(colours, "JPEG", progressive=True),
        "jpeg restarts": saved(colours, "JPEG", restart_marker_blocks=2),
        "jpeg cmyk": saved(colours, "JPEG", "CMYK"),
        "mpo": saved(smooth, "MPO", **frames),
        "webp": saved(colours, "WEBP", exif=block, icc_profile=profile, xmp=b"<x/>"),
        "webp lossless": saved(rgba, "WEBP", lossless=True),
        "webp alpha": saved(rgba, "WEBP"),
        "webp frames": saved(colours, "WEBP", **frames),
        "gif": saved(smooth, "GIF"),
        "gif by hand": gif(20, 12, gif_frame(1, 3, 2, 9, 8), gif_frame(2, 0, 0, 4, 4)),
        "gif transparent": gif(9, 9, gif_frame(1, 0, 0, 9, 9), transparent=1),
        "gif interlaced": saved(smooth, "GIF", interlace=True, comment=b"hello"),
        "gif frames": saved(smooth, "GIF", **frames, loop=0, duration=100),
        "bmp": saved(colours, "BMP"),
        "bmp grey": saved(smooth, "BMP"),
        "bmp 1": saved(smooth > 99, "BMP"),
        "bmp rgba": bmp(rgba),
        "bmp runs": _bmp_header(8, 8, 8, 1, (b"\x08\1\0\0" * 8) + b"\0\1"),
        "grey profile": png(shades, GREY, 8, chunk(b"iCCP", b"a\0\0" + zlib.compress(
            linear_grey_profile()))),
    }  # fmt: skip
    if "AVIF" in formats():
        made["avif"] = saved(colours, "AVIF", exif=block, icc_profile=profile)
        made["avif alpha"] = saved(rgba, "AVIF", quality=40)
        made["avif frames"] = saved(colours, "AVIF", **frames)
    return made


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        data[rng.randrange(len(data))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))


def _delete(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randint(1, 30)]


def _insert(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data))
    run = rng.randbytes(rng.randint(1, 30))
    data[at:at] = rng.choice((run, bytes(len(run)), bytes(data[at : at + 30])))


def _header(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(data), 200))
        data[at : at + rng.choice((1, 2, 4))] = rng.choice(
            (b"\xff", b"\0", b"\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", rng.randbytes(2))
        )


def _mend(data: bytes) -> bytes:
    """Right checksums, so that damage gets past them."""
    if not data.startswith(b"\x89PNG"):
        return data
    parts, at = [data[:8]], 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        parts.append(chunk(kind, body) if len(body) == length else data[at:])
        at += 12 + length
    return b"".join(parts)


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _cut, _flip, _delete, _insert, _header,
)  # fmt: skip


def fuzz(count: int, start: int) -> Counter[str]:
    """Every mutant is a picture or an ImageError, without a warning."""
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for number in range(count):
            rng = random.Random(start + number)
            name = rng.choice(list(seeds()))
            data = bytearray(seeds()[name])
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                rng.choice(MUTATIONS)(data, rng)
                data = data or bytearray(b"\0\0\0\0\0")
            mutant = _mend(bytes(data)) if rng.random() < 0.5 else bytes(data)
            began = time.monotonic()
            try:
                picture = read_picture(mutant)
            except ImageError as error:
                assert SENTENCE.fullmatch(str(error)), (start + number, name, str(error))
                outcomes["refused"] += 1
                outcomes[f"because {type(error.__cause__).__name__}"] += 1
            except BaseException as error:
                pytest.fail(f"mutant {start + number} of {name} raised {error!r}")
            else:
                outcomes["read"] += 1
                assert picture.image.mode == "RGB"
                assert picture.image.size == (picture.width, picture.height)
                assert picture.width * picture.height <= LIMITS.image_pixels
            slowest = max(slowest, time.monotonic() - began)
    assert not warned, [str(w.message) for w in warned]
    assert slowest < FEW_SECONDS
    print(f"\nmutants {count} of {len(seeds())} seeds, escaped 0, slowest {slowest:.2f} s: "
          f"{dict(outcomes)}")  # fmt: skip
    return outcomes


def test_5000_mutants() -> None:
    outcomes = fuzz(5000, start=0)
    assert outcomes["read"] > 500 and outcomes["refused"] > 1500


@pytest.mark.slow
def test_50000_mutants() -> None:
    fuzz(50_000, start=10_000)


def test_a_picture_that_is_cut_is_refused_or_whole() -> None:
    """Never read with pixels missing."""
    refused = whole = 0
    for name, data in seeds().items():
        full = np.asarray(read_picture(data).image)
        for length in sorted({*range(1, len(data), max(1, len(data) // 80)), len(data) - 1}):
            try:
                picture = read_picture(data[:length])
            except ImageError:
                refused += 1
                continue
            whole += 1
            assert (np.asarray(picture.image) == full).all(), (name, length, len(data))
    print(f"\ncut at {refused + whole} places: refused {refused}, whole nevertheless {whole}")
    assert refused > 20 * whole > 0


# Long and thin


def _peak() -> float:
    """The most memory since `_forget`, MB."""
    text = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) / 1024


@settings(
    max_examples=200, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(length=st.integers(1, 10**6) | st.integers(1, 60), tall=st.booleans(), size=st.just(224))
def test_long_thin_pictures(length: int, tall: bool, size: int) -> None:
    width, height = (1, length) if tall else (length, 1)
    row = b"\0" + bytes(width)
    data = _png_of(width, height, 8, GREY, zlib.compress(row * height, 1))
    if Path("/proc/self/clear_refs").exists():
        Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
        before = _peak()
    if length > LIMITS.image_aspect:
        assert "long and thin" in refusal(data)
    else:
        made = prepare(read_picture(data), Preprocessing(size=size))
        left, top, right, bottom = made.box
        assert (right - left, bottom - top) == (1, 1)
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        assert made.pixels.shape == (size, size, 3) and not made.pixels.any()
    if Path("/proc/self/clear_refs").exists():
        assert _peak() - before <= 150


def test_the_limits_themselves_are_inside() -> None:
    assert read_picture(png(np.zeros((20, 400)))).width == 400
    assert "long and thin" in refusal(png(np.zeros((20, 401))))
    assert (
        read_picture(_png_of(5000, 5000, 1, GREY, zlib.compress(bytes(626 * 5000)))).width == 5000
    )
    assert "25 megapixels" in refusal(_png_of(5000, 5001, 1, GREY, b""))
    padded = flat_jpeg([9]).ljust(LIMITS.image_bytes, b"\0")
    assert read_picture(padded).width == 8
    assert "10.0 MB" in refusal(padded + b"\0")


# What Pillow may raise

RAISED = [
    OSError("x"), SyntaxError("x"), ValueError("x"), struct.error("x"), EOFError("x"),
    KeyError("x"), IndexError("x"), MemoryError("x"), zlib.error("x"), OverflowError("x"),
    TypeError("x"), AttributeError("x"), AssertionError("x"), ZeroDivisionError("x"),
    RecursionError("x"), NotImplementedError("x"), UnicodeDecodeError("ascii", b"x", 0, 1, "x"),
    RuntimeError("x"), BufferError("x"), SystemError("x"), ImageCms.PyCMSError("x"),
    UnidentifiedImageError("x"), Image.DecompressionBombError("x"),
    Image.DecompressionBombWarning("x"),
]  # fmt: skip


@pytest.mark.parametrize("place", ["PIL.Image.open", "PIL.ImageFile.ImageFile.load"])
@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_pillow_raises_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception, place: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(place, fail)
    sentence = refusal(seeds()["png grey"])
    assert ("memory" if isinstance(error, MemoryError) else "PNG file is damaged") in sentence


def test_an_interruption_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit stops a script by exceptions that are not of the kind Exception."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("PIL.Image.open", stop)
    with pytest.raises(KeyboardInterrupt):
        read_picture(seeds()["png grey"])


def test_nothing_of_an_upload_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    canary = b"CANARYxx"
    text = [chunk(b"tEXt", canary + b"\0" + canary), chunk(b"caNa", canary),
            chunk(b"iCCP", canary + b"\0\0" + zlib.compress(swapped_profile()))]  # fmt: skip
    files = [
        png(np.zeros((8, 8)), GREY, 8, *text),
        with_segment(
            saved(np.zeros((8, 8), np.uint8), "JPEG"), 0xE1, b"Exif\0\0" + exif(1) + canary
        ),
        png(np.zeros((8, 8)), GREY, 8, *text)[:-30],
        canary,
    ]
    with caplog.at_level(logging.DEBUG):
        for data in files:
            try:
                assert "CANARY" not in repr(read_picture(data))
            except ImageError as error:
                assert "CANARY" not in str(error)
    assert "CANARY" not in caplog.text and "caNa" not in caplog.text
