import { onDrag, Surface } from "./canvas.js";
import { button, choice } from "./controls.js";
import { RESULTS, WORDS } from "./data.js";
import { fill, h, visible } from "./dom.js";
import { count, duration, integer } from "./format.js";
import { drawEdge, drawNode } from "./graph_draw.js";
import { layOut, NODE } from "./graph_layout.js";
import { graphOf, groupsOf, MOST_EXPANDED, MOST_NODES, reach } from "./graph_model.js";
import { taskTip } from "./tooltip.js";

const SMALL = 60;
const MOST_EDGES = 6000;
const ZOOM = { least: 0.01, most: 2.5 };

/** The graph of who waits for whom: groups of tasks that play the same part, or single tasks. */
export class Graph {
  constructor({ store, theme, tooltip, filter }) {
    Object.assign(this, { store, theme, tooltip, filter });
    this.expanded = new Set();
    this.picked = -1;
    this.canvas = h("canvas", { class: "graph-canvas", tabindex: "0", role: "img" });
    this.summary = h("output", { class: "range" });
    this.note = h("div", { class: "graph-note", hidden: true });
    this.modes = h("span");
    this.element = h("section", { class: "view graph", "aria-label": "Graph" },
      h("div", { class: "toolbar" }, this.modes,
        h("div", { class: "legend" }, h("span", { class: "key edge-requires" }, "requires"), h("span", { class: "key edge-generates" }, "generates")),
        h("span", { class: "spacer" }), this.summary,
        h("div", { class: "buttons" },
          button("−", "Zoom out (−)", () => this.zoom(1 / 1.4)), button("+", "Zoom in (+)", () => this.zoom(1.4)),
          button("Fit", "The whole graph (0)", () => this.fit()))),
      h("div", { class: "canvas-box" }, this.canvas, this.note));
    this.surface = new Surface(this.canvas, (context, width, height) => this.#draw(context, width, height));
    this.#listen();
  }

  use(step) {
    this.step = step;
    this.stale = true;
    this.expanded = new Set();
    this.everyTask = step.count <= SMALL;
    const groups = groupsOf(step).members.length;
    fill(this.modes, groups < step.count && step.count <= MOST_NODES
      ? choice("Nodes", ["Groups", "Tasks"], (index) => { this.everyTask = index === 1; this.#renew(); }, this.everyTask ? 1 : 0) : null);
  }

  /** Called when the graph comes into sight: what is not looked at is not laid out. */
  enter() {
    if (this.stale) this.#renew();
    this.surface.invalidate();
  }

  invalidate() {
    this.surface.invalidate();
  }

  #renew() {
    this.stale = false;
    this.fitted = false;
    this.graph = graphOf(this.step, this.everyTask, this.expanded);
    this.box = layOut(this.graph.nodes, this.graph.edges);
    this.summary.textContent = `${count(this.graph.nodes.length, "node")}, ${count(this.graph.edges.length, "edge")}`;
    this.#pick(-1);
    if (this.surface.width) this.fit();
  }

  fit() {
    const { left, top, right, bottom } = this.box;
    const { width, height } = this.surface;
    const margin = 36;
    this.scale = Math.min((width - margin * 2) / (right - left), (height - margin * 2) / (bottom - top), 1.15);
    this.scale = Math.max(this.scale, ZOOM.least);
    this.x = (width - (right - left) * this.scale) / 2 - left * this.scale;
    this.y = (height - (bottom - top) * this.scale) / 2 - top * this.scale;
    this.fitted = true;
    this.surface.invalidate();
  }

  zoom(factor, x = this.surface.width / 2, y = this.surface.height / 2) {
    const scale = Math.min(Math.max(this.scale * factor, ZOOM.least), ZOOM.most);
    this.x = x - ((x - this.x) / this.scale) * scale;
    this.y = y - ((y - this.y) / this.scale) * scale;
    this.scale = scale;
    this.surface.invalidate();
  }

  /** Bring a task into sight. */
  reveal(task) {
    if (this.stale || !this.fitted) return;
    const { x, y } = this.graph.nodes[this.graph.nodeOf[task]];
    const [left, top] = [this.x + x * this.scale, this.y + y * this.scale];
    const { width, height } = this.surface;
    if (left < 0 || top < 0 || left + NODE.width * this.scale > width || top + NODE.height * this.scale > height) {
      this.scale = Math.max(this.scale, 0.6);
      this.x = width / 2 - (x + NODE.width / 2) * this.scale;
      this.y = height / 2 - (y + NODE.height / 2) * this.scale;
    }
    this.surface.invalidate();
  }

  #draw(context, width, height) {
    if (!this.fitted) {
      this.fit();
      return;
    }
    const { nodes, edges, nodeOf } = this.graph;
    const chosen = this.store.task >= 0 ? nodeOf[this.store.task] : this.picked;
    const lit = chosen >= 0 ? this.#reached(chosen) : null;
    context.save();
    context.translate(this.x, this.y);
    context.scale(this.scale, this.scale);
    const view = {
      left: -this.x / this.scale, top: -this.y / this.scale,
      right: (width - this.x) / this.scale, bottom: (height - this.y) / this.scale,
    };
    const pen = { context, theme: this.theme, step: this.step, scale: this.scale, view };
    const all = edges.length <= MOST_EDGES;
    for (const edge of edges) {
      const near = lit !== null && lit.has(edge.from) && lit.has(edge.to);
      if (all || near) drawEdge(pen, nodes, edge, near, !near && (lit !== null || nodes.length > MOST_EXPANDED));
    }
    nodes.forEach((node, place) => {
      if (node.x > view.right || node.y > view.bottom || node.x + NODE.width < view.left || node.y + NODE.height < view.top) return;
      const matching = this.#matching(node);
      const state = { chosen: place === chosen, faint: matching === 0 || (lit !== null && !lit.has(place)), matching };
      drawNode(pen, node, state);
    });
    context.restore();
    this.canvas.setAttribute("aria-label", `Graph of ${this.summary.textContent}, at ${Math.round(this.scale * 100)} %`);
  }

  #reached(chosen) {
    if (this.lit?.chosen !== chosen || this.lit.graph !== this.graph) {
      this.lit = { chosen, graph: this.graph, nodes: reach(this.graph, [chosen]) };
    }
    return this.lit.nodes;
  }

  #matching(node) {
    const { mask } = this.filter;
    if (mask === null) return node.tasks.length;
    return node.tasks.reduce((sum, place) => sum + mask[place], 0);
  }

