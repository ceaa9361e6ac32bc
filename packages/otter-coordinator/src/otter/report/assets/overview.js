import { Surface } from "./canvas.js";
import { button } from "./controls.js";
import { GLYPHS, RESULTS, WORDS } from "./data.js";
import { fill, h, visible } from "./dom.js";
import { count, duration, integer, moment, percent, size, tick } from "./format.js";
import { kindTable } from "./kinds.js";
import { drawProfile } from "./minimap.js";
import { concurrency, tickDistance } from "./timeline_bars.js";

const LISTED = 8;
const KINDS = { death: "worker", host: "host", exception: "exception", message: "reason" };

/** The verdict, why tasks failed, and where the time went. */
export class Overview {
  constructor({ store, theme }) {
    Object.assign(this, { store, theme });
    this.element = h("section", { class: "view overview", "aria-label": "Overview" });
    this.chart = h("canvas", { class: "profile", role: "img", "aria-label": "Running attempts over time" });
    this.surface = new Surface(this.chart, (context, width, height) => this.#drawProfile(context, width, height));
  }

  use(step) {
    this.step = step;
    fill(this.element,
      this.#verdict(step),
      h("div", { class: "columns" },
        h("div", { class: "column" }, this.#failures(step), this.#recovered(step), this.#profile(step), this.#kinds(step)),
        h("div", { class: "column" }, this.#critical(step), this.#slowest(step), this.#about(step))));
    this.surface.invalidate();
  }

  invalidate() {
    this.surface.invalidate();
  }

  #verdict(step) {
    const result = step.raw.result;
    const { report } = this.store;
    return h("div", { class: "verdict" },
      h("div", { class: "verdict-line" },
        h("h1", {}, h("span", { class: `glyph ${result}` }, GLYPHS[result]), visible(step.raw.name), " ", h("span", { class: `word ${result}` }, verdictWord(step))),
        h("span", { class: "dim" }, moment(step.raw.started))),
      h("div", { class: "shares", role: "img", "aria-label": totals(step) }, [3, 0, 1, 2].filter((code) => step.totals[code]).map((code) => {
        const share = h("span", { class: `share ${RESULTS[code]}` });
        share.style.flexGrow = String(step.totals[code]);
        return share;
      })),
      h("p", { class: "totals" }, [0, 1, 3, 2].filter((code) => step.totals[code] || code === 3).map((code) =>
        h("button", { type: "button", class: "total link", on: { click: () => this.#tasks(`result:${["failed", "aborted", "pending", "succeeded"][code]}`) } },
          h("span", { class: `glyph ${RESULTS[code]}` }, GLYPHS[RESULTS[code]]), h("strong", {}, integer(step.totals[code])), ` ${WORDS[RESULTS[code]]}`))),
      step.raw.reason && result !== "success" ? h("p", { class: "step-reason" }, visible(step.raw.reason)) : null,
      report.problem ? h("p", { class: "warning" }, visible(report.problem)) : null,
      step.raw.finished < 0 ? h("p", { class: "warning" }, "This run had not ended when the manifest was written, or it was killed.") : null,
      h("dl", { class: "metrics" }, this.#metrics(step)));
  }

  #metrics(step) {
    const { attempts } = step;
    let busy = 0;
    for (let at = 0; at < attempts.count; at += 1) if (attempts.row[at] >= 0) busy += attempts.end[at] - attempts.start[at];
    const profile = concurrency(step, 2000);
    const memory = step.memory.reduce((one, other) => Math.max(one, other), -1);
    const bytes = step.bytes.reduce((sum, value) => sum + Math.max(value, 0), 0);
    const path = step.raw.critical.reduce((sum, place) => sum + Math.max(step.elapsed[place], 0), 0);
    const queued = step.raw.critical.reduce((sum, place) => sum + Math.max(step.waitOf(place), 0), 0);
    const took = step.raw.elapsed >= 0 ? step.raw.elapsed : step.span;
    const reused = step.raw.tasks.reused.length;
    const rows = [
      ["Took", duration(took), ""],
      ["Tasks", integer(step.count), reused ? `${integer(reused)} from an earlier run` : count(new Set(step.kind).size, "type")],
      ["Attempts", integer(attempts.count), step.retried ? `${count(step.retried, "task")} tried again` : "none repeated"],
      ["Workers", integer(step.lanes.length), profile.length ? `${Math.round(Math.max(...profile) * 10) / 10} at once at most` : ""],
      ["Work", duration(busy), took > 0 ? `${(busy / took).toFixed(1)} × the time it took` : ""],
      ["Critical path", duration(path), `and ${duration(queued)} waiting for workers`],
    ];
    if (bytes) rows.push(["Wrote", size(bytes), "as far as recorded"]);
    if (memory >= 0) rows.push(["Memory", size(memory), "of the largest worker"]);
    const { coordinator = {}, worker = {} } = step.raw.versions;
    const otter = coordinator["otter-coordinator"];
    const pythons = [...new Set([coordinator.python, worker.python].filter(Boolean))];
    if (otter) rows.push(["otter", visible(otter), visible(pythons.map((python) => `Python ${python}`).join(", "))]);
    return rows.map(([title, value, more]) => h("div", {}, h("dt", {}, title), h("dd", {}, value), h("dd", { class: "dim" }, more)));
  }

  #failures(step) {
    const { causes } = step.raw;
    if (!causes.length) return null;
    const tasks = step.totals[0];
    return panel(`${count(tasks, "task")} failed, for ${count(causes.length, "cause")}`,
      causes.slice(0, 50).map((cause, place) => this.#cause(step, cause, place)),
      causes.length > 50 ? h("p", { class: "dim" }, `… and ${count(causes.length - 50, "more cause")}`) : null);
  }

  #cause(step, cause, place) {
    const one = cause.tasks.length === 1;
    return h("article", { class: "cause" },
      h("div", { class: "cause-head" },
        h("span", { class: "tag" }, KINDS[cause.kind]), h("strong", {}, visible(cause.title)),
        h("span", { class: "cause-detail" }, visible(cause.detail)), h("span", { class: "spacer" }),
        one ? null : button(count(cause.tasks.length, "task"), "Show them in the table", () => this.#tasks(`cause:${place + 1}`))),
      cause.sample ? h("pre", { class: "sample" }, visible(cause.sample)) : null,
      h("div", { class: "cause-tasks" },
        cause.tasks.slice(0, one ? 1 : 3).map((task) => this.#task(step, task)),
        cause.tasks.length > 3 ? h("span", { class: "dim" }, `and ${count(cause.tasks.length - 3, "more", "more")}`) : null,
        cause.blocks ? h("span", { class: "blocks" }, `blocks ${count(cause.blocks, "task")}`) : null));
  }

  #recovered(step) {
    const causes = step.raw.recovered;
    if (!causes.length) return null;
    return panel("Recovered by trying again", causes.slice(0, LISTED).map((cause) => h("div", { class: "recovered" },
      h("span", { class: "tag" }, KINDS[cause.kind]), h("strong", {}, visible(cause.title)), h("span", { class: "cause-detail" }, visible(cause.detail)),
      h("span", { class: "spacer" }),
      button(count(cause.tasks.length, "task"), "Show them in the table", () => this.store.set({
        view: "tasks", query: "", subset: { label: `recovered: ${cause.title}`, tasks: new Set(cause.tasks) },
      })))));
  }

  #profile(step) {
    return step.attempts.count ? panel("Running attempts", this.chart) : null;
  }

  #drawProfile(context, width, height) {
    const left = 30;
    const parts = Math.max(Math.floor(width - left), 1);
    const profile = concurrency(this.step, parts);
    const failed = concurrency(this.step, parts, 0, this.step.span, true);
    const most = drawProfile(context, profile, failed, { left, top: 12, height: height - 32 }, this.theme);
    context.font = `11px ${this.theme.colour("sans")}`;
    context.fillStyle = this.theme.colour("dim");
    context.textBaseline = "middle";
    context.fillText(String(most < 10 ? Math.round(most * 10) / 10 : Math.round(most)), 0, 14);
    context.fillText("0", 0, height - 22);
    const distance = tickDistance((this.step.span / parts) * 110);
    for (let at = 0; at <= this.step.span; at += distance) {
      const x = left + (at / this.step.span) * parts;
      context.fillRect(x, height - 18, 1, 4);
      if (x + 40 < width) context.fillText(tick(at, distance, this.step.span), x + 3, height - 7);
    }
  }

  #kinds(step) {
    const rows = kindTable(step);
    const busiest = Math.max(...rows.map(({ total }) => total), 1);
    return panel(count(rows.length, "task type"), h("table", { class: "numbers" },
      h("thead", {}, h("tr", {}, ["Type", "Tasks", "Failed", "Median", "95 %", "Longest", "Together"].map((title) => h("th", {}, title)))),
      h("tbody", {}, rows.slice(0, 40).map((row) => h("tr", {},
        h("td", {}, h("button", { type: "button", class: "link", on: { click: () => this.#tasks(`type:${quoted(row.name)}`) } }, visible(row.name))),
        h("td", {}, integer(row.tasks)), h("td", { class: row.failed ? "failure" : "dim" }, row.failed ? integer(row.failed) : "–"),
        h("td", {}, duration(row.median)), h("td", {}, duration(row.slow)), h("td", {}, duration(row.most)), barCell(duration(row.total), row.total / busiest))))));
  }

  #critical(step) {
    const path = step.raw.critical;
    if (path.length < 2) return null;
    const shown = path.length > 14 ? [...path.slice(0, 7), -1, ...path.slice(-6)] : path;
    const longest = Math.max(...path.map((place) => step.elapsed[place]), 1);
    return panel("Critical path", h("ol", { class: "path" }, shown.map((place) => (place < 0
      ? h("li", { class: "dim" }, `… ${count(path.length - 13, "more", "more")}`)
      : h("li", {}, this.#task(step, place), barCell(duration(step.elapsed[place]), step.elapsed[place] / longest, "span"))))),
    h("p", { class: "dim" }, `Each of these ${integer(path.length)} tasks was what the next one waited for.`));
  }

  #slowest(step) {
    const places = Int32Array.from({ length: step.count }, (_, place) => place).filter((place) => step.elapsed[place] >= 0 && !step.reused[place]);
    places.sort((one, other) => step.elapsed[other] - step.elapsed[one]);
    if (!places.length) return null;
    return panel("Slowest tasks", h("ol", { class: "path" }, Array.from(places.subarray(0, LISTED), (place) =>
      h("li", {}, this.#task(step, place), barCell(duration(step.elapsed[place]), step.elapsed[place] / Math.max(step.elapsed[places[0]], 1), "span")))));
  }

  #about(step) {
    const { report } = this.store;
    const more = Object.entries(step.raw.more);
    return panel("Manifest",
      h("p", { class: "path" }, visible(report.path)),
      h("p", { class: "dim" }, `${visible(step.raw.key)}, written ${moment(report.modified)}`),
      step.raw.logs_left_out ? h("p", { class: "dim" }, `The logs of ${count(step.raw.logs_left_out, "task")} are left out of this page: their files have them.`) : null,
      more.length ? h("details", {}, h("summary", {}, "More facts"), h("pre", { class: "code" }, visible(JSON.stringify(step.raw.more, null, 2)))) : null,
      step.raw.log.length ? h("details", {}, h("summary", {}, "Log of the step"), h("pre", { class: "code" }, visible(step.raw.log.join("\n")))) : null);
  }

  #task(step, place) {
    const result = RESULTS[step.result[place]];
    return h("button", { type: "button", class: "link task", on: { click: () => this.store.set({ task: place }) } },
      h("span", { class: `glyph ${result}` }, GLYPHS[result]), h("span", { class: "name" }, visible(step.names[place])));
  }

  #tasks(query) {
    this.store.set({ view: "tasks", query, subset: null });
  }
}

function verdictWord(step) {
  if (step.raw.result === "pending") return step.raw.finished < 0 ? "has not ended" : "ended";
  return step.raw.result === "aborted" ? "was stopped" : WORDS[step.raw.result];
}

function totals(step) {
  return RESULTS.map((result, code) => `${integer(step.totals[code])} ${WORDS[result]}`).join(", ");
}

function panel(title, ...content) {
  return h("section", { class: "panel" }, h("h2", {}, title), content);
}

function barCell(text, share, tag = "td") {
  const cell = h(tag, { class: "with-bar" }, text);
  cell.style.setProperty("--share", String(share));
  return cell;
}

function quoted(text) {
  return /\s/.test(text) ? `"${text}"` : text;
}
