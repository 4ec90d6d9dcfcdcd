// Talks to the API: JSON in, JSON out. A refusal becomes a Problem whose message a person can read.

export class Problem extends Error {
  /** @param {number} status HTTP status, 0 where nothing answered */
  constructor(status, body = {}) {
    super(body.detail || body.message || IN_GENERAL[status] || IN_GENERAL.any);
    this.status = status;
    this.code = body.code || "";
    this.action = body.action || "";
    this.errors = Array.isArray(body.errors) ? body.errors : []; // [{field, message}]: what does not fit
  }
}

/** What an error says, with what to do about it. */
export const told = (error) => [error.message, error.action].filter(Boolean).join(" ");

const IN_GENERAL = {
  0: "No connection to the server. Check your network and try again.",
  401: "Please log in again.",
  404: "There is nothing here any more.",
  413: "That is too large.",
  429: "That was too often. Wait a minute, then try again.",
  503: "The server is busy or restarting. Try again in a moment.",
  any: "That did not work. Try again; if it stays, tell us what you did.",
};

/**
 * One request. `body` becomes JSON, `key` an Idempotency-Key.
 * @returns {Promise<any>} the parsed answer, null where there is none
 * @throws {Problem}
 */
export async function call(method, path, { body, token, key, signal, keepalive } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  const answer = await send(path, { method, headers, signal, keepalive, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  const content = text ? parse(text) : null;
  if (!answer.ok) throw new Problem(answer.status, content ?? {});
  return content;
}

async function send(path, request) {
  try {
    return await fetch(path, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {}; // an answer that is not ours, such as a proxy's page: the status alone counts
  }
}
