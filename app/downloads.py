"""Fetching published weights while the page stays usable: progress, Cancel, one transfer for all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from app.text import refuse
from effnet.drawing.numbers import bytes_short
from effnet.errors import WeightsError
from effnet.weights.catalog import Entry
from effnet.weights.store import CancelledError, fetch


@dataclass
class Transfer:
    """One download, shared by everybody who waits for it."""

    entry: Entry
    stop: threading.Event = field(default_factory=threading.Event)
    here: int = 0
    total: int | None = None
    rate: float = 0.0
    done: bool = False
    error: WeightsError | None = None

    def run(self) -> None:
        """Fetch; the outcome is left in `done` or `error`."""
        try:
            fetch(self.entry, progress=self._progress, cancel=self.stop)
            self.done = True
        except WeightsError as error:
            self.error = error

    def _progress(self, here: int, total: int | None, rate: float) -> None:
        self.here, self.total, self.rate = here, total, rate


@st.cache_resource(max_entries=1, show_spinner=False)
def _transfers() -> tuple[threading.Lock, dict[str, Transfer]]:
    """Running transfers by catalogue name, for all visitors; at most one a name."""
    return threading.Lock(), {}


def _start(entry: Entry) -> None:
    lock, running = _transfers()
    with lock:
        old = running.get(entry.name)
        if old is None or old.done or old.error:
            running[entry.name] = Transfer(entry)
            threading.Thread(
                target=running[entry.name].run, name=f"fetch {entry.name}", daemon=True
            ).start()


def _forget(entry: Entry) -> None:
    lock, running = _transfers()
    with lock:
        running.pop(entry.name, None)


def offer_download(entry: Entry) -> None:
    """A button that fetches the entry, then its progress; when it is done the page runs again."""
    _, running = _transfers()
    transfer = running.get(entry.name)
    if transfer is None:
        size = f" ({bytes_short(entry.bytes)})" if entry.bytes else ""
        st.button(
            f"Download{size}", icon=":material/download:", type="primary", key="fetch",
            on_click=_start, args=(entry,),
        )  # fmt: skip
        return
    _progress(transfer)


@st.fragment(run_every=0.5)
def _progress(transfer: Transfer) -> None:
    if transfer.done:
        _forget(transfer.entry)
        st.rerun()
    if transfer.error is not None:
        if not isinstance(transfer.error, CancelledError):
            refuse(transfer.error)
        st.button("Try again", on_click=_start, args=(transfer.entry,), icon=":material/refresh:")
        return
    total = transfer.total or transfer.entry.bytes
    share = min(1.0, transfer.here / total) if total else 0.0
    st.progress(
        share,
        f"{bytes_short(transfer.here)} of {bytes_short(total)}, {bytes_short(transfer.rate)} a second",
    )
    st.button("Cancel", on_click=transfer.stop.set, icon=":material/close:")
