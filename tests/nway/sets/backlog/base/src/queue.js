"use strict";

const { EventEmitter } = require("node:events");
const { backoff } = require("./backoff");

const DEFAULTS = {
  concurrency: 2,
  retries: 0,
};

/**
 * A queue of jobs, a few of them running at once.
 *
 * Options:
 * - concurrency: how many jobs run at once
 * - retries: how often a job that failed is tried again
 */
class Queue extends EventEmitter {
  constructor(options = {}) {
    super();
    const { concurrency, retries } = { ...DEFAULTS, ...options };
    this.concurrency = concurrency;
    this.retries = retries;
    this.waiting = [];
    this.running = 0;
    this.done = 0;
    this.failed = 0;
  }

  /** Put a job into the queue; the promise is settled as the job is. */
  add(job) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ job, resolve, reject, tries: 0 });
      this.next();
    });
  }

  /** Start what may be started. */
  next() {
    while (this.running < this.concurrency && this.waiting.length > 0) {
      this.start(this.waiting.shift());
    }
    if (this.running === 0 && this.waiting.length === 0) {
      this.emit("idle");
    }
  }

  async start(entry) {
    this.running += 1;
    entry.tries += 1;
    try {
      const value = await entry.job();
      this.done += 1;
      entry.resolve(value);
    } catch (error) {
      if (entry.tries <= this.retries) {
        await backoff(entry.tries);
        this.waiting.unshift(entry);
      } else {
        this.failed += 1;
        entry.reject(error);
      }
    } finally {
      this.running -= 1;
      this.next();
    }
  }

  /** A promise for the moment in which nothing is left. */
  idle() {
    if (this.running === 0 && this.waiting.length === 0) {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.once("idle", resolve));
  }

  /** Figures of the queue. */
  stats() {
    return {
      waiting: this.waiting.length,
      running: this.running,
      done: this.done,
      failed: this.failed,
    };
  }
}

/** What a figure is called, for people. */
function label(name) {
  switch (name) {
    case "waiting":
      return "to do";
    case "running":
      return "under way";
    default:
      return name;
  }
}

/** The figures as one line. */
function describe(queue) {
  const parts = Object.entries(queue.stats()).map(([name, count]) => `${label(name)}: ${count}`);
  return parts.join(", ");
}

module.exports = { Queue, describe, label };
