"""Weights in a real browser: a download that is stopped and continued, and a visitor's own file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, expect
from safetensors.torch import save

from effnet.weights.catalog import CATALOG
from effnet.weights.layouts import LAYOUTS, OURS
from tests.browser.conftest import Visitor
from tests.nets import net
from tests.robustness.loopback import COMMIT, Plan, serving
from tests.serving import app_running
from tests.weights.test_uploads import info_of, tensors_in

Visit = Callable[..., Visitor]
ENTRY = CATALOG["timm-tf_efficientnet_lite0.in1k"]


@pytest.fixture(scope="module")
def hub() -> Iterator[tuple[str, Plan]]:
    """A server in the place of Hugging Face, and what it serves: not there, slowly, then fast."""
    body = save(tensors_in(LAYOUTS["timm"], net("lite0")))
    slow = [("throttle", 0.04), ("throttle", 0.001)]  # 0.4 MB/s or so: time to see it and to cancel
    with serving() as server:
        server.plans[f"/{ENTRY.where}/resolve/main/{ENTRY.file}"] = Plan(body)
        plan = Plan(body, faults=[("status", 404), *slow])
        server.plans[f"/{ENTRY.where}/resolve/{COMMIT}/{ENTRY.file}"] = plan
        yield server.url, plan


def test_a_download_fails_is_cancelled_and_continued(
    hub: tuple[str, Plan], chromium: Browser, tmp_path: Path
) -> None:
    address, plan = hub
    cache = tmp_path / "cache"
    environment = {"HF_ENDPOINT": address, "EFFNET_CACHE": str(cache), "EFFNET_OFFLINE": ""}
    with app_running(tmp_path, **environment) as app:
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        visitor = Visitor(context.new_page(), app)
        page = visitor.open(f"/gradcam?net=Lite0&weights={ENTRY.name}")
        page.get_by_role("button", name="Download (18.8 MB)").click()
        expect(page.get_by_text(re.compile("is not where it was published"))).to_be_visible()
        page.get_by_role("button", name="Download (18.8 MB)").click()
        expect(page.get_by_text(re.compile(r"[1-9][\d.]* MB of 18.* a second"))).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        again = page.get_by_role("button", name="Continue the download (18.8 MB)")
        expect(again).to_be_visible()
        again.click()
        expect(page.get_by_role("heading", name=re.compile("Evidence for"))).to_be_visible(
            timeout=60_000
        )
        expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
        assert plan.requests[-1]["Range"].startswith("bytes=")
        assert (cache / f"{ENTRY.name}.safetensors").read_bytes() == plan.body
        assert not list(cache.glob("*.part"))
        context.close()


def give(visitor: Visitor, data: bytes, labels: str = "", name: str = "mine.safetensors") -> Page:
    """Choose a file and class names under Options, and use them."""
    page = visitor.page
    page.get_by_role("button", name="Options").click()
    weights, names = (page.locator("input[type=file]").nth(i) for i in (0, 1))
    weights.set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    visitor.settle()
    if labels:
        names.set_input_files(
            {"name": "names.txt", "mimeType": "text/plain", "buffer": labels.encode()}
        )
        visitor.settle()
    page.get_by_role("button", name="Use them").click()
    visitor.settle()
    return page


def test_a_fine_tuned_classifier_with_class_names(visit: Visit) -> None:
    """timm's names, three classes: the page asks for the family once, and then shows the names."""
    visitor = visit()
    visitor.open("/gradcam?net=Mini")
    model = net("b0", num_classes=3)
    page = give(visitor, save(tensors_in(LAYOUTS["timm"], model)), "rose\ntulip\n*daisy*\n")
    expect(
        page.get_by_text(re.compile("does not tell how its network was trained"))
    ).to_be_visible()
    page.get_by_role("button", name=re.compile("timm tf_efficientnet .*same padding")).click()
    visitor.settle(1500)
    page.keyboard.press("Escape")
    heading = page.get_by_role("heading", name=re.compile(r"Evidence for “(rose|tulip|\*daisy\*)”"))
    expect(heading).to_be_visible(timeout=60_000)
    assert not visitor.broken
    assert not visitor.foreign


@pytest.mark.parametrize("name", ["w.pth", "renamed.safetensors"])
def test_a_pickle_is_a_sentence_that_names_the_command(
    name: str, visit: Visit, tmp_path: Path
) -> None:
    visitor = visit(400)
    visitor.open("/gradcam?net=Mini")
    torch.save(net("tiny").state_dict(), tmp_path / "w.pth")
    page = give(visitor, (tmp_path / "w.pth").read_bytes(), name=name)
    expect(page.get_by_text(re.compile("python -m effnet weights import FILE"))).to_be_visible()
    # The next file starts afresh.
    good = net("tiny", num_classes=3)
    info = replace(info_of(good), title="Tiny of a friend")
    page.locator("input[type=file]").nth(0).set_input_files(
        {"name": "w.safetensors", "mimeType": "application/octet-stream",
         "buffer": save(tensors_in(OURS, good), info.to_metadata())}
    )  # fmt: skip
    visitor.settle()
    expect(page.get_by_text(re.compile("weights import FILE"))).to_have_count(0)
