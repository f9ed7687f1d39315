// Draws what the contenders' notes hold. Colours come from the style sheet, so light and dark are decided there alone;
// no meaning rests on colour alone: what failed hangs below its line, what waits is dashed, what is adopted is a diamond.

import { PAST_MS } from "./timeline.js";

const FUTURE_MS = 24_000;
const NARROW_PX = 560;
const HEAD = 26;
const BAND = 138;
const AXIS = 22;
/** Within a band: where each lane begins and how tall it is. */
const LANES = { tokens: { y: 0, h: 26 }, refreshes: { y: 36, h: 14 }, calls: { y: 60, h: 40, below: 16 } };

export const heightFor = (contenders) => contenders * (HEAD + BAND - 16) + AXIS;

export function drawTimeline(canvas, contenders, sleeps, now) {
  const width = canvas.clientWidth;
  if (!width) return;
  const height = canvas.clientHeight;
  const density = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);

  const styles = getComputedStyle(canvas);
  const past = width < NARROW_PX ? PAST_MS / 2 : PAST_MS;
  const future = width < NARROW_PX ? FUTURE_MS * 0.7 : FUTURE_MS;
  const x = (time) => ((time - (now - past)) / (past + future)) * width;
  const colors = {};
  const color = (name) => {
    colors[name] ??= styles.getPropertyValue(`--${name}`).trim();
    return colors[name];
  };
  const view = { pen, now, width, height, past, color, x, msPerPx: (past + future) / width };
  pen.font = `12px ${styles.fontFamily}`;
  pen.lineWidth = 1;

  axis(view);
  for (const { from, to } of sleeps) asleep(view, from, to);
  contenders.forEach(({ name, notes: { noted } }, i) => {
    const top = i * (height - AXIS) * (1 / contenders.length) + HEAD;
    title(view, name, top);
    tokens(view, top, noted.tokens);
    refreshes(view, top, noted);
    calls(view, top, noted.calls);
    marks(view, top, noted.marks);
    if (!noted.tokens.length && !noted.calls.length) empty(view, top, i);
  });
  present(view);
}

function axis({ pen, now, past, width, height, color, x }) {
  pen.textBaseline = "alphabetic";
  const step = past > 60_000 ? 30_000 : 20_000;
  for (let ago = past; ago >= 0; ago -= step) {
    const at = Math.round(x(now - ago)) + 0.5;
    pen.strokeStyle = color("grid");
    line(pen, at, HEAD - 6, at, height - AXIS);
    pen.fillStyle = color("muted");
    pen.textAlign = ago === past ? "left" : "center";
    pen.fillText(ago === 0 ? "now" : `−${ago / 1000} s`, ago === past ? 0 : at, height - 4);
  }
  pen.textAlign = "right";
  pen.fillText("ahead", width, height - 4);
  pen.textAlign = "left";
}

function asleep({ pen, height, color, x }, from, to) {
  const [left, right] = [x(from), x(to)];
  if (right < 0) return;
  pen.fillStyle = color("asleep");
  pen.fillRect(left, HEAD - 6, right - left, height - AXIS - HEAD + 6);
  pen.fillStyle = color("muted");
  pen.textAlign = "center";
  pen.fillText("asleep", Math.max(24, (left + right) / 2), height / 2);
  pen.textAlign = "left";
}

function title({ pen, color }, name, top) {
  pen.fillStyle = color("ink");
  pen.save();
  pen.font = pen.font.replace("12px", "600 13px");
  pen.fillText(name, 0, top - 10);
  pen.restore();
}

/** Two rows in turn, so that lives that overlap can be told apart: pale is the life given, solid the part in use. */
function tokens({ pen, now, color, x }, top, list) {
  const y = top + LANES.tokens.y;
  const tall = (LANES.tokens.h - 4) / 2;
  for (const { from, to, leeway, until, row } of list) {
    const at = y + row * (tall + 4);
    bar(pen, x(from), at, x(to) - x(from), tall, color("token-rest"));
    if (leeway) bar(pen, x(to - leeway), at, x(to) - x(to - leeway), tall, color("leeway"));
    bar(pen, x(from), at, x(Math.min(until ?? now, to)) - x(from), tall, color("token"));
  }
}

