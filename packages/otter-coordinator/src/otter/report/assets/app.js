import { readReport, GLYPHS } from "./data.js";
import { Drawer } from "./drawer.js";
import { fill, h, visible } from "./dom.js";
import { Filter } from "./filter.js";
import { integer } from "./format.js";
import { Graph } from "./graph.js";
import { Overview } from "./overview.js";
import { Store, VIEWS } from "./store.js";
import { Table } from "./table.js";
import { Theme } from "./theme.js";
import { Timeline } from "./timeline.js";
import { Tooltip } from "./tooltip.js";

const TITLES = { overview: "Overview", timeline: "Timeline", graph: "Graph", tasks: "Tasks" };

/** Put the page together, and pass on to its parts what changes. */
function start() {
  performance.mark("otter:begin");
  const report = readReport();
  const store = new Store(report);
  const theme = new Theme();
  const root = document.getElementById("app");
  if (!store.step) {
    fill(root, h("main", { class: "nothing" }, h("h1", {}, "No steps"), h("p", {}, `The manifest ${visible(report.path)} has none.`)));
    return;
  }
  const filter = new Filter(store);
  const parts = { store, theme, filter, tooltip: new Tooltip() };
  const views = { overview: new Overview(parts), timeline: new Timeline(parts), graph: new Graph(parts), tasks: new Table(parts) };
  const drawer = new Drawer(parts);
  const tabs = VIEWS.map((view, place) => h("button", {
    type: "button", role: "tab", class: "tab", "aria-controls": "view", title: `${TITLES[view]} (${place + 1})`,
    on: { click: () => store.set({ view }) },
  }));
  const main = h("main", { id: "view", role: "tabpanel" });
  const steps = h("nav", { class: "steps", "aria-label": "Steps" });
  const themeButton = h("button", { type: "button", class: "button", on: { click: () => theme.next() } });
  fill(root,
    h("header", { class: "top" }, h("span", { class: "brand" }, "otter"), steps, h("span", { class: "spacer" }),
      h("span", { class: "file dim", title: visible(report.path) }, visible(report.path)), themeButton),
    h("div", { class: "bar" }, h("div", { class: "tabs", role: "tablist" }, tabs), filter.element),
    h("div", { class: "stage" }, main, drawer.element));

  function useStep() {
    filter.update();
    Object.values(views).forEach((view) => view.use(store.step));
    fill(steps, report.steps.map((step) => {
      const { result, key } = step.raw;
      return h("button", { type: "button", class: "step", "aria-pressed": String(step === store.step), on: { click: () => store.set({ step }) } },
        h("span", { class: `glyph ${result}` }, GLYPHS[result]), visible(key));
    }));
  }

  function showView() {
    tabs.forEach((tab, place) => {
      tab.setAttribute("aria-selected", String(VIEWS[place] === store.view));
      fill(tab, TITLES[VIEWS[place]], VIEWS[place] === "tasks" ? h("span", { class: "tab-count" }, integer(store.step.count)) : null);
    });
    const { element } = views[store.view];
    if (main.firstChild !== element) fill(main, element);
    filter.element.classList.toggle("away", store.view === "overview");
    views[store.view].enter?.();
  }

  function selected() {
    drawer.update();
    if (store.task >= 0) views[store.view].reveal?.(store.task);
    views[store.view].invalidate();
  }

  store.addEventListener("change", ({ detail: changed }) => {
    if (changed.has("step")) useStep();
    else if (changed.has("query") || changed.has("subset")) {
      filter.update();
      views.tasks.update();
    }
    if (changed.has("step") || changed.has("view")) {
      showView();
      drawer.shown = null;
    }
    selected();
  });
  theme.addEventListener("change", () => {
    showTheme();
    Object.values(views).forEach((view) => view.invalidate());
  });
  function showTheme() {
    fill(themeButton, { auto: "◐", light: "☀", dark: "☾" }[theme.choice]);
    themeButton.title = `Colours: ${theme.choice === "auto" ? "as the system has them" : theme.choice}`;
    themeButton.setAttribute("aria-label", themeButton.title);
  }
  document.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
      event.preventDefault();
      if (store.view === "overview") store.set({ view: "tasks" });
      filter.focus();
    } else if (event.key === "Escape") store.set({ task: -1 });
    else if (VIEWS[Number(event.key) - 1]) store.set({ view: VIEWS[Number(event.key) - 1] });
  });

  showTheme();
  useStep();
  showView();
  selected();
  requestAnimationFrame(() => setTimeout(() => {
    performance.mark("otter:drawn");
    performance.measure("otter:draw", "otter:begin", "otter:drawn");
    root.dataset.ready = "";
  }));
}

start();
