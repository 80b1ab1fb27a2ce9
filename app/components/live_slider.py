"""A slider that answers while it is dragged; Streamlit's own sends only when it is let go.

A drag reports `value` at most eight times a second; letting go (or a key) reports `released` once, so
that the address of the page takes one entry of the browser's history, not one for every step.
"""

from __future__ import annotations

from collections.abc import Callable

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
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
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
  input.onchange = () => {
    s.dragging = false;
    clearTimeout(s.timer);
    s.timer = null;
    setTriggerValue('released', Number(input.value));
  };
  return () => clearTimeout(s.timer);
}
"""

_component = st.components.v2.component("effnet_live_slider", html=_HTML, css=_CSS, js=_JS)


def live_slider(
    label: str, low: float, high: float, value: float, step: float, *, key: str, digits: int = 2,
    on_drag: Callable[[float], None], on_release: Callable[[float], None],
) -> None:  # fmt: skip
    """Draw it at `value`; the callbacks run before the rerun that a movement causes.

    That is a rerun of the fragment in which the slider stands, or of the page.
    """
    data = {
        "label": label, "min": low, "max": high, "step": step, "value": value, "digits": digits,
        "throttle": 120,
    }  # fmt: skip
    _component(
        key=key, data=data, on_value_change=session.on_number(key, "value", low, high, on_drag),
        on_released_change=session.on_number(key, "released", low, high, on_release),
    )  # fmt: skip
