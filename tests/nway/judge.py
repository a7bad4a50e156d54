"""Whether a command is green on a tree: run once in a clean checkout, and remembered."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.nway.landing import surroundings
from tests.replay.history import git

SECONDS = 600.0


@dataclass(slots=True)
class Judge:
    """Judges commits of ``repo`` in a worktree of its own, made anew for every tree."""

    repo: Path
    folder: Path
    known: dict[tuple[str, str], str] = field(default_factory=dict)
    runs: int = 0
    _tree: str = ""

    def red(self, commit: str, commands: Iterable[str]) -> str:
        """The first of ``commands`` that is red on ``commit``, with the end of its output; "" when all are
        green."""
        tree = git(self.repo, "rev-parse", f"{commit}^{{tree}}").out.decode().strip()
        for command in dict.fromkeys(commands):
            if (tree, command) not in self.known:
                self.known[tree, command] = self._run(tree, command)
            if said := self.known[tree, command]:
                return f"{command}: {said}"
        return ""

    def _run(self, tree: str, command: str) -> str:
        place = self.folder / "judged"
        if tree != self._tree:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            index = place.with_suffix(".index")
            index.unlink(missing_ok=True)
            words = [f"--git-dir={self.repo / '.git'}", f"--work-tree={place}"]
            env = surroundings(self.folder) | {"GIT_INDEX_FILE": str(index)}
            subprocess.run(["git", *words, "read-tree", "-um", tree], cwd=place, env=env, check=True)
            self._tree = tree
        self.runs += 1
        return _said(command, place, surroundings(self.folder))


def _said(command: str, place: Path, env: dict[str, str]) -> str:
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        out, _ = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"it ran for more than {SECONDS:.0f} seconds"
    return "" if process.returncode == 0 else out[-1500:].strip() or f"exit code {process.returncode}"
