// The words of scale(1) that decide on a size and their arithmetic, as pkg/geometry has
// them: exact, in BigInt.

const maxSide = 268435455;

// decimal reads digits with at most one point as a fraction [n, d].
function decimal(s) {
  const m = /^\+?(\d*)\.?(\d*)$/.exec(s);
  if (!m || m[1] + m[2] === "" || s.length > 32) return null;
  return [BigInt(m[1] + m[2]), 10n ** BigInt(m[2].length)];
}

function factor(s) {
  if (s.endsWith("%")) {
    const f = decimal(s.slice(0, -1));
    return f && [f[0], f[1] * 100n];
  }
  const [a, b, more] = s.split("/");
  if (b === undefined) return decimal(s);
  const n = decimal(a), d = decimal(b);
  if (more !== undefined || !n || !d || d[0] === 0n) return null;
  return [n[0] * d[1], n[1] * d[0]];
}

// scaled is v × n/d rounded to nearest, halves up, at least 1.
function scaled(v, n, d) {
  const x = (2n * BigInt(v) * BigInt(n) + BigInt(d)) / (2n * BigInt(d));
  return x < 1n ? 1 : Number(x);
}

// goal returns the size [w, h] that a w × h picture gets by a word of scale and the
// words fit and enlarge, which may be "", or null when they are none.
export function goal(word, w, h, fit = "", enlarge = "") {
  const m = /^(.*?)([!^<>]*)$/.exec(word);
  const text = m[1], marks = m[2];
  if (new Set(marks).size !== marks.length) return null;
  const suffix = marks.includes("!") ? "stretch" : marks.includes("^") ? "outside" : "inside";
  const shrink = marks.includes(">") || enlarge === "0", grow = marks.includes("<");
  if (shrink && grow || marks.includes("!") && marks.includes("^")) return null;
  if (fit && suffix !== "inside" && suffix !== fit) return null;
  fit = fit || suffix;
  const both = fit !== "inside";
  let to;
  const box = /^(\d{0,9})x(\d{0,9})$/.exec(text);
  if (box) {
    const bw = Number(box[1]), bh = Number(box[2]);
    if (box[1] !== "" && !bw || box[2] !== "" && !bh || !bw && !bh || both && !(bw && bh) || Math.max(bw, bh) > maxSide) return null;
    const wider = BigInt(bw) * BigInt(h) <= BigInt(bh) * BigInt(w);
    if (fit === "stretch") to = [bw, bh];
    else if (!bh) to = [bw, scaled(h, bw, w)];
    else if (!bw) to = [scaled(w, bh, h), bh];
    else if (both && fit !== "pad") to = wider ? [Math.max(scaled(w, bh, h), bw), bh] : [bw, Math.max(scaled(h, bw, w), bh)];
    else if (wider) to = [bw, Math.min(scaled(h, bw, w), bh)];
    else to = [Math.min(scaled(w, bh, h), bw), bh];
    if (shrink && (to[0] > w || to[1] > h) || grow && (to[0] < w || to[1] < h)) to = [w, h];
    if (fit === "pad") return [bw, bh];
    return fit === "cover" ? [Math.min(to[0], bw), Math.min(to[1], bh)] : to;
  } else {
    const f = factor(text);
    if (both || !f || f[0] <= 0n || f[0] > 16n * f[1]) return null;
    to = [scaled(w, f[0], f[1]), scaled(h, f[0], f[1])];
  }
  if (shrink && (to[0] > w || to[1] > h) || grow && (to[0] < w || to[1] < h)) return [w, h];
  return to;
}

// rounded returns n/d rounded to nearest, halves up.
function rounded([n, d]) { return Number((2n * n + d) / (2n * d)); }

// pixels reads a number of pixels, or a percentage of a side, as a fraction of pixels.
function pixels(s, side) {
  if (!s.endsWith("%")) return /^\d{1,9}$/.test(s) && Number(s) <= maxSide ? [BigInt(s), 1n] : null;
  const f = s.startsWith("+") ? null : decimal(s.slice(0, -1));
  return f && f[0] <= 100n * f[1] ? [f[0] * BigInt(side), f[1] * 100n] : null;
}

// part returns the part { w, h, x, y } of a w × h picture that a word of crop cuts out,
// without x and y when gravity decides on them, or null when the word is none or reaches
// beyond the picture.
export function part(word, w, h) {
  const parts = word.replaceAll(" ", "+").split("+"), sides = parts[0].split("x");
  if (sides.length !== 2 || parts.length !== 1 && parts.length !== 3) return null;
  const size = [], start = [];
  for (const [i, side] of [w, h].entries()) {
    const n = pixels(sides[i], side), at = parts.length === 1 ? [0n, 1n] : pixels(parts[i + 1], side);
    if (!n || !at || n[0] === 0n) return null;
    start[i] = rounded(at);
    const end = rounded([at[0] * n[1] + n[0] * at[1], at[1] * n[1]]);
    size[i] = Math.max(1, end - start[i]);
    if (start[i] + size[i] > side) return null;
  }
  return parts.length === 1 ? { w: size[0], h: size[1] } : { w: size[0], h: size[1], x: start[0], y: start[1] };
}

// list returns the words of a list of sizes, 320x,640x, or of a single one.
export function list(word) {
  return word.includes(",") && !/^\d+,\d+$/.test(word) ? word.split(",") : [word];
}

// label returns what distinguishes the name of a result of a list: 320 of 320x.
const label = (word) => word.replace(/[!^<>]+$/, "").replaceAll("/", "_").replaceAll("%", "pc").replaceAll("+", "").replace(/x$/, "");

const mostSizes = 8;

// goals returns the sizes [w, h] of the results of a word of scale, which may be a list,
// or null when the word is none. Nothing in a list is enlarged.
export function goals(word, w, h, fit = "", enlarge = "") {
  const words = list(word);
  if (words.length === 1) {
    const one = goal(word, w, h, fit, enlarge);
    return one && [one];
  }
  if (words.length > mostSizes || enlarge === "1" || new Set(words.map(label)).size < words.length) return null;
  const factors = words.map((one) => factor(one.replace(/[!^<>]+$/, ""))).filter((f) => f);
  if (factors.some((f, i) => factors.slice(0, i).some((e) => e[0] * f[1] === e[1] * f[0]))) return null;
  const sizes = words.map((one) => one.includes("<") ? null : goal(one, w, h, fit, "0"));
  return sizes.includes(null) ? null : sizes;
}
