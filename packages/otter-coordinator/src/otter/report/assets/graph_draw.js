import { clipped, rounded } from "./canvas.js";
import { RESULTS } from "./data.js";
import { visible } from "./dom.js";
import { duration, integer } from "./format.js";
import { NODE } from "./graph_layout.js";

const READABLE = 0.42;
const BAR = 3;

/** Draw a node: a task, or a group with the shares of its results at the bottom. */
export function drawNode({ context, theme, step, scale }, node, { chosen, faint, matching }) {
  const colour = (name) => theme.colour(name);
  const worst = RESULTS[node.totals.findIndex((total) => total > 0)] ?? "pending";
  context.globalAlpha = faint ? 0.28 : 1;
  if (!node.single) {
    context.fillStyle = colour("surface");
    context.strokeStyle = colour("line-strong");
    context.lineWidth = 1;
    rounded(context, node.x + 4, node.y + 4, NODE.width, NODE.height, 6);
    context.fill();
    context.stroke();
  }
  rounded(context, node.x, node.y, NODE.width, NODE.height, 6);
  context.fillStyle = colour("surface");
  context.fill();
  context.strokeStyle = colour(chosen ? "accent" : worst === "failure" ? "failure" : "line-strong");
  context.lineWidth = chosen ? 2.5 : 1;
  context.stroke();
  context.save();
  rounded(context, node.x, node.y, NODE.width, NODE.height, 6);
  context.clip();
  drawShares(context, node, colour);
  context.restore();
  if (scale >= READABLE) drawWords(context, step, node, matching, colour);
  context.globalAlpha = 1;
}

function drawShares(context, node, colour) {
  let x = node.x;
  RESULTS.forEach((result, place) => {
    if (!node.totals[place]) return;
    // One failure among ten thousand tasks must be seen.
    const width = Math.max((node.totals[place] / node.tasks.length) * NODE.width, 3);
    context.fillStyle = colour(result);
    context.fillRect(x, node.y + NODE.height - BAR, Math.min(width, node.x + NODE.width - x), BAR);
    x += width;
  });
}

function drawWords(context, step, node, matching, colour) {
  const width = NODE.width - 20;
  context.textBaseline = "middle";
  context.fillStyle = colour("text");
  context.font = `500 12px ${colour("sans")}`;
  const size = node.single ? "" : ` × ${integer(node.tasks.length)}`;
  const label = clipped(context, visible(node.label), width - size.length * 7);
  context.fillText(label, node.x + 10, node.y + 14);
  if (size) {
    const offset = context.measureText(label).width;
    context.fillStyle = colour("dim");
    context.fillText(size, node.x + 10 + offset, node.y + 14);
  }
  context.font = `10.5px ${colour("sans")}`;
  context.fillStyle = colour(node.totals[0] ? "failure" : "dim");
  const [task] = node.tasks;
  const parts = [];
  if (node.single) parts.push(...[["failed"], ["aborted"], ["not begun"], []][step.result[task]]);
  else if (node.totals[0]) parts.push(`${integer(node.totals[0])} failed`);
  if (node.single ? step.elapsed[task] >= 0 : node.time) parts.push(duration(node.single ? step.elapsed[task] : node.time));
  if (matching < node.tasks.length && matching > 0) parts.push(`${integer(matching)} match`);
  context.fillText(clipped(context, parts.join(" · "), width), node.x + 10, node.y + 29);
}

/** Draw an edge, through its bends. What was generated hangs on a dashed line. */
export function drawEdge({ context, theme, scale, view }, nodes, edge, lit, faint) {
  const [from, to] = [nodes[edge.from], nodes[edge.to]];
  const start = [from.x + NODE.width + (from.single ? 0 : 4), from.y + NODE.height / 2];
  const end = [to.x, to.y + NODE.height / 2];
  if (Math.max(start[0], end[0]) < view.left || Math.min(start[0], end[0]) > view.right) return;
  const points = [start, ...edge.points, end];
  context.globalAlpha = faint ? 0.25 : 1;
  context.strokeStyle = theme.colour(lit ? "accent" : "edge");
  context.lineWidth = (lit ? 1.8 : 1.1) / Math.min(Math.max(scale, 0.35), 1);
  context.setLineDash(edge.generated ? [4, 4] : []);
  context.beginPath();
  context.moveTo(...start);
  for (let place = 1; place < points.length; place += 1) {
    const [[x0, y0], [x1, y1]] = [points[place - 1], points[place]];
    const bend = Math.max((x1 - x0) / 2, 24);
    context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  }
  context.stroke();
  context.setLineDash([]);
  if (scale > 0.3) {
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.moveTo(end[0], end[1]);
    context.lineTo(end[0] - 7, end[1] - 3.5);
    context.lineTo(end[0] - 7, end[1] + 3.5);
    context.fill();
  }
  context.globalAlpha = 1;
}
