// A server that takes bound tokens alone, and looks at every proof (RFC 9449 §4.3).

import { ROUTE, Server } from "./server.js";

const date = Date.now;
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const json = (text) => JSON.parse(new TextDecoder().decode(bytes(text)));
const hash = async (text) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
};

export class ProofServer extends Server {
  /** What every proof must have, at the token route and at the API. */
  routeNonce = null;
  nonce = null;
  /** By this much its clock is ahead of the page's, and whether it says what time it is. */
  aheadMs = 0;
  tellsTime = true;
  tokenType = "DPoP";
  /** The claims of all proofs that were good, in order, and the keys they were made with. */
  proofs = [];
  keys = [];
  /** What was wrong with the others. */
  wrong = [];

  issue() {
    return { ...super.issue(), token_type: this.tokenType };
  }

  route = async (input, init) => {
    const refused = await this.examine(new Request(input, init), this.routeNonce, null);
    const headers = this.headers(this.routeNonce);
    if (refused) return Response.json({ error: refused }, { status: 400, headers });
    return Response.json(this.renew(), { headers });
  };

  api = async (call) => {
    const token = call.authorization?.replace(/^DPoP /, "") ?? null;
    const refused = await this.examine({ ...call, headers: new Headers(call.headers) }, this.nonce, token);
    const headers = this.headers(this.nonce);
    if (!refused && token !== null && token !== `access-${this.serial}`) {
      headers["www-authenticate"] = 'DPoP error="invalid_token", algs="ES256"';
      return new Response("refused, and why", { status: 401, headers });
    }
    if (!refused) return new Response("{}", { headers });
    headers["www-authenticate"] = `DPoP error="${refused}", algs="ES256"`;
    return new Response("refused, and why", { status: 401, headers });
  };

  headers(nonce) {
    return {
      ...(nonce && { "dpop-nonce": nonce }),
      ...(this.tellsTime && { date: new Date(date() + this.aheadMs).toUTCString() }),
    };
  }

  /** `null`, or what is wrong. */
  async examine(request, nonce, token) {
    try {
      const claims = await this.verify(request, token);
      if (nonce && claims.nonce !== nonce) return "use_dpop_nonce";
      this.proofs.push(claims);
      return null;
    } catch (error) {
      this.wrong.push(error.message);
      return "invalid_dpop_proof";
    }
  }

  async verify({ url, method, headers }, token) {
    const must = (holds, what) => {
      if (!holds) throw new Error(what);
    };
    const proof = headers.get("dpop");
    must(proof, "no proof");
    const [header, payload, signature] = proof.split(".");
    const { typ, alg, jwk } = json(header);
    must(typ === "dpop+jwt" && alg === "ES256" && Object.keys(jwk).sort().join() === "crv,kty,x,y", "header");
    const how = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("jwk", jwk, how, true, ["verify"]);
    const signed = new TextEncoder().encode(`${header}.${payload}`);
    must(await crypto.subtle.verify(how, key, bytes(signature), signed), "signature");
    this.keys.push(jwk.x);
    const claims = json(payload);
    must(claims.htm === method, `htm ${claims.htm}`);
    must(claims.htu === url.replace(/[?#].*/, ""), `htu ${claims.htu}`);
    must(claims.jti.length > 15 && !this.proofs.some(({ jti }) => jti === claims.jti), "jti");
    must(Number.isInteger(claims.iat), `iat ${claims.iat}`);
    must(Math.abs(claims.iat * 1000 - date() - this.aheadMs) < 60_000, "clock");
    must(claims.ath === (token === null ? undefined : await hash(token)), "ath");
    return claims;
  }

  /** Tokens of a login, bound by whatever proof comes. */
  options(more) {
    return super.options({ dpop: true, ...more });
  }
}

/** What the database has under that name. */
export const kept = (name) =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open("tokenwell", 1);
    opening.onerror = reject;
    opening.onsuccess = () => {
      const database = opening.result;
      const got = database.transaction("sessions").objectStore("sessions").get(name);
      got.onerror = reject;
      got.onsuccess = () => {
        database.close();
        resolve(got.result);
      };
    };
  });

export { ROUTE };
