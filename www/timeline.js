// Two minutes to scale: what was noted, and when to draw it.

import { drawTimeline } from "./timeline-draw.js";
import { lifeOf } from "./view.js";

export const PAST_MS = 120_000;

/** @param {HTMLCanvasElement} canvas */
export function createTimeline(canvas) {
  /** All times are epoch ms; an open end is null. */
  const noted = { tokens: [], refreshes: [], waits: [], calls: [], marks: [] };
  let current = null;

  const openRefresh = () => noted.refreshes.findLast((refresh) => refresh.to === null);

  function endToken() {
    const last = noted.tokens.at(-1);
    if (last && last.until === null) last.until = Date.now();
    current = null;
  }

  function forget() {
    const oldest = Date.now() - PAST_MS;
    for (const list of Object.values(noted)) {
      while (list.length && (list[0].until ?? list[0].to ?? Number.POSITIVE_INFINITY) < oldest) list.shift();
    }
  }

  return {
    token(snapshot) {
      if (snapshot.accessToken === current) return;
      endToken();
      current = snapshot.accessToken;
      if (!current || snapshot.expiresAt === null) return;
      // A token restored after a reload began before the page did.
      const from = Math.min(Date.now(), snapshot.expiresAt - (lifeOf(snapshot) ?? 0));
      const before = noted.tokens.at(-1);
      noted.tokens.push({
        from: before ? Date.now() : from,
        to: snapshot.expiresAt,
        life: lifeOf(snapshot),
        until: null,
        row: before ? 1 - before.row : 0,
      });
    },
    ended: endToken,

    refreshStarted() {
      if (!openRefresh()) noted.refreshes.push({ from: Date.now(), to: null, ok: null });
    },
    refreshEnded() {
      const refresh = openRefresh();
      if (refresh) refresh.to = Date.now();
    },
    /** How long it took, in ms, where its start was seen. */
    refreshSucceeded() {
      const refresh = noted.refreshes.at(-1);
      if (!refresh) return null;
      refresh.to ??= Date.now();
      refresh.ok = true;
      return refresh.to - refresh.from;
    },
    refreshFailed(retryAt) {
      const refresh = noted.refreshes.at(-1);
      if (refresh) {
        refresh.to ??= Date.now();
        refresh.ok = false;
      }
      if (retryAt) noted.waits.push({ from: Date.now(), to: retryAt });
    },

    callStarted() {
      const call = { from: Date.now(), to: null, status: null };
      noted.calls.push(call);
      return {
        ended(status) {
          call.to = Date.now();
          call.status = status;
        },
      };
    },

    mark(what) {
      noted.marks.push({ what, to: Date.now() });
    },

    start() {
      const still = matchMedia("(prefers-reduced-motion: reduce)");
      let drawnAt = 0;
      const frame = (time) => {
        requestAnimationFrame(frame);
        if (time - drawnAt < (still.matches ? 1000 : 33)) return;
        drawnAt = time;
        forget();
        drawTimeline(canvas, noted, Date.now());
      };
      requestAnimationFrame(frame);
    },
  };
}
