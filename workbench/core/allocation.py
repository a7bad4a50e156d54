"""Who of the free teammates gets a task, and why.

Each is scored: 0.6 of *fit* and 0.4 of *record*, both from 0 to 1. Fit looks at what the task says of itself
and at what the teammate did lately: the task's role among those it played, the task's ``files`` among those
it changed, the task's words among its roles' capabilities and its landed tasks' subjects; what the task says
nothing of does not count, and a tenth is for a worktree that stands already. Record is the share of similar
tasks (same role, shared files or folders, or two words of the subject) that landed when it tried, of those
that came to an end; 0.5 where there is none.

Nobody is overloaded. One's *fair share* is the team's attempts so far and the new one, divided by the
teammates and rounded up. Who has begun more than that is passed over while somebody free has not, so nobody
begins more than one above it; where all who are free are above it, those with the fewest are taken. Among
scores within 0.05 of the best, the one with the fewest attempts so far gets the task, then the better score,
then the place in the team.

Three things go over every score: a task that a person gave to somebody waits for that one, and comes first
with it; a task goes to whom it ``prefers`` (who made what is to be mended), if free;
and not to whom it ``avoids`` (whose agent broke at it), if anybody else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nsmallest

from workbench.core.models import Task
from workbench.core.state import RunState, TaskState, TaskStatus, TeammateState
from workbench.core.words import telling

FIT, RECORD = 0.6, 0.4
WARM = 0.1
"""The part of fit that a worktree is worth which need not be made."""

ROLE, FILES, WORDS = 3.0, 4.0, 2.0
"""What role, files and words weigh against each other in the rest of fit."""

NEAR = 0.05
"""Scores that differ by less are as good as equal."""

UNKNOWN = 0.5
"""The record of who never tried anything similar."""

RECENT = 8
"""How many of a teammate's latest attempts are looked at."""

CANDIDATES = 16
"""How many who have done something are scored for one start, those with the fewest attempts first; all who
have done nothing are alike, and the first of them stands for all."""

