"""The plan as files."""

from __future__ import annotations

from typing import Protocol


class PlanFile(Protocol):
    """A plan that people may change while a run goes on. ``name`` is what they call it."""

    name: str

    def changed(self, wait: bool = True) -> str | None:
        """What it holds, if somebody else wrote it since it was read or written here; with ``wait`` only once
        it was left alone since the look before. None where there is none, or none that can be read."""
        ...

    def replace(self, before: str, text: str) -> bool:
        """Write ``text`` in place of ``before``, whole or not at all; False when it holds something else.
        Raises OSError."""
        ...


class PlanFiles(Protocol):
    """The plan files of one run: ``own`` is the one that workbench writes, made when it is missing."""

    @property
    def own(self) -> PlanFile: ...

    def at(self, path: str) -> PlanFile:
        """The user's."""
        ...

    def approve_again(self, before: str, text: str) -> None:
        """The user's plan became ``text`` by its boxes alone: it is approved if ``before`` was."""
        ...
