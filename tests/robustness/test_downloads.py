"""200 faults on the way of a weight file: each ends in the right bytes or in one sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import effnet
from effnet.errors import EffnetError, WeightsError
from effnet.weights.cache import cached_path, check, pin_path, read_pin, set_aside
from effnet.weights.catalog import CATALOG, Entry
from effnet.weights.store import CancelledError, Patience, fetch
from tests.robustness.loopback import COMMIT, Plan, Server, serving

HASTE = Patience(connect=2.0, read=0.4, tries=2, pause=0.0, slow_after=0.1, slow_bytes=2000)
SIZE = 120_000
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EFFNET_CACHE", str(folder))
    for name in ("EFFNET_OFFLINE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


def made(server: Server, number: int, **plan: object) -> tuple[Entry, Plan]:
    """An entry whose file only this test knows, and the plan of the server for it."""
    body = Random(number).randbytes(SIZE)
    digest = hashlib.sha256(body).hexdigest()
    file = f"net{number}-{digest[:8]}.pth"
    served = Plan(body, **plan)  # type: ignore[arg-type]
    server.plans[f"/{file}"] = served
    entry = replace(
        CATALOG["torchvision-b0-v1"], where=f"{server.url}/{file}", file=file, digest=digest[:8],
        bytes=SIZE,
    )  # fmt: skip
    return entry, served


def outcome(entry: Entry, body: bytes, patience: Patience = HASTE) -> str:
    """`right` or `refused`; anything else fails. Nothing wrong ever stands under the final name."""
    path = cached_path(entry)
    try:
        assert fetch(entry, patience=patience) == path
    except WeightsError as error:
        text = str(error)
        assert "\n" not in text
        assert text.endswith(".")
        assert not path.exists()
        return "refused"
    assert path.read_bytes() == body
    assert not path.with_name(f"{path.name}.part").exists()
    pin = read_pin(path)
    assert pin is not None
    assert pin.sha256 == hashlib.sha256(body).hexdigest()
    return "right"


# --- faults of the network --------------------------------------------------------------------


def network_faults(random: Random, url: str) -> dict[str, tuple[list[tuple[str, object]], str]]:
    """Name to the faults of the requests in turn, and how it must end."""
    at, bit = random.randrange(1, SIZE), random.randrange(8 * SIZE)
    return {
        "cut once": ([("cut", at)], "right"),
        "cut before the first byte": ([("cut", 0)], "right"),
        "cut each time": ([("cut", at), ("cut", 0), ("cut", 0)], "refused"),
        "bit flipped": ([("flip", bit)], "refused"),
        "bit flipped, then cut": ([("flip", bit), ("cut", 1)], "refused"),
        "cut, then another file spliced on": ([("cut", at), ("splice", 0)], "right"),
        "cut, then continued elsewhere": ([("cut", max(6, at)), ("elsewhere", 0)], "right"),
        "404": ([("status", 404)], "refused"),
        "403": ([("status", 403)], "refused"),
        "500 once": ([("status", 500)], "right"),
        "503 each time": ([("status", 503)] * 3, "refused"),
        "slow once": ([("slow", 0.8)], "right"),
        "slow each time": ([("slow", 0.8)] * 2, "refused"),
        "announced too long": ([("length", 1 + at)], "right"),
        "announced too short": ([("length", -at)], "refused"),
        "announced enormous": ([("length", 10**12)], "refused"),
        "no length": ([("no length", 0)], "right"),
        "another file": ([("other", 0)], "refused"),
        "compressed": ([("encoding", 0)], "refused"),
        "no HTTP": ([("garbage", 0)], "right"),
        "redirect without encryption": ([("redirect", "http://example.org/x.pth")], "refused"),
        "redirect to a file": ([("redirect", "file:///etc/passwd")], "refused"),
        "redirects in a circle": ([("redirect", url)] * 9, "refused"),
        "one redirect": ([("redirect", url)], "right"),
    }


def test_faults_of_the_network(server: Server, cache: Path) -> None:
    counted: Counter[str] = Counter()
    rounds, number = 7, 0
    for seed in range(rounds):
        random = Random(seed)
        for name in network_faults(random, ""):
            number += 1
            entry, plan = made(server, number)
            faults, wanted = network_faults(Random(seed), entry.where)[name]
            plan.faults = list(faults)
            assert outcome(entry, plan.body) == wanted, name
            counted[wanted] += 1
    print(f"network faults {sum(counted.values())}: {dict(counted)}, lost 0")
    assert sum(counted.values()) == 24 * rounds
    assert not list(cache.glob("*.part")) or counted["refused"]


def test_a_transfer_goes_on_where_it_stopped(server: Server) -> None:
    entry, plan = made(server, 1001, faults=[("cut", 70_000)])
    assert outcome(entry, plan.body) == "right"
    assert [request.get("Range") for request in plan.requests] == [None, "bytes=70000-"]
    assert plan.requests[1]["If-Range"] == '"one"'
    assert plan.served == SIZE


def test_a_later_try_goes_on_too_unless_the_file_has_changed(server: Server) -> None:
    once = replace(HASTE, tries=1)
    entry, plan = made(server, 1002, faults=[("cut", 50_000)])
    assert outcome(entry, plan.body, once) == "refused"
    assert outcome(entry, plan.body, once) == "right"
    assert plan.requests[1]["Range"] == "bytes=50000-"
    entry, plan = made(server, 1003, faults=[("cut", 50_000)])
    assert outcome(entry, plan.body, once) == "refused"
    plan.etag = '"two"'  # the server must now send all of it, and does
    assert outcome(entry, plan.body, once) == "right"
    assert plan.served == 50_000 + SIZE


def test_without_a_strong_validator_nothing_is_spliced(server: Server) -> None:
    entry, plan = made(server, 1004, etag='W/"weak"', faults=[("cut", 50_000)])
    assert outcome(entry, plan.body) == "right"
    assert [request.get("Range") for request in plan.requests] == [None, None]


def test_a_server_without_ranges(server: Server) -> None:
    entry, plan = made(server, 1005, ranges=False, faults=[("cut", 50_000)])
    assert outcome(entry, plan.body) == "right"


def test_a_trickle_is_given_up(server: Server) -> None:
    entry, plan = made(server, 1006, faults=[("trickle", 0.02)] * 2)
    began = time.monotonic()
    assert outcome(entry, plan.body) == "refused"
    assert time.monotonic() - began < 20


def test_nobody_listens() -> None:
    with serving() as gone:
        url = gone.url
    entry = replace(
        CATALOG["torchvision-b0-v1"], where=f"{url}/x-00000000.pth", file="x-00000000.pth"
    )
    with pytest.raises(WeightsError, match="could not be fetched"):
        fetch(entry, patience=HASTE)


@pytest.mark.parametrize("address", ["http://download.pytorch.org/x.pth", "ftp://127.0.0.1/x", "x"])
def test_addresses_without_encryption_are_never_asked(address: str) -> None:
    entry = replace(CATALOG["torchvision-b0-v1"], where=address, file="x-00000000.pth")
    with pytest.raises(WeightsError, match="not encrypted"):
        fetch(entry, patience=HASTE)


# --- faults of the disk -----------------------------------------------------------------------


def disk_faults() -> dict[str, Callable[[pytest.MonkeyPatch, Random], None]]:
    def full_while_writing(patch: pytest.MonkeyPatch, random: Random) -> None:
        original, room = Path.open, [random.randrange(SIZE)]

        def opened(self: Path, mode: str = "r", *a: object, **k: object) -> object:
            file = original(self, mode, *a, **k)  # type: ignore[call-overload]
            if not (self.name.endswith(".part") and mode in ("wb", "ab")):
                return file

            class Full:
                def __enter__(self) -> Full:
                    return self

                def __exit__(self, *_: object) -> None:
                    file.close()

                def write(self, data: bytes) -> int:
                    room[0] -= len(data)
                    if room[0] < 0:
                        raise OSError(errno.ENOSPC, "No space left on device")
                    return int(file.write(data))

            return Full()

        patch.setattr(Path, "open", opened)

    def fails(target: str, code: int) -> Callable[[pytest.MonkeyPatch, Random], None]:
        def change(patch: pytest.MonkeyPatch, _: Random) -> None:
            def refuse(*_: object, **__: object) -> None:
                raise OSError(code, os.strerror(code))

            patch.setattr(target, refuse)

        return change

    def no_room(patch: pytest.MonkeyPatch, _: Random) -> None:
        usage = type("Usage", (), {"free": SIZE // 2})
        patch.setattr("shutil.disk_usage", lambda _: usage)

    return {
        "full while writing": full_while_writing,
        "full at fsync": fails("os.fsync", errno.ENOSPC),
        "input/output error at fsync": fails("os.fsync", errno.EIO),
        "rename refused": fails("pathlib.Path.replace", errno.EACCES),
        "full at rename": fails("pathlib.Path.replace", errno.ENOSPC),
        "no room from the start": no_room,
        "folder refused": fails("pathlib.Path.mkdir", errno.EROFS),
    }


def test_faults_of_the_disk(server: Server, cache: Path) -> None:
    counted: Counter[str] = Counter()
    number = 2000
    for name, fault in disk_faults().items():
        for seed in range(5):
            number += 1
            entry, plan = made(server, number)
            with pytest.MonkeyPatch.context() as patch:
                fault(patch, Random(seed))
                assert outcome(entry, plan.body) == "refused", name
            left = [p.name for p in cache.glob(f"net{number}-*") if "damaged" not in p.name]
            if "full" in name or "room" in name:
                assert not [n for n in left if n.endswith(".part")], name  # the room is given back
            assert outcome(entry, plan.body) == "right", name
            counted[name] += 1
    print(f"disk faults {sum(counted.values())}: each refused, then right; lost 0")
    assert sum(counted.values()) == 35


def test_a_full_disk_says_so(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, _ = made(server, 2100)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(WeightsError, match=r"The disk is full.*EFFNET_CACHE"):
        fetch(entry, patience=HASTE)


def test_a_cache_that_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsError, match=r"cannot be written.*EFFNET_CACHE"):
        fetch(CATALOG["torchvision-b0-v1"], patience=HASTE)


# --- damage in the cache ----------------------------------------------------------------------


def test_a_damaged_file_is_set_aside_named_and_fetched_anew(server: Server, cache: Path) -> None:
    random, entry_plan = Random(3), made(server, 3000)
    entry, plan = entry_plan
    assert outcome(entry, plan.body) == "right"
    path = cached_path(entry)
    for number in range(1, 13):
        damaged = bytearray(plan.body)
        if number % 3 == 0:
            damaged = damaged[: random.randrange(SIZE)]
        else:
            damaged[random.randrange(SIZE)] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match="is damaged") as caught:
            fetch(entry, patience=HASTE)
        aside = path.with_name(f"{path.name}.damaged-{number}")
        assert str(aside) in str(caught.value)
        assert aside.read_bytes() == bytes(damaged)
        assert not path.exists()
        assert outcome(entry, plan.body) == "right"
    print("damaged in the cache 12: set aside 12, used 0, deleted 0")


def test_the_full_digest_is_pinned_after_the_first_fetch(server: Server) -> None:
    """Eight digits stand in a file's name; a file that shares them is still told apart."""
    entry, plan = made(server, 3001)
    assert outcome(entry, plan.body) == "right"
    path = cached_path(entry)
    pin = json.loads(pin_path(path).read_text())
    forged = hashlib.sha256(b"other").hexdigest()
    pin_path(path).write_text(json.dumps({**pin, "sha256": entry.digest + forged[8:]}))
    with pytest.raises(WeightsError, match="is damaged"):
        check(entry, path)


