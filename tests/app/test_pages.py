"""Pages that show and explain: why SE, the code, downloads; figures against the measured file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.driving import assert_clean, component, open_page, words

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def measured() -> dict[str, object]:
    return dict(json.loads((ASSETS / "experiments.json").read_text()))


def test_why_se_says_what_was_measured_and_counted() -> None:
    text = words(open_page("views/why.py"))
    assert "SE holds **12.0 %** of the parameters and does **0.16 %** of the MACs" in text
    assert "in B7 18.0 % of the parameters" in text
    assert "**5,288,548** parameters by the rule and **8,423,848** with the mistake" in text
    twins = measured()["twins"]
    for kind in ("se", "no-se"):
        assert f"**{100 * twins[kind]['accuracy']:.2f} %**" in text  # type: ignore[index]


def made_up() -> dict[str, dict[str, object]]:
    """Twins whose difference is within chance and within the spread of seeds."""
    base = {"params": 100, "macs": 100, "epochs": 3, "accuracy": 0.9, "short_epochs": 2}
    return {
        "se": {**base, "short_accuracies": [0.9, 0.91], "short_mean": 0.905, "short_spread": 0.007},
        "no-se": {**base, "params": 90, "short_accuracies": [0.9, 0.905], "short_mean": 0.9025, "short_spread": 0.004},
        "only_right": {"se": 110, "no-se": 90},
    }  # fmt: skip


def test_no_sentence_claims_more_than_the_figures() -> None:
    """A pair within the spread must be called no difference; one beyond it names the better side."""
    from app.evidence import twin_sentences

    said = twin_sentences(made_up(), 1000)
    assert "by up to 28 (two standard deviations)" in said[1]  # 2 * sqrt(200)
    assert "do not show that one is better" in said[1]
    assert "do not show a difference" in said[3]
    far = made_up()
    far["no-se"]["short_mean"] = 0.86
    far["only_right"] = {"se": 60, "no-se": 140}
    assert "6.4 times the larger spread" in twin_sentences(far, 1000)[3]
    assert "differ by 80" in twin_sentences(far, 1000)[1]
    assert "without SE is the better one" in twin_sentences(far, 1000)[1]
    alone = made_up()
    alone["se"]["short_accuracies"] = []
    assert len(twin_sentences(alone, 1000)) == 3


def test_the_page_stands_without_measurements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app import evidence

    monkeypatch.setattr(evidence, "ASSETS", tmp_path)
    at = open_page("views/why.py")
    assert "measurements are missing from this copy" in words(at)
    assert "SE holds **12.0 %** of the parameters" in words(at)


def test_the_way_on_leads_to_a_network_that_is_here(
    departures: list[tuple[str, dict[str, str]]],
) -> None:
    at = open_page("views/why.py", net="B0")
    at.button(key="to_mini").click().run()
    assert departures[0][0] == "views/gates.py"
    at.switch_page(departures[0][0]).run()
    assert_clean(at)
    assert at.selectbox(key="net").value == "Mini"
    assert "gates of block" in words(at)
    assert not [b for b in at.button if b.key == "to_mini"]


def test_a_profile_of_another_network_says_so() -> None:
    at = open_page("views/why.py", net="B0")
    data = (ASSETS / "profiles" / "mini-fashion.parquet").read_bytes()
    at.file_uploader[-1].set_value(("mine.parquet", data, "application/octet-stream")).run()
    assert_clean(at)
    assert "made with EfficientNet-Mini, not with EfficientNet-B0" in words(at)


def test_the_width_of_the_network_on_screen() -> None:
    at = open_page("views/why.py", net="B3")
    table = at.dataframe[-1].value
    assert list(table["SE, official"])[:3] == [10, 6, 6]
    text = words(open_page("views/why.py", net="Lite0"))
    assert "EfficientNet-Lite0 has no SE" in text


def test_a_profile_of_ones_own_opens(tmp_path: Path) -> None:
    at = open_page("views/why.py")
    data = (ASSETS / "profiles" / "mini-fashion.parquet").read_bytes()
    at.file_uploader[-1].set_value(("mine.parquet", data, "application/octet-stream")).run()
    assert_clean(at)
    assert "10,000 pictures in 10 groups, EfficientNet-Mini" in words(at)
    at.file_uploader[-1].set_value(
        ("bad.parquet", b"PAR1 nothing", "application/octet-stream")
    ).run()
    assert_clean(at)
    assert "This file is no gate profile" in words(at)


def test_groups_of_held_pictures() -> None:
    at = open_page("views/why.py", net="Mini")
    at.multiselect(key="group_A").set_value(["trouser-1", "trouser-2"])
    at.multiselect(key="group_B").set_value(["bag-1", "bag-2"]).run()
    assert_clean(at)
    assert "4 pictures in 2 groups, EfficientNet-Mini" in words(at)


@pytest.mark.parametrize("library", ["Keras", "PyTorch"])
@pytest.mark.parametrize("part", ["SE block", "MBConv block", "Whole network"])
def test_the_code_on_the_page_is_the_generated_code(library: str, part: str) -> None:
    from effnet import spec_for
    from effnet.codegen import generate

    at = open_page("views/code.py", lib=library, part=part, block="5.2")
    kind = {"SE block": "se", "MBConv block": "mbconv", "Whole network": "model"}[part]
    source = generate(library.lower(), spec_for("b0"), kind, None if kind == "model" else "5.2")
    assert component(at, "source")["text"] == source.text
    assert any(b.proto.label == f"Download {source.filename}" for b in at.get("download_button"))


def test_an_operation_marks_its_lines() -> None:
    at = open_page("views/code.py", lib="PyTorch", part="MBConv block", block="5.2")
    at.session_state["operation"] = "se.squeeze"
    at.run()
    shown = component(at, "source")
    lines = str(shown["text"]).splitlines()
    assert any("mean((2, 3), keepdim=True)" in lines[n - 1] for n in shown["marked"])  # type: ignore[attr-defined]


def test_code_of_an_se_block_that_is_not_there_is_a_sentence() -> None:
    at = open_page("views/code.py", net="Lite0", lib="Keras", part="SE block")
    assert_clean(at)
    assert "Lite" in words(at)


def test_a_download_from_the_page_ends_in_the_file_or_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transfer behind the button, against a real server on this machine."""
    import hashlib
    from dataclasses import replace

    from app.downloads import Transfer
    from effnet.weights.cache import locate
    from effnet.weights.catalog import entry_for
    from effnet.weights.store import CancelledError
    from tests.robustness.loopback import Plan, serving

    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    monkeypatch.delenv("EFFNET_OFFLINE", raising=False)
    body = bytes(range(256)) * 4000
    with serving() as server:
        server.plans["/w.pth"] = Plan(body)
        entry = replace(
            entry_for("torchvision-b0-v1"), where=f"{server.url}/w.pth", bytes=len(body),
            digest=hashlib.sha256(body).hexdigest(),
        )  # fmt: skip
        stopped = Transfer(entry)
        stopped.stop.set()
        stopped.run()
        assert isinstance(stopped.error, CancelledError)
        assert locate(entry) is None
        done = Transfer(entry)
        done.run()
        assert done.over
        assert done.error is None
        assert done.here == len(body)
        path = locate(entry)
        assert path is not None
        assert path.read_bytes() == body
        missing = Transfer(replace(entry, where=f"{server.url}/none", file="none.pth"))
        missing.run()
        assert missing.error is not None
        assert str(missing.error).count(".") >= 1
