"""Visitors of the running app: nobody sees another's picture, and nothing is left of those who go.

Real websocket sessions against `streamlit run`, without a browser. A visitor gives a picture the way
the clipboard component does.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import io
import json
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import websockets
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

import effnet
from effnet.inspection.images import prepare, read_picture
from effnet.inspection.trace import trace
from tests.app.driving import assert_clean, open_page

VISITORS, ACTIONS = 20, 10
BLOCK = "7.2"


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run it in a thread of its own: Playwright keeps an event loop in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def picture(owner: int, action: int) -> bytes:
    """A JPEG of noise that only this owner and action have."""
    rng = np.random.default_rng(1000 * owner + action)
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def expected(model: Any, data: bytes) -> tuple[str, ...]:
    """What the page writes under the four most open and the four most closed channels."""
    import torch

    ready = prepare(read_picture(data), model.info.preprocessing)
    gates = trace(model, torch.from_numpy(ready.values)).gates[BLOCK][0]
    order = np.argsort(-gates, kind="stable")
    ends = [*order[:4], *order[:-5:-1]]
    return tuple(f"channel {c}: gate {gates[c]:.3f}" for c in ends)


class Session:
    """One visitor's websocket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.paste = self.page = ""

    async def run(self, message: BackMsg) -> str:
        """Send an event; all words of the page that comes back."""
        if self.page:
            message.rerun_script.page_script_hash = self.page
        else:
            message.rerun_script.page_name = "gates"
        message.rerun_script.query_string = f"net=Mini&block={BLOCK}"
        await self.socket.send(message.SerializeToString())
        said: list[str] = []
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(await asyncio.wait_for(self.socket.recv(), 180))
            kind = answer.WhichOneof("type")
            if kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                element = answer.delta.new_element
                if element.WhichOneof("type") == "markdown":
                    said.append(element.markdown.body)
                elif element.bidi_component.id.endswith("-paste"):
                    self.paste = element.bidi_component.id
                assert element.WhichOneof("type") != "exception", element.exception.message
            elif kind == "navigation":
                self.page = answer.navigation.page_script_hash
            elif kind == "script_finished":
                return "\n".join(said)

    async def open(self) -> str:
        """The first run, repeated until PyTorch is loaded."""
        for _ in range(60):
            page = await self.run(BackMsg())
            if "PyTorch is loading" not in page:
                return page
            await asyncio.sleep(1)
        raise AssertionError("PyTorch never came")

    async def give(self, data: bytes) -> str:
        """Paste a picture."""
        url = "data:image/jpeg;base64," + base64.b64encode(data).decode()
        message = BackMsg()
        widget = message.rerun_script.widget_states.widgets.add()
        widget.id = f"$$STREAMLIT_INTERNAL_KEY_{self.paste}__events"
        widget.json_trigger_value = json.dumps([{"event": "pasted", "value": url}])
        return await self.run(message)


async def visit(address: str, owner: int, answers: list[list[tuple[str, ...]]]) -> int:
    """All actions of one visitor; how many answers were not theirs."""
    url = address.replace("http", "ws") + "/_stcore/stream"
    wrong = 0
    async with websockets.connect(
        url,
        subprotocols=["streamlit"],
        max_size=None,
        origin=address,  # type: ignore[list-item]
    ) as socket:
        session = Session(socket)
        await session.open()
        for action in range(ACTIONS):
            page = await session.give(picture(owner, action))
            wrong += not all(line in page for line in answers[owner][action])
    return wrong


def test_twenty_visitors_at_once_see_only_their_own_gates(server: str) -> None:
    model = effnet.load("mini", "default")
    answers = [[expected(model, picture(o, a)) for a in range(ACTIONS)] for o in range(VISITORS)]
    assert len({text for row in answers for text in row}) == VISITORS * ACTIONS

    async def everybody() -> list[int]:
        return await asyncio.gather(*(visit(server, owner, answers) for owner in range(VISITORS)))

    wrong = sum(run(everybody()))
    print(f"sessions {VISITORS} answers {VISITORS * ACTIONS} mixed {wrong}")
    assert wrong == 0


def test_a_forged_event_is_ignored(server: str) -> None:
    """Any client can send anything."""

    async def forge() -> None:
        url = server.replace("http", "ws") + "/_stcore/stream"
        async with websockets.connect(
            url,
            subprotocols=["streamlit"],
            max_size=None,
            origin=server,  # type: ignore[list-item]
        ) as socket:
            session = Session(socket)
            good = await session.open()
            for value in (
                "data:image/jpeg;base64,@@@", "data:image/png;base64,AAAA", "http://192.0.2.1/x.jpg",
                42, None, ["x"], {"a": 1}, "data:image/jpeg;base64," + "A" * 100,
            ):  # fmt: skip
                message = BackMsg()
                widget = message.rerun_script.widget_states.widgets.add()
                widget.id = f"$$STREAMLIT_INTERNAL_KEY_{session.paste}__events"
                widget.json_trigger_value = json.dumps([{"event": "pasted", "value": value}])
                page = await session.run(message)
                assert "channel " in page
            gates = [line for line in good.splitlines() if line.startswith("channel ")]
            assert gates == [line for line in page.splitlines() if line.startswith("channel ")]

    run(forge())


def test_a_page_of_another_site_cannot_connect(server: str) -> None:
    async def connect() -> None:
        url = server.replace("http", "ws") + "/_stcore/stream"
        async with websockets.connect(
            url,
            subprotocols=["streamlit"],
            origin="http://evil.example",  # type: ignore[list-item]
        ) as socket:
            await socket.send(BackMsg().SerializeToString())
            await asyncio.wait_for(socket.recv(), 10)

    try:
        run(connect())
    except (websockets.WebSocketException, OSError):
        return
    raise AssertionError("a websocket of a foreign origin was accepted")


def census() -> dict[str, int]:
    """How many large objects are alive, by type."""
    gc.collect()
    counts: dict[str, int] = {}
    for thing in gc.get_objects():
        kind = type(thing).__name__
        if kind in (
            "EfficientNet",
            "Trace",
            "Cam",
            "Baseline",
            "Held",
            "Job",
            "Picture",
            "Prepared",
        ):
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def visitors(offset: int) -> None:
    for owner in range(3):
        at = open_page("views/gates.py", net="Mini", block=BLOCK)
        data = picture(offset + owner, 0)
        at.file_uploader(key="upload_0").set_value([("x.jpg", data, "image/jpeg")]).run()
        at.switch_page("views/gradcam.py").run()
        assert_clean(at)


def test_nothing_is_left_of_visitors_who_have_gone() -> None:
    visitors(0)
    visitors(100)
    first = census()
    visitors(200)
    visitors(300)
    second = census()
    grown = {k: (first.get(k, 0), n) for k, n in second.items() if n > first.get(k, 0)}
    print(f"census {first} then {second}")
    assert not grown