def test_wrong_content_is_set_aside_and_never_used(server: Server, cache: Path) -> None:
    entry, plan = made(server, 3002, faults=[("other", 0)])
    assert outcome(entry, plan.body) == "refused"
    assert cached_path(entry).with_name(f"{entry.file}.damaged-1").read_bytes() == plan.body[::-1]
    assert outcome(entry, plan.body) == "right"


# --- people and processes ---------------------------------------------------------------------


def test_progress(server: Server) -> None:
    entry, plan = made(server, 4000, faults=[("throttle", 0.05)])
    seen: list[tuple[int, int | None, float]] = []
    fetch(entry, progress=lambda *numbers: seen.append(numbers), patience=HASTE)
    done = [numbers[0] for numbers in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, SIZE)
    assert {numbers[1] for numbers in seen} == {SIZE}
    assert 0 < seen[-1][2] < 1e9
    assert len(seen) > 1
    assert plan.requests


def test_cancel_by_an_event(server: Server) -> None:
    entry, plan = made(server, 4001)
    event = threading.Event()
    with pytest.raises(CancelledError, match="was cancelled"):
        fetch(entry, progress=lambda *_: event.set(), cancel=event, patience=HASTE)
    assert not cached_path(entry).exists()
    assert outcome(entry, plan.body) == "right"


