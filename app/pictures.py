"""The pictures of this visitor: samples, uploads, the clipboard, the camera.

They live in the session's memory and go with it; nothing is written to disk.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image, ImageOps

from app import session
from app.components.pictures import Thumb, gallery, paste_zone
from app.text import plain
from effnet.errors import ImageError
from effnet.inspection.images import EXTENSIONS, Picture, formats, read_picture
from effnet.limits import LIMITS

SAMPLES = Path(__file__).resolve().parent.parent / "assets" / "samples"
HELD, CHOSEN, PROBLEMS = "pictures", "picture", "picture_problems"


@dataclass(frozen=True)
class Held:
    """A picture that can be chosen, as the file it came in: decoded it can be ten times as large.

    Attributes:
        name: may come from a stranger: show it as plain text only.
        digest: SHA-256 of the file. notes: what a person should know about how it was read.
        thumb: a small JPEG as a data URL. sample: `photo` or `fashion` for the app's own.
    """

    id: str
    name: str
    data: bytes
    digest: str
    notes: tuple[str, ...]
    thumb: str
    sample: str = ""


def _held(ident: str, name: str, data: bytes, sample: str = "") -> Held:
    picture = read_picture(data)
    return Held(
        ident or picture.digest[:16],
        name,
        data,
        picture.digest,
        picture.notes,
        _thumb(picture),
        sample,
    )


def _thumb(picture: Picture) -> str:
    small = ImageOps.fit(picture.image, (96, 96), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


@st.cache_resource(max_entries=1, show_spinner=False)
def _samples() -> tuple[Held, ...]:
    found = []
    for index in ("samples.json", "fashion/fashion.json"):
        if (SAMPLES / index).exists():
            for row in json.loads((SAMPLES / index).read_text()):
                path = SAMPLES / row["file"]
                found.append(
                    _held(path.stem, row["title"], path.read_bytes(), row.get("kind", "photo"))
                )
    return tuple(found)


def samples(kind: str) -> tuple[Held, ...]:
    """`photo` for ImageNet networks, `fashion` for the network in the box."""
    return tuple(h for h in _samples() if h.sample == kind)


def held() -> dict[str, Held]:
    """This visitor's own pictures, oldest first."""
    found: dict[str, Held] = session.get(HELD) or {}
    return found


def add(name: str, data: bytes) -> None:
    """Read a picture, keep it and choose it; a problem is kept as a sentence for the page."""
    problems: list[str] = session.get(PROBLEMS) or []
    mine = dict(held())
    try:
        new = _held("", plain(name, 60), data)
        if new.id not in mine and len(mine) >= LIMITS.images_held:
            raise ImageError(
                f"{LIMITS.images_held} pictures are held already; remove one before adding another."
            )
        mine[new.id] = new
        session.put(CHOSEN, new.id)
    except ImageError as error:
        problems.append(f"{plain(name, 60)}: {error}")
    session.put(HELD, mine)
    session.put(PROBLEMS, problems)


def remove(ident: str) -> None:
    """Forget a picture."""
    mine = dict(held())
    mine.pop(ident, None)
    session.put(HELD, mine)


def choose(ident: str, key: str = CHOSEN) -> None:
    """Choose a picture for every page (or, with another key, a second one)."""
    session.put(key, ident)


def chosen(kind: str, key: str = CHOSEN, skip: str = "") -> Held:
    """The chosen picture; before anybody chose, the first sample of the kind that is not `skip`."""
    every = {**{h.id: h for h in samples(kind)}, **held()}
    ident = session.get(key)
    if ident in every:
        return every[ident]
    return next(h for h in every.values() if h.id != skip)


def _uploaded() -> None:
    key = _uploader_key()
    for file in session.get(key) or []:
        add(file.name, file.getvalue())
    # A new key empties the widget: the gallery shows what is held.
    session.put("uploads", (session.get("uploads") or 0) + 1)


def _uploader_key() -> str:
    return f"upload_{session.get('uploads') or 0}"


def _photographed() -> None:
    if (shot := session.get("camera")) is not None:
        add("Camera", shot.getvalue())


def pick_picture(kind: str, key: str = CHOSEN, *, skip: str = "", adding: bool = True) -> Held:
    """The gallery and, with `adding`, the ways to add to it; gives the chosen picture.

    Args:
        key: where the choice is kept. skip: not this one, before anybody chose.
    """
    shown = samples(kind)
    known = sorted((h.id for h in shown), key=lambda ident: ident == skip)  # the default first
    if asked := session.asked_by_url(key, known):
        choose(asked, key)
    current = chosen(kind, key, skip)
    session.show_in_url(key, current.id if current.sample and current.id != known[0] else "")
    items = [
        Thumb(id=h.id, src=h.thumb, label=h.name, removable=not h.sample)
        for h in (*held().values(), *shown)
    ]
    gallery(
        items, [current.id], key=f"gallery_{key}", label="Pictures",
        on_pick=lambda ident: choose(ident, key), on_remove=remove,
    )  # fmt: skip
    if not adding:
        return current
    with st.container(horizontal=True, gap="small"):
        with st.popover("Add a picture", icon=":material/add_photo_alternate:"):
            st.file_uploader(
                f"{', '.join(formats())}; up to {LIMITS.image_bytes // 10**6} MB each",
                list(EXTENSIONS), accept_multiple_files=True, key=_uploader_key(),
                on_change=_uploaded, max_upload_size=LIMITS.image_bytes // 10**6,
            )  # fmt: skip
            paste_zone(key="paste", on_paste=lambda data: add("Pasted", data))
            st.caption("Pictures stay in this session's memory and are never written to disk.")
        with st.popover("Camera", icon=":material/photo_camera:"):
            if st.toggle("Switch the camera on", key="camera_on"):
                st.camera_input("Take a picture", key="camera", on_change=_photographed)
    for problem in session.get(PROBLEMS) or []:
        with st.container(border=True):
            st.text(problem)
    session.put(PROBLEMS, [])
    for note in current.notes:
        st.caption(f":material/info: {note}")
    return current
