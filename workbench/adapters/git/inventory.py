"""What runs have in a repository: their refs, which of these another commit contains, and git's folders
about their worktrees. Refs are deleted here and nowhere else, each only where it was seen to be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.locks import remove_if_abandoned, work_trees
from workbench.adapters.git.objects import OID, full_id
from workbench.adapters.git.process import Finished, Place, decoded, encoded, run
from workbench.adapters.git.refs import ABSENT, full_ref
from workbench.adapters.git.repository import Repository
from workbench.errors import GitError

PINS = "refs/workbench/"
BRANCHES = "refs/heads/workbench/"


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref by its full name; ``commit`` is "" when it points at something else."""

    name: str
    oid: str
    commit: str


class Inventory:
    """Reads, and on request deletes, the refs of runs. ``repository`` is the user's."""

    def __init__(self, repository: Repository) -> None:
        self._common = repository.common_dir
        # As in Plumbing: nothing of ours may ever touch the user's files.
        self._place = Place(repository.common_dir, repository.common_dir)

    async def refs(self, *prefixes: str) -> list[Ref]:
        """Every ref below ``prefixes`` (all refs if none), by name."""
        form = "--format=%(objecttype) %(objectname) %(refname)"
        done = await run(self._place, "for-each-ref", form, *prefixes)
        found = []
        for line in _lines(done):
            kind, oid, name = line.split(" ", 2)
            found.append(Ref(name, oid, oid if kind == "commit" else ""))
        return found

    async def contained(self, tip: str, *prefixes: str) -> frozenset[str]:
        """Names of the refs below ``prefixes`` whose commits ``tip`` contains."""
        words = ("for-each-ref", "--format=%(refname)", f"--merged={full_id(tip)}", *prefixes)
        return frozenset(_lines(await run(self._place, *words)))

    async def beyond(self, tips: Iterable[str], held: Iterable[str]) -> frozenset[str]:
        """Those of ``tips`` that no commit of ``held`` contains."""
        wanted = sorted({full_id(tip) for tip in tips})
        if not wanted:
            return frozenset()
        lines = [*wanted, *(f"^{full_id(it)}" for it in sorted(set(held)))]
        feed = encoded("\n".join(lines) + "\n")
        done = await run(self._place, "rev-list", "--stdin", feed=feed)
        return frozenset(done.text.split()) & frozenset(wanted)

    async def dropped(self, linked: Linked, branch: str, held: Iterable[str]) -> list[str]:
        """Commits that a branch or its worktree once was at, and that neither ``held`` nor another of them
        contains: amended or reset away, they are known to the reflogs alone, which go with both."""
        logs = (linked.admin / "logs" / "HEAD", self._common / "logs" / full_ref(branch))
        once = {oid for log in logs for oid in _once(log)}
        if not once:
            return []
        lines = [*sorted(once), *(f"^{full_id(it)}" for it in sorted(set(held)))]
        words = ("rev-list", "--parents", "--ignore-missing", "--stdin")
        done = await run(self._place, *words, feed=encoded("\n".join(lines) + "\n"))
        found = [line.split() for line in done.text.splitlines()]
        parents = {parent for line in found for parent in line[1:]}
        return [line[0] for line in found if line[0] in once and line[0] not in parents]

    async def contains(self, commit: str) -> bool:
        """Whether any ref at all contains ``commit``."""
        words = ("for-each-ref", "--count=1", "--format=%(refname)", f"--contains={full_id(commit)}")
        return bool((await run(self._place, *words)).text)

    async def delete(self, refs: Sequence[Ref], standing: Mapping[str, str]) -> None:
        """Delete ``refs`` if each is still where it was seen, and every ref of ``standing`` (by name, with
        its commit), which is why they may go, as well. All or none; raises GitError for none."""
        if not refs:
            return
        lines = ["start"]
        lines += [f"verify {full_ref(name)} {full_id(oid)}" for name, oid in standing.items()]
        lines += [f"delete {full_ref(ref.name)} {full_id(ref.oid)}" for ref in refs]
        feed = encoded("\n".join([*lines, "prepare", "commit"]) + "\n")
        await run(self._place, "update-ref", "--no-deref", "--stdin", feed=feed)

    async def disk_usage(self, tips: Iterable[str], others: Iterable[str]) -> int:
        """Bytes of the objects that ``tips`` reach and ``others`` do not, as they are stored."""
        lines = [*sorted(set(tips)), *(f"^{it}" for it in sorted(set(others)))]
        feed = encoded("\n".join(lines) + "\n")
        words = ("rev-list", "--disk-usage", "--objects", "--ignore-missing", "--stdin")
        return int((await run(self._place, *words, feed=feed)).text or 0)

    async def branch_name(self, name: str) -> str:
        """``name`` when a branch may have it. Raises GitError."""
        done = await run(self._place, "check-ref-format", "--branch", name, fine=(0, 1, 128))
        if done.code or done.text != name:
            raise GitError(f"{name!r} cannot name a branch.", "Choose another, such as `recovered/notes`.")
        return name

    def worktrees(self, root: Path) -> list[Linked]:
        """Git's records of worktrees of ours below ``root``, whether or not their files are there."""
        found = []
        for admin in sorted((self._common / "worktrees").glob("workbench-*")):
            with suppress(OSError):
                pointer = Path((admin / "gitdir").read_text(errors="surrogateescape").rstrip("\n"))
                if pointer.name == ".git" and pointer.parent.parent.parent == root.absolute():
                    found.append(Linked(pointer.parent, admin, self._common))
        return found

    async def free_locks(self, prefixes: Sequence[str], seconds: float) -> list[Path]:
        """Remove locks on refs below ``prefixes`` that are older than ``seconds`` and whose owner is proven
        dead: killed gits left them. Gives what was removed."""
        found = await asyncio.to_thread(_old_locks, self._common, prefixes, seconds)
        places = work_trees(self._common) if found else []
        return [lock for lock in found if await remove_if_abandoned(lock, places)]


def _lines(done: Finished) -> list[str]:
    """Lines of git's. ``str.splitlines`` would also end one at U+2028 and the like, which a ref's name may
    hold."""
    return [line for line in decoded(done.out).split("\n") if line]


def _once(log: Path) -> list[str]:
    """Every commit that a reflog names; none when there is no such log."""
    try:
        lines = log.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    named = [word.decode("ascii", "replace") for line in lines for word in line.split(b" ", 2)[:2]]
    return [oid for oid in named if OID.fullmatch(oid) and oid != ABSENT]


def _old_locks(common: Path, prefixes: Sequence[str], seconds: float) -> list[Path]:
    found = []
    for prefix in prefixes:
        for lock in sorted((common / prefix).rglob("*.lock")):
            with suppress(FileNotFoundError):
                if time.time() - lock.lstat().st_mtime > seconds and lock.is_file():
                    found.append(lock)
    return found
