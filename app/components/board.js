// The slider of phi and all that follows from it, in one piece, so that a step is one message.
const boards = new WeakMap();   // range input -> what is going on with it

function make(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function showFigures(list, figures) {
  list.replaceChildren(...figures.map(([label, value, note]) => {
    const cell = make("div");
    cell.append(make("dt", label), make("dd", value, "value"), make("dd", note, "note"));
    return cell;
  }));
}

function showMap(stage, data) {
  const svg = document.importNode(new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement, true);
  svg.querySelectorAll("script, foreignObject, image, a[href], title").forEach((n) => n.remove());
  const natural = svg.viewBox.baseVal.width;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", data.map_label);
  svg.style.width = "100%";
  svg.style.minWidth = Math.round(natural * 0.8) + "px";
  svg.style.maxWidth = Math.round(natural * 1.35) + "px";
  const left = stage.scrollLeft;
  stage.replaceChildren(svg);
  stage.scrollLeft = left;
}

function showTable(table, rows) {
  table.replaceChildren(...rows.map((row, i) => {
    const line = make("tr");
    row.forEach(([asked, real], j) => {
      const cell = make(i === 0 || j === 0 ? "th" : "td");
      if (asked) cell.append(make("span", asked + " → ", "asked"));
      cell.append(i === 0 || j === 0 ? real : make("b", real));
      line.append(cell);
    });
    return line;
  }));
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const input = find("input"), output = find("output"), marks = find(".marks");
  find("label").textContent = data.label;
  input.setAttribute("aria-label", data.name);
  Object.assign(input, { min: data.min, max: data.max, step: data.step });
  if (!marks.childElementCount) {
    for (let v = Math.ceil(data.min); v <= data.max; v++) {
      const mark = make("span", v);
      mark.style.left = (100 * (v - data.min)) / (data.max - data.min) + "%";
      marks.append(mark);
    }
  }
  let s = boards.get(input);
  if (!s) { s = { sent: 0, timer: null, dragging: false }; boards.set(input, s); }
  const write = (v) => { output.textContent = Number(v).toFixed(2); };
  if (!s.dragging) { input.value = data.value; write(data.value); }
  showFigures(find(".figures"), data.figures);
  find(".frame").hidden = !data.svg;
  if (data.svg) showMap(find(".stage"), data);
  find(".hint").textContent = data.hint;
  showTable(find("table"), data.table);
  find(".below").textContent = data.below;

  const send = () => {
    clearTimeout(s.timer);
    s.timer = null;
    s.sent = performance.now();
    setStateValue("value", Number(input.value));
  };
  input.onpointerdown = () => { s.dragging = true; };
  input.onpointercancel = () => { s.dragging = false; };
  input.oninput = () => {
    write(input.value);
    if (!s.dragging) return;                      // a key: `onchange` follows at once
    const wait = data.throttle - (performance.now() - s.sent);
    if (wait <= 0) send();
    else if (!s.timer) s.timer = setTimeout(send, wait);
  };
  input.onchange = () => {
    s.dragging = false;
    clearTimeout(s.timer);
    s.timer = null;
    setTriggerValue("released", Number(input.value));
  };
}