def test_cancel_by_a_function_and_go_on(server: Server) -> None:
    entry, plan = made(server, 4002)
    asked: list[int] = []

    def cancel() -> bool:
        asked.append(1)
        return len(asked) > 2  # asked once before it starts, then at each piece of at most 64 kB

    with pytest.raises(CancelledError, match="what has arrived is kept"):
        fetch(entry, cancel=cancel, patience=HASTE)
    assert not cached_path(entry).exists()
    assert outcome(entry, plan.body) == "right"
    assert plan.requests[-1]["Range"].startswith("bytes=")


CHILD = """
import sys
from dataclasses import replace
from effnet.weights.catalog import CATALOG
from effnet.weights.store import fetch
where, file, digest, size = sys.argv[1:]
entry = replace(CATALOG["torchvision-b0-v1"], where=where, file=file, digest=digest, bytes=int(size))
print("ready", flush=True)
print(fetch(entry, progress=lambda done, *_: print(done, flush=True)), flush=True)
"""


def child(entry: Entry) -> subprocess.Popen[str]:
    words = [entry.where, entry.file, entry.digest, str(entry.bytes)]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, cwd=ROOT,
    )  # fmt: skip


def test_killed_while_writing(server: Server) -> None:
    """kill -9 at some point of the transfer; the next try goes on and ends right."""
    killed = resumed = 0
    for number in range(8):
        entry, plan = made(server, 5000 + number, faults=[("throttle", 0.12)])
        process = child(entry)
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if line.strip().isdecimal() and int(line) > SIZE * number / 12:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
        killed += not cached_path(entry).exists()
        assert outcome(entry, plan.body) == "right"
        resumed += "Range" in plan.requests[-1]
    print(f"killed while writing 8 ({killed} before the end): right 8, continued {resumed}, lost 0")
    assert killed >= 4
    assert resumed >= 2


