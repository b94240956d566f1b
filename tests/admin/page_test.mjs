// What the operator's page makes of the node's figures, without a document.

import assert from "node:assert/strict";
import test from "node:test";

import * as figures from "../../src/admin/page/figures.js";

function statusOf(...shards) {
  return {shards: shards.map((each, shard) => ({
    shard, connections: 0, delivered: 0, skipped: {}, closed: {}, refused_logins: {}, cpu_ns: 0, turns: 1, ...each}))};
}

test("rates are what grew between two answers, by the time between them", () => {
  const before = figures.sampleOf(statusOf({delivered: 100, skipped: {overflow: 5}, cpu_ns: 1e9}, {delivered: 7}), 1000);
  const after = figures.sampleOf(
      statusOf({delivered: 300, skipped: {overflow: 6, closed: 3}, cpu_ns: 2e9}, {delivered: 107}), 3000);
  assert.equal(figures.isRestart(before, after), false);
  const rates = figures.ratesOf(before, after);
  assert.deepEqual(rates.shards, [{deliveries: 100, skips: 2, cpu: 0.5}, {deliveries: 50, skips: 0, cpu: 0}]);
  assert.deepEqual([rates.deliveries, rates.skips, rates.cpu], [150, 2, 0.5]);
});

test("a counter that shrank, or another number of shards, is another process", () => {
  const before = figures.sampleOf(statusOf({turns: 9, delivered: 5}), 0);
  assert.equal(figures.isRestart(before, figures.sampleOf(statusOf({turns: 8, delivered: 5}), 1)), true);
  assert.equal(figures.isRestart(before, figures.sampleOf(statusOf({turns: 10, delivered: 4}), 1)), true);
  assert.equal(figures.isRestart(before, figures.sampleOf(statusOf({turns: 9, delivered: 5}, {}), 1)), true);
  assert.equal(figures.isRestart(before, figures.sampleOf(statusOf({turns: 9, delivered: 5}), 1)), false);
});

test("figures that a node does not tell are 0", () => {
  const {shards} = figures.sampleOf({shards: [{shard: 3}]}, 0);
  assert.deepEqual([shards[0].shard, shards[0].connections, shards[0].skipped, shards[0].stage], [3, 0, 0, ""]);
});

test("reasons are summed over shards, the most frequent first, with what is new", () => {
  const earlier = figures.byName(statusOf({closed: {kicked: 1}}), "closed");
  const now = figures.byName(statusOf({closed: {kicked: 1, peer_closed: 4, draining: 0}}, {closed: {kicked: 2}}), "closed");
  assert.deepEqual(figures.ranking(now, earlier), [
    {name: "peer_closed", count: 4, recent: 4}, {name: "kicked", count: 3, recent: 2}]);
});

const HISTOGRAM = `# TYPE halley_push_seconds histogram
halley_push_seconds_bucket{shard="0",le="0.001"} 10
halley_push_seconds_bucket{shard="1",le="0.001"} 20
halley_push_seconds_bucket{shard="0",le="0.002"} 20
halley_push_seconds_bucket{shard="1",le="0.002"} 70
halley_push_seconds_bucket{shard="0",le="+Inf"} 30
halley_push_seconds_bucket{shard="1",le="+Inf"} 70
halley_push_seconds_sum{shard="0"} 1
halley_push_seconds_other_bucket{le="1"} 5
`;

test("a histogram's buckets are summed over its labels", () => {
  assert.deepEqual(figures.bucketsOf(HISTOGRAM, "halley_push_seconds"), [
    {le: 0.001, count: 30}, {le: 0.002, count: 90}, {le: Infinity, count: 100}]);
  assert.deepEqual(figures.bucketsOf(HISTOGRAM, "halley_nothing"), []);
});

test("quantiles are of what came between, as Prometheus reckons", () => {
  const now = figures.bucketsOf(HISTOGRAM, "halley_push_seconds");
  const zero = now.map(({le}) => ({le, count: 0}));
  assert.equal(figures.quantileBetween(zero, now, 0.3), 0.001);
  assert.equal(figures.quantileBetween(zero, now, 0.6), 0.0015);
  assert.equal(figures.quantileBetween(zero, now, 0.15), 0.0005);
  assert.equal(figures.quantileBetween(zero, now, 0.99), 0.002);  // beyond the last bound nothing is known
  assert.equal(figures.quantileBetween(now, now, 0.5), null);     // nothing came
  assert.equal(figures.quantileBetween([], now, 0.5), null);      // no answer before
  assert.equal(figures.quantileBetween(now, zero, 0.5), null);    // another process
});

test("axes end at numbers whose half is as short", () => {
  for (const [highest, top] of [[0, 1], [1, 1], [1.01, 2], [3, 4], [5, 6], [7, 10], [10, 10], [101, 200],
                                [0.03, 0.04], [999_999, 1_000_000]]) {
    assert.ok(Math.abs(figures.niceTop(highest) - top) < top * 1e-9, `${highest}: ${figures.niceTop(highest)}`);
  }
});

test("numbers are written short", () => {
  const written = (format, ...numbers) => numbers.map(format);
  assert.deepEqual(written(figures.count, 0, 999, 1234, 9999, 10_000, 12_345, 999_950, 1_234_567, 2.5e9),
                   ["0", "999", "1,234", "9,999", "10k", "12.3k", "1M", "1.23M", "2.5G"]);
  assert.deepEqual(written(figures.rate, 0, 0.04, 0.5, 9.94, 9.96, 1234.5), ["0", "0", "0.5", "9.9", "10", "1,235"]);
  assert.deepEqual(written(figures.bytes, 0, 1023, 1024, 1536, 5 * 1024 ** 3), ["0 B", "1023 B", "1 KiB", "1.5 KiB", "5 GiB"]);
  assert.deepEqual(written(figures.duration, 0, 0.00012, 0.0015, 0.25, 1.5), ["0", "120 µs", "1.5 ms", "250 ms", "1.5 s"]);
  assert.deepEqual(written(figures.percent, 0, 0.004, 0.5, 1), ["0%", "0.4%", "50%", "100%"]);
});

test("the largest of many rooms are asked for less often", () => {
  assert.deepEqual([0, 10_000, 50_000, 5_000_000].map(figures.roomsPeriodMs), [2000, 2000, 5000, 60_000]);
});
