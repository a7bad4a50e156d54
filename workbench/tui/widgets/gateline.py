"""The last line that a gate has printed, while it runs."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.widgets import Static

from workbench.tui.presenting.queue import last_words
from workbench.tui.presenting.table import fitted

if TYPE_CHECKING:
    from workbench.composition.place import Place
    from workbench.core.history import GateRun


class GateLine(Static):
    """One line; it is not there where a recording is watched, of which nothing was kept."""

    DEFAULT_CSS = """
    GateLine { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__(id="gate-output", markup=False)

    def listen(self, place: Place | None, run: str, gates: GateRun | None) -> None:
        """Look, in the background, what ``gates`` of ``run`` have printed by now; None where none runs."""
        self.display = place is not None
        if place is None or gates is None:
            self.update("")
        else:
            # Called when its turn comes: the next look may be there before.
            heard = partial(self._heard, place, run, gates)
            self.run_worker(heard, group="gate-output", exclusive=True)  # type: ignore[arg-type]

    async def _heard(self, place: Place, run: str, gates: GateRun) -> None:
        from workbench.composition.gatelogs import gate_output

        def outputs() -> dict[str, str]:
            return {gate: gate_output(place, run, gates.commit, gate) for gate in gates.gates}

        words = last_words(await asyncio.to_thread(outputs)) or f"{gates.task}: nothing printed yet"
        self.update(fitted(words, max(1, self.size.width)))
