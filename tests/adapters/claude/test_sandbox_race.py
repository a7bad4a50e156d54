"""Teammates whose sandboxes are put up and taken down at the same time, over one repository."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.adapters.claude.conftest import uses
from tests.conftest import git
from workbench.adapters.agents.claude import bwrap_script
from workbench.adapters.agents.claude.bubblewrap import path_with_patience
from workbench.adapters.agents.claude.bwrap_script import TRIES, narrowed, parse, possible
from workbench.adapters.agents.claude.sandbox import sandbox_missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is for Linux")

# Fails as often as the file `fails` has lines, and otherwise runs what stands after --.
FAKE = """#!/bin/sh
cd {folder} || exit 9
echo "$@" >>calls
if [ -s fails ]; then
  sed -i 1d fails
  [ -z "$INFO" ] || echo failed >"/dev/fd/$INFO"
  echo "bwrap: Can't find source path /x: No such file or directory" >&2
  exit 1
fi
[ -z "$INFO" ] || echo stands >"/dev/fd/$INFO"
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    """The folder of a bubblewrap that fails when it is told to."""
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "bwrap").write_text(FAKE.format(folder=folder))
    (folder / "bwrap").chmod(0o755)
    (folder / "calls").touch()
    return folder


@pytest.fixture
def start(fake: Path, tmp_path: Path) -> Iterator[Start]:
    """``start(words, fails=n)``: what a teammate finds on its PATH, before the fake."""
    path = path_with_patience(tmp_path, tmp_path / "tree", f"{fake}:{os.environ['PATH']}")
    bwrap = shutil.which("bwrap", path=path)
    assert bwrap is not None and bwrap.startswith(str(tmp_path / "bin"))
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str, fails: int = 0, **more: object) -> subprocess.Popen[str]:
        (fake / "fails").write_text("x\n" * fails)
        ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([bwrap, *words], text=True, **{**ends, **more})  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def calls(fake: Path) -> int:
    return len((fake / "calls").read_text().splitlines())


def test_a_sandbox_that_could_not_be_put_up_is_put_up_again_in_silence(start: Start, fake: Path) -> None:
    process = start("--unshare-pid", "--", "sh", "-c", "cat; echo heard >&2; exit 7", fails=3)
    assert process.communicate("said\n") == ("said\n", "heard\n")
    assert process.returncode == 7 and calls(fake) == 4


def test_after_the_last_try_bubblewraps_own_words_are_shown(start: Start, fake: Path) -> None:
    process = start("--unshare-pid", "--", "true", fails=99)
    out, err = process.communicate()
    assert (out, process.returncode, calls(fake)) == ("", 1, TRIES)
    assert err.count("bwrap: Can't find source path") == 1


@pytest.mark.parametrize("command", ["exit 1", "echo bwrap: no >&2; exit 1", "kill -KILL $$"])
def test_a_command_that_failed_is_not_repeated(start: Start, fake: Path, command: str) -> None:
    process = start("--", "sh", "-c", command)
    process.communicate()
    assert process.returncode in (1, -signal.SIGKILL) and calls(fake) == 1


def test_what_is_not_understood_goes_to_bubblewrap_as_it_is(start: Start, fake: Path) -> None:
    for words in (["--version"], ["--brand-new", "--", "true"], ["--seccomp", "0", "--", "true"]):
        start(*words, fails=1).communicate()
        assert (fake / "calls").read_text().splitlines()[-1] == " ".join(words)
    assert calls(fake) == 3


def test_only_the_sandbox_that_stands_is_told_of(start: Start) -> None:
    read, write = os.pipe()
    try:
        info = {"pass_fds": (write,), "env": {**os.environ, "INFO": str(write)}}
        start("--info-fd", str(write), "--", "true", fails=2, **info).communicate()
    finally:
        os.close(write)
    with os.fdopen(read, "rb") as told:
        assert told.read() == b"stands\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command(start: Start, number: signal.Signals) -> None:
    process = start("--", "sh", "-c", "echo ready; exec sleep 60")
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.stdout.read() == "", "the command has let go of its output"
    assert process.wait() == -number


async def _real() -> str:
    if missing := await sandbox_missing():
        pytest.skip(missing)
    return shutil.which("bwrap") or ""


async def test_the_command_ends_with_whoever_started_it(tmp_path: Path) -> None:
    await _real()
    path = path_with_patience(tmp_path, tmp_path / "tree", None)
    assert path is not None
    script = shutil.which("bwrap", path=path)
    words = f"{script} --ro-bind / / --unshare-pid --die-with-parent -- sh -c 'echo ready; sleep 60' & wait"
    shell = await asyncio.create_subprocess_exec("sh", "-c", words, stdout=subprocess.PIPE)
    assert shell.stdout is not None and await shell.stdout.readline() == b"ready\n"
    family = psutil.Process(shell.pid).children(recursive=True)
    shell.kill()
    await shell.communicate()
    assert len(family) >= 2 and not psutil.wait_procs(family, timeout=10)[1]


