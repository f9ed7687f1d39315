// Nothing at all: the token is at hand, and `fetch` takes it.

export const seed = ({ grant }) => localStorage.setItem("raw", grant.access_token);

export async function open() {
  const headers = { Authorization: `Bearer ${localStorage.getItem("raw")}` };
  return { call: (url) => fetch(url, { headers }) };
}
