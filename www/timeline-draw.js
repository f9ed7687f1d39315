// Draws what the timeline has noted. Colours come from the style sheet, so light and dark are decided there alone.

import { PAST_MS } from "./timeline.js";
import { leewayOf } from "./view.js";

const FUTURE_MS = 24_000;
const LABEL = 18;
const LANES = { tokens: { y: 30, h: 30 }, refreshes: { y: 88, h: 22 }, calls: { y: 138, h: 46 } };
const AXIS_Y = 204;

export function drawTimeline(canvas, noted, now) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width) return;
  const density = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);

  const styles = getComputedStyle(canvas);
  const view = {
    pen,
    now,
    width,
    color: (name) => styles.getPropertyValue(`--${name}`).trim(),
    x: (time) => ((time - (now - PAST_MS)) / (PAST_MS + FUTURE_MS)) * width,
    msPerPx: (PAST_MS + FUTURE_MS) / width,
  };
  pen.font = `12px ${styles.fontFamily}`;

  axis(view);
  tokens(view, noted.tokens);
  refreshes(view, noted.refreshes, noted.waits);
  calls(view, noted.calls);
  marks(view, noted.marks);
  present(view);
  if (!noted.tokens.length && !noted.calls.length) invitation(view);
}

function axis({ pen, now, width, color, x }) {
  pen.textBaseline = "alphabetic";
  pen.lineWidth = 1;
  for (let ago = PAST_MS; ago >= 0; ago -= 30_000) {
    const at = Math.round(x(now - ago)) + 0.5;
    pen.strokeStyle = color("grid");
    pen.beginPath();
    pen.moveTo(at, LANES.tokens.y - 4);
    pen.lineTo(at, AXIS_Y - 14);
    pen.stroke();
    pen.fillStyle = color("muted");
    pen.textAlign = ago === PAST_MS ? "left" : "center";
    const text = ago === 0 ? "now" : width < 500 ? `−${ago / 1000}` : `−${ago / 1000} s`;
    pen.fillText(text, ago === PAST_MS ? 0 : at, AXIS_Y);
  }
  pen.textAlign = "left";
  pen.fillStyle = color("muted");
  for (const [name, lane] of Object.entries({
    "Access token": LANES.tokens,
    Refreshes: LANES.refreshes,
    "API calls": LANES.calls,
  })) {
    pen.fillText(name, 0, lane.y - LABEL / 2);
  }
}

/** Two rows in turn, so that lives that overlap can be told apart: pale is the life given, solid the part in use. */
function tokens(view, list) {
  const { pen, now, color, x } = view;
  const { y, h } = LANES.tokens;
  const tall = (h - 4) / 2;
  for (const { from, to, life, until, row } of list) {
    const top = y + row * (tall + 4);
    bar(pen, x(from), top, x(to) - x(from), tall, color("token-rest"));
    if (life) bar(pen, x(to - leewayOf(life)), top, x(to) - x(to - leewayOf(life)), tall, color("leeway"));
    bar(pen, x(from), top, x(Math.min(until ?? now, to)) - x(from), tall, color("token"));
  }
}

function refreshes(view, done, waits) {
  const { pen, now, color, x } = view;
  const { y, h } = LANES.refreshes;
  pen.setLineDash([3, 3]);
  pen.strokeStyle = color("warn");
  for (const { from, to } of waits) {
    pen.beginPath();
    pen.moveTo(x(from), y + h / 2);
    pen.lineTo(x(to), y + h / 2);
    pen.stroke();
  }
  pen.setLineDash([]);
  for (const { from, to, ok } of done) {
    const width = Math.max(4, x(to ?? now) - x(from));
    const name = ok === null ? "muted" : ok ? "refresh" : "bad";
    bar(pen, x(from) - 1, y, width, h, color(name));
  }
}

/** Calls that fall on the same few pixels are one column; its height tells how many. */
function calls(view, list) {
  const { pen, now, color, x, msPerPx } = view;
  const { y, h } = LANES.calls;
  const columnMs = Math.max(250, msPerPx * 3);
  const columns = new Map();
  for (const { from, status } of list) {
    const key = Math.floor(from / columnMs);
    const column = columns.get(key) ?? { total: 0, fine: 0, refused: 0, failed: 0 };
    column.total += 1;
    if (status === 401) column.refused += 1;
    else if (status === 0 || status >= 400) column.failed += 1;
    else column.fine += 1;
    columns.set(key, column);
  }
  const most = h - 12; // Room for the number above a burst.
  const unit = most / Math.sqrt(50);
  const bottom = y + h;
  for (const [key, column] of columns) {
    const left = x(key * columnMs);
    if (left > x(now)) continue;
    const tall = Math.min(most, unit * Math.sqrt(column.total) + 4);
    let top = bottom;
    for (const [name, n] of [
      ["call", column.fine],
      ["warn", column.refused],
      ["bad", column.failed],
    ]) {
      if (!n) continue;
      const part = Math.max(4, (tall * n) / column.total);
      top -= part;
      bar(pen, left, top, 3, part, color(name), 1);
    }
    if (column.total >= 20) {
      pen.fillStyle = color("muted");
      pen.textAlign = "center";
      pen.fillText(String(column.total), left + 1, top - 4);
      pen.textAlign = "left";
    }
  }
}

function marks({ pen, color, x }, list) {
  pen.fillStyle = color("bad");
  for (const { to } of list) {
    const at = x(to);
    pen.beginPath();
    pen.moveTo(at - 5, LANES.tokens.y - 9);
    pen.lineTo(at + 5, LANES.tokens.y - 9);
    pen.lineTo(at, LANES.tokens.y - 1);
    pen.fill();
  }
}

function present({ pen, now, color, x }) {
  const at = Math.round(x(now)) + 0.5;
  pen.strokeStyle = color("ink");
  pen.beginPath();
  pen.moveTo(at, LANES.tokens.y - 6);
  pen.lineTo(at, AXIS_Y - 14);
  pen.stroke();
}

function invitation({ pen, width, color }) {
  pen.fillStyle = color("muted");
  pen.textAlign = "center";
  pen.fillText("Sign in, and watch.", width / 2, LANES.refreshes.y + 15);
  pen.textAlign = "left";
}

function bar(pen, x, y, width, height, color, radius = 2) {
  if (width <= 0) return;
  pen.fillStyle = color;
  pen.beginPath();
  pen.roundRect(x, y, width, height, Math.min(radius, width / 2));
  pen.fill();
}
