import { onDrag, Surface } from "./canvas.js";
import { button, choice, toggle } from "./controls.js";
import { fill, h } from "./dom.js";
import { count, duration, percent, tick } from "./format.js";
import { kindColours } from "./kinds.js";
import { Minimap } from "./minimap.js";
import { KIND_COLOURS } from "./theme.js";
import { Bars, shadeName, tickDistance } from "./timeline_bars.js";
import { taskTip } from "./tooltip.js";

const GUTTER = 96;
const AXIS = 26;
const GAP = 5;
const ROWS = { least: 5, most: 26 };
const SHORTEST = 20;
const LINES = 300;

/** Workers and their attempts over time. */
export class Timeline {
  constructor({ store, theme, tooltip, filter }) {
    Object.assign(this, { store, theme, tooltip, filter });
    this.byKind = false;
    this.showCritical = false;
    this.hovered = -1;
    this.range = h("output", { class: "range", "aria-live": "polite" });
    this.legend = h("div", { class: "legend" });
    this.canvas = h("canvas", { class: "timeline-canvas", tabindex: "0", role: "img" });
    this.minimap = new Minimap(theme, (from, to) => this.look(from, to));
    this.critical = toggle("Critical path", (on) => { this.showCritical = on; this.surface.invalidate(); });
    this.element = h("section", { class: "view timeline", "aria-label": "Timeline" },
      h("div", { class: "toolbar" },
        choice("Colour", ["Result", "Type"], (index) => { this.byKind = index === 1; this.#legend(); this.surface.invalidate(); }),
        this.critical, this.legend, h("span", { class: "spacer" }), this.range,
        h("div", { class: "buttons" },
          button("−", "Zoom out (−)", () => this.zoom(2)), button("+", "Zoom in (+)", () => this.zoom(0.5)),
          button("Fit", "The whole step (0)", () => this.fit()))),
      this.minimap.element,
      h("div", { class: "canvas-box" }, this.canvas));
    this.surface = new Surface(this.canvas, (context, width, height) => this.#draw(context, width, height));
    this.#listen();
  }

  use(step) {
    this.step = step;
    this.bars = step.derived("bars", () => new Bars(step));
    this.minimap.use(step);
    this.scroll = 0;
    this.#legend();
    this.critical.hidden = step.raw.critical.length < 2;
    this.fit();
  }

  invalidate() {
    this.surface.invalidate();
    this.minimap.surface.invalidate();
  }

  fit() {
    this.look(-this.step.span * 0.005, this.step.span * 1.01);
  }

  /** Show a stretch of time. */
  look(from, to) {
    const span = this.step.span;
    const length = Math.min(Math.max(to - from, SHORTEST), span * 1.2);
    const middle = (from + to) / 2;
    this.start = Math.min(Math.max(middle - length / 2, -span * 0.1), span * 1.1 - length);
    this.end = this.start + length;
    this.range.textContent = `${duration(Math.max(this.start, 0))} – ${duration(Math.min(this.end, span))} of ${duration(span)}`;
    this.minimap.show(this.start, this.end);
    this.surface.invalidate();
  }

  zoom(factor, at = (this.start + this.end) / 2) {
    this.look(at - (at - this.start) * factor, at + (this.end - at) * factor);
  }

  /** Bring a task into sight, if it has ever run. */
  reveal(task) {
    const { attempts } = this.step;
    const attempt = attempts.first[task + 1] - 1;
    if (attempt < attempts.first[task] || attempts.row[attempt] < 0) return;
    const [from, to] = [attempts.start[attempt], attempts.end[attempt]];
    const seen = from < this.end && to > this.start && (to - from) / (this.end - this.start) > 0.002;
    if (!seen) {
      const around = Math.max((to - from) * 12, this.step.span / 2000);
      this.look((from + to) / 2 - around, (from + to) / 2 + around);
    }
    const { rowHeight, height } = this.#layout();
    const y = this.#rowTop(attempts.row[attempt]);
    if (y < this.scroll || y + rowHeight > this.scroll + height) this.scroll = y - height / 2;
    this.surface.invalidate();
  }

  #layout() {
    const height = Math.max(this.surface.height - AXIS, 1);
    const { rows } = this.bars;
    const free = height - GAP * (this.step.lanes.length + 1);
    const rowHeight = Math.min(Math.max(Math.floor(free / Math.max(rows, 1)), ROWS.least), ROWS.most);
    const whole = rows * rowHeight + GAP * (this.step.lanes.length + 1);
    this.scroll = Math.min(Math.max(this.scroll, 0), Math.max(whole - height, 0));
    return { height, rowHeight, whole, perPixel: (this.end - this.start) / Math.max(this.surface.width - GUTTER, 1) };
  }

  #rowTop(row) {
    const lane = this.step.lanes.findLastIndex(({ first }) => first <= row);
    return GAP * (lane + 1) + row * this.#layout().rowHeight;
  }

  #draw(context, width, height) {
    const { rowHeight, perPixel, whole } = this.#layout();
    const colour = (name) => this.theme.colour(name);
    const scale = { from: this.start, perPixel, left: GUTTER, right: width };
    context.font = `11px ${colour("sans")}`;
    context.textBaseline = "middle";
    this.#drawAxis(context, Math.min(height, AXIS + whole), perPixel);
    context.save();
    context.beginPath();
    context.rect(0, AXIS, width, height - AXIS);
    context.clip();
    const paint = this.#paint();
    this.step.lanes.forEach((lane, place) => {
      const top = AXIS - this.scroll + GAP * (place + 1) + lane.first * rowHeight;
      const bottom = top + lane.rows * rowHeight;
      if (bottom < AXIS || top > height) return;
      context.fillStyle = colour("sunken");
      context.fillRect(GUTTER, top, width - GUTTER, bottom - top);
      context.fillStyle = colour("dim");
      if (bottom - top >= 9) {
        context.fillText(lane.worker < 0 ? "worker ?" : `worker ${lane.worker}`, 12, Math.min(top + rowHeight / 2, bottom - 6) + 0.5);
      }
      for (let row = 0; row < lane.rows; row += 1) {
        const y = top + row * rowHeight;
        if (y + rowHeight < AXIS || y > height) continue;
        this.bars.drawRow(context, lane.first + row, y, rowHeight - (rowHeight > 7 ? 1 : 0), scale, paint, this.filter.mask);
      }
    });
    this.#drawMarks(context, scale, rowHeight);
    context.restore();
    if (whole > height - AXIS) this.#drawScrollbar(context, width, height, whole);
    this.canvas.setAttribute("aria-label", `Timeline of ${count(this.step.lanes.length, "worker")}, ${this.range.textContent}`);
  }

