// Watching jobs: one request asks for all that are pending, one more gets those that have
// ended, drawn by the server, and they take the place of the page's items.

import { cards } from "./cards.js";
import { $, list, make, tell, words } from "./dom.js";
import { finished } from "./results.js";
import { uploading } from "./upload.js";

const mostAsked = 200; // 200 ids are 5.6 KB: proxies take 8 KB of a URL
const shortest = 300; // ms between requests
const longest = 10000; // ms, while the server does not answer

let watching = false;
const ended = ["done", "failed", "gone", "unknown"];

// pending returns the ids of the jobs that have not ended.
const pending = () => Array.from(list.children).filter((e) => e.id && !ended.includes(e.dataset.state)).map((e) => e.id);
const named = (ids) => ids.map((id) => "j=" + id).join("&");

async function get(url, type) {
  const r = await fetch(url, { headers: { Accept: type } });
  if (!r.ok) throw new Error(`${r.status} ${r.statusText}`);
  return r;
}

// watch asks until no job is pending. again sends a card whose job failed.
export async function watch(again) {
  if (watching) return;
  watching = true;
  let pause = shortest;
  for (let ids; (ids = pending().slice(0, mostAsked)).length > 0;) {
    try {
      // A job that is uploaded meanwhile is not among those asked for: so ask again soon.
      const r = await get(`/jobs?${named(ids)}&wait=${uploading() ? 1 : 20}`, "application/json");
      const { jobs } = await r.json();
      for (const job of jobs) stage(job);
      const over = jobs.filter((job) => ended.includes(job.state)).map((job) => job.id);
      if (over.length) await draw(over, again);
      pause = shortest;
    } catch {
      tell(words.away);
      pause = Math.min(2 * pause, longest);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
  watching = false;
}

// stage shows how far a pending job is.
function stage(job) {
  const item = $(job.id);
  if (!item || ended.includes(job.state)) return;
  item.dataset.state = job.state;
  item.querySelector(".state b").textContent = words[job.state] + (job.place ? `, ${words.place} ${job.place}` : "");
}

// draw gets the items of jobs that have ended.
async function draw(ids, again) {
  const r = await get("/?" + named(ids), "text/html");
  const page = new DOMParser().parseFromString(await r.text(), "text/html");
  for (const item of page.querySelectorAll("#jobs > .job")) replace(item, again);
  finished();
}

function replace(item, again) {
  const old = $(item.id);
  if (!old) return; // removed meanwhile
  const card = Array.from(cards).find((card) => card.item === old);
  const focused = old.contains(document.activeElement);
  const name = item.querySelector("h2").textContent, after = item.querySelector(".pic img");
  if (card) {
    card.item = item;
    item.querySelector(".pic")?.remove();
    if (after && !card.blind) item.prepend(...compare(card, after));
    else if (after) item.prepend(make("div", { className: "pic" }, after));
    else if (!card.blind) item.prepend(card.pic);
    if (item.dataset.state === "failed") item.querySelector(".actions").prepend(retry(card, again));
  }
  old.replaceWith(item);
  if (focused) item.querySelector("a, button")?.focus();
  tell(`${name}: ${item.querySelector(item.dataset.state === "done" ? ".state b" : ".error").textContent}`);
}

// retry returns the button that sends the picture of a failed job once more.
function retry(card, again) {
  const button = make("button", { type: "button", textContent: words.retry, ariaLabel: `${words.retry}: ${card.name}` });
  button.onclick = () => {
    fetch(`/jobs/${card.item.id}/delete`, { method: "POST", headers: { Accept: "text/plain" } }).catch(() => {}); // else it expires
    card.own.removeAttribute("id");
    if (!card.blind) card.own.prepend(card.pic);
    card.item.replaceWith(card.own);
    card.item = card.own;
    card.failed = true;
    again(card);
    card.remove.focus();
  };
  return button;
}

// compare returns a picture that shows the one before left of a line and the one after
// right of it, and the slider that moves the line.
function compare(card, after) {
  const before = make("img", { loading: "lazy", src: card.url, alt: `${words.before}: ${card.name}` });
  const pic = make("div", { className: "pic compare" }, before,
    make("div", { className: "cut" }, after), make("div", { className: "edge" }));
  const slider = make("input", { type: "range", min: 0, max: 100, value: 50, ariaLabel: `${words.slider}: ${card.name}` });
  slider.oninput = () => pic.style.setProperty("--cut", slider.value + "%");
  const ends = make("div", { className: "ends" }, make("span", { textContent: words.before }), make("span", { textContent: words.after }));
  ends.ariaHidden = "true";
  return [pic, slider, ends];
}
