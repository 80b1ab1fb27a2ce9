"""Running networks for the pages: what the server keeps for all, and what it keeps for one visitor.

Every cache is bounded. Models are shared by all visitors; results (gates, maps) are kept in the
visitor's own session, under the digest of the picture that they belong to.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import streamlit as st

from app import session
from app.text import BUSY
from effnet.architecture.scaling import build
from effnet.architecture.spec import Config, Spec
from effnet.errors import InspectionError, WeightsError
from effnet.inspection.images import Prepared, prepare, read_picture
from effnet.limits import LIMITS
from effnet.weights.cache import locate
from effnet.weights.catalog import entry_for
from effnet.weights.info import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor

    from effnet.drawing.summary import Row
    from effnet.inspection.edits import Baseline, Edit, Effect, Gates
    from effnet.inspection.faithfulness import Deletion
    from effnet.inspection.gates import GateSteps
    from effnet.inspection.gradcam import Cam
    from effnet.inspection.trace import Trace
    from effnet.network.model import EfficientNet

T = TypeVar("T")


# --- shared by all visitors ------------------------------------------------------------------


def torch_ready() -> bool:
    """True once torch is imported; until then a page must not wait for it without saying so."""
    return bool(_warm_up().is_set())


@st.cache_resource(max_entries=1, show_spinner=False)
def _warm_up() -> threading.Event:
    """Import torch and captum in the background, once per server, while the first page is read."""
    done = threading.Event()

    def work() -> None:
        import captum.attr  # noqa: F401
        import torch  # noqa: F401
        import torchinfo  # noqa: F401

        from effnet.inspection.devices import share_cores

        share_cores()
        # What is imported stays for good; the collector need not look at it again.
        gc.collect()
        gc.freeze()
        done.set()

    if "captum.attr" in sys.modules:
        done.set()
    else:
        threading.Thread(target=work, name="warm-up", daemon=True).start()
    return done


@st.cache_data(max_entries=LIMITS.cached_tables, show_spinner="Running torchinfo …")
def layer_table(spec: Spec, block: str | None) -> tuple[Row, ...]:
    """torchinfo's rows; see `effnet.drawing.summary`."""
    from effnet.drawing.summary import summarize

    return summarize(spec, block)


# --- running a network -----------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """A network with weights and one prepared picture: what every result is computed from.

    Attributes:
        weights: a catalogue name, or `untrained`. config: of the network as the weights want it.
        picture: SHA-256 of the picture's bytes, which results are kept under.
    """

    weights: str
    config: Config
    ready: Prepared
    picture: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What two equal jobs share: weights, network, picture."""
        return self.weights, json.dumps(self.config.to_dict()), self.picture


@st.cache_resource(max_entries=LIMITS.cached_models, show_spinner="Loading the weights …")
def _model(weights: str, config: str, device: str) -> EfficientNet:
    import torch

    from effnet.inspection.devices import arrange
    from effnet.weights.load import load

    # Nothing is fetched by itself: the pages offer that (app/downloads.py).
    if weights != session.UNTRAINED and locate(entry_for(weights)) is None:
        raise WeightsError(
            "These weights are not on this machine; open the page SE gates, which offers to fetch them."
        )
    spec = build(Config(**json.loads(config)))
    name = None if weights == session.UNTRAINED else weights
    return arrange(load(spec, name, device=device, dtype=torch.float32))


@st.cache_resource(max_entries=1, show_spinner=False)
def _places() -> threading.BoundedSemaphore:
    """How many pictures are computed at once, for all visitors together."""
    return threading.BoundedSemaphore(LIMITS.computing_at_once)


def _run(job: Job, call: Callable[[EfficientNet, Tensor], T]) -> T:
    """`call(model, x)` on the best device, in turn with other visitors.

    Raises:
        InspectionError: when the machine is busy or has not enough memory.
        WeightsError: when the weights cannot be had.
    """
    import torch

    from effnet.inspection.devices import choose_device, run_with_fallback

    def on(device: str) -> T:
        own = job.weights == session.YOURS
        model = session.get(session.YOURS).to(device) if own else _model(*job.key[:2], device)
        return call(model, torch.from_numpy(job.ready.values))

    place = _places()
    if not place.acquire(timeout=LIMITS.waiting_seconds):
        raise InspectionError(BUSY)
    try:
        result, note = run_with_fallback(on, choose_device())
    finally:
        place.release()
    session.put("device_note", note)
    return result


def device() -> str:
    """Where networks run, for the page's foot."""
    from effnet.inspection.devices import choose_device

    return choose_device()


@st.cache_data(
    max_entries=LIMITS.cached_results, scope="session", show_spinner="Running the network …"
)
def _trace(key: tuple[str, str, str], features: tuple[str, ...], edits: str, _job: Job) -> Trace:
    from effnet.inspection.trace import trace

    return _run(_job, lambda model, x: trace(model, x, features))


