// Takes a picture from the clipboard, makes it at most max_side px in the browser, sends a PNG or JPEG.
const last = new WeakMap();
export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const zone = parentElement.querySelector(".zone");
  if (!zone || !data) return;
  const say = (text, bad) => { zone.textContent = text; zone.classList.toggle("bad", Boolean(bad)); };
  if (!zone.textContent) say(data.label);
  const take = async (file) => {
    try {
      const bitmap = await createImageBitmap(file);
      const scale = Math.min(1, data.max_side / Math.max(bitmap.width, bitmap.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(bitmap.width * scale));
      canvas.height = Math.max(1, Math.round(bitmap.height * scale));
      const pen = canvas.getContext("2d");
      pen.fillStyle = "white";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      say(`Pasted ${bitmap.width} × ${bitmap.height} px. Paste again to replace or add.`);
      setTriggerValue("pasted", canvas.toDataURL("image/jpeg", 0.93));
    } catch (error) {
      say("That is not a picture the browser can read. Copy a picture and paste again.", true);
    }
  };
  const onPaste = (event) => {
    const items = [...(event.clipboardData?.items || [])];
    const item = items.find((i) => i.kind === "file" && i.type.startsWith("image/"));
    if (!item) return;
    event.preventDefault();
    take(item.getAsFile());
  };
  if (last.has(zone)) document.removeEventListener("paste", last.get(zone));
  document.addEventListener("paste", onPaste);
  last.set(zone, onPaste);
  zone.onclick = async () => {
    if (!navigator.clipboard?.read) { say("Press Ctrl+V or ⌘V to paste a picture."); return; }
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((t) => t.startsWith("image/"));
        if (type) { take(await item.getType(type)); return; }
      }
      say("There is no picture in the clipboard. Copy one first.", true);
    } catch (error) { say("Press Ctrl+V or ⌘V to paste a picture."); }
  };
  return () => { document.removeEventListener("paste", last.get(zone)); last.delete(zone); };
}
