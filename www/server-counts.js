// What the server has counted, asked for every two seconds while somebody looks.

const EVERY_MS = 2000;

export function createServerCounts(view) {
  async function read() {
    const response = await fetch("/demo/stats");
    return response.json();
  }

  async function refresh() {
    try {
      view.counts(await read());
    } catch {
      view.counts(null);
    }
  }

  setInterval(() => {
    if (!document.hidden) refresh();
  }, EVERY_MS);
  refresh();

  return { read, refresh };
}
