"""What people do with the shared notes of a repository: keep, ask, forget, back up, restore."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from workbench.composition.place import Place
from workbench.core.noteform import confidence_of, namespace_of, paths_of, plain_text, ttl_of
from workbench.core.notelines import WRONG_LINES, line_of, read_lines
from workbench.core.notes import Note, strength_at
from workbench.core.recall import Query, Recalled
from workbench.core.state import PERSON
from workbench.errors import UsageError

SURE = 1.0
"""How sure a person is that does not say."""

SHORTEST_ID = 4
"""Characters of an id that are enough, where only one note's begins with them."""

UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}

T = TypeVar("T")


@dataclass(frozen=True)
class Given:
    """A note as a person gives it; ``ttl`` is in seconds, or in minutes, hours or days: `90`, `12h`."""

    text: str
    namespace: str = ""
    paths: tuple[str, ...] = ()
    ttl: str = ""
    confidence: float | None = None


def seconds_of(ttl: str) -> float | None:
    """A time to live in seconds; None for none. Raises UsageError."""
    if not ttl:
        return None
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)([smhd]?)", ttl.strip())
    if match is None:
        raise UsageError(f"{ttl!r} is no time.", "Give seconds, or minutes, hours or days: 90, 30m, 12h, 7d.")
    return _checked("--ttl", ttl_of, float(match[1]) * UNITS[match[2]])


def keep(place: Place, given: Given) -> Note:
    """Keep a person's note. Raises UsageError for what cannot be one, StoreError."""
    now = time.time()
    note = Note(
        id=secrets.token_hex(6),
        namespace=_checked("--namespace", namespace_of, given.namespace),
        text=_checked("the text", plain_text, given.text),
        author=PERSON,
        made=now,
        changed=now,
        confidence=SURE
        if given.confidence is None
        else _checked("--confidence", confidence_of, given.confidence),
        ttl_seconds=seconds_of(given.ttl),
        paths=_checked("--path", paths_of, given.paths),
        commit=place.repository.head,
    )
    return place.notes().add(note)


def ask(place: Place, words: str, namespace: str, paths: Sequence[str], limit: int) -> list[Recalled]:
    """Notes that answer, best first. Raises UsageError, StoreError."""
    namespace = _checked("--namespace", namespace_of, namespace) if namespace else ""
    query = Query(words, _checked("--path", paths_of, paths), namespace, limit, settled=True)
    return place.notes().search(query)


def listed(place: Place, namespace: str) -> list[Recalled]:
    """All notes, the strongest first. Raises UsageError, StoreError."""
    wanted = _checked("--namespace", namespace_of, namespace) if namespace else ""
    notes = place.notes()
    every, now = notes.every()
    found = [
        Recalled(note, strength := strength_at(note, now, notes.fading), strength * note.confidence)
        for note in every
        if not wanted or note.namespace == wanted or note.namespace.startswith(f"{wanted}/")
    ]
    return sorted(found, key=lambda it: (-it.score, -it.note.made, it.note.id))


def named(place: Place, wanted: str) -> Recalled:
    """The note with that id, or the one whose id begins so. Raises UsageError, StoreError."""
    found = [it for it in listed(place, "") if it.note.id == wanted]
    if not found and len(wanted) >= SHORTEST_ID:
        found = [it for it in listed(place, "") if it.note.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} notes have ids that begin with {wanted!r}.", "Give more of the id.")
    raise UsageError(f"There is no note {wanted!r} here.", "`workbench note list` shows all, with their ids.")


def forget(place: Place, wanted: str) -> Note:
    """Forget a note for good. Raises UsageError, StoreError."""
    note = named(place, wanted).note
    place.notes().forget(note.id)
    return note


def backup(place: Place) -> list[str]:
    """All notes as lines of JSON, oldest first. Raises StoreError."""
    notes = place.notes()
    every, now = notes.every()
    return [line_of(note, now, notes.fading) for note in every]


def write_backup(lines: Sequence[str], file: Path) -> None:
    """Write a backup, whole or not at all, for its owner's eyes. Raises UsageError."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.writelines(f"{line}\n" for line in lines)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise UsageError(
            f"{file} cannot be written: {error.strerror}.", "Name a file in a folder of yours."
        ) from None


def restore(place: Place, data: bytes, name: str) -> tuple[int, int]:
    """Bring the notes of a backup called ``name`` in: how many came, and how many were left alone. All or
    none: raises UsageError that names every wrong line, StoreError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: this is no UTF-8 text.", "Nothing was restored.") from None
    notes, wrong = read_lines(text.split("\n"))
    if wrong:
        lines = [f"{name}:{it.number}: {it.sentence}" for it in wrong[:WRONG_LINES]]
        lines += [f"and {len(wrong) - WRONG_LINES} more lines"] if len(wrong) > WRONG_LINES else []
        raise UsageError(
            "\n".join(lines), "Nothing was restored. Take these lines out, or mend them, and try again."
        )
    return place.notes().restore(notes)


def _checked(what: str, check: Callable[..., T], value: object) -> T:
    try:
        return check(value)
    except ValueError as problem:
        raise UsageError(
            f"{what} cannot be used: {problem}", "`workbench note add --help` says more."
        ) from None
