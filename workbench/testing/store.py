"""The event log in memory, and briefs without templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.core.events import Record
from workbench.errors import StoreError


@dataclass
class MemoryStore:
    """``engine.ports.Store`` in memory. ``appends`` lists the size of each transaction; with ``fails``
    set, the next append raises StoreError with that sentence and writes nothing."""

    logs: dict[str, list[Record]] = field(default_factory=dict)
    appends: list[int] = field(default_factory=list)
    fails: str = ""

    async def append(self, run: str, records: Sequence[Record]) -> None:
        if self.fails:
            raise StoreError(self.fails)
        log = self.logs.get(run, [])
        for due, record in enumerate(records, len(log) + 1):
            if record.seq < due:
                raise StoreError(f"record {record.seq} of run {run} is in the log already")
            if record.seq > due:
                raise StoreError(f"record {record.seq} of run {run} cannot follow record {due - 1}")
        if records:
            log += records
            self.logs[run] = log
            self.appends.append(len(records))

    def read(self, run: str, after: int = 0) -> list[Record]:
        return [record for record in self.logs.get(run, []) if record.seq > after]

    def runs(self) -> list[str]:
        return list(self.logs)


@dataclass
class PlainBriefs:
    """``engine.ports.Briefs`` that names the template and its values; ``rendered`` keeps them."""

    rendered: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def render(self, name: str, values: Mapping[str, object]) -> str:
        self.rendered.append((name, values))
        said = " ".join(f"{key}={value}" for key, value in values.items())
        return f"{name.removesuffix('.md.j2')}: {said}"
