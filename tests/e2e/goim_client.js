// What goim's examples/javascript/client.js does, written anew (proto/README.md, section 2): logs
// in, beats at once and then at intervals, takes op 9 apart, and tells what it sees. Runs in a
// browser (browser_page.html) and in node with npm's ws (npm_ws_client.js).
"use strict";

const HEADER_BYTES = 16;
const HEARTBEAT = 2, HEARTBEAT_REPLY = 3, AUTH = 7, AUTH_REPLY = 8, RAW = 9;
const HEARTBEAT_MS = 200;  // 30 s in goim's client

function goimFrame(op, body) {
  const bytes = new TextEncoder().encode(body);
  const buffer = new ArrayBuffer(HEADER_BYTES + bytes.length);
  const view = new DataView(buffer);
  view.setInt32(0, buffer.byteLength);
  view.setInt16(4, HEADER_BYTES);
  view.setInt16(6, 1);
  view.setInt32(8, op);
  view.setInt32(12, 1);
  new Uint8Array(buffer, HEADER_BYTES).set(bytes);
  return buffer;
}

// `socket` is a WebSocket that is not open yet; `tell(what, details)` is told in order.
function runGoimClient(socket, tell) {
  const textOf = (buffer, from, to) =>
      new TextDecoder().decode(new Uint8Array(buffer, from, to - from));
  let timer;
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    tell("open", {extensions: socket.extensions, protocol: socket.protocol});
    socket.send(goimFrame(AUTH, JSON.stringify(
        {mid: 123, room_id: "live://1000", platform: "web", accepts: [1000, 1001, 1002]})));
  };
  socket.onmessage = (event) => {
    const buffer = event.data;
    const view = new DataView(buffer);
    const op = view.getInt32(8);
    if (op === AUTH_REPLY) {
      tell("auth", {ver: view.getInt16(6), seq: view.getInt32(12), bytes: buffer.byteLength});
      const heartbeat = () => socket.send(goimFrame(HEARTBEAT, ""));
      heartbeat();
      timer = setInterval(heartbeat, HEARTBEAT_MS);
    } else if (op === HEARTBEAT_REPLY) {
      tell("heartbeat", {online: view.getInt32(HEADER_BYTES)});
    } else if (op === RAW) {
      for (let at = HEADER_BYTES; at < buffer.byteLength; at += view.getInt32(at)) {
        tell("push", {op: view.getInt32(at + 8), ver: view.getInt16(at + 6),
                      body: textOf(buffer, at + view.getInt16(at + 4), at + view.getInt32(at))});
      }
    } else {
      tell("other", {op, body: textOf(buffer, view.getInt16(4), view.getInt32(0))});
    }
  };
  socket.onclose = (event) => {
    clearInterval(timer);
    tell("close", {code: event.code, clean: event.wasClean});
  };
}

if (typeof module !== "undefined") module.exports = {runGoimClient};
