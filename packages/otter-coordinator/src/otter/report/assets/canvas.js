/**
 * A canvas that is as sharp as the screen, redrawn at most once a frame, and only while somebody can see it.
 *
 * `draw(context, width, height)` is called with CSS pixels.
 */
export class Surface {
  constructor(canvas, draw) {
    this.canvas = canvas;
    this.width = 0;
    this.height = 0;
    this.drawings = 0;
    this.#draw = draw;
    new ResizeObserver(() => this.#measure()).observe(canvas);
  }

  #draw;
  #asked = 0;

  invalidate() {
    if (!this.#asked && this.width) this.#asked = requestAnimationFrame(() => this.redraw());
  }

  /** Draw now. */
  redraw() {
    cancelAnimationFrame(this.#asked);
    this.#asked = 0;
    const ratio = window.devicePixelRatio || 1;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.#draw(context, this.width, this.height);
    this.drawings += 1;
  }

  #measure() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) {
      this.width = 0;
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    this.width = width;
    this.height = height;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.redraw();
  }
}

/** Report drags on an element: `start(x, y)` may refuse by returning false; then `move(dx, dy, x, y)` and `end(moved)`. */
export function onDrag(element, { start, move, end }) {
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || start(event.offsetX, event.offsetY, event) === false) return;
    element.setPointerCapture(event.pointerId);
    let last = [event.clientX, event.clientY];
    let moved = 0;
    const onMove = (next) => {
      const [dx, dy] = [next.clientX - last[0], next.clientY - last[1]];
      last = [next.clientX, next.clientY];
      moved += Math.abs(dx) + Math.abs(dy);
      move(dx, dy, next.offsetX, next.offsetY);
    };
    const onEnd = (last_) => {
      element.removeEventListener("pointermove", onMove);
      element.removeEventListener("pointerup", onEnd);
      element.removeEventListener("pointercancel", onEnd);
      end(moved > 4, last_.offsetX, last_.offsetY, last_);
    };
    element.addEventListener("pointermove", onMove);
    element.addEventListener("pointerup", onEnd);
    element.addEventListener("pointercancel", onEnd);
  });
}

const fits = new Map();

/** A text cut to a width, with an ellipsis; empty when not even that fits. */
export function clipped(context, text, width) {
  if (width < 14) return "";
  const key = context.font;
  if (!fits.has(key)) fits.set(key, context.measureText("n".repeat(50)).width / 50);
  const letters = Math.floor(width / fits.get(key));
  if (text.length <= letters) return text;
  return letters < 3 ? "" : `${text.slice(0, letters - 1)}…`;
}

/** A rectangle with round corners as a path. */
export function rounded(context, x, y, width, height, radius) {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}
