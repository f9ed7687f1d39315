// A server in the page: its API takes the token that its token route gives, and no other.

const authorizations = [];

export const sent = () => authorizations;

export function play() {
  globalThis.fetch = async (input, init) => {
    const { url, headers } = new Request(input, init);
    if (url.endsWith("/oidc/token")) return Response.json({ access_token: "two", expires_in: 3600 });
    const authorization = headers.get("authorization");
    authorizations.push(authorization);
    return authorization === "Bearer two" ? Response.json({ orders: [] }) : new Response(null, { status: 401 });
  };
}
