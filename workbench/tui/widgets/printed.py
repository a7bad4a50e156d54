"""What a gate prints: as its verdict has it, or as it comes while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from workbench.core.history import GateRun
from workbench.tui.presenting.checks import gate_output
from workbench.tui.presenting.prose import Line, lines_of
from workbench.tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from workbench.tui.bench import Bench

LOOK_SECONDS = 0.4

NOTHING = "no gate to show: what it prints stands here while it runs, and after"
SILENT = "it has printed nothing so far"
PRINTED_NOTHING = "it printed nothing"
RECORDED = "what it prints is not in a recording"


class GateOutput(Sheet):
    """``of`` says which gate. Its end is followed while it runs, until somebody scrolls up."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(empty=NOTHING, follows=True, id=id)
        self._run: GateRun | None = None
        self._gates: tuple[str, ...] = ()
        self._key: object = None
        self._read = False

    def on_mount(self) -> None:
        self.set_interval(LOOK_SECONDS, self._look)

    def of(self, run: GateRun | None, gates: tuple[str, ...] = ()) -> None:
        """Show what the first of these gates printed, or while they run, the last that printed something."""
        key = (run.commit, run.start, run.end, gates) if run is not None else None
        if key == self._key:
            return
        before, self._key = self._key, key
        self._run, self._gates, self._read = run, gates, False
        if run is None:
            self.empty = NOTHING
            self.show((), None)
            return
        said = gate_output(run, gates[0]) if gates else []
        self._read = bool(said)
        same = isinstance(before, tuple) and before[:2] == (run.commit, run.start) and before[3] == gates
        if said or not same:
            silent = SILENT if run.end is None else PRINTED_NOTHING
            self.empty = silent if self._place() is not None else RECORDED
            self.show(said, (run.commit, run.start, gates))
        self._look()

    def _place(self) -> object:
        return cast("Bench", self.app).place

    def _look(self) -> None:
        """Read what it has printed by now, in a thread, if anybody sees it."""
        run, place = self._run, cast("Bench", self.app).place
        seen = self.display and self.size.height > 0 and self.screen.is_current
        if run is None or place is None or self._read or not seen:
            return
        self._read = run.end is not None
        name, key, gates = cast("Bench", self.app).watched.run, self._key, self._gates

        def read() -> None:
            from workbench.composition.gatelogs import gate_output as printed

            texts = (printed(place, name, run.commit, gate) for gate in reversed(gates))
            text = next((text for text in texts if text), "")
            self.app.call_from_thread(self._printed, key, lines_of(text))

        self.run_worker(read, group="gate", exclusive=True, thread=True)

    def _printed(self, key: object, lines: list[Line]) -> None:
        if key == self._key and self._run is not None and (lines or not self.lines):
            self.show(lines, (self._run.commit, self._run.start, self._gates))
