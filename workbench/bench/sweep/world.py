"""A copy of a repository in which a command runs with a fault ordered, and nothing else of the machine."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from workbench.adapters.processes import carrying
from workbench.adapters.store.sqlite import SqliteStore
from workbench.config import PREFIX
from workbench.core.apply import fold
from workbench.core.events import Record
from workbench.core.state import RunState
from workbench.crashpoints import CRASH, TRACE
from workbench.testing import forkserver

RUN = "swept"
MARK = "WORKBENCH_BENCH"
"""Carried by all that a command starts and that is no teammate's."""

HANGS = 120.0
"""Seconds after which a command is said to hang."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (negative for a signal), what it said, and whether it hung."""

    words: tuple[str, ...]
    code: int
    said: str
    hung: bool = False


@dataclass(frozen=True)
class World:
    """One folder: ``repo``, ``worktrees``, ``ledger``, traces."""

    folder: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def state(self) -> Path:
        return self.repo / ".git" / "workbench"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def copied(self, folder: Path) -> World:
        """Another world in ``folder`` that is just like this one."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return World(folder)

    def workbench(self, *words: str, order: str = "", trace: Path | None = None) -> Ended:
        """Run a command to its end, its own or the one that was ordered."""
        own = {CRASH: order} if order else {}
        own |= {TRACE: str(trace)} if trace else {}
        with (self.folder / "said").open("w+b") as said:
            whole = self._environment(**own)
            where = ["--repo", str(self.repo)]
            process = forkserver.shared().start(
                [*words, *where], cwd=self.folder, env=whole, stdout=said, stderr=said, new_session=True
            )
            hung = False
            try:
                code = process.wait(HANGS)
            except TimeoutError:
                hung, code = True, -signal.SIGKILL
                process.kill()
                process.wait()
            said.seek(0)
            return Ended(words, code, said.read().decode("utf-8", "replace"), hung)

    def start(self, *words: str, said: IO[bytes], **env: str) -> psutil.Popen:
        """Start a command that says everything to the file ``said``; the caller waits for it."""
        return psutil.Popen(
            [sys.executable, "-m", "workbench", *words, "--repo", str(self.repo)],
            cwd=self.folder, env=self._environment(**env), stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, start_new_session=True,
        )  # fmt: skip

    def _environment(self, **env: str) -> dict[str, str]:
        own = {MARK: self.mark, "WORKBENCH_WORKTREE_ROOT": str(self.folder / "worktrees"), "NO_COLOR": "1"}
        own["WORKBENCH_RETRY_SECONDS"] = "0"  # doubled with each kill, it would be minutes
        # Teammates write to a ledger beside their worktree, by a script that may lie in a temporary folder.
        own |= {f"{PREFIX}SANDBOX_WRITE": str(self.folder), f"{PREFIX}SANDBOX_READ": tempfile.gettempdir()}
        own[f"{PREFIX}TRUST"] = "always"  # the repository was made here
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
        return kept | identity() | own | env

    def records(self, run: str = RUN) -> list[Record]:
        """The log of a run, as it stands."""
        if not (self.state / "events.db").exists():
            return []
        with SqliteStore.reading(self.state / "events.db") as store:
            return store.read(run)

    def run_state(self, run: str = RUN) -> RunState | None:
        """The state that the log folds to; None when the run has not begun."""
        records = self.records(run)
        return fold(records) if records else None

    def left(self) -> list[psutil.Process]:
        """Processes that outlived the command that started them."""
        found = [*carrying((MARK, self.mark)), *carrying(("WORKBENCH_STATE", str(self.state)))]
        return list({process.pid: process for process in found}.values())

    def remove(self) -> None:
        """End what is left in it, and delete it."""
        for process in self.left():
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def identity() -> dict[str, str]:
    """Who teammates' commits are by."""
    who = {"NAME": "Swept Teammate", "EMAIL": "teammate@example.invalid"}
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
