export const RESULTS = ["failure", "aborted", "pending", "success"];
export const GLYPHS = { success: "●", failure: "✕", aborted: "◼", pending: "○" };
export const WORDS = { success: "succeeded", failure: "failed", aborted: "aborted", pending: "not begun" };

const LETTERS = { f: 0, a: 1, p: 2, s: 3 };

/** The attempts of a step, as columns; `row` is -1 for one that never began. */
class Attempts {
  constructor(raw, tasks) {
    this.count = raw.task.length;
    this.task = Int32Array.from(raw.task);
    this.number = Int32Array.from(raw.number);
    this.worker = Int32Array.from(raw.worker);
    this.row = Int32Array.from(raw.row);
    this.start = Float64Array.from(raw.start);
    this.end = Float64Array.from(raw.end);
    this.result = Int32Array.from(raw.result);
    this.reason = Int32Array.from(raw.reason);
    this.memory = Float64Array.from(raw.memory);
    this.first = new Int32Array(tasks + 1);
    for (const task of this.task) this.first[task + 1] += 1;
    for (let place = 0; place < tasks; place += 1) this.first[place + 1] += this.first[place];
  }
}

/** One step of the report. Columns have one item for each task; times are microseconds after `origin`. */
export class Step {
  constructor(raw, number, chunkTasks) {
    const tasks = raw.tasks;
    this.raw = raw;
    this.number = number;
    this.chunkTasks = chunkTasks;
    this.count = tasks.name.length;
    this.names = tasks.name;
    this.texts = raw.texts;
    this.kind = Int32Array.from(tasks.kind);
    this.result = Uint8Array.from(tasks.result, (letter) => LETTERS[letter]);
    this.reused = new Uint8Array(this.count);
    for (const place of tasks.reused) this.reused[place] = 1;
    for (const name of ["start", "checked", "end", "elapsed", "ready", "memory", "bytes"]) {
      this[name] = Float64Array.from(tasks[name]);
    }
    for (const name of ["reason", "exception", "cause", "blocker", "parent", "artifacts"]) {
      this[name] = Int32Array.from(tasks[name]);
    }
    this.requires = ragged(tasks.requires, this.count);
    this.attempts = new Attempts(raw.attempts, this.count);
    this.unknown = new Map(tasks.unknown);
    this.lanes = raw.lanes.map(([worker, first, rows]) => ({ worker, first, rows }));
    this.span = Math.max(raw.span, 1);
    this.totals = new Uint32Array(RESULTS.length);
    for (const result of this.result) this.totals[result] += 1;
    this.blocked = this.blocker.reduce((total, blocker) => total + (blocker >= 0), 0);
    this.retried = 0;
    for (let place = 0; place < this.count; place += 1) this.retried += this.attemptsOf(place) > 1;
    this.chunks = new Map();
    this.made = new Map();
  }

  resultOf(place) {
    return RESULTS[this.result[place]];
  }

  kindOf(place) {
    return this.texts[this.kind[place]] ?? "";
  }

  reasonOf(place) {
    return this.texts[this.reason[place]] ?? "";
  }

  attemptsOf(place) {
    return this.attempts.first[place + 1] - this.attempts.first[place];
  }

  /** How long a task waited for a worker after nothing else kept it; -1 if that is not known. */
  waitOf(place) {
    return this.ready[place] >= 0 && this.start[place] >= 0 ? Math.max(this.start[place] - this.ready[place], 0) : -1;
  }

  requiredBy(place) {
    return this.requires.items.subarray(this.requires.first[place], this.requires.first[place + 1]);
  }

  /** Something derived from the step, made at the first time that it is asked for. */
  derived(name, make) {
    if (!this.made.has(name)) this.made.set(name, make(this));
    return this.made.get(name);
  }

  get lowerNames() {
    return this.derived("lowerNames", () => this.names.map((name) => name.toLowerCase()));
  }

  get dependents() {
    return this.derived("dependents", () => inverted(this.count, (visit) => {
      for (let place = 0; place < this.count; place += 1) {
        for (const other of this.requiredBy(place)) visit(other, place);
      }
    }));
  }

  get children() {
    return this.derived("children", () => inverted(this.count, (visit) => {
      for (let place = 0; place < this.count; place += 1) if (this.parent[place] >= 0) visit(this.parent[place], place);
    }));
  }

  get onCriticalPath() {
    return this.derived("critical", () => new Set(this.raw.critical));
  }

  /** What is recorded of one task only: a promise, because it is unpacked when it is asked for. */
  async details(place) {
    const rows = await this.chunk(Math.floor(place / this.chunkTasks));
    return rows[place % this.chunkTasks] ?? {};
  }

  chunk(number) {
    if (!this.chunks.has(number)) this.chunks.set(number, unpack(`details-${this.number}-${number}`));
    return this.chunks.get(number);
  }
}

/** The report that stands in this document. */
export function readReport() {
  const raw = JSON.parse(document.getElementById("report").textContent);
  return { ...raw, steps: raw.steps.map((step, number) => new Step(step, number, raw.chunk_tasks)) };
}

async function unpack(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Lists of different lengths in two arrays: those of `place` are `items` from `first[place]` to `first[place + 1]`. */
function ragged(flat, length) {
  const first = new Int32Array(length + 1);
  const items = new Int32Array(flat.length - length);
  let at = 0;
  for (let place = 0; place < length; place += 1) {
    const size = flat[at];
    for (let offset = 0; offset < size; offset += 1) items[first[place] + offset] = flat[at + 1 + offset];
    first[place + 1] = first[place] + size;
    at += size + 1;
  }
  return { first, items };
}

function inverted(length, each) {
  const first = new Int32Array(length + 1);
  each((to) => { first[to + 1] += 1; });
  for (let place = 0; place < length; place += 1) first[place + 1] += first[place];
  const items = new Int32Array(first[length]);
  const next = first.slice();
  each((to, from) => { items[next[to]++] = from; });
  return { first, items, of: (place) => items.subarray(first[place], first[place + 1]) };
}
