// Uploads: several at once, each repeated when the server has no room or the connection
// is lost.

import { cards, changed, setState, unsent } from "./cards.js";
import { $, form, list, soon, tell, words } from "./dom.js";
import { asked, query } from "./request.js";

const mostUploads = 4; // a browser has six connections to a server
const mostTries = 20;
const mostShown = 1000; // jobs on one page of the server

// An id is 26 letters of 5 random bits each, as imgd(8) has it.
function newID() {
  const b = crypto.getRandomValues(new Uint8Array(26));
  return Array.from(b, (v) => "abcdefghijklmnopqrstuvwxyz234567"[v & 31]).join("");
}

const waiting = [];
let uploads = 0;

// uploading reports whether there are pictures that the server hasn't taken yet.
export const uploading = () => uploads > 0;

// send sends pictures as the form asks. taken is called when the server has one.
export function send(chosen, taken) {
  for (const card of chosen) {
    const ops = query(asked(form, card.frame?.word));
    // Under the same id the same request is harmless, however often it is sent.
    if (card.ops !== ops || card.failed) card.id = newID();
    Object.assign(card, { ops, failed: false });
    card.error.textContent = "";
    card.stage.textContent = words.upload;
    card.bar.value = 0;
    setState(card, "uploading");
    waiting.push(card);
  }
  changed();
  next(taken);
}

function next(taken) {
  while (uploads < mostUploads && waiting.length) {
    uploads++;
    upload(waiting.shift(), taken).finally(() => { uploads--; next(taken); });
  }
}

async function upload(card, taken) {
  for (let tries = 1; cards.has(card); tries++) {
    const r = await put(card);
    if (!cards.has(card)) return; // removed meanwhile
    if (r.status === 202 && r.response) {
      card.error.textContent = "";
      card.bar.removeAttribute("value");
      card.item.id = card.id;
      setState(card, "queued");
      card.stage.textContent = words.queued;
      located();
      taken();
      return;
    }
    const again = r.status === 503 || r.status === 507 || r.status === 0;
    if (!again || tries === mostTries) return refused(card, r);
    card.error.textContent = r.status ? words.busy : words.away;
    const pause = Number(r.getResponseHeader("Retry-After")) || Math.min(tries, 10);
    await new Promise((done) => setTimeout(done, pause * (900 + Math.random() * 200)));
  }
}

function refused(card, r) {
  const e = r.response || {}, why = document.createElement("span");
  why.lang = "en";
  why.textContent = e.detail || `${r.status} ${r.statusText}`;
  card.error.replaceChildren(words.kinds[e.kind] || words.away, " ", why);
  setState(card, "refused");
  changed();
  tell(`${card.name}: ${card.error.textContent}`);
}

function put(card) {
  return new Promise((done) => {
    const r = card.request = new XMLHttpRequest();
    r.open("PUT", `/jobs/${card.id}?${card.ops}${card.ops ? "&" : ""}name=${encodeURIComponent(card.name)}`);
    r.setRequestHeader("Accept", "application/json, image/webp"); // the second is for format=auto
    r.responseType = "json"; // null when it is none
    r.upload.onprogress = (e) => { if (e.lengthComputable) card.bar.value = e.loaded / e.total; };
    r.onloadend = () => { card.request = null; done(r); };
    r.send(card.file);
  });
}

// located keeps the jobs in the page's address, so that a reload shows them again.
export const located = soon(() => {
  const ids = Array.from(list.children).filter((e) => e.id).slice(-mostShown).map((e) => "j=" + e.id);
  history.replaceState(null, "", "/" + (ids.length ? "?" + ids.join("&") : ""));
});

// sendAll sends what is chosen, and what was refused.
export function sendAll(taken) {
  const chosen = unsent();
  if (chosen.length) return send(chosen, taken);
  tell(words.none);
  $("image").focus();
}
