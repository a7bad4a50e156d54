"""Commands under a keeper and its shims, and without: real processes, the worst that they can do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from workbench.adapters import children
from workbench.adapters.agents.command import CommandAgent
from workbench.adapters.children import Child, Starter
from workbench.adapters.direct import DIRECT
from workbench.adapters.gates import ShellGates
from workbench.adapters.git import furnishing
from workbench.adapters.supervision import relay
from workbench.adapters.supervision.starter import Keeper, isolated
from workbench.engine.ports import AgentReport, Assignment, Ended, Started

SECONDS = 60.0
"""What is waited for at most, on a machine that is busy."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only process groups are ended")


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.3)
    for ending in ("end", "end_group", "sweep"):
        monkeypatch.setattr(f"workbench.adapters.processes.{ending}.__defaults__", (0.3,))


@dataclass
class Scene:
    """Commands in ``folder``, what they print, and the processes that they write down."""

    starter: Starter
    folder: Path
    output: IO[bytes]

    async def start(self, command: str, stdin: int = subprocess.DEVNULL, /, **env: str) -> Child:
        mark = ("WORKBENCH_TEST_MARK", str(self.folder))
        whole = {"PATH": os.environ["PATH"], "PIDS": str(self.folder / "pids"), mark[0]: mark[1], **env}
        return await self.starter.start(
            command, cwd=self.folder, env=whole, stdin=stdin, output=self.output.fileno(), mark=mark
        )

    async def run(self, command: str, **env: str) -> int:
        child = await self.start(command, **env)
        try:
            return await child.wait()
        finally:
            await child.end()

    def printed(self) -> str:
        self.output.seek(0)
        return self.output.read().decode(errors="surrogateescape")

    async def pids(self, count: int) -> list[int]:
        return await written(self.folder / "pids", count)


async def written(file: Path, count: int) -> list[int]:
    async with asyncio.timeout(SECONDS):
        while not file.exists() or file.read_text().count("\n") < count:  # noqa: ASYNC110 - a file is no event
            await asyncio.sleep(0.005)
    return [int(word) for word in file.read_text().split()]


def living(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def none_living(pids: list[int], seconds: float = SECONDS) -> bool:
    """Whether all of ``pids`` go within ``seconds``; those that did not are killed."""
    until = time.monotonic() + seconds
    while left := living(pids):
        if time.monotonic() > until:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.01)
    return True


async def with_keeper(tmp_path: Path, **given: Any) -> AsyncIterator[Scene]:
    (tmp_path / "here").mkdir()
    with tempfile.TemporaryFile() as output:
        async with Keeper(**given) as keeper:
            yield Scene(keeper, tmp_path / "here", output)
            pid = keeper.pid
        assert pid is None or not psutil.pid_exists(pid), "the keeper is gone with its context"


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Scene]:
    async for scene in with_keeper(tmp_path):
        yield scene


@pytest.fixture(params=["kept", "without subreaper", "direct"])
async def scene(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async for given in with_keeper(tmp_path, subreaper=request.param == "kept"):
        if request.param == "direct":
            given.starter = DIRECT
        yield given


# -- the contract of every starter ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -9 $$", -9),
        ("kill $$", -15),
        ("no-such-tool", 127),
    ],
)
async def test_exit_codes_and_signals(scene: Scene, command: str, code: int) -> None:
    assert await scene.run(command) == code


async def test_it_gets_what_it_was_given_and_nothing_else(scene: Scene) -> None:
    (scene.folder / "brief").write_text("the brief\n")
    with (scene.folder / "brief").open("rb") as brief:
        child = await scene.start(
            "pwd; echo $$; cat; env; ls /proc/self/fd; grep -E 'Sig(Ign|Blk)' /proc/self/status >&2",
            brief.fileno(),
            MINE="naïve \n \udcff",
        )
        assert await child.wait() == 0
        await child.end()
    output = scene.printed()
    assert output.startswith(f"{scene.folder}\n{child.pid}\nthe brief\n")
    assert "MINE=naïve \n \udcff" in output
    names = {line.split("=")[0] for line in output.splitlines() if "=" in line}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"MINE", "PATH", "PIDS", "WORKBENCH_TEST_MARK"}
    if sys.platform == "linux":
        assert output.split("SigBlk")[0].splitlines()[-4:] == ["0", "1", "2", "3"], "no descriptor of ours"
        masks = [int(line.split()[1], 16) for line in output.splitlines() if line.startswith("Sig")]
        # glibc's own two signals, 32 and 33, do not count: posix_spawn ignores them.
        assert [mask & ~(0b11 << 31) for mask in masks] == [0, 0]


async def test_it_leads_a_session_of_its_own(scene: Scene) -> None:
    child = await scene.start("sleep 600")
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    await child.end()
    assert living([child.pid]) == []


