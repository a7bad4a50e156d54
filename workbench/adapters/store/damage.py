"""What is damaged of a run's log: named, and set aside in a file beside the log, never dropped.

The file has one row a line, as JSON: ``run``, ``seq``, ``at``, ``type``, ``body`` (the event, as text) and
``hash``. What is no text any more is there in base64, as ``{"base64": "…"}``.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.adapters.store.chain import Break
from workbench.errors import StoreError

FIELDS = ("seq", "at", "type", "body", "hash")


@dataclass(frozen=True, slots=True)
class Damage:
    """The events of ``run`` from ``seq`` on are not to be relied on; ``rows`` is how many lie there, and
    ``file`` where they were set aside, if they were."""

    log: Path
    run: str
    seq: int
    rows: int
    problem: str
    file: Path | None = None

    @property
    def good(self) -> int:
        """How many events before it are whole."""
        return self.seq - 1

    def __str__(self) -> str:
        whole = f"The {self.good} events before it are whole" if self.good else "No event before it is there"
        told = f"Event {self.seq} of run {self.run} in {self.log} is damaged: {self.problem}. {whole}"
        if self.file is None:
            return f"{told}; the {self.rows} from there on cannot be relied on."
        return f"{told}; the {self.rows} from there on were set aside in {self.file}."


class DamagedRun(StoreError):
    """A run's log is whole up to a place only, which ``damage`` tells."""

    def __init__(self, damage: Damage) -> None:
        self.damage = damage
        run = damage.run
        super().__init__(
            str(damage),
            f"`workbench status {run}` shows what is known before it; `workbench resume {run}` sets the rest "
            "aside in a file beside the log, compares with git, and goes on.",
        )


def found(log: Path, run: str, at: Break, rows: int) -> Damage:
    """The damage of a chain that broke, with so many rows from there on."""
    return Damage(log, run, at.seq, rows, at.problem)


def written_aside(damage: Damage, rows: Iterable[tuple[Any, ...]], now: datetime | None = None) -> Damage:
    """``damage`` with ``rows`` written to a new file beside the log, on the disk when this returns. Raises
    OSError."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%fZ")
    run = re.sub(r"[^A-Za-z0-9-]", "_", damage.run)[:64]
    file = damage.log.with_name(f"{damage.log.stem}-damaged-{run}-{stamp}.jsonl")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as lines:
            for row in rows:
                fields = {name: _shown(value) for name, value in zip(FIELDS, row, strict=True)}
                if isinstance(row[4], bytes):
                    fields["hash"] = row[4].hex()
                lines.write(json.dumps({"run": damage.run, **fields}, ensure_ascii=False) + "\n")
            lines.flush()
            os.fsync(lines.fileno())
        synced(file.parent)
    except BaseException:
        file.unlink()  # half of it; the rows are still in the log
        raise
    return replace(damage, file=file)


def _shown(value: object) -> object:
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def synced(folder: Path) -> None:
    """Bring what a folder lists to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
