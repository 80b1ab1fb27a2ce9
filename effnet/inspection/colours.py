"""Any decoded picture -> 8-bit sRGB, on white where it was transparent.

Pillow's own conversions are not enough: from 16 bits it cuts off at 255 instead of scaling, from a
picture with transparency it shows the hidden colours, and colour profiles it leaves alone.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops, ImageCms

from effnet.inspection.headers import Header

WHITE_NOTE = "Transparent parts are shown on white."
DEEP_NOTE = "16-bit values were scaled to 8 bits."
PROFILE_NOTE = "The colour profile is damaged or does not fit, and was ignored."

_TO_8_BITS = ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)


def to_srgb(image: Image.Image, header: Header) -> tuple[Image.Image, tuple[str, ...]]:
    """A decoded picture of any mode but F -> mode RGB of the same size, and what was done to it.

    16-bit shades (modes I;16 and I) are taken to run from 0 to 65535. Blending with white is done
    on the sRGB values, as browsers do. A profile that is damaged or meant for another kind of
    picture is ignored and noted. No format that is read here decodes to F.

    Raises:
        ValueError: for mode F.
        Whatever Pillow raises for a damaged palette.
    """
    notes = [DEEP_NOTE] if header.deep else []
    alpha = _alpha(image, header)
    picture, sound = _in_srgb(_opaque(image), header.profile)
    if not sound:
        notes.append(PROFILE_NOTE)
    if alpha is not None and alpha.getextrema() != (255, 255):
        notes.append(WHITE_NOTE)
        picture.paste((255, 255, 255), mask=ImageChops.invert(alpha))
    return picture, tuple(notes)


def _alpha(image: Image.Image, header: Header) -> Image.Image | None:
    """Mode L, 255 where opaque; None when all of it is."""
    if image.mode.startswith("I") and "transparency" in image.info:
        hidden = np.asarray(image) == image.info["transparency"]
        return Image.fromarray(np.where(hidden, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        full = image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
        alpha = full.getchannel("A")
        # A BMP whose fourth byte is nowhere set was written by a program that does not use it.
        unused = image.format == "BMP" and alpha.getextrema() == (0, 0)
        return None if unused else alpha
    if header.box and header.box != (0, 0, *image.size):  # a GIF's screen beside its frame
        alpha = Image.new("L", image.size, 0)
        alpha.paste(255, header.box)
        return alpha
    return None


def _opaque(image: Image.Image) -> Image.Image:
    """Mode L, RGB or CMYK: the picture's own kind of colour, which its profile speaks of."""
    if image.mode == "F":
        raise ValueError("the range of a floating-point picture is not known")
    if image.mode.startswith("I"):
        return Image.fromarray(_TO_8_BITS[np.clip(np.asarray(image), 0, 65535)])
    if image.mode in ("1", "L", "LA"):
        return image.convert("L")
    if image.mode in ("RGB", "CMYK"):
        return image
    if image.mode == "P":  # with several transparent entries it has no direct way to RGB
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, bool]:
    """Mode RGB, and whether the profile could be used or there was none."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if picture.mode == "L" and space == "GRAY":
                return _shades_in_srgb(picture, source), True
            # Programs for colour give their RGB profile to pictures in shades of grey as well.
            wanted = picture.convert("RGB") if picture.mode == "L" else picture
            if wanted.mode == space:
                return _converted(wanted, source), True
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass
    return picture.convert("RGB"), not profile


def _converted(
    picture: Image.Image,
    source: ImageCms.ImageCmsProfile,
    flags: ImageCms.Flags = ImageCms.Flags.NONE,
) -> Image.Image:
    target = ImageCms.createProfile("sRGB")
    result = ImageCms.profileToProfile(picture, source, target, outputMode="RGB", flags=flags)
    assert result is not None  # it is only for a conversion in place
    return result


def _shades_in_srgb(picture: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """By way of a table: the fast path of Little CMS is wrong by up to 10 in dark shades."""
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    table = _converted(ramp, source, ImageCms.Flags.NOOPTIMIZE)
    return Image.merge("RGB", [picture.point(list(band.tobytes())) for band in table.split()])
