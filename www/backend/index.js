// Where the page's requests go: to the server that `cargo xtask demo` starts, or, where only files are served, to one
// that lives in the page. Both answer the same addresses, so nothing else on the page knows the difference.

const wanted =
  new URLSearchParams(location.search).get("backend") ?? document.querySelector("meta[name=backend]")?.content;

export const inPage = wanted === "page";

/** The folder that the page is in: the site need not be at the root of its host. */
export const base = new URL("./", location.href);

/** `fetch` of that backend, with nothing in between. */
export const reach = inPage
  ? (await import("./in-page.js")).createInPage(base)
  : (input, init) => globalThis.fetch(input, init);

/** An address of the backend, as `at("api/time")`. */
export const at = (path) => new URL(path, base).href;

/** One of the page's own requests to the demo, which no trouble touches. */
export async function ask(method, path, { body, token } = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const response = await reach(at(path), init);
  return response.json();
}
