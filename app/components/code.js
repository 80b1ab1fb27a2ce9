// Source code with some lines marked. The HTML is made by Pygments on the server from generated text.
const KEEP = new Set(["SPAN"]);

function line(html) {
  const doc = new DOMParser().parseFromString("<pre>" + html + "</pre>", "text/html");
  const row = document.createElement("span");
  row.className = "text";
  const copy = (from, to) => from.childNodes.forEach((n) => {
    if (n.nodeType === Node.TEXT_NODE) to.append(n.textContent);
    else if (KEEP.has(n.nodeName)) {
      const span = document.createElement("span");
      span.className = n.className;
      copy(n, span);
      to.append(span);
    }
  });
  copy(doc.querySelector("pre"), row);
  return row;
}

export default function (component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".code");
  if (!root || !data) return;
  if (root.dataset.id !== data.id) {
    root.dataset.id = data.id;
    root.replaceChildren(...data.lines.map((html, i) => {
      const row = document.createElement("div");
      row.className = "line";
      const number = document.createElement("span");
      number.className = "number";
      number.textContent = i + 1;
      row.append(number, line(html));
      return row;
    }));
    root.scrollTop = 0;
  }
  root.style.maxHeight = data.height + "px";
  root.setAttribute("aria-label", data.label);
  const rows = [...root.children];
  const marked = new Set(data.marked);
  rows.forEach((row, i) => row.classList.toggle("marked", marked.has(i + 1)));
  root.classList.toggle("some", marked.size > 0);
  const first = rows[Math.min(...data.marked) - 1];
  if (first) root.scrollTo({ top: first.offsetTop - 60, behavior: "smooth" });
  parentElement.querySelector(".name").textContent = data.name;
  const button = parentElement.querySelector(".copy");
  button.onclick = async () => {
    try { await navigator.clipboard.writeText(data.text); button.textContent = "Copied"; }
    catch (error) {
      const range = document.createRange();
      range.selectNodeContents(root);
      button.textContent = "Press Ctrl+C";
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  };
}
