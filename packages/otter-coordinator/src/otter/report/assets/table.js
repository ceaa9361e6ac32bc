import { GLYPHS, RESULTS } from "./data.js";
import { fill, h, visible } from "./dom.js";
import { duration, integer, NONE, size } from "./format.js";

const ROW = 28;
const OVERSCAN = 8;
const MOST_COLLATED = 20000;

/** The columns: title, value for sorting, what a cell shows, and whether it is of use for a step. */
const COLUMNS = [
  { name: "task", title: "Task", of: null },
  { name: "type", title: "Type", of: (step) => (place) => step.kind[place], show: (step, place) => visible(step.kindOf(place)) },
  {
    name: "attempts", title: "Tries", right: true, of: (step) => (place) => step.attemptsOf(place),
    show: (step, place) => integer(step.attemptsOf(place)), useful: (step) => step.retried > 0,
  },
  {
    name: "worker", title: "Worker", right: true, of: (step) => (place) => lastWorker(step, place),
    show: (step, place) => (lastWorker(step, place) < 0 ? NONE : lastWorker(step, place)), useful: (step) => step.lanes.length > 1,
  },
  {
    name: "start", title: "Started", right: true, of: (step) => (place) => step.start[place],
    show: (step, place) => (step.reused[place] ? "earlier run" : step.start[place] < 0 ? NONE : `+${duration(step.start[place])}`),
  },
  {
    name: "wait", title: "Waited", right: true, of: (step) => (place) => step.waitOf(place),
    show: (step, place) => duration(step.waitOf(place)), useful: (step) => step.raw.tasks.ready.some((ready) => ready >= 0),
  },
  { name: "took", title: "Took", right: true, bar: true, of: (step) => (place) => step.elapsed[place], show: (step, place) => duration(step.elapsed[place]) },
  {
    name: "memory", title: "Memory", right: true, of: (step) => (place) => step.memory[place],
    show: (step, place) => size(step.memory[place]), useful: (step) => step.memory.some((bytes) => bytes >= 0),
  },
  {
    name: "bytes", title: "Wrote", right: true, of: (step) => (place) => step.bytes[place],
    show: (step, place) => size(step.bytes[place]), useful: (step) => step.bytes.some((bytes) => bytes >= 0),
  },
];

