"""The report of a run, as `workbench report` prints it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Static

from workbench.errors import WorkbenchError
from workbench.tui.widgets.prose import Prose, as_markdown

if TYPE_CHECKING:
    from workbench.composition.place import Place
    from workbench.core.state import RunState


class ReportScreen(Screen[None]):
    """The report of a run of ``place``, proven by git: read in the background, then it stands still."""

    CSS_PATH = "report.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("y", "copy", "Copy", tooltip="Copy the report as Markdown"),
    ]

    def __init__(self, place: Place, run: str) -> None:
        super().__init__()
        self._place, self._run = place, run
        self._text = ""

    def compose(self) -> ComposeResult:
        yield Static(f"Report of {self._run}", id="report-title", markup=False)
        yield Static("Reading its log, and asking git what has landed …", id="report-wait", markup=False)
        yield Prose(id="report")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one("#report", Prose).focus()
        self.run_worker(self._reading(), exclusive=True)

    async def _reading(self) -> None:
        from workbench.composition.past import proven_report

        waits = self.query_one("#report-wait", Static)
        try:
            state, damage = await asyncio.to_thread(_read, self._place, self._run)
            if state.plan is None:
                waits.update("Nothing is known of this run yet.")
                return
            found = await proven_report(self._place, state)
        except (WorkbenchError, OSError) as error:
            hint = getattr(error, "hint", "")
            waits.update("\n".join(filter(None, (f"✗ {error}", hint))))
            return
        from workbench.core.report import markdown

        self._text = markdown(found)
        waits.update(damage)
        waits.display = bool(damage)
        self.query_one("#report", Prose).show(as_markdown(self._text, tables=True))

    def action_copy(self) -> None:
        """Copy all of it."""
        if self._text:
            self.app.copy_to_clipboard(self._text)
            self.notify("copied the report", markup=False)


def _read(place: Place, run: str) -> tuple[RunState, str]:
    from workbench.composition.past import read_good

    state, damaged = read_good(place, run)
    return state, f"✗ {damaged}" if damaged is not None else ""
