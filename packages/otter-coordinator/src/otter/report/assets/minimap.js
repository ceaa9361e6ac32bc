import { onDrag, Surface } from "./canvas.js";
import { h } from "./dom.js";
import { concurrency } from "./timeline_bars.js";

const EDGE = 6;
const GUTTER = 96;

/** The whole step in small: how many attempts ran, and the stretch of time that the timeline shows. It can be dragged. */
export class Minimap {
  constructor(theme, look) {
    this.theme = theme;
    this.look = look;
    this.element = h("canvas", { class: "minimap", role: "img", "aria-label": "Running attempts over the whole step" });
    this.surface = new Surface(this.element, (context, width, height) => this.#draw(context, width, height));
    this.#listen();
  }

  use(step) {
    this.step = step;
    this.profile = null;
    this.surface.invalidate();
  }

  show(from, to) {
    this.from = from;
    this.to = to;
    this.surface.invalidate();
  }

  #x(at) {
    return GUTTER + (at / this.step.span) * (this.surface.width - GUTTER);
  }

  #at(x) {
    return ((x - GUTTER) / Math.max(this.surface.width - GUTTER, 1)) * this.step.span;
  }

  #draw(context, width, height) {
    if (!this.step) return;
    const parts = Math.max(Math.floor(width - GUTTER), 1);
    if (this.profile?.length !== parts) {
      this.profile = concurrency(this.step, parts);
      this.failed = concurrency(this.step, parts, 0, this.step.span, true);
    }
    drawProfile(context, this.profile, this.failed, { left: GUTTER, top: 3, height: height - 4 }, this.theme);
    const [left, right] = [Math.max(this.#x(this.from), GUTTER), Math.min(this.#x(this.to), width)];
    context.fillStyle = this.theme.colour("veil");
    context.fillRect(GUTTER, 0, left - GUTTER, height);
    context.fillRect(right, 0, width - right, height);
    context.strokeStyle = this.theme.colour("line-strong");
    context.strokeRect(left + 0.5, 0.5, Math.max(right - left - 1, 1), height - 1);
    context.fillStyle = this.theme.colour("dim");
    context.font = `11px ${this.theme.colour("sans")}`;
    context.textBaseline = "middle";
    context.fillText("running", 12, height / 2);
  }

  #listen() {
    let grip = null;
    onDrag(this.element, {
      start: (x) => {
        const [left, right] = [this.#x(this.from), this.#x(this.to)];
        const whole = this.to - this.from >= this.step.span;
        if (Math.abs(x - left) < EDGE && !whole) grip = "left";
        else if (Math.abs(x - right) < EDGE && !whole) grip = "right";
        else if (x > left && x < right && !whole) grip = "all";
        else grip = "new";
        this.anchor = this.#at(x);
      },
      move: (dx, dy, x) => {
        const shift = this.#at(GUTTER + dx);
        if (grip === "all") this.look(this.from + shift, this.to + shift);
        else if (grip === "left") this.look(Math.min(this.#at(x), this.to), this.to);
        else if (grip === "right") this.look(this.from, Math.max(this.#at(x), this.from));
        else this.look(Math.min(this.anchor, this.#at(x)), Math.max(this.anchor, this.#at(x)));
      },
      end: (moved, x) => {
        const half = (this.to - this.from) / 2;
        if (!moved && grip === "new" && half * 2 < this.step.span) this.look(this.#at(x) - half, this.#at(x) + half);
      },
    });
  }
}

/** An area of running attempts, one part a pixel, with those that came to nothing in another colour below. */
export function drawProfile(context, profile, failed, { left, top, height }, theme) {
  const most = profile.reduce((one, other) => Math.max(one, other), 1e-9);
  for (const [values, colour] of [[profile, "bar-success"], [failed, "bar-failure"]]) {
    context.fillStyle = theme.colour(colour);
    for (let part = 0; part < values.length; part += 1) {
      if (values[part] <= 0) continue;
      const tall = Math.max((values[part] / most) * height, 1);
      context.fillRect(left + part, top + height - tall, 1, tall);
    }
  }
  return most;
}
