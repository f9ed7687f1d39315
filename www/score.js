// What both have done so far: what their users met, as the page saw it, and what the server has counted, asked for
// every two seconds while somebody looks.

import { ask } from "./backend/index.js";

const EVERY_MS = 2000;
const $ = (id) => document.getElementById(id);

export function createScore() {
  const met = { tokenwell: { ok: 0, failed: 0 }, rival: { ok: 0, failed: 0 } };

  function set(id, value, bad = false) {
    const cell = $(id);
    const text = String(value);
    if (cell.textContent !== text) cell.textContent = text;
    cell.classList.toggle("is-bad", bad);
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
    /** An outcome of a call as its caller saw it: "ok", "again" or "failed"; null was no call. */
    met(who, how) {
      if (!how) return;
      met[who][how === "failed" ? "failed" : "ok"] += 1;
      const prefix = who === "tokenwell" ? "count" : "rival";
      set(`${prefix}-met-ok`, met[who].ok);
      set(`${prefix}-met-failed`, met[who].failed, met[who].failed > 0);
    },

    async refresh() {
      try {
        const [ours, theirs] = await Promise.all([score.read(), ask("GET", "rival/stats")]);
        counts("count", ours);
        counts("rival", theirs);
        $("count-note").textContent =
          "By the server since it started, all tabs together; the first two rows by this page.";
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
