// A message pushed through the admin port, and a client on the node's own WebSocket port that receives it.

import {HalleyClient} from "../halley.js";
import * as api from "./api.js";
import {count} from "./figures.js";

const LINES_MAX = 100;
const TEXT_MAX = 4096;
const CONFIRM_MS = 1000;
const SURE_MS = 5000;  // so long a first press on "everyone" waits for the second

const TARGETS = {room: "Room", key: "Key", mid: "User (mid)", all: "Everyone who watches the op"};
const WHY = {offline: "is not here", not_watching: "does not watch the op", queue_full: "is too slow: its queue is full"};

const by = (id) => document.getElementById(id);
const strict = new TextDecoder("utf-8", {fatal: true});
const listOf = (text) => text.split(/[\s,]+/).filter(Boolean).map(Number);

function textOf(body) {
  try {
    return strict.decode(body);
  } catch {
    return Array.from(body.subarray(0, TEXT_MAX), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

export class TryOut {
  clients = 0;  // who "everyone" is
  #client = null;
  #node = null;
  #lines = [];  // that wait to be drawn
  #pushed = null;  // {op, text, at} of the last push
  #sure = null;

  constructor() {
    by("push").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#push();
    });
    by("push").elements.kind.addEventListener("change", () => this.#showTarget());
    by("client").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#connect().catch((error) => this.#complain(error.message));
    });
    by("disconnect").addEventListener("click", () => this.#client?.close());
    by("clear").addEventListener("click", () => {
      by("log").replaceChildren();
      by("log-empty").hidden = false;
    });
    this.#showTarget();
  }

  /** Fills in the room to push to. */
  aimAt(room) {
    const fields = by("push").elements;
    fields.kind.value = "room";
    fields.target.value = room;
    this.#showTarget();
    fields.text.focus();
  }

  /** The ports are to be asked for again: another process may have others. */
  findNode() {
    this.#node = null;
  }

  // --- pushing

  #showTarget() {
    const {kind, target} = by("push").elements;
    by("target-name").textContent = TARGETS[kind.value];
    target.disabled = kind.value === "all";
    target.required = kind.value !== "all";
    target.inputMode = kind.value === "mid" ? "numeric" : "text";
    target.pattern = kind.value === "mid" ? "-?\\d{1,19}" : ".*";
    this.#unsure();
  }

  #unsure() {
    clearTimeout(this.#sure);
    this.#sure = null;
    by("push").querySelector("button").textContent = "Push";
  }

  // Everyone is a lot of people, on a node that works: that takes a second press.
  #isSure(kind) {
    if (kind !== "all" || this.#sure !== null) {
      this.#unsure();
      return true;
    }
    by("push").querySelector("button").textContent =
        `Really push to ${count(this.clients)} ${this.clients === 1 ? "client" : "clients"}?`;
    this.#sure = setTimeout(() => this.#unsure(), SURE_MS);
    return false;
  }

  async #push() {
    const {kind, target, op, text} = by("push").elements;
    if (!this.#isSure(kind.value)) return;
    const request = {op: Number(op.value), text: text.value, confirm_ms: CONFIRM_MS};
    const name = target.value.trim();
    if (kind.value === "room") request.rooms = [name];
    else if (kind.value === "key") request.keys = [name];
    else if (kind.value === "mid") request.mids = [name];
    else request.all = true;
    const at = performance.now();
    this.#pushed = {op: request.op, text: request.text, at};
    try {
      const reply = await api.push(request);
      this.#report(this.#told(reply, kind.value, name, performance.now() - at), reply.taken > 0 ? "good" : "wait");
    } catch (error) {
      this.#report(`Not pushed: ${error.message}.`, "bad");
    }
  }

  #told(reply, kind, name, tookMs) {
    if (reply.refused.length > 0) {
      return `Nobody took it: ${TARGETS[kind].toLowerCase()} ${name} ${WHY[reply.refused[0].why] ?? reply.refused[0].why}.`;
    }
    if (reply.taken === 0) return "Nobody took it: no client watches the op.";
    const {delivered, skipped, pending} = reply.deliveries;
    const parts = [`${count(delivered)} delivered`];
    if (skipped > 0) parts.push(`${count(skipped)} skipped`);
    if (pending > 0) parts.push(`${count(pending)} still pending`);
    return `Taken by ${count(reply.taken)} ${reply.taken === 1 ? "client" : "clients"}: ${parts.join(", ")}, ` +
        `told after ${tookMs.toFixed(1)} ms.`;
  }

  #report(text, state) {
    by("push-result").textContent = text;
    by("push-result").dataset.state = state;
  }

  // --- receiving

  async #url() {
    this.#node ??= await api.node();
    const {ws_port: ws = 0, wss_port: wss = 0} = this.#node;
    const secure = location.protocol === "https:" || ws === 0;
    const port = secure ? wss : ws;
    if (port === 0) {
      throw new Error(secure && ws !== 0 ? "This page came by https, and the node has no listen.wss."
                                         : "The node listens for no WebSockets: set listen.ws.");
    }
    return `${secure ? "wss" : "ws"}://${location.hostname}:${port}/sub`;
  }

  async #connect() {
    const {room, ops, key, mid, token} = by("client").elements;
    await this.#client?.close();
    this.#complain("");
    const options = {room: room.value.trim(), accepts: listOf(ops.value), key: key.value.trim(),
                     mid: BigInt(mid.value.trim() || 0), heartbeatMs: 10_000};
    if (token.value.trim() !== "") options.token = token.value.trim();
    const client = this.#client = new HalleyClient(await this.#url(), options);
    client.on("state", (state) => this.#showState(state));
    client.on("push", ({op, body}) => this.#received(op, textOf(body)));
    client.on("close", (close) => this.#closed(close));
    client.connect().catch(() => {});
  }

  #showState(state) {
    by("client-state").textContent = state;
    by("client-state").dataset.state = state;
    by("connect").textContent = state === "closed" ? "Connect" : "Reconnect";
    by("disconnect").disabled = state === "closed";
    if (state === "online") this.#complain("");
  }

  #closed({code, reason, willReconnect, delayMs}) {
    if (code === 1000) return;
    // A browser tells a script no more of a connection that never was.
    const why = code === 1006 ? "no connection; where websocket.origins names pages, it must allow this one"
                              : `closed with code ${code}${reason ? `: ${reason}` : ""}`;
    this.#complain(`${why}. ${willReconnect ? `Trying again in ${(delayMs / 1000).toFixed(1)} s.` : "Not trying again."}`);
  }

  #complain(text) {
    by("client-problem").textContent = text.slice(0, 1).toUpperCase() + text.slice(1);
  }

  #received(op, text) {
    const now = performance.now();
    const ours = this.#pushed !== null && this.#pushed.op === op && this.#pushed.text === text;
    const note = ours ? `${(now - this.#pushed.at).toFixed(1)} ms after Push` : "";
    if (ours) this.#pushed = null;
    if (this.#lines.length === 0) requestAnimationFrame(() => this.#draw());
    this.#lines.push({op, text, note, when: new Date()});
    // Between two frames there may be thousands, and at most so many are seen.
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  #draw() {
    const made = this.#lines.splice(0).reverse().map(({op, text, note, when}) => {
      const time = element("time", "", when.toLocaleTimeString([], {hour12: false}));
      time.dateTime = when.toISOString();
      const line = document.createElement("li");
      line.append(time, element("span", "op", `op ${op}`), element("span", "note", note),
                  element("div", "text", text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)} …` : text));
      return line;
    });
    by("log").prepend(...made);
    while (by("log").childElementCount > LINES_MAX) by("log").lastElementChild.remove();
    by("log-empty").hidden = true;
  }
}
