"""Teammates that work in real worktrees: they edit, commit, amend, leave things lying, crash, and resolve
conflicts, all by a script; and the ledger of what they made, of which nothing may ever be lost."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.properties.histories import EXECUTABLE, LINK, PLAIN, Edit, Entry, Tree, edited
from workbench.core.models import Marker, MarkerKind
from workbench.engine.ports import AgentReport, Assignment, Ended, Letter, Started
from workbench.testing.markers import MemoryMarkers
from workbench.testing.proofs import unreachable

MARKS = re.compile(rb"^(<{7} .*|\|{7} .*|={7}|>{7} .*)\r?\n", re.MULTILINE)

HANDLINGS = ("dirty", "commit", "mixed", "staged", "amend", "branch", "detach", "soft reset")
"""How work is left: see ``_Session.leave``."""

ENDINGS = ("done", "done", "done", "exit", "forgetful", "crash", "blocked", "idle")
"""How an attempt ends; ``idle`` changes nothing at all."""


@dataclass(frozen=True)
class Style:
    """One attempt's way of working."""

    handling: str = "dirty"
    ending: str = "done"
    resolves: bool = True
    repairs: bool = True


@dataclass(frozen=True)
class Feature:
    """What a teammate makes of one task. ``broken`` work is red alone until it is repaired."""

    edits: tuple[Edit, ...] = ()
    styles: tuple[Style, ...] = (Style(),)
    broken: bool = False

    def style(self, attempt: int) -> Style:
        return self.styles[(attempt - 1) % len(self.styles)]


# -- files ------------------------------------------------------------------------------------------------


def read_tree(root: Path) -> Tree:
    """The files of a working tree, without git's and workbench's own."""
    return dict(_files(os.fsencode(root), b""))


def _files(folder: bytes, inside: bytes) -> Iterator[tuple[bytes, Entry]]:
    for found in os.scandir(folder):
        name = inside + found.name
        if name in (b".git", b".workbench"):
            continue
        mode = found.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            yield name, Entry(LINK, os.readlink(found.path))  # noqa: PTH115 - names that are no text
        elif stat.S_ISDIR(mode):
            yield from _files(found.path, name + b"/")
        elif stat.S_ISREG(mode):
            with open(found.path, "rb") as file:  # noqa: PTH123 - names that are no text
                yield name, Entry(EXECUTABLE if mode & 0o100 else PLAIN, file.read())


def write_tree(root: Path, before: Tree, after: Tree) -> None:
    """Make the files of ``after`` out of those of ``before``."""
    top = os.fsencode(root) + b"/"
    for name in before.keys() - after.keys():
        os.unlink(top + name)  # noqa: PTH108
        _prune(root, name)
    for name, entry in after.items():
        if before.get(name) == entry:
            continue
        at = top + name
        if os.path.isdir(at) and not os.path.islink(at):  # noqa: PTH112, PTH114
            shutil.rmtree(at)  # empty folders, of submodules too
        elif os.path.lexists(at):
            os.unlink(at)  # noqa: PTH108
        os.makedirs(os.path.dirname(at), exist_ok=True)  # noqa: PTH103, PTH120
        if entry.mode == LINK:
            os.symlink(entry.data, at)  # noqa: PTH211
            continue
        with open(at, "wb") as file:  # noqa: PTH123
            file.write(entry.data)
        os.chmod(at, 0o755 if entry.mode == EXECUTABLE else 0o644)  # noqa: PTH101


def _prune(root: Path, name: bytes) -> None:
    parts = name.split(b"/")[:-1]
    while parts:
        try:
            os.rmdir(os.fsencode(root) + b"/" + b"/".join(parts))  # noqa: PTH106
        except OSError:
            return
        parts.pop()


def blob_ids(entry: Entry) -> frozenset[str]:
    """The ids that git may give a file: as it is, and with its line endings made plain by attributes."""
    return frozenset(
        hashlib.sha1(b"blob %d\0%s" % (len(data), data)).hexdigest()
        for data in (entry.data, entry.data.replace(b"\r\n", b"\n"))
    )


# -- what must be kept ----------------------------------------------------------------------------------


@dataclass
class Ledger:
    """What teammates had made when workbench took over from them. Kept in a file, so that it outlives a
    process that is killed."""

    path: Path

    def see(self, root: Path) -> None:
        """Write down every file in the worktree ``root``, and its HEAD."""
        self.note(*self.lines(root))

    @staticmethod
    def lines(root: Path) -> list[str]:
        """What there is in ``root`` to write down."""
        lines = [" ".join(sorted(blob_ids(entry))) for entry in read_tree(root).values()]
        head = head_of(root)
        return sorted([*lines, head] if head else lines)

    def note(self, *lines: str) -> None:
        """Write ids down; those of one line are all right by themselves."""
        with self.path.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def leave(self, root: Path) -> None:
        """A teammate lets go of ``root``: what lies there must be kept, unless another session of it finds
        it there as it was, and may do with it as it likes."""
        self._promote(root)
        self._left(root).write_text("".join(f"{line}\n" for line in self.lines(root)))

    def take_up(self, root: Path) -> None:
        """A session begins in ``root``."""
        if self._left(root).exists() and self._left(root).read_text().splitlines() == self.lines(root):
            self._left(root).unlink()
        self._promote(root)

    def _left(self, root: Path) -> Path:
        return self.path.with_name(f"left by {root.name}")

    def _promote(self, root: Path) -> None:
        if self._left(root).exists():
            self.note(*self._left(root).read_text().splitlines())
            self._left(root).unlink()

    def lost(self, repo: Path) -> set[str]:
        """What no ref reaches any more."""
        for left in self.path.parent.glob("left by *"):
            self.note(*left.read_text().splitlines())
        return unreachable(repo, self.path.read_text().splitlines() if self.path.exists() else ())


