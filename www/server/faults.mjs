// Trouble on order. `POST /demo/faults` sets it, `DELETE` clears it:
//
//   { "api":   { "times": 3 } }                                   the next 3 API calls are told 401
//   { "token": { "status": 429, "retryAfter": 8, "seconds": 8 } } for 8 seconds, with the time that is left
//   { "token": { "kind": "status", "status": 503, "retryAfter": 2, "times": 1 } }
//   { "token": { "kind": "html", "status": 200 } }                a proxy's page in place of an answer
//   { "token": { "kind": "delay", "ms": 500 } }                   then answers as usual
//   { "token": { "kind": "drop-before" } }                        connection closed, nothing happened
//   { "token": { "kind": "drop-after" } }                         the token is rotated, then connection closed
//   { "token": { "kind": "cut-after" } }                          the token is rotated, the answer stops in the middle
//
// A test in the same process may also give { kind: "play", play(request, response, proceed) } and answer as it likes.
//
// `times` is a number or "always"; without it, once. A browser may itself repeat a POST whose kept-alive connection was
// closed before any answer (Chromium does); with "cut-after" it has seen headers, and does not.

import { setTimeout as sleep } from "node:timers/promises";

export function createFaults() {
  let set = {};

  function take(which) {
    const fault = set[which];
    if (!fault || fault.left <= 0) return null;
    fault.left -= 1;
    if (!fault.until) return fault;
    const left = Math.ceil((fault.until - Date.now()) / 1000);
    if (left <= 0) return null;
    return fault.retryAfter === undefined ? fault : { ...fault, retryAfter: left };
  }

  return {
    set(wanted) {
      for (const which of ["api", "token"]) {
        if (!(which in wanted)) continue;
        const { seconds, times = seconds ? "always" : 1, ...fault } = wanted[which] ?? { times: 0 };
        set[which] = { ...fault, left: times === "always" ? Number.POSITIVE_INFINITY : Number(times) };
        if (seconds) set[which].until = Date.now() + seconds * 1000;
      }
    },
    clear() {
      set = {};
    },
    nextApiCall: () => take("api"),
    nextTokenRequest: () => take("token"),
  };
}

/** Plays one fault of the token endpoint. `proceed` lets the real one answer. */
export async function playTokenFault(fault, request, response, proceed) {
  switch (fault.kind) {
    case "play":
      return fault.play(request, response, proceed);
    case "delay":
      await sleep(fault.ms);
      return proceed();
    case "drop-before":
      return request.socket.destroy();
    case "drop-after":
    case "cut-after":
      return loseAnswer(response, proceed, fault.kind === "cut-after");
    case "html":
      response.writeHead(fault.status ?? 200, { "content-type": "text/html" });
      return response.end("<!doctype html><title>Be right back</title><p>Be right back.");
    default: {
      const headers = { "content-type": "application/json" };
      if (fault.retryAfter !== undefined) headers["retry-after"] = String(fault.retryAfter);
      response.writeHead(fault.status ?? 503, headers);
      return response.end(JSON.stringify({ error: "temporarily_unavailable" }));
    }
  }
}

/** Lets the server do its work to the end, and keeps what it says from arriving. */
function loseAnswer(response, proceed, cut) {
  const { socket } = response.req;
  response.end = () => {
    if (!cut) return socket.destroy();
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", () =>
      socket.destroy(),
    );
  };
  response.write = () => true;
  return proceed();
}
