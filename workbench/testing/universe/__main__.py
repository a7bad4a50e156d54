"""Play many seeds, or one and show it: ``python -m workbench.testing.universe --runs 5000``."""

from __future__ import annotations

import argparse
import sys
import time

from workbench.testing.universe import Broken, Universe


def main() -> int:
    """0 when every rule held, 1 when one did not."""
    asked = argparse.ArgumentParser(prog="python -m workbench.testing.universe", description=__doc__)
    asked.add_argument("--seed", type=int, help="play this one; with --runs, begin with it")
    asked.add_argument("--runs", type=int, help="how many seeds to play")
    asked.add_argument("--teammates", type=int, default=0, help="a large run with a team of this many")
    asked.add_argument("--tasks", type=int, default=0, help="the tasks of a large run")
    asked.add_argument("--trace", action="store_true", help="show what was done and what was logged")
    chosen = asked.parse_args()
    say = sys.stdout.write
    first = chosen.seed or 0
    runs = chosen.runs or (1 if chosen.seed is not None else 1000)
    broken, processes, records = 0, 0, 0
    began, worked = time.monotonic(), time.process_time()
    for seed in range(first, first + runs):
        universe = Universe(seed, chosen.teammates, chosen.tasks or 2 * chosen.teammates)
        try:
            universe.play(trace=chosen.trace)
        except Broken as problem:
            broken += 1
            say(f"{problem}\n")
        for line in universe.lines:
            say(f"{line}\n")
        processes, records = processes + len(universe.processes), records + len(universe.log)
    took, worked = time.monotonic() - began, time.process_time() - worked
    say(
        f"{runs} runs in {took:.1f} s, {60 * runs / took:.0f} a minute "
        f"({60 * runs / worked:.0f} a minute of one core): {processes} processes, {records} records, "
        f"{broken} broken\n"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
