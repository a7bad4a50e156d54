"""Everything of the world that one run touches, in one value, put together by the composition."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.core.protection import Protection
from workbench.core.recall import Query, Recalled
from workbench.core.state import AttemptState
from workbench.core.traces import Trace
from workbench.engine.ports import (
    Agent,
    Briefs,
    Examiner,
    Gates,
    Git,
    Guard,
    Leak,
    Markers,
    Names,
    Notes,
    PlanFiles,
    Requested,
    Requests,
    Resolver,
    Room,
    Seat,
    Worktrees,
)


def no_extras(attempt: AttemptState, worktree: Path) -> Mapping[str, str]:
    """The environment of an attempt needs nothing besides the usual."""
    return {}


def nothing_planted(worktree: Path, deep: bool) -> tuple[str, ...]:
    """Nobody looks into worktrees."""
    return ()


def unbounded() -> None:
    """Nothing is known that bounds how many agents fit into memory."""


class NoNotes:
    """``engine.ports.Notes`` where nobody keeps any."""

    async def keep(self, run: str, traces: Sequence[Trace], seconds: float) -> None:
        return None

    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        return []


class NoExaminer:
    """``engine.ports.Examiner`` where files are known by their paths alone."""

    async def entries(self, commit: str, paths: Sequence[str]) -> Mapping[str, str]:
        return dict.fromkeys(paths, commit)

    async def patch(self, old: str, new: str, paths: Sequence[str], limit: int) -> str:
        return ""

    async def leaks(self, known: Sequence[str], new: str) -> Sequence[Leak]:
        return ()


class NoRequests:
    """Nobody can ask this run for anything."""

    async def watch(self) -> AsyncIterator[Requested]:
        await asyncio.Event().wait()
        yield  # type: ignore[misc]

    def scan(self) -> list[Requested]:
        return []

    def settle(self, request: str) -> None:
        """Nothing was given."""


class Notices:
    """Sentences for a person about what is odd but not fatal, from adapters that know no run."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._hear: Callable[[str], None] | None = None

    def say(self, sentence: str) -> None:
        """Pass a sentence on, now or once somebody hears; the same sentence is said once."""
        if sentence in self._waiting:
            return
        self._waiting.append(sentence)
        if self._hear is not None:
            self._hear(sentence)

    def heard_by(self, hear: Callable[[str], None], *, anew: bool = True) -> None:
        """Give every sentence to ``hear`` from now on, and with ``anew`` those said before."""
        self._hear = hear
        for sentence in self._waiting if anew else ():
            hear(sentence)


@dataclass(frozen=True)
class World:
    """The ports of a run, and the few values effects need.

    ``environment`` is what every agent gets (already reduced to what may reach one); ``extras`` adds to it
    for one attempt. ``room`` measures the memory there is; ``nonce`` makes the secret that binds markers to
    an attempt.
    ``restraint`` is added to the environment of an attempt that does not go by what the repository says;
    ``planted`` names what in its worktree is not what was trusted (in every folder if asked to).
    Without a ``guard`` nothing is guarded, and without ``plans`` no file shows the plan; ``seat`` is the
    lead's, in a run that has one.
    """

    git: Git
    worktrees: Worktrees
    gates: Gates
    agent: Agent
    markers: Markers
    briefs: Briefs
    resolver: Resolver
    names: Names
    environment: Mapping[str, str]
    extras: Callable[[AttemptState, Path], Mapping[str, str]] = no_extras
    room: Room = unbounded
    nonce: Callable[[], str] = field(default=lambda: secrets.token_hex(16))
    notices: Notices = field(default_factory=Notices)
    guard: Guard | None = None
    notes: Notes = field(default_factory=NoNotes)
    protection: Protection | None = None
    requests: Requests = field(default_factory=NoRequests)
    seat: Seat | None = None
    plans: PlanFiles | None = None
    examiner: Examiner = field(default_factory=NoExaminer)
    restraint: Mapping[str, str] = field(default_factory=dict)
    planted: Callable[[Path, bool], tuple[str, ...]] = nothing_planted
