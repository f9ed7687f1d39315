// The app that every host runs: two buttons, and what became of them.

/**
 * @param {import("tokenwell").AuthSession} session
 * @param {object} [options]
 * @param {string} [options.server] where it is not the page's own
 * @param {() => Promise<{ status: number, sub: string }>} [options.load] calls the API by something else than `fetch`
 */
export function run(session, { server = "", load = () => loadByFetch(session, server) } = {}) {
  const [status, answer, refreshed] = ["#status", "#answer", "#refreshed"].map((at) => document.querySelector(at));
  const show = () => {
    status.textContent = session.snapshot.status;
  };
  session.subscribe(show);
  show();
  session.on("refreshed", () => {
    refreshed.textContent = Number(refreshed.textContent) + 1;
  });
  document.querySelector("#sign-in").onclick = async () => {
    const login = await fetch(`${server}/demo/sign-in`, { method: "POST" });
    await session.setTokens(await login.json());
    answer.textContent = "signed in";
  };
  document.querySelector("#call").onclick = async () => {
    answer.textContent = "";
    const { status, sub } = await load();
    answer.textContent = `${status} ${sub}`;
  };
  for (const button of document.querySelectorAll("button")) button.disabled = false;
}

async function loadByFetch(session, server) {
  const response = await session.fetch(`${server}/api/time`);
  const { sub } = await response.json();
  return { status: response.status, sub };
}