  #nodeAt(x, y) {
    const [left, top] = [(x - this.x) / this.scale, (y - this.y) / this.scale];
    return this.graph.nodes.findIndex((node) =>
      left >= node.x && left <= node.x + NODE.width && top >= node.y && top <= node.y + NODE.height);
  }

  /** Choose a group; -1 chooses none. */
  #pick(place) {
    this.picked = place;
    const node = place >= 0 ? this.graph.nodes[place] : null;
    this.note.hidden = node === null || node.single;
    if (!this.note.hidden) {
      fill(this.note,
        h("strong", {}, `${visible(node.label)} × ${integer(node.tasks.length)}`),
        h("span", {}, this.#totals(node)),
        h("span", {}, `${duration(node.time)} of work`),
        button("Show in table", "Show these tasks in the table", () => this.store.set({
          view: "tasks", subset: { label: `${node.label} × ${integer(node.tasks.length)}`, tasks: new Set(node.tasks) },
        })),
        node.tasks.length <= MOST_EXPANDED ? button("Take apart", "Draw each of them", () => this.#expand(node)) : null);
    }
    this.surface.invalidate();
  }

  #expand(node) {
    this.expanded.add(node.id);
    this.#renew();
  }

  #totals(node) {
    return RESULTS.flatMap((result, place) => (node.totals[place] ? [`${integer(node.totals[place])} ${WORDS[result]}`] : [])).join(", ");
  }

  #listen() {
    const { canvas } = this;
    onDrag(canvas, {
      start: () => this.tooltip.hide(),
      move: (dx, dy) => {
        this.x += dx;
        this.y += dy;
        this.surface.invalidate();
      },
      end: (moved, x, y) => {
        if (moved) return;
        const place = this.#nodeAt(x, y);
        const node = this.graph.nodes[place];
        this.#pick(node && !node.single ? place : -1);
        this.store.set({ task: node?.single ? node.tasks[0] : -1 });
      },
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons || !this.fitted) return;
      const node = this.graph.nodes[this.#nodeAt(event.offsetX, event.offsetY)];
      canvas.classList.toggle("over", node !== undefined);
      if (!node) this.tooltip.hide();
      else if (node.single) this.tooltip.show(event, taskTip(this.step, node.tasks[0]));
      else this.tooltip.show(event, this.#groupTip(node));
    });
    canvas.addEventListener("pointerleave", () => this.tooltip.hide());
    canvas.addEventListener("dblclick", (event) => {
      const node = this.graph.nodes[this.#nodeAt(event.offsetX, event.offsetY)];
      if (node && !node.single && node.tasks.length <= MOST_EXPANDED) this.#expand(node);
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-Math.max(Math.min(event.deltaY, 240), -240) * 0.0025), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const move = (dx, dy) => { this.x += dx; this.y += dy; this.surface.invalidate(); };
      const actions = {
        "+": () => this.zoom(1.4), "=": () => this.zoom(1.4), "-": () => this.zoom(1 / 1.4), 0: () => this.fit(),
        ArrowLeft: () => move(80, 0), ArrowRight: () => move(-80, 0), ArrowUp: () => move(0, 80), ArrowDown: () => move(0, -80),
      };
      if (!actions[event.key] || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  #groupTip(node) {
    const names = node.tasks.slice(0, 5).map((place) => h("div", { class: "tip-sample" }, visible(this.step.names[place])));
    return [
      h("div", { class: "tip-name" }, `${visible(node.label)} × ${integer(node.tasks.length)}`),
      h("div", { class: "tip-facts" }, this.#totals(node), h("span", {}, `${duration(node.time)} of work`)),
      names, node.tasks.length > 5 ? h("div", { class: "tip-sample" }, "…") : null,
    ];
  }
}
