const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const TERMINAL_COLOURS = /\u001b\[[0-9;]*m/g;

/** A text of somebody else's with its control and direction characters made visible, so that it cannot pretend. */
export function visible(text) {
  return text.replace(HIDDEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A line of a log: as `visible`, without the colours that were meant for a terminal. */
export function visibleLine(text) {
  return visible(text.replace(TERMINAL_COLOURS, ""));
}

/**
 * An element. Strings among the children become text nodes, always; `on` holds listeners, `data` data attributes, and a
 * property whose value is null, undefined or false is left out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "class") {
      element.className = value;
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, String(value));
    }
  }
  fill(element, ...children);
  return element;
}

/** Replace what is in an element. */
export function fill(element, ...children) {
  const flat = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(...flat.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** The path of a location with the last part in a span of its own, so that a narrow place can cut the front. */
export function location(text) {
  const shown = visible(text);
  const cut = shown.replace(/\/+$/, "").lastIndexOf("/") + 1;
  return h("span", { class: "location", title: shown },
    h("span", { class: "location-front" }, shown.slice(0, cut)), h("span", {}, shown.slice(cut)));
}
