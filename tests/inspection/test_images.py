"""Pictures of every mode, depth and orientation against arrays made by hand."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
from PIL import Image

from effnet.errors import ImageError
from effnet.inspection.colours import to_srgb
from effnet.inspection.headers import Header
from effnet.inspection.headers.avif import read_sizes
from effnet.inspection.images import (
    EXTENSIONS,
    Picture,
    encode_png,
    formats,
    prepare,
    read_picture,
)
from effnet.weights.info import LITE_MEAN, LITE_STD, Preprocessing
from tests.picture_files import (
    COLOUR,
    COLOUR_ALPHA,
    GREY,
    GREY_ALPHA,
    PALETTE,
    apng,
    bmp,
    chunk,
    exif,
    flat_jpeg,
    gif,
    gif_frame,
    linear_grey_profile,
    png,
    saved,
    swapped_profile,
    with_segment,
)

ROOT = Path(__file__).parents[2]
PHOTOS = Path(skimage.__file__).parent / "data"
CHELSEA = PHOTOS / "chelsea.png"

# 16 x 24 px of six flat squares, no two alike, so that every turn shows and JPEG adds little.
COLOURS = np.array(
    [[[200, 30, 40], [20, 180, 60], [30, 50, 220]],
     [[240, 220, 10], [128, 128, 128], [10, 0, 30]]], np.uint8
).repeat(8, 0).repeat(8, 1)  # fmt: skip
ALPHA = np.array([[255, 128, 0], [51, 255, 204]], np.uint8).repeat(8, 0).repeat(8, 1)
SHADES = np.array([[0, 40, 80], [120, 200, 255]], np.uint8).repeat(8, 0).repeat(8, 1)
INDEX = np.arange(6, dtype=np.uint8).reshape(2, 3).repeat(8, 0).repeat(8, 1)
ENTRIES = COLOURS[::8, ::8].reshape(6, 3)


def rgb(shades: np.ndarray) -> np.ndarray:
    return np.repeat(shades[..., None], 3, axis=2)


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


def only(entry: int) -> np.ndarray:
    """The alpha of a picture of which one entry is transparent."""
    return np.where(entry == INDEX, 0, 255)


def plte() -> bytes:
    return chunk(b"PLTE", ENTRIES.tobytes())


def trns(*values: int, form: str = "H") -> bytes:
    return chunk(b"tRNS", struct.pack(f">{len(values)}{form}", *values))


def deep(values: np.ndarray) -> np.ndarray:
    """16 bits of which the low byte is not a copy of the high one."""
    return values.astype(int) * 256 + 37


SOFT_PALETTE = (255, 128, 0, 51, 255, 204)
LEVELS_4 = np.array([[0, 3, 6], [9, 12, 15]]).repeat(8, 0).repeat(8, 1)
LEVELS_2 = np.array([[0, 1, 2], [3, 2, 1]]).repeat(8, 0).repeat(8, 1)
BITS = np.array([[0, 1, 1], [1, 0, 0]]).repeat(8, 0).repeat(8, 1)
INK = np.array(
    [[[255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0]],
     [[0, 0, 0, 128], [100, 50, 0, 20], [0, 0, 0, 0]]], np.uint8
).repeat(8, 0).repeat(8, 1)  # fmt: skip
INK_RGB = (255 - INK[..., :3].astype(float)) * (255 - INK[..., 3:]) / 255
FINE: dict[str, Any] = {"quality": 100, "subsampling": 0}
RGBA = np.dstack([COLOURS, ALPHA])

# name: what is stored, how it is written (arrays already turned), what should be seen.
Case = tuple[np.ndarray, Callable[[np.ndarray], bytes], np.ndarray]
PNGS: dict[str, Case] = {
    "1": (BITS, lambda a: png(a, GREY, 1), rgb(BITS * 255)),
    "1 + tRNS": (BITS, lambda a: png(a, GREY, 1, trns(0)), rgb(BITS * 0 + 255)),
    "L2": (LEVELS_2, lambda a: png(a, GREY, 2), rgb(LEVELS_2 * 85)),
    "L4": (LEVELS_4, lambda a: png(a, GREY, 4), rgb(LEVELS_4 * 17)),
    "L2 + tRNS": (
        LEVELS_2,
        lambda a: png(a, GREY, 2, trns(1)),
        rgb(np.where(LEVELS_2 == 1, 255, LEVELS_2 * 85)),
    ),
    "L4 + tRNS": (
        LEVELS_4,
        lambda a: png(a, GREY, 4, trns(6)),
        rgb(np.where(LEVELS_4 == 6, 255, LEVELS_4 * 17)),
    ),
    "L": (SHADES, lambda a: png(a), rgb(SHADES)),
    "L + tRNS": (
        SHADES,
        lambda a: png(a, GREY, 8, trns(40)),
        rgb(np.where(SHADES == 40, 255, SHADES)),
    ),
    "LA": (
        np.dstack([SHADES, ALPHA]),
        lambda a: png(a, GREY_ALPHA),
        on_white(rgb(SHADES), ALPHA),
    ),
    "I;16": (deep(SHADES), lambda a: png(a, GREY, 16), rgb(deep(SHADES) / 257)),
    "I;16 + tRNS": (
        deep(SHADES),
        lambda a: png(a, GREY, 16, trns(40 * 256 + 37)),
        rgb(np.where(SHADES == 40, 255, deep(SHADES) / 257)),
    ),
    "LA 16": (
        deep(np.dstack([SHADES, ALPHA])),
        lambda a: png(a, GREY_ALPHA, 16),
        on_white(rgb(SHADES), ALPHA),
    ),
    "P": (INDEX, lambda a: png(a, PALETTE, 8, plte()), COLOURS),
    "P4": (INDEX, lambda a: png(a, PALETTE, 4, plte()), COLOURS),
    "P + tRNS, one": (
        INDEX,
        lambda a: png(a, PALETTE, 8, plte(), trns(255, 255, 0, form="B")),
        on_white(COLOURS, only(2)),
    ),
    "P + tRNS, many": (
        INDEX,
        lambda a: png(a, PALETTE, 8, plte(), trns(*SOFT_PALETTE, form="B")),
        on_white(COLOURS, np.array(SOFT_PALETTE)[INDEX]),
    ),
    "RGB": (COLOURS, lambda a: png(a, COLOUR), COLOURS),
    "RGB + tRNS": (
        COLOURS,
        lambda a: png(a, COLOUR, 8, trns(20, 180, 60)),
        on_white(COLOURS, only(1)),
    ),
    "RGB 16": (deep(COLOURS), lambda a: png(a, COLOUR, 16), COLOURS),
    "RGB 16 + tRNS": (
        deep(COLOURS),
        lambda a: png(a, COLOUR, 16, trns(*(v * 256 + 37 for v in (20, 180, 60)))),
        on_white(COLOURS, only(1)),
    ),
    "RGBA": (RGBA, lambda a: png(a, COLOUR_ALPHA), on_white(COLOURS, ALPHA)),
    "RGBA 16": (deep(RGBA), lambda a: png(a, COLOUR_ALPHA, 16), on_white(COLOURS, ALPHA)),
}
JPEGS: dict[str, Case] = {
    "L": (SHADES, lambda a: saved(a, "JPEG", **FINE), rgb(SHADES)),
    "YCbCr": (COLOURS, lambda a: saved(a, "JPEG", **FINE), COLOURS),
    "YCbCr, progressive": (
        COLOURS,
        lambda a: saved(a, "JPEG", quality=95, subsampling=0, progressive=True),
        COLOURS,
    ),
    "RGB": (COLOURS, lambda a: saved(a, "JPEG", keep_rgb=True, **FINE), COLOURS),
    "CMYK": (
        INK,
        lambda a: saved(Image.frombytes("CMYK", a.shape[1::-1], a.tobytes()), "JPEG", quality=100),
        INK_RGB,
    ),
}
WEBPS: dict[str, Case] = {
    "RGB": (COLOURS, lambda a: saved(a, "WEBP", lossless=True), COLOURS),
    "RGBA": (
        RGBA,
        lambda a: saved(a, "WEBP", lossless=True, exact=True),
        on_white(COLOURS, ALPHA),
    ),
}


def as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """CIPA DC-008, tag 274: which side of the picture the first row and first column stored are."""
    return {
        1: lambda u: u,
        2: lambda u: u[:, ::-1],  # top, right
        3: lambda u: u[::-1, ::-1],  # bottom, right
        4: lambda u: u[::-1],  # bottom, left
        5: lambda u: u.swapaxes(0, 1),  # left, top
        6: lambda u: u[:, ::-1].swapaxes(0, 1),  # right, top
        7: lambda u: u[::-1, ::-1].swapaxes(0, 1),  # right, bottom
        8: lambda u: u[::-1].swapaxes(0, 1),  # left, bottom
    }[orientation](upright).copy()


def error(picture: Picture, truth: np.ndarray) -> float:
    """Mean absolute, 0..255."""
    pixels = np.asarray(picture.image).astype(float)
    assert pixels.shape == truth.shape
    assert (picture.height, picture.width) == truth.shape[:2]
    assert (picture.image.mode, picture.image.info) == ("RGB", {})
    return float(np.abs(pixels - truth).mean())


TURNS = pytest.mark.parametrize("orientation", range(1, 9))


@TURNS
@pytest.mark.parametrize("name", PNGS)
def test_png(name: str, orientation: int) -> None:
    stored, write, truth = PNGS[name]
    data = write(as_stored(stored, orientation))
    data = data[:33] + chunk(b"eXIf", exif(orientation)) + data[33:]  # after IHDR
    picture = read_picture(data)
    assert error(picture, truth) <= 0.6
    assert ("16-bit values were scaled to 8 bits." in picture.notes) == ("16" in name)
    clear = "tRNS" in name or "A" in name
    assert ("Transparent parts are shown on white." in picture.notes) == clear


@TURNS
@pytest.mark.parametrize("name", JPEGS)
def test_jpeg(name: str, orientation: int) -> None:
    stored, write, truth = JPEGS[name]
    order = "<>"[orientation % 2]
    block = b"Exif\0\0" + exif(orientation, order)
    picture = read_picture(with_segment(write(as_stored(stored, orientation)), 0xE1, block))
    assert error(picture, truth) <= 2
    assert picture.notes == ()


@TURNS
@pytest.mark.parametrize("name", WEBPS)
def test_webp(name: str, orientation: int) -> None:
    stored, _, truth = WEBPS[name]
    options = {"lossless": True, "exact": True, "exif": b"Exif\0\0" + exif(orientation)}
    picture = read_picture(saved(as_stored(stored, orientation), "WEBP", **options))
    assert error(picture, truth) <= 0.6


@TURNS
@pytest.mark.parametrize("name", WEBPS)
@pytest.mark.skipif("AVIF" not in formats(), reason="this Pillow has no AVIF")
def test_avif(name: str, orientation: int) -> None:
    stored, _, truth = WEBPS[name]
    options = {"quality": 100, "subsampling": "4:4:4", "exif": b"Exif\0\0" + exif(orientation)}
    picture = read_picture(saved(as_stored(stored, orientation), "AVIF", **options))
    assert error(picture, truth) <= 2


def test_gif_and_bmp() -> None:
    """They have no EXIF."""
    cases: list[tuple[bytes, np.ndarray]] = [
        (saved(COLOURS, "BMP"), COLOURS),
        (saved(SHADES, "BMP"), rgb(SHADES)),
        (saved(BITS.astype(bool), "BMP"), rgb(BITS * 255)),
        (bmp(RGBA), on_white(COLOURS, ALPHA)),
        (bmp(RGBA, top_down=True), on_white(COLOURS, ALPHA)),
        (bmp(np.dstack([COLOURS, ALPHA * 0])), COLOURS),  # the fourth byte is not used
        (saved(SHADES, "GIF"), rgb(SHADES)),
        (saved(COLOURS, "GIF"), COLOURS),
        (saved(SHADES, "GIF", transparency=40), rgb(np.where(SHADES == 40, 255, SHADES))),
        (gif(4, 3, gif_frame(1, 0, 0, 4, 3)), np.full((3, 4, 3), [255, 0, 0])),
        (gif(4, 3, gif_frame(1, 0, 0, 4, 3), transparent=1), np.full((3, 4, 3), 255)),
    ]
    for data, truth in cases:
        assert error(read_picture(data), truth) <= 0.6


def test_what_a_gif_leaves_free_is_white() -> None:
    """The screen beside the first frame is transparent in browsers; Pillow fills it with entry 0."""
    picture = read_picture(gif(20, 10, gif_frame(1, 5, 2, 10, 6)))
    truth = np.full((10, 20, 3), 255)
    truth[2:8, 5:15] = [255, 0, 0]
    assert error(picture, truth) == 0
    outside = read_picture(gif(4, 4, gif_frame(3, 2, 2, 6, 3)))  # the frame enlarges the screen
    assert (outside.width, outside.height) == (8, 5)


@pytest.mark.parametrize(
    ("stored", "adobe", "truth"),
    [
        ([77], None, (77, 77, 77)),
        ([255], None, (255, 255, 255)),
        ([76, 85, 255], None, (254, 0, 0)),  # YCbCr of red
        ([150, 44, 21], None, (0, 255, 1)),  # of green
        ([10, 20, 200], 0, (10, 20, 200)),  # Adobe's marker: no transform, RGB
        ([255, 255, 255, 255], 0, (255, 255, 255)),  # CMYK inverted: no ink
        ([0, 255, 255, 255], 0, (0, 255, 255)),  # all cyan
        ([255, 255, 255, 55], 0, (55, 55, 55)),  # 200 of black
        ([255, 128, 128, 255], 2, (0, 0, 0)),  # YCCK: YCbCr of the ink, all three full
        ([0, 128, 128, 255], 2, (255, 255, 255)),
        ([76, 85, 255, 255], 2, (1, 255, 255)),
    ],
)
def test_colour_models_of_jpeg_by_hand(
    stored: list[int], adobe: int | None, truth: tuple[int, ...]
) -> None:
    """One 8 x 8 block whose values were written bit by bit."""
    picture = read_picture(flat_jpeg(stored, adobe))
    assert error(picture, np.full((8, 8, 3), truth)) <= 1


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B", "I;16L", "HSV", "PA", "RGBX", "YCbCr"])
def test_modes_that_another_pillow_may_decode_to(mode: str) -> None:
    shade = {"I": 30000, "I;16": 30000, "I;16B": 30000, "I;16L": 30000}.get(mode)
    if shade:  # 30000 of 65535 is 116.7 of 255
        image, truth = Image.new(mode, (4, 3), shade), (117, 117, 117)
    elif mode == "PA":
        image, truth = Image.new("RGBA", (4, 3), (255, 0, 0, 51)).convert("PA"), (255, 204, 204)
    elif mode == "HSV":
        image, truth = Image.new("HSV", (4, 3), (0, 255, 200)), (200, 0, 0)
    elif mode == "YCbCr":
        image, truth = Image.new("YCbCr", (4, 3), (76, 85, 255)), (254, 0, 0)
    else:
        image, truth = Image.new(mode, (4, 3), (9, 8, 7, 6)), (9, 8, 7)
    result, _ = to_srgb(image, Header(width=4, height=3, data=b""))
    assert np.abs(np.asarray(result).astype(int) - truth).max() <= 1


def test_rounding_of_16_bits() -> None:
    """value * 255 / 65535: 127.498 and 127.502 beside the middle."""
    values = np.array([[0, 128, 129, 300, 32767, 32768, 65535]])
    pixels = np.asarray(read_picture(png(values, GREY, 16)).image)
    assert pixels[0, :, 0].tolist() == [0, 0, 1, 1, 127, 128, 255]


def test_a_picture_of_floating_point_numbers_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="range"):
        to_srgb(Image.new("F", (2, 2)), Header(width=2, height=2, data=b""))


def test_colour_profiles() -> None:
    """A profile that exchanges red and green, in every format that can hold one."""
    profile = swapped_profile()
    truth = COLOURS[..., [1, 0, 2]]
    iccp = chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))
    files = [
        png(COLOURS, COLOUR, 8, iccp),
        png(INDEX, PALETTE, 8, iccp, plte()),
        saved(COLOURS, "JPEG", icc_profile=profile, **FINE),
        saved(COLOURS, "WEBP", lossless=True, icc_profile=profile),
    ]
    if "AVIF" in formats():
        files.append(saved(COLOURS, "AVIF", quality=100, subsampling="4:4:4", icc_profile=profile))
    for data in files:
        picture = read_picture(data)
        assert error(picture, truth) <= 2
        assert picture.notes == ()
    soft = read_picture(png(RGBA, COLOUR_ALPHA, 8, iccp))  # colours first, then white
    assert error(soft, on_white(truth, ALPHA)) <= 2


def test_a_profile_in_two_segments_in_the_wrong_order() -> None:
    profile = swapped_profile()
    data = saved(COLOURS, "JPEG", **FINE)
    for number, part in ((1, profile[:300]), (2, profile[300:])):  # so that 2 comes first
        data = with_segment(data, 0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + part)
    assert error(read_picture(data), COLOURS[..., [1, 0, 2]]) <= 2


def test_a_profile_for_shades_of_grey() -> None:
    """Stored in proportion to light; IEC 61966-2-1 says what that is in sRGB."""
    shades = np.arange(256).reshape(16, 16)
    iccp = chunk(b"iCCP", b"name\0\0" + zlib.compress(linear_grey_profile()))
    light = shades / 255
    truth = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert (
        np.abs(np.asarray(read_picture(png(shades, GREY, 8, iccp)).image)[..., 0] - truth).max() < 1
    )
    coloured = chunk(b"iCCP", b"name\0\0" + zlib.compress(swapped_profile()))
    assert error(read_picture(png(SHADES, GREY, 8, coloured)), rgb(SHADES)) <= 2


@pytest.mark.parametrize("profile", [b"", b"no profile", swapped_profile()[:200], bytes(500)])
def test_a_broken_profile_is_ignored_and_noted(profile: bytes) -> None:
    note = "The colour profile is damaged or does not fit, and was ignored."
    iccp = chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))
    for data in (
        png(COLOURS, COLOUR, 8, iccp),
        png(COLOURS, COLOUR, 8, chunk(b"iCCP", b"name\0\0not deflated")),
        png(COLOURS, COLOUR, 8, chunk(b"iCCP", b"")),
        png(COLOURS, COLOUR, 8, chunk(b"iCCP", b"name\0\0" + zlib.compress(linear_grey_profile()))),
    ):
        picture = read_picture(data)
        assert error(picture, COLOURS) == 0
        assert picture.notes == (note,)


def test_the_first_of_several_and_a_note() -> None:
    one, two = np.full((8, 8), 50, np.uint8), np.full((8, 8), 200, np.uint8)
    frames = {"save_all": True, "append_images": [Image.fromarray(two)], "duration": 100}
    cases = [
        (gif(4, 4, *[gif_frame(i % 4, 0, 0, 4, 4) for i in range(12)]), "First of 12 frames.", 0),
        (apng([one, two]), "First of 2 frames.", 50),
        (apng([one, two], still=np.full((8, 8), 9, np.uint8)), "First of 3 frames.", 9),
        (saved(one, "WEBP", "RGB", lossless=True, **frames), "First of 2 frames.", 50),
        (saved(one, "MPO", **frames), "First of 2 pictures.", 50),
    ]
    if "AVIF" in formats():
        cases.append((saved(one, "AVIF", quality=100, **frames), "First of 2 frames.", 50))
    for data, note, shade in cases:
        picture = read_picture(data)
        assert picture.notes == (note,)
        assert error(picture, np.full((*picture.image.size[::-1], 3), shade)) <= 2
    assert read_picture(gif(4, 4, gif_frame(1, 0, 0, 4, 4))).notes == ()


@pytest.mark.skipif("AVIF" not in formats(), reason="this Pillow has no AVIF")
@pytest.mark.parametrize("width", [1, 40, 1000])
def test_sizes_in_an_avif(width: int) -> None:
    """Of a still, and of an animation by its tracks alone; the declared and the coded one."""
    image = Image.new("RGBA", (width, 24), (1, 2, 3, 4))
    still = read_sizes(saved(image, "AVIF"))
    assert set(still.declared) == set(still.coded) == {(width, 24)}
    assert len(still.coded) == 2  # colours and transparency
    moving = saved(image, "AVIF", save_all=True, append_images=[image.rotate(180)])
    tracks = read_sizes(moving.replace(b"meta", b"free", 1))
    assert tracks.declared == tracks.coded == [(width, 24)] * 2


def test_previews_and_gain_maps_are_not_counted_as_pictures() -> None:
    """CIPA DC-007, 5.2.3.3.1: kind 01 xx xx is a preview. Ultra HDR names its map in XMP."""
    entry = "<IIIHH"
    for kinds, pictures in (((0x030000, 0x010002), 1), ((0x030000, 0x020002, 0x020002), 3)):
        entries = b"".join(struct.pack(entry, kind, 99, 0, 0, 0) for kind in kinds)
        block = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0xB002, 7, len(entries), 26, 0) + entries
        data = with_segment(saved(SHADES, "JPEG"), 0xE2, b"MPF\0" + block)
        note = () if pictures == 1 else (f"First of {pictures} pictures.",)
        assert read_picture(data).notes == note
        xmp = b"http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version='1.0'/>"
        assert read_picture(with_segment(data, 0xE1, xmp)).notes == ()


def test_orientation_in_unusual_places() -> None:
    stored = as_stored(COLOURS, 6)
    jpeg = saved(stored, "JPEG", **FINE)
    wide = with_segment(jpeg, 0xE1, b"Exif\0\0" + exif(6, "<", kind=4))  # a long, not a short
    assert error(read_picture(wide), COLOURS) <= 2
    digits = (b"Exif\0\0" + exif(6)).hex().encode()
    text = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n      40\n" + digits + b"\n")
    magick = png(stored, COLOUR, 8, chunk(b"zTXt", text))  # as ImageMagick wrote it before eXIf
    assert error(read_picture(magick), COLOURS) == 0
    for nonsense in (exif(0), exif(9), exif(6)[:12], b"", b"MM\0*\xff\xff\xff\xff", bytes(30)):
        data = with_segment(saved(COLOURS, "JPEG", **FINE), 0xE1, b"Exif\0\0" + nonsense)
        assert error(read_picture(data), COLOURS) <= 2


def test_what_pillow_warns_about_is_read_in_silence() -> None:
    """Warnings are errors here. A picture is not damaged because a list beside it is."""
    wild = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x010E, 2, 5000, 70_000, 0)
    jpeg = saved(SHADES, "JPEG", **FINE)
    files = [
        with_segment(jpeg, 0xE2, b"MPF\0II*\0\x08\0\0\0\1\0"),
        with_segment(jpeg, 0xE2, b"MPF\0" + bytes(40)),
        with_segment(jpeg, 0xE1, b"Exif\0\0" + wild),
        png(SHADES, GREY, 8, chunk(b"acTL", bytes(8))),
        png(SHADES, GREY, 8, *[chunk(b"acTL", struct.pack(">II", 2, 0))] * 2),
        png(SHADES, GREY, 8, chunk(b"eXIf", wild)),
        saved(SHADES, "WEBP", lossless=True, exif=b"Exif\0\0" + wild),
    ]
    if "AVIF" in formats():
        tame = b"MM\0*" + struct.pack(">IHHHIII", 8, 1, 0x010E, 2, 6, 26, 0) + b"hello\0"
        data = saved(SHADES, "AVIF", "RGB", quality=100, exif=b"Exif\0\0" + tame)
        assert tame in data
        files.append(data.replace(tame[: len(wild)], wild))
    for data in files:
        picture = read_picture(data)
        assert error(picture, rgb(SHADES)) <= 2
        assert picture.notes == ()


def test_what_a_picture_is() -> None:
    data = CHELSEA.read_bytes()
    picture = read_picture(data)
    assert picture.digest == hashlib.sha256(data).hexdigest()
    assert (picture.format, picture.width, picture.height, picture.notes) == ("PNG", 451, 300, ())
    assert picture == read_picture(data) and hash(picture) == hash(read_picture(data))
    assert picture != read_picture((PHOTOS / "coffee.png").read_bytes())
    with pytest.raises(dataclasses.FrozenInstanceError):
        picture.width = 3  # type: ignore[misc]
    assert formats()[:5] == ("JPEG", "PNG", "WebP", "GIF", "BMP")
    assert EXTENSIONS[:6] == ("jpg", "jpeg", "png", "webp", "gif", "bmp")
    assert ("AVIF" in formats()) == ("avif" in EXTENSIONS)
    for kind in formats():
        assert read_picture(saved(COLOURS, kind)).format == kind


def test_chelsea_as_lite0_gets_it() -> None:
    """numerics: central 262 of 451 x 300, Pillow's bicubic, (x - 127) / 128."""
    made = prepare(
        read_picture(CHELSEA.read_bytes()), Preprocessing(size=224, mean=LITE_MEAN, std=LITE_STD)
    )
    assert made.box == (95, 19, 357, 281)
    image = Image.open(CHELSEA).convert("RGB").crop((95, 19, 357, 281))
    pixels = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC))
    assert (made.pixels == pixels).all() and made.pixels.dtype == np.uint8
    values = (pixels.astype(np.float64).transpose(2, 0, 1)[None] - 127) / 128
    assert made.values.dtype == np.float32 and made.values.shape == (1, 3, 224, 224)
    assert made.values.flags.c_contiguous
    assert np.abs(made.values - values).max() < 1e-6
    assert made.values.sum(dtype=np.float64) == pytest.approx(-21651.06, abs=0.05)


