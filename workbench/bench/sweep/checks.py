"""What must hold when a run, an undoing or a landing is over, whatever struck on the way."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.lock import owner
from workbench.bench.sweep.plan import Subject
from workbench.bench.sweep.world import RUN, World
from workbench.core.events import TaskLanded
from workbench.rehearsal.edit import sentence
from workbench.testing.proofs import belongings, damage, landings_of, locks_left, unreachable

BRANCH = f"workbench/{RUN}/integration"

GONE_SECONDS = 10.0
"""How long git processes of a killed command may take to find out that nobody reads them any more."""


@dataclass(frozen=True)
class Reference:
    """What an untouched stage came to. ``branch`` is the one whose tree counts, a line of ``git ls-tree -r``
    for each file; ``belongings`` is what the
    user's checkout looks like from then on, None where that is what was changed."""

    branch: str
    tree: frozenset[str]
    landed: frozenset[str]
    belongings: Mapping[str, bytes] | None


def reference(world: World, branch: str, theirs: Mapping[str, bytes] | None) -> Reference:
    """The reference that ``world`` gives, whose stage was not disturbed."""
    return Reference(branch, tree_of(world.repo, branch), frozenset(_landed(world)), theirs)


def broken(world: World, subject: Subject, wanted: Reference) -> list[str]:
    """A sentence for every invariant that does not hold."""
    return [*_work(world, subject, wanted), *_litter(world), *_ours(world, wanted)]


def _work(world: World, subject: Subject, wanted: Reference) -> Iterator[str]:
    if found := damage(world.repo):
        yield f"git fsck: {found[:300]}"
        return  # what git cannot read tells nothing
    landed = _landed(world)
    if again := [task for task, count in Counter(landed).items() if count > 1]:
        yield f"landed twice: {', '.join(again)}"
    if (missing := wanted.landed - set(landed)) or set(landed) - wanted.landed:
        yield f"other tasks landed than undisturbed ({', '.join(missing) or 'more'})"
    told = Counter(it.event.task for it in world.records() if isinstance(it.event, TaskLanded))
    if twice := [task for task, count in told.items() if count > 1]:
        yield f"told twice that they landed: {', '.join(twice)}"
    if subject.exact and (other := tree_of(world.repo, wanted.branch) ^ wanted.tree):
        names = sorted({line.partition("\t")[2] for line in other})
        yield f"{wanted.branch} has other files than undisturbed: {', '.join(names[:8])}"
    if not subject.exact:
        yield from _edits(world, wanted, set(landed))
    lines = world.ledger.read_text(encoding="utf-8").splitlines() if world.ledger.exists() else []
    if lost := unreachable(world.repo, lines):
        yield f"no ref reaches what teammates made: {', '.join(sorted(lost))[:200]}"


def _edits(world: World, wanted: Reference, landed: set[str]) -> Iterator[str]:
    """Where the order of landings decides, each task's own edit must be there."""
    for task in landed:
        words = ["git", "grep", "-q", "-F", "-e", sentence(task, "1"), wanted.branch]
        if subprocess.run(words, cwd=world.repo, check=False, capture_output=True).returncode:
            yield f"the edit of {task} is not on {wanted.branch}"


def _litter(world: World) -> Iterator[str]:
    deadline = time.monotonic() + GONE_SECONDS
    while (left := world.left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    if left:
        yield f"processes are left: {', '.join(str(process) for process in left)[:300]}"
    if locks := locks_left(world.repo):
        yield f"locks are left: {', '.join(locks)}"
    if held := owner(world.state):
        yield f"the repository is locked by process {held.pid}"
    if files := [path for path in _below(world.folder / "worktrees") if path.is_file()]:
        yield f"worktrees are left: {', '.join(str(path) for path in files[:3])}"
    listed = _git(world.repo, "worktree", "list", "--porcelain").split("\n\n")
    if len([entry for entry in listed if entry.strip()]) > 1:
        yield "git still knows of worktrees"
    admin = world.repo / ".git"
    drafts = [*admin.glob("workbench/worktree-*"), *admin.glob("info/exclude?*"), *admin.rglob("*.new")]
    if drafts := [path for path in drafts if path.exists()]:
        yield f"drafts are left: {', '.join(str(path) for path in drafts)}"


def _ours(world: World, wanted: Reference) -> Iterator[str]:
    if wanted.belongings is None:
        if dirty := _git(world.repo, "status", "--porcelain"):
            yield f"the checkout is not clean: {dirty[:200]}"
        return
    now = belongings(world.repo)
    if changed := [
        name for name in {*now, *wanted.belongings} if now.get(name) != wanted.belongings.get(name)
    ]:
        yield f"changed, and the user's: {', '.join(sorted(changed)[:5])}"


def tree_of(repo: Path, branch: str) -> frozenset[str]:
    """The files of a branch or tree, as git lists them."""
    return frozenset(_git(repo, "ls-tree", "-r", branch).splitlines())


def _landed(world: World) -> list[str]:
    state = world.run_state()
    return landings_of(world.repo, BRANCH, state.base) if state else []


def _below(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*")) if folder.exists() else []


def _git(repo: Path, *words: str) -> str:
    command = ["git", "--no-optional-locks", *words]
    return subprocess.run(command, cwd=repo, capture_output=True, text=True, check=True).stdout.strip()
