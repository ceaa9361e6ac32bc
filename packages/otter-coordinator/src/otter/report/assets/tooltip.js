import { RESULTS, WORDS } from "./data.js";
import { fill, h, visible } from "./dom.js";
import { count, duration, moment } from "./format.js";

/** The one tooltip of the page: it follows the pointer and never covers what it explains. */
export class Tooltip {
  constructor() {
    this.element = h("div", { class: "tooltip", role: "tooltip", hidden: true });
    document.body.append(this.element);
  }

  show(event, ...content) {
    fill(this.element, content);
    this.element.hidden = false;
    const { width, height } = this.element.getBoundingClientRect();
    const left = event.clientX + 14 + width > window.innerWidth ? event.clientX - width - 10 : event.clientX + 14;
    const top = event.clientY + 16 + height > window.innerHeight ? event.clientY - height - 10 : event.clientY + 16;
    this.element.style.left = `${Math.max(left, 4)}px`;
    this.element.style.top = `${Math.max(top, 4)}px`;
  }

  hide() {
    this.element.hidden = true;
  }
}

/** What a tooltip says of a task, or of one of its attempts. */
export function taskTip(step, task, attempt = -1) {
  const { attempts } = step;
  const several = step.attemptsOf(task) > 1;
  const facts = [];
  if (attempt >= 0) {
    const took = attempts.end[attempt] - attempts.start[attempt];
    facts.push(`${duration(took)} from +${duration(attempts.start[attempt])}`);
    if (attempts.worker[attempt] >= 0) facts.push(`worker ${attempts.worker[attempt]}`);
  } else if (step.elapsed[task] >= 0) {
    facts.push(duration(step.elapsed[task]));
  }
  if (step.waitOf(task) > 1000 && attempt <= attempts.first[task]) facts.push(`waited ${duration(step.waitOf(task))}`);
  const result = RESULTS[step.result[task]];
  const reason = (attempt >= 0 && step.texts[attempts.reason[attempt]]) || step.reasonOf(task);
  return [
    h("div", { class: "tip-name" }, visible(step.names[task])),
    h("div", { class: "tip-facts" },
      h("span", { class: `word ${result}` }, WORDS[result]),
      several && attempt >= 0
        ? `attempt ${attempts.number[attempt]} of ${step.attemptsOf(task)}: ${step.texts[attempts.result[attempt]]}` : null,
      facts.map((fact) => h("span", {}, fact))),
    reason ? h("div", { class: "tip-reason" }, visible(reason.slice(0, 240))) : null,
    attempt >= 0 ? h("div", { class: "tip-time" }, moment(step.raw.origin + attempts.start[attempt])) : null,
  ];
}

/** What a tooltip says of a stretch of time. */
export function timeTip(step, at, running) {
  return [h("div", { class: "tip-facts" }, `+${duration(at)}`, h("span", {}, count(running, "attempt", "attempts"), " running"))];
}
