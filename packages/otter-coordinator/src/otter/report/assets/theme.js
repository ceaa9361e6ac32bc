const KEY = "otter-report-theme";
const ORDER = ["auto", "light", "dark"];

export const KIND_COLOURS = 10;

/** Light, dark, or as the system has it. Canvases ask here for colours, because they cannot inherit any. */
export class Theme extends EventTarget {
  constructor() {
    super();
    this.choice = remembered();
    this.dark = window.matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  next() {
    this.choice = ORDER[(ORDER.indexOf(this.choice) + 1) % ORDER.length];
    try {
      window.localStorage.setItem(KEY, this.choice);
    } catch {
      // A page that may store nothing forgets the choice.
    }
    this.#apply();
  }

  colour(name) {
    let value = this.cache.get(name);
    if (value === undefined) {
      value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
      this.cache.set(name, value);
    }
    return value;
  }

  #apply() {
    const isDark = this.choice === "dark" || (this.choice === "auto" && this.dark.matches);
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    this.cache = new Map();
    this.dispatchEvent(new Event("change"));
  }
}

function remembered() {
  try {
    const choice = window.localStorage.getItem(KEY);
    return ORDER.includes(choice) ? choice : ORDER[0];
  } catch {
    return ORDER[0];
  }
}
