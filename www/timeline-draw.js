// Draws what the contenders' notes hold. Colours come from the style sheet, so light and dark are decided there alone;
// no meaning rests on colour alone: what failed hangs below its line, what waits is dashed, what is adopted is a
// diamond, who is signed out is said in words.

export const PAST_MS = 120_000;
const FUTURE_MS = 24_000;
const NARROW_PX = 560;
const GUTTER = 62;
/** What the visitor did is told in so many rows. */
export const ROWS = 3;
const DEED_ROW = 16;
const HEAD = ROWS * DEED_ROW + 6;
const AXIS = 22;
/** Within a contender's band: where each lane begins, how tall it is, and its name. */
const LANES = {
  tokens: { y: 22, h: 22, name: "token" },
  refreshes: { y: 51, h: 13, name: "refresh" },
  calls: { y: 69, h: 36, below: 14, name: "calls" },
};

export function drawTimeline(canvas, contenders, deeds, now) {
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
  const narrow = width < NARROW_PX;
  const past = narrow ? PAST_MS / 2 : PAST_MS;
  const future = narrow ? FUTURE_MS * 0.7 : FUTURE_MS;
  const left = narrow ? 0 : GUTTER;
  const x = (time) => left + ((time - (now - past)) / (past + future)) * (width - left);
  const colors = {};
  const color = (name) => {
    colors[name] ??= styles.getPropertyValue(`--${name}`).trim();
    return colors[name];
  };
  const view = { pen, now, width, height, left, past, color, x, msPerPx: (past + future) / (width - left) };
  pen.font = `12px ${styles.fontFamily}`;
  pen.lineWidth = 1;

  axis(view);
  inside(view, () => shades(view, deeds));
  contenders.forEach(({ name, notes: { noted } }, i) => {
    const top = HEAD + (i * (height - HEAD - AXIS)) / contenders.length;
    names(view, name, top);
    inside(view, () => {
      outs(view, top, noted.outs);
      tokens(view, top, noted.tokens);
      refreshes(view, top, noted);
      calls(view, top, noted.calls);
      adopted(view, top, noted.adopted);
      if (i === 0 && !noted.tokens.length && !noted.calls.length) empty(view, top);
    });
  });
  present(view);
  inside(view, () => labels(view, deeds));
}

/** What is to the right of the lanes' names. */
function inside({ pen, width, height, left }, draw) {
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, width - left, height);
  pen.clip();
  draw();
  pen.restore();
}

function axis({ pen, now, past, width, height, left, color, x }) {
  const step = past > 60_000 ? 30_000 : 20_000;
  for (let ago = past; ago >= 0; ago -= step) {
    const at = Math.round(x(now - ago)) + 0.5;
    pen.strokeStyle = color("grid");
    line(pen, at, HEAD, at, height - AXIS);
    pen.fillStyle = color("muted");
    pen.textAlign = ago === past ? "left" : "center";
    pen.fillText(ago === 0 ? "now" : `−${ago / 1000} s`, ago === past ? left : at, height - 4);
  }
  pen.textAlign = "right";
  pen.fillText("ahead", width, height - 4);
  pen.textAlign = "left";
}

/** Where a deed falls on both: a thin line down, or a shade as long as the machine slept. */
function shades({ pen, now, height, color, x }, deeds) {
  for (const { from, to, asleep } of deeds) {
    if (asleep) {
      pen.fillStyle = color("asleep");
      pen.fillRect(x(from), HEAD - 4, x(to) - x(from), height - AXIS - HEAD + 4);
      continue;
    }
    pen.strokeStyle = color("deed-line");
    pen.setLineDash([2, 3]);
    for (const time of to === from ? [from] : [from, to ?? now]) {
      const at = Math.round(x(time)) + 0.5;
      line(pen, at, HEAD - 4, at, height - AXIS);
    }
    pen.setLineDash([]);
  }
}

function labels({ pen, now, left, color, x }, deeds) {
  const taken = Array.from({ length: ROWS }, () => Number.NEGATIVE_INFINITY);
  for (const { from, to, row } of deeds) {
    const start = x(from) - 1;
    const wide = Math.max(3, x(to ?? now) - start);
    bar(pen, start, row * DEED_ROW, wide, 14, color(to === from ? "bad" : "deed"), to === from ? 1 : 3);
  }
  pen.fillStyle = color("ink");
  for (const { what, from, to, row } of deeds) {
    const start = x(from);
    // What began before the picture does is told at its edge.
    const at = (start < left && x(to ?? now) > left ? left : start) + 5;
    if (at < taken[row]) continue;
    pen.fillText(what, at, row * DEED_ROW + 11);
    taken[row] = at + pen.measureText(what).width + 6;
  }
}

