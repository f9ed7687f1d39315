// What happened to a contender, to scale: what was noted, and when to draw it.

import { drawTimeline } from "./timeline-draw.js";

export const PAST_MS = 120_000;

/** Notes of one contender. All times are epoch ms; an open end is null. */
export function createNotes() {
  const noted = { tokens: [], refreshes: [], waits: [], calls: [], marks: [] };

  function end() {
    const last = noted.tokens.at(-1);
    if (last) last.until ??= Date.now();
  }

  return {
    noted,
    end,

    /** A token came: `from` when, `to` its expiry, `leeway` ms before that it may be refreshed. */
    token({ from, to, leeway = 0, adopted = false }) {
      end();
      const before = noted.tokens.at(-1);
      noted.tokens.push({ from, to, leeway, until: null, row: before ? 1 - before.row : 0 });
      if (adopted) noted.marks.push({ what: "adopted", to: Date.now() });
    },

    /** A request to the token endpoint, as the wire tells of it. */
    refresh() {
      const refresh = { from: Date.now(), to: null, ok: null };
      noted.refreshes.push(refresh);
      const ended = (ok) => Object.assign(refresh, { to: Date.now(), ok });
      return { answered: (response) => ended(response.ok), failed: () => ended(false) };
    },

    /** Until when the next attempt waits. */
    wait(until) {
      const last = noted.waits.at(-1);
      if (last && last.to > Date.now()) last.to = Date.now();
      noted.waits.push({ from: Date.now(), to: until });
    },

    /** A call of the app; it ends as "ok", "again" (at the second try) or "failed". */
    call() {
      const call = { from: Date.now(), to: null, how: null };
      noted.calls.push(call);
      return { ended: (how) => Object.assign(call, { to: Date.now(), how }) };
    },

    mark(what) {
      noted.marks.push({ what, to: Date.now() });
    },

    forget() {
      const oldest = Date.now() - PAST_MS;
      for (const list of Object.values(noted)) {
        while (list.length && (list[0].until ?? list[0].to ?? Number.POSITIVE_INFINITY) < oldest) list.shift();
      }
    },
  };
}

/**
 * Draws the contenders below one another until the page goes.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {{ name: string, notes: ReturnType<typeof createNotes> }[]} contenders
 */
export function createTimeline(canvas, contenders) {
  /** What happened to the machine, and so to both. */
  const sleeps = [];
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  return {
    slept(from, to) {
      sleeps.push({ from, to });
    },
    start() {
      let drawnAt = 0;
      const frame = (time) => {
        requestAnimationFrame(frame);
        if (time - drawnAt < (still.matches ? 1000 : 33)) return;
        drawnAt = time;
        for (const { notes } of contenders) notes.forget();
        drawTimeline(canvas, contenders, sleeps, Date.now());
      };
      requestAnimationFrame(frame);
    },
  };
}
