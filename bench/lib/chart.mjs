// Two kinds of charts as SVG, without a library. Colours follow the reader's, light or dark, and so does the ground: whoever
// shows a light page to a reader of dark ones must not make the text vanish.

const LINES = [
  ["#0b7a75", "#3fc1b8"],
  ["#2563eb", "#79b0ff"],
  ["#c2410c", "#fb923c"],
  ["#7c3aed", "#c4a5fb"],
  ["#9a6700", "#e3b341"],
];
const lineColours = (mode) =>
  LINES.map((colour, i) => `.l${i}{stroke:${colour[mode]}}.f${i}{fill:${colour[mode]}}`).join("");
const STYLE = `<style>
.p{fill:#fff}text{font:12px system-ui,sans-serif;fill:#333}.t{font-size:14px;font-weight:600}.g{stroke:#8884}
.b{fill:#9aa5b1}.o{fill:#0b7a75}.w{stroke:#555}.l{fill:none;stroke-width:1.6}.lim{stroke:#888;stroke-dasharray:4 3}
${lineColours(0)}
@media(prefers-color-scheme:dark){.p{fill:#0d1117}text{fill:#ddd}.b{fill:#66717d}.o{fill:#3fc1b8}.w{stroke:#ccc}
${lineColours(1)}}
</style>`;

const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;");
const round = (n) => Math.round(n * 10) / 10;

function svg(width, height, title, body) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
${STYLE}
<rect class="p" width="${width}" height="${height}" rx="6"/>
<text class="t" x="8" y="20">${escaped(title)}</text>
${body}
</svg>
`;
}

/** Bars from small to large, on a scale of square roots where the largest would hide the rest. */
export function bars(title, rows) {
  // Notes stand after the shorter bars.
  const [left, right, row] = [190, 560, 20];
  const most = Math.max(...rows.map((one) => one.high ?? one.value));
  const steep = most > 20 * rows[Math.floor(rows.length / 2)].value || most > 40 * rows[0].value;
  const x = (value) => left + (right - left) * (steep ? Math.sqrt(value / most) : value / most);
  const body = rows.map(({ label, value, low, high, ours, note = "" }, i) => {
    const y = 32 + i * row;
    const whisker = high ? `<path class="w" d="M${round(x(low))} ${y + 7.5}H${round(x(high))}"/>` : "";
    const shown = value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
    return `<text x="${left - 8}" y="${y + 11}" text-anchor="end">${escaped(label)}</text><rect class="${ours ? "o" : "b"}" x="${left}" y="${y + 1}" width="${round(x(value) - left)}" height="13" rx="2"/>${whisker}<text x="${round(x(Math.max(value, high ?? 0)) + 6)}" y="${y + 11}">${shown}${escaped(note)}</text>`;
  });
  const note = steep ? `<text x="${left}" y="${32 + rows.length * row + 14}">lengths are square roots</text>` : "";
  return svg(640, 32 + rows.length * row + (steep ? 24 : 8), title, body.join("\n") + note);
}

/** Requests a second over time, one line for each policy, in times of the steady rate; both outage and limit are marked. */
export function lines(title, policies, { outageS, limit }) {
  const [left, right, top, bottom] = [44, 632, 34, 300];
  const span = Math.max(...policies.map((p) => p.series.length * p.seriesStepS));
  const most = Math.max(limit * 1.1, ...policies.flatMap((p) => p.series));
  // Logarithms: the policies differ by hundreds.
  const y = (v) => bottom - ((bottom - top) * Math.log10(Math.max(v, 0.1) / 0.1)) / Math.log10(most / 0.1);
  const x = (s) => left + ((right - left) * s) / span;
  const parts = [];
  for (let v = 0.1; v <= most; v *= 10) {
    parts.push(
      `<path class="g" d="M${left} ${round(y(v))}H${right}"/><text x="${left - 5}" y="${round(y(v) + 4)}" text-anchor="end">${Number(v.toPrecision(1))}</text>`,
    );
  }
  parts.push(
    `<path class="lim" d="M${left} ${round(y(limit))}H${right}"/><text x="${right}" y="${round(y(limit) - 4)}" text-anchor="end">${limit} × the steady rate</text>`,
  );
  const [from, to] = outageS;
  parts.push(
    `<rect x="${round(x(from))}" y="${top}" width="${round(x(to) - x(from))}" height="${bottom - top}" fill="#888" opacity=".13"/><text x="${round(x(from) + 4)}" y="${top + 12}">outage</text>`,
  );
  policies.forEach((policy, i) => {
    const points = policy.series.map((v, k) => `${round(x(k * policy.seriesStepS))} ${round(y(v))}`);
    parts.push(`<path class="l l${i}" d="M${points.join("L")}"/>`);
  });
  policies.forEach((policy, i) => {
    const [cx, cy] = [left + 8 + (i % 2) * 300, bottom + 36 + Math.floor(i / 2) * 18];
    parts.push(
      `<rect class="f${i}" x="${cx}" y="${cy - 9}" width="14" height="4"/><text x="${cx + 20}" y="${cy - 3}">${escaped(policy.name)}</text>`,
    );
  });
  for (let m = 0; m * 60 <= span; m += 5) {
    parts.push(
      `<text x="${round(x(m * 60))}" y="${bottom + 15}" text-anchor="${m * 60 === span ? "end" : "middle"}">${m} min</text>`,
    );
  }
  return svg(640, bottom + 44 + Math.ceil(policies.length / 2) * 18, title, parts.join("\n"));
}
