// The page's loop: asks the node once a second while somebody can see it, and shows what it answers.

import * as api from "./api.js";
import {Chart, WINDOW_MS} from "./chart.js";
import * as figures from "./figures.js";
import {TryOut} from "./tryout.js";

const POLL_MS = 1000;
const TOP_ROOMS = 10;
const LATENCY = "halley_push_seconds";

const by = (id) => document.getElementById(id);
const tryOut = new TryOut();
const charts = {
  connections: new Chart(by("chart-connections"), {what: "Connections", format: figures.count}),
  deliveries: new Chart(by("chart-deliveries"), {what: "Deliveries per second", format: figures.rate}),
  skips: new Chart(by("chart-skips"), {what: "Skips per second", format: figures.rate}),
  cpu: new Chart(by("chart-cpu"), {what: "Cores used by shards", format: (cores) => String(Number(cores.toPrecision(2)))}),
  latency: new Chart(by("chart-latency"),
                     {what: "Push to delivery", format: figures.duration, names: ["p50", "p99"]}),
};

let samples = [];  // of this process of the gateway, as far back as the charts go
let points = [];   // what the charts show
let restarts = [];
let buckets = null;  // of the last answer, where the node has a histogram of latency; undefined: it has none
let roomsDue = 0;
let lostSince = null;
let timer = null;
let polling = false;

function cell(row, name, text, label) {
  const made = document.createElement(name);
  made.textContent = text;
  if (label !== undefined) made.dataset.label = label;
  row.append(made);
  return made;
}

// A bar behind no number: the share of the largest, drawn by the width of an element of its own.
function bar(parent, share, tone = "") {
  const track = document.createElement("span");
  const fill = document.createElement("span");
  track.className = "bar";
  track.setAttribute("aria-hidden", "true");
  fill.className = tone;
  fill.style.width = `${Math.round(Math.min(1, share) * 1000) / 10}%`;
  track.append(fill);
  parent.append(track);
}

function numberCell(row, text, label) {
  cell(row, "td", text, label).className = "number";
}

function showShards(shards, rates) {
  const most = Math.max(1, ...shards.map((shard) => shard.connections));
  by("shards").tBodies[0].replaceChildren(...shards.map((shard, i) => {
    const row = document.createElement("tr");
    const rate = rates?.shards[i];
    cell(row, "th", String(shard.shard), "Shard").scope = "row";
    bar(cell(row, "td", figures.count(shard.connections), "Connections"), shard.connections / most);
    const cpu = cell(row, "td", rate ? figures.percent(rate.cpu) : "–", "CPU");
    bar(cpu, rate?.cpu ?? 0, rate?.cpu > 0.9 ? "hot" : "");
    numberCell(row, figures.count(shard.rooms), "Rooms");
    numberCell(row, rate ? figures.rate(rate.deliveries) : "–", "Deliveries/s");
    numberCell(row, rate ? figures.rate(rate.skips) : "–", "Skips/s");
    numberCell(row, figures.count(shard.pending), "Pending");
    numberCell(row, figures.bytes(shard.waitingBytes), "Waiting");
    const stage = cell(row, "td", shard.stage.replaceAll("_", " "), "Memory");
    stage.className = shard.stage === "plenty" ? "stage" : "stage warn";
    return row;
  }));
}

function showRanking(id, ranking) {
  by(id).hidden = ranking.length === 0;
  by(id).tBodies[0].replaceChildren(...ranking.map(({name, count, recent}) => {
    const row = document.createElement("tr");
    cell(row, "td", name.replaceAll("_", " "));
    numberCell(row, figures.count(recent));
    numberCell(row, figures.count(count));
    return row;
  }));
  return ranking.length;
}

function showReasons(now, earliest) {
  const shown = ["closed", "skipped", "refused"].map(
      (family) => showRanking(family, figures.ranking(now[family], earliest[family])));
  by("reasons-empty").hidden = shown.some((lines) => lines > 0);
}

function showRooms({rooms, total}) {
  const most = Math.max(1, ...rooms.map((room) => room.members));
  by("rooms").hidden = rooms.length === 0;
  by("rooms-empty").hidden = rooms.length > 0;
  by("rooms-total").textContent = figures.count(total);
  by("rooms-note").textContent = total > rooms.length ? `${rooms.length} of ${figures.count(total)}` : "";
  by("rooms").tBodies[0].replaceChildren(...rooms.map(({room, members}) => {
    const row = document.createElement("tr");
    const name = cell(row, "td", "");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "room";
    button.textContent = room;
    button.title = "Push to this room";
    button.addEventListener("click", () => tryOut.aimAt(room));
    name.append(button);
    bar(name, members / most);
    numberCell(row, figures.count(members));
    return row;
  }));
}

function showState(state, text) {
  by("state").dataset.state = state;
  by("state").textContent = text;
}

