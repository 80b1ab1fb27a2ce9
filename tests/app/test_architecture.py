"""The first page: figures of the reference on it, every choice reachable, nothing lost on bad input."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.doors import DOORS
from app.session import NAMED
from tests.app.driving import component, open_page, words
from tests.conftest import reference_blocks


def metric(at: object, label: str) -> str:
    return next(m.value for m in at.metric if m.label == label)  # type: ignore[attr-defined]


def test_the_first_page_says_what_b0_is() -> None:
    at = open_page()
    assert at.title[0].value == "EfficientNet-B0"
    assert metric(at, "Parameters") == "5.29 M"
    assert metric(at, "MACs") == "386 M"
    assert metric(at, "MBConv blocks") == "16"
    text = words(at)
    assert "Block 4.2: MBConv6 5×5, stride 1, SE 240 → 10 → 240, with residual" in text
    assert "a quarter of the block's 40 input channels" in text


@pytest.mark.parametrize("name", ["B3", "B7", "L2", "Lite4", "Mini"])
def test_every_network_opens(name: str) -> None:
    at = open_page(net=name)
    spec_name = NAMED[name]
    expected = reference_blocks().get(spec_name, {}).get("num_blocks", 10)
    assert metric(at, "MBConv blocks") == str(expected)
    svg = str(component(at, "map")["svg"])
    assert "Stage 4: MBConv6" in svg
    assert svg.count("stage&#45;") >= 6


def test_a_deep_link_restores_network_block_and_table() -> None:
    at = open_page(net="B3", block="6.2", table="Blocks")
    assert at.selectbox(key="block").value == "6.2"
    assert component(at, "map")["selected"] == ["6.2"]
    assert len(at.dataframe[-1].value) == reference_blocks()["b3"]["num_blocks"]


def test_phi_and_the_se_rule() -> None:
    at = open_page(net="phi", phi="1.0")
    assert metric(at, "Parameters") == "9.11 M"
    assert metric(at, "Input") == "258 px"
    at = open_page(se="expanded")
    assert metric(at, "Parameters") == "8.42 M"
    assert "common mistake" in words(at)


def test_the_stage_table_is_table_1() -> None:
    table = open_page(table="Stages").dataframe[-1].value
    assert list(table["Channels"]) == [32, 16, 24, 40, 80, 112, 192, 320, 1280]
    assert table["Parameters"].sum() == 5_288_548


@pytest.mark.parametrize("part", ["block", "network"])
def test_the_torchinfo_table(part: str) -> None:
    table = open_page(table=f"Layers of the {part}", block="4.2").dataframe[-1].value
    block = next(b for b in reference_blocks()["b0"]["blocks"] if b["index"] == 4)
    wanted = block["params"] if part == "block" else reference_blocks()["b0"]["total_params"]
    assert table["Parameters"].iloc[0] == wanted
    assert "1 × 240 × 28 × 28" in set(table["Output"])


def test_the_chart() -> None:
    assert len(open_page(table="Chart").get("plotly_chart")) == 1


def test_a_click_in_the_diagram_chooses_everywhere() -> None:
    """The component's event arrives as the browser sends it (see tests/browser for the click itself)."""
    at = open_page()
    at.session_state["block"] = "7.3"
    at.run()
    assert "Block 7.3" in words(at)
    at.switch_page("views/code.py").run()
    assert not at.exception


@pytest.mark.parametrize(
    "params",
    [
        {"net": "B99"}, {"net": ""}, {"block": "99.1"}, {"block": ""}, {"net": "phi", "phi": "abc"},
        {"net": "phi", "phi": "1e99"}, {"net": "phi", "phi": "nan"}, {"px": "-5"}, {"px": "hello"},
        {"se": "<script>"}, {"table": "../../etc"}, {"weights": "'; drop"}, {"net": "phi", "alpha": "x"},
    ],
)  # fmt: skip
def test_nonsense_in_the_url_leaves_a_working_page(params: dict[str, str]) -> None:
    at = open_page(**params)
    assert at.title[0].value.startswith("EfficientNet")


def test_an_impossible_network_is_a_sentence_and_the_last_good_one_stays() -> None:
    at = open_page(net="phi", phi="1.0")
    at.number_input(key="px").set_value(5).run()
    assert not at.exception
    assert "The resolution must be a whole number of pixels" in words(at)
    assert metric(at, "Input") == "258 px"
    at.number_input(key="px").set_value(0).run()
    assert "must be" not in words(at)


def test_seven_doors() -> None:
    questions = {d.question for d in DOORS}
    assert questions == {
        "What is the whole architecture?",
        "What exactly happens inside MBConv6 k3x3 with SE ratio 0.25?",
        "What are the shapes, layer by layer?",
        "Where is the block diagram?",
        "Why have SE at all?",
        "What is the Keras code of an SE block, with comments?",
        "What is the code of an MBConv6 block?",
    }
    at = open_page(net="B5")
    assert questions <= {b.label for b in at.button}


@pytest.mark.parametrize("index", [i for i, d in enumerate(DOORS) if not d.page])
def test_doors_of_this_page_set_it(index: int) -> None:
    at = open_page(net="B5", block="7.3")
    at.button(key=f"door_{index}").click().run()
    assert not at.exception
    text = words(at)
    wanted = {
        0: "The whole network", 1: "Block 3.2: MBConv6 3×3, stride 1, SE 144 → 6 → 144",
        2: "Measured by torchinfo", 3: "Block 7.3",
    }  # fmt: skip
    assert wanted[index] in text
    assert component(at, "scroll")["anchor"] == DOORS[index].anchor


@pytest.mark.parametrize(
    ("index", "start", "wanted"),
    [
        (4, {"net": "B5"}, "Why squeeze-and-excitation?"),
        (5, {}, "SE block 4.2 of B0 in Keras"),
        (5, {"net": "B3", "block": "2.1"}, "SE block 2.1 of B3 in Keras"),
        (5, {"net": "Lite2", "block": "6.1"}, "SE block 6.1 of B0 in Keras"),
        (6, {}, "MBConv6 4.2 of B0 in PyTorch"),
        (6, {"net": "B3", "block": "2.2"}, "MBConv6 4.2 of B3 in PyTorch"),
    ],
)
def test_doors_to_other_pages_open_them(
    index: int, start: dict[str, str], wanted: str, departures: list[tuple[str, dict[str, str]]]
) -> None:
    """The network on screen stays where it can answer the question, else B0 takes its place."""
    at = open_page(**start)
    at.button(key=f"door_{index}").click().run()
    at.switch_page(departures[0][0]).run()
    assert not at.exception
    assert wanted in words(at)


def test_the_first_page_needs_no_torch() -> None:
    """The page is drawn in a process whose torch cannot be imported."""
    code = (
        "import sys, threading\n"
        "class No:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'captum', 'torchinfo'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "threading.excepthook = lambda args: None\n"
        "from streamlit.testing.v1 import AppTest\n"
        "at = AppTest.from_file('app/main.py', default_timeout=60).run()\n"
        "assert not at.exception, at.exception\n"
        "print(at.title[0].value, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "EfficientNet-B0 False"
