import { button } from "./controls.js";
import { fill, h, visible } from "./dom.js";
import { integer } from "./format.js";
import { HELP, matching, parseQuery } from "./query.js";

const PAUSE = 90;

/**
 * The search field, and what it leaves: `places` of the tasks that match, and a `mask` with 1 for each of them, or null when
 * nothing is left out. Table, timeline and graph all obey it.
 */
export class Filter {
  constructor(store) {
    this.store = store;
    this.input = h("input", {
      type: "search", class: "search", placeholder: "Filter: words, result:failed, took>10s …", spellcheck: "false",
      autocomplete: "off", "aria-label": "Filter tasks", on: { input: () => this.#later() },
    });
    this.counts = h("output", { class: "filter-count", "aria-live": "polite" });
    this.quick = h("div", { class: "quick" });
    this.help = h("div", { class: "help", hidden: true });
    this.element = h("div", { class: "filter" }, h("div", { class: "search-box" }, this.input, this.help), this.counts, this.quick);
    this.input.addEventListener("focus", () => this.#showHelp());
    this.input.addEventListener("blur", () => { this.help.hidden = true; });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.store.set({ query: "", subset: null });
        this.input.blur();
      }
    });
  }

  /** Find again what matches; called when step, query or subset have changed. */
  update() {
    const { step, query, subset } = this.store;
    if (document.activeElement !== this.input || this.input.value.trim() !== query) this.input.value = query;
    const { tests, problems } = parseQuery(query, step);
    this.problems = problems;
    this.places = matching(step, tests, subset?.tasks);
    this.mask = null;
    if (tests.length || subset) {
      this.mask = new Uint8Array(step.count);
      for (const place of this.places) this.mask[place] = 1;
    }
    this.counts.textContent = this.mask ? `${integer(this.places.length)} of ${integer(step.count)}` : "";
    this.input.classList.toggle("wrong", problems.length > 0);
    this.#showQuick(step);
    this.#showHelp();
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.store.set({ query: this.input.value.trim() }), this.store.step.count > 20000 ? PAUSE * 3 : PAUSE);
  }

  #showQuick(step) {
    const { query, subset } = this.store;
    const offers = [
      ["result:failed", step.totals[0], "failed"], ["result:aborted", step.totals[1], "aborted"],
      ["is:blocked", step.blocked, "blocked"], ["is:retried", step.retried, "retried"],
    ];
    fill(this.quick,
      subset ? button(`${visible(subset.label)}  ×`, "Remove this restriction", () => this.store.set({ subset: null })) : null,
      offers.filter(([, number]) => number).map(([words, number, label]) => {
        const on = query === words;
        const chip = button(`${integer(number)} ${label}`, `Filter: ${words}`, () => this.store.set({ query: on ? "" : words }));
        chip.setAttribute("aria-pressed", String(on));
        return chip;
      }));
  }

  #showHelp() {
    this.help.hidden = document.activeElement !== this.input || (this.store.query !== "" && !this.problems.length);
    fill(this.help, this.problems.length
      ? this.problems.map((problem) => h("p", { class: "problem" }, visible(problem)))
      : h("dl", {}, HELP.map(([words, meaning]) => [h("dt", {}, words), h("dd", {}, meaning)])));
  }
}
