import { h } from "./dom.js";

/** A button; one whose label is only a sign is called by its title. */
export function button(label, title, action) {
  const name = /\w{2}/.test(label) ? null : title;
  return h("button", { type: "button", class: "button", title, "aria-label": name, on: { click: action } }, label);
}

/** A button that stays pressed. */
export function toggle(label, change) {
  return h("button", {
    type: "button", class: "button toggle", "aria-pressed": "false",
    on: {
      click: ({ currentTarget }) => {
        const on = currentTarget.getAttribute("aria-pressed") !== "true";
        currentTarget.setAttribute("aria-pressed", String(on));
        change(on);
      },
    },
  }, label);
}

/** One of several buttons is pressed. */
export function choice(label, options, change, chosen = 0) {
  const buttons = options.map((option, place) => h("button", {
    type: "button", class: "button", "aria-pressed": String(place === chosen),
    on: {
      click: () => {
        buttons.forEach((other, at) => other.setAttribute("aria-pressed", String(at === place)));
        change(place);
      },
    },
  }, option));
  return h("div", { class: "buttons", role: "group", "aria-label": label }, buttons);
}
