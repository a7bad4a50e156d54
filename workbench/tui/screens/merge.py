"""The merge queue, the landings, and what stood in the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from workbench.tui.presenting import landings, trouble
from workbench.tui.presenting import merge as shown
from workbench.tui.presenting.table import Row
from workbench.tui.screens.landing import LandingScreen
from workbench.tui.screens.tabbed import TabbedScreen
from workbench.tui.screens.undoing import undo_landing
from workbench.tui.widgets.flow import Flow
from workbench.tui.widgets.listing import Listing
from workbench.tui.widgets.printed import GateOutput
from workbench.tui.widgets.rows import Rows
from workbench.tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from workbench.core.watched import Watched

LISTS = {
    "conflicts": (trouble.CONFLICTS, trouble.NO_CONFLICTS),
    "semantic": (trouble.SEMANTICS, trouble.NO_SEMANTICS),
    "flakes": (trouble.FLAKES, trouble.NO_FLAKES),
}
"""Parts in which what is beneath the cursor is told in full below."""


class MergeScreen(TabbedScreen):
    """The merge queue, the landings, and what stood in the way."""

    CSS_PATH = "merge.tcss"
    FILTERS: ClassVar[bool] = True
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012 - declared so by Screen
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-tall")]  # noqa: RUF012
    TABS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("queue", "Queue"),
        ("landings", "Landings"),
        ("conflicts", "Conflicts"),
        ("semantic", "Semantic"),
        ("flakes", "Flakes"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "Undo", tooltip="Take the landing with the cursor off the branch again"),
        Binding("t", "task", "Task", tooltip="Open the task of the row"),
        Binding("L", "land", "Land", tooltip="Copy the command that brings what landed to your branch"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._graph = landings.Graph()

    # -- what is seen ---------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Flow(id="facts")
        with Container(id="both"):
            with Vertical(id="left"):
                yield from self.parts()
            with Vertical(id="gate"):
                yield Flow(id="gate-head")
                yield GateOutput(id="printed")

    def pane(self, name: str) -> Widget:
        """See TabbedScreen."""
        if name == "queue":
            return Listing(shown.QUEUE, empty=shown.NO_QUEUE, id="queue")
        if name == "landings":
            return Listing(landings.LANDINGS, empty=landings.NO_LANDINGS, id="landings")
        columns, empty = LISTS[name]
        rows = Listing(columns, empty=empty, id=f"{name}-rows")
        return Vertical(rows, Sheet(id=f"{name}-full"), id=name, classes="split")

    def on_mount(self) -> None:
        self.opened()

    def opened(self) -> None:
        """See TabbedScreen."""
        self.set_class(self.tab == "queue", "-on-queue")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        state = watched.state
        self.query_one("#facts", Flow).show(shown.facts(watched))
        self.label(
            {
                "queue": len(state.queue) + (len(state.landing.tasks) if state.landing is not None else 0),
                "landings": len(state.landings),
                "conflicts": len(watched.history.clashes.found),
                "semantic": len(state.semantics),
                "flakes": len(state.flaky),
            }
        )
        self._rows().show(self._found(watched))
        self._show_full()
        run = shown.running(watched) or shown.latest(watched)
        self.query_one("#gate-head", Flow).show(shown.gate_head(run))
        self.query_one(GateOutput).of(run, shown.gates_of(run))

    def _rows(self) -> Rows:
        return self.query_one(f"#{self.tab}-rows" if self.tab in LISTS else f"#{self.tab}", Rows)

    def _found(self, watched: Watched) -> Sequence[Row]:
        match self.tab:
            case "queue":
                return self._kept(shown.queue(watched))
            case "landings":
                return self._landings(watched)
            case "conflicts":
                return self._kept(trouble.conflicts(watched))
            case "semantic":
                return self._kept(trouble.semantics(watched.state))
            case _:
                return self._kept(trouble.unreliable(watched.state))

    def _kept(self, rows: list[Row]) -> list[Row]:
        return (
            [row for row in rows if self.matches(*(cell.text for cell in row.cells))] if self.filter else rows
        )

    def _landings(self, watched: Watched) -> Sequence[Row]:
        if not watched.state.landings:
            return ()
        if not self.filter:
            return self._graph.rows(watched.state)
        return [
            landings.unconnected(row)
            for row in self._graph.rows(watched.state)
            if self.matches(landings.words(row))
        ]

    def _show_full(self) -> None:
        if self.tab not in LISTS:
            return
        rows, watched = self._rows(), self.bench.watched
        if self.tab == "conflicts":
            lines = trouble.conflict(watched, rows.key)
        elif self.tab == "semantic":
            lines = trouble.semantic(watched.state, rows.key)
        else:
            row = next((row for row in rows.rows if row.key == rows.key), None)
            lines = trouble.flake(row) if row is not None else []
        self.query_one(f"#{self.tab}-full", Sheet).show(lines, rows.key)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Tell the row in full."""
        self._show_full()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Open the landing or the task, or go into what is told in full."""
        if self.tab in LISTS:
            self.query_one(f"#{self.tab}-full").focus()
        elif self.tab == "queue":
            self.bench.open_task(event.key)
        elif (landing := landings.landing_at(self.bench.watched.state, event.key)) is not None:
            self.app.push_screen(LandingScreen(landing.commit))

    def copied(self) -> str:
        """See RunScreen."""
        return self._rows().key.removeprefix("u") if self.tab == "landings" else self._about()

    # -- what is done ---------------------------------------------------------------------------

    def _about(self) -> str:
        """The task of the row with the cursor."""
        key, watched = self._rows().key, self.bench.watched
        match self.tab:
            case "queue":
                return key
            case "landings":
                landing = landings.landing_at(watched.state, key)
                return landing.task if landing is not None else ""
            case "conflicts":
                clash = watched.history.clashes.found.get(int(key or 0))
                return clash.task if clash is not None else ""
            case "semantic":
                return watched.state.semantics[int(key)].task if key else ""
            case _:
                return ""

    def action_task(self) -> None:
        """Open the task of the row."""
        if name := self._about():
            self.bench.open_task(name)

    def action_undo(self) -> None:
        """Take the landing with the cursor off the branch."""
        if self.tab != "landings":
            self.bench.say("Choose a landing first: they stand under Landings.")
            return
        landing = landings.landing_at(self.bench.watched.state, self._rows().key)
        if landing is None:
            self.bench.say("There is no landing here to undo.")
        elif landing.undone:
            self.bench.say(f"{landing.task} was undone already, by {landing.undone[:10]}.", bad=True)
        else:
            undo_landing(self.app, landing.task)

    def action_land(self) -> None:
        """Copy the command that lands what there is on the branch that the run is for."""
        state = self.bench.watched.state
        if not state.standing:
            self.bench.say("Nothing stands on the branch yet: there is nothing to land.")
            return
        command = shown.land_command(state)
        self.app.copy_to_clipboard(command)
        more = f" on {state.target}" if state.target else ""
        self.bench.say(f"copied: {command}\nit lands {len(state.standing)} tasks{more}, once the run is over")
