"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { Queue, describe, label } = require("../src/queue");

const later = (value, ms = 1) => new Promise((resolve) => setTimeout(resolve, ms, value));

test("jobs give their values", async () => {
  const queue = new Queue();
  assert.deepEqual(await Promise.all([1, 2, 3].map((n) => queue.add(() => later(n)))), [1, 2, 3]);
  assert.equal(queue.stats().done, 3);
});

test("a few run at once", async () => {
  const queue = new Queue({ concurrency: 2 });
  let most = 0;
  for (let n = 0; n < 5; n += 1) {
    queue.add(async () => {
      most = Math.max(most, queue.running);
      await later(n);
    });
  }
  await queue.idle();
  assert.equal(most, 2);
});

test("failures reject", async () => {
  const queue = new Queue();
  await assert.rejects(queue.add(async () => { throw new Error("no"); }), /no/);
  assert.equal(queue.stats().failed, 1);
});

test("failures are tried again", async () => {
  const queue = new Queue({ retries: 2 });
  let tries = 0;
  const value = await queue.add(async () => {
    tries += 1;
    if (tries < 3) throw new Error("not yet");
    return tries;
  });
  assert.equal(value, 3);
});

test("figures for people", () => {
  assert.equal(label("waiting"), "to do");
  assert.equal(describe(new Queue()), "to do: 0, under way: 0, done: 0, failed: 0");
});
