"""bench: workbench beside a naive shell script."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict

from workbench.bench.measure import Compared, compare
from workbench.bench.trial import Trial

HEAD = (
    "tasks  team    S | script wall | workbench wall  start-up  ideal  efficiency  overhead/task  "
    "CPU/task  peak memory | ratio"
)


def bench(tasks: list[int], seconds: float, team: int | None, rounds: int, *, json: bool) -> int:
    """Measure and print a line for each number of tasks; gives 0."""
    results: list[Compared] = []
    if not json:
        print(HEAD)
    for count in tasks:
        trial = Trial(count, min(team or count, count), seconds)
        result = compare(trial, rounds, lambda said: print(said, file=sys.stderr))
        results.append(result)
        if not json:
            print(_line(result), flush=True)
    if json:
        print(jsonlib.dumps([_data(result) for result in results], indent=2))
    return 0


def _figures(result: Compared) -> dict[str, float]:
    ours, trial = result.workbench, result.trial
    return {
        "ideal": trial.ideal,
        "efficiency": trial.ideal / ours.wall,
        "overhead_ms_per_task": (ours.wall - trial.ideal) / trial.tasks * 1000,
        "cpu_ms_per_task": ours.cpu / trial.tasks * 1000,
        "peak_memory_mb": ours.memory / 1e6,
        "ratio": result.ratio,
    }


def _data(result: Compared) -> dict[str, object]:
    return asdict(result) | _figures(result)


def _line(result: Compared) -> str:
    trial, ours, figures = result.trial, result.workbench, _figures(result)
    return (
        f"{trial.tasks:5d} {trial.team:5d} {trial.seconds:4.1f} | {result.script.wall:9.2f} s | "
        f"{ours.wall:12.2f} s {ours.startup:7.2f} s {trial.ideal:4.1f} s {figures['efficiency']:10.1%} "
        f"{figures['overhead_ms_per_task']:11.1f} ms {figures['cpu_ms_per_task']:6.1f} ms "
        f"{figures['peak_memory_mb']:9.0f} MB | {result.ratio:5.2f}"
    )
