"""One merge of the history, made again: as a landing makes it, and as git does."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from typing import Literal

from tests.replay.history import Merge, git
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import Repository
from workbench.adapters.structure.ladder import proposals
from workbench.adapters.structure.weakening import weakened
from workbench.core.union import Resolution
from workbench.errors import GitError, UsageError, WorkbenchError

SILENCE = 120.0  # seconds after which a merge counts as hung
REGULAR = frozenset({"100644", "100755"})
Outcome = Literal["same", "different", "conflict", "refused"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What git itself makes of a merge: its tree, or the stages (mode, blob) of every path in conflict."""

    tree: str
    clean: bool
    stages: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)


@dataclass(slots=True)
class File:
    """One file in conflict: the rung of its first proposal ("" for none), and whether that proposal, or
    any, is what people committed: byte for byte, or but for white space. ``kind`` says what is not text."""

    path: str
    rung: str = ""
    equal: bool = False
    alike: bool = False
    any_equal: bool = False
    kind: str = "text"


@dataclass(slots=True)
class Trial:
    """One merge made again. ``said`` explains what differs, or why git refuses it."""

    merge: Merge
    outcome: Outcome
    said: str = ""
    as_committed: bool = False
    files: list[File] = field(default_factory=list)

    @property
    def rung(self) -> str:
        """The rung that resolves the whole merge: the last one needed; "" when a file is left over."""
        rungs = [one.rung for one in self.files]
        return max(rungs, key=RUNGS.index) if rungs and all(rungs) else ""


RUNGS = ("", "union", "list", "structure")


class Replayer:
    """Makes merges again in a scratch repository."""

    def __init__(self, repository: Repository) -> None:
        self.plumbing = Plumbing(repository)
        self._place = repository.root
        self._attributes: dict[str, str] = {}

    async def replay(self, merge: Merge) -> Trial:
        """Make ``merge`` both ways. UsageError, with the commit's id, when the repository lacks an object."""
        try:
            theirs, ours = await asyncio.gather(
                asyncio.to_thread(self._by_git, merge), self._by_workbench(merge)
            )
            if isinstance(ours, str) or theirs is None:
                refused = isinstance(ours, str) and theirs is None
                return Trial(
                    merge, "refused" if refused else "different", str(ours) if refused else _unlike(ours)
                )
            if ours.clean != theirs.clean or ours.tree != theirs.tree:
                return Trial(merge, "different", f"git: {_shown(theirs)}; workbench: {_shown(ours)}")
            if theirs.clean:
                return Trial(merge, "same", as_committed=theirs.tree == merge.tree)
            if set(ours.stages) != set(theirs.stages):
                return Trial(
                    merge,
                    "different",
                    f"in conflict for git: {sorted(theirs.stages)}; here: {sorted(ours.stages)}",
                )
            files = [await self._file(merge, path, found) for path, found in sorted(theirs.stages.items())]
            return Trial(merge, "conflict", files=files)
        except WorkbenchError as error:
            raise UsageError(f"Merge {merge.commit} cannot be replayed: {error}", error.hint) from error

    async def aclose(self) -> None:
        await self.plumbing.aclose()

    async def _by_workbench(self, merge: Merge) -> Judged | str:
        try:
            async with asyncio.timeout(SILENCE):
                made = await self.plumbing.merge(merge.ours, merge.theirs)
        except GitError as error:
            return str(error)
        except TimeoutError:
            return f"no answer in {SILENCE:.0f} seconds"
        return Judged(made.tree if made.clean else "", made.clean, {path: {} for path in made.paths})

    def _by_git(self, merge: Merge) -> Judged | None:
        """None when git refuses: unrelated histories."""
        self._check_out_attributes(merge.ours)
        words = ("merge-tree", "--write-tree", "-z", "--no-messages", merge.ours, merge.theirs)
        done = git(self._place, *words, fine=(0, 1, 128))
        fields = done.out.split(b"\0")
        if done.code == 128 or len(fields[0]) != 40:
            if "unrelated histories" in done.complaint:
                return None
            raise GitError(f"git merge-tree failed: {done.complaint.strip() or 'it wrote no tree'}")
        if done.code == 0:
            return Judged(fields[0].decode(), True)
        stages: dict[str, dict[int, tuple[str, str]]] = {}
        for entry in filter(None, fields[1:]):
            head, _, path = entry.decode(errors="surrogateescape").partition("\t")
            mode, blob, stage = head.split()
            stages.setdefault(path, {})[int(stage)] = (mode, blob)
        return Judged("", False, stages)

    def _check_out_attributes(self, commit: str) -> None:
        """``git merge`` runs in a checkout of ``commit``: of that, attributes are what a merge reads."""
        raw = git(self._place, "ls-tree", "-r", "-z", "--full-tree", commit).out
        wanted: dict[str, str] = {}
        for entry in filter(None, raw.split(b"\0")):
            head, _, path = entry.decode(errors="surrogateescape").partition("\t")
            if path.rpartition("/")[2] == ".gitattributes" and head.startswith("100"):
                wanted[path] = head.split()[2]
        if wanted == self._attributes:
            return
        for one in self._place.iterdir():
            if one.name != ".git":
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        for path, blob in wanted.items():
            target = self._place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(git(self._place, "cat-file", "blob", blob).out)
        self._attributes = wanted

    async def _file(self, merge: Merge, path: str, stages: dict[int, tuple[str, str]]) -> File:
        if not {2, 3} <= set(stages):
            return File(path, kind="deleted or renamed")
        if stages[2][0] != stages[3][0] or stages[2][0] not in REGULAR:
            return File(path, kind="modes, links or modules")
        texts = [await self._text(stages[n][1]) if n in stages else "" for n in (1, 2, 3)]
        base, ours, theirs = texts
        if base is None or ours is None or theirs is None:
            return File(path, kind="binary")
        known = base if 1 in stages else None
        found = await asyncio.to_thread(_held, path, known, ours, theirs)
        if not found:
            return File(path)
        committed = await self._committed(merge, path)
        return File(
            path,
            rung=found[0].rung,
            equal=found[0].text == committed,
            alike=committed is not None and _flat(found[0].text) == _flat(committed),
            any_equal=any(one.text == committed for one in found),
        )

    async def _committed(self, merge: Merge, path: str) -> str | None:
        raw = await self.plumbing.objects.contents(f"{merge.tree}:{path}") if "\n" not in path else None
        return None if raw is None else _decoded(raw)

    async def _text(self, blob: str) -> str | None:
        raw = await self.plumbing.objects.contents(blob)
        if raw is None:
            raise GitError(f"There is no object {blob} in this repository.", "Is it a partial clone?")
        return _decoded(raw)


def _held(path: str, base: str | None, ours: str, theirs: str) -> list[Resolution]:
    """The proposals that a landing would gate."""
    found = proposals(path, base, ours, theirs)
    return [one for one in found if not weakened(base, ours, theirs, one.text, path)]


def _decoded(raw: bytes) -> str | None:
    try:
        return None if b"\0" in raw else raw.decode()
    except UnicodeDecodeError:
        return None


def _flat(text: str) -> str:
    return "".join(text.split())


def _shown(one: Judged) -> str:
    return f"tree {one.tree}" if one.clean else f"conflict in {', '.join(sorted(one.stages))}"


def _unlike(ours: Judged | str) -> str:
    return (
        f"git merges it, workbench says: {ours}"
        if isinstance(ours, str)
        else "git refuses it, workbench merges it"
    )
