// One tab of the day: a frame whose clock and network are its parent's. Its timers run as many times as fast.

const { day } = window.parent;
const { setTimeout: later, setInterval: every } = window;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length > 0) super(...args);
    else super(day.now());
  }
  static now() {
    return day.now();
  }
};
performance.now = () => day.now() - day.began;
Object.defineProperty(performance, "timeOrigin", { value: day.began });
globalThis.setTimeout = (work, ms = 0, ...args) => later(work, ms / day.scale, ...args);
globalThis.setInterval = (work, ms = 0, ...args) => every(work, Math.max(ms / day.scale, 4), ...args);
globalThis.fetch = (input, init) => day.fetch(input, init);

const { origin } = location;
const peer = new URLSearchParams(location.search).get("peer");
const module = await import(`/dist/${peer}.js`);

window.tab = {
  seed: (grant) => module.seed({ origin, grant }),
  open: async () => {
    window.session = await module.open({ origin, adapter: "fetch" });
  },
  call: () => window.session.call(`${origin}/api/thing`),
  server: module.server ?? {},
};
