"""``workbench doctor``: is this machine, and this repository, ready for a run?

Every check is a small function that gives a Finding; ``examine`` asks them all. It stands beside the
composition, above the adapters, because its questions are theirs to answer.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from workbench.config import Settings
from workbench.doctor.finding import Finding, Level
from workbench.errors import WorkbenchError

__all__ = ["Finding", "Level", "examine", "is_ready"]

MARGIN_BYTES = 500_000_000
"""Room besides the checkouts: build results, caches, the event log."""

Check = Callable[[], Finding | Awaitable[Finding | None] | None]


async def examine(where: Path, settings: Settings, env: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at the machine and at the repository that holds ``where``; findings in a fixed order.

    ``env`` stands for the environment. Changes nothing, asks nobody on the network, and takes about
    half a second, which Claude Code needs to start. What is wrong is a finding, never an exception.
    """
    import psutil

    from workbench.adapters.git.repository import git_version, open_repository
    from workbench.adapters.git.sizes import tree_bytes
    from workbench.doctor import machine, repository, teammate

    env = os.environ if env is None else env
    checks: list[tuple[str, Check]] = [("Python", machine.python), ("git", lambda: machine.git(git_version))]
    if settings.agent == "claude":
        checks += [
            ("Claude Code", lambda: teammate.claude(settings, env)),
            ("login", lambda: teammate.login(settings, env)),
        ]
    else:
        checks.append(("agent", lambda: teammate.command(settings, where, env)))
    checks.append(("sandbox", lambda: teammate.sandbox(settings, env)))
    size = 0
    try:
        repo = await open_repository(where)
        size = await tree_bytes(repo)
    except WorkbenchError as error:
        refusal = Finding("repository", "fail", str(error), error.hint)
        checks.append(("repository", lambda: refusal))
    else:
        checks += [
            ("repository", lambda: repository.head(repo)),
            ("changes", lambda: repository.changes(repo)),
            ("identity", lambda: repository.identity(repo)),
            ("history", lambda: repository.history(repo)),
            ("submodules", lambda: repository.submodules(repo, settings)),
            ("hooks", lambda: repository.hooks(repo)),
            ("sparse", lambda: repository.sparse(repo)),
            ("large files", lambda: repository.large_files(repo, env)),
            ("letter case", lambda: repository.letter_case(repo)),
            ("settings", lambda: repository.settings_file(repo.root)),
            ("gates", lambda: repository.gates(settings)),
            ("runs", lambda: repository.running(repo)),
            ("log", lambda: machine.log_disk(repo.state_dir)),
        ]
    needed = size * (settings.team + settings.gate_slots) + MARGIN_BYTES
    checks += [
        ("disk", lambda: machine.disk(settings.worktree_root, needed)),
        ("memory", lambda: machine.memory(psutil.virtual_memory().available, settings)),
        ("open files", lambda: machine.open_files(settings)),
        ("inotify", machine.inotify),
    ]
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(_answer(name, check)) for name, check in checks]
    return [finding for answer in answers if (finding := answer.result()) is not None]


def is_ready(findings: list[Finding]) -> bool:
    """Whether nothing that was found stops a run."""
    return all(finding.level != "fail" for finding in findings)


async def _answer(name: str, check: Check) -> Finding | None:
    """A check's finding; an error of ours is one too, since its sentence and hint say what is wrong."""
    try:
        answer = check()
        return await answer if inspect.isawaitable(answer) else answer
    except WorkbenchError as error:
        return Finding(name, "fail", str(error), error.hint)
    except OSError as error:
        return Finding(name, "warn", f"This could not be looked at: {error}.")
