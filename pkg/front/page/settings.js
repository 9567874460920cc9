// The form's settings, kept in the browser from one visit to the next. Without storage
// the page does all the same.

import { form } from "./dom.js";

const key = "imgtools.settings";
const ofOnePicture = ["crop", "point", "at-point"]; // not kept

const fields = () => Array.from(form.elements).filter((e) => e.name && e.type !== "file" && !ofOnePicture.includes(e.id));
const ticked = (e) => e.type === "checkbox" || e.type === "radio";
const nameOf = (e) => e.type === "radio" ? `${e.name}=${e.value}` : e.name;

// remember keeps what the form says.
export function remember() {
  const said = Object.fromEntries(fields().map((e) => [nameOf(e), ticked(e) ? e.checked : e.value]));
  try { localStorage.setItem(key, JSON.stringify(said)); } catch { /* no storage, or none allowed */ }
}

// recall fills the form in as it was. A value that this imgd doesn't offer is left out.
export function recall() {
  let said = {};
  try { said = JSON.parse(localStorage.getItem(key)) || {}; } catch { /* as above */ }
  for (const e of fields()) {
    const value = said[nameOf(e)];
    if (value === undefined) continue;
    if (e.type === "radio") e.checked ||= value === true;
    else if (e.type === "checkbox") e.checked = value === true;
    else if (e.tagName !== "SELECT" || Array.from(e.options).some((o) => o.value === value)) e.value = value;
    const usual = ticked(e) ? e.checked === e.defaultChecked : e.value === (e.tagName === "SELECT" ? e.options[0].value : e.defaultValue);
    if (!usual && e.closest("details")) e.closest("details").open = true;
  }
}

export function forgetAll() {
  try { localStorage.removeItem(key); } catch { /* as above */ }
}
