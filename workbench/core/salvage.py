"""What was kept aside before something else took its place: how that is written down and read again."""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from workbench.core.state import AttemptState

RESET = "before the worktree was reset for other work"
REMOVED = "before the worktree was removed"

LATEST = 250_000_000_000.0
"""In the year 9892: git takes later times, and calendars do not."""

AT = "Workbench-Salvaged"
WHY = "Workbench-Reason"


def salvage_message(run: str, teammate: str, why: str, at: float) -> str:
    """The message of a snapshot of what a worktree held. ``at`` is Unix time."""
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
    return (
        f"Found uncommitted in the worktree of {teammate}\n\nKept by workbench {why}.\n\n"
        f"Workbench-Run: {run}\nWorkbench-Teammate: {teammate}\n"
        f"{AT}: {moment.replace('+00:00', 'Z')}\n{WHY}: {why}\n"
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """What a commit says of itself: when it was made, why it was kept ("" where it does not say: then it is
    no snapshot of ours but a commit that was found), and the first line of its message."""

    at: float
    why: str
    subject: str


def read_commit(raw: bytes) -> Kept:
    """Read a commit object. A line that is not as ``salvage_message`` writes it counts as not there."""
    head, _, body = raw.decode("utf-8", "replace").partition("\n\n")
    stamp = re.search(r"^committer .* (\d+) [+-]\d{4}$", head, re.MULTILINE)
    at = float(stamp.group(1)) if stamp else 0.0
    said = dict(re.findall(rf"^({AT}|{WHY}): (.+)$", body, re.MULTILINE))
    if AT in said:
        with contextlib.suppress(ValueError):
            at = datetime.datetime.fromisoformat(said[AT]).timestamp()
    return Kept(min(at, LATEST), said.get(WHY, ""), body.strip().partition("\n")[0])


def attempt_at(attempts: Iterable[AttemptState], teammate: str, at: float) -> AttemptState | None:
    """Whose work a snapshot of ``teammate``'s worktree is: the last attempt that had ended by then, or else
    the last that had begun. None when the teammate had none."""
    theirs = [it for it in attempts if it.teammate == teammate and it.started_at <= at]
    ended = [it for it in theirs if it.ended_at is not None and it.ended_at <= at]
    return max(ended or theirs, key=lambda it: it.ended_at or it.started_at, default=None)


Kind = Literal["landing", "undone", "salvage", "interrupted", "attempt", "pin"]


@dataclass(frozen=True, slots=True)
class Recoverable:
    """Something that can be brought back, and the ``command`` that does it. ``id`` is a task for landings,
    and for what a ref keeps that ref's name below the run's (``salvage/t1/3``). ``at`` is Unix time;
    ``paths`` are some of the ``files`` files that it changes, ``about`` says in a few words what it is."""

    id: str
    kind: Kind
    run: str
    at: float
    commit: str
    about: str
    command: str
    task: str = ""
    teammate: str = ""
    files: int = 0
    paths: tuple[str, ...] = ()


RECOVERED = "workbench-recovered"
"""Folder of the branches that bring something back."""


def is_pin(ident: str) -> bool:
    """Whether ``ident`` names a ref and not a task, whose id never has one of these."""
    return "/" in ident or ":" in ident


def split_pin(ident: str) -> tuple[str | None, str]:
    """The run and the name in ``RUN:NAME`` or ``NAME``."""
    run, colon, name = ident.partition(":")
    return (run, name) if colon else (None, ident)
