// Who is logged in. The access token lives in this module's memory alone; the refresh token in a cookie
// that no script can read. Tabs take turns at refreshing, because a refresh token works only once.

import { call, Problem } from "./api.js";

const HINT = "mcsp.session"; // says only that asking for a session may be worth it
const EARLY_MS = 30_000;
let access = null;

export const mayBeSignedIn = () => localStorage.getItem(HINT) !== null;

/** The access token, renewed where needed; null where nobody is logged in. */
export async function token() {
  if (access && access.until - EARLY_MS > Date.now()) return access.token;
  if (!access && !mayBeSignedIn()) return null;
  return inTurn(async () => {
    if (access && access.until - EARLY_MS > Date.now()) return access.token;
    try {
      return keep(await call("POST", "/session/refresh", { body: {}, keepalive: true }));
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      forget();
      return null;
    }
  });
}

/** A request as the person who is logged in; a token that was refused is renewed once. */
export async function callAs(method, path, options = {}) {
  try {
    return await call(method, path, { ...options, token: await token() });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    if (access) access.until = 0;
    return call(method, path, { ...options, token: await token() });
  }
}

export const login = (email, password) =>
  inTurn(async () => keep(await call("POST", "/session/login", { body: { email, password } })));

export async function register(email, password, display_name) {
  await call("POST", "/v1/auth/register", { body: { email, password, display_name } });
  return login(email, password);
}

export async function logout() {
  await inTurn(() => call("POST", "/session/logout", { body: {} }));
  forget();
}

function keep({ access_token, expires_in }) {
  access = { token: access_token, until: Date.now() + expires_in * 1000 };
  localStorage.setItem(HINT, "1");
  return access.token;
}

/** Calls `act` when another window has logged out; what this one knew of the session is gone by then. */
export function whenOver(act) {
  window.addEventListener("storage", ({ key, newValue }) => {
    if (newValue !== null || (key !== HINT && key !== null)) return;
    access = null;
    act();
  });
}

function forget() {
  access = null;
  localStorage.removeItem(HINT);
}

function inTurn(work) {
  return navigator.locks ? navigator.locks.request("mcsp-session", work) : work();
}