def kernel(name: str, x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    if name == "bilinear":
        return np.clip(1 - x, 0, None)
    near = 1.5 * x**3 - 2.5 * x**2 + 1  # Keys 1981 with a = -0.5
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def weights(name: str, old: int, new: int) -> np.ndarray:
    """(new, old): the kernel is stretched when the picture shrinks, which is the antialiasing."""
    scale = old / new
    centres = (np.arange(new)[:, None] + 0.5) * scale - 0.5
    table = kernel(name, (np.arange(old)[None] - centres) / max(scale, 1))
    return table / table.sum(1, keepdims=True)


@pytest.mark.parametrize("size", [64, 300])
@pytest.mark.parametrize("name", ["bicubic", "bilinear"])
def test_resizing_by_arithmetic(name: Any, size: int) -> None:
    """The same in numpy: within rounding of each of the two directions."""
    picture = read_picture(CHELSEA.read_bytes())
    made = prepare(picture, Preprocessing(size=size, crop=0.5, interpolation=name))
    left, top, right, bottom = made.box
    square = np.asarray(Image.open(CHELSEA).convert("RGB"), np.float64)[top:bottom, left:right]
    table = weights(name, right - left, size)
    truth = np.dstack([table @ square[..., c] @ table.T for c in range(3)]).clip(0, 255)
    assert np.abs(made.pixels - truth).max() <= 2
    assert np.abs(made.pixels - truth).mean() < 0.5


@pytest.mark.parametrize(
    ("width", "height", "crop", "box"),
    [
        (451, 300, 0.875, (95, 19, 357, 281)),  # 262.5 -> 262; (189 + 1) // 2, (38 + 1) // 2
        (300, 451, 0.875, (19, 95, 281, 357)),
        (256, 256, 0.875, (16, 16, 240, 240)),
        (9, 7, 0.875, (2, 1, 8, 7)),  # 6.125 -> 6; (3 + 1) // 2, (1 + 1) // 2
        (10, 20, 1.0, (0, 5, 10, 15)),
        (1, 1, 0.875, (0, 0, 1, 1)),  # never 0
        (1, 20, 0.875, (0, 10, 1, 11)),
        (20, 1, 0.1, (10, 0, 11, 1)),
    ],
)
def test_the_central_square_by_hand(width: int, height: int, crop: float, box: tuple) -> None:
    shades = np.arange(width * height, dtype=np.uint8).reshape(height, width)
    made = prepare(read_picture(png(shades)), Preprocessing(size=5, crop=crop))
    assert made.box == box
    assert made.pixels.shape == (5, 5, 3)


def test_normalisation_and_grey_by_hand() -> None:
    picture = read_picture(png(np.full((4, 4, 3), [250, 100, 10]), COLOUR))
    made = prepare(picture, Preprocessing(size=2, crop=1.0))
    truth = [(250 / 255 - 0.485) / 0.229, (100 / 255 - 0.456) / 0.224, (10 / 255 - 0.406) / 0.225]
    assert np.abs(made.values[0, :, 1, 1] - truth).max() < 1e-5
    grey = prepare(picture, Preprocessing(size=2, crop=1.0, grey=True))
    luma = round(0.299 * 250 + 0.587 * 100 + 0.114 * 10)
    assert (grey.pixels == luma).all() and grey.pixels.shape == (2, 2, 3)


def test_encode_png_writes_pixels_and_nothing_else() -> None:
    """A canary in every place where an upload can carry text."""
    canary = b"CANARY 52.5200N"
    text = [chunk(b"tEXt", b"Comment\0" + canary), chunk(b"eXIf", exif(1) + canary),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + canary),
            chunk(b"zTXt", b"Note\0\0" + zlib.compress(canary)),
            chunk(b"iCCP", canary[:9] + b"\0\0" + zlib.compress(swapped_profile()))]  # fmt: skip
    jpeg = saved(COLOURS, "JPEG", exif=b"Exif\0\0" + exif(1) + canary, comment=canary)
    jpeg = with_segment(jpeg, 0xED, b"Photoshop 3.0\0" + canary)
    webp = saved(COLOURS, "WEBP", exif=b"Exif\0\0" + exif(1) + canary, xmp=canary)
    for data in (png(COLOURS, COLOUR, 8, *text), jpeg, webp):
        picture = read_picture(data)
        made = prepare(picture, Preprocessing(size=32))
        for pixels in (made.pixels, np.asarray(picture.image), made.pixels[..., 0]):
            result = encode_png(pixels)
            assert re.findall(rb"[A-Za-z]{4}", canary)[0] not in result
            kinds, at = [], 8
            while at < len(result):
                length, kind = struct.unpack_from(">I4s", result, at)
                kinds.append(kind)
                at += 12 + length
            assert kinds == [b"IHDR", b"IDAT", b"IEND"]
            assert (
                np.asarray(read_picture(result).image)[..., 0]
                == pixels.reshape(*pixels.shape[:2], -1)[..., 0]
            ).all()
        assert "CANARY" not in repr((picture, picture.image.info, picture.notes))


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4, 3)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8)],
)
def test_encode_png_refuses_other_arrays(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="not of"):
        encode_png(pixels)


