// The world around a session: a token route and an API that takes the newest token alone, both played by one `fetch`.

export const ROUTE = "https://id.test/token";
export const API = "https://api.test/";

let names = 0;

export class Server {
  serial = 1;
  expiresIn = 3600;
  /** What was sent to the token route: its forms. */
  refreshes = [];
  /** What was sent anywhere else. */
  calls = [];
  /** Answers the token route; tests put their own in its place. */
  route = () => Response.json(this.renew());
  /** Answers the API. */
  api = (call) => (call.authorization === `Bearer access-${this.serial}` ? Response.json({}) : this.refuse());

  /** The newest tokens. */
  issue() {
    return {
      access_token: `access-${this.serial}`,
      refresh_token: `refresh-${this.serial}`,
      expires_in: this.expiresIn,
    };
  }

  /** No token issued so far is good any more. */
  forget() {
    this.serial += 1;
  }

  renew() {
    this.forget();
    return this.issue();
  }

  refuse(challenge = 'Bearer error="invalid_token"') {
    return new Response("refused, and why", { status: 401, headers: { "www-authenticate": challenge } });
  }

  fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.url === ROUTE) {
      this.refreshes.push(Object.fromEntries(new URLSearchParams(await request.text())));
      return this.route(input, init);
    }
    const call = {
      url: request.url,
      method: request.method,
      headers: Object.fromEntries(request.headers),
      authorization: request.headers.get("authorization"),
      credentials: request.credentials,
      body: await request.text(),
    };
    this.calls.push(call);
    return this.api(call);
  };

  /** Options of a session that lives here, in memory and without timers unless `more` says otherwise. */
  options(more) {
    names += 1;
    const usual = {
      name: `session-${names}`,
      refresh: { url: ROUTE, clientId: "app" },
      allow: [API],
      storage: "memory",
      autoRefresh: false,
      fetch: this.fetch,
    };
    return { ...usual, ...more };
  }
}
