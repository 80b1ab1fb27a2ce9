"""Two networks side by side: what is the same, what differs, and what that costs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import compared, sides
from app.address import not_choices, tell
from app.tables import show_table
from effnet.architecture.compare import blocks, family, rows, stages, summary, totals
from effnet.drawing.summary import to_csv

st.title("Compare two networks")
sides.tell_bad_address()
with st.container(horizontal=True, gap="small"):
    for name, wanted in sides.SUGGESTIONS.items():
        st.button(name, on_click=sides.suggest, args=(wanted,))
left, right = st.columns(2, gap="large")
with left:
    a = sides.pick("a")
with right:
    b = sides.pick("b")
names = sides.title(a), sides.title(b)
by_stage, by_block = stages(a, b), blocks(a, b)

words, numbers = st.columns([2, 3], gap="large")
with words:
    st.subheader(f"From {names[0]} to {names[1]}")
    st.markdown("\n".join(f"- {sentence}" for sentence in summary(a, b)))
with numbers:
    whole = [compared.total_row(total, *names) for total in totals(a, b)]
    show_table(whole, "totals", "The whole networks", download=False)

coloured = compared.tints(by_stage, by_block)
for side, spec in (("a", a), ("b", b)):
    st.markdown(f"**{side.upper()}: {sides.title(spec)}**")
    compared.map_of(side, spec, coloured)

st.header("What differs, place by place", anchor="differences")
VIEWS = ("Stages", "Blocks", "All networks")
tell(*not_choices({"cmp": VIEWS}))
view = st.segmented_control(
    "Table", VIEWS, default=VIEWS[0], key="cmp", bind="query-params", required=True,
    label_visibility="collapsed",
)  # fmt: skip
if view == VIEWS[2]:
    table = [
        {
            "Network": row["name"].upper() if len(row["name"]) == 2 else row["name"].capitalize(),
            "Width": row["width"], "Depth": row["depth"], "Resolution": row["resolution"],
            "Dropout": row["dropout"], "MBConv blocks": row["blocks"],
            "Head channels": row["head_channels"], "Parameters": row["params"],
            "of these in SE": row["se_params"], "MACs": row["macs"],
            "Activation bytes": row["activation_bytes"],
            "Parameters over B0's": round(row["params_over_b0"], 2),
            "MACs over B0's": round(row["macs_over_b0"], 2),
        }
        for row in family()
    ]  # fmt: skip
    show_table(table, "all-networks", "Every network of the menu")
    st.caption(
        "All counted from the architecture at each network's own input size. Mini is this "
        "project's own small network; the others were released by Google."
    )
else:
    pairs, first = (by_block, "Block") if view == VIEWS[1] else (by_stage, "Stage")
    frame = pd.DataFrame([compared.difference_row(pair, first) for pair in pairs])
    st.dataframe(
        frame.style.map(compared.tint_differing), hide_index=True, alt="Differences",
        height="content" if len(frame) <= 24 else 560,
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.download_button(
            "CSV", to_csv(rows(pairs)), f"{a.name}-{b.name}-{first.lower()}s.csv", "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        same = sum(not pair.differing for pair in pairs)
        st.caption(
            f"{same} of {len(pairs)} {first.lower()}s are the same in everything. "
            f"{compared.MARK.strip()} marks a cell that differs: A → B; – means that the network has "
            "no such block."
        )