function showNode(sample) {
  const {shards} = sample;
  const worst = shards.find((shard) => shard.stage !== "plenty");
  if (shards.some((shard) => shard.draining)) showState("wait", "Draining");
  else if (worst !== undefined) showState("wait", `Memory: ${worst.stage.replaceAll("_", " ")}`);
  else showState("good", "Serving");
  by("channels").textContent = figures.count(figures.total(shards, "channels"));
  by("pending").textContent = figures.count(figures.total(shards, "pending"));
  by("about").textContent = `${shards.length} ${shards.length === 1 ? "shard" : "shards"} · ${shards[0]?.ring ?? ""}`;
}

function showCharts(now) {
  const line = (...names) => points.map((point) => ({at: point.at, values: names.map((name) => point[name])}));
  charts.connections.show(line("connections"), now, restarts);
  charts.deliveries.show(line("deliveries"), now, restarts);
  charts.skips.show(line("skips"), now, restarts);
  charts.cpu.show(line("cpu"), now, restarts);
  charts.latency.show(line("p50", "p99"), now, restarts);
}

// The histogram is only there where the node counts it. Then latency takes the place of CPU, which the
// table of shards has, too.
async function latency() {
  if (buckets === undefined) return {p50: null, p99: null};
  const now = figures.bucketsOf(await api.metrics(), LATENCY);
  const before = buckets ?? [];
  buckets = now.length === 0 ? undefined : now;
  by("chart-latency").hidden = buckets === undefined;
  by("chart-cpu").hidden = buckets !== undefined;
  return {p50: figures.quantileBetween(before, now, 0.5), p99: figures.quantileBetween(before, now, 0.99)};
}

function take(sample) {
  const before = samples.at(-1);
  let rates = null;
  if (before !== undefined && figures.isRestart(before, sample)) {
    restarts.push(sample.at);
    samples = [];
    buckets = null;
    roomsDue = 0;
    tryOut.findNode();
  } else if (before !== undefined) {
    rates = figures.ratesOf(before, sample);
  }
  samples.push(sample);
  const kept = (each) => each.at >= sample.at - WINDOW_MS;
  samples = samples.filter(kept);
  points = points.filter(kept);
  restarts = restarts.filter((at) => kept({at}));
  return rates;
}

async function poll() {
  const status = await api.status();
  const sample = figures.sampleOf(status, performance.now());
  const rates = take(sample);
  const quantiles = await latency();
  points.push({at: sample.at, connections: figures.total(sample.shards, "connections"),
               deliveries: rates?.deliveries ?? null, skips: rates?.skips ?? null, cpu: rates?.cpu ?? null,
               ...quantiles});
  found();
  showNode(sample);
  showShards(sample.shards, rates);
  showReasons(sample, samples[0]);
  showCharts(sample.at);
  tryOut.clients = figures.total(sample.shards, "channels");
  if (sample.at >= roomsDue) {
    const rooms = await api.topRooms(TOP_ROOMS);
    showRooms(rooms);
    roomsDue = sample.at + figures.roomsPeriodMs(rooms.total);
  }
}

function found() {
  lostSince = null;
  by("trouble").hidden = true;
  by("main").classList.remove("stale");
  by("main").hidden = false;
  by("ask").hidden = true;
  by("forget").hidden = api.token.get() === "";
}

function lost(error) {
  lostSince ??= new Date();
  showState("bad", "Unreachable");
  by("trouble").hidden = false;
  by("trouble").textContent = `The node cannot be reached since ${lostSince.toLocaleTimeString()}: ${error.message}. ` +
      `${by("main").hidden ? "" : "What is below is as it was then. "}Asking again every second.`;
  by("main").classList.add("stale");
  if (points.length > 0) showCharts(performance.now());
}

function refused(error) {
  by("trouble").hidden = false;
  by("trouble").textContent = `The node does not answer this page: ${error.message}.`;
  showState("bad", "Refused");
}

function askForToken() {
  showState("wait", "Token needed");
  by("ask-problem").textContent = api.token.get() === "" ? "" : "The node does not take this token.";
  api.token.forget();
  by("forget").hidden = by("trouble").hidden = by("main").hidden = true;
  by("ask").hidden = false;
  by("ask").elements.token.value = "";
  by("ask").elements.token.focus();
}

async function turn() {
  if (polling) return;
  polling = true;
  const began = performance.now();
  let again = true;
  try {
    await poll();
  } catch (error) {
    if (error instanceof api.Refused && error.status === 401) {
      askForToken();
      again = false;
    } else if (error instanceof api.Unreachable) {
      lost(error);
    } else {
      refused(error);
      if (!(error instanceof api.Refused)) console.error(error);  // a fault of the page, or what is no JSON
    }
  } finally {
    polling = false;
  }
  schedule(again ? Math.max(0, began + POLL_MS - performance.now()) : null);
}

// Nobody looks: nothing is asked.
function schedule(delayMs) {
  clearTimeout(timer);
  timer = null;
  if (delayMs !== null && document.visibilityState === "visible") timer = setTimeout(turn, delayMs);
}

document.addEventListener("visibilitychange", () => schedule(by("ask").hidden ? 0 : null));
by("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  api.token.set(by("ask").elements.token.value.trim());
  schedule(0);
});
by("forget").addEventListener("click", () => {
  api.token.forget();
  schedule(null);
  location.reload();
});

by("host").textContent = location.host;
document.title = `Halley ${location.host}`;
turn();
