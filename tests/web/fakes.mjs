// What the tests of halley.js put in place of the world: a WebSocket that does what the test says,
// and a clock that goes when the test says.
import {HalleyClient, Op, decodeFrames, encodeFrame} from "../../src/web/halley.js";

const decoder = new TextDecoder();

export class FakeTimers {
  nowMs = 0;
  #next = 1;
  #timers = new Map();  // number -> {at, callback}

  setTimeout = (callback, ms) => {
    this.#timers.set(this.#next, {at: this.nowMs + ms, callback});
    return this.#next++;
  };
  clearTimeout = (timer) => this.#timers.delete(timer);
  now = () => this.nowMs;
  wallNow = () => 1.8e12 + this.nowMs;

  get waiting() { return this.#timers.size; }

  /** Lets time pass, with everything that falls due, in its order. */
  pass(ms) {
    const end = this.nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, {at}]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [number, {at, callback}] = due;
      this.#timers.delete(number);
      this.nowMs = at;
      callback();
    }
    this.nowMs = end;
  }
}

/** One connection, seen from the gateway's side. */
export class FakeSocket {
  static all = [];
  sent = [];      // frames that are not looked at yet
  closed = null;  // [code, reason] of the client's close()
  onopen = null; onmessage = null; onclose = null; onerror = null;

  constructor(url) {
    if (!url.startsWith("ws")) throw new SyntaxError("not a WebSocket's URL");
    this.url = url;
    FakeSocket.all.push(this);
  }
  send(bytes) {
    const [frame] = decodeFrames(bytes);
    this.sent.push({op: frame.op, seq: frame.seq, body: decoder.decode(frame.body)});
  }
  close(code, reason) { this.closed = [code, reason]; }

  // --- what the gateway does
  open() { this.onopen?.({}); }
  end(code, reason = "") { this.onclose?.({code, reason}); }
  message(...frames) {
    const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
    let at = 0;
    for (const frame of frames) {
      bytes.set(frame, at);
      at += frame.length;
    }
    this.onmessage?.({data: bytes.buffer});
  }
  reply(op, seq, body = new Uint8Array(0)) { this.message(encodeFrame(op, seq, body)); }

  /** The oldest frame that was not looked at. */
  take() { return this.sent.shift(); }
  /** Takes the login, and accepts it. */
  accept() {
    const login = this.take();
    this.reply(Op.AUTH_REPLY, login.seq);
    return login;
  }
  /** Takes a frame, and replies to it. */
  grant() {
    const request = this.take();
    this.reply(request.op + (request.op < 1000 ? 1 : 0), request.seq);
    return request;
  }
  answerHeartbeat(online = 1) {
    const {seq} = this.take();
    this.reply(Op.HEARTBEAT_REPLY, seq, new Uint8Array([0, 0, online >> 8, online & 255]));
  }
}

/** What the gateway pushes: an outer frame around complete inner ones, each [op, text or bytes]. */
export function push(...inner) {
  const encoder = new TextEncoder();
  const frames = inner.map(([op, body]) =>
      encodeFrame(op, 0, typeof body === "string" ? encoder.encode(body) : body));
  return encodeFrame(Op.RAW, 0, Uint8Array.from(frames.flatMap((frame) => [...frame])));
}

/** A client in a world of fakes, with everything that it told. */
export class World {
  timers = new FakeTimers();
  told = [];    // [event, value]
  random = 1;

  constructor(options = {}) {
    FakeSocket.all = [];
    this.client = new HalleyClient("ws://gateway/sub", {
      WebSocket: FakeSocket, timers: this.timers, random: () => this.random, ...options});
    for (const name of ["push", "state", "online", "close", "error"]) {
      this.client.on(name, (value) => this.told.push([name, value]));
    }
  }
  get sockets() { return FakeSocket.all; }
  get socket() { return FakeSocket.all.at(-1); }

  /** Connected and logged in, the first heartbeat answered. */
  static online(options) {
    const world = new World(options);
    world.client.connect();
    world.comeBack();
    world.told = [];
    return world;
  }
  /** The newest socket opens, logs in, and has its first heartbeat answered. Returns the login. */
  comeBack() {
    this.socket.open();
    const login = JSON.parse(this.socket.accept().body);
    this.socket.answerHeartbeat();
    return login;
  }
  /** The values of all events of a name. */
  all(name) { return this.told.filter(([each]) => each === name).map(([, value]) => value); }
}

/** Until everything has happened that waits for nothing but its turn. */
export async function settle() {
  for (let i = 0; i < 20; ++i) await null;
}

/** What a promise has come to, without waiting for more than its turn. */
export async function outcomeOf(promise) {
  let outcome = "pending";
  promise.then(() => { outcome = "done"; }, (error) => { outcome = error.code; });
  await settle();
  return outcome;
}
