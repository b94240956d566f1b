// From what the node tells to what is shown: sums, rates between two answers, quantiles, and how numbers
// are written. No document here, so that node can test it (tests/admin/page_test.mjs).

/** Of /v1/status: `at` is the time of the answer in ms. A figure that this node does not tell is 0. */
export function sampleOf(status, at) {
  const shards = status.shards.map((each) => ({
    shard: each.shard,
    connections: each.connections ?? 0,
    channels: each.channels ?? 0,
    rooms: each.rooms ?? 0,
    delivered: each.delivered ?? 0,
    skipped: sumOf(each.skipped),
    pending: each.pending ?? 0,
    waitingBytes: (each.log_bytes ?? 0) + (each.queue_bytes ?? 0),
    cpuNs: each.cpu_ns ?? 0,
    turns: each.turns ?? 0,
    draining: Boolean(each.draining),
    stage: String(each.memory_stage ?? ""),
    ring: String(each.ring ?? ""),
  }));
  return {at, shards, closed: byName(status, "closed"), skipped: byName(status, "skipped"),
          refused: byName(status, "refused_logins")};
}

function sumOf(counts) {
  return Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0);
}

/** Counts of a family by name over all shards. */
export function byName(status, family) {
  const sums = new Map();
  for (const shard of status.shards) {
    for (const [name, count] of Object.entries(shard[family] ?? {})) {
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
  }
  return sums;
}

export const total = (shards, name) => shards.reduce((sum, shard) => sum + shard[name], 0);

const COUNTERS = ["delivered", "skipped", "cpuNs", "turns"];

/** Whether another process answered than before: what only grows has shrunk. */
export function isRestart(before, after) {
  return before.shards.length !== after.shards.length ||
      before.shards.some((shard, i) => COUNTERS.some((name) => after.shards[i][name] < shard[name]));
}

/** What happened per second and shard between two samples of one process, and the sums. */
export function ratesOf(before, after) {
  const seconds = (after.at - before.at) / 1000;
  const shards = after.shards.map((shard, i) => ({
    deliveries: (shard.delivered - before.shards[i].delivered) / seconds,
    skips: (shard.skipped - before.shards[i].skipped) / seconds,
    cpu: (shard.cpuNs - before.shards[i].cpuNs) / seconds / 1e9,
  }));
  return {shards, deliveries: total(shards, "deliveries"), skips: total(shards, "skips"),
          cpu: total(shards, "cpu")};
}

/** The most frequent first: [{name, count, recent}], without those that are 0. `earlier`: as `now`. */
export function ranking(now, earlier) {
  return [...now].filter(([, count]) => count > 0)
      .map(([name, count]) => ({name, count, recent: Math.max(0, count - (earlier.get(name) ?? 0))}))
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}

/**
 * The buckets of a histogram in Prometheus' text, summed over its labels: [{le, count}], ascending and
 * cumulative as they come. Empty: there is no such histogram.
 */
export function bucketsOf(text, name) {
  const buckets = new Map();
  const head = `${name}_bucket{`;
  for (const line of text.split("\n")) {
    if (!line.startsWith(head)) continue;
    const found = /[{,]le="([^"]+)".*\}\s+(\S+)/.exec(line);
    if (found === null) continue;
    const le = found[1] === "+Inf" ? Infinity : Number(found[1]);
    buckets.set(le, (buckets.get(le) ?? 0) + Number(found[2]));
  }
  return [...buckets].map(([le, count]) => ({le, count})).sort((a, b) => a.le - b.le);
}

/**
 * The quantile of what came between two answers, by the same rule as Prometheus' histogram_quantile: on a
 * line within its bucket; of the last one, its lower end. Null: nothing came, or it is another histogram.
 */
export function quantileBetween(before, after, quantile) {
  if (before.length !== after.length || after.length < 2) return null;
  const grown = after.map((bucket, i) => bucket.count - before[i].count);
  const all = grown.at(-1);
  if (!(all > 0) || grown.some((count) => count < 0)) return null;
  const rank = quantile * all;
  const i = grown.findIndex((count) => count >= rank);
  const lower = i === 0 ? 0 : after[i - 1].le;
  if (after[i].le === Infinity) return lower;
  const below = i === 0 ? 0 : grown[i - 1];
  return lower + (after[i].le - lower) * (rank - below) / (grown[i] - below);
}

/** The end of an axis from 0 that `highest` fits under: its half is a number as short. */
export function niceTop(highest) {
  if (!(highest > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(highest));
  return [1, 2, 4, 6, 10].find((step) => step * unit >= highest * (1 - 1e-9)) * unit;
}

const exact = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

function short(number, units, base) {
  let i = 0;
  let scaled = number;
  // What rounds up to a thousand is one of the next unit.
  while (i < units.length - 1 && scaled >= base * 0.9995) {
    scaled /= base;
    ++i;
  }
  const digits = i === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${Number(scaled.toFixed(digits))}${units[i]}`;
}

/** A count: 9,999 and then 12.3k, 1.23M. */
export const count = (number) => number < 9999.5 ? exact.format(number) : short(number, ["", "k", "M", "G", "T"], 1000);
/** Per second: 0.4, 9.5, 1,234. */
export const rate = (number) => number > 0 && number < 9.95 ? String(Number(number.toFixed(1))) || "0" : count(number);
export const bytes = (number) => short(number, [" B", " KiB", " MiB", " GiB", " TiB"], 1024);
export const percent = (share) => `${Number((share * 100).toFixed(share < 0.0995 ? 1 : 0))}%`;

/** A time in seconds as µs, ms or s. */
export function duration(seconds) {
  if (seconds === 0) return "0";
  const [scaled, unit] = seconds < 0.9995e-3 ? [seconds * 1e6, "µs"] : seconds < 0.9995 ? [seconds * 1e3, "ms"]
                                                                                         : [seconds, "s"];
  return `${Number(scaled.toPrecision(scaled < 99.5 ? 2 : 3))} ${unit}`;
}

/** How long to wait until the rooms are asked for again: finding the largest of many costs the node work. */
export const roomsPeriodMs = (rooms) => Math.min(60_000, Math.max(2000, rooms / 10));
