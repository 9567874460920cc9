// What the page can do beyond its form: several pictures by drop, paste or choice,
// each with a thumbnail on which a part can be chosen, the sizes that will come out,
// progress and a before/after slider, and the lines of shell that do the same. What is
// known of a job is drawn by the server: this puts its list items in place as they
// change.

import { Frame } from "./crop.js";
import { goals, part } from "./geometry.js";
import { asked, curl, imgput, query } from "./request.js";
import { unique, zip } from "./zip.js";

const $ = (id) => document.getElementById(id);
const words = JSON.parse($("words").textContent);
const know = words.know; // of imgd: flags of imgput, extensions of formats, whether a token is needed
const form = $("send"), list = $("jobs");
const cards = new Map(); // id: card, for those being uploaded, worked on or done
const ready = []; // cards to be sent
const mostUploads = 3;
const mostShown = 1000; // on one page of the server

const tell = (text) => { $("news").textContent = text; };
const make = (tag, props = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};

// An id is 26 letters of 5 random bits each, as imgd(8) has it.
function newID() {
  const b = crypto.getRandomValues(new Uint8Array(26));
  return Array.from(b, (v) => "abcdefghijklmnopqrstuvwxyz234567"[v & 31]).join("");
}

// --- choosing

function add(files) {
  for (const file of files) {
    const card = { file, name: file.name || "picture", url: URL.createObjectURL(file) };
    card.pic = make("div", { className: "pic" });
    const img = make("img", { alt: "" });
    img.onload = () => {
      card.w = img.naturalWidth;
      card.h = img.naturalHeight;
      choosePart(card);
      show(card);
    };
    img.onerror = () => { card.blind = true; card.pic.remove(); show(card); };
    img.src = card.url;
    card.pic.append(img);
    card.size = make("p", { className: "size" });
    card.error = make("p", { className: "error" });
    card.remove = make("button", { type: "button", textContent: words.remove, ariaLabel: `${words.remove}: ${card.name}` });
    card.remove.onclick = () => { forget(card); form.querySelector("#image").focus(); };
    card.actions = make("div", { className: "actions" }, card.remove);
    card.shell = $("shell").cloneNode(true);
    card.shell.removeAttribute("id");
    card.item = make("li", { className: "job" }, card.pic, make("h2", { textContent: card.name }), card.size, card.error, card.actions, card.shell);
    card.item.dataset.state = "ready";
    list.append(card.item);
    ready.push(card);
    show(card);
  }
  if (files.length) tell(`${ready.length} ${words.chosen}`);
  changed();
}

function forget(card) {
  if (ready.includes(card)) ready.splice(ready.indexOf(card), 1);
  URL.revokeObjectURL(card.url);
  card.item.remove();
  changed();
}

// choosePart lets a part of a picture be chosen on its preview. It holds for this
// picture alone; the form's crop is for those without.
function choosePart(card) {
  card.frame = new Frame(card.pic, card.w, card.h, `${words.frame}: ${card.name}`);
  const cut = make("button", { type: "button", textContent: words.cut, ariaLabel: `${words.cut}: ${card.name}` });
  cut.onclick = () => card.frame.begin();
  const whole = make("button", { type: "button", textContent: words.whole, ariaLabel: `${words.whole}: ${card.name}`, hidden: true });
  whole.onclick = () => card.frame.set(null);
  card.field = make("input", { className: "crop", spellcheck: false, autocomplete: "off", ariaLabel: `${words.part}: ${card.name}` });
  card.field.oninput = () => {
    const p = part(card.field.value.trim(), card.w, card.h);
    const good = p?.x !== undefined;
    card.field.setAttribute("aria-invalid", !good);
    if (good) card.frame.set(p);
  };
  card.field.onchange = () => { card.field.value = card.frame.word; card.field.setAttribute("aria-invalid", false); };
  const line = make("p", { hidden: true }, card.field);
  card.frame.onchange = (lost) => {
    const away = lost || document.activeElement === whole;
    cut.hidden = !(whole.hidden = line.hidden = !card.frame.part);
    if (document.activeElement !== card.field) card.field.value = card.frame.word;
    if (away) cut.focus();
    changed();
    tell(`${card.name}: ${card.size.textContent}`);
  };
  card.frame.onpoint = ({ x, y }) => {
    if (!$("at-point").checked) return;
    $("point").value = `${x}%,${y}%`;
    changed();
    tell(`${words.point}: ${$("point").value}`);
  };
  card.actions.prepend(cut, whole);
  card.actions.before(line);
}

// sized returns the sizes that a word of scale gives a w × h picture in this form, or null
// when the word is none.
const sized = (word, w, h) => goals(word, w, h, $("fit").value, $("enlarge").checked ? "0" : "");

