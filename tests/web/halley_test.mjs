// halley.js with a WebSocket and a clock of the test's own.
import assert from "node:assert/strict";
import {test} from "node:test";

import {HalleyClient, Op, decodeFrames, encodeFrame, expiryOf, nextSeq} from "../../src/web/halley.js";
import {FakeSocket, World, outcomeOf, push, settle} from "./fakes.mjs";

const text = (string) => new TextEncoder().encode(string);
const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

// --- frames

test("frames are goim's byte for byte", () => {
  assert.deepEqual(encodeFrame(1000, 7, text("hi")),
                   bytesOf("00000012 0010 0001 000003e8 00000007 6869"));
  assert.deepEqual(encodeFrame(-1, -2, text("")), bytesOf("00000010 0010 0001 ffffffff fffffffe"));
  assert.deepEqual(decodeFrames(bytesOf("00000012 0010 0001 80000000 7fffffff 6869")),
                   [{op: -(2 ** 31), seq: 2 ** 31 - 1, body: text("hi")}]);
});

test("a message holds any number of frames, wherever its bytes lie", () => {
  const frames = [encodeFrame(1, 2, text("")), encodeFrame(3, 4, text("x".repeat(70000)))];
  const memory = new Uint8Array(3 + 16 + 70016 + 5);
  memory.set(frames[0], 3);
  memory.set(frames[1], 19);
  assert.deepEqual(decodeFrames(memory.subarray(3, 19 + 70016)).map(({op, body}) => [op, body.length]),
                   [[1, 0], [3, 70000]]);
  assert.deepEqual(decodeFrames(new Uint8Array(0)), []);
});

test("what is cut short, or has a bit flipped in its lengths, is malformed", () => {
  const message = new Uint8Array([...encodeFrame(1, 2, text("abc")), ...encodeFrame(3, 4, text(""))]);
  for (let length = 1; length < message.length; ++length) {
    if (length === 19) continue;  // the first frame is all there
    assert.throws(() => decodeFrames(message.subarray(0, length)), {code: "malformed"}, `${length}`);
  }
  for (let bit = 0; bit < 48; ++bit) {  // length and header length
    const flipped = message.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => decodeFrames(flipped), {code: "malformed"}, `bit ${bit}`);
  }
});

test("sequence numbers go round, past the 0 of pushes", () => {
  assert.equal(nextSeq(0), 1);
  assert.equal(nextSeq(2 ** 31 - 1), -(2 ** 31));
  assert.equal(nextSeq(-1), 1);
});

// --- logging in

test("it logs in with what it was given, and beats at once", async () => {
  const world = new World({key: "k", mid: 2n ** 62n, room: "live://1", accepts: [1000, -5], platform: "test"});
  const connected = world.client.connect();
  assert.equal(world.client.connect(), connected, "once is enough");
  assert.equal(world.socket.url, "ws://gateway/sub");
  assert.equal(world.socket.binaryType, "arraybuffer");
  assert.deepEqual(world.all("state"), ["connecting"]);
  world.socket.open();
  const login = world.socket.take();
  assert.deepEqual([login.op, login.body], [
    Op.AUTH, '{"mid":4611686018427387904,"key":"k","room_id":"live://1","platform":"test","accepts":[1000,-5]}']);
  assert.equal(await outcomeOf(connected), "pending");
  world.socket.reply(Op.AUTH_REPLY, login.seq + 1);
  assert.equal(world.client.state, "connecting", "not its login");
  world.socket.reply(Op.AUTH_REPLY, login.seq);
  assert.equal(await outcomeOf(connected), "done");
  assert.deepEqual(world.all("state"), ["connecting", "online"]);
  world.socket.answerHeartbeat(258);
  assert.deepEqual(world.all("online"), [258]);
});

test("without options it is nobody in no room", () => {
  const world = new World();
  world.client.connect();
  world.socket.open();
  assert.equal(world.socket.take().body, '{"mid":0,"key":"","room_id":"","platform":"web","accepts":[]}');
});

