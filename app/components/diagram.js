// Shows an SVG that the server laid out. Zoom changes the drawing's width inside a scrolling frame;
// dragging scrolls it. A click, a tap, Enter or Space on a node reports the node's name.
const NARROW = 640;            // px of frame below which the tall layout is used
const LARGEST = 1.35;          // a small drawing is not blown up beyond this
const state = new WeakMap();   // frame element -> what it shows
const groups = new Map();      // name -> what is zoomed and scrolled together
const LED = 150;               // ms in which a frame that follows another does not lead it

function parse(text, label) {
  const doc = new DOMParser().parseFromString(text, "image/svg+xml");
  const svg = document.importNode(doc.documentElement, true);
  svg.querySelectorAll("script, foreignObject, image, a[href]").forEach((n) => n.remove());
  const box = svg.viewBox.baseVal;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-label", label);
  return [svg, box.width, box.height];
}

function prepareNodes(svg, clickable) {
  const known = clickable && new Set(clickable);
  svg.querySelectorAll("g.node").forEach((node) => {
    const title = node.querySelector("title");
    node.dataset.name = title ? title.textContent : "";
    const words = [...node.querySelectorAll("text")].map((t) => t.textContent).join(", ");
    node.setAttribute("aria-label", words);
    if (title) title.remove();
    if (!known || known.has(node.dataset.name)) {
      node.setAttribute("role", "button");
      node.setAttribute("tabindex", "0");
    }
  });
  svg.querySelectorAll("title").forEach((t) => t.remove());
}

function mark(s) {
  s.svg.querySelectorAll("g.node").forEach((node) => {
    const name = node.dataset.name;
    const on = s.data.selected.includes(name);
    node.classList.toggle("chosen", on);
    if (node.getAttribute("role") === "button") node.setAttribute("aria-pressed", on);
    const tint = s.data.tints ? s.data.tints[name] : undefined;
    node.classList.toggle("tinted", tint !== undefined);
    if (tint !== undefined) node.style.setProperty("--tint", (tint * 100).toFixed(1));
  });
}

function fit(s) {
  const space = s.stage.clientWidth - 12;
  if (space <= 0) return;
  const least = s.data.least_scale;
  const base = Math.min(LARGEST, Math.max(least, space / s.width));
  s.svg.style.width = Math.round(s.width * base * s.zoom) + "px";
  const height = s.height * base;
  s.stage.style.maxHeight = Math.round(Math.max(height, 120) + 24) + "px";
}

function reveal(s) {
  const chosen = s.data.reveal
    ? [...s.svg.querySelectorAll("g.node")].find((n) => n.dataset.name === s.data.reveal)
    : s.svg.querySelector("g.node.chosen");
  if (!chosen || s.stage.scrollWidth <= s.stage.clientWidth + 1) return;
  const node = chosen.getBoundingClientRect();
  const frame = s.stage.getBoundingClientRect();
  if (node.left < frame.left || node.right > frame.right) {
    s.led = performance.now();
    s.stage.scrollLeft += node.left - frame.left - frame.width / 2 + node.width / 2;
  }
}

function show(s) {
  const narrow = s.stage.clientWidth > 0 && s.stage.clientWidth < NARROW;
  const text = narrow && s.data.svg_tall ? s.data.svg_tall : s.data.svg;
  if (text !== s.text) {
    [s.svg, s.width, s.height] = parse(text, s.data.label);
    prepareNodes(s.svg, s.data.clickable);
    s.text = text;
    const left = s.stage.scrollLeft;
    s.stage.replaceChildren(s.svg);
    fit(s);
    s.stage.scrollLeft = left;
  }
  mark(s);
  fit(s);
}

function others(s) {
  return [...(groups.get(s.data.together) || [])].filter((o) => o !== s);
}

function follow(s) {
  if (performance.now() - (s.led || 0) < LED) return;
  const share = s.stage.scrollLeft / Math.max(1, s.stage.scrollWidth - s.stage.clientWidth);
  others(s).forEach((o) => {
    o.led = performance.now();
    o.stage.scrollLeft = share * (o.stage.scrollWidth - o.stage.clientWidth);
  });
}

function setZoom(s, zoom) {
  const before = s.stage.scrollWidth;
  const middle = (s.stage.scrollLeft + s.stage.clientWidth / 2) / before;
  s.zoom = Math.min(4, Math.max(0.5, zoom));
  fit(s);
  s.stage.scrollLeft = middle * s.stage.scrollWidth - s.stage.clientWidth / 2;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const stage = parentElement.querySelector(".stage");
  if (!stage || !data || !data.svg) return;
  let s = state.get(stage);
  if (!s) {
    s = { stage, zoom: 1, text: null };
    state.set(stage, s);
    s.observer = new ResizeObserver(() => show(s));
    s.observer.observe(stage);
  }
  s.data = data;
  if (data.together) {
    if (!groups.has(data.together)) groups.set(data.together, new Set());
    groups.get(data.together).add(s);
  }
  parentElement.querySelector(".hint").textContent = data.hint || "";
  show(s);
  reveal(s);

  const pick = (node) => {
    if (!node || node.getAttribute("role") !== "button") return;
    s.data = { ...s.data, selected: [node.dataset.name] };
    mark(s);
    setTriggerValue("picked", node.dataset.name);
  };
  let from = null;
  let moved = false;
  stage.onpointerdown = (e) => {
    moved = false;
    if (e.pointerType !== "touch") from = { x: e.clientX, y: e.clientY, left: stage.scrollLeft, top: stage.scrollTop };
  };
  stage.onpointermove = (e) => {
    if (!from || e.buttons === 0) { from = null; return; }
    if (!moved && Math.hypot(e.clientX - from.x, e.clientY - from.y) < 5) return;
    moved = true;
    stage.classList.add("drag");
    stage.scrollLeft = from.left - (e.clientX - from.x);
    stage.scrollTop = from.top - (e.clientY - from.y);
  };
  stage.onpointerup = stage.onpointerleave = () => { from = null; stage.classList.remove("drag"); };
  stage.onclick = (e) => { if (!moved) pick(e.target.closest("g.node")); };
  stage.onkeydown = (e) => {
    if (e.key !== "Enter" && e.key !== " ") return;
    const node = e.target.closest("g.node");
    if (node) { e.preventDefault(); pick(node); }
  };
  stage.onwheel = (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    zoom(s.zoom * (e.deltaY > 0 ? 1 / 1.15 : 1.15));
  };
  stage.onscroll = () => follow(s);
  const zoom = (to) => [s, ...others(s)].forEach((one) => setZoom(one, to));
  parentElement.querySelectorAll(".buttons button").forEach((b) => {
    b.onclick = () => zoom(b.dataset.zoom === "fit" ? 1 : s.zoom * (b.dataset.zoom === "in" ? 1.3 : 1 / 1.3));
  });
  return () => {
    s.observer.disconnect();
    state.delete(stage);
    groups.get(s.data.together)?.delete(s);
  };
}
