// @ts-check
// Halley's client for browsers and Node: goim's binary frames over a WebSocket, one ES module
// without dependencies.
//
//   import {HalleyClient} from "./halley.js";
//   const client = new HalleyClient("ws://localhost:3102/sub", {mid: 7, room: "live://1", accepts: [1000]});
//   client.on("push", ({op, text}) => console.log(op, text()));
//   await client.connect();
//
// It keeps the connection alive, and opens it again when it is lost, after a random time that grows
// from half a second to half a minute; room and watched ops are then what they were last asked to be.
// It does not come back when the gateway's close code says that it should not: see FINAL_CODES.
//
// What waits for an answer is a Promise. A push is delivered at most once: what is pushed while the
// connection is down does not come later.

/** goim's operations, and two of Halley's (18, 19), which are an application's where the gateway's backend
 * takes no new tokens. Those of an application are numbers of its own, by custom from 1000 on. */
export const Op = Object.freeze({
  HEARTBEAT: 2, HEARTBEAT_REPLY: 3, AUTH: 7, AUTH_REPLY: 8, RAW: 9, CHANGE_ROOM: 12,
  CHANGE_ROOM_REPLY: 13, SUB: 14, SUB_REPLY: 15, UNSUB: 16, UNSUB_REPLY: 17, REFRESH: 18, REFRESH_REPLY: 19,
});

/** Close codes of our own side. */
export const CloseCode = Object.freeze({NORMAL: 1000, NO_HEARTBEAT: 4000, MALFORMED: 4001, NO_LOGIN: 4002});

// The gateway's when it is being drained; the reason may say when to come back.
const DRAINING = 1012;

// Codes after which coming back would bring the same again, or push out who took our place:
// what we say is not understood (1002, 1003, 1007, 1008), login refused (3000), replaced by the same
// key (3001), the same key is there already (3002), kicked (3003).
const FINAL_CODES = new Set([1002, 1003, 1007, 1008, 3000, 3001, 3002, 3003]);
// A message too big: final when the login was it, and not for one that an application sent.
const TOO_BIG = 1009;

const HEADER_BYTES = 16;
const VERSION = 1;
/** @type {Set<number>} */
const RESERVED_OPS = new Set(Object.values(Op).filter((op) => op < Op.REFRESH));
// A new token is not shown sooner after the last: the gateway refuses more than one in a second.
const REFRESH_APART_MS = 2000;
const TIMER_MS_MAX = 2 ** 31 - 1;
const NO_BODY = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", {ignoreBOM: true});

/**
 * @typedef {"closed" | "connecting" | "online" | "waiting"} State  waiting: to connect again
 * @typedef {{op: number, body: Uint8Array, text: () => string}} Push
 * @typedef {{code: number, reason: string, willReconnect: boolean, delayMs: number}} Close
 *   delayMs: when it will be tried again
 * @typedef {{push: Push, state: State, online: number, close: Close, error: HalleyError}} Events
 *   online: connections in the room, told by each answer to a heartbeat
 * @typedef {{op: number, seq: number, body: Uint8Array}} Frame
 * @typedef {string | Uint8Array} Bytes  a string stands for its UTF-8
 * @typedef {{setTimeout: (callback: () => void, ms: number) => any, clearTimeout: (timer: any) => void,
 *   now: () => number, wallNow?: () => number}} Timers  now: in milliseconds, never backwards;
 *   wallNow: in milliseconds since 1970
 *
 * @typedef {object} Options
 * @property {string} [key] of this connection; empty: the gateway makes one. With one of your own,
 *   coming back replaces what the gateway may still hold of the lost connection.
 * @property {number | bigint} [mid] the user; 0: nobody in particular
 * @property {string} [room] to be in; empty: none
 * @property {number[]} [accepts] ops to watch: pushes to the key, the user and everyone come only
 *   with one of these
 * @property {string} [platform]
 * @property {Bytes | (() => Bytes | Promise<Bytes>)} [token] the login's body in place of goim's
 *   JSON of the above, or a function that makes a new one for each login
 * @property {number} [refreshAheadMs] where `token` is a function: so long before the token ends it is asked
 *   for a new one, which is shown to the gateway, so that the connection stays; 0, the default: never.
 *   It is known when a token ends if it is a JSON Web Token with `exp`
 * @property {number} [heartbeatMs] between an answered heartbeat and the next
 * @property {number} [replyTimeoutMs] for a reply, an answer to a heartbeat, and a login
 * @property {number} [backoffBaseMs] the n-th attempt comes after random() * min(cap, base * 2 ** n)
 * @property {number} [backoffCapMs]
 * @property {number} [stableMs] a connection that lived so long makes the next attempt the first
 * @property {any} [WebSocket] the class to use; without one, the platform's
 * @property {() => number} [random]
 * @property {Timers} [timers]
 */

