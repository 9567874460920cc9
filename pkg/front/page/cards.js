// The cards of chosen pictures. A card is ready, then uploading, then refused, from where
// it is sent again, or a job: queued, running, done or failed. Its state stands in the
// data-state of its list item. When a job has ended, the server draws its item
// (watch.js); the card keeps its own, to send the picture again.

import { Frame } from "./crop.js";
import { $, form, list, make, tell, words, know } from "./dom.js";
import { goals, part } from "./geometry.js";
import { asked, curl, imgput } from "./request.js";

export const cards = new Set();
const state = (card) => card.item.dataset.state;

// unsent returns the cards that the button sends.
export const unsent = () => Array.from(cards).filter((card) => ["ready", "refused"].includes(state(card)));

// setState moves a card to another state. What can be chosen for a picture can't be
// changed while that is on its way.
export function setState(card, to) {
  card.item.dataset.state = to;
  card.choice.hidden = card.shell.hidden = !["ready", "refused"].includes(to);
  card.retry.hidden = to !== "refused";
  card.progress.hidden = !["uploading", "queued", "running"].includes(to);
  card.pic.inert = card.choice.hidden;
}

// add makes a card for each file. again sends a card, discard takes it away from the
// server.
export function add(files, again, discard) {
  const all = document.createDocumentFragment();
  for (const file of files) {
    const card = newCard(file);
    card.retry.onclick = () => { again(card); card.remove.focus(); };
    card.remove.onclick = () => { discard(card); forget(card); $("image").focus(); };
    cards.add(card);
    all.append(card.item);
  }
  list.append(all);
  if (files.length) tell(`${unsent().length} ${words.chosen}`);
  changed();
}

function newCard(file) {
  const card = { file, name: file.name || "picture", url: URL.createObjectURL(file) };
  const button = (text) => make("button", { type: "button", textContent: text, ariaLabel: `${text}: ${card.name}` });
  const img = make("img", { alt: "", loading: "lazy", decoding: "async" });
  card.pic = make("div", { className: "pic" }, img);
  img.onload = () => {
    card.w = img.naturalWidth;
    card.h = img.naturalHeight;
    choosePart(card, button(words.cut), button(words.whole));
    show(card, asked(form));
  };
  img.onerror = () => { card.blind = true; card.pic.remove(); show(card, asked(form)); };
  img.src = card.url;
  card.size = make("p", { className: "size" });
  card.error = make("p", { className: "error" });
  card.bar = make("progress", { max: 1, value: 0, ariaLabel: `${words.upload}: ${card.name}` });
  card.stage = make("b", { textContent: words.upload });
  card.progress = make("div", {}, make("p", { className: "state" }, card.stage), make("p", {}, card.bar));
  card.retry = button(words.retry);
  card.remove = button(words.remove);
  card.choice = make("div", { className: "choice" });
  card.actions = make("div", { className: "actions" }, card.choice, card.retry, card.remove);
  card.shell = $("shell").cloneNode(true);
  card.shell.removeAttribute("id");
  card.item = card.own = make("li", { className: "job" }, card.pic, make("h2", { textContent: card.name }),
    card.size, card.error, card.progress, card.actions, card.shell);
  setState(card, "ready");
  return card;
}

// forget removes a card. An upload of its picture ends.
export function forget(card) {
  cards.delete(card);
  card.request?.abort();
  URL.revokeObjectURL(card.url);
  card.item.remove();
  changed();
}

// choosePart lets a part of a picture be chosen on its preview. It holds for this
// picture alone; the form's crop is for those without.
function choosePart(card, cut, whole) {
  card.frame = new Frame(card.pic, card.w, card.h, `${words.frame}: ${card.name}`);
  cut.onclick = () => card.frame.begin();
  whole.hidden = true;
  whole.onclick = () => card.frame.set(null);
  const field = make("input", { className: "crop", spellcheck: false, autocomplete: "off", ariaLabel: `${words.part}: ${card.name}` });
  field.oninput = () => {
    const p = part(field.value.trim(), card.w, card.h);
    const good = p?.x !== undefined;
    field.setAttribute("aria-invalid", !good);
    if (good) card.frame.set(p);
  };
  field.onchange = () => { field.value = card.frame.word; field.setAttribute("aria-invalid", false); };
  const line = make("p", { hidden: true }, field);
  card.frame.onchange = (lost) => {
    const away = lost || document.activeElement === whole;
    cut.hidden = !(whole.hidden = line.hidden = !card.frame.part);
    if (document.activeElement !== field) field.value = card.frame.word;
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
  card.choice.append(line, cut, whole);
}

// sized returns the sizes that a word of scale gives a w × h picture in this form, or null
// when the word is none.
const sized = (word, w, h) => goals(word, w, h, $("fit").value, $("enlarge").checked ? "0" : "");

// goal returns the sizes that a picture will get, and the part that is cut out of it.
function goal(card) {
  const crop = card.frame.word || $("crop").value.trim(), scale = $("scale").value.trim();
  const cut = crop === "" ? { w: card.w, h: card.h } : part(crop, card.w, card.h);
  const to = cut && (scale === "" ? [[cut.w, cut.h]] : sized(scale, cut.w, cut.h));
  return { cut, to };
}

// show writes what will become of a picture: its size, the part, the lines of shell that
// do the same. ops is what the form asks for.
function show(card, ops) {
  lines(card.shell, card.frame?.part ? asked(form, card.frame.word) : ops, card.name);
  if (card.blind) card.size.textContent = words.nopreview;
  if (!card.frame) return;
  const { cut, to } = goal(card);
  card.size.textContent = `${card.w} × ${card.h}` + (to ? ` → ${to.map((size) => size.join(" × ")).join(", ")}` : "");
  if (!card.frame.part) card.frame.show(cut?.x !== undefined ? cut : null);
  const at = /^([\d.]+)%,([\d.]+)%$/.exec($("point").value.trim());
  card.frame.point($("at-point").checked && at ? { x: at[1] / 100, y: at[2] / 100 } : null);
}

function lines(shell, ops, name) {
  shell.querySelector(".curl").textContent = curl(ops, name, know);
  shell.querySelector(".imgput").textContent = imgput(ops, name, know);
}

const hint = $("scale-hint")?.textContent;

// changed shows what a change in the form means.
export function changed() {
  const word = $("scale").value.trim(), crop = $("crop").value.trim();
  const bad = word !== "" && !sized(word, 1000, 1000);
  $("scale").setAttribute("aria-invalid", bad);
  $("scale-hint").textContent = bad ? words.badsize : hint;
  $("crop").setAttribute("aria-invalid", crop !== "" && !part(crop, 268435455, 268435455));
  const chosen = unsent(), first = chosen[0], ops = asked(form);
  lines($("shell"), first?.frame?.part ? asked(form, first.frame.word) : ops, first?.name || "picture.jpg");
  $("shell").hidden = false;
  for (const card of chosen) show(card, ops);
  if (document.activeElement !== $("percent")) slide(word, chosen.find((card) => card.frame));
}

// slide moves the slider to the size that was typed: to the factor, else to how wide the
// first picture becomes.
function slide(word, card) {
  const whole = 100000;
  const factor = word === "" ? 1 : goals(/^[^x,]*$/.test(word) ? word : "", whole, whole)?.[0][0] / whole;
  const to = factor || card && goal(card).to?.[0][0] / (goal(card).cut?.w || 1);
  if (to) $("percent").value = Math.max(1, Math.min(100, Math.round(to * 100)));
}
