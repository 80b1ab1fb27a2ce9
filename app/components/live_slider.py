"""A slider that answers while it is dragged; Streamlit's own sends only when it is let go."""

from __future__ import annotations

import streamlit as st

from app import session

_HTML = """
<div class="row">
  <label></label><input type="range"><output></output>
</div>
"""
_CSS = """
.row { display: flex; gap: 12px; align-items: center; font: 400 15px var(--st-font); color: var(--st-text-color); padding: 4px 0; }
label { flex: none; }
input { flex: 1; min-width: 120px; height: 28px; accent-color: var(--st-primary-color); cursor: pointer; }
output { flex: none; min-width: 3.2em; text-align: right; font-weight: 650; font-variant-numeric: tabular-nums; }
"""
_JS = """
const drags = new WeakMap();   // input element -> what is going on with it
export default function ({ data, parentElement, setStateValue }) {
  const input = parentElement.querySelector('input');
  const output = parentElement.querySelector('output');
  parentElement.querySelector('label').textContent = data.label;
  input.setAttribute('aria-label', data.label);
  Object.assign(input, { min: data.min, max: data.max, step: data.step });
  let s = drags.get(input);
  if (!s) { s = { sent: 0, timer: null, dragging: false }; drags.set(input, s); }
  const write = (v) => { output.textContent = Number(v).toFixed(data.digits); };
  if (!s.dragging) { input.value = data.value; write(data.value); }
  const send = () => { clearTimeout(s.timer); s.timer = null; s.sent = performance.now(); setStateValue('value', Number(input.value)); };
  // A new value would break off the run that shows the last one, so it waits until that is on screen.
  const busy = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'running';
  const soon = () => {
    const wait = data.throttle - (performance.now() - s.sent);
    if (wait <= 0 && !busy()) send();
    else s.timer = setTimeout(soon, Math.max(wait, 40));
  };
  input.onpointerdown = () => { s.dragging = true; };
  input.onpointerup = input.onpointercancel = () => { s.dragging = false; };
  input.oninput = () => { write(input.value); if (!s.timer) soon(); };
  input.onchange = () => { s.dragging = false; send(); };
  return () => clearTimeout(s.timer);
}
"""

_component = st.components.v2.component("effnet_live_slider", html=_HTML, css=_CSS, js=_JS)


def live_slider(
    label: str, low: float, high: float, value: float, step: float, *, key: str, digits: int = 2
) -> float:
    """The value now; a change reruns the fragment it stands in (or the page) at most 8 times a second."""
    sent = session.component_value(key, "value")
    now = float(sent) if _sane(sent, low, high) else value
    data = {
        "label": label, "min": low, "max": high, "step": step, "value": now, "digits": digits,
        "throttle": 120,
    }  # fmt: skip
    _component(key=key, data=data, on_value_change=lambda: None)
    return now


def _sane(value: object, low: float, high: float) -> bool:
    """Any client can send anything; NaN fails both comparisons."""
    return isinstance(value, (int, float)) and low <= value <= high