def test_two_processes_at_once(server: Server) -> None:
    for number in range(4):
        entry, plan = made(server, 6000 + number, faults=[("throttle", 0.03)])
        both = [child(entry), child(entry)]
        outs = [process.communicate(timeout=60) for process in both]
        assert [process.returncode for process in both] == [0, 0], outs
        assert cached_path(entry).read_bytes() == plan.body
        assert len(plan.requests) == 1  # the second waited, and found it ready
    print("two processes at once 4: right 4, fetched once each")


def test_eight_threads_at_once(server: Server) -> None:
    entry, plan = made(server, 6100, faults=[("throttle", 0.01)])
    ends: list[str] = []
    threads = [
        threading.Thread(target=lambda: ends.append(outcome(entry, plan.body))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == ["right"] * 8
    assert len(plan.requests) == 1


def as_nobody(task: Callable[[], list[str]]) -> list[str]:
    """What `task` returns when a process without rights runs it (needed where tests run as root)."""
    if os.getuid() != 0:
        return task()
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            lines = task()
        except BaseException as error:
            lines = [f"failed: {error!r}"]
        os.write(into, json.dumps(lines).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        lines = json.loads(pipe.read())
    os.waitpid(pid, 0)
    return list(lines)


def test_a_shared_cache_that_cannot_be_written(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there is used; what is not there is one sentence.

    The cache is the working folder, since nobody may be kept out of the folders above it.
    """
    entry, plan = made(server, 6200)
    absent, _ = made(server, 6201)
    cache.mkdir()
    monkeypatch.chdir(cache)
    monkeypatch.setenv("EFFNET_CACHE", ".")
    fetch(entry, patience=HASTE)
    path = cached_path(entry)
    pin_path(path).unlink()

    def task() -> list[str]:
        lines = [str(fetch(entry, patience=HASTE))]
        try:
            fetch(absent, patience=HASTE)
        except WeightsError as error:
            lines.append(str(error))
        return [*lines, str(set_aside(path))]

    cache.chmod(0o555)
    lines = as_nobody(task)
    cache.chmod(0o755)
    assert lines[0] == str(path)
    assert "cannot be written" in lines[1]
    assert "EFFNET_CACHE" in lines[1]
    assert lines[2] == "None"
    assert path.read_bytes() == plan.body


# --- Hugging Face -----------------------------------------------------------------------------


@pytest.fixture
def hub(server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Entry, Plan, Plan]:
    """A repository of timm on the loopback server: what main says, and what its commit serves."""
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    entry = CATALOG["timm-tf_efficientnet_b0.ns_jft_in1k"]
    body = Random(9).randbytes(SIZE)
    main, pinned = Plan(body), Plan(body)
    server.plans[f"/{entry.where}/resolve/main/{entry.file}"] = main
    server.plans[f"/{entry.where}/resolve/{COMMIT}/{entry.file}"] = pinned
    return entry, main, pinned


def test_nothing_but_the_file_is_asked_for(hub: tuple[Entry, Plan, Plan]) -> None:
    """No telemetry, no other host."""
    hosts: set[str] = set()
    watching = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if watching[0] and event == "socket.connect":
            hosts.add(str(arguments[1][0]))  # type: ignore[index]
        if watching[0] and event == "socket.getaddrinfo":
            hosts.add(str(arguments[0]))

    sys.addaudithook(hook)
    fetch(hub[0], patience=HASTE)
    watching[0] = False
    assert hosts == {"127.0.0.1"}


def test_a_repository_is_pinned_at_the_first_fetch(hub: tuple[Entry, Plan, Plan]) -> None:
    entry, main, pinned = hub
    path = fetch(entry, patience=HASTE)
    assert path.name == "timm-tf_efficientnet_b0.ns_jft_in1k.safetensors"
    assert path.read_bytes() == pinned.body
    pin = read_pin(path)
    assert pin is not None
    assert (pin.revision, pin.bytes) == (COMMIT, SIZE)
    assert pin.sha256 == hashlib.sha256(pinned.body).hexdigest()
    assert [r.get("method") for r in main.requests] == ["HEAD"]
    assert len(pinned.requests) == 1
    assert not any(
        "authorization" in (k.lower() for k in r) for r in main.requests + pinned.requests
    )
    # Fetched again after it was removed: the same revision, without asking what main is now.
    path.unlink()
    main.body = b"something else by now" * 10
    assert fetch(entry, patience=HASTE).read_bytes() == pinned.body
    assert len(main.requests) == 1
    # Another content under the pinned revision is not believed.
    path.unlink()
    pinned.faults = [("other", 0)]
    with pytest.raises(WeightsError, match="wrong content"):
        fetch(entry, patience=HASTE)


def test_repositories_that_cannot_be_verified(
    server: Server, hub: tuple[Entry, Plan, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, main, _ = hub
    main.body = bytes(entry.bytes * 2)
    with pytest.raises(WeightsError, match="too many for this network"):
        fetch(entry, patience=HASTE)
    pin_path(cached_path(entry)).unlink()
    monkeypatch.setattr("tests.robustness.loopback.COMMIT", "main")
    with pytest.raises(WeightsError, match="does not state the file's sha256"):
        fetch(entry, patience=HASTE)
    del server.plans[f"/{entry.where}/resolve/main/{entry.file}"]
    with pytest.raises(WeightsError, match="on Hugging Face does not answer"):
        fetch(entry, patience=HASTE)
    monkeypatch.setenv("HF_ENDPOINT", "http://example.org")
    with pytest.raises(WeightsError, match="not encrypted"):
        fetch(entry, patience=HASTE)


# --- offline ----------------------------------------------------------------------------------


def test_a_hundred_offline_starts_open_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    watching = [True]

    def hook(event: str, _: object) -> None:
        if watching[0] and event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            calls.append(event)

    sys.addaudithook(hook)
    absent = [entry for entry in CATALOG.values() if entry.kind in ("url", "hf")]
    ends: Counter[str] = Counter()
    try:
        for number in range(100):
            variable = "EFFNET_OFFLINE" if number % 2 else "HF_HUB_OFFLINE"
            with monkeypatch.context() as patch:
                patch.setenv(variable, "1")
                name, weights = "lite0", "imagenet"
                if number % 10:
                    entry = absent[number % len(absent)]
                    name, weights = entry.variant, entry.name
                try:
                    effnet.load(name, weights)
                    ends["loaded"] += 1
                except EffnetError as error:
                    assert "EFFNET_OFFLINE" in str(error)
                    ends["one sentence"] += 1
    finally:
        watching[0] = False
    print(f"offline starts 100: {dict(ends)}, connections {len(calls)}")
    assert ends == {"loaded": 10, "one sentence": 90}
    assert calls == []


def test_the_watch_on_sockets_works(server: Server) -> None:
    calls: list[str] = []
    watching = [True]
    sys.addaudithook(
        lambda event, _: calls.append(event) if watching[0] and event == "socket.connect" else None
    )
    entry, _ = made(server, 7000)
    fetch(entry, patience=HASTE)
    watching[0] = False
    assert calls
