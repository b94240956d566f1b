// What the page asks of the admin port. The token is kept in sessionStorage: for this tab, until it closes.

const KEY = "halley.admin.token";
const TIMEOUT_MS = 5000;

/** No answer: the node is not there, or does not answer in time. */
export class Unreachable extends Error {}

/** An answer that is not the one wanted; `status` is HTTP's, the message the node's sentence. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

// A header is bytes, which a string holds one by one; a token that is no ASCII goes as its UTF-8.
const inBytes = (text) => String.fromCharCode(...new TextEncoder().encode(text));

async function ask(path, options = {}) {
  const headers = new Headers();
  if (token.get() !== "") headers.set("Authorization", `Bearer ${inBytes(token.get())}`);
  let response, text;
  try {
    response = await fetch(path, {
      cache: "no-store", credentials: "omit", redirect: "error", headers,
      signal: AbortSignal.timeout(TIMEOUT_MS), ...options});
    text = await response.text();
  } catch (error) {
    throw new Unreachable(error.name === "TimeoutError" ? `no answer within ${TIMEOUT_MS / 1000} s`
                                                        : "no connection to the admin port");
  }
  if (response.ok) return text;
  let why = `HTTP ${response.status}`;
  try {
    why = JSON.parse(text).error ?? why;
  } catch {
    // Not from the node: what stands between us and it has answered.
  }
  throw new Refused(response.status, why);
}

// Relative, so that the page also works where a proxy serves it below a path.
export const status = async () => JSON.parse(await ask("v1/status"));
export const metrics = () => ask("metrics");
export const topRooms = async (limit) => JSON.parse(await ask(`v1/rooms?order=members&limit=${limit}`));
export const node = async () => JSON.parse(await ask("goim/nodes/weighted")).data;
export const push = async (request) =>
    JSON.parse(await ask("v1/push", {method: "POST", body: JSON.stringify(request)}));
