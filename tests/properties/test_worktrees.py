"""Worktrees in which anything was done: what lies there is collected as it is, and nothing is ever lost."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from tests.properties.conftest import examples
from tests.properties.histories import (
    GITLINK,
    Edit,
    Entry,
    Made,
    Tree,
    checked_out,
    edited,
    edits,
    histories,
    small,
)  # fmt: skip
from tests.properties.proofs import belongings, git
from tests.properties.teammates import Ledger, blob_ids, read_tree, write_tree
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import Repository, open_repository
from workbench.adapters.git.worktrees import Worktrees
from workbench.engine.ports import Prepared
from workbench.errors import GitError

DEEDS = (
    "add", "commit", "commit", "amend", "branch", "detach", "merge", "merge", "rebase", "cherry-pick",
    "stash", "reset", "no index", "index.lock", "intent", "restart", "collect", "collect", "prepare",
    "carry", "keep", "remove", "lose .git", "lose all", "unstage",
)  # fmt: skip

Deed = tuple[str, int] | tuple[Edit, ...]


@dataclass
class Bench:
    """One teammate's worktree and what is done in it, by the teammate and by workbench."""

    root: Path
    repository: Repository
    commits: list[str]
    trees: list[Tree]
    git: Plumbing = field(init=False)
    worktrees: Worktrees = field(init=False)
    at: Path | None = None
    start: str = ""
    pins: int = 0

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.root / "ledger")
        self.git = Plumbing(self.repository)
        self._restart()

    def _restart(self) -> None:
        self.worktrees = Worktrees(self.repository, self.git, self.root / "trees", "r")

    async def do(self, deed: Deed) -> None:
        if not deed:
            return
        if isinstance(deed[0], tuple):
            self._edit(deed)
            return
        name, number = deed
        assert isinstance(number, int)
        match name:
            case "restart":
                self._restart()
            case "prepare" | "carry" | "keep":
                await self._prepare(number, name)
            case "collect" if self.at is not None:
                await self._collect()
            case "remove":
                self._look()
                await self.worktrees.remove("ada")
                self.at = None
            case _ if self.at is not None and (self.at / ".git").is_file():
                self._in_git(self.at, str(name), number)

    def _look(self) -> None:
        if self.at is not None and self.at.is_dir():
            self.ledger.see(self.at)

    # -- workbench ---------------------------------------------------------------------------------------

    async def _prepare(self, number: int, how: str) -> None:
        seen = self.ledger.lines(self.at) if self.at is not None and self.at.is_dir() else []
        start = self.commits[number % len(self.commits)]
        carry = self.commits[(number + 1) % len(self.commits)] if how == "carry" else None
        if how != "keep" or self.at is None:
            self.start = start
        standing = self.at
        try:
            ready = await self.worktrees.prepare(
                "ada", self.start, carry=carry, keep=how == "keep", sparse=()
            )
        except GitError as refused:
            self.ledger.note(*seen)
            assert carry is not None, refused
            assert "unrelated histories" in str(refused) or "would be overwritten" in str(refused), refused
            return
        if self.ledger.lines(ready.path) != seen:  # not left to the teammate as it was
            self.ledger.note(*seen)
        self.at = ready.path
        if how == "prepare" or standing is None:
            self._is_as_started(ready, self.trees[self.commits.index(self.start)], how)

    def _is_as_started(self, ready: Prepared, tree: Tree, how: str) -> None:
        if how == "carry":
            return
        assert git(ready.path, "rev-parse", "HEAD") == self.start
        assert git(ready.path, "symbolic-ref", "HEAD") == f"refs/heads/{ready.branch}"
        wanted = {name: entry for name, entry in tree.items() if entry.mode != GITLINK}
        found = read_tree(ready.path)
        assert found.keys() == wanted.keys()
        for name, entry in wanted.items():
            assert found[name].mode == entry.mode
            assert found[name].data.replace(b"\r\n", b"\n") == entry.data.replace(b"\r\n", b"\n")

    async def _collect(self) -> None:
        assert self.at is not None
        self.pins += 1
        lost = not self.at.is_dir() or not (self.at / ".git").exists()
        try:
            work = await self.worktrees.collect(
                "ada", self.start, "left over", f"refs/workbench/r/work/a/{self.pins}"
            )
        except GitError:
            assert lost
            return
        assert not lost, "there is no worktree to collect from"
        self._look()
        event("collected a snapshot" if work.snapshot else "collected a commit")
        self._is_what_lay_there(work.commit)

    def _is_what_lay_there(self, commit: str) -> None:
        assert self.at is not None
        listed = git(self.root / "repo", "ls-tree", "-r", "-z", "--full-tree", commit).split("\0")
        held: dict[bytes, tuple[str, str]] = {}
        for line in filter(None, listed):
            words, _, name = line.partition("\t")
            held[name.encode("utf-8", "surrogateescape")] = (words.split()[0], words.split()[2])
        found = read_tree(self.at)
        assert found.keys() == {name for name, (mode, _) in held.items() if mode != GITLINK}
        for path, entry in found.items():
            mode, oid = held[path]
            assert (mode, oid in blob_ids(entry)) == (entry.mode, True), path

    # -- the teammate ------------------------------------------------------------------------------------

    def _edit(self, changes: tuple[Edit, ...]) -> None:
        if self.at is not None and self.at.is_dir():
            before = read_tree(self.at)
            write_tree(self.at, before, edited(before, changes, b"agent"))

    def _in_git(self, at: Path, name: str, number: int) -> None:
        other = self.commits[number % len(self.commits)]
        admin = Path(git(at, "rev-parse", "--absolute-git-dir"))
        match name:
            case "no index":
                (admin / "index").unlink(missing_ok=True)
            case "index.lock":
                (admin / "index.lock").touch()
            case "lose .git":
                (at / ".git").unlink()
            case "lose all":
                self.ledger.note(git(at, "rev-parse", "HEAD"))
                subprocess.run(["rm", "-rf", str(at)], check=True)
            case _:
                for words in COMMANDS[name]:
                    self._try(at, *(word.format(other=other, number=number) for word in words))

    def _try(self, at: Path, *words: str) -> None:
        """As an agent would: whatever comes of it."""
        quiet = ("-c", "core.editor=true", "-c", "merge.conflictStyle=zdiff3")
        subprocess.run(["git", *quiet, *words], cwd=at, capture_output=True, check=False)

    async def aclose(self) -> None:
        await self.worktrees.aclose()
        await self.git.aclose()


COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "add": (("add", "-A"),),
    "commit": (("add", "-A"), ("commit", "-q", "-m", "agent {number}")),
    "amend": (("commit", "-q", "--amend", "--allow-empty", "-a", "-m", "amended {number}"),),
    "branch": (("checkout", "-q", "-b", "side-{number}"),),
    "detach": (("checkout", "-q", "--detach"),),
    "merge": (("merge", "-q", "-m", "merged", "{other}"),),
    "rebase": (("rebase", "-q", "--autostash", "{other}"),),
    "cherry-pick": (("cherry-pick", "{other}"),),
    "stash": (("stash", "push", "-q", "-u"),),
    "reset": (("reset", "-q", "--soft", "HEAD~1"),),
    "intent": (("add", "-N", "."),),
    "unstage": (("rm", "-r", "-q", "--cached", "."),),
}

deeds: st.SearchStrategy[Deed] = st.one_of(
    st.lists(edits, min_size=1, max_size=3).map(tuple), st.tuples(st.sampled_from(DEEDS), small)
)


def outside_submodules(history: list[Made]) -> list[Made]:
    """The same commits with submodules where no teammate writes: what lies in a submodule is not collected,
    as the README says."""

    def moved(name: bytes, entry: Entry) -> bytes:
        return b"modules/" + name.replace(b"/", b"-") if entry.mode == GITLINK else name

    return [
        Made(made.parents, {moved(name, entry): entry for name, entry in made.tree.items()})
        for made in history
    ]


async def worked(root: Path, history: list[Made], done: list[Deed]) -> None:
    repo = root / "repo"
    commits = checked_out(history, repo)
    before = belongings(repo)
    bench = Bench(root, await open_repository(repo), commits, [made.tree for made in history])
    try:
        for deed in [("prepare", 0), *done, *([("collect", 0)] if len(done) % 3 else []), ("remove", 0)]:
            await bench.do(deed)
    finally:
        await bench.aclose()
    lost = bench.ledger.lost(repo)
    assert not lost, f"lost: {lost}"
    after = {name: data for name, data in belongings(repo).items() if name != "refs/stash"}
    assert after == before


@examples(25)
@given(histories(most=4).map(outside_submodules), st.lists(deeds, min_size=1, max_size=10))
def test_what_lies_in_a_worktree_is_collected_as_it_is_and_never_lost(
    history: list[Made], done: list[Deed]
) -> None:
    with tempfile.TemporaryDirectory() as root:
        asyncio.run(worked(Path(root), history, done))
