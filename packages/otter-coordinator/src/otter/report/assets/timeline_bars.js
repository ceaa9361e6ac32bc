import { clipped } from "./canvas.js";
import { visible } from "./dom.js";

/** Attempts by row and start, so that what can be seen is found by halving. The attempts of a row never overlap. */
export class Bars {
  constructor(step) {
    const { attempts } = step;
    this.step = step;
    this.rows = step.lanes.reduce((total, lane) => total + lane.rows, 0);
    this.first = new Int32Array(this.rows + 1);
    for (let attempt = 0; attempt < attempts.count; attempt += 1) {
      if (attempts.row[attempt] >= 0) this.first[attempts.row[attempt] + 1] += 1;
    }
    for (let row = 0; row < this.rows; row += 1) this.first[row + 1] += this.first[row];
    this.order = new Int32Array(this.first[this.rows]);
    const next = this.first.slice();
    const byStart = Int32Array.from({ length: attempts.count }, (_, attempt) => attempt);
    byStart.sort((one, other) => attempts.start[one] - attempts.start[other]);
    for (const attempt of byStart) if (attempts.row[attempt] >= 0) this.order[next[attempts.row[attempt]]++] = attempt;
    this.shade = shades(step);
  }

  /** The place in `order` of the first attempt of a row that ends after an instant. */
  from(row, at) {
    const { end } = this.step.attempts;
    let [low, high] = [this.first[row], this.first[row + 1]];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (end[this.order[middle]] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The attempt of a row at an instant, or the nearest one within a tolerance; -1 if there is none. */
  at(row, at, tolerance) {
    const { start, end } = this.step.attempts;
    const place = this.from(row, at - tolerance);
    if (place >= this.first[row + 1]) return -1;
    let best = -1;
    let distance = tolerance;
    for (let index = place; index < this.first[row + 1] && start[this.order[index]] <= at + tolerance; index += 1) {
      const attempt = this.order[index];
      const away = Math.max(start[attempt] - at, at - end[attempt], 0);
      if (away <= distance) [best, distance] = [attempt, away];
      if (away === 0) break;
    }
    return best;
  }

  /**
   * Draw one row. Attempts that fall on the same pixel are drawn once; of these, the worst one is seen.
   *
   * `scale` has `from`, `perPixel`, `left` and `right`; `paint(attempt)` gives fill and text colour; `mask` is 0 for what
   * the filter leaves out.
   */
  drawRow(context, row, y, height, scale, paint, mask) {
    const { start, end, task } = this.step.attempts;
    const to = scale.from + (scale.right - scale.left) * scale.perPixel;
    let [pixel, worst] = [-1, -1];
    for (let index = this.from(row, scale.from); index < this.first[row + 1]; index += 1) {
      const attempt = this.order[index];
      if (start[attempt] >= to) break;
      const x = Math.max(scale.left + (start[attempt] - scale.from) / scale.perPixel, scale.left);
      const right = Math.min(scale.left + (end[attempt] - scale.from) / scale.perPixel, scale.right);
      const width = right - x;
      const seen = mask === null || mask[task[attempt]] === 1;
      const weight = (seen ? 4 : 0) + (this.shade[attempt] === 0 ? 0 : 1);
      if (width < 1.5) {
        if (Math.floor(x) === pixel && weight <= worst) continue;
        [pixel, worst] = [Math.floor(x), weight];
      }
      const [fill, ink] = paint(attempt);
      context.globalAlpha = seen ? 1 : 0.16;
      context.fillStyle = fill;
      // A hairline of background between neighbours: a hundred short tasks are not one long one.
      context.fillRect(x, y, Math.max(width > 4 ? width - 1 : width, 1), height);
      if (height >= 11 && width > 44) {
        context.fillStyle = ink;
        context.fillText(clipped(context, visible(this.step.names[task[attempt]]), width - 8), x + 4, y + height / 2 + 0.5);
      }
    }
    context.globalAlpha = 1;
  }
}

const SHADES = ["success", "failure", "aborted", "death"];

export function shadeName(shade) {
  return SHADES[shade];
}

/** What became of each attempt, as a number: an index of `SHADES`. */
function shades(step) {
  const { attempts } = step;
  const byText = new Map([["success", 0], ["failure", 1], ["aborted", 2]]);
  return Uint8Array.from(attempts.result, (text) => byText.get(step.texts[text]) ?? 3);
}

/** How many attempts ran in each of a number of equal parts of a stretch of time, on average. */
export function concurrency(step, parts, from = 0, to = step.span, failedOnly = false) {
  const { attempts } = step;
  const width = (to - from) / parts;
  const change = new Float64Array(parts + 2);
  const running = new Float64Array(parts);
  for (let attempt = 0; attempt < attempts.count; attempt += 1) {
    if (attempts.row[attempt] < 0 || (failedOnly && step.texts[attempts.result[attempt]] === "success")) continue;
    const start = Math.max(attempts.start[attempt], from);
    const end = Math.min(Math.max(attempts.end[attempt], start), to);
    if (end < from || start > to) continue;
    const one = Math.min(Math.floor((start - from) / width), parts - 1);
    const other = Math.min(Math.floor((end - from) / width), parts - 1);
    if (one === other) {
      running[one] += (end - start) / width;
    } else {
      running[one] += one + 1 - (start - from) / width;
      running[other] += (end - from) / width - other;
      change[one + 1] += 1;
      change[other] -= 1;
    }
  }
  let sum = 0;
  for (let part = 0; part < parts; part += 1) {
    sum += change[part];
    running[part] += sum;
  }
  return running;
}

/** Distances between ticks that people can count in, about so many microseconds apart. */
export function tickDistance(wanted) {
  const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  if (wanted >= 1e6) return (seconds.find((step) => step * 1e6 >= wanted) ?? Math.ceil(wanted / 8.64e10) * 86400) * 1e6;
  const power = 10 ** Math.floor(Math.log10(Math.max(wanted, 1)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= wanted);
}
