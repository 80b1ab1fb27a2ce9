"""Fetching published weights while the page stays usable: progress, Cancel, one transfer for all."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from app.text import refuse
from effnet.drawing.numbers import bytes_short
from effnet.errors import WeightsError
from effnet.weights.cache import cached_path
from effnet.weights.catalog import Entry
from effnet.weights.partial import Partial
from effnet.weights.store import CancelledError, fetch


@dataclass
class Transfer:
    """One download, shared by everybody who waits for it."""

    entry: Entry
    stop: threading.Event = field(default_factory=threading.Event)
    here: int = 0
    total: int | None = None
    rate: float = 0.0
    over: bool = False
    error: WeightsError | None = None

    def run(self) -> None:
        """Fetch; then `over` is set, and `error` where there was one."""
        try:
            fetch(self.entry, progress=self._progress, cancel=self.stop)
        except WeightsError as error:
            self.error = error
        finally:
            self.over = True

    def _progress(self, here: int, total: int | None, rate: float) -> None:
        self.here, self.total, self.rate = here, total, rate


@st.cache_resource(max_entries=1, show_spinner=False)
def _transfers() -> tuple[threading.Lock, dict[str, Transfer]]:
    """The last transfer of each catalogue name, for all visitors; at most one runs a name."""
    return threading.Lock(), {}


def _start(entry: Entry) -> None:
    lock, transfers = _transfers()
    with lock:
        old = transfers.get(entry.name)
        if old is None or old.over:
            new = transfers[entry.name] = Transfer(entry)
            threading.Thread(target=new.run, name=f"fetch {entry.name}", daemon=True).start()


def offer_download(entry: Entry) -> None:
    """A button that fetches the entry, then its progress; when it is over the page runs again."""
    transfer = _transfers()[1].get(entry.name)
    if transfer is not None and not transfer.over:
        _show_progress(entry)
        return
    error = transfer.error if transfer is not None else None
    if error is not None and not isinstance(error, CancelledError):
        refuse(error)
    begun = Partial(cached_path(entry)).size > 0
    size = f" ({bytes_short(entry.bytes)})" if entry.bytes else ""
    st.button(
        f"{'Continue the download' if begun else 'Download'}{size}", icon=":material/download:",
        type="primary", key="fetch", on_click=_start, args=(entry,),
    )  # fmt: skip


@st.fragment(run_every=0.5)
def _show_progress(entry: Entry) -> None:
    transfer = _transfers()[1].get(entry.name)
    if transfer is None or transfer.over:
        st.rerun()
    total = transfer.total or entry.bytes
    share = min(1.0, transfer.here / total) if total else 0.0
    st.progress(
        share,
        f"{bytes_short(transfer.here)} of {bytes_short(total)}, {bytes_short(transfer.rate)} a second",
    )
    st.button(
        "Cancel", icon=":material/close:", key="cancel_fetch", on_click=transfer.stop.set,
        disabled=transfer.stop.is_set(),
    )  # fmt: skip