  #drawAxis(context, bottom, perPixel) {
    const distance = tickDistance(perPixel * 110);
    context.lineWidth = 1;
    for (let at = Math.ceil(Math.max(this.start, 0) / distance) * distance; at <= this.end; at += distance) {
      const x = Math.round(GUTTER + (at - this.start) / perPixel) + 0.5;
      if (x < GUTTER) continue;
      context.strokeStyle = this.theme.colour("line");
      context.beginPath();
      context.moveTo(x, AXIS - 6);
      context.lineTo(x, bottom);
      context.stroke();
      context.fillStyle = this.theme.colour("dim");
      context.fillText(tick(at, distance, this.end), x + 4, AXIS / 2);
    }
  }

  #paint() {
    const { attempts } = this.step;
    const colour = (name) => this.theme.colour(name);
    const shades = [0, 1, 2, 3].map((shade) => [colour(`bar-${shadeName(shade)}`), colour(`ink-${shadeName(shade)}`)]);
    if (!this.byKind) return (attempt) => shades[this.bars.shade[attempt]];
    const kinds = kindColours(this.step);
    const inks = Array.from({ length: KIND_COLOURS }, (_, place) => [colour(`kind-${place}`), colour("ink-kind")]);
    return (attempt) => (this.bars.shade[attempt] ? shades[this.bars.shade[attempt]] : inks[kinds.get(this.step.kind[attempts.task[attempt]])]);
  }

  /** Outlines of the task that is selected, of the one under the pointer and of the critical path; who waited for whom. */
  #drawMarks(context, scale, rowHeight) {
    const { attempts } = this.step;
    const x = (at) => scale.left + (at - scale.from) / scale.perPixel;
    const y = (row) => AXIS - this.scroll + this.#rowTop(row);
    const lastOf = (task) => {
      const attempt = attempts.first[task + 1] - 1;
      return attempt >= attempts.first[task] && attempts.row[attempt] >= 0 ? attempt : -1;
    };
    context.save();
    context.beginPath();
    context.rect(GUTTER, AXIS, scale.right - GUTTER, 1e6);
    context.clip();
    const outline = (attempt, colour) => {
      context.strokeStyle = colour;
      context.lineWidth = 2;
      const left = x(attempts.start[attempt]);
      context.strokeRect(left - 1, y(attempts.row[attempt]) - 1, Math.max(x(attempts.end[attempt]) - left, 2) + 1, rowHeight + 1);
    };
    const connect = (one, other, colour) => {
      if (one < 0 || other < 0) return;
      const [x0, y0] = [x(attempts.end[one]), y(attempts.row[one]) + rowHeight / 2];
      const [x1, y1] = [x(attempts.start[other]), y(attempts.row[other]) + rowHeight / 2];
      const bend = Math.min(Math.max((x1 - x0) / 2, 8), 60);
      context.strokeStyle = colour;
      context.lineWidth = 1.2;
      context.beginPath();
      context.moveTo(x0, y0);
      context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
      context.stroke();
    };
    if (this.showCritical) {
      const path = this.step.raw.critical.map(lastOf).filter((attempt) => attempt >= 0);
      path.slice(1).forEach((attempt, place) => connect(path[place], attempt, this.theme.colour("critical")));
      path.forEach((attempt) => outline(attempt, this.theme.colour("critical")));
    }
    const { task } = this.store;
    if (task >= 0) {
      const accent = this.theme.colour("accent");
      for (let at = attempts.first[task]; at < attempts.first[task + 1]; at += 1) if (attempts.row[at] >= 0) outline(at, accent);
      for (const other of this.step.requiredBy(task).subarray(0, LINES)) connect(lastOf(other), firstOf(attempts, task), accent);
      if (this.step.parent[task] >= 0) connect(lastOf(this.step.parent[task]), firstOf(attempts, task), accent);
      for (const other of this.step.dependents.of(task).subarray(0, LINES)) connect(lastOf(task), firstOf(attempts, other), accent);
    }
    if (this.hovered >= 0) outline(this.hovered, this.theme.colour("text"));
    context.restore();
  }

  #drawScrollbar(context, width, height, whole) {
    const track = height - AXIS;
    context.fillStyle = this.theme.colour("line-strong");
    context.fillRect(width - 5, AXIS + (this.scroll / whole) * track, 4, Math.max((track / whole) * track, 20));
  }

  #attemptAt(x, y) {
    if (x < GUTTER || y < AXIS) return -1;
    const { rowHeight, perPixel } = this.#layout();
    const inside = y - AXIS + this.scroll;
    const lane = this.step.lanes.findLastIndex(({ first }, place) => GAP * (place + 1) + first * rowHeight <= inside);
    if (lane < 0) return -1;
    const row = Math.floor((inside - GAP * (lane + 1)) / rowHeight);
    const { first, rows } = this.step.lanes[lane];
    return row < first + rows ? this.bars.at(row, this.start + (x - GUTTER) * perPixel, perPixel * 3) : -1;
  }

  #hover(event) {
    const attempt = this.#attemptAt(event.offsetX, event.offsetY);
    this.canvas.classList.toggle("over", attempt >= 0);
    if (attempt >= 0) this.tooltip.show(event, taskTip(this.step, this.step.attempts.task[attempt], attempt));
    else this.tooltip.hide();
    if (attempt !== this.hovered) {
      this.hovered = attempt;
      this.surface.invalidate();
    }
  }

  #listen() {
    const { canvas } = this;
    onDrag(canvas, {
      start: (x) => { this.tooltip.hide(); return x >= 0; },
      move: (dx, dy) => {
        this.scroll -= dy;
        const shift = dx * this.#layout().perPixel;
        this.look(this.start - shift, this.end - shift);
      },
      end: (moved, x, y) => {
        if (moved) return;
        const attempt = this.#attemptAt(x, y);
        this.store.set({ task: attempt >= 0 ? this.step.attempts.task[attempt] : -1 });
      },
    });
    canvas.addEventListener("pointermove", (event) => { if (!event.buttons) this.#hover(event); });
    canvas.addEventListener("pointerleave", () => { this.tooltip.hide(); this.hovered = -1; this.surface.invalidate(); });
    canvas.addEventListener("dblclick", (event) => {
      const attempt = this.#attemptAt(event.offsetX, event.offsetY);
      if (attempt < 0) return;
      const { start, end } = this.step.attempts;
      const margin = Math.max(end[attempt] - start[attempt], 10) * 0.2;
      this.look(start[attempt] - margin, end[attempt] + margin);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const { perPixel } = this.#layout();
      if (event.altKey) this.scroll += event.deltaY;
      else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        const shift = (event.deltaX || event.deltaY) * perPixel;
        this.look(this.start + shift, this.end + shift);
      } else this.zoom(Math.exp(Math.max(Math.min(event.deltaY, 240), -240) * 0.0025), this.start + (Math.max(event.offsetX, GUTTER) - GUTTER) * perPixel);
      this.surface.invalidate();
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const step = (this.end - this.start) * 0.15;
    const actions = {
      "+": () => this.zoom(0.6), "=": () => this.zoom(0.6), "-": () => this.zoom(1 / 0.6), 0: () => this.fit(),
      ArrowLeft: () => this.look(this.start - step, this.end - step), ArrowRight: () => this.look(this.start + step, this.end + step),
      ArrowUp: () => { this.scroll -= 60; this.surface.invalidate(); }, ArrowDown: () => { this.scroll += 60; this.surface.invalidate(); },
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions[event.key]();
  }

  #legend() {
    const { step } = this;
    if (!this.byKind) {
      const seen = new Set(this.bars.shade);
      const words = ["succeeded", "failed", "aborted", "worker lost"];
      fill(this.legend, [0, 1, 2, 3].filter((shade) => seen.has(shade))
        .map((shade) => h("span", { class: `key bar-${shadeName(shade)}` }, words[shade])));
      return;
    }
    const shares = new Map();
    for (const kind of step.kind) shares.set(kind, (shares.get(kind) ?? 0) + 1);
    fill(this.legend, [...kindColours(step)].slice(0, KIND_COLOURS).map(([kind, colour]) =>
      h("span", { class: `key kind-${colour}`, title: percent(shares.get(kind) / step.count) }, step.texts[kind])));
  }
}

function firstOf(attempts, task) {
  const attempt = attempts.first[task];
  return attempt < attempts.first[task + 1] && attempts.row[attempt] >= 0 ? attempt : -1;
}