// show writes what will become of a picture: its size, the part, the lines of shell.
function show(card) {
  lines(card.shell, card);
  if (card.blind) card.size.textContent = words.nopreview;
  if (!card.frame) return;
  const crop = card.frame.word || $("crop").value.trim();
  const cut = crop === "" ? { x: 0, y: 0, w: card.w, h: card.h } : part(crop, card.w, card.h);
  const scale = $("scale").value.trim();
  const to = cut && (scale === "" ? [[cut.w, cut.h]] : sized(scale, cut.w, cut.h));
  card.size.textContent = `${card.w} × ${card.h}` + (to ? ` → ${to.map((size) => size.join(" × ")).join(", ")}` : "");
  if (!card.frame.part) card.frame.show(crop !== "" && cut?.x !== undefined ? cut : null);
  const at = /^([\d.]+)%,([\d.]+)%$/.exec($("point").value.trim());
  card.frame.point($("at-point").checked && at ? { x: at[1] / 100, y: at[2] / 100 } : null);
}

// lines writes the lines of shell that do with a picture what the form asks for.
function lines(shell, card) {
  const ops = asked(form, card?.frame?.word);
  shell.querySelector(".curl").textContent = curl(ops, card?.name || "picture.jpg", know);
  shell.querySelector(".imgput").textContent = imgput(ops, card?.name || "picture.jpg", know);
  shell.hidden = false;
}

// changed shows what a change in the form means.
function changed() {
  const word = $("scale").value.trim();
  const bad = word !== "" && !sized(word, 1000, 1000);
  $("scale").setAttribute("aria-invalid", bad);
  $("scale-hint").textContent = bad ? words.badsize : hint;
  const crop = $("crop").value.trim();
  $("crop").setAttribute("aria-invalid", crop !== "" && !part(crop, 268435455, 268435455));
  lines($("shell"), ready[0]);
  ready.forEach(show);
}

// --- sending

let sending = 0;
const waiting = [];

function send() {
  if (ready.length === 0) {
    tell(words.none);
    $("image").focus();
    return;
  }
  for (const card of ready.splice(0)) {
    card.ops = query(asked(form, card.frame?.word));
    card.frame?.end();
    card.field?.parentNode.remove();
    card.id = newID();
    card.bar = make("progress", { max: 1, value: 0, ariaLabel: `${words.upload}: ${card.name}` });
    card.item.dataset.state = "uploading";
    card.actions.remove();
    card.shell.remove();
    card.item.append(make("p", { className: "state", textContent: words.upload }), make("p", {}, card.bar));
    waiting.push(card);
  }
  next();
}

function next() {
  while (sending < mostUploads && waiting.length) {
    sending++;
    upload(waiting.shift()).finally(() => { sending--; next(); });
  }
}

// upload sends one picture. To send it again is harmless, as it has its id: so
// that is done when the server has no room now, and when the connection is lost.
async function upload(card) {
  for (let tries = 1; ; tries++) {
    const r = await put(card);
    if (r.status === 202 && r.response) break;
    const again = r.status === 503 || r.status === 507 || r.status === 0;
    if (!again || tries === 20) {
      card.item.dataset.state = "refused";
      const e = r.response || {};
      card.error.replaceChildren(words.kinds[e.kind] || words.away, " ", make("span", { lang: "en" }, e.detail || `${r.status} ${r.statusText}`));
      card.bar.parentNode.previousSibling.remove();
      card.bar.parentNode.remove();
      tell(`${card.name}: ${card.error.textContent}`);
      return;
    }
    card.error.textContent = r.status ? words.busy : words.away;
    const pause = Number(r.getResponseHeader("Retry-After")) || Math.min(tries, 10);
    await new Promise((done) => setTimeout(done, pause * (900 + Math.random() * 200)));
  }
  card.error.textContent = "";
  card.bar.value = 1;
  card.item.id = card.id;
  cards.set(card.id, card);
  history.replaceState(null, "", "/?" + Array.from(list.children).filter((e) => e.id).slice(-mostShown).map((e) => "j=" + e.id).join("&"));
  watch();
}

function put(card) {
  return new Promise((done) => {
    const r = new XMLHttpRequest();
    r.open("PUT", `/jobs/${card.id}?${card.ops}${card.ops ? "&" : ""}name=${encodeURIComponent(card.name)}`);
    r.setRequestHeader("Accept", "application/json, image/webp"); // the second is for format=auto
    r.responseType = "json"; // null when it is none
    r.upload.onprogress = (e) => { if (e.lengthComputable) card.bar.value = e.loaded / e.total; };
    r.onloadend = () => done(r);
    r.send(card.file);
  });
}

// --- watching

let watching = false;

