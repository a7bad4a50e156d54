"""The real command line as a subprocess, in a world of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.testing import forkserver

Event = dict[str, Any]


@dataclass
class CommandLine:
    """Runs ``workbench`` in ``cwd``; every process it leaves behind fails the test."""

    cwd: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __call__(
        self, *words: str, cwd: Path | None = None, **env: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; a variable that is None is taken out of its environment."""
        whole = {name: value for name, value in (os.environ | env).items() if value is not None}
        with tempfile.TemporaryFile("w+b") as out, tempfile.TemporaryFile("w+b") as err:
            process = forkserver.shared().start(words, cwd=cwd or self.cwd, env=whole, stdout=out, stderr=err)
            try:
                code: int | None = process.wait(240)
            except TimeoutError:
                code = None
            finally:
                process.kill()
                process.wait(10)
            out.seek(0)
            err.seek(0)
            done, said = out.read().decode(), err.read().decode()
            assert code is not None, f"{' '.join(words)} did not end:\n{done[-4000:]}\n{said}"
            return subprocess.CompletedProcess(words, code, done, said)

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start a command that prints JSON lines; read them with ``until``."""
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench", *words],
            cwd=self.cwd, env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose agent broke is tried again at once, not after seconds."""
    monkeypatch.setenv("WORKBENCH_RETRY_SECONDS", "0.05")


def until(process: subprocess.Popen[str], wanted: Callable[[Event], bool]) -> list[Event]:
    """Events up to the first that is ``wanted``; fails with what was said when none comes."""
    assert process.stdout is not None and process.stderr is not None
    seen: list[Event] = []
    for text in process.stdout:
        seen.append(json.loads(text))
        if wanted(seen[-1]):
            return seen
    raise AssertionError(f"the run ended first: {seen[-3:]}\n{process.stderr.read()}")


def events(text: str) -> list[Event]:
    """What ``--json`` printed."""
    return [json.loads(line) for line in text.splitlines()]


def of(kind: str, found: list[Event]) -> list[Event]:
    """Those of one type."""
    return [event for event in found if event["type"] == kind]


@pytest.fixture
def workbench(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommandLine]:
    # What a test looks at lies outside of worktrees; tests/e2e/test_walls.py is about what is not opened.
    monkeypatch.setenv("WORKBENCH_SANDBOX_WRITE", str(repo.parent))
    line = CommandLine(repo)
    yield line
    for process in line.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    if any(process.returncode < 0 for process in line.started):  # what a killed run had ends by itself soon
        psutil.wait_procs(leftovers(repo), timeout=10)
    assert not leftovers(repo), "processes were left behind"


def leftovers(repo: Path) -> list[psutil.Process]:
    """Processes of teammates of this test's repository that still live."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("WORKBENCH_STATE", "").startswith(str(repo)):
                found.append(process)
        except psutil.Error:
            continue
    return found
