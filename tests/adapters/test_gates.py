"""Gates: real commands in real directories, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from workbench.adapters.gates import ShellGates
from workbench.adapters.output import explained, readable
from workbench.adapters.processes import carrying
from workbench.core.models import TEXT_LIMIT, Verdict
from workbench.engine.ports import Gates
from workbench.errors import SetupError


class Directory:
    """A checkout that is a plain directory; a commit is the text of its one file."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.leases: list[tuple[str, bool]] = []

    @contextlib.asynccontextmanager
    async def lease(self, commit: str, urgent: bool = False) -> AsyncIterator[Path]:
        self.leases.append((commit, urgent))
        module = self.where / "answer.py"
        module.write_text(commit)
        os.utime(module, (1_000_000_000, 1_000_000_000))
        yield self.where

    async def aclose(self) -> None:
        pass


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    where = tmp_path / "gate"
    where.mkdir()
    return Directory(where)


def gates(directory: Directory, seconds: float = 30, **env: str) -> ShellGates:
    return ShellGates(directory, seconds=seconds, env={**os.environ, **env})


async def run(directory: Directory, command: str, seconds: float = 30, **env: str) -> Verdict:
    (verdict,) = await gates(directory, seconds, **env).check("c", "t", [command])
    return verdict


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def pids_in(file: Path) -> list[int]:
    return [int(word) for word in file.read_text().split()]


async def until(file: Path, lines: int) -> list[int]:
    """Wait until ``file`` holds that many process ids."""
    while not file.exists() or file.read_text().count("\n") < lines:  # noqa: ASYNC110 - a file is no event
        await asyncio.sleep(0.005)
    return pids_in(file)


async def test_green_and_red_stop_at_the_first_red(directory: Directory) -> None:
    checked: Gates = gates(directory)
    verdicts = await checked.check("c1", "t1", ["echo one", "echo two; exit 3", "echo three"], urgent=True)
    assert [(v.gate, v.green, v.exit_code, v.output) for v in verdicts] == [
        ("echo one", True, 0, "one"),
        ("echo two; exit 3", False, 3, "two"),
    ]
    assert {(v.tree, v.environment) for v in verdicts} == {("t1", checked.environment())}
    assert directory.leases == [("c1", True)]


async def test_no_commands_lease_nothing(directory: Directory) -> None:
    assert await gates(directory).check("c", "t", []) == []
    assert directory.leases == []


async def test_both_outputs_come_in_order_and_readable(directory: Directory) -> None:
    verdict = await run(
        directory, r"printf 'a\n'; printf '\033[31mred\033[0m\n' >&2; printf '10%%\r99%%\n\377\376 b\n'"
    )
    assert verdict.output == "a\nred\n99%\n\ufffd\ufffd b"


async def test_long_output_keeps_its_end(directory: Directory) -> None:
    verdict = await run(directory, "seq 1 300000")
    lines = verdict.output.split("\n")
    assert lines[0] == "[earlier output cut]"
    assert lines[-1] == "300000"
    assert len(lines) == 201


async def test_one_endless_line_is_bounded(directory: Directory) -> None:
    verdict = await run(directory, "head -c 3000000 /dev/zero | tr '\\0' x")
    assert len(verdict.output) == TEXT_LIMIT
    assert verdict.output.startswith("[earlier output cut]\nxxx")


async def test_standard_input_is_closed(directory: Directory) -> None:
    assert (await run(directory, "cat; echo end")).output == "end"


@pytest.mark.parametrize(
    ("command", "exit_code", "sentence"),
    [
        ("no-such-tool --now", 127, "command not found"),
        ("./answer.py", 126, "is not executable"),
        ("kill -9 $$", 137, "SIGKILL (exit code 137: out of memory, perhaps)"),
        ("sh -c 'kill -SEGV $$'", 139, "SIGSEGV"),
    ],
)
async def test_special_exits_are_explained(
    directory: Directory, command: str, exit_code: int, sentence: str
) -> None:
    verdict = await run(directory, command)
    assert (verdict.green, verdict.exit_code) == (False, exit_code)
    assert sentence in verdict.output


async def test_out_of_time_is_red_and_says_so(directory: Directory) -> None:
    verdict = await run(directory, "echo begun; sleep 60", seconds=0.3)
    assert (verdict.green, verdict.exit_code) == (False, None)
    assert verdict.output.startswith("begun\n")
    assert "did not finish within 0.3 s" in verdict.output
    assert verdict.seconds < 20


async def test_endless_output_ends_with_its_time_and_stays_small(directory: Directory) -> None:
    before = psutil.Process().memory_info().rss
    verdict = await run(directory, "yes endless", seconds=0.5)
    assert "did not finish" in verdict.output
    assert len(verdict.output) <= TEXT_LIMIT
    assert psutil.Process().memory_info().rss - before < 20_000_000


STRAYS = """
sleep 60 & echo $! >> {file}
setsid sh -c 'echo $$ >> {file}; exec sleep 60' &
(setsid sh -c 'echo $$ >> {file}; trap "" TERM; sleep 60; sleep 60' & )
while [ "$(wc -l < {file})" -lt 3 ]; do sleep 0.01; done
"""