async def test_what_cannot_be_started(scene: Scene) -> None:
    with pytest.raises(ValueError, match="null byte"):
        await scene.start("true", BAD="a\0b")
    with pytest.raises(OSError, match="Argument list too long"):
        await scene.start("true", HUGE="x" * 200_000)
    assert await scene.run("true", **{f"BIG_{n}": "x" * 100_000 for n in range(8)}) == 0
    scene.folder.rmdir()
    with pytest.raises(FileNotFoundError):
        await scene.start("true")


async def test_ending_is_told_once_and_has_its_time(scene: Scene) -> None:
    on_term = "echo told; sleep 0.05; echo clean; exit 0"
    child = await scene.start(f"trap '{on_term}' TERM; echo $$ >> $PIDS; while :; do sleep 0.01; done")
    await scene.pids(1)
    await child.end()
    assert scene.printed().replace("Terminated\n", "") == "told\nclean\n"
    assert await child.wait() == 0


async def test_what_does_not_end_is_killed(scene: Scene) -> None:
    child = await scene.start("trap '' TERM; echo $$ >> $PIDS; sleep 600; sleep 600")
    pids = await scene.pids(1)
    await child.end()
    assert living(pids) == []
    assert await child.wait() == -signal.SIGKILL


async def test_cancelling_the_end_kills_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_SECONDS", 600.0)
    monkeypatch.setattr("workbench.adapters.processes.end.__defaults__", (600.0,))
    child = await scene.start("trap '' TERM; echo $$ >> $PIDS; sleep 600; sleep 600")
    pids = await scene.pids(1)
    ending = asyncio.ensure_future(child.end())
    await asyncio.sleep(0.02)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert living(pids) == []


async def test_cancelling_the_start_leaves_nothing(scene: Scene) -> None:
    large = {f"BIG_{number}": "x" * 100_000 for number in range(10)}  # more than a socket takes at once
    for steps in (1, 2, 3, 4, 6, 8):
        starting = asyncio.ensure_future(scene.start("echo $$ >> $PIDS; exec sleep 600", **large))
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await starting).end()
    file = scene.folder / "pids"
    assert none_living([int(pid) for pid in file.read_text().split()] if file.exists() else [])


async def test_fifty_at_once(scene: Scene) -> None:
    codes = await asyncio.gather(*(scene.run(f"exit {number}") for number in range(50)))
    assert codes == list(range(50))


# -- nothing is left ---------------------------------------------------------------------------------------

STRAYS = """
sleep 600 & echo $! >> $PIDS
setsid sh -c 'echo $$ >> $PIDS; exec sleep 600' &
(setsid sh -c 'echo $$ >> $PIDS; trap "" TERM; sleep 600; sleep 600' & )
(env -i setsid /bin/sh -c 'echo $$ >> '$PIDS'; trap "" TERM HUP; while :; do sleep 600; done' & )
(env -i setsid /bin/sh -c '(setsid /bin/sh -c "echo \\$\\$ >> '$PIDS'; exec sleep 600" & )' & )
"""
"""Five that went: to the background, to another session, from their parent, from their environment, twice."""

WAIT = 'while [ ! -e $PIDS ] || [ "$(wc -l < $PIDS)" -lt {} ]; do sleep 0.01; done; '

STOPPED = "setsid sh -c 'echo $$ >> $PIDS; kill -STOP $$; sleep 600' &"

UNREAPED = f"""
(setsid {sys.executable} -c "
import os, time
zombie = os.fork()
if zombie == 0: os._exit(0)
print(os.getpid(), zombie, sep='\\n', file=open(os.environ['PIDS'], 'a'), flush=True)
time.sleep(600)
" & )
"""

BOMB = f"""
env -i PIDS=$PIDS setsid {sys.executable} -c "
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(50):
    if os.fork() == 0:
        os.setsid()
        print(os.getpid(), file=open(os.environ['PIDS'], 'a'), flush=True)
        while True:                     # its child goes on in its place, for ever
            time.sleep(0.002)
            if os.fork(): os._exit(0)
" &
"""


@linux
@pytest.mark.parametrize(
    ("strays", "count"), [(STRAYS, 5), (STOPPED, 1), (UNREAPED, 2)], ids=["strays", "stopped", "zombie"]
)
@pytest.mark.parametrize("way", ["it exits", "it is ended", "it is killed"])
async def test_nothing_of_a_command_is_left(kept: Scene, strays: str, count: int, way: str) -> None:
    child = await kept.start(
        strays + WAIT.format(count) + ("exit 7" if way == "it exits" else "exec sleep 600")
    )
    pids = await kept.pids(count)
    if way == "it is killed":
        os.kill(child.pid, signal.SIGKILL)
    if way != "it is ended":
        assert await child.wait() == (7 if way == "it exits" else -signal.SIGKILL)
    await child.end()
    assert child.proven
    assert [pid for pid in pids if psutil.pid_exists(pid)] == [], "not even a zombie"