function names({ pen, color, left }, name, top) {
  pen.fillStyle = color("ink");
  pen.save();
  pen.font = pen.font.replace("12px", "600 13px");
  pen.fillText(name, 0, top + 12);
  pen.restore();
  if (!left) return;
  pen.fillStyle = color("muted");
  for (const { y, h, name: lane } of Object.values(LANES)) pen.fillText(lane, 0, top + y + h / 2 + 4);
}

function outs({ pen, now, left, color, x }, top, list) {
  const { y, h, below } = LANES.calls;
  const [high, tall] = [top + LANES.tokens.y - 4, y + h + below - LANES.tokens.y + 4];
  for (const { from, to } of list) {
    const [start, end] = [x(from), x(to ?? now)];
    pen.fillStyle = color("out");
    pen.fillRect(start, high, Math.max(2, end - start), tall);
    pen.fillStyle = color("bad");
    pen.fillRect(start - 1, high, 2, tall);
    const text = "signed out";
    if (end - start < pen.measureText(text).width + 12) continue;
    pen.fillStyle = color("bad-ink");
    pen.fillText(text, Math.max(start, left) + 7, high + 14);
  }
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
    const shift = ok === false ? h - 6 : 0; // What failed hangs.
    bar(pen, x(from) - 1, top + y + shift, wide, h, color(ok === null ? "muted" : ok ? "refresh" : "bad"));
  }
}

/** Calls that fall on the same few pixels are one column; its height tells how many. Failures hang below the line. */
function calls({ pen, now, color, x, left, msPerPx }, top, list) {
  const { y, h, below } = LANES.calls;
  const bottom = top + y + h;
  const columnMs = Math.max(250, msPerPx * 4);
  const columns = new Map();
  for (const { from, how } of list) {
    const key = Math.floor(from / columnMs);
    const column = columns.get(key) ?? { ok: 0, again: 0, failed: 0, cut: 0, open: 0 };
    column[how ?? "open"] += 1;
    columns.set(key, column);
  }
  pen.strokeStyle = color("line");
  line(pen, left, bottom + 0.5, x(now), bottom + 0.5);
  for (const [key, { ok, again, failed, cut, open }] of columns) {
    const at = x(key * columnMs);
    const met = [
      ["call", ok],
      ["again", again],
      ["token-rest", open],
    ];
    const lost = [
      ["bad", failed],
      ["cut", cut],
    ];
    stack({ pen, color, at, from: bottom, most: h - 12, up: true }, met, "muted");
    stack({ pen, color, at, from: bottom + 2, most: below, up: false }, lost, "bad-ink");
  }
}

/** One column of calls, each kind as tall as its part; many are told in a number too. */
function stack({ pen, color, at, from, most, up }, kinds, ink) {
  const total = kinds.reduce((sum, [, n]) => sum + n, 0);
  if (!total) return;
  const tall = Math.min(most, (most / Math.sqrt(50)) * Math.sqrt(total) + 5);
  let edge = from;
  for (const [name, n] of kinds) {
    if (!n) continue;
    const part = Math.max(4, (tall * n) / total);
    bar(pen, at, up ? edge - part : edge, up ? 3 : 4, part, color(name), 1);
    edge += up ? -part : part;
  }
  if (total < 20) return;
  pen.fillStyle = color(ink);
  pen.textAlign = up ? "center" : "left";
  pen.fillText(String(total), up ? at + 1 : at + 7, up ? edge - 3 : edge);
  pen.textAlign = "left";
}

function adopted({ pen, color, x }, top, list) {
  const y = top + LANES.refreshes.y + LANES.refreshes.h / 2;
  pen.fillStyle = color("token");
  for (const { to } of list) {
    const at = x(to);
    pen.beginPath();
    pen.moveTo(at, y - 7);
    pen.lineTo(at + 6, y);
    pen.lineTo(at, y + 7);
    pen.lineTo(at - 6, y);
    pen.fill();
  }
}

function present({ pen, now, height, color, x }) {
  const at = Math.round(x(now)) + 0.5;
  pen.strokeStyle = color("ink");
  line(pen, at, HEAD - 4, at, height - AXIS);
}

function empty({ pen, width, color }, top) {
  pen.fillStyle = color("muted");
  pen.textAlign = "center";
  pen.fillText("Give them a bad day, or sign in and do it yourself.", width / 2, top + 62);
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
