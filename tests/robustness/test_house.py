"""Rules of the house that a reader of one file cannot see."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*(ROOT / "app").rglob("*.py"), *(ROOT / "effnet").rglob("*.py")])


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """(dotted name, call) of every call in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def attributes(path: Path) -> set[str]:
    return {
        ast.unparse(n)
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Attribute)
    }


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_cache_is_bounded() -> None:
    found = 0
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                text = ast.unparse(decorator)
                if "st.cache_" in text:
                    found += 1
                    assert "max_entries=" in text, (name(path), node.name)
                if "lru_cache" in text:
                    assert "maxsize=" in text and "maxsize=None" not in text, (
                        name(path),
                        node.name,
                    )
    assert found >= 10


@pytest.mark.parametrize(
    ("what", "allowed"),
    [
        ("st.session_state", {"app/session.py"}),
        ("st.query_params", {"app/session.py", "app/address.py"}),
    ],
)
def test_state_has_one_home(what: str, allowed: set[str]) -> None:
    users = {
        name(p)
        for p in SOURCES
        if any(a == what or a.startswith(what + ".") for a in attributes(p))
    }
    assert users <= allowed


def test_pictures_are_opened_in_one_place() -> None:
    openers = {name(p) for p in SOURCES if any(c == "Image.open" for c, _ in calls(p))}
    assert openers == {"effnet/inspection/images.py"}


def test_no_raw_html_no_hooks_no_second_dot_writer() -> None:
    for path in SOURCES:
        for called, node in calls(path):
            keywords = {k.arg for k in node.keywords}
            assert "unsafe_allow_html" not in keywords, name(path)
            assert "unsafe_allow_javascript" not in keywords, name(path)
            assert not ("register_" in called and called.endswith("_hook")), name(path)
            assert not called.startswith("st.html"), name(path)
            if called.startswith("graphviz."):
                assert name(path) == "effnet/drawing/diagram.py"


def test_no_mutable_module_state() -> None:
    """Module-level names in app/ are constants; a page's script runs anew for each visitor."""
    for path in (ROOT / "app").rglob("*.py"):
        if path.parent.name == "views":
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, (ast.List, ast.Set)):
                raise AssertionError((name(path), ast.unparse(node)))


def test_the_settings_are_the_safe_ones() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["server"]["address"] == "127.0.0.1"
    assert config["server"]["enableXsrfProtection"] is True
    assert config["server"]["enableCORS"] is True
    assert config["server"]["enableStaticServing"] is False
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    assert config["runner"]["postScriptGC"] is False


@pytest.mark.parametrize(
    ("package", "floor"),
    [("pillow", "12.3"), ("torch", "2.10"), ("streamlit", "1.64"), ("safetensors", "0.8")],
)
def test_no_package_below_its_security_floor(package: str, floor: str) -> None:
    assert Version(version(package)) >= Version(floor)


def test_requirements_are_exact_and_installed() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    for package, pinned in pins.items():
        assert Version(version(package)).base_version == pinned, package


def test_the_project_speaks_of_the_product_alone() -> None:
    """No machine's paths and no talk of how it was made, in anything that is shipped."""
    words = (
        "/work/",
        "/opt/ee",
        "subagent",
        "LLM",
        "as an AI",
        "shared/reference",
        "issue tracker",
    )
    for path in [
        *SOURCES,
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "tests").rglob("*.py"),
    ]:
        if path == Path(__file__):
            continue
        text = path.read_text()
        for word in words:
            assert word not in text, (name(path), word)
