"""Textual conflicts of a run as a viewer tells them: where, between whom, and what became of each. Pure.

The state knows how things stand; this remembers how they went, and is bounded like all that a viewer keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from workbench.core import events as e
from workbench.core.state import PERSON, RunState

MOST = 500
"""The latest conflicts that are remembered."""

HUNKS = 20_000
"""Characters of the hunks that are kept of each."""

Standing = Literal["foreseen", "found", "aside", "sent back", "at work", "given up", "settled", "cleared"]
"""What became of it: ``foreseen`` before anything was merged, and ``cleared`` since; ``found`` at a merge,
where the task then stepped ``aside``, was ``sent back`` for a fix-up that somebody is ``at work`` on, was
``given up``, or the conflict is ``settled``."""

OPEN = frozenset({"found", "aside", "sent back", "at work"})


@dataclass(slots=True)
class Clash:
    """A conflict of ``task`` with ``others`` in ``paths``, seen first ``at`` then (Unix seconds). ``by`` is
    the rung of the ladder that settled it, or who fixed it up; ``thrown`` are the rungs whose result was
    red. ``number`` counts up."""

    number: int
    at: float
    task: str
    others: tuple[str, ...]
    paths: tuple[str, ...]
    hunks: str
    standing: Standing
    by: str = ""
    thrown: tuple[str, ...] = ()


@dataclass(slots=True)
class Clashes:
    """The latest ``MOST`` conflicts by their numbers, oldest first; ``take`` folds a run's records into it.
    ``changes`` counts up with every difference."""

    found: dict[int, Clash] = field(default_factory=dict)
    changes: int = 0
    _last: int = 0
    _open: dict[str, int] = field(default_factory=dict)
    """The conflict of a task at its merge that is not settled."""
    _foreseen: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, state: RunState, record: e.Record) -> None:
        """One more record; ``state`` already includes it."""
        event = record.event
        match event:
            case e.ConflictForeseen():
                self._foresee(record.at, event)
            case e.ConflictCleared():
                self._clear(event)
            case e.ConflictFound():
                clash = self._begun(record.at, event.task, event.paths)
                clash.others, clash.paths = event.behind or clash.others, event.paths
                clash.hunks, clash.standing = event.hunks[:HUNKS] or clash.hunks, "found"
            case e.TaskDeferred(why="conflict"):
                self._stands(event.task, "aside")
            case e.TaskConflicted():
                self._sent_back(record.at, event)
            case e.CandidateMade() if event.rung:
                self._settled_by_rung(state, record.at, event)
            case e.ResolutionRejected():
                self._thrown(record.at, event)
            case e.AttemptStarted(why="conflict"):
                self._stands(event.task, "at work", event.teammate)
            case e.WorkProvided():
                self._stands(event.task, "at work", PERSON)
            case e.TaskLanded():
                self._landed(state, event)
            case e.AttemptFailed(final=True) | e.TaskSkipped():
                self._stands(event.task, "given up")
            case _:
                pass

    def newest(self) -> Iterator[Clash]:
        """All of them, the newest first."""
        return reversed(self.found.values())

    def _new(self, at: float, task: str, standing: Standing) -> Clash:
        self._last += 1
        clash = Clash(self._last, at, task, (), (), "", standing)
        self.found[clash.number] = clash
        if len(self.found) > MOST:
            del self.found[next(iter(self.found))]
        self.changes += 1
        return clash

    def _begun(self, at: float, task: str, paths: tuple[str, ...]) -> Clash:
        """The conflict at the merge of a task: the one that is open, the one that was foreseen for these
        paths, or a new one."""
        clash = self._of(task)
        if clash is None:
            touched = frozenset(paths)
            for pair, number in self._foreseen.items():
                known = self.found.get(number)
                if task in pair and known is not None and touched.intersection(known.paths):
                    del self._foreseen[pair]
                    known.others = tuple(it for it in pair if it != task)
                    known.task, clash = task, known
                    break
        if clash is None:
            clash = self._new(at, task, "found")
        self._open[task] = clash.number
        self.changes += 1
        return clash

    def _of(self, task: str) -> Clash | None:
        return self.found.get(self._open.get(task, 0))

    def _stands(self, task: str, standing: Standing, by: str = "") -> None:
        if (clash := self._of(task)) is not None:
            clash.standing, clash.by = standing, by or clash.by
            self.changes += 1

    def _foresee(self, at: float, event: e.ConflictForeseen) -> None:
        pair = _pair(event.task, event.other)
        clash = self.found.get(self._foreseen.get(pair, 0)) or self._new(at, event.task, "foreseen")
        self._foreseen[pair] = clash.number
        clash.others, clash.paths = (event.other,), event.paths
        clash.hunks, clash.standing = event.hunks[:HUNKS], "foreseen"
        self.changes += 1

    def _clear(self, event: e.ConflictCleared) -> None:
        clash = self.found.get(self._foreseen.pop(_pair(event.task, event.other), 0))
        if clash is not None:
            clash.standing = "cleared"
            self.changes += 1

    def _sent_back(self, at: float, event: e.TaskConflicted) -> None:
        clash = self._begun(at, event.task, event.paths)
        clash.others, clash.paths = event.others or clash.others, event.paths
        clash.hunks = clash.hunks or event.evidence[:HUNKS]
        clash.standing = "given up" if event.final else "sent back"

    def _settled_by_rung(self, state: RunState, at: float, event: e.CandidateMade) -> None:
        """It is settled once it has landed; until then the rung is what is being tried."""
        clash = self._begun(at, event.task, event.resolved)
        clash.paths, clash.by, clash.standing = event.resolved, event.rung, "found"
        clash.others = clash.others or _others(state, event)

    def _thrown(self, at: float, event: e.ResolutionRejected) -> None:
        clash = self._begun(at, event.task, event.paths)
        clash.paths, clash.by = event.paths, ""
        clash.thrown += (event.rung,)
        clash.standing = "found"

    def _landed(self, state: RunState, event: e.TaskLanded) -> None:
        number = self._open.pop(event.task, 0)
        clash = self.found.get(number)
        if clash is not None and clash.standing in OPEN:
            clash.standing = "settled"
            clash.by = clash.by or "a later merge without it"
            self.changes += 1
        for pair in [pair for pair in self._foreseen if event.task in pair]:
            if not all(_landed(state, task) for task in pair):
                continue
            known = self.found.get(self._foreseen.pop(pair))
            if known is not None:
                known.standing = "settled"
                self.changes += 1


def _landed(state: RunState, task: str) -> bool:
    there = state.tasks.get(task)
    return there is not None and there.landed is not None


def _pair(task: str, other: str) -> tuple[str, str]:
    return (task, other) if task < other else (other, task)


def _others(state: RunState, event: e.CandidateMade) -> tuple[str, ...]:
    """Who else changed the files that a rung resolved: what is before it in its batch, and the latest
    landings."""
    touched = frozenset(event.resolved)
    steps = state.landing.steps if state.landing is not None else []
    before = [step.task for step in steps if step.task != event.task and touched.intersection(step.files)]
    landed = [it.task for it in state.landings[-100:] if not it.undone and touched.intersection(it.files)]
    return tuple(dict.fromkeys([*landed, *before]))