// watch asks for all pending jobs at once until there are none.
async function watch() {
  if (watching) return;
  watching = true;
  for (let pause = 150; ; pause = Math.min(pause * 1.3, 2000)) {
    const ids = pending().slice(0, 200);
    if (ids.length === 0) break;
    try {
      const r = await fetch("/?" + ids.map((id) => "j=" + id).join("&"), { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await r.text(), "text/html");
      let news = false;
      for (const item of page.querySelectorAll("#jobs > .job")) news = replace(item) || news;
      if (news) pause = 150;
    } catch {
      tell(words.away);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
  watching = false;
}

const pending = () => Array.from(list.children).filter((e) => e.id && !["done", "failed", "gone", "unknown"].includes(e.dataset.state)).map((e) => e.id);

// replace puts in place of the page's item of a job the one that the server sent.
function replace(item) {
  const card = cards.get(item.id), old = $(item.id);
  if (!old || item.outerHTML === (card ? card.last : old.outerHTML)) return false;
  const focused = old.contains(document.activeElement);
  const name = item.querySelector("h2").textContent, after = item.querySelector(".pic img");
  if (card) {
    card.last = item.outerHTML;
    card.item = item;
    item.querySelector(".pic")?.remove();
    if (after && !card.blind) item.prepend(...compare(card, after));
    else if (after) item.prepend(make("div", { className: "pic" }, after));
    else if (!card.blind) item.prepend(card.pic);
  }
  old.replaceWith(item);
  if (focused) item.querySelector("a, button")?.focus();
  if (old.dataset.state !== item.dataset.state && ["done", "failed"].includes(item.dataset.state)) {
    tell(`${name}: ${item.querySelector(item.dataset.state === "failed" ? ".error" : ".state b").textContent}`);
  }
  finished();
  return true;
}

// finished shows what concerns all results together: the button for their archive, and
// the lines of srcset with the names that the files have in it.
function finished() {
  const links = Array.from(list.querySelectorAll("a[download]"));
  $("all").hidden = links.length < 2;
  const names = new Map(unique(links.map((a) => a.download)).map((name, i) => [links[i], name]));
  for (const line of list.querySelectorAll(".srcset")) line.textContent = srcset(Array.from(line.closest(".job").querySelectorAll("a[data-width]")), names);
}

// srcset returns the line of HTML for several sizes. Of those of one width it has the
// first.
function srcset(links, names) {
  const widths = new Map(links.toReversed().map((a) => [Number(a.dataset.width), a]));
  const url = (a) => encodeURIComponent(names.get(a)).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
  const parts = links.filter((a) => widths.get(Number(a.dataset.width)) === a).map((a) => `${url(a)} ${a.dataset.width}w`);
  return `<img src="${url(widths.get(Math.max(...widths.keys())))}" srcset="${parts.join(", ")}" alt="">`;
}

// compare returns a picture that shows the one before left of a line and the one
// after right of it, and the slider that moves the line.
function compare(card, after) {
  const before = make("img", { src: card.url, alt: `${words.before}: ${card.name}` });
  const pic = make("div", { className: "pic compare" }, before,
    make("div", { className: "cut" }, after), make("div", { className: "edge" }));
  const slider = make("input", { type: "range", min: 0, max: 100, value: 50, ariaLabel: `${words.slider}: ${card.name}` });
  slider.oninput = () => pic.style.setProperty("--cut", slider.value + "%");
  const ends = make("div", { className: "ends" }, make("span", { textContent: words.before }), make("span", { textContent: words.after }));
  ends.ariaHidden = "true";
  return [pic, slider, ends];
}

// --- downloading, deleting

async function downloadAll() {
  $("zip").disabled = true;
  try {
    const files = await Promise.all(Array.from(list.querySelectorAll("a[download]"), async (a) => {
      const r = await fetch(a.href);
      if (!r.ok) throw new Error(`${a.download}: ${r.status}`);
      return { name: a.download, blob: await r.blob() };
    }));
    const url = URL.createObjectURL(await zip(files));
    make("a", { href: url, download: "pictures.zip" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    tell(`${files.length} ${words.zipped}`);
  } catch (e) {
    tell(e.message);
  }
  $("zip").disabled = false;
}

list.addEventListener("submit", async (e) => {
  e.preventDefault();
  const item = e.target.closest(".job");
  const r = await fetch(e.target.action, { method: "POST", headers: { Accept: "text/plain" } });
  if (!r.ok && r.status !== 404 && r.status !== 410) {
    tell(await r.text());
    return;
  }
  tell(`${item.querySelector("h2").textContent}: ${words.deleted}`);
  if (cards.has(item.id)) URL.revokeObjectURL(cards.get(item.id).url);
  cards.delete(item.id);
  const focus = (item.nextElementSibling || item.previousElementSibling)?.querySelector("a, button") || $("image");
  item.remove();
  finished();
  focus?.focus();
});

// --- the form

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

let hint = "";
$("zip").onclick = downloadAll;
if (form) {
  hint = $("scale-hint").textContent;
  const image = $("image"), drop = $("drop");
  image.required = false;
  $("percent").hidden = $("drop-hint").hidden = false;
  image.addEventListener("change", () => { add(image.files); image.value = ""; });
  form.addEventListener("submit", (e) => { e.preventDefault(); send(); });
  $("point").addEventListener("input", () => { $("at-point").checked = true; });
  form.addEventListener("input", changed);
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
  document.addEventListener("drop", (e) => { e.preventDefault(); drop.classList.remove("over"); add(e.dataTransfer.files); });
  document.addEventListener("paste", (e) => { if (e.clipboardData.files.length) { e.preventDefault(); add(e.clipboardData.files); } });
}
finished();
watch();
