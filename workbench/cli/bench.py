"""bench: workbench beside a naive shell script, and its merging beside git's."""

from __future__ import annotations

import json as jsonlib
import statistics
import sys
from dataclasses import asdict

from workbench.bench.measure import Compared, compare
from workbench.bench.merging import ENDS, MergeCost, merge_cost
from workbench.bench.trial import Trial
from workbench.core.search import expected_runs

HEAD = (
    "tasks  team    S   files | script wall | workbench wall  start-up  ideal  efficiency  overhead/task  "
    "CPU/task  peak memory | ratio"
)


CHANGES = 8
PUBLISHED = {0.01: 1.3, 0.05: 2.5, 0.10: 3.9, 0.30: 8.8}
"""Gate runs for eight changes, by the probability that one breaks: workbench's design, search alone. One
after another they take eight."""


def bench(tasks: list[int], seconds: float, team: int | None, rounds: int, files: int, *, json: bool) -> int:
    """Measure and print a line for each number of tasks; gives 0."""
    results: list[Compared] = []
    if not json:
        print(HEAD)
    for count in tasks:
        trial = Trial(count, min(team or count, count), seconds, files)
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
        f"{trial.tasks:5d} {trial.team:5d} {trial.seconds:4.1f} {trial.files:7d} | "
        f"{result.script.wall:9.2f} s | {ours.wall:12.2f} s {ours.startup:7.2f} s "
        f"{trial.ideal:4.1f} s {figures['efficiency']:10.1%} "
        f"{figures['overhead_ms_per_task']:11.1f} ms {figures['cpu_ms_per_task']:6.1f} ms "
        f"{figures['peak_memory_mb']:9.0f} MB | {result.ratio:5.2f}"
    )


def bench_merge(files: int, branches: int, *, json: bool) -> int:
    """Print the gate runs to expect, and what merging itself costs; gives 0, or 1 when the trees differ."""
    runs = [_runs(odds, published) for odds, published in PUBLISHED.items()]
    if not json:
        _print_runs(runs)
    cost = merge_cost(files, branches)
    figures = _merge_figures(cost)
    if json:
        print(jsonlib.dumps({"gate_runs": runs, "merge_cost": figures}, indent=2))
    else:
        _print_cost(cost, figures)
    return 0 if cost.same_tree else 1


def _runs(odds: float, published: float) -> dict[str, float]:
    return {
        "odds": odds,
        "serial": CHANGES,
        "batch": expected_runs(CHANGES, odds, rechecks=False),
        "batch_with_rechecks": expected_runs(CHANGES, odds),
        "published": published,
    }


def _print_runs(runs: list[dict[str, float]]) -> None:
    print(f"Gate runs to expect for {CHANGES} changes, each of which breaks the rest with probability p:")
    print("    p | serial | batch + bisect  published | with re-checks")
    for row in runs:
        print(
            f"{row['odds']:5.0%} | {row['serial']:6.0f} | {row['batch']:14.2f}  {row['published']:9.1f} | "
            f"{row['batch_with_rechecks']:14.2f}"
        )


def _merge_figures(cost: MergeCost) -> dict[str, object]:
    def ms(seconds: float) -> float:
        return round(seconds * 1000, 3)

    sides = {"workbench": cost.workbench, "git": cost.git}
    found: dict[str, object] = {"files": cost.files, "branches": len(cost.workbench)}
    for name, each in sides.items():
        found[f"{name}_ms_median"] = ms(statistics.median(each))
        found[f"{name}_ms_mean"] = ms(statistics.mean(each))
    ends = {"first_ms_median": ms(cost.first), "last_ms_median": ms(cost.last)}
    return found | ends | {"ratio": round(cost.ratio, 1), "same_tree": cost.same_tree}


def _print_cost(cost: MergeCost, figures: dict[str, object]) -> None:
    print(
        f"\n{len(cost.workbench)} branches of 3 files merged into {cost.files}, without gates, ms for each:"
    )
    print(
        f"workbench {figures['workbench_ms_median']} (mean {figures['workbench_ms_mean']}) | "
        f"git merge --no-ff {figures['git_ms_median']} (mean {figures['git_ms_mean']}) | "
        f"ratio {figures['ratio']} | {'the same tree' if cost.same_tree else 'DIFFERENT TREES'}"
    )
    ends = min(ENDS, len(cost.workbench))
    print(f"the first {ends}: {figures['first_ms_median']}; the last {ends}: {figures['last_ms_median']}")


def bench_tui(events: int, rounds: int, keys: int, *, json: bool) -> int:
    """Measure the viewer and print its figures; gives 0, or 1 when a target was missed."""
    from workbench.tui.measure import lines, measure, reached

    figures = measure(events, rounds, keys, lambda said: print(said, file=sys.stderr))
    if json:
        print(jsonlib.dumps(asdict(figures) | {"reached": reached(figures)}, indent=2))
    else:
        print("\n".join(lines(figures)))
    return 0 if reached(figures) else 1