def head_of(root: Path) -> str:
    """The commit that is checked out in a linked worktree; "" when that cannot be told."""
    done = subprocess.run(
        ["git", "rev-parse", "--verify", "-q", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


# -- the agent --------------------------------------------------------------------------------------------


@dataclass
class Hands:
    """``engine.ports.Agent`` that plays ``features``. ``ledger`` is told what a worktree holds whenever
    the teammate lets go of it for good; call ``collected`` when the engine says that it collected."""

    features: dict[str, Feature]
    markers: MemoryMarkers
    ledger: Ledger
    continues: bool = False
    working: dict[tuple[str, int], Path] = field(default_factory=dict)

    async def work(
        self, assignment: Assignment, inbox: asyncio.Queue[Letter], report: Callable[[AgentReport], None]
    ) -> None:
        key = (assignment.task, assignment.attempt)
        self.working[key] = assignment.worktree
        self.ledger.take_up(assignment.worktree)
        try:
            await _Session(self, self.features[assignment.task], assignment, inbox, report).play()
        finally:
            self.ledger.leave(assignment.worktree)
            del self.working[key]

    def collected(self, task: str, attempt: int) -> None:
        """Workbench has collected: what lies there now must be kept, whatever the teammate does next."""
        if (task, attempt) in self.working:
            self.ledger.see(self.working[task, attempt])


@dataclass
class _Session:
    agent: Hands
    feature: Feature
    it: Assignment
    inbox: asyncio.Queue[Letter]
    report: Callable[[AgentReport], None]
    dropped: int = 0

    async def play(self) -> None:
        style = self.feature.style(self.it.attempt)
        self.report(Started(pid=None, session="s"))
        await asyncio.sleep(0)
        if style.resolves:
            self._resolve()
        if style.ending != "idle":
            self._build("why=rejected" in self.it.brief and style.repairs)
            await asyncio.sleep(0)
            self._leave(style.handling)
        await asyncio.sleep(0)
        if style.ending == "crash":
            self.report(Ended(live=False, error="it crashed"))
            return
        if style.ending == "blocked":
            self._mark("blocked")
        elif style.ending not in ("forgetful", "idle"):
            self._mark("done")
        if style.ending == "exit":
            self.report(Ended(live=False, exit_code=0))
            return
        while True:
            self.report(Ended(live=True))
            text = (await self.inbox.get()).text
            await asyncio.sleep(0)
            if "tell/gate_red" in text and style.repairs:
                self._quieten()
                self._leave(style.handling)
            self._mark("done")

    def _mark(self, kind: str) -> None:
        self.dropped += 1
        name = f"{self.it.task}-{self.it.attempt}-{self.dropped:03d}.json"
        note = "cannot" if kind == "blocked" else ""
        marker = Marker(kind=MarkerKind(kind), nonce=self.it.nonce, note=note)
        self.agent.markers.drop(self.it.worktree, name, marker)

    # -- editing -----------------------------------------------------------------------------------------

    def _change(self, change: Callable[[Tree], Tree]) -> None:
        before = read_tree(self.it.worktree)
        write_tree(self.it.worktree, before, change(before))

    def _build(self, careful: bool) -> None:
        task = self.it.task.encode()
        word = b"quiet-" + task if careful else b"token-" + task
        broken = b"" if careful or not self.feature.broken else b"broken-" + task + b"\n"

        def change(tree: Tree) -> Tree:
            now = edited(tree, self.feature.edits, word)
            now[b"work/" + task] = Entry(PLAIN, word + b"\n" + broken)
            return _quiet(now, task) if careful else now

        self._change(change)

    def _quieten(self) -> None:
        self._change(lambda tree: _quiet(tree, self.it.task.encode()))

    def _resolve(self) -> None:
        def change(tree: Tree) -> Tree:
            return {
                name: Entry(entry.mode, MARKS.sub(b"", entry.data)) if entry.mode != LINK else entry
                for name, entry in tree.items()
            }

        self._change(change)
        if self._git("ls-files", "-u"):
            self._git("add", "-A")

    # -- git ---------------------------------------------------------------------------------------------

    def _leave(self, handling: str) -> None:
        """Leave work in one of the ways that agents do; all but ``dirty`` use git."""
        if handling == "dirty":
            return
        if handling in ("branch", "detach") and not self._git("ls-files", "-u"):
            side = f"side-{self.it.task}-{self.it.attempt}"
            words = ("-b", side) if handling == "branch" else ("--detach",)
            self._git("checkout", "-q", *words, fine=(0, 1, 128))
        self._git("add", "-A")
        if handling == "staged":
            return
        again = ("--amend",) if handling == "amend" and self.dropped else ()
        self._git("commit", "-q", "--allow-empty", "-m", f"work on {self.it.task}", *again)
        if handling == "mixed":
            late = {b"late/" + self.it.task.encode(): Entry(EXECUTABLE, b"\0late\r\n")}
            self._change(lambda tree: {**tree, **late})
        if handling == "soft reset" and len(self._git("rev-list", "--parents", "-1", "HEAD").split()) == 2:
            self._git("reset", "-q", "--soft", "HEAD~1")

    def _git(self, *words: str, fine: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.it.worktree, capture_output=True, check=False, errors="surrogateescape"
        )
        assert done.returncode in fine, (words, done.stderr)
        return done.stdout


def _quiet(tree: Tree, task: bytes) -> Tree:
    """The tree with what this task says in a way that no gate minds."""
    loud = re.compile(rb"(token|broken)-" + task + rb"\b")
    return {
        name: Entry(entry.mode, loud.sub(b"quiet-" + task, entry.data)) if entry.mode != LINK else entry
        for name, entry in tree.items()
    }