/** The table of tasks. Only the rows that can be seen exist, so that a hundred thousand tasks scroll as ten do. */
export class Table {
  constructor({ store, filter }) {
    Object.assign(this, { store, filter });
    this.sort = { name: "result", down: false };
    this.head = h("div", { class: "table-head", role: "row" });
    this.spacer = h("div", { class: "table-spacer", role: "rowgroup" });
    this.empty = h("p", { class: "table-empty", hidden: true }, "No task matches.");
    this.viewport = h("div", {
      class: "table-viewport", tabindex: "0",
      on: { scroll: () => this.#ask(), keydown: (event) => this.#key(event) },
    }, this.head, this.spacer, this.empty);
    this.table = h("div", { class: "table", role: "table", "aria-label": "Tasks" }, this.viewport);
    this.element = h("section", { class: "view tasks", "aria-label": "Tasks" }, this.table);
    this.rows = [];
    new ResizeObserver(() => this.#draw()).observe(this.viewport);
  }

  use(step) {
    this.step = step;
    this.columns = COLUMNS.filter(({ useful }) => !useful || useful(step));
    this.most = step.elapsed.reduce((one, other) => Math.max(one, other), 1);
    this.rows.forEach(({ row }) => row.remove());
    this.rows = [];
    this.viewport.scrollTop = 0;
    const widths = columnWidths(this.columns, step);
    this.table.style.setProperty("--columns", widths.map((width, place) => (place ? `${width}px` : `minmax(${width}px, 1fr)`)).join(" "));
    this.table.style.setProperty("--least", `${widths.reduce((sum, width) => sum + width, 20)}px`);
    this.update();
  }

  /** Sort anew what the filter leaves. */
  update() {
    this.order = sorted(this.step, this.filter.places, this.sort, this.columns);
    this.spacer.style.height = `${this.order.length * ROW}px`;
    this.table.setAttribute("aria-rowcount", String(this.order.length + 1));
    this.empty.hidden = this.order.length > 0;
    this.#drawHead();
    this.#draw();
  }

  invalidate() {
    this.#draw();
  }

  /** Bring a task into sight, if the filter leaves it. */
  reveal(task) {
    const place = this.order.indexOf(task);
    if (place < 0) return;
    const [top, height] = [place * ROW, this.viewport.clientHeight - ROW];
    const { scrollTop } = this.viewport;
    if (top < scrollTop || top + ROW > scrollTop + height) this.viewport.scrollTop = Math.max(top - height / 2, 0);
    this.#draw();
  }

  #drawHead() {
    fill(this.head, this.columns.map(({ name, title, right }) => {
      const key = name === "task" ? this.#taskKey() : name;
      const on = this.sort.name === key || (name === "task" && ["result", "name"].includes(this.sort.name));
      const label = name === "task" && this.sort.name === "result" && on ? "Task, worst first" : title;
      return h("div", { class: right ? "right" : "", role: "columnheader", "aria-sort": on ? (this.sort.down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", on: { click: () => this.#sortBy(name) } }, label, h("span", { class: "arrow" }, on ? (this.sort.down ? "↓" : "↑") : "")));
    }));
  }

  #taskKey() {
    return this.sort.name === "name" ? "name" : "result";
  }

  /** The first column is sorted by result, then by name, then by name backwards; numbers begin with the largest. */
  #sortBy(name) {
    const { sort } = this;
    if (name === "task") {
      if (sort.name === "result") this.sort = { name: "name", down: false };
      else if (sort.name === "name" && !sort.down) this.sort = { name: "name", down: true };
      else this.sort = { name: "result", down: false };
    } else if (sort.name === name) {
      this.sort = { name, down: !sort.down };
    } else {
      this.sort = { name, down: !["type", "worker", "start"].includes(name) };
    }
    this.viewport.scrollTop = 0;
    this.update();
  }

  #ask() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = null;
      this.#draw();
    });
  }

  #draw() {
    const height = this.viewport.clientHeight;
    if (!this.step || !height) return;
    const first = Math.max(Math.floor(this.viewport.scrollTop / ROW) - OVERSCAN, 0);
    const last = Math.min(Math.ceil((this.viewport.scrollTop + height) / ROW) + OVERSCAN, this.order.length);
    while (this.rows.length < last - first) this.rows.push(this.#row());
    this.rows.forEach((row, place) => this.#fillRow(row, first + place, first + place < last));
  }

  #row() {
    const cells = this.columns.map(({ right, bar }) => h("div", { class: `${right ? "right" : ""} ${bar ? "with-bar" : ""}`, role: "cell" }));
    const row = h("div", { class: "row", role: "row", on: { click: () => this.store.set({ task: entry.task }) } }, cells);
    const entry = { row, cells, task: -1 };
    this.spacer.append(row);
    return entry;
  }

  #fillRow(entry, place, used) {
    const { row, cells } = entry;
    row.hidden = !used;
    if (!used) return;
    const task = this.order[place];
    row.style.transform = `translateY(${place * ROW}px)`;
    row.setAttribute("aria-rowindex", String(place + 2));
    row.classList.toggle("selected", task === this.store.task);
    row.setAttribute("aria-selected", String(task === this.store.task));
    if (entry.task === task) return;
    entry.task = task;
    const result = RESULTS[this.step.result[task]];
    const reason = this.step.reasonOf(task);
    fill(cells[0],
      h("span", { class: `glyph ${result}`, "aria-label": result }, GLYPHS[result]),
      h("span", { class: "name" }, visible(this.step.names[task])),
      reason && result !== "success" ? h("span", { class: "why" }, visible(reason)) : null);
    this.columns.forEach(({ show, bar }, column) => {
      if (!show) return;
      fill(cells[column], String(show(this.step, task)));
      if (bar) cells[column].style.setProperty("--share", String(Math.max(this.step.elapsed[task], 0) / this.most));
    });
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity };
    const move = steps[event.key];
    if (move === undefined || event.ctrlKey || event.metaKey || !this.order.length) return;
    event.preventDefault();
    const at = this.order.indexOf(this.store.task);
    const next = at < 0 ? 0 : Math.min(Math.max(at + move, 0), this.order.length - 1);
    this.store.set({ task: this.order[next] });
    this.reveal(this.order[next]);
  }
}

/** Widths in pixels; the first column takes what is left. */
function columnWidths(columns, step) {
  const longest = Math.max(...[...new Set(step.kind)].map((kind) => step.texts[kind]?.length ?? 0), 4);
  const widths = { task: 280, type: Math.min(longest * 7.2 + 28, 220), attempts: 62, worker: 76, start: 104, took: 150 };
  return columns.map(({ name }) => widths[name] ?? 92);
}

function lastWorker(step, place) {
  const { attempts } = step;
  const attempt = attempts.first[place + 1] - 1;
  return attempt >= attempts.first[place] ? attempts.worker[attempt] : -1;
}

function sorted(step, places, { name, down }, columns) {
  const order = Int32Array.from(places);
  const sign = down ? -1 : 1;
  if (name === "name") {
    const collator = new Intl.Collator("en", { numeric: true });
    const compare = places.length <= MOST_COLLATED ? collator.compare : (one, other) => (one < other ? -1 : one > other ? 1 : 0);
    return order.sort((one, other) => sign * compare(step.names[one], step.names[other]) || one - other);
  }
  if (name === "type") {
    return order.sort((one, other) => sign * (step.kindOf(one) < step.kindOf(other) ? -1 : step.kindOf(one) > step.kindOf(other) ? 1 : 0) || one - other);
  }
  const of = name === "result" ? (place) => step.result[place] : columns.find((column) => column.name === name)?.of(step) ?? ((place) => place);
  return order.sort((one, other) => sign * (of(one) - of(other)) || one - other);
}
