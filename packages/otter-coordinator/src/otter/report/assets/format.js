const NUMBER = new Intl.NumberFormat("en-GB");
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC",
});

export const NONE = "–";

export function count(number, singular, plural = `${singular}s`) {
  return `${NUMBER.format(number)} ${number === 1 ? singular : plural}`;
}

export function integer(number) {
  return NUMBER.format(number);
}

/** A duration in microseconds for people, three digits of it at most. */
export function duration(micros) {
  if (micros < 0) return NONE;
  if (!micros) return "0 s";
  if (micros < 1000) return `${Math.round(micros)} µs`;
  if (micros < 1e6) return `${trimmed(micros / 1e3)} ms`;
  const seconds = micros / 1e6;
  if (seconds < 60) return `${trimmed(seconds)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} m ${two(whole % 60)} s`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** A tick of a time axis, as exact as the distance between two ticks asks for, in the unit that suits the last one. */
export function tick(micros, step, last) {
  if (last < 1000) return `${Math.round(micros)} µs`;
  if (last < 1e6) return `${(micros / 1e3).toFixed(step < 1000 ? 2 : 0)} ms`;
  const seconds = micros / 1e6;
  const digits = Math.min(Math.max(Math.ceil(6 - Math.log10(step)), 0), 6);
  if (seconds < 60) return `${seconds.toFixed(digits)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - minutes * 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

export function size(bytes) {
  if (bytes < 0) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit ? trimmed(bytes) : bytes} ${units[unit]}`;
}

export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "> 99 %";
  return `${Math.round(share * 100)} %`;
}

/** An instant in microseconds since 1970, in UTC. */
export function moment(micros) {
  return micros < 0 ? NONE : `${CLOCK.format(new Date(micros / 1000))} UTC`;
}

function trimmed(number) {
  return number < 10 ? number.toFixed(2) : number < 100 ? number.toFixed(1) : number.toFixed(0);
}

function two(number) {
  return String(number).padStart(2, "0");
}
