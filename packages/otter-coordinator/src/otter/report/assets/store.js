export const VIEWS = ["overview", "timeline", "graph", "tasks"];

/**
 * What the reader looks at: step, view, filter, selected task. Parts of the page listen for "change" and are told which of
 * these changed; the address keeps them, so that a view can be sent to somebody.
 *
 * `subset` is a set of tasks that was chosen by pointing, such as a group in the graph; it has no words, and so no address.
 */
export class Store extends EventTarget {
  constructor(report) {
    super();
    this.report = report;
    this.view = VIEWS[0];
    this.step = report.steps[0] ?? null;
    this.query = "";
    this.subset = null;
    this.task = -1;
    this.#read();
    window.addEventListener("hashchange", () => {
      this.#read();
      this.#tell(new Set(["view", "step", "query", "task"]));
    });
  }

  set(changes) {
    if (changes.step && changes.step !== this.step) changes = { task: -1, subset: null, ...changes };
    const changed = new Set(Object.keys(changes).filter((name) => this[name] !== changes[name]));
    if (!changed.size) return;
    Object.assign(this, changes);
    const address = `#${this.#address()}`;
    if (changed.has("view") || changed.has("step")) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
    this.#tell(changed);
  }

  /** Select a task and, unless `stay` is set, look at it in a view. */
  show(task, view = this.view) {
    this.set({ task, view });
  }

  #tell(changed) {
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }

  #address() {
    const words = new URLSearchParams({ view: this.view });
    if (this.step && this.report.steps.length > 1) words.set("step", this.step.raw.key);
    if (this.query) words.set("q", this.query);
    if (this.task >= 0) words.set("task", this.step.names[this.task]);
    return words.toString();
  }

  #read() {
    const words = new URLSearchParams(window.location.hash.slice(1));
    this.step = this.report.steps.find((step) => step.raw.key === words.get("step")) ?? this.step;
    this.view = VIEWS.includes(words.get("view")) ? words.get("view") : this.view;
    this.query = words.get("q") ?? "";
    this.task = this.step && words.has("task") ? this.step.names.indexOf(words.get("task")) : -1;
  }
}
