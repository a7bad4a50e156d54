"""The log of one run as lines of JSON, each with its hash: for another machine, to be read with suspicion.

A line holds a row as it lies in the database: ``seq``, ``at``, ``type``, ``body`` (a text of JSON) and
``hash``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.adapters.store.chain import Stored, Verified, Walk
from workbench.core.events import Record, load
from workbench.errors import StoreError


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    seq: int
    at: float
    type: str
    body: str
    hash: str


def write(rows: Iterable[Stored], into: Path) -> Verified:
    """Write ``rows`` to the file ``into``; gives how many there were, and the hash of the last."""
    count, head = 0, b""
    with into.open("w", encoding="utf-8", newline="\n") as file:
        for seq, at, kind, body, digest in rows:
            line = {"seq": seq, "at": at, "type": kind.decode(), "body": body.decode(), "hash": digest.hex()}
            file.write(json.dumps(line) + "\n")
            count, head = count + 1, digest
    return Verified(count, head.hex())


def read(path: Path, run: str) -> tuple[list[Record], Verified]:
    """The records of ``run`` in the file, and what stands for them. Raises StoreError, which names the event,
    when a line is not what ``write`` writes, or the chain does not hold."""
    with path.open(encoding="utf-8", newline="\n") as file:
        way = Walk(run, _rows(file))
        records = [_record(row) for row in way]
    if way.broken is not None:
        raise StoreError(f"The chain of the log breaks at event {way.broken.seq}: {way.broken.problem}.")
    return records, Verified(len(records), way.head.hex())


def _rows(lines: Iterator[str]) -> Iterator[Stored]:
    number = 0
    try:
        for number, text in enumerate(lines, 1):  # noqa: B007 - for whom it fails
            line = _Line.model_validate_json(text)
            yield line.seq, line.at, line.type.encode(), line.body.encode(), bytes.fromhex(line.hash)
    except (ValidationError, ValueError) as error:
        raise StoreError(f"Line {number} of the log is no event with its hash.") from error


def _record(row: Stored) -> Record:
    try:
        return Record(row[0], row[1], load(row[2].decode(), row[3]))
    except (KeyError, ValueError) as error:
        raise StoreError(
            f"Event {row[0]} of the log is none that this version of workbench knows."
        ) from error
