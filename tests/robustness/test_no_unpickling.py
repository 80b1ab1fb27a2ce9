"""Nothing of a stranger's file is ever unpickled, and one module alone may open connections."""

from __future__ import annotations

import ast
import contextlib
import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch

from effnet.errors import CheckpointError
from effnet.weights.importing import import_file
from effnet.weights.labels import read_class_names
from effnet.weights.load import load
from effnet.weights.uploads import read_upload

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for room in ("effnet", "app") for p in (ROOT / room).rglob("*.py"))
READER = ROOT / "effnet" / "weights" / "importing.py"
FETCHER = ROOT / "effnet" / "weights" / "store.py"

UNPICKLERS = {
    "pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "h5py",
    "pickletools", "torch.hub", "torch.package",
}  # fmt: skip
UNPICKLING_CALLS = {
    "torch.load", "torch.jit.load", "torch.hub.load", "torch.hub.load_state_dict_from_url",
    "torch.package.PackageImporter", "pandas.read_pickle", "pd.read_pickle", "np.loads",
}  # fmt: skip
NETWORK = {
    "requests", "urllib.request", "urllib3", "http.client", "httpx", "httpx2", "aiohttp", "socket",
    "ftplib", "smtplib", "huggingface_hub", "websockets", "urllib",
}  # fmt: skip


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree: ast.AST) -> set[str]:
    """Every module that a file imports, anywhere in it, also the parts of `from a import b`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def belongs(module: str, banned: set[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in banned)


def uses(path: Path, modules: set[str], calls: frozenset[str] = frozenset()) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {m for m in imported(tree) if belongs(m, modules) and not m.startswith("urllib.parse")}
    if "urllib" in modules:
        found -= {"urllib"} if "urllib.parse" in imported(tree) else set()
    attributes = {dotted(n) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    return found | (attributes & calls)


def test_one_module_unpickles() -> None:
    offenders = {
        str(path.relative_to(ROOT)): found
        for path in SOURCES
        if (found := uses(path, UNPICKLERS, frozenset(UNPICKLING_CALLS))) and path != READER
    }
    print(f"{len(SOURCES)} source files, {len(offenders)} that unpickle outside importing.py")
    assert len(SOURCES) > 30
    assert offenders == {}
    assert "torch.load" in uses(READER, UNPICKLERS, frozenset(UNPICKLING_CALLS))


def test_the_one_call_of_torch_load_is_restricted() -> None:
    tree = ast.parse(READER.read_text(encoding="utf-8"))
    calls = [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and dotted(n.func) == "torch.load"
    ]
    assert len(calls) == 1
    given = {k.arg: ast.literal_eval(k.value) for k in calls[0].keywords if k.arg == "weights_only"}
    assert given == {"weights_only": True}


def test_one_module_opens_connections() -> None:
    offenders = {
        str(path.relative_to(ROOT)): found
        for path in SOURCES
        if (found := uses(path, NETWORK)) and path != FETCHER
    }
    assert offenders == {}
    assert {"requests", "huggingface_hub"} <= uses(FETCHER, NETWORK)


def test_the_bans_would_catch_an_offender(tmp_path: Path) -> None:
    for text in (
        "import pickle", "from pickle import loads", "import torch\ntorch.load('x')",
        "def f():\n    import h5py as h", "from torch import hub", "import joblib",
    ):  # fmt: skip
        (tmp_path / "x.py").write_text(text)
        assert uses(tmp_path / "x.py", UNPICKLERS, frozenset(UNPICKLING_CALLS)), text
    for text in ("import requests", "from urllib.request import urlopen", "import urllib.request"):
        (tmp_path / "x.py").write_text(text)
        assert uses(tmp_path / "x.py", NETWORK), text
    (tmp_path / "x.py").write_text("from urllib.parse import quote")
    assert not uses(tmp_path / "x.py", NETWORK)


# --- payloads ---------------------------------------------------------------------------------


class Call:
    """Unpickles by calling `function(*arguments)`."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> object:
        return self.function, self.arguments


