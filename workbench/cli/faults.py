"""bench sweep and bench chaos: faults injected, survived and lost."""

from __future__ import annotations

import json as jsonlib
import secrets
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.bench.chaos import Soak, chaos
from workbench.bench.sweep.faults import parse
from workbench.bench.sweep.plan import any_plan, short_plan
from workbench.bench.sweep.sweep import Found, Sweep
from workbench.crashpoints import KINDS
from workbench.errors import UsageError


@dataclass
class Progress:
    """Says on stderr how far a sweep is, and at once what was lost."""

    total: int
    done: int = 0
    lost: int = 0

    def seen(self, found: Found) -> None:
        self.done += 1
        if found.lost:
            self.lost += 1
            say(f"LOST {found.injection} (n = {found.injection.number}): {'; '.join(found.lost)}")
        if self.done % 20 == 0 or self.done == self.total:
            say(f"{self.done} of {self.total} faults, {self.lost} lost")


def bench_sweep(
    plan: Path | None, repo: Path, kinds: str, every: int, at: Sequence[str], *, json: bool
) -> int:
    """Sweep and print a table; gives 0, or 1 when something was lost. Raises UsageError, SetupError."""
    wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if unknown := [kind for kind in wanted if kind not in KINDS]:
        raise UsageError(f"There is no fault {unknown[0]!r}.", f"There are {', '.join(KINDS)}.")
    only = [parse(text) for text in at]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="workbench-sweep-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        subject = any_plan(folder / "subject", plan, repo) if plan else short_plan(folder / "subject")
        sweep = Sweep(subject, folder / "worlds", say)
        sweep.prepare()
        injections = only or sweep.injections(wanted, every)
        results = sweep.try_all(injections, Progress(len(injections)).seen)
        points = {stage.name: len(stage.passed) for stage in sweep.stages.values()}
    took = round(time.monotonic() - began, 1)
    lost = [found for found in results if found.lost]
    table = {kind: _row(kind, results) for kind in dict.fromkeys(it.injection.kind for it in results)}
    if json:
        data = {"points": points, "kinds": table, "seconds": took, "lost": [_told(it) for it in lost]}
        print(jsonlib.dumps(data, indent=2))
    else:
        print("fault       | injected | struck | survived | lost")
        for kind, row in table.items():
            print(
                f"{kind:11} | {row['injected']:8} | {row['struck']:6} | {row['survived']:8} | {row['lost']}"
            )
        print(f"{sum(points.values())} crash points, {len(results)} faults in {took:.0f} s, {len(lost)} lost")
        words = [*([str(plan), "--repo", str(repo)] if plan else [])]
        for found in lost:
            print(f"\nLOST at n = {found.injection.number}, {found.injection}:")
            print("".join(f"  - {sentence}\n" for sentence in found.lost), end="")
            again = ["workbench", "bench", "sweep", *words, "--at", str(found.injection)]
            print(f"  again: {shlex.join(again)}")
    return 1 if lost else 0


def bench_chaos(tasks: int, team: int, seed: int | None, *, json: bool) -> int:
    """Soak and print the figures; gives 0, or 1 when something was lost. Raises SetupError."""
    soak = Soak(tasks, min(team, tasks), secrets.randbelow(1_000_000) if seed is None else seed)
    with tempfile.TemporaryDirectory(prefix="workbench-chaos-", ignore_cleanup_errors=True) as folder:
        outcome = chaos(soak, Path(folder), say)
    injected = outcome.agents + outcome.orchestrators
    first, last = (round(size / 1e6, 1) for size in outcome.memory)
    if json:
        figures = asdict(soak) | asdict(outcome) | {"injected": injected, "memory_mb": [first, last]}
        print(jsonlib.dumps(figures, indent=2))
    else:
        took = f"{outcome.seconds:.0f} s, {outcome.attempts} attempts"
        print(f"{outcome.landed} of {tasks} tasks landed in {took}")
        print(f"faults injected: {outcome.agents} kills of teammates, {outcome.orchestrators} of workbench")
        print(f"survived: {injected - len(outcome.lost)} of {injected}; lost: {len(outcome.lost)}")
        print(f"memory of workbench: {first} MB in the first quarter, {last} MB in the last (medians)")
        print(f"seed {soak.seed}")
        for sentence in outcome.lost:
            print(f"LOST: {sentence}")
    return 1 if outcome.lost or outcome.landed < tasks else 0


def _row(kind: str, results: Sequence[Found]) -> dict[str, int]:
    of = [found for found in results if found.injection.kind == kind]
    lost = Counter(bool(found.lost) for found in of)
    struck = sum(bool(found.struck) for found in of)
    return {"injected": len(of), "struck": struck, "survived": lost[False], "lost": lost[True]}


def _told(found: Found) -> dict[str, object]:
    it = found.injection
    name = it.order.partition("@")[2]
    return {"n": it.number, "name": name, "fault": str(it), "lost": list(found.lost)}


def say(sentence: str) -> None:
    """A line of progress."""
    print(sentence, file=sys.stderr, flush=True)
