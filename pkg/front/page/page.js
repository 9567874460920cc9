// What the page can do beyond its form: several pictures by drop, paste or choice,
// each with a thumbnail, the size that will come out, progress and a before/after
// slider. What is known of a job is drawn by the server: this puts its list items
// in place as they change.

import { cropped, goal } from "./geometry.js";
import { zip } from "./zip.js";

const $ = (id) => document.getElementById(id);
const words = JSON.parse($("words").textContent);
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

// query returns the words of the form's fields. A field is left out when it is empty,
// or when none of the words it belongs to (data-of) is asked for.
function query() {
  const value = (e) => e.type === "checkbox" && !e.checked ? "" : e.value.trim();
  return Array.from(form.elements)
    .filter((e) => e.name && e.type !== "file" && value(e) && !(e.dataset.of && !e.dataset.of.split(" ").some((of) => value($(of)))))
    .map((e) => `${e.name}=${encodeURIComponent(value(e))}`).join("&");
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
      showSize(card);
    };
    img.onerror = () => { card.blind = true; card.pic.remove(); showSize(card); };
    img.src = card.url;
    card.pic.append(img);
    card.size = make("p", { className: "size" });
    card.error = make("p", { className: "error" });
    card.remove = make("button", { type: "button", textContent: words.remove, ariaLabel: `${words.remove}: ${card.name}` });
    card.remove.onclick = () => { forget(card); form.querySelector("#image").focus(); };
    card.item = make("li", { className: "job" }, card.pic, make("h2", { textContent: card.name }), card.size, card.error,
      make("div", { className: "actions" }, card.remove));
    card.item.dataset.state = "ready";
    list.append(card.item);
    ready.push(card);
  }
  if (files.length) tell(`${ready.length} ${words.chosen}`);
}

function forget(card) {
  if (ready.includes(card)) ready.splice(ready.indexOf(card), 1);
  URL.revokeObjectURL(card.url);
  card.item.remove();
}

// showSize writes the size of a picture and the one that will come out.
function showSize(card) {
  if (card.blind) {
    card.size.textContent = words.nopreview;
    return;
  }
  if (!card.w) return;
  const to = result(card.w, card.h);
  card.size.textContent = `${card.w} × ${card.h}` + (to ? ` → ${to[0]} × ${to[1]}` : "");
}

// result returns the size that a picture of w × h gets by what the form says.
function result(w, h) {
  const crop = $("crop").value.trim(), scale = $("scale").value.trim();
  const part = crop === "" ? [w, h] : cropped(crop, w, h);
  return part && (scale === "" ? part : goal(scale, ...part, $("fit").value, $("enlarge").value));
}

function scaleChanged() {
  const word = $("scale").value.trim();
  const bad = word !== "" && !goal(word, 1000, 1000, $("fit").value, $("enlarge").value);
  $("scale").setAttribute("aria-invalid", bad);
  $("scale-hint").textContent = bad ? words.badsize : hint;
  ready.forEach(showSize);
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
  const ops = query();
  for (const card of ready.splice(0)) {
    card.ops = ops;
    card.id = newID();
    card.bar = make("progress", { max: 1, value: 0, ariaLabel: `${words.upload}: ${card.name}` });
    card.item.dataset.state = "uploading";
    card.item.querySelector(".actions").remove();
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
    r.setRequestHeader("Accept", "application/json");
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
      for (const item of page.querySelectorAll("#jobs > .job")) news = show(item) || news;
      if (news) pause = 150;
    } catch {
      tell(words.away);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
  watching = false;
}

const pending = () => Array.from(list.children).filter((e) => e.id && !["done", "failed", "gone", "unknown"].includes(e.dataset.state)).map((e) => e.id);

// show replaces the page's item of a job by the one that the server sent.
function show(item) {
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
  $("all").hidden = list.querySelectorAll('[data-state="done"]').length < 2;
  return true;
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
  focus?.focus();
});

// --- the form

let hint = "";
$("zip").onclick = downloadAll;
if (form) {
  hint = $("scale-hint").textContent;
  const image = $("image"), drop = $("drop");
  image.required = false;
  $("percent").hidden = $("drop-hint").hidden = false;
  image.addEventListener("change", () => { add(image.files); image.value = ""; });
  form.addEventListener("submit", (e) => { e.preventDefault(); send(); });
  for (const id of ["scale", "crop", "fit", "enlarge"]) $(id).addEventListener("input", scaleChanged);
  $("percent").addEventListener("input", () => {
    $("scale").value = $("percent").value === "100" ? "" : $("percent").value + "%";
    scaleChanged();
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (e) => { e.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (e) => { e.preventDefault(); drop.classList.remove("over"); add(e.dataTransfer.files); });
  document.addEventListener("paste", (e) => { if (e.clipboardData.files.length) { e.preventDefault(); add(e.clipboardData.files); } });
}
$("all").hidden = list.querySelectorAll('[data-state="done"]').length < 2;
watch();
