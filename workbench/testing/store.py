"""The event log in memory, and briefs without templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
        # Where everything comes in order, as it does in all but a few tests, nothing need be looked for.
        in_order = all(one.seq < other.seq for one, other in pairwise([*log[-1:], *records]))
        taken = set[int]() if in_order else {record.seq for record in log}
        for record in records:
            if record.seq in taken:
                raise StoreError(f"record {record.seq} of run {run} is in the log already")
            taken.add(record.seq)
        if records:
            log += records
            if not in_order:
                log.sort(key=lambda record: record.seq)
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
