"""A branch of ours on ``origin`` that is pushed again and again, and never over anybody else's work.

What was pushed is noted on the remote, in a ref of our own beside the branch, in the same step: a branch that
is where the note says was moved by nobody since, and may be replaced.
"""

from __future__ import annotations

from workbench.adapters.git.objects import full_id
from workbench.adapters.git.process import Place, last_words
from workbench.adapters.git.repository import Repository
from workbench.adapters.git.target import as_user
from workbench.errors import GitError

NOTE = "refs/workbench/delivered/"
"""Where the note of a branch is, with the branch's name behind it."""


async def replace(repository: Repository, branch: str, commit: str) -> str:
    """Make ``branch`` on ``origin`` be ``commit``: a new branch, one that goes forward, or one that nobody
    but us moved. Gives what it was before ("" for nothing). Raises GitError, and nothing has moved."""
    place = Place(repository.git_dir, repository.root)
    ref, note = f"refs/heads/{branch}", f"{NOTE}{branch}"
    found = await _found(place, ref, note)
    old, noted = found.get(ref, ""), found.get(note, "")
    if old == commit == noted:
        return old
    mine = not old or old == noted
    leases = [f"--force-with-lease={note}:{noted}", *([f"--force-with-lease={ref}:{old}"] if mine else [])]
    forced = "+" if mine else ""
    refs = (f"{forced}{full_id(commit)}:{ref}", f"+{commit}:{note}")
    done = await as_user(place, "push", "--atomic", "-q", *leases, "origin", *refs, session=False)
    if done.code == 0:
        return old
    if not mine:
        raise GitError(
            f"{branch} on origin is at {old[:10]}, which workbench did not push: it was left as it is.",
            "Delete or rename that branch, or name another with --branch.",
        )
    raise GitError(f"git could not push {branch} to origin: {last_words(done.err)}")


async def _found(place: Place, *refs: str) -> dict[str, str]:
    done = await as_user(place, "ls-remote", "origin", *refs, session=False)
    if done.code != 0:
        raise GitError(f"git could not ask origin for its branches: {last_words(done.err)}")
    return {ref: oid for oid, _, ref in (line.partition("\t") for line in done.text.splitlines())}
