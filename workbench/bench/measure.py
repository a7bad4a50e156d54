"""Running both sides in turn, and what they cost."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from workbench.bench.trial import Trial, make_trial
from workbench.errors import SetupError

SAMPLE_SECONDS = 0.02
"""How often the orchestrator's CPU time and memory are read while it runs."""


@dataclass(frozen=True)
class Cost:
    """One side of one trial. ``wall`` is the whole process, ``startup`` its part before the run began.
    ``cpu`` and ``memory`` are the orchestrating process's own, its children's apart; ``landed`` is
    how many tasks' files are on the branch in the end."""

    wall: float
    startup: float
    cpu: float
    memory: int
    landed: int


@dataclass(frozen=True)
class Compared:
    """Medians of both sides of a trial."""

    trial: Trial
    script: Cost
    workbench: Cost

    @property
    def ratio(self) -> float:
        """Wall time of workbench as a multiple of the script's: below 1 is faster."""
        return self.workbench.wall / self.script.wall


def compare(trial: Trial, rounds: int, tell: Callable[[str], None]) -> Compared:
    """Run both sides ``rounds`` times in turn. Raises SetupError when a side does not land it all."""
    script: list[Cost] = []
    ours: list[Cost] = []
    for number in range(rounds):
        sides = [("script", script, _script), ("workbench", ours, _workbench)]
        for name, costs, side in sides if number % 2 else sides[::-1]:
            tell(f"{trial.tasks} tasks, {trial.team} teammates, round {number + 1}/{rounds}: {name}")
            costs.append(_fresh(trial, side))
    return Compared(trial, _median(script), _median(ours))


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.startup for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
        min(cost.landed for cost in costs),
    )


def _fresh(trial: Trial, side: Callable[[Path, Path, Trial], Cost]) -> Cost:
    """A side on a folder of its own, which is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-bench-"))
    try:
        cost = side(folder, make_trial(folder, trial), trial)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if cost.landed != trial.tasks:
        raise SetupError(f"only {cost.landed} of {trial.tasks} tasks landed: this measures nothing")
    return cost


def _script(folder: Path, repo: Path, trial: Trial) -> Cost:
    words = [str(repo), str(trial.tasks), str(trial.team), str(trial.seconds), str(folder / "agent.sh")]
    wall, cpu, memory = _watched(["sh", str(folder / "naive.sh"), *words], folder)
    return Cost(wall, 0.0, cpu, memory, _landed(repo, "main"))


def _workbench(folder: Path, repo: Path, trial: Trial) -> Cost:
    agent = f'command:sh {folder / "agent.sh"} "$WORKBENCH_TASK" {trial.seconds}'
    words = ["run", str(folder / "plan.md"), "--repo", str(repo), "--agent", agent, "--gate", "true"]
    words += ["--team", str(trial.team), "--run-id", "bench", "--yes", "--json"]
    began = time.time()
    wall, cpu, memory = _watched([sys.executable, "-m", "workbench", *words], folder)
    with (folder / "output").open(encoding="utf-8") as output:
        first = datetime.datetime.fromisoformat(json.loads(output.readline())["at"])
    landed = _landed(repo, "workbench/bench/integration")
    return Cost(wall, first.timestamp() - began, cpu, memory, landed)


def _watched(command: list[str], folder: Path) -> tuple[float, float, int]:
    """Run ``command``: wall seconds, its own CPU seconds, its peak memory in bytes."""
    # The script leaves its worktrees where they are, and puts nobody behind walls; so do we, here.
    own = {
        "WORKBENCH_WORKTREE_ROOT": str(folder / "worktrees"),
        "WORKBENCH_KEEP_WORKTREES": "true",
        "WORKBENCH_SANDBOX": "off",
    }
    with (folder / "output").open("wb") as output, (folder / "errors").open("wb") as errors:
        began = time.perf_counter()
        process = psutil.Popen(
            command, stdout=output, stderr=errors, stdin=subprocess.DEVNULL, env=os.environ | own
        )
        cpu, memory = 0.0, 0
        while True:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    cpu, memory = times.user + times.system, max(memory, process.memory_info().rss)
            except psutil.Error:
                pass
            try:
                process.wait(SAMPLE_SECONDS)
                break
            except psutil.TimeoutExpired:
                continue
        wall = time.perf_counter() - began
    if process.returncode != 0:
        said = (folder / "errors").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SetupError(f"`{command[0]} … {command[2]}` ended with {process.returncode}:\n{said}")
    return wall, cpu, memory


def _landed(repo: Path, branch: str) -> int:
    listed = subprocess.run(
        ["git", "-C", str(repo), "ls-tree", "--name-only", f"{branch}:work"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return len(listed.stdout.split())
