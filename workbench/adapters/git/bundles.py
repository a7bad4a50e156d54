"""Commits in a file: git bundles, written for another checkout and read with suspicion."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import Place, decoded, encoded, run
from workbench.adapters.git.repository import Repository
from workbench.core.delivery import Commit
from workbench.errors import GitError

GONE = "000000"
"""The mode of what is not there."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that differs between two commits: mode and object that it has in the second (mode ``000000``
    where it is gone), and those it ``was``."""

    path: str
    mode: str
    oid: str
    was: tuple[str, str] = (GONE, "")


def _place(repository: Repository) -> Place:
    repository.state_dir.mkdir(parents=True, exist_ok=True)
    return Place(repository.common_dir, repository.state_dir)


async def write(repository: Repository, ref: str, base: str, into: Path) -> None:
    """Write what ``ref`` has beyond ``base`` to the file ``into``."""
    await run(_place(repository), "bundle", "create", "-q", str(into.absolute()), ref, f"^{full_id(base)}")


async def heads(repository: Repository, bundle: Path) -> dict[str, str]:
    """What the bundle brings, ref and commit, once git has verified it against this repository. Raises
    GitError when it is damaged, or builds on commits that are not here."""
    place, file = _place(repository), str(bundle.absolute())
    await run(place, "bundle", "verify", "-q", file)
    listed = (await run(place, "bundle", "list-heads", file)).text.splitlines()
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in listed)}


async def take(repository: Repository, bundle: Path, tip: str, into: str) -> None:
    """Take the bundle's objects in, and hold its commit ``tip`` by the ref ``into``. GitError when one of
    them is bad: a tree with ``.git`` or ``..`` in it, or a history that is not whole."""
    # Not `git fetch`: until 2.46 that looks at nothing that comes from a bundle, whatever fsckObjects says.
    raw = await asyncio.to_thread(bundle.read_bytes)
    _, blank, pack = raw.partition(b"\n\n")
    if not blank or not pack.startswith(b"PACK"):
        raise GitError("There is no pack in it.")
    place = _place(repository)
    await run(place, "index-pack", "--stdin", "--fix-thin", "--strict", feed=pack)
    await run(place, "update-ref", into, full_id(tip))


async def drop(repository: Repository, ref: str) -> None:
    """Let go of a ref that ``take`` made; fine when there is none."""
    await run(_place(repository), "update-ref", "-d", ref)


async def chain(repository: Repository, base: str, tip: str) -> list[Commit]:
    """The first parents of ``tip`` down to ``base``, oldest first, without it."""
    words = ("--first-parent", "--reverse", "--format=%H %T %P", f"{full_id(base)}..{full_id(tip)}", "--")
    lines = (await run(_place(repository), "log", *words)).text.splitlines()
    return [Commit(oid, tree, tuple(parents)) for oid, tree, *parents in (line.split() for line in lines)]


async def changes(repository: Repository, base: str, tip: str) -> list[Changed]:
    """Every path that differs between the two."""
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", full_id(base), full_id(tip))
    fields = decoded((await run(_place(repository), *words)).out).split("\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    return [_changed(about, path) for about, path in pairs]


def _changed(about: str, path: str) -> Changed:
    before, mode, old, oid, _ = about.removeprefix(":").split(" ")
    return Changed(path, mode, oid, (before, old))


async def text(repository: Repository, oid: str) -> str:
    """What a file holds, or where a symbolic link leads."""
    return decoded((await run(_place(repository), "cat-file", "blob", full_id(oid))).out)


async def holds(repository: Repository, commit: str, text: str) -> bool:
    """Whether some file of the commit has exactly this text."""
    raw = encoded(text)
    oid = hashlib.sha1(b"blob %d\0%s" % (len(raw), raw), usedforsecurity=False).hexdigest()
    listed = (await run(_place(repository), "ls-tree", "-r", "-z", full_id(commit))).out
    return any(entry.startswith(b"100") and oid.encode() in entry for entry in listed.split(b"\0"))


async def has(repository: Repository, commit: str) -> bool:
    """Whether there is such a commit here."""
    done = await run(_place(repository), "cat-file", "-e", f"{full_id(commit)}^{{commit}}", fine=(0, 1, 128))
    return done.code == 0