async def test_what_a_gate_leaves_running_is_ended(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in ("end_group", "sweep"):
        monkeypatch.setattr(f"workbench.adapters.processes.{ending}.__defaults__", (0.2,))
    file = tmp_path / "pids"
    shell = gates(directory)
    (verdict,) = await shell.check("c", "t", [STRAYS.format(file=file) + "echo over"])
    await shell.aclose()
    assert verdict.output == "over"
    assert verdict.green
    assert len(pids_in(file)) == 3
    assert all(gone(pid) for pid in pids_in(file))


async def test_cancelling_ends_the_whole_group(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ending in ("end_group", "sweep"):
        monkeypatch.setattr(f"workbench.adapters.processes.{ending}.__defaults__", (0.2,))
    file = tmp_path / "pids"
    shell = gates(directory, WORKBENCH_RUN=str(tmp_path))
    checking = asyncio.ensure_future(shell.check("c", "t", [STRAYS.format(file=file) + "sleep 60"]))
    pids = await until(file, 3)
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    await shell.aclose()
    assert all(gone(pid) for pid in pids)
    assert carrying(("WORKBENCH_RUN", str(tmp_path))) == []


async def test_a_second_cancel_kills_at_once(
    directory: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Were the grace waited for, this would take ten minutes and the test's own limit would end it.
    monkeypatch.setattr("workbench.adapters.processes.end_group.__defaults__", (600.0,))
    file = tmp_path / "pids"
    checking = asyncio.ensure_future(
        gates(directory).check("c", "t", [f"trap '' TERM; echo $$ >> {file}; sleep 60; sleep 60"])
    )
    (pid,) = await until(file, 1)
    checking.cancel()
    await asyncio.sleep(0.02)
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert not psutil.pid_exists(pid), "and asyncio has taken note of it: this loop may close"


async def test_environment_of_a_gate(directory: Directory) -> None:
    secret = {
        "ANTHROPIC_API_KEY": "k", "CLAUDECODE": "1", "CLAUDE_CODE_AGENT_ID": "a", "WORKBENCH_NONCE": "n",
        "GIT_DIR": "/elsewhere", "GIT_INDEX_FILE": "x", "GH_TOKEN": "t", "WORKBENCH_RUN": "r", "MINE": "kept",
    }  # fmt: skip
    verdict = await run(directory, "env", 30, **secret)
    got = dict(line.split("=", 1) for line in verdict.output.splitlines() if "=" in line)
    assert {name: got.get(name) for name in secret} == dict.fromkeys(secret) | {
        "WORKBENCH_RUN": "r",
        "MINE": "kept",
    }
    assert (got["WORKBENCH_GATE"], got["CI"], got["PYTHONDONTWRITEBYTECODE"]) == ("1", "true", "1")
    assert got["GIT_CEILING_DIRECTORIES"] == str(directory.where.parent)


async def test_python_never_sees_the_commit_before(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same size, same second: with a kept .pyc the second commit would get the first one's verdict."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    checks = gates(directory)
    command = "python3 -c 'import answer; print(answer.x)'"
    outputs = [(await checks.check(f"x = {n}", "t", [command]))[0].output for n in (1, 2)]
    assert outputs == ["1", "2"]


def test_the_fingerprint_follows_the_tools_and_not_the_terminal(directory: Directory) -> None:
    def fingerprint(seconds: float = 1, setup: tuple[str, ...] = (), **env: str) -> str:
        return ShellGates(directory, seconds=seconds, env=env, setup=setup).environment()

    base = fingerprint(PATH="/bin", TERM="xterm")
    assert base == fingerprint(PATH="/bin", TERM="dumb", SSH_TTY="1")
    others = {
        fingerprint(PATH="/usr/bin"),
        fingerprint(PATH="/bin", VIRTUAL_ENV="/venv"),
        fingerprint(PATH="/bin", setup=("npm ci",)),
        fingerprint(PATH="/bin", seconds=2),
    }
    assert len(others | {base}) == 5


async def test_a_directory_that_is_gone_is_no_verdict(directory: Directory, tmp_path: Path) -> None:
    class Gone(Directory):
        @contextlib.asynccontextmanager
        async def lease(self, commit: str, urgent: bool = False) -> AsyncIterator[Path]:
            yield tmp_path / "gone"

    with pytest.raises(SetupError, match="could not be started"):
        await gates(Gone(tmp_path)).check("c", "t", ["true"])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"\x1b]0;title\x07plain\x1b[1;32mgreen\x1b(B", "plaingreen"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"unfinished \x1b]0;never ends\nnext line", "unfinished \nnext line"),
        (b"cut in an escape \x1b[3", "cut in an escape 3"),
        (b"a\r\nb\r\n", "a\nb"),
        (b"1%\r2%\r3%\r\n4%\r5%\r", "3%\n5%"),
        ("trojan \u202e source".encode(), "trojan  source"),
        (b"bell\x07 null\x00 tab\t", "bell null tab\t"),
    ],
)
def test_output_is_made_readable(data: bytes, text: str) -> None:
    assert readable(data) == text


@pytest.mark.parametrize("piece", [b"x", b"\r", b"\x1b[", b"\x1b]0;", b"\x1b[1;", b"\n", b"\xff", b"x\r"])
def test_hostile_output_costs_no_more_than_other(piece: bytes) -> None:
    began = time.process_time()
    readable(piece * (65_536 // len(piece)))
    assert time.process_time() - began < 0.5


def test_plain_exit_codes_are_said_plainly() -> None:
    assert explained(3) == "exited with 3"
    assert explained(255) == "exited with 255"
