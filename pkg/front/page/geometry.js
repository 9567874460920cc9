// The geometry words of scale(1) and their arithmetic, as pkg/geometry has them:
// exact, in BigInt.

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

// goal returns the size [w, h] that a w × h picture gets by a word, or null when
// it is none.
export function goal(word, w, h) {
  const m = /^(.*?)([!<>]*)$/.exec(word);
  const text = m[1], marks = m[2];
  if (new Set(marks).size !== marks.length) return null;
  const exact = marks.includes("!"), shrink = marks.includes(">"), grow = marks.includes("<");
  if (shrink && grow) return null;
  let to;
  const box = /^(\d{0,9})x(\d{0,9})$/.exec(text);
  if (box) {
    const bw = Number(box[1]), bh = Number(box[2]);
    if (box[1] !== "" && !bw || box[2] !== "" && !bh || !bw && !bh || exact && !(bw && bh) || Math.max(bw, bh) > maxSide) return null;
    if (exact) to = [bw, bh];
    else if (!bh) to = [bw, scaled(h, bw, w)];
    else if (!bw) to = [scaled(w, bh, h), bh];
    else if (BigInt(bw) * BigInt(h) <= BigInt(bh) * BigInt(w)) to = [bw, Math.min(scaled(h, bw, w), bh)];
    else to = [Math.min(scaled(w, bh, h), bw), bh];
  } else {
    const f = factor(text);
    if (exact || !f || f[0] <= 0n || f[0] > 16n * f[1]) return null;
    to = [scaled(w, f[0], f[1]), scaled(h, f[0], f[1])];
  }
  if (shrink && (to[0] > w || to[1] > h) || grow && (to[0] < w || to[1] < h)) return [w, h];
  return to;
}