async def test_thirty_commands_of_several_teammates_at_once(repo: Path, tmp_path: Path) -> None:
    await _real()
    shared, home = repo / ".git", tmp_path / "claude"
    home.mkdir()
    flickering = [shared / "config.lock", home / "settings.json", home / "skills"]
    scripts = []
    for name in ("ada", "bob", "cleo"):
        git(repo, "worktree", "add", "-q", "-b", name, str(tmp_path / "trees" / name))
        (tmp_path / name).mkdir()
        path = path_with_patience(tmp_path / name, tmp_path / "trees" / name, None)
        scripts.append((tmp_path / "trees" / name, shutil.which("bwrap", path=path) or ""))
    over = threading.Event()
    others = threading.Thread(target=flicker, args=(flickering, over))
    others.start()

    async def command(number: int) -> tuple[int | None, bytes, bytes]:
        tree, script = scripts[number % 3]
        walls = ["--die-with-parent", "--ro-bind", "/", "/"]
        for place in (tree, shared, home):
            walls += ["--bind", str(place), str(place)]
        for place in flickering:
            # One saw the other's file when it put its call together, another did not.
            source = place if number % 2 else Path("/dev/null")
            walls += ["--ro-bind", str(source), str(place)]
        for place in (shared / "config", shared / "hooks"):
            walls += ["--ro-bind", str(place), str(place)]
        walls += ["--dev", "/dev", "--unshare-pid", "--proc", "/proc"]
        inside = (
            f"echo {number} >{number}.txt && git add . && git config a.b c || echo {number}; exit {number}"
        )
        process = await asyncio.create_subprocess_exec(
            script,
            *walls,
            "--",
            "sh",
            "-c",
            inside,
            cwd=tree,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out, err

    try:
        done = await asyncio.gather(*map(command, range(30)))
    finally:
        over.set()
        others.join()
    assert [code for code, _, _ in done] == list(range(30)), done
    assert all(out == b"%d\n" % number for number, (_, out, _) in enumerate(done)), "config was written"
    assert not any(b"bwrap" in err for _, _, err in done), done
    assert not (shared / "config.lock").exists()
    assert all((tree / f"{number}.txt").exists() for number, (tree, _) in zip(range(3), scripts, strict=True))
    git(repo, "config", "still.works", "yes")


def flicker(places: list[Path], over: threading.Event) -> None:
    """Make and remove empty files, as the sandboxes of others do, until ``over``."""
    while not over.is_set():
        for place in places:
            place.touch()
        over.wait(0.005)
        for place in places:
            place.unlink(missing_ok=True)
        over.wait(0.005)


def test_what_may_be_left_out(repo: Path, tmp_path: Path) -> None:
    shared, tree, home = repo / ".git", tmp_path / "tree", tmp_path / "claude"
    gone = [
        ("--ro-bind", str(place), str(place))
        for place in (
            shared / "config.lock",
            shared / "config.worktree",
            tree / ".claude" / "settings.json",
            home / "settings.json",
            tmp_path / "elsewhere",
        )
    ]
    allowed = [("--bind", str(home), str(home)), ("--bind", str(tmp_path / "cache"), str(tmp_path / "cache"))]
    there = [("--ro-bind", str(shared / name), str(shared / name)) for name in ("config", "hooks")]
    lock = ("--ro-bind", "/dev/null", str(shared / "config.lock"))
    home.mkdir()
    assert list(possible([*allowed, *there, *gone, lock], str(tree))) == [
        allowed[0],
        *there,
        *gone[1:3],
        ("--ro-bind", "/dev/null", str(home / "settings.json")),
    ]


def test_what_narrows_the_walls_comes_last_but_for_the_worktrees_settings() -> None:
    own = ["--ro-bind", "/dev/null", "/r/.git/worktrees/ada/config.worktree"]
    words = ["--bind", "/r/.git", "/r/.git", *own, "--", "sh", "-c", "echo --"]
    more = ["--ro-bind", "/r/.git", "/r/.git"]
    assert narrowed(words, more) == [*words[:6], *more, *own, *words[6:]]
    assert narrowed(words, []) == words and narrowed(["--version"], more) == ["--version"]


def test_every_option_that_cannot_be_repeated_is_left_alone() -> None:
    for name in ("args", "seccomp", "file", "bind-data", "ro-bind-data", "block-fd", "json-status-fd"):
        assert parse([f"--{name}", "3", "--", "true"]) is None
    assert parse(["--setenv", "A", "--ro-bind", "--", "true"]) == ([("--setenv", "A", "--ro-bind")], ["true"])
    assert parse(["--unshare-pid", "true"]) is None and parse(["--bind", "a"]) is None
    assert bwrap_script.ARITY["--ro-bind"] == 2


async def test_commands_cannot_change_what_runs_outside_the_sandbox(
    stage: Callable[..., Any], repo: Path, tmp_path: Path
) -> None:
    await _real()
    state = repo / ".git" / "workbench"
    state.mkdir()
    command = (
        "echo bad >>$(command -v bwrap); echo bad >.git-is-$(basename $(dirname $(command -v bwrap))); "
        f"touch {state}/events.db; mv {state} {state}2; touch {repo}/.git/allowed; command -v bwrap"
    )
    script = uses(("Bash", {"command": command}), ("Bash", {"command": "echo still works"}))
    async with stage(script, {"WORKBENCH_STATE": str(state)}, sandbox="on", launchers=state) as scene:
        await scene.turn()
    assert f"{state}/workbench-claude-" in scene.results() and "still works" in scene.results()
    assert scene.results().count("Read-only file system") >= 2, scene.story()
    assert not list(state.iterdir()) and (repo / ".git" / "allowed").exists()
    assert (scene.worktree / ".git-is-bin").exists()