/** What goes wrong; `code` says what it was. */
export class HalleyError extends Error {
  /**
   * @param {"malformed" | "timeout" | "lost" | "closed" | "socket" | "token" | "refused"} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "HalleyError";
    this.code = code;
  }
}

/**
 * @param {number} op
 * @param {number} seq
 * @param {Uint8Array} body
 */
export function encodeFrame(op, seq, body) {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  const view = new DataView(frame.buffer);
  view.setInt32(0, frame.length);
  view.setInt16(4, HEADER_BYTES);
  view.setInt16(6, VERSION);
  view.setInt32(8, op);
  view.setInt32(12, seq);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * The frames that `bytes` consist of; throws a HalleyError when they do not consist of frames.
 * @param {Uint8Array} bytes
 * @returns {Frame[]}
 */
export function decodeFrames(bytes) {
  const frames = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at;
    if (left < HEADER_BYTES) throw new HalleyError("malformed", `${left} bytes are no frame`);
    const length = view.getInt32(at);
    if (length < HEADER_BYTES || length > left || view.getInt16(at + 4) !== HEADER_BYTES) {
      throw new HalleyError("malformed", `a frame of ${length} bytes in a message with ${left} left`);
    }
    frames.push({op: view.getInt32(at + 8), seq: view.getInt32(at + 12),
                 body: bytes.subarray(at + HEADER_BYTES, at + length)});
    at += length;
  }
  return frames;
}

/**
 * The sequence number after `seq`: never 0, which is that of pushes.
 * @param {number} seq
 */
export function nextSeq(seq) {
  return (seq + 1 | 0) || 1;
}

/** @param {Bytes} bytes */
function bytesOf(bytes) {
  return typeof bytes === "string" ? encoder.encode(bytes) : bytes;
}

/**
 * The `exp` of a JSON Web Token, which goim's JSON may be around; undefined when there is none.
 * @param {Bytes} token
 * @returns {number | undefined}  in seconds since 1970
 */
export function expiryOf(token) {
  try {
    const payload = decoder.decode(bytesOf(token)).split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const {exp} = JSON.parse(decoder.decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))));
    return typeof exp === "number" ? exp : undefined;
  } catch {
    return undefined;
  }
}

/** @param {number[]} ops */
function checkedOps(ops) {
  for (const op of ops) if (op !== (op | 0)) throw new RangeError(`${op} is no op: not an int32`);
  return ops;
}

/** @type {Timers} */
const platformTimers = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
};

/** A promise with its ends; one that fails unseen is not an error of the program. */
class Deferred {
  constructor() {
    /** @type {(value: any) => void} */
    this.resolve = () => {};
    /** @type {(error: Error) => void} */
    this.reject = () => {};
    /** @type {Promise<any>} */
    this.promise = new Promise((resolve, reject) => Object.assign(this, {resolve, reject}));
    this.promise.catch(() => {});
  }
}

export class HalleyClient {
  /** @type {string} */ #url;
  /** @type {Options & {random: () => number}} */ #options;
  /** @type {Timers} */ #timers;
  /** @type {Map<string, Set<(value: any) => void>>} */ #listeners = new Map();
  /** @type {State} */ #state = "closed";
  /** @type {any} */ #socket = null;
  #attempt = 0;  // of opening a socket, for what was begun in an earlier one
  #seq = 0;
  /** @type {Bytes | undefined} of this connection's login */ #token;
  #loginSeq = 0;  // of the login that is not answered; 0: none
  #failures = 0;  // in a row
  #onlineSince = 0;
  /** @type {Map<string, any>} what is to happen, by name */ #alarms = new Map();

