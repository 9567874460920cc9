// What the parts of the page share: its elements, its words and its list of jobs.

export const $ = (id) => document.getElementById(id);
export const words = JSON.parse($("words").textContent);
export const know = words.know; // of imgd: flags of imgput, extensions of formats, whether a token is needed
export const form = $("send"), list = $("jobs"); // on a page of results the form is null

// tell says something to everyone, screen readers included.
export function tell(text) { $("news").textContent = text; }

export function make(tag, props = {}, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
}

// soon returns a function that calls f a moment later, once for all calls until then.
export function soon(f) {
  let timer = 0;
  return () => { timer ||= setTimeout(() => { timer = 0; f(); }, 200); };
}
