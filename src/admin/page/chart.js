// A line chart of the last two minutes in SVG. It is drawn in pixels of the page, so that its text has the
// page's size however wide it is.

import {niceTop} from "./figures.js";

export const WINDOW_MS = 120_000;
const GAP_MS = 3500;  // so long without an answer, and the line is broken
const LEFT = 44, RIGHT = 8, TOP = 10, BOTTOM = 22;
const NS = "http://www.w3.org/2000/svg";

function add(parent, name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

export class Chart {
  #card;
  #svg;
  #what;
  #format;
  #names;
  #points = [];
  #marks = [];
  #end = 0;
  #pointerAt = null;

  /**
   * @param {HTMLElement} card  with an svg, .now and .at
   * @param {{what: string, format: (value: number) => string, names?: string[]}} about  `names`: of the lines,
   *   where there are several
   */
  constructor(card, {what, format, names = [""]}) {
    this.#card = card;
    this.#svg = card.querySelector("svg");
    this.#what = what;
    this.#format = format;
    this.#names = names;
    new ResizeObserver(() => this.#draw()).observe(this.#svg);
    const point = (event) => this.#point(event.clientX - this.#svg.getBoundingClientRect().left);
    this.#svg.addEventListener("pointermove", point);
    this.#svg.addEventListener("pointerdown", point);
    this.#svg.addEventListener("pointerleave", () => this.#point(null));
  }

  /**
   * @param {{at: number, values: (number | null)[]}[]} points  ascending; null: not known
   * @param {number} end  the time at the right
   * @param {number[]} marks  times at which the gateway was found restarted
   */
  show(points, end, marks) {
    this.#points = points.filter((point) => point.at >= end - WINDOW_MS);
    this.#marks = marks.filter((at) => at >= end - WINDOW_MS);
    this.#end = end;
    this.#draw();
  }

  #point(x) {
    this.#pointerAt = x;
    this.#draw();
  }

  #draw() {
    const {width, height} = this.#svg.getBoundingClientRect();
    if (width < LEFT + RIGHT + 10 || height === 0 || this.#end === 0) return;
    const area = {left: LEFT, right: width - RIGHT, top: TOP, bottom: height - BOTTOM};
    const highest = Math.max(0, ...this.#points.flatMap((point) => point.values.filter((v) => v !== null)));
    const top = niceTop(highest);
    const x = (at) => area.right - (this.#end - at) / WINDOW_MS * (area.right - area.left);
    const y = (value) => area.bottom - value / top * (area.bottom - area.top);
    this.#svg.replaceChildren();
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.#drawAxes(area, top, y);
    for (const at of this.#marks) {
      add(this.#svg, "line", {class: "mark", x1: x(at), x2: x(at), y1: area.top, y2: area.bottom});
    }
    // The last line is drawn first: the first is the one that matters.
    for (let i = this.#names.length - 1; i >= 0; --i) this.#drawLine(i, x, y, area.bottom);
    this.#tell(highest);
    this.#drawPointer(area, x, y);
  }

  #drawAxes(area, top, y) {
    for (const value of top === 1 ? [0, 1] : [0, top / 2, top]) {
      const at = Math.round(y(value)) + 0.5;
      add(this.#svg, "line", {class: value === 0 ? "axis" : "grid", x1: area.left, x2: area.right, y1: at, y2: at});
      add(this.#svg, "text", {class: "tick", x: area.left - 8, y: at + 4, "text-anchor": "end"}, this.#format(value));
    }
    const middle = (area.left + area.right) / 2;
    for (const [at, anchor, text] of [[area.left, "start", "2 min ago"], [middle, "middle", "1 min"],
                                      [area.right, "end", "now"]]) {
      add(this.#svg, "text", {class: "tick", x: at, y: area.bottom + 17, "text-anchor": anchor}, text);
    }
  }

  #drawLine(index, x, y, bottom) {
    const parts = [];
    let before = null;
    for (const {at, values} of this.#points) {
      const value = values[index];
      if (value !== null) {
        if (before === null || at - before > GAP_MS) parts.push([]);
        parts.at(-1).push([x(at).toFixed(1), y(value).toFixed(1)]);
      }
      before = value === null ? null : at;
    }
    for (const part of parts) {
      const line = part.map(([px, py]) => `${px} ${py}`).join("L");
      if (this.#names.length === 1 && part.length > 1) {
        add(this.#svg, "path", {class: "area", d: `M${part[0][0]} ${bottom}L${line}L${part.at(-1)[0]} ${bottom}Z`});
      }
      // One point alone is a dot: a line of no length with round ends.
      add(this.#svg, "path", {class: `line line-${index}`, d: `M${line}${part.length === 1 ? "h0" : ""}`});
    }
  }

  #valuesText(values) {
    return values.map((value, i) => `${this.#names[i]} ${value === null ? "–" : this.#format(value)}`.trim()).join(" · ");
  }

  #tell(highest) {
    const last = this.#points.at(-1);
    const now = last === undefined ? "–" : this.#valuesText(last.values);
    this.#card.querySelector(".now").textContent = now;
    this.#svg.setAttribute("aria-label", `${this.#what}, the last two minutes: now ${now}, at most ${this.#format(highest)}`);
  }

  #drawPointer(area, x, y) {
    const told = this.#card.querySelector(".at");
    told.textContent = "";
    if (this.#pointerAt === null || this.#points.length === 0) return;
    const far = (point) => Math.abs(x(point.at) - this.#pointerAt);
    const nearest = this.#points.reduce((best, point) => far(point) < far(best) ? point : best);
    const px = x(nearest.at);
    add(this.#svg, "line", {class: "pointer", x1: px, x2: px, y1: area.top, y2: area.bottom});
    nearest.values.forEach((value, i) => {
      if (value !== null) add(this.#svg, "circle", {class: `dot dot-${i}`, cx: px, cy: y(value), r: 3.5});
    });
    const ago = Math.round((this.#end - nearest.at) / 1000);
    told.textContent = `${this.#valuesText(nearest.values)}, ${ago === 0 ? "now" : `${ago} s ago`}`;
  }
}