test("a token is sent as it is, and what else is wanted is asked for behind it", async () => {
  let made = 0;
  const world = new World({token: async () => `token ${++made}`, room: "r", accepts: [5]});
  world.client.unwatch([6]);
  world.client.connect();
  assert.equal(world.sockets.length, 0, "the token comes first: the gateway does not wait for long");
  await settle();
  world.socket.open();
  assert.equal(world.socket.accept().body, "token 1");
  assert.equal(world.client.state, "connecting");
  const asked = [1, 2, 3].map(() => world.socket.grant());
  assert.deepEqual(asked.map(({op, body}) => [op, body]),
                   [[Op.CHANGE_ROOM, "r"], [Op.SUB, "5"], [Op.UNSUB, "6"]]);
  await settle();
  assert.equal(world.client.state, "online");
});

test("a token without more is all that is said", () => {
  const world = new World({token: text("t")});
  world.client.connect();
  world.socket.open();
  assert.equal(world.socket.accept().body, "t");
  assert.equal(world.client.state, "online");
  assert.equal(world.client.room, undefined);
});

test("a token that cannot be had is tried again", async () => {
  const world = new World({token: () => Promise.reject(new Error("no session")), backoffBaseMs: 100});
  world.client.connect();
  await settle();
  assert.match(world.all("error")[0].message, /no session/);
  assert.deepEqual(world.all("close"), [{code: 4002, reason: "no token", willReconnect: true, delayMs: 100}]);
  assert.equal(world.sockets.length, 0);
});

test("a login that takes too long is tried again", () => {
  const world = new World({replyTimeoutMs: 1000});
  world.client.connect();
  world.timers.pass(999);
  assert.equal(world.client.state, "connecting");
  world.timers.pass(1);
  assert.equal(world.client.state, "waiting");
  assert.deepEqual(world.socket.closed, [4002, "the login timed out"]);
});

