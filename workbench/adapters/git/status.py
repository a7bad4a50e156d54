"""What ``git status --porcelain=v2 --branch -z`` says, read."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.adapters.git.process import Place, decoded, run

WORDS = ("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--no-ahead-behind",
         "--untracked-files=all", "--ignore-submodules=dirty")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A path that differs. ``kind`` is git's: ``1`` changed, ``u`` unmerged, ``?`` untracked;
    ``code`` its two letters (index, working tree)."""

    kind: str
    code: str
    path: str


@dataclass(frozen=True, slots=True)
class Status:
    """``head`` is None on a branch without commits; ``branch`` is "" when HEAD is detached."""

    head: str | None
    branch: str
    entries: tuple[Entry, ...]


FIELDS_BEFORE_PATH = {"1": 8, "2": 9, "u": 10, "?": 1, "!": 1}


def parse(raw: bytes) -> Status:
    """Read the answer of git. A renamed entry (``2``) carries its old name in the next field."""
    head: str | None = None
    branch = ""
    entries: list[Entry] = []
    fields = iter(decoded(raw).split("\0"))
    for field in fields:
        if field.startswith("# branch.oid "):
            oid = field.removeprefix("# branch.oid ")
            head = None if oid == "(initial)" else oid
        elif field.startswith("# branch.head "):
            name = field.removeprefix("# branch.head ")
            branch = "" if name == "(detached)" else name
        elif field and field[0] in FIELDS_BEFORE_PATH:
            words = field.split(" ", FIELDS_BEFORE_PATH[field[0]])
            entries.append(Entry(field[0], words[1] if field[0] in "12u" else "??", words[-1]))
            if field[0] == "2":
                next(fields)
    return Status(head, branch, tuple(entries))


async def status_of(place: Place) -> Status:
    """Every path of a worktree that differs from its HEAD or index, ignored ones left out."""
    return parse((await run(place, *WORDS)).out)
