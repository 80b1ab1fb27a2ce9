"""What only a browser shows: clicks in diagrams, links that restore, drags, phones, light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor

Visit = Callable[..., Visitor]


def png(size: tuple[int, int] = (240, 180), seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def node(page: Page, name: str, diagram: int = 0) -> object:
    return page.locator(".stage").nth(diagram).locator(f'g.node[data-name="{name}"]')


def test_clicking_a_stage_opens_it_and_a_block_chooses_it(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open()
    page.evaluate("window.marker = 1")
    node(page, "stage-7").click()  # type: ignore[attr-defined]
    visitor.settle()
    expect(page.get_by_role("heading", name="Block 7.1")).to_be_visible()
    node(page, "7.3").click()  # type: ignore[attr-defined]
    visitor.settle()
    expect(page.get_by_role("heading", name=re.compile("Block 7.3: MBConv6 5×5"))).to_be_visible()
    assert "block=7.3" in page.url
    assert page.evaluate("window.marker") == 1, "the page was not loaded anew"
    expect(node(page, "7.3")).to_have_class(re.compile("chosen"))  # type: ignore[arg-type]
    page.go_back()
    visitor.settle()
    assert "block=7.3" not in page.url
    assert not visitor.broken


def test_the_diagram_works_by_keyboard(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open()
    node(page, "stage-5").focus()  # type: ignore[attr-defined]
    page.keyboard.press("Enter")
    visitor.settle()
    expect(page.get_by_role("heading", name="Block 5.1")).to_be_visible()
    assert node(page, "5.1").get_attribute("aria-pressed") == "true"  # type: ignore[attr-defined]


def test_dragging_moves_and_does_not_choose(visit: Visit) -> None:
    visitor = visit(900)
    page = visitor.open("/?net=B7&block=7.5")
    stage = page.locator(".stage").first
    before = stage.evaluate("s => s.scrollLeft")
    box = stage.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 60, steps=6)
    page.mouse.up()
    assert stage.evaluate("s => s.scrollLeft") > before + 100
    visitor.settle()
    assert "block=7.5" in page.url


def test_zoom_buttons(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open()
    svg = page.locator(".stage svg").first
    width = svg.evaluate("s => s.getBoundingClientRect().width")
    page.get_by_role("button", name="Zoom in").first.click()
    assert svg.evaluate("s => s.getBoundingClientRect().width") > 1.25 * width
    page.get_by_role("button", name="Fit to width").first.click()
    assert svg.evaluate("s => s.getBoundingClientRect().width") == pytest.approx(width, abs=2)


def test_a_deep_link_opened_in_a_fresh_browser_shows_the_same(visit: Visit) -> None:
    first = visit()
    page = first.open("/?net=B3&block=6.2&table=Blocks")
    page.get_by_role("link", name="Grad-CAM").click()
    first.settle()
    page.get_by_role("link", name="Architecture").click()
    first.settle()
    link = page.url
    second = visit()
    other = second.page
    other.goto(link)
    second.settle()
    expect(other.get_by_role("heading", name="EfficientNet-B3")).to_be_visible()
    expect(other.get_by_role("heading", name=re.compile("Block 6.2"))).to_be_visible()
    for part in ("net=B3", "block=6.2", "table=Blocks"):
        assert part in other.url


def test_class_and_layer_stand_in_the_link(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/gradcam?net=Lite0&block=5.2&layer=block&class=967+espresso")
    expect(page.get_by_role("heading", name="Evidence for “espresso” at block 5.2")).to_be_visible()
    assert "class=967" in page.url


def test_a_selection_goes_along_from_page_to_page(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/?net=Mini&block=6.2")
    for name in ("Code", "Grad-CAM", "Architecture"):
        page.get_by_role("link", name=name, exact=True).click()
        visitor.settle()
        assert "net=Mini" in page.url, name
        assert "block=6.2" in page.url, name


def upload(visitor: Visitor, name: str, data: bytes) -> None:
    page = visitor.page
    page.get_by_text("Add a picture").click()
    page.locator("input[type=file]").first.set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": data}]
    )
    visitor.settle(1500)
    page.keyboard.press("Escape")
    visitor.settle()


def test_upload_a_picture_and_see_gates_and_a_heat_map(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/gates?net=Mini&block=7.2")
    upload(visitor, "mine.png", png())
    expect(
        page.get_by_role("heading", name=re.compile(r"The \d+ gates of block 7.2"))
    ).to_be_visible()
    expect(page.locator(".gallery .cell").first).to_have_class(re.compile("chosen"))
    assert page.locator(".js-plotly-plot").count() >= 4
    page.get_by_role("link", name="Grad-CAM").click()
    visitor.settle(1500)
    expect(page.get_by_role("heading", name=re.compile("Evidence for"))).to_be_visible()
    expect(page.get_by_alt_text("Heat map over the picture")).to_be_visible()
    expect(page.locator(".gallery .cell").first).to_have_class(re.compile("chosen"))
    page.get_by_role("button", name="Remove mine.png").click()
    visitor.settle(1500)
    expect(page.locator('button[title="mine.png"]')).to_have_count(0)


def test_a_chosen_sample_is_in_the_link_and_going_back_undoes_it(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/gates?net=Mini")
    page.locator('button[title="Trouser 1"]').click()
    visitor.settle(1500)
    assert "picture=trouser-1" in page.url
    other = visit()
    other.page.goto(page.url)
    other.settle(1500)
    chosen = ".gallery .cell.chosen button"
    expect(other.page.locator(chosen).first).to_have_attribute("title", "Trouser 1")
    page.go_back()
    visitor.settle(1500)
    assert "picture=" not in page.url
    expect(page.locator(chosen).first).to_have_attribute("title", "T-shirt/top 1")


def test_paste_a_picture(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/gates?net=Mini")
    page.get_by_text("Add a picture").click()
    visitor.settle()
    page.evaluate(
        """async () => {
          const canvas = document.createElement('canvas');
          canvas.width = 120; canvas.height = 90;
          canvas.getContext('2d').fillRect(10, 10, 50, 50);
          const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
          const data = new DataTransfer();
          data.items.add(new File([blob], 'x.png', { type: 'image/png' }));
          document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
        }"""
    )
    visitor.settle(1500)
    expect(page.locator('button[title="Pasted"]')).to_have_count(1)


def test_a_slider_answers_while_it_is_dragged(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/edit?net=Mini&block=7.2&do=times+k&at=all+blocks")
    slider = page.locator("input[type=range]").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    metric = page.get_by_test_id("stMetric").filter(has_text="Divergence")
    seen = {metric.inner_text()}
    page.mouse.move(box["x"] + box["width"] * 0.12, box["y"] + box["height"] / 2)
    page.mouse.down()
    for i in range(12):
        page.mouse.move(box["x"] + box["width"] * (0.12 + 0.06 * i), box["y"] + box["height"] / 2)
        page.wait_for_timeout(250)
        seen.add(metric.inner_text())
    during = len(seen)
    page.mouse.up()
    assert during >= 3, seen


def test_code_lines_are_marked_by_clicking_an_operation(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/code?block=4.2&part=SE+block")
    node(page, "se.reduce", 1).click()  # type: ignore[attr-defined]
    visitor.settle()
    marked = page.locator(".line.marked")
    assert "reduce" in " ".join(marked.all_inner_texts())
    node(page, "se.reduce", 1).click()  # type: ignore[attr-defined]
    visitor.settle()
    expect(marked).to_have_count(0)


def test_the_doors_bring_the_answer_into_view(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open()
    page.get_by_role("button", name="What are the shapes, layer by layer?").click()
    visitor.settle(2500)
    top = page.evaluate("document.getElementById('tables').getBoundingClientRect().top")
    assert -20 < top < 300
    page = visitor.open()
    page.get_by_role("button", name="What is the Keras code of an SE block, with comments?").click()
    visitor.settle()
    expect(page.get_by_role("heading", name="SE block 4.2 of B0 in Keras")).to_be_visible()
    assert "import keras" in page.locator(".code").inner_text()


PAGES = ("/", "/gradcam?net=Lite0", "/gates?net=Mini", "/inside?net=Mini", "/pair?net=Mini", "/edit?net=Mini",
         "/code", "/why", "/scaling", "/compare", "/claims")  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_nothing_is_cut_off(visit: Visit, path: str, scheme: str) -> None:
    """400 px wide: the page itself never scrolls sideways, and its text stands out from its ground."""
    visitor = visit(400, scheme)
    page = visitor.open(path)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth - m.clientWidth") <= 1
    wide = page.evaluate(
        """() => [...document.querySelectorAll('[data-testid=stMainBlockContainer] :is(h1,h2,h3,p,button,img)')]
          .filter(e => e.getBoundingClientRect().width > 0 && !e.closest('[data-testid=stDataFrame], [data-testid=stMultiSelect], .stage, .code, [role=radiogroup], .js-plotly-plot'))
          .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + ' ' + e.textContent.slice(0, 40))"""
    )
    assert wide == []
    ground, ink = page.evaluate(
        """() => { const s = getComputedStyle(document.querySelector('[data-testid=stApp]'));
          return [s.backgroundColor, getComputedStyle(document.querySelector('h1')).color]; }"""
    )
    dark = sum(map(int, re.findall(r"\d+", ground)[:3])) < 200
    assert dark == (scheme == "dark")
    assert contrast(ground, ink) > 7
    assert not visitor.broken


def contrast(a: str, b: str) -> float:
    """WCAG contrast of two `rgb(..)` colours."""

    def luminance(colour: str) -> float:
        parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_diagram_text_is_readable_on_a_phone_in_both_schemes(visit: Visit) -> None:
    for scheme in ("light", "dark"):
        page = visit(400, scheme).open()
        for diagram in (0, 1):
            text = page.locator(".stage").nth(diagram).locator("g.node text").first
            height = text.evaluate("t => t.getBoundingClientRect().height")
            assert height >= 9, (scheme, diagram, height)
        fill, ink = (
            page.locator(".stage")
            .first.locator("g.node")
            .nth(3)
            .evaluate(
                "n => [getComputedStyle(n.querySelector('path,polygon')).fill, getComputedStyle(n.querySelector('text')).fill]"
            )
        )
        assert contrast_any(fill, ink) > 4.5, (scheme, fill, ink)


def contrast_any(a: str, b: str) -> float:
    """As `contrast`, also for `color(srgb r g b)`."""

    def as_rgb(colour: str) -> str:
        if colour.startswith("color(srgb"):
            parts = [round(float(n) * 255) for n in re.findall(r"[\d.]+", colour)[:3]]
            return f"rgb({parts[0]}, {parts[1]}, {parts[2]})"
        return colour

    return contrast(as_rgb(a), as_rgb(b))


def test_hostile_file_names_load_nothing(visit: Visit) -> None:
    visitor = visit()
    page = visitor.open("/gates?net=Mini")
    dialogs: list[str] = []
    page.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    for i, name in enumerate(
        (
            "![x](http://192.0.2.1/p.png).png",
            "<img src=x onerror=alert(1)>.png",
            "[a](javascript:alert(1)).png",
        )
    ):
        upload(visitor, name, png(seed=i))
        upload(visitor, name, b"no picture at all")
    assert visitor.foreign == []
    assert dialogs == []
    assert page.locator("a[href^='javascript']").count() == 0


def test_no_page_asks_another_host_for_anything(visit: Visit) -> None:
    visitor = visit()
    for path in PAGES:
        visitor.open(path)
    assert visitor.foreign == []
    assert not visitor.broken