test("a URL that is none is told by connect()", async () => {
  const client = new HalleyClient("http://gateway", {WebSocket: FakeSocket});
  await assert.rejects(client.connect(), {code: "closed", message: /not a WebSocket's URL/});
  assert.equal(client.state, "closed");
});

// --- pushes

test("pushes come in their order, several in a message, and keep their bytes", () => {
  const world = World.online();
  world.socket.message(push([1000, "one"], [-7, ""]), push([1001, bytesOf("00ff")]), push(),
                       push([9, "\ufeffnaïve ✓"]));
  assert.deepEqual(world.all("push").map(({op, body}) => [op, Buffer.from(body).toString("hex")]), [
    [1000, "6f6e65"], [-7, ""], [1001, "00ff"], [9, Buffer.from("\ufeffnaïve ✓").toString("hex")]]);
  assert.equal(world.all("push")[3].text(), "\ufeffnaïve ✓");
  world.socket.message(encodeFrame(1000, 0, text("bare")));
  assert.equal(world.all("push")[4].text(), "bare");
});

test("a listener that throws harms nobody", async () => {
  const world = World.online();
  const errors = [];
  const remember = (error) => errors.push(error.message);
  process.setUncaughtExceptionCaptureCallback(remember);
  try {
    world.client.on("push", () => { throw new Error("mine"); });
    const seen = [];
    const off = world.client.on("push", ({op}) => seen.push(op));
    world.socket.message(push([1, ""], [2, ""]));
    await new Promise((resolve) => setTimeout(resolve, 0));
    assert.deepEqual(seen, [1, 2]);
    assert.deepEqual(errors, ["mine", "mine"]);
    off();
    world.socket.message(push([3, ""]));
    assert.deepEqual(seen, [1, 2]);
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});

test("after close() nothing comes, not even of the same message", () => {
  const world = World.online();
  world.client.on("push", () => world.client.close());
  world.socket.message(push([1, ""], [2, ""]));
  assert.equal(world.all("push").length, 1);
  assert.deepEqual(world.socket.closed, [1000, ""]);
});

test("malformed bytes are an error, deliver nothing, and are tried again elsewhere", () => {
  const cut = push([1000, "whole"]);
  for (const message of [text("x"), cut.subarray(0, 20), encodeFrame(Op.RAW, 0, text("inner")),
                         encodeFrame(Op.HEARTBEAT_REPLY, 2, text("abc")),
                         new Uint8Array([...cut, 0])]) {
    const world = World.online();
    world.socket.message(message);
    assert.equal(world.all("error")[0].code, "malformed");
    assert.deepEqual(world.socket.closed, [4001, "malformed bytes"]);
    assert.deepEqual(world.all("push"), []);
    assert.equal(world.all("close")[0].willReconnect, true);
  }
  const world = World.online();
  world.socket.onmessage({data: "text"});
  assert.equal(world.all("error")[0].code, "malformed");
});

// --- requests

test("requests are answered by their replies", async () => {
  const world = World.online({accepts: [1]});
  const {client, socket} = world;
  const asked = [client.joinRoom("a"), client.watch([1000, 2]), client.unwatch([1]),
                 client.send(1001, "up"), client.send(1001, new Uint8Array([255])), client.leaveRoom()];
  const frames = socket.sent.splice(0);
  assert.deepEqual(frames.map(({op, body}) => [op, body]), [
    [12, "a"], [14, "1000,2"], [16, "1"], [1001, "up"], [1001, "\ufffd"], [12, ""]]);
  assert.equal(new Set(frames.map(({seq}) => seq)).size, frames.length);
  assert.deepEqual([client.room, client.ops], ["", [1000, 2]]);
  // Of any order; and only the reply with its op and number is its reply.
  socket.reply(1001, frames[4].seq);
  socket.reply(1001, frames[0].seq);
  socket.reply(13, frames[1].seq);
  assert.deepEqual(await Promise.all(asked.map(outcomeOf)),
                   ["pending", "pending", "pending", "pending", "done", "pending"]);
  for (const [index, op] of [[0, 13], [1, 15], [2, 17], [3, 1001], [5, 13]]) socket.reply(op, frames[index].seq);
  assert.deepEqual(await Promise.all(asked.map(outcomeOf)), Array(6).fill("done"));
  assert.deepEqual(world.all("push"), []);
});

test("a request that is not answered fails, and its late reply is nothing", async () => {
  const world = World.online({replyTimeoutMs: 100, heartbeatMs: 1000});
  const sent = world.client.send(1000, "x");
  const {seq} = world.socket.take();
  world.timers.pass(99);
  assert.equal(await outcomeOf(sent), "pending");
  world.timers.pass(1);
  assert.equal(await outcomeOf(sent), "timeout");
  world.socket.reply(1000, seq);
  assert.deepEqual(world.told, []);
});

test("what goim keeps for itself, and what is no op, cannot be sent", () => {
  const world = World.online();
  for (const op of [2, 7, 9, 12, 17]) assert.throws(() => world.client.send(op), RangeError);
  for (const op of [1.5, 2 ** 31, NaN, "1000"]) {
    assert.throws(() => world.client.send(op), RangeError);
    assert.throws(() => world.client.watch([1, op]), RangeError);
  }
  assert.deepEqual(world.socket.sent, []);
});

test("without a connection nothing is sent, and wishes wait for the login", async () => {
  const world = new World({room: "a", accepts: [1]});
  assert.equal(await outcomeOf(world.client.send(1000, "x")), "lost");
  const wishes = [world.client.joinRoom("b"), world.client.watch([2]), world.client.unwatch([1])];
  world.client.connect();
  assert.deepEqual(await Promise.all(wishes.map(outcomeOf)), Array(3).fill("pending"));
  const login = world.comeBack();
  assert.deepEqual([login.room_id, login.accepts], ["b", [2]]);
  assert.deepEqual(await Promise.all(wishes.map(outcomeOf)), Array(3).fill("done"));
});

test("wishes that come while the login is under way are asked for behind it", async () => {
  const world = new World({room: "a", accepts: [1]});
  world.client.connect();
  world.socket.open();
  const joined = world.client.joinRoom("b");
  world.socket.accept();
  const watched = world.client.watch([2]);
  assert.deepEqual(world.socket.grant().body, "b");
  await outcomeOf(joined);
  assert.deepEqual(world.socket.grant().body, "2");
  assert.equal(await outcomeOf(joined), "done");
  assert.equal(await outcomeOf(watched), "done");
  assert.equal(world.client.state, "online");
});

// --- new tokens

const jwt = (claims) => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({alg: "HS256"})}.${part(claims)}.c2ln`;
};

test("when a token ends is read from it, whatever is around it", () => {
  const token = jwt({sub: "naïve ???>>>", exp: 1.8e9 + 0.5});
  assert.equal(expiryOf(token), 1.8e9 + 0.5);
  assert.equal(expiryOf(text(token)), 1.8e9 + 0.5);
  assert.equal(expiryOf(JSON.stringify({token, room_id: "a.b"})), 1.8e9 + 0.5);
  for (const none of ["", "x", "a.b.c", jwt({}), jwt({exp: "1"}), jwt(null), '{"mid":1}', text("\0.\0")]) {
    assert.equal(expiryOf(none), undefined);
  }
});

test("a new token is shown, and answered with the seconds that it holds", async () => {
  const world = World.online();
  const told = [];
  const refreshed = world.client.refresh("new").then((seconds) => told.push(seconds));
  const {op, seq, body} = world.socket.take();
  assert.deepEqual([op, body], [Op.REFRESH, "new"]);
  world.socket.reply(Op.REFRESH_REPLY, seq, text("3600"));
  assert.equal(await outcomeOf(refreshed), "done");
  assert.deepEqual(told, [3600]);
  assert.equal(await outcomeOf(new World().client.refresh("x")), "lost");
});

test("a new token that is refused, or not known of, changes nothing", async () => {
  const world = World.online();
  const refused = world.client.refresh("bad");
  world.socket.reply(Op.REFRESH_REPLY, world.socket.take().seq);
  assert.equal(await outcomeOf(refused), "refused");
  const unknown = world.client.refresh("good");
  world.socket.reply(Op.REFRESH, world.socket.take().seq);
  assert.equal(await outcomeOf(unknown), "refused");
  assert.equal(world.client.state, "online");
  assert.deepEqual(world.told, []);
  // Where they are not taken, the op is the application's.
  world.client.send(Op.REFRESH, "mine");
  assert.equal(world.socket.take().op, 18);
});

function renewing(options) {
  let made = 0;
  const token = () => jwt({n: ++made, exp: 1.8e9 + 600});
  const world = new World({token, refreshAheadMs: 30_000, heartbeatMs: 1e9, ...options});
  world.client.connect();
  return world;
}

async function renewingOnline(options) {
  const world = renewing(options);
  await settle();
  world.socket.open();
  world.socket.accept();
  world.socket.answerHeartbeat();
  world.told = [];
  return world;
}

test("a new token is asked for before the old one ends", async () => {
  const world = await renewingOnline();
  world.timers.pass(569_999);
  await settle();
  assert.deepEqual(world.socket.sent, []);
  world.timers.pass(1);
  await settle();
  const {op, seq, body} = world.socket.take();
  assert.equal(op, Op.REFRESH);
  assert.equal(JSON.parse(Buffer.from(body.split(".")[1], "base64url")).n, 2);
  world.socket.reply(Op.REFRESH_REPLY, seq, text("100"));
  await settle();
  // From then on the gateway's clock counts.
  world.timers.pass(69_999);
  await settle();
  assert.deepEqual(world.socket.sent, []);
  world.timers.pass(1);
  await settle();
  world.socket.reply(Op.REFRESH_REPLY, world.socket.take().seq, text("0"));
  await settle();
  world.timers.pass(1e9 - 1e6);
  await settle();
  assert.deepEqual(world.socket.sent, [], "the last one holds for good");
  assert.deepEqual(world.told, []);
});

test("tokens that hold for less than what they are renewed ahead of are not asked for in a hurry", async () => {
  const world = await renewingOnline({refreshAheadMs: 1e9});
  world.timers.pass(299_999);
  await settle();
  assert.deepEqual(world.socket.sent, []);
  world.timers.pass(1);
  await settle();
  world.socket.reply(Op.REFRESH_REPLY, world.socket.take().seq, text("1"));
  await settle();
  world.timers.pass(1999);
  await settle();
  assert.deepEqual(world.socket.sent, []);
  world.timers.pass(1);
  await settle();
  assert.equal(world.socket.take().op, Op.REFRESH);
});

test("a new token that cannot be had, or is refused, is told, and the connection stays until its end", async () => {
  let fails = false;
  const token = async () => {
    if (fails) throw new Error("no session");
    return jwt({exp: 1.8e9 + 600});
  };
  for (const refuses of [false, true]) {
    fails = false;
    const world = await renewingOnline({token});
    fails = !refuses;
    world.timers.pass(570_000);
    await settle();
    if (refuses) world.socket.reply(Op.REFRESH_REPLY, world.socket.take().seq);
    await settle();
    assert.equal(world.all("error").length, 1);
    assert.equal(world.all("error")[0].code, "token");
    assert.equal(world.client.state, "online");
    world.timers.pass(1e8);
    await settle();
    assert.deepEqual(world.socket.sent, []);
  }
});

test("a new token for a connection that was lost meanwhile is shown to none", async () => {
  let release = () => {};
  const made = new Promise((resolve) => { release = () => resolve("late"); });
  let count = 0;
  const world = await renewingOnline({token: () => ++count === 1 ? jwt({exp: 1.8e9 + 600})
                                                   : count === 2 ? made : "t"});
  world.timers.pass(570_000);
  await settle();
  world.socket.end(1006);
  world.timers.pass(500);
  await settle();
  world.socket.open();
  world.socket.accept();
  world.socket.answerHeartbeat();
  release();
  await settle();
  assert.deepEqual(world.socket.sent, []);
});

test("nothing is renewed unless it is asked for", async () => {
  const world = await renewingOnline({refreshAheadMs: undefined});
  world.timers.pass(1e8);
  await settle();
  assert.deepEqual(world.socket.sent, []);
});

// --- staying connected

test("it beats at its pace", () => {
  const world = World.online({heartbeatMs: 5000});
  for (let i = 1; i <= 3; ++i) {
    world.timers.pass(4999);
    assert.deepEqual(world.socket.sent, []);
    world.timers.pass(1);
    assert.equal(world.socket.sent[0].op, Op.HEARTBEAT);
    world.socket.answerHeartbeat(i);
  }
  assert.deepEqual(world.all("online"), [1, 2, 3]);
});

test("a heartbeat that is not answered ends the connection", () => {
  const world = World.online({heartbeatMs: 5000, replyTimeoutMs: 300, backoffBaseMs: 50});
  world.timers.pass(5000 + 299);
  assert.equal(world.client.state, "online");
  world.timers.pass(1);
  assert.deepEqual(world.sockets[0].closed, [4000, "a heartbeat was not answered"]);
  assert.deepEqual(world.all("close"), [
    {code: 4000, reason: "a heartbeat was not answered", willReconnect: true, delayMs: 50}]);
  world.sockets[0].end(1006);
  world.sockets[0].message(push([1, "late"]));
  assert.equal(world.told.length, 2, "it is not listened to any more");
  world.timers.pass(50);
  assert.equal(world.sockets.length, 2);
});

test("it comes back with what was wanted last", async () => {
  const world = World.online({key: "k", mid: 3, room: "a", accepts: [1, 2]});
  world.client.joinRoom("b");
  world.client.unwatch([1]);
  const watched = world.client.watch([3]);
  const sent = world.client.send(1000, "once");
  world.socket.end(1001);
  assert.equal(await outcomeOf(sent), "lost");
  assert.equal(await outcomeOf(watched), "pending");
  world.client.watch([4]);
  world.timers.pass(500);
  assert.deepEqual(world.comeBack(), {mid: 3, key: "k", room_id: "b", platform: "web", accepts: [2, 3, 4]});
  assert.equal(await outcomeOf(watched), "done");
  assert.deepEqual(world.socket.sent, []);
  assert.deepEqual(world.all("state"), ["waiting", "connecting", "online"]);
});

test("it waits longer each time, up to a cap, and a stable connection starts anew", () => {
  const world = World.online({backoffBaseMs: 100, backoffCapMs: 1000, stableMs: 5000, heartbeatMs: 60_000});
  const delays = () => world.all("close").map(({delayMs}) => delayMs);
  for (let i = 0; i < 6; ++i) {
    world.socket.end(1006);
    world.timers.pass(delays().at(-1));
  }
  assert.deepEqual(delays(), [100, 200, 400, 800, 1000, 1000]);
  world.comeBack();
  world.timers.pass(4999);
  world.socket.end(1006);
  assert.equal(delays().at(-1), 1000, "it did not last");
  world.timers.pass(1000);
  world.comeBack();
  world.timers.pass(5000);
  world.random = 0.25;
  world.socket.end(1006);
  assert.equal(delays().at(-1), 25, "it did");
  world.random = 0;
  world.timers.pass(25);
  world.socket.end(1006);
  assert.equal(delays().at(-1), 0);
});

test("years of failures do not overflow the delay", () => {
  const world = World.online();
  for (let i = 0; i < 2000; ++i) {
    world.socket.end(1006);
    world.timers.pass(30_000);
  }
  assert.equal(world.all("close").at(-1).delayMs, 30_000);
});

test("some closes are for good", async () => {
  for (const code of [1002, 1003, 1007, 1008, 3000, 3001, 3002, 3003]) {
    const world = World.online();
    const wish = world.client.joinRoom("x");
    world.socket.end(code, "why");
    assert.deepEqual(world.told, [
      ["state", "closed"], ["close", {code, reason: "why", willReconnect: false, delayMs: 0}]]);
    assert.equal(world.timers.waiting, 0);
    assert.equal(await outcomeOf(wish), "closed");
  }
  for (const code of [1000, 1001, 1005, 1006, 1009, 1011, 1012, 1013, 3004, 3005, 3008, 3999, 4999]) {
    const world = World.online();
    world.socket.end(code);
    assert.equal(world.client.state, "waiting", `${code}`);
  }
});

test("a gateway that is drained says when to come back", async () => {
  for (const [code, reason, delayMs] of [
    [1012, "retry_ms=1234", 1234], [1012, "retry_ms=0", 0], [1012, "", null], [1012, "retry_ms=-1", null],
    [1012, "retry_ms=12345678", null], [1001, "retry_ms=1234", null]]) {
    const world = World.online();
    world.socket.end(code, reason);
    const told = world.all("close").at(-1);
    assert.equal(told.willReconnect, true);
    if (delayMs !== null) assert.equal(told.delayMs, delayMs, reason);
    else assert.ok(told.delayMs <= 500, `${reason}: ${told.delayMs}`);
  }
});

test("a login that is refused, or too big, is told by connect()", async () => {
  for (const code of [3000, 1009]) {
    const world = new World();
    const connected = world.client.connect();
    world.socket.open();
    world.socket.end(code);
    await assert.rejects(connected, {code: "closed"});
    assert.equal(world.client.state, "closed");
  }
});

test("a gateway that is not there is tried until it is", async () => {
  const world = new World();
  const connected = world.client.connect();
  for (let i = 0; i < 3; ++i) {
    world.socket.onerror({message: "refused"});
    world.socket.end(1006);
    world.timers.pass(world.all("close").at(-1).delayMs);
  }
  assert.deepEqual(world.all("error").map(({message}) => message), Array(3).fill("refused"));
  world.comeBack();
  assert.equal(await outcomeOf(connected), "done");
});

test("close() ends everything, whenever it comes", async () => {
  for (const [name, prepare] of Object.entries({
    online: (world) => world,
    lost: (world) => world.socket.end(1006),
    "connecting again": (world) => { world.socket.end(1006); world.timers.pass(500); },
    "logging in again": (world) => { world.socket.end(1006); world.timers.pass(500); world.socket.open(); },
  })) {
    const world = World.online();
    prepare(world);
    const wish = world.client.joinRoom("x");
    world.told = [];
    const hadSocket = world.client.state !== "waiting";
    const closed = world.client.close(4321, "bye");
    assert.deepEqual(world.told, [
      ["state", "closed"], ["close", {code: 4321, reason: "bye", willReconnect: false, delayMs: 0}]], name);
    assert.equal(world.timers.waiting, 0, name);
    assert.equal(await outcomeOf(wish), "closed", name);
    if (hadSocket) {
      assert.deepEqual(world.socket.closed, [4321, "bye"], name);
      assert.equal(await outcomeOf(closed), "pending", name);
      world.socket.end(4321);
    }
    assert.equal(await outcomeOf(closed), "done", name);
    assert.equal(await outcomeOf(world.client.close()), "done", "twice");
    assert.equal(world.told.length, 2, "it tells once");
  }
});

test("it may be connected again after its end", async () => {
  const world = World.online({room: "a"});
  world.socket.end(3003);
  assert.equal(world.client.state, "closed");
  const connected = world.client.connect();
  assert.equal(world.comeBack().room_id, "a");
  assert.equal(await outcomeOf(connected), "done");
});

test("it may be closed by a listener of any event", () => {
  for (const name of ["state", "online", "close", "error"]) {
    const world = World.online({heartbeatMs: 10});
    world.client.on(name, () => world.client.close());
    world.timers.pass(10);
    world.socket.answerHeartbeat();
    world.socket.onerror?.({});
    if (world.client.state !== "closed") world.socket.end(1006);
    assert.equal(world.client.state, "closed", name);
    assert.equal(world.timers.waiting, 0, name);
  }
});
