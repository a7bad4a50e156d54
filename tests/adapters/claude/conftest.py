"""A teammate's worktree, and the real Claude Code in it on a scripted model."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from tests.conftest import git
from workbench.adapters.agents.claude import ClaudeAgent, ClaudeSettings
from workbench.adapters.agents.environment import claude_environment
from workbench.core import markers
from workbench.core.models import Marker
from workbench.engine.ports import AgentReport, Assignment, Ended, Letter
from workbench.rehearsal.script import load
from workbench.rehearsal.server import Rehearsal, headers_env, serve
from workbench.testing.notes import FakeNotes

# What Claude Code's sandbox leaves in the root of a worktree; the git adapter excludes it for users.
LEFTOVERS = """.workbench/
.bash_profile
.bashrc
.claude/
.gitconfig
.gitmodules
.idea
.mcp.json
.profile
.ripgreprc
.vscode
.zprofile
.zshrc
"""

Report = TypeVar("Report", bound=AgentReport)


@dataclass
class Stage:
    """One teammate at work: ``reports`` in order, ``inbox`` to talk to it."""

    worktree: Path
    rehearsal: Rehearsal
    assignment: Assignment
    agent: ClaudeAgent
    inbox: asyncio.Queue[Letter] = field(default_factory=asyncio.Queue)
    reports: list[AgentReport] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def report(self, report: AgentReport) -> None:
        self.reports.append(report)
        self._news.set()

    def all(self, kind: type[Report]) -> list[Report]:
        return [report for report in self.reports if isinstance(report, kind)]

    async def heard(
        self, kind: type[Report], which: Callable[[Report], bool] = lambda _: True, n: int = 1
    ) -> Report:
        """The ``n``-th report of ``kind`` that ``which`` likes, waited for."""
        async with asyncio.timeout(60):
            while True:
                found = [report for report in self.all(kind) if which(report)]
                if len(found) >= n:
                    return found[n - 1]
                self._news.clear()
                await self._news.wait()

    @asynccontextmanager
    async def working(self, **changes: Any) -> AsyncIterator[asyncio.Task[None]]:
        """The agent at work on the assignment, cancelled at the end if need be; nothing may be left."""
        assignment = replace(self.assignment, **changes)
        work = asyncio.create_task(self.agent.work(assignment, self.inbox, self.report))
        try:
            yield work
        finally:
            work.cancel()
            await asyncio.wait({work})
            left = [p for p in psutil.process_iter() if _nonce(p) == self.assignment.nonce]
            assert not left, left
        if not work.cancelled():
            work.result()

    async def turn(self, **changes: Any) -> Ended:
        """Let the agent work until its first turn is over."""
        async with self.working(**changes):
            return await self.heard(Ended)

    def markers(self) -> list[Marker]:
        folder = self.worktree / ".workbench" / "markers"
        return [
            markers.read(path.read_bytes(), self.assignment.nonce) for path in sorted(folder.glob("*.json"))
        ]

    def results(self) -> str:
        """All that the model was told by its tools and by us."""
        return "\n".join(str(asked.heard) for asked in self.rehearsal.requests if not asked.side)

    def story(self) -> str:
        """The reports, for the message of a failed assertion."""
        return "\n".join(map(str, self.reports)) + "\n" + self.results()


def _nonce(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("WORKBENCH_NONCE")
    except psutil.Error:
        return None


@pytest.fixture
def worktree(repo: Path, tmp_path: Path) -> Path:
    """A linked worktree outside the repository, on a branch of its own."""
    (repo / ".git" / "info" / "exclude").write_text(LEFTOVERS)
    path = tmp_path / "trees" / "ada"
    git(repo, "worktree", "add", "-q", "-b", "workbench/run/ada", str(path))
    return path


@pytest.fixture
def stage(worktree: Path) -> Callable[..., Any]:
    """``async with stage(SCRIPT, settings…) as scene``: a scripted model for task ``t`` and a teammate."""

    @asynccontextmanager
    async def staged(script: str, env: dict[str, str] | None = None, **settings: Any) -> AsyncIterator[Stage]:
        nonce = uuid.uuid4().hex  # of its own: by it, all that an attempt started is found and ended
        async with serve(load(script)) as rehearsal:
            whole = {
                **claude_environment(os.environ),
                **rehearsal.env(),
                **headers_env(task="t", attempt=1, teammate="ada", worktree=worktree),
                "WORKBENCH_NONCE": nonce,
                **(env or {}),
            }
            assignment = Assignment(
                run="run",
                task="t",
                attempt=1,
                teammate="ada",
                nonce=nonce,
                worktree=worktree,
                brief="Do the task.",
                env=whole,
            )
            yield Stage(worktree, rehearsal, assignment, ClaudeAgent(ClaudeSettings(**settings), FakeNotes()))

    return staged


def uses(*tools: tuple[str, dict[str, Any]]) -> str:
    """A script in which the model uses ``tools`` one after the other and ends."""
    steps: list[dict[str, Any]] = [{"use": {"tool": tool, "input": given}} for tool, given in tools]
    return json.dumps({"tasks": {"t": {"steps": [*steps, {"say": "That was it.", "end": True}]}}})
