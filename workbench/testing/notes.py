"""Shared notes in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from workbench.core.notes import Fading, Note, newer, note_of, proven
from workbench.core.recall import Query, Recalled, ranked
from workbench.core.traces import Noted, Proof, Trace
from workbench.errors import StoreError


@dataclass
class FakeNotes:
    """``engine.ports.Notes`` in memory. ``notes`` holds them by id, ``clock`` the run time of each run. With
    ``fails`` set every call raises StoreError with that sentence. ``wall`` is what times to live go by."""

    notes: dict[str, Note] = field(default_factory=dict)
    clock: dict[str, float] = field(default_factory=dict)
    fading: Fading = field(default_factory=Fading)
    wall: Callable[[], float] = lambda: 0.0
    fails: str = ""
    _proofs: set[tuple[str, str]] = field(default_factory=set)

    async def keep(self, run: str, traces: Sequence[Trace], seconds: float) -> None:
        if self.fails:
            raise StoreError(self.fails)
        if not self.notes and not any(isinstance(trace, Noted) for trace in traces):
            return
        others = self._others(run)
        self.clock[run] = max(seconds, self.clock.get(run, 0.0))
        for trace in traces:
            now = others + trace.seconds
            if isinstance(trace, Noted):
                come = note_of(trace, run, now)
                there = self.notes.get(come.id)
                if not come.expired(self.wall()) and (there is None or newer(there, come)):
                    self.notes[come.id] = come
            else:
                self._prove(trace, run, now)

    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        if self.fails:
            raise StoreError(self.fails)
        now = self._others(run) + max(seconds, self.clock.get(run, 0.0))
        return ranked(self.notes.values(), query, now, self.wall(), self.fading)

    def _prove(self, proof: Proof, run: str, now: float) -> None:
        for note in list(self.notes.values()):
            after = proven(note, proof, run, now, self.fading)
            if after is not None and (note.id, proof.commit) not in self._proofs:
                self._proofs.add((note.id, proof.commit))
                self.notes[note.id] = after

    def _others(self, run: str) -> float:
        return sum(seconds for name, seconds in self.clock.items() if name != run)
