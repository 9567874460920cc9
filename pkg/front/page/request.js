// What the form asks for, as words of imgd(8), and the lines of shell that ask for the
// same.

import { list } from "./geometry.js";

// valueOf returns what words say for a key, or "".
const valueOf = (words, key) => words.find((w) => w[0] === key)?.[1] || "";

// asked returns the words [key, value] of the form's fields. A field is left out when it
// is empty or disabled, or when none of the words it belongs to (data-of) is asked for;
// gravity, when nothing is cut off or put on a background. A crop that isn't "" stands in
// place of the form's.
export function asked(form, crop = "") {
  const value = (e) => e.disabled || (e.type === "checkbox" || e.type === "radio") && !e.checked ? "" : e.value.trim();
  const field = (id) => value(form.querySelector("#" + id));
  const given = (word) => {
    const [id, wanted] = word.split("=");
    const v = id === "crop" && crop || field(id);
    return wanted ? v === wanted : v;
  };
  const words = [];
  for (const e of form.elements) {
    if (!e.name || e.type === "file") continue;
    const v = e.id === "crop" && crop || value(e);
    if (v === "") continue;
    if (e.dataset.of && !e.dataset.of.split(" ").some(given)) continue;
    if (e.id === "point" && !form.querySelector("#at-point").checked) continue;
    words.push([e.name, v]);
  }
  const placed = /^[^ +]+$/.test(valueOf(words, "crop")) || ["cover", "pad"].includes(valueOf(words, "fit"));
  return placed ? words : words.filter((w) => w[0] !== "gravity");
}

// query writes words for a URL.
export function query(words) {
  return words.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
}

// quoted quotes a word for the shell where it needs it. A word that begins with a hyphen
// is made one that is no option.
function quoted(s) {
  if (s.startsWith("-")) s = "./" + s;
  return /^[\w\-./:%]+$/.test(s) ? s : "'" + s.replaceAll("'", "'\\''") + "'";
}

// said returns a word as short as it can be said: gray for gray=601, linear for linear=1.
function said([key, value], flags) {
  const usual = value === flags[key]?.usual || value === "1";
  return flags[key]?.switch && usual ? key : `${key}=${encodeURIComponent(value).replaceAll("%2F", "/")}`;
}

// curl returns the line that sends the picture of a name with curl(1). One result is
// written to a file of another name; several sizes are a job, whose ids are printed.
export function curl(words, name, know) {
  const several = list(valueOf(words, "scale")).length > 1;
  const token = know.token ? ' -H "Authorization: Bearer $TOKEN"' : "";
  const says = words.filter((w) => !(w[0] === "gray" && w[1] === "0")).map((w) => said(w, know.flags));
  if (words.length > 0 && says.length === 0) says.push("gray=0");
  if (several) return `curl${token} -X POST -T ${quoted(name)} ${quoted(`${location.origin}/jobs?${[...says, "name=" + encodeURIComponent(name)].join("&")}`)}`;
  return `curl${token} -T ${quoted(name)} ${quoted(`${location.origin}/image?${says.join("&")}`)} > ${quoted("new-" + result(words, name, know))}`;
}

// result returns the name with the extension of the format asked for.
function result(words, name, know) {
  const exts = know.exts[valueOf(words, "format")];
  if (!exts) return name;
  const at = name.lastIndexOf("."), ext = at < 0 ? "" : name.slice(at + 1).toLowerCase();
  if (exts.includes(ext)) return name;
  const known = Object.values(know.exts).some((list) => list.includes(ext));
  return (known ? name.slice(0, at) : name) + "." + exts[0];
}

// imgput returns the line that does the same with imgput(1) and imgget(1).
export function imgput(words, name, know) {
  const server = ` -a ${quoted(location.origin)}` + (know.token ? ' -token "$IMGD_TOKEN_FILE"' : "");
  let line = "imgput" + server;
  for (const [key, value] of words) {
    const f = know.flags[key];
    if (key === "gray" && value === "0") continue;
    line += " " + f.flag;
    if (!f.switch) line += " " + quoted(value);
    else if (value !== f.usual && f.setter) line += ` ${f.setter} ${quoted(value)}`;
  }
  return `${line} ${quoted(name)} | imgget${server} -d .`;
}
