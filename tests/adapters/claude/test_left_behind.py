"""What Claude Code's commands leave behind goes with it: the real program on a scripted model."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.adapters.claude.conftest import uses
from workbench.engine.ports import Ended, Started

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")]
Stages = Callable[..., Any]

STRAYS = """\
setsid sleep 600 >/dev/null 2>&1 &
(setsid sh -c 'trap "" TERM; sleep 600; sleep 600' >/dev/null 2>&1 & )
exec >/dev/null 2>&1
(env -i setsid /bin/sh -c '(setsid /bin/sh -c "trap \\"\\" TERM HUP; sleep 600; sleep 600" & )' & )
"""
"""Three that left their session; two their parent; one its environment, too."""

# The command goes on: a sandbox ends what a command left by itself.
SCRIPT = uses(("Bash", {"command": "sh strays.sh; until [ -e never ]; do sleep 0.05; done"}))


def sleepers(worktree: Path) -> list[psutil.Process]:
    """Inside a sandbox process ids are others, so the strays are known by their folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline() == ["sleep", "600"] and process.cwd() == str(worktree):
                found.append(process)
    return found


def supervised(pid: int) -> list[psutil.Process]:
    """Claude Code, its shim, and the relay."""
    claude = psutil.Process(pid)
    shim = claude.parent()
    assert shim is not None
    relay = shim.parent()
    assert relay is not None
    return [claude, shim, relay]


def none_living(processes: list[psutil.Process], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while left := [one for one in processes if _lives(one)]:
        if time.monotonic() > until:
            for one in left:
                one.kill()
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def strays_of(worktree: Path, count: int = 3) -> list[psutil.Process]:
    async with asyncio.timeout(60):
        while len(found := sleepers(worktree)) < count:  # noqa: ASYNC110 - processes are no event
            await asyncio.sleep(0.02)
    return found


@pytest.fixture(autouse=True)
def _strays(worktree: Path) -> None:
    (worktree / "strays.sh").write_text(STRAYS)


@pytest.mark.parametrize("killed", ["nobody", "claude", "shim", "relay"])
async def test_nothing_is_left_when_a_session_ends(stage: Stages, killed: str) -> None:
    # Without the sandbox, whose own walls would end them.
    async with stage(SCRIPT, sandbox="off") as scene, scene.working() as work:
        started = await scene.heard(Started)
        strays = await strays_of(scene.worktree)
        claude, shim, relay = supervised(started.pid)
        if killed != "nobody":
            {"claude": claude, "shim": shim, "relay": relay}[killed].kill()
            ended = await scene.heard(Ended)
            assert (ended.live, ended.exit_code) == (False, -signal.SIGKILL) and "signal 9" in ended.error
            await asyncio.wait_for(work, 60)
        else:
            work.cancel()
            await asyncio.wait({work})
        assert [one for one in (claude, shim, relay, *strays) if _lives(one)] == []


ORCHESTRATOR = """
import asyncio, os, sys
from pathlib import Path
from workbench.adapters import children
from workbench.adapters.agents.claude import ClaudeAgent, ClaudeSettings
from workbench.adapters.agents.environment import claude_environment
from workbench.engine.ports import Assignment, Started
from workbench.rehearsal.script import load
from workbench.rehearsal.server import headers_env, serve

async def main():
    script, sandbox, worktree = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    async with serve(load(script)) as rehearsal:
        env = {**claude_environment(os.environ), **rehearsal.env(), "WORKBENCH_NONCE": os.urandom(8).hex()}
        env |= headers_env(task="t", attempt=1, teammate="ada", worktree=worktree)
        given = Assignment(run="run", task="t", attempt=1, teammate="ada", nonce=env["WORKBENCH_NONCE"],
            worktree=worktree, brief="Do the task.", env=env)
        def report(what):
            if isinstance(what, Started):
                print(what.pid, flush=True)
        await ClaudeAgent(ClaudeSettings(sandbox=sandbox)).work(given, asyncio.Queue(), report)

children.watch_children_by_pidfd()
asyncio.run(main())
"""


@pytest.mark.parametrize("sandbox", ["off", "on"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_workbench_is_gone(worktree: Path, sandbox: str, number: signal.Signals) -> None:
    words = [sys.executable, "-c", ORCHESTRATOR, SCRIPT, sandbox, str(worktree)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            session = supervised(int(process.stdout.readline()))
            strays = asyncio.run(strays_of(worktree))
            process.send_signal(number)
            process.wait(60)
            assert none_living([*session, *strays])
        finally:
            process.kill()
