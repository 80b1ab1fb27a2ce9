"""A visitor's own checkpoint: safetensors only, checked before a tensor is copied, kept in the session."""

from __future__ import annotations

import streamlit as st

from app import computing, session
from app.tables import show_table
from app.text import refuse
from effnet.errors import EffnetError
from effnet.limits import LIMITS
from effnet.weights.families import ChoiceNeededError
from effnet.weights.labels import read_class_names
from effnet.weights.recognise import MisfitError
from effnet.weights.uploads import read_upload

PROBLEM = "yours_problem"


def own_weights() -> None:
    """The upload of weights and class names, for the Options of the row on top."""
    st.markdown("**Your own weights**")
    # Any name may be chosen: what is inside decides, and a .pth deserves a sentence.
    file = st.file_uploader(
        f"A .safetensors file, up to {LIMITS.checkpoint_bytes // 10**6} MB", key="own_file",
        max_upload_size=LIMITS.checkpoint_bytes // 10**6, on_change=session.put, args=(PROBLEM, None),
        help="A .pth, .pt, .h5 or .keras file: make it a .safetensors first, on your own machine, with "
        "`python -m effnet weights import FILE -o OUT.safetensors`.",
    )  # fmt: skip
    st.file_uploader(
        "Class names (optional): a line each, or JSON", ["txt", "json"], key="own_names",
        max_upload_size=LIMITS.class_names_bytes // 10**6, on_change=session.put, args=(PROBLEM, None),
    )  # fmt: skip
    if file is None:
        return
    st.button("Use them", icon=":material/check:", on_click=_read, type="primary", key="own_use")
    problem = session.get(PROBLEM)
    if problem is None:
        return
    if isinstance(problem, ChoiceNeededError):
        st.markdown(
            "The file fits, but does not tell how its network was trained. Choose what it comes from; "
            "the wrong one gives other answers than its own library, without an error."
        )
        for family in problem.choices:
            st.button(
                f"{family.title}: {family.padding} padding, BN epsilon {family.bn_eps:g}",
                on_click=_read, args=(family.padding, family.bn_eps),
            )  # fmt: skip
        return
    refuse(problem)
    if isinstance(problem, MisfitError):
        rows = [
            {"Problem": r.problem, "Tensor": r.name, "Expected": r.expected, "Found": r.found}
            for r in problem.report.rows
        ]
        show_table(rows, "misfit", "Tensors that do not fit", height=240)


def _read(padding: str | None = None, bn_eps: float | None = None) -> None:
    """Read what was uploaded and show it as the network called Yours."""
    file, names = session.get("own_file"), session.get("own_names")
    session.put(PROBLEM, None)
    if file is None:
        return
    try:
        if not computing.torch_ready():
            raise EffnetError("PyTorch is still loading; try again in a few seconds.")
        labels = read_class_names(names.getvalue()) if names is not None else None
        model, _ = read_upload(file.getvalue(), padding=padding, bn_eps=bn_eps, labels=labels)
    except EffnetError as error:
        session.put(PROBLEM, error)
        return
    session.put(session.YOURS, model)
    session.put("net", session.OWN_NETWORK)
    session.put("weights", session.YOURS)
