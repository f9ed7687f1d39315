// What both have done so far: what their users met, as the page saw it, and what the server has counted, asked for
// every two seconds while somebody looks.

import { ask } from "./backend/index.js";

const EVERY_MS = 2000;
const $ = (id) => document.getElementById(id);

export function createScore() {
  const none = () => ({ ok: 0, failed: 0, cut: 0, outs: 0 });
  const met = { tokenwell: none(), rival: none() };

  function set(id, value, bad = false) {
    const cell = $(id);
    const text = String(value);
    if (cell.textContent !== text) cell.textContent = text;
    cell.classList.toggle("is-bad", bad);
  }

  function show(who) {
    const prefix = who === "tokenwell" ? "count" : "rival";
    const { ok, failed, cut, outs } = met[who];
    set(`${prefix}-met-ok`, ok);
    set(`${prefix}-met-failed`, failed, failed > 0);
    set(`${prefix}-met-cut`, cut);
    set(`${prefix}-met-outs`, outs, outs > 0);
  }

  function counts(prefix, stats) {
    const { rotations, reuseDetected, tokenRequests, api, signIns } = stats;
    set(`${prefix}-rotations`, rotations);
    set(`${prefix}-requests`, tokenRequests.total);
    set(`${prefix}-ratio`, rotations ? (tokenRequests.total / rotations).toFixed(2) : "–");
    set(`${prefix}-reuse`, reuseDetected, reuseDetected > 0);
    set(`${prefix}-api`, api.total);
    set(`${prefix}-ok`, api.byStatus[200] ?? 0);
    set(`${prefix}-401`, api.byStatus[401] ?? 0);
    set(`${prefix}-logins`, signIns);
  }

  const score = {
    /** What this page has met so far, of both. */
    met: () => structuredClone(met),

    /** An outcome of a call as its caller saw it: "ok", "again", "failed" or "cut"; null was no call. */
    called(who, how) {
      if (!how) return;
      met[who][how === "again" ? "ok" : how] += 1;
      show(who);
    },

    /** How often its user was signed out by accident. */
    outs(who, times) {
      met[who].outs = times;
      show(who);
    },

    async refresh() {
      try {
        const [ours, theirs] = await Promise.all([score.read(), ask("GET", "rival/stats")]);
        counts("count", ours);
        counts("rival", theirs);
        $("count-note").textContent = "Since it started, all tabs together.";
      } catch {
        $("count-note").textContent = "The server does not answer; these are the last numbers.";
      }
    },
    read: () => ask("GET", "demo/stats"),

    start() {
      setInterval(() => {
        if (!document.hidden) score.refresh();
      }, EVERY_MS);
      score.refresh();
    },
  };
  return score;
}
