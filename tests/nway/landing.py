"""The run itself, through the command line, and what its events tell."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.nway.stage import Stage

Event = dict[str, Any]
RUN = "nway"
LONGEST = 3600.0


@dataclass(slots=True)
class Story:
    """A run that is over: its events, how it ended, and how long it took."""

    events: list[Event]
    exit_code: int
    seconds: float
    complaint: str = ""
    by_type: dict[str, list[Event]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for event in self.events:
            self.by_type.setdefault(event["type"], []).append(event)

    def of(self, *kinds: str) -> Iterator[Event]:
        """Events of these types, each type in order."""
        for kind in kinds:
            yield from self.by_type.get(kind, [])

    @property
    def candidate_checks(self) -> int:
        """Checks of candidates for which a gate was really run."""
        return sum(bool(event["verdicts"]) for event in self.of("CandidateChecked"))

    @property
    def gate_commands(self) -> int:
        """All gate commands that were run."""
        checks = self.of("BaseChecked", "WorkChecked", "CandidateChecked")
        return sum(len(event["verdicts"]) for event in checks)


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a run and of every command that judges it: our Python first, nothing of ours set."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "GIT_"))}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    env["WORKBENCH_WORKTREE_ROOT"] = str(folder / "worktrees")
    env["WORKBENCH_SANDBOX"] = "off"  # teammates and gates read what is beside the repository
    env |= {"WORKBENCH_ON_GUARDED": "allow", "WORKBENCH_SECRETS": "allow"}  # nobody is there to say yes
    root = str(Path(__file__).resolve().parents[2])
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [root, env.get("PYTHONPATH", "")]))
    return env | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def land(stage: Stage, team: int) -> Story:
    """Run the plan to its end; never raises for what becomes of it."""
    command = [sys.executable, "-m", "workbench", "run", str(stage.plan), "--repo", str(stage.repo)]
    command += [
        "--agent",
        f"command:sh '{stage.agent}'",
        "--team",
        str(team),
        "--run-id",
        RUN,
        "--yes",
        "--json",
    ]
    told = stage.folder / "events.jsonl"
    began = time.monotonic()
    with told.open("wb") as out, (stage.folder / "run.log").open("w+b") as log:
        env = surroundings(stage.folder)
        try:
            done = subprocess.run(
                command, cwd=stage.repo, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                timeout=LONGEST, check=False,
            )  # fmt: skip
            code = done.returncode
        except subprocess.TimeoutExpired:
            code = 124
        seconds = time.monotonic() - began
        log.seek(0)
        complaint = log.read().decode(errors="replace").strip()
    events = [json.loads(line) for line in told.read_text().splitlines()]
    return Story(events, code, seconds, complaint)
