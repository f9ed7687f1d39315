// Numbers as people read them.

/** 840 → "840 ms", 2400 → "2.4 s", 75000 → "1 min 15 s" */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** 1, "call" → "1 call" */
export const count = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

const clockFormat = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });

export const clock = (ms) => clockFormat.format(ms);
