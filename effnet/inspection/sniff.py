"""What kind of file some bytes are, by their content alone; a name or an extension is never asked.

The six kinds that can be read get a name. Everything else gets the one sentence that helps the
person who chose the file: what it is, and what to do instead.
"""

from __future__ import annotations

import re

from effnet.errors import ImageError

_PICTURE = "This is {}, which cannot be read here; {}."
_OTHER = "This is {}, not a picture; {}."
_SAVE = "save it as JPEG or PNG"
_CHOOSE = "choose a JPEG or PNG"
_UNPACK = "unpack it and choose one of the pictures inside"
_STILL = "save one of its frames as JPEG or PNG"

# What a kind is called, and how its files begin.
_PICTURES: dict[str, tuple[bytes, ...]] = {
    "a TIFF or a camera's raw file": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    "a Photoshop document": (b"8BPS",),
    "a GIMP document": (b"gimp xcf",),
    "an icon (ICO)": (b"\0\0\1\0",),
    "a mouse pointer (CUR)": (b"\0\0\2\0",),
    "an Apple icon (ICNS)": (b"icns",),
    "a JPEG XL": (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    "a JPEG 2000": (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"),
    "a JPEG XR": (b"II\xbc",),
    "a BPG": (b"BPG\xfb",),
    "a FLIF": (b"FLIF",),
    "an MNG animation": (b"\x8aMNG", b"\x8bJNG"),
    "an OpenEXR picture": (b"v/1\x01",),
    "a Radiance HDR picture": (b"#?RADIANCE", b"#?RGBE"),
    "a DirectDraw texture (DDS)": (b"DDS ",),
    "a QOI": (b"qoif",),
    "an astronomical picture (FITS)": (b"SIMPLE  =",),
    "a Windows metafile": (b"\xd7\xcd\xc6\x9a", b"\1\0\0\0\x6c\0\0\0", b"\1\0\x09\0\0\3"),
    "an X11 picture (XPM)": (b"/* XPM */",),
    "a raw file of a camera": (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb"),
}
_OTHERS: dict[str, tuple[bytes, ...]] = {
    "a Rich Text document": (b"{\\rtf",),
    "an old Microsoft Office document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "a sound": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"OggS", b"fLaC", b"MThd"),
    "a program": (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"),
    "a NumPy array": (b"\x93NUMPY",),
    "an HDF5 or Keras file": (b"\x89HDF\r\n\x1a\n",),
    "a database": (b"SQLite format 3",),
    "a font": (b"OTTO", b"wOFF", b"wOF2", b"\0\1\0\0\0"),
}
_ARCHIVES: dict[str, tuple[bytes, ...]] = {
    "a file packed with gzip": (b"\x1f\x8b",),
    "a 7-Zip archive": (b"7z\xbc\xaf\x27\x1c",),
    "a RAR archive": (b"Rar!\x1a\x07",),
    "a file packed with bzip2": (b"BZh",),
    "a file packed with xz": (b"\xfd7zXZ\0",),
}
_VIDEOS: dict[str, tuple[bytes, ...]] = {
    "a video (Matroska or WebM)": (b"\x1a\x45\xdf\xa3",),
    "a video (MPEG)": (b"\0\0\1\xba", b"\0\0\1\xb3"),
    "a video (Flash)": (b"FLV\x01", b"CWS", b"FWS"),
}
_GROUPS = (
    (_PICTURES, _PICTURE, _SAVE),
    (_OTHERS, _OTHER, _CHOOSE),
    (_ARCHIVES, _OTHER, _UNPACK),
    (_VIDEOS, _OTHER, _STILL),
)
_ZIPPED: dict[bytes, tuple[str, str]] = {
    b"word/": ("a Word document", "save the picture inside it as JPEG or PNG"),
    b"ppt/": ("a PowerPoint document", "save the slide as JPEG or PNG"),
    b"xl/": ("an Excel document", _CHOOSE),
    b"opendocument": ("an OpenDocument file", "save the picture inside it as JPEG or PNG"),
    b"image/openraster": ("an OpenRaster drawing", _SAVE),
    b"application/x-krita": ("a Krita drawing", _SAVE),
    b"data.pkl": ("a PyTorch file", _CHOOSE),
}
_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"mif2", b"msf1"}
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_HTML = re.compile(r"<(!doctype html|html|head|body|script)\b", re.IGNORECASE)


def identify(data: bytes) -> str:
    """JPEG, PNG, WebP, GIF, BMP or AVIF.

    Raises:
        ImageError: for every other kind, with a sentence of its own.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if _AVIF & _brands(data):
        return "AVIF"
    raise ImageError(_refusal(data))


def _brands(data: bytes) -> set[bytes]:
    """The kinds that a file of boxes says it is (ISO/IEC 14496-12, 4.3), the main one among them."""
    if data[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(data[:4]), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}


def _refusal(data: bytes) -> str:
    for group, sentence, advice in _GROUPS:
        for what, beginnings in group.items():
            if data.startswith(beginnings):
                return sentence.format(what, advice)
    if not data:
        return "The file is empty; choose it again, or another."
    if not data.strip(b"\0"):
        return "The file holds nothing but zeros, as after a copy that failed; copy it again."
    if data[:4] == b"RIFF":
        if data[8:12] == b"AVI ":
            return _OTHER.format("a video (AVI)", _STILL)
        return _OTHER.format("a sound", _CHOOSE)
    if brands := _brands(data):
        if brands & _HEIC:
            what = "a HEIC, the form in which iPhones save photos"
            return _PICTURE.format(what, "share or export it as JPEG")
        if b"crx " in brands:
            return _PICTURE.format("a raw file of a camera", _SAVE)
        if data[8:11] == b"M4A":
            return _OTHER.format("a sound", _CHOOSE)
        return _OTHER.format("a video (MP4 or QuickTime)", _STILL)
    if data[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return _OTHER.format("a video (QuickTime)", _STILL)
    if data.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip(data)
    if data[257:262] == b"ustar":
        return _OTHER.format("a TAR archive", _UNPACK)
    if data[128:132] == b"DICM":
        return _PICTURE.format("a medical picture (DICOM)", _SAVE)
    if b"%PDF-" in data[:1024]:
        return _OTHER.format("a PDF document", "save the page as JPEG or PNG")
    if data.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6", b"\x04%!PS")):
        return _PICTURE.format("a PostScript (EPS) drawing", _SAVE)
    if re.match(rb"P[1-7F]\s", data):
        return _PICTURE.format("a Netpbm picture (PBM, PGM or PPM)", _SAVE)
    if data[8:10] == b'{"':
        return _OTHER.format("a file of weights (safetensors)", _CHOOSE)
    return _text(data[:4096])


def _zip(data: bytes) -> str:
    for mark, (what, advice) in _ZIPPED.items():
        if mark in data[:4096] or mark in data[-65536:]:  # the first name, or the list at the end
            return _OTHER.format(what, advice)
    return _OTHER.format("a ZIP archive", _UNPACK)


def _text(start: bytes) -> str:
    """The sentence for text of some kind, or else for a file of which nothing is known."""
    encoding = "utf-16" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    text = (
        start.decode(encoding, "replace").rstrip("\ufffd").lstrip()
    )  # cut in a character's middle
    if _HTML.match(re.sub(r"^(<\?xml.*?\?>|<!--.*?-->|\s)*", "", text, flags=re.DOTALL)):
        return _OTHER.format("a web page", "save the picture on it, not the page")
    if "<svg" in text:
        return _PICTURE.format("an SVG drawing", "export it as PNG")
    if all(char.isprintable() or char.isspace() for char in text) and "\ufffd" not in text:
        return _OTHER.format("a text file", _CHOOSE)
    return (
        "The file is of no kind that is known here, or its beginning is damaged; choose a JPEG, "
        "PNG, WebP, GIF or BMP."
    )
