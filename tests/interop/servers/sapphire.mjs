// The real @sapphire/plugin-api, with the guide's refresh route, and a Discord of our own below it.
// Sapphire keeps its one server in a global, so there is one to a process.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import "@sapphire/plugin-api/register";
import { fetch, FetchResultTypes } from "@sapphire/fetch";
import { container, SapphireClient } from "@sapphire/framework";
import { HttpCodes, Route } from "@sapphire/plugin-api";
import { Time } from "@sapphire/time-utilities";
import { OAuth2Routes } from "discord.js";
import { stringify } from "node:querystring";
import { MockAgent, setGlobalDispatcher } from "undici";
import { issued as known, note } from "./http.mjs";

const WEEK_S = 604_800;

/** The guide's route to the letter, except that 8.3.1 no longer exports `MimeTypes`. */
class RefreshRoute extends Route {
  async run(request, response) {
    if (!request.auth) return response.error(HttpCodes.Unauthorized);

    const requestAuth = request.auth;
    const serverAuth = this.container.server.auth;

    let authToken = requestAuth.token;

    // If the token expires in a day, refresh
    if (Date.now() + Time.Day >= requestAuth.expires) {
      const body = await this.refreshToken(requestAuth.id, requestAuth.refresh);
      if (body !== null) {
        const authentication = serverAuth.encrypt({
          id: requestAuth.id,
          token: body.access_token,
          refresh: body.refresh_token,
          expires: Date.now() + body.expires_in * 1000,
        });

        response.cookies.add(serverAuth.cookie, authentication, {
          maxAge: body.expires_in,
        });
        authToken = body.access_token;
      }
    }

    // Refresh the user's data
    try {
      return response.json(await serverAuth.fetchData(authToken));
    } catch (error) {
      this.container.logger.fatal(error);
      return response.error(HttpCodes.InternalServerError);
    }
  }

  async refreshToken(id, refreshToken) {
    const { logger, server } = this.container;
    try {
      logger.debug(`Refreshing Token for ${id}`);
      return await fetch(
        OAuth2Routes.tokenURL,
        {
          method: "POST",
          body: stringify({
            client_id: server.auth.id,
            client_secret: server.auth.secret,
            grant_type: "refresh_token",
            refresh_token: refreshToken,
            redirect_uri: server.auth.redirect,
            scope: server.auth.scopes,
          }),
          headers: {
            "Content-Type": "application/x-www-form-urlencoded",
          },
        },
        FetchResultTypes.JSON,
      );
    } catch (error) {
      logger.fatal(error);
      return null;
    }
  }
}

/** Routes of apps that differ: one that only reads, and one that says nothing. */
class ReadOnlyRoute extends Route {
  run(_request, response) {
    return response.json({});
  }
}
class SilentRoute extends Route {
  run(_request, response) {
    return response.status(HttpCodes.OK).end();
  }
}

/** What a dashboard asks for: whoever is signed in. */
class WhoamiRoute extends Route {
  run(request, response) {
    return request.auth ? response.json({ id: request.auth.id }) : response.error(HttpCodes.Unauthorized);
  }
}

/** @param {{ origin: string, prefix?: string }} options `origin` is the dashboard's, as CORS with cookies wants it */
export async function startSapphire({ origin, prefix = "" }) {
  const discord = fakeDiscord();
  const client = new SapphireClient({
    intents: [],
    baseUserDirectory: null,
    logger: { instance: silent() },
    api: {
      prefix,
      origin,
      automaticallyConnect: false,
      listenOptions: { port: 0, host: "127.0.0.1" },
      auth: {
        id: "266624760782258186",
        secret: "0123456789abcdef0123456789abcdef",
        redirect: `${origin}/oauth/return`,
        scopes: ["identify", "guilds"],
      },
    },
  });
  await client.stores.load();
  const routes = [
    ["refresh", RefreshRoute, "oauth/refresh", "POST"],
    ["read-only", ReadOnlyRoute, "oauth/read-only", "GET"],
    ["silent", SilentRoute, "oauth/silent", "POST"],
    ["whoami", WhoamiRoute, "whoami", "GET"],
  ];
  for (const [name, piece, route, method] of routes) {
    class Placed extends piece {
      constructor(context) {
        super(context, { route, methods: [method] });
      }
    }
    await container.stores.loadPiece({ name, piece: Placed, store: "routes" });
  }

  const requests = [];
  const { server } = container.server;
  server.prependListener("request", (request) => note(request, requests));
  await container.server.connect();

  return {
    url: `http://localhost:${server.address().port}`,
    cookie: container.server.auth.cookie,
    requests,
    discord,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close").catch(() => {});
      await discord.close();
      await client.destroy();
    },
  };
}

/** Discord as far as Sapphire sees it: codes, tokens that rotate, and whoever they belong to. */
function fakeDiscord() {
  const agent = new MockAgent();
  // Nothing leaves this machine; the demo's other servers, in the same process, go on asking each other.
  agent.enableNetConnect(/^localhost:/);
  setGlobalDispatcher(agent);
  const site = agent.get("https://discord.com");
  const live = new Map();
  const issued = [];
  const discord = {
    asked: [],
    /** Every token it ever gave out: none may reach a page. */
    issued,
    /** Seconds that the tokens issued from now on live; within the last day, Sapphire refreshes them. */
    lifetime: WEEK_S,
    /** Whether it answers at all. */
    down: false,
    username: "Ada",
    revokeAll: () => live.clear(),
    close: () => agent.close(),
  };
  const issue = () => {
    const tokens = known({ access_token: `discord-${randomUUID()}`, refresh_token: `discord-${randomUUID()}` });
    live.set(tokens.access_token, tokens.refresh_token);
    issued.push(...Object.values(tokens));
    return { ...tokens, token_type: "Bearer", expires_in: discord.lifetime, scope: "identify guilds" };
  };
  const answer = (path, method, reply) =>
    site
      .intercept({ path, method })
      .reply(({ body, headers }) => {
        discord.asked.push(path);
        if (discord.down) throw new TypeError("Discord does not answer");
        const [statusCode, data] = reply(new URLSearchParams(String(body ?? "")), new Headers(headers));
        return {
          statusCode,
          data: JSON.stringify(data),
          responseOptions: { headers: { "content-type": "application/json" } },
        };
      })
      .persist();

  answer("/api/v10/oauth2/token", "POST", (form) => {
    if (form.get("grant_type") === "authorization_code") {
      return form.get("code") === "good" ? [200, issue()] : [400, { error: "invalid_grant" }];
    }
    const old = [...live].find(([, refresh]) => refresh === form.get("refresh_token"));
    if (!old) return [400, { error: "invalid_grant" }];
    live.delete(old[0]);
    return [200, issue()];
  });
  answer("/api/v10/oauth2/token/revoke", "POST", (form) => {
    live.delete(form.get("token"));
    return [200, {}];
  });
  const whoever = (value) => (_form, headers) =>
    live.has(headers.get("authorization")?.slice("Bearer ".length))
      ? [200, value()]
      : [401, { message: "401: Unauthorized", code: 0 }];
  answer(
    "/api/v10/users/@me",
    "GET",
    whoever(() => ({ id: "1", username: discord.username })),
  );
  answer(
    "/api/v10/users/@me/guilds",
    "GET",
    whoever(() => [{ id: "7", name: "Analytical Engines" }]),
  );
  return discord;
}

const silent = () =>
  Object.fromEntries(
    ["trace", "debug", "info", "warn", "error", "fatal", "write", "has"].map((name) => [name, () => {}]),
  );