def payloads(canary: Path) -> dict[str, bytes]:
    """Files that would create `canary` if anything in them ran."""
    shell = f"touch {canary}"
    python = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    system, evil = Call(os.system, shell), {"_conv_stem.weight": Call(eval, python)}
    new, old, script = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"state_dict": evil}, new)
    torch.save(evil, old, _use_new_zipfile_serialization=False)
    found = {
        "os.system": pickle.dumps(system, 2),
        "builtins.eval": pickle.dumps(Call(eval, python), 4),
        "builtins.exec, text protocol": pickle.dumps(Call(exec, python), 0),
        "subprocess": pickle.dumps(Call(subprocess.call, ["touch", str(canary)]), 5),
        "torch zip": new.getvalue(),
        "torch legacy": old.getvalue(),
    }
    nested = io.BytesIO()
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inner.pth", new.getvalue())
        archive.writestr("a/data.pkl", pickle.dumps(system, 2))
        archive.writestr("a/version", "3")
    found["nested zip"] = nested.getvalue()
    oldest = io.BytesIO()
    with tarfile.open(fileobj=oldest, mode="w") as tar:
        for name in ("pickle", "tensors", "storages"):
            member = tarfile.TarInfo(name)
            data = pickle.dumps(system, 2)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    found["tar"] = oldest.getvalue()
    found["gzip"] = gzip.compress(pickle.dumps(system, 2))
    header = json.dumps({"__metadata__": {"format": "effnet/1", "config": "x"}}).encode()
    polyglot = len(header).to_bytes(8, "little") + header + pickle.dumps(system, 2)
    found["safetensors with a pickle behind"] = polyglot
    keras = io.BytesIO()
    with zipfile.ZipFile(keras, "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Lambda", "code": python}))
        archive.writestr("model.weights.h5", pickle.dumps(system, 2))
    found["keras"] = keras.getvalue()
    with zipfile.ZipFile(script, "w") as archive:
        archive.writestr("m/data.pkl", pickle.dumps(Call(eval, python), 2))
        archive.writestr("m/code/__torch__.py", python)
        archive.writestr("m/constants.pkl", pickle.dumps(system, 2))
        archive.writestr("m/version", "3")
    found["torchscript"] = script.getvalue()
    return found


def test_the_payloads_are_real(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name in ("os.system", "builtins.eval", "builtins.exec, text protocol", "subprocess"):
        pickle.loads(payloads(canary)[name])  # noqa: S301
        assert canary.exists(), name
        canary.unlink()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".h5", ".keras"])
def test_twelve_payloads_under_any_name_never_run(suffix: str, tmp_path: Path) -> None:
    canary, refused = tmp_path / "canary", 0
    files = payloads(canary)
    for name, data in files.items():
        path = tmp_path / f"weights{suffix}"
        path.write_bytes(data)
        attempts = (
            lambda data=data: read_upload(data),
            lambda path=path: import_file(path, out=tmp_path / "out.safetensors"),
            lambda path=path: load("b0", path),
        )
        for attempt in attempts:
            with pytest.raises(CheckpointError) as caught:
                attempt()
            assert "\n" not in str(caught.value), name
        with contextlib.suppress(CheckpointError):  # one of them is text, and so a list of names
            read_class_names(data)
        refused += 1
        assert not canary.exists(), name
    print(f"{refused} payloads as {suffix}, executed 0")
    assert refused == 12
    assert not (tmp_path / "out.safetensors").exists()


def test_uploads_of_them_never_reach_an_unpickler(tmp_path: Path) -> None:
    """Python tells every unpickling of a class to its audit hooks."""
    seen: list[str] = []
    watching = [True]

    def hook(event: str, _: object) -> None:
        if watching[0] and event.startswith(("pickle.", "marshal.", "subprocess.", "os.system")):
            seen.append(event)

    sys.addaudithook(hook)
    try:
        for data in payloads(tmp_path / "canary").values():
            with pytest.raises(CheckpointError):
                read_upload(data)
    finally:
        watching[0] = False
    assert seen == []
