// halley.js over npm's ws, driven by web_client_test.py: a line of JSON per command on standard input,
// a line of JSON per event on standard output.
//
// usage: node web_client.mjs URL OPTIONS    options as JSON
import {createRequire} from "node:module";
import {createInterface} from "node:readline";

import {HalleyClient} from "../../src/web/halley.js";

const WebSocket = createRequire(import.meta.url)("ws");  // by NODE_PATH
const tell = (what, details) => console.log(JSON.stringify({what, ...details}));

const client = new HalleyClient(process.argv[2], {WebSocket, ...JSON.parse(process.argv[3])});
client.on("push", ({op, body}) => tell("push", {op, hex: Buffer.from(body).toString("hex")}));
client.on("state", (state) => tell("state", {state}));
client.on("online", (count) => tell("online", {count}));
client.on("close", ({code, willReconnect}) => tell("close", {code, willReconnect}));
client.on("error", ({code}) => tell("error", {code}));

const commands = {
  connect: () => client.connect(),
  close: () => client.close(),
  join: ({room}) => client.joinRoom(room),
  leave: () => client.leaveRoom(),
  watch: ({ops}) => client.watch(ops),
  unwatch: ({ops}) => client.unwatch(ops),
  refresh: ({token}) => client.refresh(token),
  send: ({op, hex}) => client.send(op, Buffer.from(hex, "hex")),
};
createInterface({input: process.stdin}).on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.do](command).then(() => tell("done", {id: command.id}),
                                     ({code}) => tell("failed", {id: command.id, code}));
});
