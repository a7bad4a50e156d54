"""Command teammates: real processes, well-behaved and not."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from workbench.adapters import folder, processes
from workbench.adapters.agents import command as module
from workbench.adapters.agents import logs
from workbench.adapters.agents.command import CommandAgent
from workbench.adapters.markers import MarkerFolders
from workbench.adapters.processes import carrying, reap_orphans
from workbench.core.models import MarkerKind
from workbench.engine.ports import Agent, AgentReport, Assignment, Ended, Heard, Letter, Said, Started


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    where = tmp_path / "ada"
    where.mkdir()
    return where


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.end, "__defaults__", (0.3,))


def assignment(worktree: Path, brief: str = "Do it.\n", env: Mapping[str, str] | None = None) -> Assignment:
    return Assignment(
        run="plan-1",
        task="parse",
        attempt=2,
        teammate="ada",
        nonce=f"nonce-{worktree}",
        worktree=worktree,
        brief=brief,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **(env or {})},
    )


async def work(command: str, worktree: Path, env: Mapping[str, str] | None = None) -> list[AgentReport]:
    reports: list[AgentReport] = []
    await CommandAgent(command).work(assignment(worktree, env=env), asyncio.Queue(), reports.append)
    return reports


def ended(reports: list[AgentReport]) -> Ended:
    (last,) = [report for report in reports if isinstance(report, Ended)]
    assert reports[-1] is last
    return last


async def until(file: Path, lines: int = 1) -> list[str]:
    while not file.exists() or file.read_text().count("\n") < lines:  # noqa: ASYNC110 - a file is no event
        await asyncio.sleep(0.005)
    return file.read_text().splitlines()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_command_that_works(worktree: Path) -> None:
    agent: Agent = CommandAgent("pwd > out; cat >> out; cat .workbench/brief.md >> out")
    reports: list[AgentReport] = []
    await agent.work(assignment(worktree, "The brief.\n"), asyncio.Queue(), reports.append)
    started, last = reports
    assert isinstance(started, Started)
    assert started.pid
    assert last == Ended(live=False, exit_code=0)
    assert (worktree / "out").read_text() == f"{worktree}\nThe brief.\nThe brief.\n"
    assert not agent.continues


async def test_its_environment_is_the_assignment_and_little_more(
    worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    await work("env > out", worktree, env={"MINE": "1"})
    got = dict(line.split("=", 1) for line in (worktree / "out").read_text().splitlines())
    shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert set(got) - shell == {
        "HOME", "MINE", "PATH", "WORKBENCH_BRIEF", "WORKBENCH_NONCE", "WORKBENCH_WORKTREE"
    }  # fmt: skip
    assert got["WORKBENCH_BRIEF"] == str(worktree / ".workbench" / "brief.md")
    assert got["PATH"].startswith(os.environ["PATH"] + os.pathsep), "our own folder comes last"


async def test_it_marks_where_it_stands(worktree: Path) -> None:
    folders = MarkerFolders()
    folders.add(worktree)
    script = "from workbench.cli.mark import main; main(['done', 'all', 'green'])"
    await work(f'{sys.executable} -c "{script}"', worktree)
    (found,) = folders.scan(worktree)
    assert found.marker is not None
    assert (found.marker.kind, found.marker.note) == (MarkerKind.DONE, "all green")
    assert found.marker.nonce == f"nonce-{worktree}"


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("echo one; echo two >&2; exit 3", 3, "exited with 3. The end of its output:\none\ntwo"),
        ("exit 4", 4, "The command exited with 4."),
        ("no-such-agent", 127, "command not found"),
        ("kill -9 $$", 137, "SIGKILL (exit code 137: out of memory, perhaps)"),
        ("kill -TERM $$", 143, "SIGTERM"),
        (r"printf '\377\376\033[31m bad \033[0m'; exit 1", 1, "\ufffd\ufffd bad"),
    ],
)
async def test_failing_is_explained(worktree: Path, command: str, code: int, words: str) -> None:
    last = ended(await work(command, worktree))
    assert (last.live, last.exit_code) == (False, code)
    assert words in last.error


@pytest.mark.parametrize(
    "broken", ["worktree", "brief", "environment"], ids=["no worktree", "folder in the way", "null byte"]
)
async def test_what_cannot_even_start_is_reported_and_not_raised(worktree: Path, broken: str) -> None:
    given = assignment(worktree, env={"BAD": "a\0b"} if broken == "environment" else {})
    if broken == "worktree":
        worktree.rmdir()
    if broken == "brief":
        (worktree / ".workbench" / "brief.md" / "x").mkdir(parents=True)
    reports: list[AgentReport] = []
    await CommandAgent("true").work(given, asyncio.Queue(), reports.append)
    assert len(reports) == 1
    assert "could not be run" in ended(reports).error


async def test_messages_become_numbered_files(worktree: Path) -> None:
    inbox: asyncio.Queue[Letter] = asyncio.Queue()
    for text in ("first", "second — naïve"):
        inbox.put_nowait(Letter(text))
    stale = worktree / ".workbench" / "inbox"
    stale.mkdir(parents=True)
    (stale / "001-message.md").write_text("of the attempt before")
    waiting = (
        "while [ ! -f .workbench/inbox/003-message.md ]; do sleep 0.01; done; cat .workbench/inbox/* > out"
    )
    reports: list[AgentReport] = []
    working = asyncio.ensure_future(CommandAgent(waiting).work(assignment(worktree), inbox, reports.append))
    await until(stale / "002-message.md", 0)
    inbox.put_nowait(Letter("\nthird"))
    await working
    assert (worktree / "out").read_text() == "firstsecond — naïve\nthird"
    assert ended(reports).exit_code == 0


async def test_what_has_messages_is_heard_once_it_lies_there(worktree: Path) -> None:
    inbox: asyncio.Queue[Letter] = asyncio.Queue()
    inbox.put_nowait(Letter("text", ("m7",)))
    inbox.put_nowait(Letter("no message"))
    reports: list[AgentReport] = []
    waiting = "while ! [ -e .workbench/inbox/002-message.md ]; do sleep 0.01; done"
    given = replace(assignment(worktree), messages=("m1", "m3"))
    await CommandAgent(waiting).work(given, inbox, reports.append)
    assert [it for it in reports if isinstance(it, Heard)] == [Heard(("m1", "m3")), Heard(("m7",))]


async def test_a_message_that_cannot_be_written_ends_the_attempt(
    worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(directory: int, name: str, text: str) -> None:
        if name != "brief.md":
            raise OSError(28, "No space left on device")
        real(directory, name, text)

    real = folder.write
    monkeypatch.setattr(module, "write", full)
    inbox: asyncio.Queue[Letter] = asyncio.Queue()
    inbox.put_nowait(Letter("text"))
    reports: list[AgentReport] = []
    await CommandAgent("sleep 60").work(assignment(worktree), inbox, reports.append)
    assert "No space left" in ended(reports).error


STRAYS = """
sleep 60 & echo $! >> pids
setsid sh -c 'echo $$ >> pids; exec sleep 60' &
(setsid sh -c 'echo $$ >> pids; trap "" TERM; sleep 60; sleep 60' & )
env -i setsid sh -c 'echo $$ >> pids; sleep 60; true' &
while [ "$(wc -l < pids)" -lt 4 ]; do sleep 0.01; done
"""


async def test_cancelling_leaves_no_process(worktree: Path) -> None:
    reports: list[AgentReport] = []
    working = asyncio.ensure_future(
        CommandAgent(STRAYS + "sleep 60").work(assignment(worktree), asyncio.Queue(), reports.append)
    )
    pids = [int(pid) for pid in await until(worktree / "pids", 4)]
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert all(gone(pid) for pid in pids)
    assert [type(report) for report in reports if not isinstance(report, Said)] == [Started]


async def test_ending_by_itself_leaves_no_process_before_it_is_reported(worktree: Path) -> None:
    alive: list[bool] = []

    def report(given: AgentReport) -> None:
        if isinstance(given, Ended):
            alive.extend(not gone(int(pid)) for pid in (worktree / "pids").read_text().split()[:3])

    # Without the one that hides its environment and has lost its parent: see the module's docstring.
    command = "\n".join(line for line in STRAYS.splitlines() if "env -i" not in line).replace(
        "-lt 4", "-lt 3"
    )
    await CommandAgent(command).work(assignment(worktree), asyncio.Queue(), report)
    assert alive == [False, False, False]


async def test_a_command_that_cleans_up_on_sigterm_is_told_once(worktree: Path) -> None:
    on_term = "echo told >> told; sleep 0.1; echo clean >> told; exit 0"
    command = f"trap '{on_term}' TERM; echo up > up; while :; do sleep 0.01; done"
    working = asyncio.ensure_future(
        CommandAgent(command).work(assignment(worktree), asyncio.Queue(), lambda report: None)
    )
    await until(worktree / "up")
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (worktree / "told").read_text() == "told\nclean\n"


async def test_endless_output_stays_bounded_and_is_told_now_and_then(
    worktree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 200_000)
    monkeypatch.setattr(logs, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(logs, "SAID_SECONDS", 0.1)
    reports: list[AgentReport] = []
    three_said = asyncio.Event()

    def report(given: AgentReport) -> None:
        reports.append(given)
        if sum(isinstance(one, Said) for one in reports) == 3:
            three_said.set()

    command = "while :; do head -c 100000 /dev/zero | tr '\\0' x | fold -w 99; echo; done"
    working = asyncio.ensure_future(CommandAgent(command).work(assignment(worktree), asyncio.Queue(), report))
    await three_said.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    log = worktree / ".workbench" / "log" / "parse-2.log"
    assert log.stat().st_size < 50_000_000
    said = [one.text for one in reports if isinstance(one, Said)]
    assert all(set(text) <= {"x"} and len(text) <= 500 for text in said)


async def test_a_log_that_was_quiet_is_looked_at_as_often_as_any(worktree: Path) -> None:
    said: list[str] = []
    with (worktree / "log").open("ab+", buffering=0) as file, logs.Logs().watched(file.fileno(), said.append):
        file.write(b"begun\n")
        while not said:  # noqa: ASYNC110 - what is waited for is a timer
            await asyncio.sleep(0.01)
        await asyncio.sleep(10 * logs.LOOK_SECONDS)
        file.write(b"x" * logs.LOG_BYTES + b"\nend\n")
        written = asyncio.get_running_loop().time()
        while file.seek(0, os.SEEK_END) > logs.LOG_BYTES:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert asyncio.get_running_loop().time() - written < 10 * logs.LOOK_SECONDS
    assert said == ["begun"]
    assert (worktree / "log").read_text().endswith("x\nend\n")


async def test_a_long_log_is_cut_to_its_end(worktree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LOG_BYTES", 100_000)
    await work("seq 1 100000", worktree)
    log = (worktree / ".workbench" / "log" / "parse-2.log").read_text()
    assert log.startswith("[earlier output dropped]\n")
    assert log.endswith("\n100000\n")
    assert len(log) < 100_000


PRINTING = """
import os
for _ in range(300):
    os.write(1, b"x" * 65536)
