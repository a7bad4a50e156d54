"""What a candidate costs apart from its gates: the coordinator's own merging beside ``git merge --no-ff``.

Both merge the same branches, in turn, a batch each; in the end both must hold the same tree.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.children import watch_children_by_pidfd
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.process import environment
from workbench.adapters.git.repository import open_repository
from workbench.errors import SetupError

FILES = 5_000
BRANCHES = 100
BATCH = 8
"""Candidates that are published at once, as with the setting ``batch``."""

ENDS = 25
"""How many of the first and of the last candidates are compared: does the cost grow?"""

OURS = "refs/heads/by-workbench"
WHO = "bench <bench@workbench.invalid>"


@dataclass(frozen=True)
class MergeCost:
    """Seconds for each candidate, in order; those of workbench hold the start of its git processes.
    ``same_tree``: both ways came to the same."""

    files: int
    workbench: tuple[float, ...]
    git: tuple[float, ...]
    same_tree: bool

    @property
    def ratio(self) -> float:
        """How many times as long ``git merge`` takes, at the median."""
        return statistics.median(self.git) / statistics.median(self.workbench)

    @property
    def first(self) -> float:
        """The median of the first candidates of workbench, in seconds."""
        return statistics.median(self.workbench[:ENDS])

    @property
    def last(self) -> float:
        """The median of the last ones, which have the most landings before them."""
        return statistics.median(self.workbench[-ENDS:])


def merge_cost(files: int = FILES, branches: int = BRANCHES) -> MergeCost:
    """Measure it on a repository made for this, which is gone afterwards. Raises SetupError when git
    does not agree."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-bench-"))
    try:
        commits = make_branches(folder, files, branches)
        watch_children_by_pidfd()
        return asyncio.run(_measured(folder, files, commits))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_branches(folder: Path, files: int, branches: int) -> list[str]:
    """A repository in ``folder/repo`` with ``files`` files on main, checked out, and branches from it that
    change two files each and add one, all apart; gives the commits of the branches."""
    if 2 * branches > files:
        raise SetupError(
            f"{branches} branches cannot change two of {files} files each, all apart.",
            "Ask for more files, or for fewer branches.",
        )
    repo = folder / "repo"
    _git(folder, "init", "-q", "-b", "main", str(repo))
    for name, value in (("user.name", "bench"), ("user.email", "bench@workbench.invalid"), ("gc.auto", "0")):
        _git(repo, "config", name, value)
    _git(repo, "fast-import", "--quiet", feed="".join(_history(files, branches)))
    _git(repo, "reset", "-q", "--hard", "main")
    _git(repo, "update-ref", OURS, "main")
    return _git(repo, "rev-parse", *(f"task-{number}" for number in range(branches))).split()


def _history(files: int, branches: int) -> Iterator[str]:
    """The whole repository in git's fast-import format."""
    yield _commit("main", "base", "", ((_path(n), f"file {n}\n" * 20) for n in range(files)))
    apart = files // (2 * branches)
    for number in range(branches):
        changed = (2 * number * apart, (2 * number + 1) * apart)
        texts = [(_path(n), f"changed by {number}\n" + f"file {n}\n" * 20) for n in changed]
        texts.append((f"work/task-{number}.txt", f"new {number}\n"))
        yield _commit(f"task-{number}", f"task {number}", "from refs/heads/main\n", texts)


def _commit(branch: str, message: str, parent: str, texts: Iterable[tuple[str, str]]) -> str:
    head = f"commit refs/heads/{branch}\ncommitter {WHO} 1700000000 +0000\n"
    parts = [f"{head}data {len(message)}\n{message}\n{parent}"]
    parts += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in texts]
    return "".join(parts)


def _path(number: int) -> str:
    return f"src/part{number % 50:02d}/file{number:05d}.txt"


async def _measured(folder: Path, files: int, commits: Sequence[str]) -> MergeCost:
    repo = folder / "repo"
    git = Plumbing(await open_repository(repo))
    ours: list[float] = []
    theirs: list[float] = []
    try:
        for start in range(0, len(commits), BATCH):
            batch = commits[start : start + BATCH]
            if start // BATCH % 2:
                theirs += _merged_by_git(repo, batch)
                ours += await _landed(git, batch)
            else:
                ours += await _landed(git, batch)
                theirs += _merged_by_git(repo, batch)
        same = _git(repo, "rev-parse", f"{OURS}^{{tree}}") == _git(repo, "rev-parse", "main^{tree}")
    finally:
        await git.aclose()
    return MergeCost(files, tuple(ours), tuple(theirs), same)


async def _landed(git: Plumbing, batch: Sequence[str]) -> list[float]:
    """Land a batch as ``engine.landings`` does, without gates; gives seconds for each candidate, the
    publication shared among them."""
    base = await git.tip(OURS)
    assert base is not None, "it was made with the repository"
    costs, tip = [], base
    for commit in batch:
        began = time.perf_counter()
        merged = await git.merge(tip, commit)
        if not merged.clean:
            raise SetupError(f"The merge of {commit} is not clean: this measures nothing.")
        made = await git.commit(merged.tree, [tip, commit], f"Land {commit}\n")
        await git.changed_files(tip, made)
        costs.append(time.perf_counter() - began)
        tip = made
    began = time.perf_counter()
    if not await git.move_ref(OURS, tip, base, "workbench: bench"):
        raise SetupError(f"{OURS} was moved by somebody else: this measures nothing.")
    shared = (time.perf_counter() - began) / len(batch)
    return [cost + shared for cost in costs]


def _merged_by_git(repo: Path, batch: Sequence[str]) -> list[float]:
    costs = []
    for commit in batch:
        began = time.perf_counter()
        _git(repo, "merge", "-q", "--no-ff", "-m", f"Land {commit}", commit)
        costs.append(time.perf_counter() - began)
    return costs


def _git(where: Path, *words: str, feed: str = "") -> str:
    """Run git; gives what it says. Raises SetupError with its last words."""
    done = subprocess.run(
        ["git", "-C", str(where), *words], input=feed, capture_output=True, text=True, check=False,
        env=environment(),
    )  # fmt: skip
    if done.returncode != 0:
        raise SetupError(f"`git {words[0]}` failed in the bench's repository: {done.stderr.strip()}")
    return done.stdout.strip()
