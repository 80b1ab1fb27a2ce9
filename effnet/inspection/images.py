"""A stranger's bytes -> a checked picture -> the network's input.

This is the only place that opens picture files. What a file is gets decided by its content
(`sniff.py`), its size by its header (`headers/`), before Pillow sees any of it; Pillow then gets
one format at a time and only the bytes that make pixels. Everything that goes wrong ends in one
`ImageError`. No global setting of Pillow or of the warnings module is touched, so any number of
threads may read at once, and no process is started: Pillow does that for PostScript only, which is
not among the formats.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field

import numpy as np
from PIL import AvifImagePlugin, Image, WebPImagePlugin, features

from effnet.errors import ImageError
from effnet.inspection.colours import to_srgb
from effnet.inspection.headers import DamagedError, Header, read_header
from effnet.inspection.sniff import identify
from effnet.limits import LIMITS
from effnet.weights.info import Preprocessing

# Imported for what importing does, registering: otherwise the first WebP makes Pillow import all
# of its formats, PostScript included.
_REGISTERED = (AvifImagePlugin, WebPImagePlugin)

_AVIF = bool(features.check("avif"))
EXTENSIONS = ("jpg", "jpeg", "png", "webp", "gif", "bmp") + ("avif",) * _AVIF
"""What an upload widget offers to choose. What a file is does not depend on its name."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its EXIF orientation (CIPA DC-008, tag 274)."""


def formats() -> tuple[str, ...]:
    """The names of the formats that can be read, as shown to people."""
    return ("JPEG", "PNG", "WebP", "GIF", "BMP") + ("AVIF",) * _AVIF


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that has been read. Two are equal when they came from the same bytes.

    Attributes:
        image: mode RGB, 8 bit, sRGB, upright, on white where it was transparent; carries no
            metadata. 4 bytes a pixel in memory, so up to 100 MB.
        digest: SHA-256 of the bytes it came from, 64 hex digits.
        format: one of `formats()`.
        width, height: px, of the upright picture.
        notes: a sentence for each thing that a person might not expect.
    """

    image: Image.Image = field(compare=False, repr=False)
    digest: str
    format: str = field(compare=False)
    width: int = field(compare=False)
    height: int = field(compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture as the network gets it.

    Attributes:
        pixels: uint8 (S, S, 3), what the network sees, before normalisation.
        values: float32 (1, 3, S, S), the network's input.
        box: the square that was taken from the upright picture: left, top, right, bottom, px.
    """

    pixels: np.ndarray
    values: np.ndarray
    box: tuple[int, int, int, int]


def read_picture(data: bytes) -> Picture:
    """Read the bytes of a JPEG, PNG, WebP, GIF, BMP or, where Pillow can, AVIF.

    Of an animation or a file of several pictures the first is taken, and a note says so. Colours
    are brought to sRGB, 16 bits scaled to 8, transparency laid on white, the EXIF orientation
    applied.

    Raises:
        ImageError: for everything else, in one sentence that says what the file is and what to do.
            The limits are `LIMITS.image_bytes`, `image_pixels` and `image_aspect`; size is checked
            before anything is decoded.
    """
    if len(data) > LIMITS.image_bytes:
        raise ImageError(
            f"The file has {len(data) / 1e6:.1f} MB, more than the {LIMITS.image_bytes / 1e6:g} MB "
            "that can be read; save it smaller, for instance as JPEG."
        )
    kind = identify(data)
    if kind not in formats():
        raise ImageError(
            f"This is an {kind}, which the Pillow installed here cannot read; save it as JPEG or "
            "PNG."
        )
    try:
        header = read_header(kind, data)
        _check_size(header.width, header.height)
        image, notes = _decode(kind, header)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("There is not enough memory for this picture; make it smaller.") from error
    # Pillow documents eight types of exception for a damaged file and raises more.
    except Exception as error:
        raise ImageError(
            f"This {kind} file is damaged or cut short; copy or download it again, or save it anew "
            "as JPEG or PNG."
        ) from error
    return Picture(
        image=image,
        digest=hashlib.sha256(data).hexdigest(),
        format=kind,
        width=image.width,
        height=image.height,
        notes=notes,
    )


def _check_size(width: int, height: int) -> None:
    size = f"{width:,} × {height:,} pixels"
    if min(width, height) < 1:
        raise ImageError(f"The picture has no pixels, its size is {size}; choose another.")
    if width * height > LIMITS.image_pixels:
        raise ImageError(
            f"The picture has {size}, more than the {LIMITS.image_pixels / 1e6:g} megapixels that "
            "can be read; make it smaller."
        )
    if max(width, height) > LIMITS.image_aspect * min(width, height):
        raise ImageError(
            f"The picture has {size} and is too long and thin, more than {LIMITS.image_aspect} "
            "times as long as wide; cut a piece out of it."
        )


def _decode(kind: str, header: Header) -> tuple[Image.Image, tuple[str, ...]]:
    """Mode RGB, upright, sRGB; and the notes. Raises whatever Pillow raises."""
    with Image.open(io.BytesIO(header.data), formats=(kind.upper(),)) as image:
        _check_size(*image.size)
        if kind != "AVIF" and image.size != (header.width, header.height):
            raise DamagedError("two headers contradict each other")
        image.load()
        pictures = max(header.pictures, getattr(image, "n_frames", 1))
        exif = image.info.get("exif", b"")
        header = header.completed(exif, image.info.get("icc_profile") or b"")
        picture, notes = to_srgb(image, header)
    if pictures > 1:
        notes = (f"First of {pictures:,} {header.noun}.", *notes)
    turn = _TURNS.get(header.orientation)
    if turn is not None:
        picture = picture.transpose(turn)
    picture.info = {}  # Pillow keeps a file's comments there
    return picture, notes


def prepare(picture: Picture, preprocessing: Preprocessing) -> Prepared:
    """Cut, resize, normalise, in the official order (tensorflow/tpu, efficientnet/preprocessing.py).

    The central square with side `int(crop * min(width, height))`, at least 1 px, is cut out first
    and resized then, with antialiasing, so a long thin picture costs no memory. Pixels are divided
    by 255, then mean and deviation applied, in float32. `grey` makes the three channels equal
    (ITU-R 601-2 luma).
    """
    side = max(1, int(preprocessing.crop * min(picture.width, picture.height)))
    left, top = (picture.width - side + 1) // 2, (picture.height - side + 1) // 2
    box = (left, top, left + side, top + side)
    square = picture.image.crop(box)
    if preprocessing.grey:
        square = square.convert("L")
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    size = (preprocessing.size, preprocessing.size)
    square = square.resize(size, filters[preprocessing.interpolation]).convert("RGB")
    pixels = np.array(square)  # (S, S, 3)
    mean, std = (np.array(v, np.float32) for v in (preprocessing.mean, preprocessing.std))
    values = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    values = np.ascontiguousarray(values.transpose(2, 0, 1)[None])  # (1, 3, S, S)
    return Prepared(pixels=pixels, values=values, box=box)


def encode_png(pixels: np.ndarray) -> bytes:
    """A PNG file of nothing but pixels: uint8 (H, W, 3) colours or (H, W) shades.

    Raises:
        ImageError: for another shape or type.
    """
    grid = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not grid or pixels.size == 0:
        raise ImageError(
            f"A PNG is made of whole numbers from 0 to 255 by height, width and three colours, "
            f"not of {pixels.dtype} by {' × '.join(map(str, pixels.shape))}."
        )
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG")
    return file.getvalue()
