// What happened to a contender, to scale: what was noted, and when to draw it.

import { drawTimeline, PAST_MS, ROWS } from "./timeline-draw.js";

/** How long a letter of what is told is, on a desktop. */
const LETTER_MS = 950;

function forget(list, oldest) {
  while (list.length && (list[0].until ?? list[0].to ?? Number.POSITIVE_INFINITY) < oldest) list.shift();
}

/** Notes of one contender. All times are epoch ms; an open end is null. */
export function createNotes() {
  const noted = { tokens: [], refreshes: [], waits: [], calls: [], adopted: [], outs: [] };

  function end() {
    const last = noted.tokens.at(-1);
    if (last) last.until ??= Date.now();
  }

  /** Its user is signed in again. */
  function back() {
    const last = noted.outs.at(-1);
    if (last) last.to ??= Date.now();
  }

  return {
    noted,
    end,

    /** A token came: `from` when, `to` its expiry, `leeway` ms before that it may be refreshed. */
    token({ from, to, leeway = 0, adopted = false }) {
      end();
      back();
      const before = noted.tokens.at(-1);
      noted.tokens.push({ from, to, leeway, until: null, row: before ? 1 - before.row : 0 });
      if (adopted) noted.adopted.push({ to: Date.now() });
    },

    /** The session is over, and not by the user's wish. */
    out() {
      end();
      noted.outs.push({ from: Date.now(), to: null });
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

    /** A call of the app; it ends as "ok", "again" (at the second try), "failed" or "cut" (by the network). */
    call() {
      const call = { from: Date.now(), to: null, how: null };
      noted.calls.push(call);
      return { ended: (how) => Object.assign(call, { to: Date.now(), how }) };
    },

    forget() {
      const oldest = Date.now() - PAST_MS;
      for (const list of Object.values(noted)) forget(list, oldest);
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
  /** What the visitor has done to both: `from` when, `to` until when it lasts; null is not over. */
  const deeds = [];
  const open = new Map();
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  /** The row for its words: the first whose last words are over by then, else the one that has been told longest. */
  function rowFrom(from) {
    const over = Array.from({ length: ROWS }, () => Number.NEGATIVE_INFINITY);
    for (const { what, from, to, row } of deeds) over[row] = Math.max(to ?? from, from + what.length * LETTER_MS);
    const free = over.findIndex((end) => end <= from);
    return free < 0 ? over.indexOf(Math.min(...over)) : free;
  }

  function deed(what, from, to, asleep = false) {
    const deed = { what, from, to, asleep, row: rowFrom(from) };
    deeds.push(deed);
    return deed;
  }

  return {
    /** Something that happened now, or lasts so long from now. */
    did(what, lastsMs = 0) {
      deed(what, Date.now(), Date.now() + lastsMs);
    },
    /** Something that lasts until the same `key` comes with another text, or with none. */
    lasts(key, what) {
      const before = open.get(key);
      if (before) before.to = Date.now();
      open.delete(key);
      if (what) open.set(key, deed(what, Date.now(), null));
    },
    slept(from, to) {
      deed("asleep", from, to, true);
    },
    start() {
      let drawnAt = 0;
      const frame = (time) => {
        requestAnimationFrame(frame);
        if (time - drawnAt < (still.matches ? 1000 : 33)) return;
        drawnAt = time;
        for (const { notes } of contenders) notes.forget();
        forget(deeds, Date.now() - PAST_MS);
        drawTimeline(canvas, contenders, deeds, Date.now());
      };
      requestAnimationFrame(frame);
    },
  };
}
