// The visitor's machine, which can be put to sleep: when it wakes, its clocks have gone on and its timers have not.
// Only the page's own idea of time is changed, in every tab of it, and the demo's server is told to keep step.

/** The clock of the machine itself, whatever is played here. */
export const realNow = Date.now.bind(Date);
const realPerformanceNow = performance.now.bind(performance);
let asleepMs = 0;

Date.now = () => realNow() + asleepMs;
performance.now = () => realPerformanceNow() + asleepMs;

export const machine = {
  /** How long it has slept so far, in ms. */
  get asleepMs() {
    return asleepMs;
  },
  set asleepMs(ms) {
    asleepMs = ms;
  },
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
