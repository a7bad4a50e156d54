"""Worktrees that the user lends to a teammate, and gets back as they were.

What is lent is written down in git's own folder about the worktree, before anything is changed in it: so it
is given back whoever is still there to do it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.adapters.git.administration import Linked
from workbench.adapters.git.placeholders import FOLDER
from workbench.adapters.git.process import run
from workbench.adapters.git.status import status_of
from workbench.adapters.git.submodules import filled
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import UsageError

LENT = "workbench-lent"
"""The file that says to whom a worktree is lent."""

SOME = 5
"""Paths that a refusal names."""


@dataclass(frozen=True, slots=True)
class Loan:
    """To whom a worktree is lent, and what it is to be again: ``branch`` is the full ref of its branch, ""
    when HEAD was detached, ``tip`` the commit; ``folder`` says that it had a folder of ours before."""

    run: str
    teammate: str
    branch: str
    tip: str
    folder: bool = False


def loan_of(linked: Linked) -> Loan | None:
    """To whom a worktree is lent; None when to nobody."""
    try:
        found = json.loads((linked.admin / LENT).read_text(encoding="utf-8"))
        return Loan(**found)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def loans(common_dir: Path, run: str) -> dict[str, Linked]:
    """The worktrees lent to a run, by teammate."""
    found = {}
    for record in sorted((common_dir / "worktrees").glob(f"*/{LENT}")):
        pointer = _line(record.parent / "gitdir")
        linked = Linked((record.parent / pointer).parent, record.parent, common_dir)
        loan = loan_of(linked)
        if loan is not None and loan.run == run and pointer:
            found[loan.teammate] = linked
    return found


def lent_at(path: Path, common_dir: Path) -> Linked | None:
    """The worktree that stands at ``path``, if it is lent to somebody."""
    pointer = _line(path / ".git").removeprefix("gitdir: ")
    admin = Path(pointer)
    if not pointer or admin.parent != common_dir / "worktrees" or not (admin / LENT).is_file():
        return None
    return Linked(path, admin, common_dir)


def users_own(path: Path, common_dir: Path) -> Linked:
    """The linked worktree of the user's at ``path``. Raises UsageError where there is none."""
    fresh = "Leave it out, and workbench makes one; or: git worktree add ../mine"
    if not path.is_absolute() or path.is_symlink() or not path.is_dir():
        raise UsageError(f"There is no worktree at {path}.", fresh)
    if (path / ".git").is_dir():
        raise UsageError(f"{path} is a main checkout, which no teammate works in.", fresh)
    pointer = _line(path / ".git").removeprefix("gitdir: ")
    admin = (path / pointer).resolve()
    if not pointer or admin.parent != common_dir / "worktrees":
        raise UsageError(f"{path} is no worktree of the run's repository.", fresh)
    linked = Linked(path, admin, common_dir)
    if admin.name.startswith("workbench-"):
        raise UsageError(f"{path} is a worktree that workbench made for a teammate.", fresh)
    if problem := linked.problem():
        raise UsageError(f"{path} cannot be used: {problem}", "`git worktree repair` may mend it.")
    return linked


async def demand_clean(linked: Linked) -> str:
    """The commit that a worktree is at. Raises UsageError when it holds anything that is not committed, or
    something was begun in it and not ended."""
    status = await status_of(linked.place)
    if linked.operation() or linked.heads("MERGE_HEAD"):
        raise UsageError(
            f"In {linked.path} a merge or rebase was begun and not ended.", "End it, or give it up, first."
        )
    if status.head is None:
        raise UsageError(f"The branch of {linked.path} has no commit yet.", "Make one first.")
    if inside := await filled(linked, {".gitmodules": ""} if (linked.path / ".gitmodules").exists() else {}):
        raise UsageError(
            f"{linked.path} holds files in submodules that are not checked out: {', '.join(inside[:SOME])}.",
            "Move them away; or join with --fresh, and workbench makes another worktree.",
        )
    if status.entries:
        paths = [entry.path for entry in status.entries]
        some = ", ".join(paths[:SOME]) + (", …" if len(paths) > SOME else "")
        raise UsageError(
            f"{linked.path} holds what is not committed: {some}.",
            "Commit it or `git stash -u`; or join with --fresh, and workbench makes another worktree.",
        )
    return status.head


async def lend(linked: Linked, to_run: str, teammate: str) -> None:
    """Lend a worktree. Raises UsageError as ``demand_clean`` does, and when somebody else has it."""
    loan = loan_of(linked)
    if loan is not None and (loan.run, loan.teammate) == (to_run, teammate):
        return
    if loan is not None:
        raise UsageError(
            f"{linked.path} is lent to {loan.teammate} of the run {loan.run}.",
            f"It is given back when {loan.teammate} leaves; after a crash, by `workbench clean {loan.run}`.",
        )
    tip = await demand_clean(linked)
    head = _line(linked.admin / "HEAD")
    branch = head.removeprefix("ref: ") if head.startswith("ref: ") else ""
    made = Loan(to_run, teammate, branch, tip, (linked.path / FOLDER).exists())
    crashpoint("worktree.lend")
    draft = linked.admin / f"{LENT}.new"
    draft.write_text(json.dumps(asdict(made)), encoding="utf-8")
    draft.replace(linked.admin / LENT)
    killpoint("worktree.lent")


async def give_back(linked: Linked) -> None:
    """Put files and HEAD back as they were when the worktree was lent. The caller has kept what is in it. The
    branch itself was never touched; where it is gone, HEAD is the commit that it was at."""
    loan = loan_of(linked)
    if loan is None:
        return
    crashpoint("worktree.give-back")
    linked.drop_operations()
    short = loan.branch.removeprefix("refs/heads/")
    known = (
        bool(short)
        and not (await run(linked.place, "show-ref", "--verify", "--quiet", loan.branch, fine=(0, 1))).code
    )
    where = ("--ignore-other-worktrees", short) if known else ("--detach", loan.tip)
    await run(linked.place, "checkout", "-f", "-q", *where, "--")
    await run(linked.place, "clean", "-ffdq", "-e", f"/{FOLDER}/")
    killpoint("worktree.half-given-back")
    if not loan.folder and not (linked.path / FOLDER).is_symlink():
        shutil.rmtree(linked.path / FOLDER, ignore_errors=True)
    (linked.admin / LENT).unlink(missing_ok=True)
    killpoint("worktree.given-back")


def _line(path: Path) -> str:
    """The one line in a small file; "" when there is no such file."""
    try:
        return path.read_text(errors="surrogateescape").rstrip("\n") if path.is_file() else ""
    except FileNotFoundError:
        return ""
