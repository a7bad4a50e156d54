"use strict";

/** Wait longer from try to try: 1, 2, 4… milliseconds. */
function backoff(tries, unit = 1) {
  return new Promise((resolve) => setTimeout(resolve, unit * 2 ** (tries - 1)));
}

module.exports = { backoff };
