"""The lines of a backup of notes: written, and read with every doubt. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core.noteform import confidence_of, namespace_of, paths_of, plain_text, ttl_of
from workbench.core.notes import Fading, Note, strength_at
from workbench.core.plain import UNPRINTABLE

FORMAT = 1
"""The format of a line; a newer one is refused, never guessed at."""

NAME_LIMIT = 200
"""Characters of an author, a task, a run or a commit."""

LINE_LIMIT = 100_000
"""Characters of a line: the longest note, every character of it escaped, takes less."""

WRONG_LINES = 10
"""Wrong lines that are named before the rest are only counted."""


def line_of(note: Note, now: float, fading: Fading) -> str:
    """A note as a line of a backup, with the strength that it has at ``now`` (run time)."""
    fields: dict[str, object] = {"format": FORMAT}
    fields |= {name: getattr(note, name) for name in FIELDS}
    fields["strength"] = round(strength_at(note, now, fading), 6)
    fields["paths"] = list(note.paths)
    return json.dumps(fields, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line of a backup that is no note, and why."""

    number: int
    sentence: str


def read_lines(lines: Sequence[str]) -> tuple[list[Note], list[WrongLine]]:
    """The notes that the lines of a backup hold, held at no time yet, and the lines that hold none; empty
    ones are passed over."""
    notes: list[Note] = []
    wrong: list[WrongLine] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            notes.append(_note(line))
        except ValueError as problem:
            wrong.append(WrongLine(number, str(problem)))
    return notes, wrong


def _note(line: str) -> Note:
    fields = _fields(line)
    if fields.pop("format", None) != FORMAT:
        raise ValueError(f"its `format` is not {FORMAT}; another version of workbench may have written it.")
    if unknown := sorted(fields.keys() - FIELDS.keys()):
        raise ValueError(f"a note has no field {ascii(unknown[0])[:40]}.")
    for name, wanted in FIELDS.items():
        _check(name, fields, wanted)
    if fields["kind"] not in ("note", "warning"):
        raise ValueError("`kind` is note or warning.")
    if not fields["made"] > 0 or not 0 <= fields["strength"] <= 1 or fields["attempt"] < 0:
        raise ValueError("`made` is after 1970, `strength` from 0 to 1, `attempt` not negative.")
    return Note(
        **{
            **fields,
            "text": plain_text(fields["text"]),
            "namespace": namespace_of(fields["namespace"]),
            "confidence": confidence_of(fields["confidence"]),
            "ttl_seconds": ttl_of(fields["ttl_seconds"]),
            "paths": paths_of(fields["paths"]),
        },
    )


def _fields(line: str) -> dict[str, Any]:
    if len(line) > LINE_LIMIT:
        raise ValueError(f"it is longer than {LINE_LIMIT} characters.")
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON, from column {error.colno} on.") from None
    except (RecursionError, ValueError):  # nested too deeply, or a number of too many digits
        raise ValueError("it is no JSON that a backup holds.") from None
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object.")
    return found


NUMBER = (int, float)
FIELDS: Mapping[str, tuple[type, ...]] = {
    "id": (str,),
    "namespace": (str,),
    "text": (str,),
    "author": (str,),
    "kind": (str,),
    "made": NUMBER,
    "changed": NUMBER,
    "confidence": NUMBER,
    "ttl_seconds": (*NUMBER, type(None)),
    "paths": (list,),
    "task": (str,),
    "attempt": (int,),
    "commit": (str,),
    "run": (str,),
    "run_seconds": NUMBER,
    "strength": NUMBER,
    "settled": (bool,),
}
"""What a line holds besides its format: all of it."""


def _check(name: str, fields: Mapping[str, Any], wanted: tuple[type, ...]) -> None:
    if name not in fields:
        raise ValueError(f"it has no `{name}`.")
    value = fields[name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise ValueError(f"its `{name}` is not of the kind that it should be.")
    if isinstance(value, float | int) and not (math.isfinite(value) and abs(value) < 1e15):
        raise ValueError(f"its `{name}` is no number that a note has.")
    if isinstance(value, list) and not all(isinstance(path, str) for path in value):
        raise ValueError("its `paths` are not all texts.")
    if isinstance(value, str) and name not in ("text", "namespace"):
        if len(value) > NAME_LIMIT or UNPRINTABLE.search(value) or "\n" in value or "\t" in value:
            raise ValueError(f"its `{name}` is too long, or no plain text on one line.")
        if not value and name in ("id", "author"):
            raise ValueError(f"its `{name}` is empty.")
