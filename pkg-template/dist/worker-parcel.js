// What goes between the page and the worker of "tokenwell/worker", as both sides pack and unpack it.

import { AuthError } from "./errors.js";

export const isObject = (value) => typeof value === "object" && value !== null;

/**
 * Data as it can be sent: as text, for a message that is too deep is lost without a word. What JSON cannot hold becomes
 * something that Rust refuses with its own words.
 */
export const plain = (value) => {
  if (!isObject(value)) return typeof value === "function" || typeof value === "symbol" ? 0n : value;
  try {
    const json = JSON.stringify(value);
    return json === undefined ? 0n : { json };
  } catch {
    return 0n;
  }
};

/** What was sent so, by itself or as the members of a call's options. */
export const unpacked = (value) => {
  if (!isObject(value)) return value;
  if (typeof value.json === "string") return JSON.parse(value.json);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, unpacked(member)]));
};

/** The same of a server's data, without which the session goes on. */
export const data = (value) => {
  const sent = plain(value);
  return typeof sent === "bigint" ? null : sent;
};

/** An AuthError's fields: a clone of the error itself would lose them. */
export const fields = (error) => error && { ...error, message: error.message };

export const revived = (known) => known && new AuthError(known);

const REQUEST = "method mode credentials cache redirect referrerPolicy integrity keepalive".split(" ");

/** All of a request but its body and its signal. */
export const requestHead = (request, init) => {
  const head = { headers: [...request.headers] };
  for (const name of REQUEST) head[name] = request[name];
  // A worker's own is its script; and what a Request does not tell.
  if (request.referrer !== "about:client") head.referrer = request.referrer;
  if (init?.priority !== undefined) head.priority = String(init.priority);
  return head;
};

/** All of a response but its body. */
export const responseHead = ({ status, statusText, headers, url, redirected, type, ok }) => ({
  making: { statusText, headers: [...headers] },
  shown: { status, url, redirected, type, ok },
});

/** A response that shows what the worker's shows: of itself it would have no URL, and could not have every status. */
export const response = ({ making, shown }, body) => {
  const status = shown.status >= 200 && shown.status < 600 ? shown.status : 200;
  return dressed(new Response(body, { ...making, status }), shown);
};

const dressed = (bare, shown) => {
  const clone = () => dressed(Response.prototype.clone.call(bare), shown);
  for (const [name, value] of Object.entries({ ...shown, clone })) Object.defineProperty(bare, name, { value });
  return bare;
};

/** A stream that nothing holds but its reader, where one that was handed over lives as long as its other end does. */
export const loose = (stream, signal) => {
  const reader = stream.getReader();
  const pull = async (controller) => {
    try {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    } catch (error) {
      controller.error(signal.aborted ? signal.reason : error);
    }
  };
  return new ReadableStream({ pull, cancel: (reason) => reader.cancel(reason) }, { highWaterMark: 0 });
};

let streams;

/** Whether this platform hands streams over. */
export const passesStreams = () => {
  if (streams === undefined) {
    try {
      const stream = new ReadableStream();
      structuredClone(stream, { transfer: [stream] });
      streams = true;
    } catch {
      streams = false;
    }
  }
  return streams;
};
