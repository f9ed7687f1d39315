// An app with nothing but the package; the tests drive it from outside.

import * as tokenwell from "/pkg/dist/index.js";

/** Opens a session by a preset, or without one by plain options; of another entry, if one is named. */
window.openSession = async ({ entry = "index", preset, of = {}, ...more }) => {
  const { AuthSession, presets } = entry === "index" ? tokenwell : await import(`/pkg/dist/${entry}.js`);
  const { refresh, ...options } = preset ? await presets[preset](of) : {};
  window.session = await AuthSession.create({
    ...options,
    ...more,
    refresh: typeof more.refresh === "object" ? { ...refresh, ...more.refresh } : (more.refresh ?? refresh),
  });
  window.events = [];
  for (const type of ["refreshed", "refresh-failed", "signed-out", "step-up", "storage"]) {
    window.session.on(type, (event) => window.events.push({ type, ...told(event) }));
  }
};

const told = ({ error, snapshot, ...event }) => ({
  ...event,
  ...(error && { code: error.code, error: error.error, status: error.status }),
  ...(snapshot && { status: snapshot.status }),
});

/** Asks a session for something; what it is refused with comes back as data. */
window.ask = async (method, ...args) => {
  try {
    return { value: await window.session[method](...args) };
  } catch (error) {
    const { name, code, error: said, status, retryable, message } = error;
    return { name, code, error: said, status, retryable, message };
  }
};

/** One call by the session's own fetch. */
window.call = async (url, init) => {
  const response = await window.session.fetch(url, init);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
};

window.look = () => {
  const { error, ...snapshot } = window.session.snapshot;
  return { ...snapshot, error: error && { code: error.code, error: error.error, status: error.status } };
};

window.tokenwell = tokenwell;
window.ready = true;
