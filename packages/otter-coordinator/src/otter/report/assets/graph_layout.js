export const NODE = { width: 190, height: 42, gapX: 64, gapY: 14 };
const SWEEPS = 8;
const ALIGNMENTS = 48;
const MOST_BENDS = 6000;

/**
 * Give every node a place: `x` and `y` of its top left corner. Columns are layers, from left to right in the order of
 * running. Edges get `points`, the bends by which they pass the layers in between.
 *
 * Layers: longest path. Order within a layer: barycentres, swept both ways. Heights: as near to the neighbours as order and
 * distance allow, by isotonic regression. A layer that is too tall becomes a block of several columns.
 */
export function layOut(nodes, edges) {
  const layers = layered(nodes, edges);
  const tallest = Math.max(40, Math.ceil(Math.sqrt(nodes.length) * 1.3));
  const bends = edges.reduce((sum, { from, to }) => sum + Math.max(nodes[to].layer - nodes[from].layer - 1, 0), 0);
  const wide = layers.some((layer) => layer.length > tallest);
  const items = withBends(nodes, edges, layers, !wide && bends <= MOST_BENDS);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) arrange(items, sweep % 2 === 0);
  if (wide) inBlocks(items, tallest);
  else {
    items.forEach((layer) => layer.forEach((item, place) => { item.y = place * (NODE.height + NODE.gapY); }));
    for (let sweep = 0; sweep < ALIGNMENTS; sweep += 1) align(items, sweep % 2 === 0);
    items.forEach((layer, column) => layer.forEach((item) => { item.x = column * (NODE.width + NODE.gapX); }));
  }
  for (const edge of edges) edge.points = edge.bends?.map(({ x, y }) => [x + NODE.width / 2, y + NODE.height / 2]) ?? [];
  return bounds(nodes);
}

function layered(nodes, edges) {
  const left = new Int32Array(nodes.length);
  const ahead = nodes.map(() => []);
  for (const { from, to } of edges) {
    left[to] += 1;
    ahead[from].push(to);
  }
  nodes.forEach((node) => { node.layer = 0; });
  const pending = [];
  left.forEach((count, place) => { if (!count) pending.push(place); });
  for (let at = 0; at < pending.length; at += 1) {
    for (const other of ahead[pending[at]]) {
      nodes[other].layer = Math.max(nodes[other].layer, nodes[pending[at]].layer + 1);
      if (!(left[other] -= 1)) pending.push(other);
    }
  }
  const layers = [];
  for (const node of nodes) (layers[node.layer] ??= []).push(node);
  return Array.from(layers, (layer) => layer ?? []);
}

/** Layers of what has to be placed: nodes, and the bends of long edges; each knows its neighbours in the layers beside. */
function withBends(nodes, edges, layers, bending) {
  const items = layers.map((layer) => [...layer]);
  nodes.forEach((node) => Object.assign(node, { before: [], after: [] }));
  for (const edge of edges) {
    const [from, to] = [nodes[edge.from], nodes[edge.to]];
    if (from.layer >= to.layer) continue;
    let last = from;
    edge.bends = [];
    for (let layer = from.layer + 1; layer < to.layer && bending; layer += 1) {
      const bend = { before: [], after: [], bend: true };
      items[layer].push(bend);
      edge.bends.push(bend);
      link(last, bend);
      last = bend;
    }
    link(last, to);
  }
  items.forEach((layer) => layer.forEach((item, place) => { item.place = place; }));
  return items;
}

function link(one, other) {
  one.after.push(other);
  other.before.push(one);
}

function arrange(items, forward) {
  const order = forward ? items : [...items].reverse();
  for (const layer of order) {
    for (const item of layer) {
      const beside = forward ? item.before : item.after;
      item.wanted = beside.length ? beside.reduce((sum, { place }) => sum + place, 0) / beside.length : item.place;
    }
    layer.sort((one, other) => one.wanted - other.wanted || one.place - other.place);
    layer.forEach((item, place) => { item.place = place; });
  }
}

function align(items, forward) {
  const order = forward ? items : [...items].reverse();
  for (const layer of order) {
    const offsets = [];
    let offset = 0;
    layer.forEach((item, place) => {
      if (place) offset += spacing(layer[place - 1], item);
      offsets.push(offset);
      const beside = [...item.before, ...item.after];
      item.wanted = beside.length ? beside.reduce((sum, { y }) => sum + y, 0) / beside.length : item.y;
    });
    monotone(layer.map(({ wanted }, place) => wanted - offsets[place])).forEach((y, place) => {
      layer[place].y = y + offsets[place];
    });
  }
}

function spacing(one, other) {
  return one.bend || other.bend ? NODE.height * 0.6 + NODE.gapY : NODE.height + NODE.gapY;
}

/** The nearest sequence that never falls, by the sum of squares (pool adjacent violators). */
function monotone(values) {
  const pools = [];
  for (const value of values) {
    let pool = { sum: value, size: 1 };
    while (pools.length && pools.at(-1).sum / pools.at(-1).size >= pool.sum / pool.size) {
      const before = pools.pop();
      pool = { sum: pool.sum + before.sum, size: pool.size + before.size };
    }
    pools.push(pool);
  }
  return pools.flatMap(({ sum, size }) => Array(size).fill(sum / size));
}

function inBlocks(items, tallest) {
  let x = 0;
  for (const layer of items) {
    const columns = Math.ceil(layer.length / tallest);
    const rows = Math.ceil(layer.length / Math.max(columns, 1));
    layer.forEach((item, place) => {
      item.x = x + Math.floor(place / rows) * (NODE.width + NODE.gapY);
      item.y = ((place % rows) - rows / 2) * (NODE.height + NODE.gapY / 2);
    });
    x += columns * (NODE.width + NODE.gapY) + NODE.gapX * 2;
  }
}

function bounds(nodes) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of nodes) {
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + NODE.width);
    box.bottom = Math.max(box.bottom, y + NODE.height);
  }
  return nodes.length ? box : { left: 0, top: 0, right: 1, bottom: 1 };
}
