"""The shared notes of a repository: what a note is, how long it counts, and what proves it. Pure.

A note has a *strength* between 0 and 1. It begins at START, fades by ``decay`` with every half-minute in
which runs are at work, never below ``floor``, and grows by half of what it lacks whenever a landing confirms
it: that of the task it came from, or of one that changed its paths. A warning is weakened by such a landing,
and settled by that of its own task. Time that nobody works in does not count, so notes do not fade over a
weekend. A *time to live* is another matter: whoever says "for a day" means the clock on the wall.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from workbench.core.noteform import GENERAL
from workbench.core.traces import Noted, NoteKind, Proof

WORKBENCH = "workbench"
"""Who leaves warnings; no teammate is called so."""

FAILURES = "failures"
"""Where those warnings are."""

UNIT_SECONDS = 30.0
"""The half-minute of run time by which notes fade."""

START = 0.5
GAIN = 0.5
WEAKENED = 0.25
"""What is left of a warning's strength when somebody else lands what it warns of."""

CONFIDENCE = 0.7
"""How sure a teammate is that does not say."""


@dataclass(frozen=True, slots=True)
class Fading:
    """How notes fade: see the settings ``note_decay`` and ``note_floor``."""

    decay: float = 0.95
    floor: float = 0.01


@dataclass(frozen=True, slots=True)
class Note:
    """One shared note. ``strength`` is what it was at ``held_at``, seconds of run time of all the
    repository's runs; ``strength_at`` says what it is. ``made`` and ``changed`` are Unix seconds,
    ``run_seconds`` is when in its own run it was last kept. ``task``, ``attempt``, ``commit`` and ``paths``
    are evidence; ``run`` is empty for a person's. ``settled`` is a warning that was overcome."""

    id: str
    namespace: str
    text: str
    author: str
    made: float
    changed: float
    kind: NoteKind = "note"
    confidence: float = CONFIDENCE
    ttl_seconds: float | None = None
    paths: tuple[str, ...] = ()
    task: str = ""
    attempt: int = 0
    commit: str = ""
    run: str = ""
    run_seconds: float = 0.0
    strength: float = START
    held_at: float = 0.0
    settled: bool = False

    def expired(self, wall: float) -> bool:
        """Whether its time to live is over at ``wall`` (Unix seconds)."""
        return self.ttl_seconds is not None and wall >= self.made + self.ttl_seconds


def strength_at(note: Note, now: float, fading: Fading) -> float:
    """What a note's strength is at ``now``, in run time: never more than before, never below the floor, and
    0 for what is settled."""
    if note.settled:
        return 0.0
    units = max(0.0, now - note.held_at) / UNIT_SECONDS
    return float(min(1.0, max(fading.floor, note.strength * fading.decay**units)))


def proven(note: Note, proof: Proof, run: str, now: float, fading: Fading) -> Note | None:
    """The note after a landing of ``run`` that happened at ``now`` (run time), or None when that says nothing
    about it: it touched none of its paths, or came before it."""
    own = note.run == run and note.task == proof.task
    if note.settled or note.made > proof.made or not (own or touched(note.paths, proof.files)):
        return None
    if note.kind == "warning" and own:
        return replace(note, settled=True, changed=max(note.changed, proof.made))
    strength = strength_at(note, now, fading)
    strength = strength * WEAKENED if note.kind == "warning" else strength + (1.0 - strength) * GAIN
    return replace(
        note,
        strength=max(fading.floor, strength),
        held_at=max(note.held_at, now),
        changed=max(note.changed, proof.made),
    )


def note_of(noted: Noted, run: str, now: float) -> Note:
    """The shared note that a trace of ``run`` makes, kept at ``now`` (run time). The same trace gives the
    same id, whoever asks and however often."""
    return Note(
        id=note_id(run, noted.task, str(noted.attempt if noted.kind == "note" else 0), noted.name),
        namespace=noted.namespace or GENERAL,
        text=noted.text,
        author=noted.author,
        made=noted.made,
        changed=noted.made,
        kind=noted.kind,
        confidence=CONFIDENCE if noted.confidence is None else noted.confidence,
        ttl_seconds=noted.ttl_seconds,
        paths=noted.paths,
        task=noted.task,
        attempt=noted.attempt,
        commit=noted.commit,
        run=run,
        run_seconds=noted.seconds,
        held_at=now,
    )


def newer(there: Note, come: Note) -> bool:
    """Whether ``come``, of the same id, takes the place of ``there``: a warning that was given again does,
    also within one tick of the clock, a log that is read again does not."""
    if (come.run_seconds, come.made) == (there.run_seconds, there.made):
        return come.attempt > there.attempt
    return come.run_seconds > there.run_seconds and come.made > there.made


def note_id(*parts: str) -> str:
    """A short id for what ``parts`` name."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).hexdigest()[:12]


def touched(paths: Iterable[str], files: Iterable[str]) -> bool:
    """Whether one of ``files`` is one of ``paths``, or lies in one that is a folder."""
    wanted = frozenset(paths)
    return bool(wanted) and any(not wanted.isdisjoint(lineage(file)) for file in files)


def lineage(path: str) -> list[str]:
    """A path and the folders that it is in, without the top."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]
