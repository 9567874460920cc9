// What the page can do beyond its form: several pictures by drop, paste or choice, each
// with a thumbnail on which a part can be chosen (cards.js), the sizes that will come
// out, uploads with progress (upload.js), results as they come (watch.js) and all of
// them in one archive (results.js).

import { add, changed } from "./cards.js";
import { $, form, list } from "./dom.js";
import { discard, downloadAll, finished, remove } from "./results.js";
import { forgetAll, recall, remember } from "./settings.js";
import { send, sendAll } from "./upload.js";
import { watch } from "./watch.js";

const watchAll = () => watch(again);
const again = (card) => { remember(); send([card], watchAll); };
const choose = (files) => add(Array.from(files), again, discard);

// moveInGrid moves by rows with the arrows up and down. Browsers would go through the
// radio buttons one by one.
function moveInGrid(e) {
  const cells = Array.from(document.querySelectorAll(".grid input"));
  const step = { ArrowUp: -3, ArrowDown: 3 }[e.key], to = cells[cells.indexOf(e.target) + step];
  if (!step || !to) return;
  e.preventDefault();
  to.focus();
  to.click();
}

function startForm() {
  const image = $("image"), drop = $("drop");
  image.required = false;
  for (const id of ["percent", "drop-hint", "reset"]) $(id).hidden = false;
  image.addEventListener("change", () => { choose(image.files); image.value = ""; });
  form.addEventListener("submit", (e) => { e.preventDefault(); remember(); sendAll(watchAll); });
  form.addEventListener("reset", () => { forgetAll(); setTimeout(changed); }); // the fields change after this event
  form.addEventListener("input", changed);
  $("point").addEventListener("input", () => { $("at-point").checked = true; changed(); });
  document.querySelector(".grid").addEventListener("keydown", moveInGrid);
  addEventListener("pageshow", changed); // with what the browser has filled in again
  $("percent").addEventListener("input", () => {
    $("scale").value = $("percent").value === "100" ? "" : $("percent").value + "%";
    changed();
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (e) => { e.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (e) => { e.preventDefault(); drop.classList.remove("over"); choose(e.dataTransfer.files); });
  document.addEventListener("paste", (e) => { if (e.clipboardData.files.length) { e.preventDefault(); choose(e.clipboardData.files); } });
  recall();
  changed();
}

if (form) startForm();
$("zip").onclick = downloadAll;
list.addEventListener("submit", remove);
finished();
watchAll();
