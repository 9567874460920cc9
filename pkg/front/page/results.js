// What concerns the results: their archive, the lines of srcset, deleting.

import { cards, forget } from "./cards.js";
import { $, list, make, tell, words } from "./dom.js";
import { located } from "./upload.js";
import { unique, zip } from "./zip.js";

// finished shows what concerns all results together: the button for their archive, and
// the lines of srcset with the names that the files have in it.
export function finished() {
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

export async function downloadAll() {
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

// discard deletes the job of a card on the server, if there is one.
export function discard(card) {
  if (!card.item.id) return;
  fetch(`/jobs/${card.item.id}/delete`, { method: "POST", headers: { Accept: "text/plain" } }).catch(() => {}); // else it expires
  located();
}

// remove is what the button of a result does.
export async function remove(e) {
  e.preventDefault();
  const item = e.target.closest(".job");
  const r = await fetch(e.target.action, { method: "POST", headers: { Accept: "text/plain" } });
  if (!r.ok && r.status !== 404 && r.status !== 410) {
    tell(await r.text());
    return;
  }
  tell(`${item.querySelector("h2").textContent}: ${words.deleted}`);
  const focus = (item.nextElementSibling || item.previousElementSibling)?.querySelector("a, button") || $("image");
  const card = Array.from(cards).find((card) => card.item === item);
  if (card) forget(card);
  item.remove();
  finished();
  focus?.focus();
}
