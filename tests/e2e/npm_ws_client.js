// npm's ws as a client that npm_ws_test.py drives: a line of JSON per command on standard input, a
// line of JSON per event on standard output.
//
// usage: node npm_ws_client.js URL [goim]   with goim: behave as goim's JavaScript client
"use strict";

const readline = require("readline");
const WebSocket = require("ws");
const {runGoimClient} = require("./goim_client.js");

const tell = (what, details) => console.log(JSON.stringify({what, ...details}));
const hexOf = (data) => Buffer.from(data).toString("hex");

// ws offers permessage-deflate unless it is told not to.
const socket = new WebSocket(process.argv[2]);
if (process.argv[3] === "goim") {
  runGoimClient(socket, tell);
} else {
  socket.on("open", () => tell("open", {extensions: socket.extensions}));
  socket.on("message", (data, binary) => tell("message", {hex: hexOf(data), binary}));
  socket.on("close", (code, reason) => tell("close", {code, reason: reason.toString()}));
}
socket.on("ping", (data) => tell("ping", {hex: hexOf(data)}));
socket.on("pong", (data) => tell("pong", {hex: hexOf(data)}));
socket.on("error", (error) => tell("error", {message: error.message}));
socket.on("unexpected-response", (request, response) => {
  tell("refused", {status: response.statusCode});
  request.destroy();
});

const commands = {
  // Several parts are fragments of one message.
  send: ({parts, binary}) => parts.forEach((part, index) => socket.send(
      Buffer.from(part, "hex"), {binary, fin: index === parts.length - 1})),
  ping: ({hex}) => socket.ping(Buffer.from(hex, "hex")),
  pong: ({hex}) => socket.pong(Buffer.from(hex, "hex")),
  close: ({code, reason}) => socket.close(code, reason),
  terminate: () => socket.terminate(),
};
readline.createInterface({input: process.stdin}).on("line", (line) => {
  const command = JSON.parse(line);
  commands[command.do](command);
});