@linux
async def test_processes_that_fork_without_end_are_ended(kept: Scene) -> None:
    child = await kept.start(BOMB + WAIT.format(50) + "exit 0")
    assert await child.wait() == 0
    await child.end()
    assert child.proven
    assert _with_session_of(await kept.pids(50)) == []


def _with_session_of(pids: list[int]) -> list[int]:
    """Processes in a session that one of ``pids`` opened."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if os.getsid(pid) in pids:
                found.append(pid)
    return found


@linux
async def test_a_shim_that_is_killed_takes_everything_with_it(
    kept: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    child = await kept.start(STRAYS + "exec sleep 600")
    pids = [child.pid, *await kept.pids(5)]
    shim = psutil.Process(child.pid).ppid()
    os.kill(shim, signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
    await child.end()
    assert none_living(pids)
    assert f"The shim of process {child.pid} was killed" in caplog.text
    assert await kept.run("exit 5") == 5


@linux
async def test_a_keeper_that_is_killed_is_replaced(kept: Scene) -> None:
    child = await kept.start(STRAYS + "echo $$ >> $PIDS; exec sleep 600")
    pids = await kept.pids(6)
    assert isinstance(kept.starter, Keeper) and kept.starter.pid is not None
    os.kill(kept.starter.pid, signal.SIGKILL)
    assert await asyncio.gather(*(kept.run(f"exit {n}") for n in range(5))) == list(range(5))
    assert living([child.pid]) == [child.pid], "what it had started goes on"
    await child.end()
    assert none_living(pids)


@linux
async def test_an_agent_whose_shim_is_killed_is_over_and_says_so(kept: Scene) -> None:
    given = Assignment(
        run="r", task="t", attempt=1, teammate="ada", nonce=str(kept.folder), worktree=kept.folder, brief="",
        env={"PATH": os.environ["PATH"], "PIDS": str(kept.folder / "pids")},
    )  # fmt: skip
    reports: list[AgentReport] = []
    agent = CommandAgent("echo hello; " + STRAYS + "exec sleep 600", starter=kept.starter)
    working = asyncio.ensure_future(agent.work(given, asyncio.Queue(), reports.append))
    pids = await kept.pids(5)
    (started,) = [report for report in reports if isinstance(report, Started)]
    os.kill(psutil.Process(started.pid).ppid(), signal.SIGKILL)
    await working
    assert isinstance(ended := reports[-1], Ended)
    assert (ended.live, ended.exit_code) == (False, 137) and "killed by SIGKILL" in ended.error
    assert "hello" in ended.error
    assert none_living([started.pid or 0, *pids])


@linux
async def test_nothing_of_a_gate_is_left_before_the_verdict(kept: Scene) -> None:
    class Here:
        @contextlib.asynccontextmanager
        async def lease(self, commit: str, urgent: bool = False) -> AsyncIterator[Path]:
            yield kept.folder

        async def aclose(self) -> None: ...

    env = {"PATH": os.environ["PATH"], "PIDS": str(kept.folder / "pids")}
    gates = ShellGates(Here(), seconds=SECONDS, env=env, starter=kept.starter)
    (red,) = await gates.check("c", "t", [STRAYS + WAIT.format(5) + "echo 'not good'; exit 3"])
    assert (red.green, red.exit_code, red.output) == (False, 3, "not good")
    assert living(await kept.pids(5)) == []


@linux
async def test_set_up_leaves_nothing_and_its_output_is_bounded(kept: Scene) -> None:
    env = {"PATH": os.environ["PATH"], "PIDS": str(kept.folder / "pids")}
    command = STRAYS + WAIT.format(5) + "head -c 30000000 /dev/zero | tr '\\0' x; echo; echo end"
    said = await furnishing._set_up(command, kept.folder, env, kept.starter)
    assert said.endswith("end") and len(said) < 1_000_000
    assert living(await kept.pids(5)) == []


async def test_without_a_keeper_commands_are_started_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    async for scene in with_keeper(tmp_path):
        with caplog.at_level(logging.WARNING):
            assert await scene.run("exit 4") == 4
    assert "No keeper for commands could be started" in caplog.text


# -- workbench is gone -----------------------------------------------------------------------------------

ORCHESTRATOR = """
import asyncio, os, sys
from pathlib import Path
from workbench.adapters import children
from workbench.adapters.agents.command import CommandAgent
from workbench.adapters.gates import ShellGates
from workbench.adapters.git import furnishing
from workbench.adapters.supervision.starter import Keeper
from workbench.engine.ports import Assignment
from contextlib import asynccontextmanager

