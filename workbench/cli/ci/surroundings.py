"""What a runner gives a step, read from its environment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOSTED_MINUTES = 340.0
"""On a runner of GitHub's own every job is killed after six hours, and what comes after the run wants some
time too; a job's own ``timeout-minutes`` is nothing that a step could see."""

JUNIT = "workbench-junit.xml"


@dataclass(frozen=True)
class Surroundings:
    """Where a step's words go: ``summary`` and ``output`` are None where there is no such file. ``minutes``
    is the deadline if nobody set one; 0 for none."""

    junit: Path
    summary: Path | None = None
    output: Path | None = None
    minutes: float = 0.0

    @property
    def folder(self) -> Path:
        """Where the reports are left: beside the JUnit file."""
        return self.junit.parent


def on_runner(env: Mapping[str, str]) -> bool:
    """Whether this process is part of a job of GitHub Actions."""
    return env.get("GITHUB_ACTIONS") == "true"


def surroundings(
    wanted: bool | None, junit: Path | None, env: Mapping[str, str] | None = None
) -> Surroundings | None:
    """The surroundings of a step, or None where this is none: ``wanted`` decides, then WORKBENCH_CI, then
    whether a job is going on. ``junit`` is the file for test results, if not one in the runner's folder."""
    env = os.environ if env is None else env
    if wanted is None and (said := env.get("WORKBENCH_CI", "").strip().lower()):
        wanted = said not in ("0", "false", "no", "off")
    if not (on_runner(env) if wanted is None else wanted):
        return None
    summary, output = (Path(env[name]) if env.get(name) else None for name in _FILES)
    hosted = env.get("RUNNER_ENVIRONMENT") == "github-hosted"
    return Surroundings(
        (junit or _folder(env) / JUNIT).absolute(), summary, output, HOSTED_MINUTES if hosted else 0.0
    )


_FILES = ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")


def _folder(env: Mapping[str, str]) -> Path:
    given = env.get("RUNNER_TEMP")
    return Path(given) if given else Path(tempfile.mkdtemp(prefix="workbench-ci-"))