  // What the user wants, and what of it the gateway knows on this connection. A room that is
  // undefined is as the token has it.
  /** @type {string | undefined} */ #room;
  /** @type {Set<number>} */ #ops;
  /** @type {Set<number>} not to be watched, though a token may say so */ #unwatched = new Set();
  /** @type {{room: string | undefined, ops: Set<number>}} */ #told = {room: undefined, ops: new Set()};

  /** @type {Map<number, {op: number, reply: Deferred, timer: any, wish: boolean}>} by seq */
  #pending = new Map();
  /** @type {Deferred[]} wishes that the next login answers */ #wishes = [];
  /** @type {Deferred | null} */ #connecting = null;

  /**
   * @param {string} url  of the gateway's WebSocket port, with the path /sub
   * @param {Options} [options]
   */
  constructor(url, options = {}) {
    this.#url = url;
    this.#options = {random: Math.random, ...options};
    this.#timers = options.timers ?? platformTimers;
    this.#room = options.room ?? (options.token === undefined ? "" : undefined);
    this.#ops = new Set(checkedOps(options.accepts ?? []));
  }

  get state() { return this.#state; }
  /** The room it is in, or wants to be in; undefined: the one of the token. */
  get room() { return this.#room; }
  /** The ops that were asked for. */
  get ops() { return [...this.#ops]; }

  /**
   * Calls `listener` with each event of that name.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(value: Events[Name]) => void} listener
   * @returns {() => void} ends that
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * Connects, and stays connected until close(). Answered by the first login; refused when it is
   * clear that there will be none.
   * @returns {Promise<void>}
   */
  connect() {
    if (this.#connecting !== null) return this.#connecting.promise;
    const connecting = this.#connecting = new Deferred();
    this.#failures = 0;
    this.#open();
    return connecting.promise;
  }

  /**
   * Ends the connection and all waiting for it. Answered when the socket is closed.
   * @param {number} [code]  1000, or 3000 to 4999
   * @param {string} [reason]
   * @returns {Promise<void>}
   */
  close(code = CloseCode.NORMAL, reason = "") {
    const socket = this.#letGo();
    const closed = new Promise((resolve) => {
      if (socket === null) resolve(undefined);
      else socket.onclose = resolve;
    });
    if (this.#state !== "closed") this.#end({code, reason, willReconnect: false, delayMs: 0});
    if (socket !== null) socket.close(code, reason);
    return closed;
  }

  /**
   * Changes the room. Answered by the gateway's reply; without a connection it is remembered, and
   * answered by the next login. So are leaveRoom(), watch() and unwatch().
   * @param {string} room
   * @returns {Promise<void>}
   */
  joinRoom(room) {
    this.#room = room;
    return this.#wish(Op.CHANGE_ROOM, room);
  }

  leaveRoom() { return this.joinRoom(""); }

  /**
   * @param {number[]} ops  to be watched from now on, too
   * @returns {Promise<void>}
   */
  watch(ops) {
    for (const op of checkedOps(ops)) {
      this.#ops.add(op);
      this.#unwatched.delete(op);
    }
    return this.#wish(Op.SUB, ops.join());
  }

  /**
   * @param {number[]} ops
   * @returns {Promise<void>}
   */
  unwatch(ops) {
    for (const op of checkedOps(ops)) {
      this.#ops.delete(op);
      this.#unwatched.add(op);
    }
    return this.#wish(Op.UNSUB, ops.join());
  }

  /**
   * Sends a message to the backend behind the gateway; the gateway's reply says that it arrived
   * there. It is never sent a second time.
   * @param {number} op  none of goim's own
   * @param {Bytes} [body]
   * @returns {Promise<void>}
   */
  send(op, body = NO_BODY) {
    if (RESERVED_OPS.has(checkedOps([op])[0])) throw new RangeError(`op ${op} is goim's own`);
    return this.#state === "online" ? this.#request(op, op, body) : this.#notConnected();
  }

  /**
   * Shows the gateway a new token of the same client, so that the connection outlives the old one.
   * Answered with the seconds that it holds; 0: for good. Refused when the gateway refuses it: then the
   * connection ends when the old one does.
   * @param {Bytes} token
   * @returns {Promise<number>}
   */
  refresh(token) {
    if (this.#state !== "online") return this.#notConnected();
    const refreshed = this.#request(Op.REFRESH, Op.REFRESH_REPLY, token).then((/** @type {string} */ seconds) => {
      if (seconds === "") throw new HalleyError("refused", "the gateway refuses the new token");
      this.#renewWithin(Number(seconds) * 1000);
      return Number(seconds);
    });
    refreshed.catch(() => {});
    return refreshed;
  }

  // --- opening and logging in

  #open() {
    const attempt = ++this.#attempt;
    this.#setState("connecting");
    this.#setAlarm("login", this.#replyTimeoutMs, () => this.#lose(CloseCode.NO_LOGIN, "the login timed out"));
    const {token} = this.#options;
    if (typeof token !== "function") {
      this.#dial(token);
      return;
    }
    Promise.resolve().then(token).then(
        (made) => { if (attempt === this.#attempt) this.#dial(made); },
        (error) => {
          if (attempt !== this.#attempt) return;
          this.#emit("error", new HalleyError("token", `no token: ${error?.message ?? error}`));
          this.#lose(CloseCode.NO_LOGIN, "no token");
        });
  }

  /** @param {Bytes | undefined} token */
  #dial(token) {
    const WebSocketClass = this.#options.WebSocket ?? /** @type {any} */ (globalThis).WebSocket;
    let socket;
    try {
      socket = new WebSocketClass(this.#url);
    } catch (error) {
      // Not a URL, or no such class: it will not be otherwise next time.
      this.#letGo();
      this.#end({code: 1006, reason: String(error), willReconnect: false, delayMs: 0});
      return;
    }
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#logIn(socket, token);
    socket.onmessage = (/** @type {any} */ event) => this.#onMessage(socket, event.data);
    socket.onclose = (/** @type {any} */ event) => this.#lose(event.code, event.reason);
    socket.onerror = (/** @type {any} */ event) =>
        this.#emit("error", new HalleyError("socket", event?.message || "the connection failed"));
    this.#socket = socket;
  }

  /**
   * @param {any} socket
   * @param {Bytes | undefined} token
   */
  #logIn(socket, token) {
    this.#token = token;
    this.#told = token === undefined ? {room: this.#room, ops: new Set(this.#ops)}
                                     : {room: undefined, ops: new Set(this.#unwatched)};
    this.#loginSeq = this.#seq = nextSeq(this.#seq);
    socket.send(encodeFrame(Op.AUTH, this.#loginSeq, bytesOf(token ?? this.#ownToken())));
  }

  #ownToken() {
    const {key = "", mid = 0, platform = "web"} = this.#options;
    const rest = JSON.stringify({key, room_id: this.#room, platform, accepts: this.ops});
    // A mid may have more digits than a number holds.
    return `{"mid":${BigInt(mid)},${rest.slice(1)}`;
  }

  // The login is accepted. What the token did not say, or has changed since, is asked for, until the
  // gateway knows what is wanted.
  #tell() {
    const {room, ops} = this.#told;
    const more = this.ops.filter((op) => !ops.has(op));
    const less = [...ops].filter((op) => !this.#ops.has(op));
    const replies = [];
    if (this.#room !== undefined && this.#room !== room) {
      replies.push(this.#request(Op.CHANGE_ROOM, Op.CHANGE_ROOM_REPLY, this.#room));
    }
    if (more.length > 0) replies.push(this.#request(Op.SUB, Op.SUB_REPLY, more.join()));
    if (less.length > 0) replies.push(this.#request(Op.UNSUB, Op.UNSUB_REPLY, less.join()));
    if (replies.length === 0) {
      this.#goOnline();
      return;
    }
    this.#told = {room: this.#room, ops: new Set(this.#ops)};
    const attempt = this.#attempt;
    Promise.all(replies).then(
        () => { if (attempt === this.#attempt) this.#tell(); },
        () => {});  // lost meanwhile, or the login's alarm will say so
  }

  #goOnline() {
    this.#clearAlarm("login");
    this.#onlineSince = this.#timers.now();
    this.#connecting?.resolve(undefined);
    for (const wish of this.#wishes.splice(0)) wish.resolve(undefined);
    const end_s = this.#token === undefined ? undefined : expiryOf(this.#token);
    if (end_s !== undefined) this.#renewWithin(end_s * 1000 - (this.#timers.wallNow?.() ?? Date.now()));
    this.#setState("online");
    if (this.#state === "online") this.#beat();
  }

  // --- being online

  /** @param {number} leftMs  until the token ends */
  #renewWithin(leftMs) {
    const {token, refreshAheadMs = 0} = this.#options;
    if (typeof token !== "function" || !(refreshAheadMs > 0) || !(leftMs > 0)) return;
    const waitMs = Math.max(leftMs - refreshAheadMs, leftMs / 2, REFRESH_APART_MS);
    this.#setAlarm("refresh", Math.min(waitMs, TIMER_MS_MAX), () => {
      const attempt = this.#attempt;
      Promise.resolve().then(token).then((made) => {
        return attempt === this.#attempt ? this.refresh(made) : 0;
      }).catch((error) => {
        // The connection ends with its token, and comes back with another.
        if (attempt !== this.#attempt) return;
        this.#emit("error", new HalleyError("token", `no new token: ${error?.message ?? error}`));
      });
    });
  }

  #beat() {
    this.#seq = nextSeq(this.#seq);
    this.#socket.send(encodeFrame(Op.HEARTBEAT, this.#seq, NO_BODY));
    this.#setAlarm("heartbeat", this.#replyTimeoutMs,
                   () => this.#lose(CloseCode.NO_HEARTBEAT, "a heartbeat was not answered"));
  }

  /**
   * @param {any} socket
   * @param {unknown} data  of one message: frames back to back
   */
  #onMessage(socket, data) {
    /** @type {(() => void)[]} */
    const steps = [];
    try {
      if (!(data instanceof ArrayBuffer)) throw new HalleyError("malformed", "a message that is text");
      for (const frame of decodeFrames(new Uint8Array(data))) {
        if (frame.op === Op.HEARTBEAT_REPLY && frame.body.length !== 4) {
          throw new HalleyError("malformed", "a heartbeat's answer that is no number");
        }
        if (frame.op !== Op.RAW) steps.push(() => this.#onReply(frame));
        else for (const inner of decodeFrames(frame.body)) steps.push(() => this.#onPush(inner));
      }
    } catch (error) {
      this.#emit("error", /** @type {HalleyError} */ (error));
      if (this.#socket === socket) this.#lose(CloseCode.MALFORMED, "malformed bytes");
      return;
    }
    for (const step of steps) if (this.#socket === socket) step();
  }

  /** @param {Frame} frame */
  #onPush({op, body}) {
    this.#emit("push", {op, body, text: () => decoder.decode(body)});
  }

  /** @param {Frame} frame */
  #onReply(frame) {
    const {op, seq, body} = frame;
    if (op === Op.AUTH_REPLY) {
      if (seq !== this.#loginSeq) return;
      this.#loginSeq = 0;
      this.#tell();
      return;
    }
    if (op === Op.HEARTBEAT_REPLY) {
      if (this.#state !== "online") return;
      this.#setAlarm("heartbeat", this.#options.heartbeatMs ?? 30_000, () => this.#beat());
      this.#emit("online", new DataView(body.buffer, body.byteOffset).getInt32(0));
      return;
    }
    const request = this.#pending.get(seq);
    const taken = request?.op === op;
    // To a gateway that takes no new tokens it is a message, answered with its own op.
    if (request !== undefined && (taken || (request.op === Op.REFRESH_REPLY && op === Op.REFRESH))) {
      this.#pending.delete(seq);
      this.#timers.clearTimeout(request.timer);
      if (!taken) request.reply.reject(new HalleyError("refused", "the gateway takes no new tokens"));
      else request.reply.resolve(op === Op.REFRESH_REPLY ? decoder.decode(body) : undefined);
    } else if (seq === 0 && !RESERVED_OPS.has(op)) {
      this.#onPush(frame);  // goim's own gateway may send a push by itself
    }
  }

  #notConnected() {
    const failed = new Deferred();
    failed.reject(new HalleyError("lost", "not connected"));
    return failed.promise;
  }

  /**
   * @param {number} op
   * @param {string} body
   */
  #wish(op, body) {
    if (this.#state === "online") return this.#request(op, op + 1, body, true);
    const wish = new Deferred();
    this.#wishes.push(wish);
    return wish.promise;
  }

  /**
   * @param {number} op
   * @param {number} replyOp
   * @param {Bytes} body
   * @param {boolean} [wish]  what a new login answers as well as a reply does
   */
  #request(op, replyOp, body, wish = false) {
    const reply = new Deferred();
    const seq = this.#seq = nextSeq(this.#seq);
    const timer = this.#timers.setTimeout(() => {
      this.#pending.delete(seq);
      reply.reject(new HalleyError("timeout", `no reply to op ${op} within ${this.#replyTimeoutMs} ms`));
    }, this.#replyTimeoutMs);
    this.#pending.set(seq, {op: replyOp, reply, timer, wish});
    this.#socket.send(encodeFrame(op, seq, bytesOf(body)));
    return reply.promise;
  }

  // --- losing the connection

  /**
   * The connection is gone, or is given up.
   * @param {number} code
   * @param {string} reason
   */
  #lose(code, reason) {
    const wasOnline = this.#state === "online";
    const socket = this.#letGo();
    if (code >= CloseCode.NO_HEARTBEAT) socket?.close(code, reason);
    if (FINAL_CODES.has(code) || (code === TOO_BIG && !wasOnline)) {
      this.#end({code, reason, willReconnect: false, delayMs: 0});
      return;
    }
    const {backoffBaseMs = 500, backoffCapMs = 30_000, stableMs = 10_000, random} = this.#options;
    if (wasOnline && this.#timers.now() - this.#onlineSince >= stableMs) this.#failures = 0;
    // A gateway that is being drained says when: others are told other times.
    const hint = code === DRAINING ? /^retry_ms=(\d{1,7})$/.exec(reason) : null;
    const delayMs = hint !== null
      ? Number(hint[1])
      : random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** this.#failures++);
    this.#setAlarm("reconnect", delayMs, () => this.#open());
    this.#setState("waiting");
    this.#emit("close", {code, reason, willReconnect: true, delayMs});
  }

  // Lets go of the socket and of what was under way on it; returns the socket.
  #letGo() {
    const socket = this.#socket;
    this.#socket = null;
    this.#loginSeq = 0;
    ++this.#attempt;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.onerror = () => {};
    }
    for (const name of [...this.#alarms.keys()]) this.#clearAlarm(name);
    for (const {reply, timer, wish} of this.#pending.values()) {
      this.#timers.clearTimeout(timer);
      if (wish) this.#wishes.push(reply);
      else reply.reject(new HalleyError("lost", "the connection was lost before the reply"));
    }
    this.#pending.clear();
    return socket;
  }

  /** @param {Close} close  for good */
  #end(close) {
    const error = new HalleyError("closed", `closed with code ${close.code} ${close.reason}`.trim());
    this.#connecting?.reject(error);
    this.#connecting = null;
    for (const wish of this.#wishes.splice(0)) wish.reject(error);
    this.#setState("closed");
    this.#emit("close", close);
  }

  // --- tools

  get #replyTimeoutMs() { return this.#options.replyTimeoutMs ?? 10_000; }

  /** @param {State} state */
  #setState(state) {
    this.#state = state;
    this.#emit("state", state);
  }

  /**
   * Instead of what was set under that name before.
   * @param {string} name
   * @param {number} ms
   * @param {() => void} callback
   */
  #setAlarm(name, ms, callback) {
    this.#clearAlarm(name);
    this.#alarms.set(name, this.#timers.setTimeout(() => {
      this.#alarms.delete(name);
      callback();
    }, ms));
  }

  /** @param {string} name */
  #clearAlarm(name) {
    this.#timers.clearTimeout(this.#alarms.get(name));
    this.#alarms.delete(name);
  }

  /**
   * A listener that throws harms nobody else; its error is the program's, reported as one that
   * nobody caught.
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} value
   */
  #emit(name, value) {
    for (const listener of [...this.#listeners.get(name) ?? []]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => { throw error; });
      }
    }
  }
}