SHARED_WORDS = 2
MOST_FILES = 200
NAMED = 3
"""How many others are named beside the chosen one."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The teammate, and a short sentence on why; empty where there was nothing to choose by."""

    teammate: str
    because: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How good a teammate is for a task; ``reason`` says what of fit is its own."""

    teammate: str
    fit: float = 0.0
    record: float = UNKNOWN
    reason: str = ""
    landed: int = 0
    ended: int = 0
    attempts: int = 0

    @property
    def total(self) -> float:
        return FIT * self.fit + RECORD * self.record

    @property
    def telling(self) -> bool:
        """Whether it says more than that this one has a worktree, or has none."""
        return bool(self.reason or self.ended)

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        record = f" ({self.landed} of {self.ended} landed)" if self.ended else ""
        return f"{self.teammate}: fit {self.fit:.2f}{reason}, record {self.record:.2f}{record}"


def given_to(state: RunState, task: str) -> str | None:
    """The teammate that a task waits for, because a person gave it to that one; None if it is for anybody."""
    name = state.wishes.get(task)
    return None if name is None or state.teammates[name].leaving else name


def given_first(state: RunState) -> list[str]:
    """What could start, best first; but what a person gave to somebody before all else, or that one would be
    given other work again and again."""
    names = [name for _, name in state.startable]
    return sorted(names, key=lambda name: name not in state.wishes) if state.wishes else names


def choose(state: RunState, task: TaskState, free: Sequence[str], begun: int) -> Choice:
    """Who of ``free``, none of whom has a task, gets this one; ``begun`` counts the attempts of the team so
    far, those just being planned included. Time grows with len(free), by a small constant."""
    given = given_to(state, task.spec.id)
    if given is not None and given in free:
        return Choice(given, f"a person gave it to {given}")
    if task.prefers is not None and task.prefers in free:
        return Choice(task.prefers, f"{task.prefers} worked on it before" if len(free) > 1 else "")
    others = [name for name in free if name != task.avoids] or list(free)
    besides = f"; not {task.avoids}, whose agent broke at it" if len(others) < len(free) else ""
    if len(others) == 1:
        return Choice(others[0], f"{others[0]} is free{besides}" if besides else "")
    within = _within_share(state, others, begun)
    scores = [score(state, task.spec, state.teammates[name]) for name in _candidates(state, within)]
    best = max(it.total for it in scores)
    near = [it for it in scores if it.total >= best - NEAR]
    won = min(near, key=lambda it: (it.attempts, -it.total, state.teammates[it.teammate].index))
    return Choice(won.teammate, _because(won, scores, besides))


def _because(won: Score, scores: Sequence[Score], besides: str) -> str:
    if not any(it.telling for it in scores):
        return f"{won.teammate} is free{besides}" if besides else ""
    others = sorted((it for it in scores if it is not won), key=lambda it: -it.total)[:NAMED]
    fewer = any(it.total > won.total and it.attempts > won.attempts for it in others)
    said = ", ".join(f"{it.teammate} {it.total:.2f}" for it in others)
    words = f"{won}{f', {won.total:.2f} in all' if said else ''}"
    words += f"; {said}" if said else ""
    return words + (", with more attempts behind" if fewer else "") + besides


def fair_share(begun: int, team: int) -> int:
    """How many attempts are one teammate's share, when one more begins after ``begun``."""
    return -(-(begun + 1) // team)


def _within_share(state: RunState, names: list[str], begun: int) -> list[str]:
    share = fair_share(begun, len(state.teammates))
    within = [name for name in names if len(state.teammates[name].tried) <= share]
    if within:
        return within
    fewest = min(len(state.teammates[name].tried) for name in names)
    return [name for name in names if len(state.teammates[name].tried) == fewest]


def _candidates(state: RunState, names: list[str]) -> Iterator[str]:
    """Those worth scoring, of ``names`` in the order of the team."""
    known = [name for name in names if state.teammates[name].tried]
    fresh = next((name for name in names if not state.teammates[name].tried), None)
    if fresh is not None:
        yield fresh
    if len(known) > CANDIDATES:
        known = nsmallest(CANDIDATES, known, key=lambda name: len(state.teammates[name].tried))
    yield from known


def score(state: RunState, spec: Task, mate: TeammateState) -> Score:
    """How good ``mate`` is for a task, by the latest of what it tried."""
    if not mate.tried:
        return Score(mate.name)
    subject = _subject(spec)
    past = [_past(state, *tried) for tried in mate.tried[-RECENT:]]
    fit, reason = _fit(state, spec, subject, past)
    fit = (1 - WARM) * fit + WARM * bool(mate.worktree)
    ended = [it.landed for it in past if it.landed is not None and _similar(spec, subject, it)]
    record = sum(ended) / len(ended) if ended else UNKNOWN
    return Score(mate.name, fit, record, reason, sum(ended), len(ended), len(mate.tried))


# -- what a task is about ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subject:
    """``title`` are the words of a task's id and title, ``words`` those of all its text; ``files`` are places
    that its globs name for certain, ``folders`` the folders of those that are single files."""

    title: frozenset[str]
    words: frozenset[str]
    files: tuple[str, ...]
    folders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Past:
    """One attempt that a teammate made. ``landed`` is None while nothing came of it yet."""

    role: str
    subject: _Subject
    capabilities: tuple[str, ...]
    changed: frozenset[str]
    landed: bool | None


def _subject(spec: Task) -> _Subject:
    return _of_texts(spec.id, spec.title, spec.body, spec.files)


@lru_cache(maxsize=8_192)
def _of_texts(name: str, title: str, body: str, globs: tuple[str, ...]) -> _Subject:
    places = [place for glob in globs[:MOST_FILES] if (place := _place(glob))]
    return _Subject(
        title=frozenset(telling(f"{name} {title}")),
        words=frozenset(telling(f"{name} {title} {' '.join(globs)} {body}")),
        files=tuple(place for place, _ in places),
        folders=tuple(folder for _, folder in places),
    )


def _place(glob: str) -> tuple[str, str] | None:
    """The path, or the folder before its first wildcard, that a glob names; and the folder of a path. None
    for a glob that may match anywhere."""
    head = next((glob[:at] for at, letter in enumerate(glob) if letter in "*?["), None)
    if head is None:
        plain = glob.strip("/")
        return (plain, plain.rpartition("/")[0]) if plain else None
    folder = head.rpartition("/")[0].strip("/")
    return (folder, "") if folder else None


@lru_cache(maxsize=8_192)
def _with_folders(files: tuple[str, ...]) -> frozenset[str]:
    """Files and all folders above them."""
    found = set(files[:MOST_FILES])
    for file in files[:MOST_FILES]:
        folder = file.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(found)


def _past(state: RunState, name: str, number: int) -> _Past:
    task, attempt = state.tasks[name], state.attempts[name, number]
    landed: bool | None = None
    if attempt.outcome in ("failed", "blocked"):
        landed = False
    elif task.delivered_by == number and task.status is TaskStatus.LANDED:
        landed = True
    elif task.delivered_by == number and task.status is TaskStatus.FAILED:
        landed = False
    role = state.roles.get(task.spec.role)
    return _Past(
        role=task.spec.role,
        subject=_subject(task.spec),
        capabilities=role.capabilities if role is not None else (),
        changed=_with_folders(task.files) if landed else frozenset(),
        landed=landed,
    )


# -- fit and likeness ------------------------------------------------------------------------------------


def _fit(state: RunState, spec: Task, subject: _Subject, past: Sequence[_Past]) -> tuple[float, str]:
    """How much of the task the teammate knows, and of what it knows most."""
    parts: list[tuple[float, float, str]] = []
    if spec.role:
        share = sum(it.role == spec.role for it in past) / len(past)
        parts.append((ROLE, share, f"{spec.role} before"))
    if subject.files:
        share, place = _files(subject, past)
        parts.append((FILES, share, f"{place} before"))
    if subject.words:
        share, words = _words(subject, past)
        parts.append((WORDS, share, f"knows {words}"))
    whole = sum(weight for weight, _, _ in parts)
    if not whole:
        return 0.0, ""
    _, most, reason = max(parts, key=lambda part: part[0] * part[1])
    return sum(weight * share for weight, share, _ in parts) / whole, reason if most else ""


def _files(subject: _Subject, past: Sequence[_Past]) -> tuple[float, str]:
    """The share of the task's places that were changed before; half for a file beside one that was."""
    changed = frozenset[str]().union(*(it.changed for it in past))
    known, best, named = 0.0, 0.0, ""
    for file, folder in zip(subject.files, subject.folders, strict=True):
        worth = 1.0 if file in changed else 0.5 if folder and folder in changed else 0.0
        known += worth
        if worth > best:
            best, named = worth, file if worth == 1.0 else folder
    return known / len(subject.files), named


def _words(subject: _Subject, past: Sequence[_Past]) -> tuple[float, str]:
    """The share of capabilities that the task asks for, or of its subject that landed tasks had."""
    able = dict.fromkeys(word for it in past for word in it.capabilities)
    asked = [word for word in able if word in subject.words]
    done = frozenset[str]().union(*(it.subject.title for it in past if it.landed))
    common = sorted(subject.title & done)
    by_role = len(asked) / len(able) if able else 0.0
    by_work = len(common) / len(subject.title) if subject.title else 0.0
    return (by_role, ", ".join(asked[:2])) if by_role > by_work else (by_work, ", ".join(common[:2]))


def _similar(spec: Task, subject: _Subject, past: _Past) -> bool:
    if spec.role and spec.role == past.role:
        return True
    theirs = past.changed.union(past.subject.files, past.subject.folders)
    if any(place and place in theirs for place in (*subject.files, *subject.folders)):
        return True
    return len(subject.title & past.subject.title) >= SHARED_WORDS
