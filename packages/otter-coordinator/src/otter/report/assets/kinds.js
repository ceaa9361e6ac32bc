import { KIND_COLOURS } from "./theme.js";

/** A colour for each task type: the commonest types get one of their own. */
export function kindColours(step) {
  return step.derived("kindColours", () => {
    const counts = new Map();
    for (const kind of step.kind) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const kinds = [...counts].sort((one, other) => other[1] - one[1]).map(([kind]) => kind);
    return new Map(kinds.map((kind, place) => [kind, Math.min(place, KIND_COLOURS - 1)]));
  });
}

/** What there is to say of each task type, the one that took longest first. */
export function kindTable(step) {
  return step.derived("kindTable", () => {
    const rows = new Map();
    for (let place = 0; place < step.count; place += 1) {
      const kind = step.kind[place];
      if (!rows.has(kind)) rows.set(kind, { kind, name: step.texts[kind], tasks: 0, failed: 0, attempts: 0, times: [], bytes: 0 });
      const row = rows.get(kind);
      row.tasks += 1;
      row.failed += step.result[place] === 0;
      row.attempts += step.attemptsOf(place);
      row.bytes += Math.max(step.bytes[place], 0);
      if (step.elapsed[place] >= 0 && !step.reused[place]) row.times.push(step.elapsed[place]);
    }
    for (const row of rows.values()) {
      row.times.sort((one, other) => one - other);
      row.total = row.times.reduce((sum, time) => sum + time, 0);
      row.median = quantile(row.times, 0.5);
      row.slow = quantile(row.times, 0.95);
      row.most = row.times.at(-1) ?? -1;
    }
    return [...rows.values()].sort((one, other) => other.total - one.total);
  });
}

function quantile(sorted, share) {
  return sorted.length ? sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] : -1;
}
