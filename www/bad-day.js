// A bad day, played by itself: what an ordinary week brings, in forty seconds. It uses the page's own switches, so they
// show what is being done.

const expireAndCall = ({ press }) => press("expire").then(() => press("callMany"));

/** Seconds from the beginning, what is said, and what happens. */
const DAY = [
  [0, "Fifty requests on an expired token", expireAndCall],
  [5, "The train enters a tunnel", ({ offline }) => offline(true)],
  [12, "and leaves it", ({ offline }) => offline(false)],
  [14, "The laptop is closed for a minute", ({ press }) => press("sleep")],
  [18, "The token endpoint has had enough: 429", ({ press }) => press("busy").then(() => press("expire"))],
  [30, "One request in ten is lost, the rest are slow", ({ choose }) => choose(600, 10)],
  [
    38,
    "A good network, an expired token, fifty requests again",
    ({ usual, ...rest }) => usual().then(() => expireAndCall(rest)),
  ],
  [44, "Evening", () => {}],
];
const PATIENCE_MS = 15_000;
/** How long the snippet's user looks at the login page before typing the password. */
const TYPES_MS = 6000;

const $ = (id) => document.getElementById(id);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param {object} parts
 * @param {(name: string) => Promise<unknown>} parts.press a button's action
 * @param {Record<string, (value: string) => unknown>} parts.settings what the selects set
 * @param {object} parts.rival
 * @param {(text: string) => void} parts.say
 * @param {(text: string, kind?: string) => void} parts.log
 * @param {() => object} parts.met what both have met so far
 * @param {() => boolean} parts.signedIn
 */
export function createBadDay({ press, settings, rival, say, log, met, signedIn }) {
  let playing = false;

  const offline = (on) => {
    if ($("set-offline").checked !== on) $("set-offline").click();
  };
  const choose = async (latency, loss) => {
    for (const [name, value] of Object.entries({ latency, loss })) {
      $(`set-${name}`).value = String(value);
      await settings[name](String(value));
    }
  };

  /** Its user does what users do. */
  async function typesPassword() {
    let since = null;
    while (playing) {
      await pause(250);
      const out = rival.state === "rejected" || rival.state === "forgotten";
      if (!out) since = null;
      else since ??= performance.now();
      if (since === null || performance.now() - since < TYPES_MS) continue;
      await rival.signIn();
      log("The snippet’s user types the password again");
    }
  }

  return async function play() {
    if (playing) return "The bad day is not over yet.";
    playing = true;
    const [latency, loss] = [$("set-latency").value, $("set-loss").value];
    const usual = () => choose(latency, loss);
    const before = met();
    try {
      if (!signedIn()) await press("signIn");
      typesPassword().catch(() => {});
      for (const [i, [second, text, act]] of DAY.entries()) {
        const next = DAY[i + 1]?.[0] ?? second;
        // A bad day fails here and there; the next thing happens all the same, when this one is over.
        const acted = Promise.resolve(act({ press, offline, choose, usual })).catch(() => {});
        log(text, "note");
        say(`${text}.`);
        await Promise.all([pause((next - second) * 1000), Promise.race([acted, pause(PATIENCE_MS)])]);
      }
    } finally {
      playing = false;
      offline(false);
      await usual();
    }
    return summary(before, met());
  };
}

function summary(before, after) {
  const told = (who) => {
    const [was, is] = [before[who], after[who]];
    const outs = is.outs - was.outs;
    const lost = outs ? `signed out by accident ${outs === 1 ? "once" : `${outs} times`}` : "never signed out";
    return `${is.ok - was.ok} calls answered, ${is.failed - was.failed} failed, ${lost}`;
  };
  return `The bad day is over. tokenwell: ${told("tokenwell")}. The snippet: ${told("rival")}.`;
}