os.write(1, b"\\nlast words\\n")
"""


@pytest.mark.parametrize("number", range(8))
def test_what_is_printed_while_a_log_is_cut_is_not_lost(tmp_path: Path, number: int) -> None:
    """Every other of these lost its last words, or had them before what came first."""
    with (tmp_path / "log").open("ab+", buffering=0) as file:
        with subprocess.Popen([sys.executable, "-c", PRINTING], stdout=file) as process:
            while process.poll() is None:
                logs.bound(file.fileno())
        assert logs.bound(file.fileno()) <= logs.LOG_BYTES
        assert logs.end_of(file.fileno()).endswith(b"x\nlast words\n")


async def test_a_log_that_is_a_link_is_not_followed(worktree: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    (worktree / ".workbench" / "log").mkdir(parents=True)
    (worktree / ".workbench" / "log" / "parse-2.log").symlink_to(precious)
    (worktree / ".workbench" / "brief.md").symlink_to(precious)
    assert ended(await work("echo over it", worktree)).exit_code == 0
    assert precious.read_text() == "keep"


async def test_fifty_at_once(tmp_path: Path) -> None:
    async def one(number: int) -> int | None:
        where = tmp_path / f"w{number}"
        where.mkdir()
        return ended(await work(f"exit {number}", where)).exit_code

    assert await asyncio.gather(*(one(number) for number in range(50))) == list(range(50))


# -- what a killed orchestrator leaves ------------------------------------------------------------


def orphan(run: str, state: Path, command: str = "exec sleep 60") -> subprocess.Popen[bytes]:
    env = {"PATH": os.environ["PATH"], "WORKBENCH_RUN": run, "WORKBENCH_STATE": str(state)}
    return subprocess.Popen(["/bin/sh", "-c", command], env=env, start_new_session=True)


def test_orphans_of_this_run_and_this_repository_only(tmp_path: Path) -> None:
    run = f"run-of-{tmp_path.name}"
    ours = orphan(run, tmp_path / "state")
    stubborn = orphan(
        run, tmp_path / "state", f"trap '' TERM; echo up > {tmp_path / 'up'}; sleep 60; sleep 60"
    )
    others = [orphan(run, tmp_path / "other"), orphan(run + "0", tmp_path / "state")]
    try:
        while not (tmp_path / "up").exists():
            time.sleep(0.005)
        reaped = reap_orphans(run, tmp_path / "state", grace=0.3)
        assert {ours.pid, stubborn.pid} <= set(reaped)
        assert ours.wait(5) == -signal.SIGTERM
        assert stubborn.wait(5) == -signal.SIGKILL
        assert [other.poll() for other in others] == [None, None]
        assert reap_orphans(run, tmp_path / "state") == []
    finally:
        for process in (ours, stubborn, *others):
            process.kill()
            process.wait()


def test_reaping_spares_itself_and_those_above(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from workbench.adapters.processes import reap_orphans;"
        "print(reap_orphans('r', Path(sys.argv[1])))"
    )
    env = {**os.environ, "WORKBENCH_RUN": "r", "WORKBENCH_STATE": str(tmp_path)}
    shell = f"'{sys.executable}' -c \"{code}\" '{tmp_path}'; echo still here"
    done = subprocess.run(["/bin/sh", "-c", shell], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nstill here\n"


async def test_other_peoples_processes_are_skipped() -> None:
    assert carrying(("WORKBENCH_RUN", "no such run")) == []


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_children_cost_no_thread() -> None:
    code = """
import asyncio, threading
from workbench.adapters import children, direct
children.watch_children_by_pidfd()
async def main():
    how = {"cwd": ".", "env": {}, "stdin": -3, "output": -3, "mark": ("M", "x")}
    started = [await direct.DIRECT.start("sleep 0.2", **how) for _ in range(5)]
    print(threading.active_count())
    for child in started: await child.wait()
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