def test_threads_read_their_own_pictures_and_nothing_global_changes() -> None:
    files = [write(stored) for stored, write, _ in (*PNGS.values(), *JPEGS.values())]
    files += [saved(COLOURS, kind) for kind in formats()]
    serial = [np.asarray(read_picture(data).image) for data in files]
    before = (Image.MAX_IMAGE_PIXELS, list(warnings.filters))
    wrong: list[int] = []

    def work(start: int) -> None:
        for step in range(3 * len(files)):
            which = (start + step) % len(files)
            if not (np.asarray(read_picture(files[which]).image) == serial[which]).all():
                wrong.append(which)

    threads = [threading.Thread(target=work, args=(5 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_pictures_are_opened_in_one_place() -> None:
    places = []
    for folder in ("effnet", "app"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "Image.open":
                    places.append(str(path.relative_to(ROOT)))
    assert places == ["effnet/inspection/images.py"]


def test_the_samples_are_small_free_and_clean() -> None:
    folder = ROOT / "assets/samples"
    samples = json.loads((folder / "samples.json").read_text())
    licences = (folder / "README.md").read_text()
    assert sorted(s["file"] for s in samples) == sorted(p.name for p in folder.glob("*.jpg"))
    for sample in samples:
        assert set(sample) == {"file", "title", "licence", "author"}
        assert sample["licence"] in ("CC0 1.0", "public domain")
        assert sample["file"] in licences and sample["author"] in licences
        data = (folder / sample["file"]).read_bytes()
        picture = read_picture(data)
        assert picture.notes == () and max(picture.width, picture.height) <= 640
        assert len(data) < 150_000
        with Image.open(folder / sample["file"]) as image:
            assert not set(image.info) & {"exif", "comment", "icc_profile", "photoshop", "xmp"}
