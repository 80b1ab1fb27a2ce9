"""What an edit of gates brings about, in words, numbers and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import computing
from app.lab import Gates
from app.maps import cells_over
from app.running import class_name
from app.text import escaped
from app.weights import Choice
from effnet.drawing.gate_charts import block_bars, top_bars
from effnet.drawing.numbers import percent
from effnet.inspection.edits import Edit, Effect
from effnet.inspection.trace import Trace
from effnet.weights.labels import labels_of


def verdict(before: Trace, after: Trace, result: Effect, labels: tuple[str, ...]) -> str:
    """The outcome in two sentences."""
    (was, p), (now, q) = before.top(1)[0], after.top(1)[0]
    old, new = (f"**{escaped(class_name(i, labels))}**" for i in (was, now))
    if result.kl == 0:
        return f"Nothing changed: the answer is {old} ({percent(p)}) as before."
    if was == now:
        same = float(after.probabilities[0][was])
        instead = "as before" if percent(same) == percent(p) else f"instead of {percent(p)}"
        answer = f"The answer stays {old}, with {percent(same)} {instead}."
    else:
        answer = f"The answer changes from {old} ({percent(p)}) to {new} ({percent(q)})."
    return f"{answer} {percent(result.shifted)} of all probability moved from one class to another."


def figures(result: Effect, after: Trace, target: int, name: str) -> None:
    """The numbers behind the verdict, about the class that was chosen."""
    with st.container(horizontal=True, gap="medium"):
        p, q = result.probability
        points = 100 * (q - p)
        change = f"{points:+.1f} points" if abs(points) >= 0.1 else f"{points:+.2f} points"
        st.metric(f"Probability of {name}", percent(q), change, width="content")
        st.metric(
            "Logit", f"{after.logits[0][target]:.3f}", f"{result.logit:+.3f}", width="content",
            help=f"What the last layer says for {name}, before the softmax turns it into a probability.",
        )  # fmt: skip
        st.metric(
            "Probability moved", percent(result.shifted), width="content",
            help="Half the sum of all changes of probability: 0 % when nothing changed, 100 % when "
            "everything is on other classes now.",
        )  # fmt: skip
        st.metric(
            "KL divergence", f"{result.kl:.4f} bits", width="content",
            help="Kullback-Leibler divergence of the distribution after from the one before: how "
            "surprised one would be by the old answers when expecting the new ones. 0 when nothing "
            "changed; it has no upper end.",
        )  # fmt: skip


def answers(
    choice: Choice, job: computing.Job, before: Trace, after: Trace, edits: Sequence[Edit],
    mean: Gates | None, other: Gates | None, target: int,
) -> None:  # fmt: skip
    """The likeliest classes before and after, and the class-activation map before and after."""
    labels = labels_of(choice.info)
    top = list(dict.fromkeys([i for i, _ in before.top(4)] + [i for i, _ in after.top(3)]))
    p, q = before.probabilities[0], after.probabilities[0]
    bars, first, second = st.columns([5, 3, 3], gap="medium")
    with bars:
        st.markdown("**The likeliest classes**")
        names = [class_name(i, labels) for i in top]
        figure = top_bars(names, [float(p[i]) for i in top], [float(q[i]) for i in top])
        st.plotly_chart(figure, alt="Classes before and after the edit", key="edited_top")
    name = escaped(class_name(target, labels))
    maps = (
        computing.run_cam(job, target, "head"),
        computing.run_edited_cam(job, target, "head", tuple(edits), mean, other),
    )
    for column, title, cam in zip((first, second), ("as it is", "edited"), maps, strict=True):
        with column:
            st.markdown(f"**Grad-CAM, {title}**")
            picture = cells_over(job.ready.pixels, cam, choice.config)
            st.image(picture, width="stretch", alt=f"Grad-CAM, {title}")
            cells = " × ".join(map(str, cam.grid[0].shape))
            st.caption(
                f"Evidence for {name} in the {cells} cells of the last map; largest {cam.grid.max():.3g}."
            )


def moved_gates(result: Effect) -> None:
    """How far each block's gates are from where they were."""
    moved = {b: v for b, v in result.moved.items() if v > 0}
    if not moved:
        return
    st.markdown("**Which gates moved?**")
    st.plotly_chart(
        block_bars(list(moved), list(moved.values()), "mean change of the gates"),
        alt="How far the gates of each block moved", key="moved",
    )  # fmt: skip
    st.caption(
        "The gates that were edited, and those of later blocks, which see other maps now and answer to them."
    )