function refreshes({ pen, now, color, x }, top, { refreshes: done, waits }) {
  const { y, h } = LANES.refreshes;
  const middle = top + y + h / 2;
  pen.setLineDash([3, 3]);
  pen.lineWidth = 2;
  pen.strokeStyle = color("warn");
  for (const { from, to } of waits) if (to > from) line(pen, x(from), middle, x(to), middle);
  pen.setLineDash([]);
  pen.lineWidth = 1;
  for (const { from, to, ok } of done) {
    const wide = Math.max(4, x(to ?? now) - x(from));
    const shift = ok === false ? h - 4 : 0; // What failed hangs.
    bar(pen, x(from) - 1, top + y + shift, wide, h, color(ok === null ? "muted" : ok ? "refresh" : "bad"));
  }
}

/** Calls that fall on the same few pixels are one column; its height tells how many. Failures hang below the line. */
function calls({ pen, now, color, x, msPerPx }, top, list) {
  const { y, h, below } = LANES.calls;
  const bottom = top + y + h;
  const columnMs = Math.max(250, msPerPx * 4);
  const columns = new Map();
  for (const { from, how } of list) {
    const key = Math.floor(from / columnMs);
    const column = columns.get(key) ?? { ok: 0, again: 0, failed: 0, open: 0 };
    column[how ?? "open"] += 1;
    columns.set(key, column);
  }
  pen.strokeStyle = color("line");
  line(pen, 0, bottom + 0.5, x(now), bottom + 0.5);
  for (const [key, { ok, again, failed, open }] of columns) {
    const left = x(key * columnMs);
    const total = ok + again + open;
    if (total) {
      const tall = column(total, h - 12);
      let at = bottom;
      for (const [name, n] of [
        ["call", ok],
        ["again", again],
        ["token-rest", open],
      ]) {
        if (!n) continue;
        const part = Math.max(4, (tall * n) / total);
        at -= part;
        bar(pen, left, at, 3, part, color(name), 1);
      }
      if (total >= 20) number(pen, color("muted"), total, left, at - 3);
    }
    if (failed) {
      bar(pen, left, bottom + 2, 4, column(failed, below), color("bad"), 1);
      if (failed >= 20) number(pen, color("bad-ink"), failed, left, bottom + below + 13);
    }
  }
}

const column = (n, most) => Math.min(most, (most / Math.sqrt(50)) * Math.sqrt(n) + 5);

function number(pen, color, n, left, at) {
  pen.fillStyle = color;
  pen.textAlign = "center";
  pen.fillText(String(n), left + 1, at);
  pen.textAlign = "left";
}

function marks({ pen, color, x }, top, list) {
  for (const { what, to } of list) {
    const at = x(to);
    pen.beginPath();
    if (what === "adopted") {
      const y = top + LANES.refreshes.y + LANES.refreshes.h / 2;
      pen.fillStyle = color("token");
      pen.moveTo(at, y - 7);
      pen.lineTo(at + 6, y);
      pen.lineTo(at, y + 7);
      pen.lineTo(at - 6, y);
    } else {
      pen.fillStyle = color("bad");
      pen.moveTo(at - 5, top - 9);
      pen.lineTo(at + 5, top - 9);
      pen.lineTo(at, top - 1);
    }
    pen.fill();
  }
}

function present({ pen, now, height, color, x }) {
  const at = Math.round(x(now)) + 0.5;
  pen.strokeStyle = color("ink");
  line(pen, at, HEAD - 6, at, height - AXIS);
}

function empty({ pen, width, color }, top, i) {
  pen.fillStyle = color("muted");
  pen.textAlign = "center";
  pen.fillText(i === 0 ? "Sign in, and watch." : "Its user is not signed in.", width / 2, top + 52);
  pen.textAlign = "left";
}

function line(pen, fromX, fromY, toX, toY) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

function bar(pen, x, y, width, height, color, radius = 2) {
  if (width <= 0) return;
  pen.fillStyle = color;
  pen.beginPath();
  pen.roundRect(x, y, width, height, Math.min(radius, width / 2));
  pen.fill();
}