command, where = sys.argv[1], Path(sys.argv[2])

class Directory:
    @asynccontextmanager
    async def lease(self, commit, urgent=False):
        yield where

async def main():
    env = {"PATH": os.environ["PATH"], "PIDS": os.environ["PIDS"]}
    async with Keeper() as keeper:
        with open(env["PIDS"], "a") as file:
            print(keeper.pid, file=file)
        gates = ShellGates(Directory(), seconds=600, env=env, starter=keeper)
        given = Assignment(run="r", task="t", attempt=1, teammate="ada", nonce=str(where), worktree=where,
            brief="", env=env)
        agent = CommandAgent(command, starter=keeper)
        await asyncio.gather(
            agent.work(given, asyncio.Queue(), print),
            gates.check("c", "t", [command]),
            furnishing._set_up(command, where, env, keeper),
        )

children.watch_children_by_pidfd()
asyncio.run(main())
"""


@pytest.fixture
def orchestrator(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], list[int]]]:
    """A program that runs an agent, a gate and a set-up command, each with its strays; and the ids of all."""
    pids = tmp_path / "pids"
    env = {**os.environ, "PIDS": str(pids)}
    words = [sys.executable, "-c", ORCHESTRATOR, STRAYS + "echo $$ >> $PIDS; sleep 600", str(tmp_path)]
    with subprocess.Popen(words, env=env, start_new_session=True) as process:
        try:
            yield process, asyncio.run(written(pids, 19))
        finally:
            process.kill()


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_workbench_is_gone(
    orchestrator: tuple[subprocess.Popen[bytes], list[int]], number: signal.Signals
) -> None:
    process, pids = orchestrator
    shims = {psutil.Process(pid).ppid() for pid in pids[1:]} - {process.pid}
    assert len(living(pids)) == 19
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    process.wait(SECONDS)
    assert none_living([*pids, *shims]), "SIGTERM, three seconds, SIGKILL"


@linux
def test_nothing_is_left_when_workbench_and_its_keeper_are_killed(
    orchestrator: tuple[subprocess.Popen[bytes], list[int]],
) -> None:
    process, pids = orchestrator
    os.kill(pids[0], signal.SIGKILL)
    process.kill()
    process.wait(SECONDS)
    assert none_living(pids)


def test_the_keeper_holds_nothing_of_workbench(tmp_path: Path) -> None:
    """Neither an open file (a lock, a database) nor a terminal, nor what it need not know."""
    code = """
import asyncio, os, sys
from workbench.adapters.supervision.starter import Keeper
async def main():
    with open(sys.argv[1], "w") as held:
        os.set_inheritable(held.fileno(), False)
        async with Keeper({"WORKBENCH_RUN": "r"}) as keeper:
            child = await keeper.start("sleep 600", cwd="/", env={}, stdin=-3, output=1, mark=("M", "x"))
            print(keeper.pid, child.pid, flush=True)
            input()
            await child.end()
asyncio.run(main())
"""
    env = {**os.environ, "ANTHROPIC_API_KEY": "secret"}
    words = [sys.executable, "-c", code, str(tmp_path / "held")]
    with subprocess.Popen(words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        keeper, child = (psutil.Process(int(pid)) for pid in process.stdout.readline().split())
        shim = psutil.Process(child.ppid())
        for one in (keeper, shim):
            assert one.environ().get("WORKBENCH_RUN") == "r" and "ANTHROPIC_API_KEY" not in one.environ()
            assert [file.path for file in one.open_files()] == []
            assert one.terminal() is None and os.getsid(one.pid) == one.pid
            assert one.cwd() == "/"
        assert keeper.ppid() == process.pid and shim.ppid() == keeper.pid
        process.stdin.close()
        process.wait(SECONDS)
    assert none_living([keeper.pid, shim.pid, child.pid])


def test_a_keeper_imports_next_to_nothing() -> None:
    words = [word.replace("keeper.main()", "print(*sys.modules)") for word in isolated("keeper")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert {"asyncio", "psutil", "pathlib", "typing", "subprocess"}.isdisjoint(done.stdout.split())


def test_a_relay_whose_shim_was_killed_with_a_word_unread_still_ends_what_it_left() -> None:
    ours, its = socket.socketpair()
    wake, waker = os.pipe()
    its.sendall(b"exit 3\n")
    ours.send(relay.TERM)
    os.write(waker, b"x")
    its.close()
    try:
        assert relay._relayed(ours, wake, None) in (3, -signal.SIGKILL)
    finally:
        ours.close()
        os.close(wake)
        os.close(waker)
