// The part that is cut out of a picture, chosen on its preview: drag on the picture, or
// move the frame with the arrow keys and change its size with Shift and an arrow.

const clamp = (v, low, high) => Math.max(low, Math.min(high, Math.round(v)));
const clickSlack = 4; // a press that moves fewer CSS pixels is a click

// Frame is the frame on a picture of w × h pixels that fills the element pic. Its part
// is { x, y, w, h } in pixels of the picture, or null for the whole.
export class Frame {
  constructor(pic, w, h, label) {
    Object.assign(this, { pic, w, h, part: null, onchange() {}, onpoint() {} });
    pic.classList.add("choose");
    pic.style.setProperty("--w", w);
    pic.style.setProperty("--h", h);
    this.box = document.createElement("div");
    Object.assign(this.box, { className: "part", tabIndex: 0, hidden: true, role: "application", ariaLabel: label });
    for (const corner of ["nw", "ne", "sw", "se"]) {
      const e = document.createElement("span");
      e.className = "corner " + corner;
      e.dataset.corner = corner;
      this.box.append(e);
    }
    this.mark = document.createElement("div");
    Object.assign(this.mark, { className: "focus", hidden: true });
    pic.append(this.box, this.mark);
    pic.addEventListener("pointerdown", (e) => this.press(e));
    pic.addEventListener("dragstart", (e) => e.preventDefault());
    this.box.addEventListener("keydown", (e) => this.key(e));
  }

  // word is the part as a word of crop, "" for the whole.
  get word() { return this.part ? `${this.part.w}x${this.part.h}+${this.part.x}+${this.part.y}` : ""; }

  // shown is the part, or the whole as one.
  get shown() { return this.part || { x: 0, y: 0, w: this.w, h: this.h }; }

  // show draws the frame around a part, without a word to onchange.
  show(part) {
    this.box.hidden = !part;
    if (!part) return;
    const set = (name, share) => this.box.style.setProperty(name, 100 * share + "%");
    set("left", part.x / this.w);
    set("top", part.y / this.h);
    set("width", part.w / this.w);
    set("height", part.h / this.h);
  }

  // point draws a mark at shares x and y of the part, or removes it.
  point(at) {
    this.mark.hidden = !at;
    if (!at) return;
    const p = this.shown;
    this.mark.style.setProperty("left", 100 * (p.x + at.x * p.w) / this.w + "%");
    this.mark.style.setProperty("top", 100 * (p.y + at.y * p.h) / this.h + "%");
  }

  // set chooses a part. When it removes the frame that has the focus, onchange hears so.
  set(part) {
    const lost = !part && this.box === document.activeElement;
    this.part = part;
    this.show(part);
    this.onchange(lost);
  }

  // begin frames the middle of the picture.
  begin() {
    const w = Math.max(1, Math.round(this.w * 0.8)), h = Math.max(1, Math.round(this.h * 0.8));
    this.set({ x: (this.w - w) >> 1, y: (this.h - h) >> 1, w, h });
    this.box.focus();
  }

  press(e) {
    const touch = e.pointerType === "touch";
    const within = this.box.contains(e.target);
    if (!e.isPrimary || e.button !== 0) return;
    const area = this.pic.getBoundingClientRect();
    const at = (e) => [clamp((e.clientX - area.left) / area.width * this.w, 0, this.w), clamp((e.clientY - area.top) / area.height * this.h, 0, this.h)];
    const [x0, y0] = at(e), was = this.part, corner = e.target.dataset?.corner;
    let moved = false;
    const move = (m) => {
      if (!moved && Math.hypot(m.clientX - e.clientX, m.clientY - e.clientY) < clickSlack) return;
      if (touch && !within) return; // a finger beside the frame scrolls the page
      moved = true;
      const [x, y] = at(m);
      if (corner && was) this.span(corner.includes("w") ? was.x + was.w : was.x, corner.includes("n") ? was.y + was.h : was.y, x, y);
      else if (within && was) this.set({ ...was, x: clamp(was.x + x - x0, 0, this.w - was.w), y: clamp(was.y + y - y0, 0, this.h - was.h) });
      else this.span(x0, y0, x, y);
    };
    const stop = new AbortController();
    const up = (m) => {
      stop.abort();
      if (moved) this.box.focus({ preventScroll: true });
      else if (m.type === "pointerup") {
        const p = this.shown;
        this.onpoint({ x: clamp(100 * (x0 - p.x) / p.w, 0, 100), y: clamp(100 * (y0 - p.y) / p.h, 0, 100) });
      }
    };
    this.pic.setPointerCapture(e.pointerId);
    this.pic.addEventListener("pointermove", move, { signal: stop.signal });
    for (const kind of ["pointerup", "pointercancel"]) this.pic.addEventListener(kind, up, { signal: stop.signal });
    if (!touch) e.preventDefault();
  }

  // span frames what lies between two corners.
  span(x0, y0, x1, y1) {
    const side = (a, b, n) => {
      const low = Math.min(a, b, n - 1), high = Math.max(a, b, low + 1);
      return [low, high - low];
    };
    const [x, w] = side(x0, x1, this.w), [y, h] = side(y0, y1, this.h);
    this.set({ x, y, w, h });
  }

  // key moves the frame by a hundredth of the side, at least a pixel; with Shift it moves
  // the right or lower edge alone.
  key(e) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (["Escape", "Delete", "Backspace"].includes(e.key)) this.set(null);
    else if (step && this.part && !e.ctrlKey && !e.altKey && !e.metaKey) {
      const p = this.part;
      const dx = step[0] * Math.max(1, Math.round(this.w / 100)), dy = step[1] * Math.max(1, Math.round(this.h / 100));
      if (e.shiftKey) this.set({ ...p, w: clamp(p.w + dx, 1, this.w - p.x), h: clamp(p.h + dy, 1, this.h - p.y) });
      else this.set({ ...p, x: clamp(p.x + dx, 0, this.w - p.w), y: clamp(p.y + dy, 0, this.h - p.h) });
    } else return;
    e.preventDefault();
  }
}