def run_trace(job: Job, features: tuple[str, ...] = ()) -> Trace:
    """Logits, gates and maps of the picture; computed once per picture, network and wish."""
    return _trace(job.key, features, "", job)


@st.cache_data(
    max_entries=LIMITS.cached_results, scope="session", show_spinner="Computing Grad-CAM …"
)
def _cam(key: tuple[str, str, str], target: int, block: str, _job: Job) -> Cam:
    from effnet.inspection.gradcam import grad_cam

    return _run(_job, lambda model, x: grad_cam(model, x, target, block))


def run_cam(job: Job, target: int, block: str) -> Cam:
    """The class-activation map of a class at a block."""
    return _cam(job.key, target, block, job)


@st.cache_data(max_entries=LIMITS.cached_results, scope="session", show_spinner=False)
def _prepared(digest: str, preprocessing: Preprocessing, _data: bytes) -> Prepared:
    return prepare(read_picture(_data), preprocessing)


def make_job(
    weights: str, config: Config, preprocessing: Preprocessing, digest: str, data: bytes
) -> Job:
    """The picture (its file and the SHA-256 of that) as these weights want it."""
    return Job(weights, config, _prepared(digest, preprocessing, data), digest)


def _deletion_key(job: Job, target: int, where: str, way: str) -> tuple[Any, ...]:
    return ("deletion", *job.key, target, where, way)


def deletion_of(job: Job, target: int, where: str, way: str) -> Deletion | None:
    """The check of the map on screen, if it was made."""
    key, result = session.get("deletion") or (None, None)
    return result if key == _deletion_key(job, target, where, way) else None


def run_deletion(
    job: Job, heat: np.ndarray, target: int, where: str, way: str, progress: Callable[[float], None]
) -> Deletion:
    """Check the map on screen; only the latest check is kept."""
    from effnet.inspection.faithfulness import deletion

    result = _run(job, lambda model, x: deletion(model, x, heat, target, progress=progress))
    session.put("deletion", (_deletion_key(job, target, where, way), result))
    return result


# --- editing gates ---------------------------------------------------------------------------


@st.cache_resource(
    max_entries=LIMITS.cached_baselines, scope="session", show_spinner="Running the network …"
)
def _baseline(key: tuple[str, str, str], _job: Job) -> Baseline:
    from effnet.inspection.edits import baseline

    return _run(_job, baseline)


def baseline(job: Job) -> Baseline:
    """The unedited run with every block's input, so that an edit starts at its block."""
    return _baseline(job.key, job)


def run_edits(job: Job, edits: Sequence[Edit], mean: Gates | None, other: Gates | None) -> Trace:
    """The answer under edits; cheap, so not kept."""
    from effnet.inspection.edits import EditTap, apply

    base = baseline(job)

    def call(model: EfficientNet, x: Tensor) -> Trace:
        return apply(model, base, EditTap(model.spec, edits, mean=mean, other=other))

    return _run(job, call)


def run_edited_cam(
    job: Job,
    target: int,
    block: str,
    edits: Sequence[Edit],
    mean: Gates | None,
    other: Gates | None,
) -> Cam:
    """The class-activation map under edits."""
    from effnet.inspection.edits import EditTap
    from effnet.inspection.gradcam import grad_cam

    def call(model: EfficientNet, x: Tensor) -> Cam:
        tap = EditTap(model.spec, edits, mean=mean, other=other)
        return grad_cam(model, x, target, block, edit=tap)

    return _run(job, call)


@st.cache_data(max_entries=LIMITS.cached_results, scope="session", show_spinner="Sweeping k …")
def _sweep(
    key: tuple[str, str, str], where: str, target: int, factors: tuple[float, ...], _job: Job
) -> list[tuple[float, float]]:
    from effnet.inspection.edits import sweep

    base = baseline(_job)
    return _run(_job, lambda model, x: sweep(model, base, where, target, factors))


def run_sweep(
    job: Job, where: str, target: int, factors: tuple[float, ...]
) -> list[tuple[float, float]]:
    """(k, probability of the target) for gates times k."""
    return _sweep(job.key, where, target, factors, job)


@st.cache_data(
    max_entries=LIMITS.cached_results, scope="session", show_spinner="Trying every block …"
)
def _ranking(key: tuple[str, str, str], target: int, _job: Job) -> list[tuple[str, Effect]]:
    from effnet.inspection.edits import rank_blocks

    base = baseline(_job)
    return _run(_job, lambda model, x: rank_blocks(model, base, target))


def run_ranking(job: Job, target: int) -> list[tuple[str, Effect]]:
    """Every block's SE off in turn, the largest divergence first."""
    return _ranking(job.key, target, job)


def gate_steps(job: Job, block: str, maps: np.ndarray) -> GateSteps:
    """How the block's gates come about, from its maps (C, h, w) before the gate."""
    from effnet.inspection.gates import gate_steps

    squeeze = maps.reshape(len(maps), -1).mean(1)
    return _run(job, lambda model, x: gate_steps(model, block, squeeze))
