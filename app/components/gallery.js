// Thumbnails to choose from; a small cross takes one away. Names come from visitors: textContent only.
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".gallery");
  if (!root || !data) return;
  root.setAttribute("aria-label", data.label);
  root.replaceChildren(...data.items.map((item) => {
    const cell = document.createElement("div");
    cell.className = "cell" + (data.selected.includes(item.id) ? " chosen" : "");
    const pick = document.createElement("button");
    pick.type = "button";
    pick.className = "pick";
    pick.title = item.label;
    pick.setAttribute("aria-label", item.label);
    pick.setAttribute("aria-pressed", data.selected.includes(item.id));
    const picture = document.createElement("img");
    picture.alt = "";
    if (/^data:image\/(png|jpeg);base64,/.test(item.src)) picture.src = item.src;
    pick.append(picture);
    pick.onclick = () => {
      root.querySelectorAll(".cell").forEach((c) => c.classList.toggle("chosen", c === cell));
      setTriggerValue("picked", item.id);
    };
    cell.append(pick);
    if (item.removable) {
      const cross = document.createElement("button");
      cross.type = "button";
      cross.className = "cross";
      cross.textContent = "×";
      cross.setAttribute("aria-label", "Remove " + item.label);
      cross.onclick = () => { cell.remove(); setTriggerValue("removed", item.id); };
      cell.append(cross);
    }
    return cell;
  }));
}
