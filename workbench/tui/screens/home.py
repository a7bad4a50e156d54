"""Runs of this repository, plans to approve, and what doctor finds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.worker import get_current_worker

from workbench.errors import WorkbenchError
from workbench.tui.presenting import home
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.header import content
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.composition.overview import PlanSummary, Runs, RunSummary
    from workbench.composition.place import Place
    from workbench.core.watched import Watched
    from workbench.doctor import Finding

AGAIN_SECONDS = 2.0
"""How often runs are looked at again while the screen is seen, and every fifth time the plans."""

TOLD_SECONDS = 0.1
"""How often what was read so far is handed over, at most."""

WIDE = 130


class HomeScreen(RunScreen):
    """Runs of this repository, plans to approve, and what doctor finds. All of it is read in the background:
    the screen is there at once, and is filled as things are known."""

    CSS_PATH = "home.tcss"
    FILTERS: ClassVar[bool] = True
    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "resume", "Resume", tooltip="Copy the command that goes on with the run"),
        Binding("R,c", "report", "Report", tooltip="Read the run's report, proven by git"),
        Binding(
            "f5,ctrl+r", "refresh", "Look again", show=False, tooltip="Look at runs, plans and doctor again"
        ),
    ]

    class Found(Message):
        """Runs as far as they were read."""

        def __init__(self, runs: Sequence[RunSummary], at: float, trouble: str = "") -> None:
            super().__init__()
            self.runs, self.at, self.trouble = runs, at, trouble

    class Plans(Message):
        """The plans of the repository."""

        def __init__(self, plans: Sequence[PlanSummary]) -> None:
            super().__init__()
            self.plans = plans

    def __init__(self) -> None:
        super().__init__()
        self._reader: Runs | None = None
        self._runs: dict[str, RunSummary] = {}
        self._plans: dict[str, PlanSummary] = {}
        self._findings: dict[str, Finding] = {}
        self._at = 0.0
        self._looks = 0

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Static("Runs", id="runs-title", classes="title", markup=False)
        yield Rows(home.RUN_COLUMNS, empty="reading the log …", id="runs")
        with Container(id="below"):
            with Vertical(id="plans-pane"):
                yield Static("Plans", id="plans-title", classes="title", markup=False)
                yield Rows(home.PLAN_COLUMNS, empty="looking for plans …", id="plans")
            with Vertical(id="findings-pane"):
                yield Static("Doctor", id="findings-title", classes="title", markup=False)
                yield Rows(home.FINDING_COLUMNS, empty="looking at the machine …", id="findings")
        yield Static("", id="detail", markup=False)

    def on_mount(self) -> None:
        """Begin to look, and go on looking while the screen is seen."""
        if self.bench.place is None:
            self.query_one("#runs-title", Static).update("A recording: one run, without its repository")
            for name in ("#plans", "#findings"):
                self._rows(name).empty = home.NOT_IN_A_RECORDING
            return
        self.set_interval(AGAIN_SECONDS, self._now_and_then)
        self._examine(self.bench.place)

    def on_screen_resume(self) -> None:
        """What happened meanwhile is looked at at once."""
        self._look(plans=True)

    def on_resize(self, event: events.Resize) -> None:
        """Side by side where there is room."""
        self.set_class(event.size.width >= WIDE, "wide")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        if watched.state.seq:
            from workbench.composition.overview import summary

            live = watched.run if watched.live else ""
            trouble = watched.trouble if watched.caught_up else ""
            if watched.caught_up or watched.run not in self._runs:
                known = {watched.run: summary(watched.state, live, trouble)}
                self._runs = {**self._runs, **known} if watched.run in self._runs else {**known, **self._runs}
        if self.bench.place is None:
            self._at = self.bench.now
        self._draw()

    def _draw(self) -> None:
        runs = [it for it in home.ordered(self._runs.values()) if self.matches(it.run, it.title, it.reason)]
        self._rows("#runs").show(home.run_rows(runs, self._at))
        plans = [it for it in self._plans.values() if self.matches(it.shown, it.title)]
        self._rows("#plans").show(home.plan_rows(plans))
        findings = [it for it in self._findings.values() if self.matches(it.name, it.sentence)]
        self._rows("#findings").show(home.finding_rows(findings))
        self._detail()

    def _rows(self, name: str) -> Rows:
        return self.query_one(name, Rows)

    # -- looking --------------------------------------------------------------------------------

    def _now_and_then(self) -> None:
        if self.is_current:
            self._looks += 1
            self._look(plans=self._looks % 5 == 0)

    def _look(self, *, plans: bool) -> None:
        place = self.bench.place
        if place is None or any(
            it.group == "look" and it.node is self and not it.is_finished for it in self.workers
        ):
            return
        self.run_worker(lambda: self._looking(place, plans=plans), group="look", thread=True)

    def _looking(self, place: Place, *, plans: bool) -> None:
        """In a thread: read what has grown, and hand it over piece by piece."""
        from workbench.composition.overview import Runs, plans_of

        worker = get_current_worker()

        def stop() -> bool:
            return worker.is_cancelled or not self.is_running

        reader = self._reader = self._reader or Runs(place)
        found: dict[str, RunSummary] = {}
        told, trouble = time.monotonic(), ""
        try:
            for run in reader.look(stop):
                found[run.run] = run
                if time.monotonic() - told > TOLD_SECONDS:
                    told = time.monotonic()
                    self.post_message(self.Found(tuple(found.values()), time.time()))
        except (WorkbenchError, OSError) as error:
            trouble = str(error)
        if stop():
            return
        self.post_message(self.Found(tuple(found.values()), time.time(), trouble))
        if plans:
            known = [run.plan_file for run in found.values() if run.plan_file]
            try:
                self.post_message(self.Plans(plans_of(place, known, stop)))
            except (WorkbenchError, OSError):
                return  # the log's trouble is told where the runs stand

    def on_home_screen_found(self, event: Found) -> None:
        """Show what was read."""
        if event.runs or not event.trouble:
            self._runs = {run.run: run for run in event.runs}
        self._at = event.at
        self._rows("#runs").empty = event.trouble or home.NO_RUN
        self._rows("#runs").refresh()
        title = Content(f"Runs  ✗ {event.trouble}" if event.trouble else "Runs")
        self.query_one("#runs-title", Static).update(title, layout=False)
        self.again()

    def on_home_screen_plans(self, event: Plans) -> None:
        """Show the plans."""
        self._plans = {str(plan.path): plan for plan in event.plans}
        self._rows("#plans").empty = home.NO_PLAN
        self._rows("#plans").refresh()
        self.again()

    def _examine(self, place: Place) -> None:
        self.run_worker(self._examining(place), group="doctor", exclusive=True)

    async def _examining(self, place: Place) -> None:
        await asyncio.to_thread(_import_doctor)
        from workbench.doctor import examine

        findings = await examine(place.root, place.settings)
        self._findings = {finding.name: finding for finding in findings}
        title = Content.assemble("Doctor  ", content(home.health(findings)))
        self.query_one("#findings-title", Static).update(title)
        self.again()

    # -- what stands at the cursor --------------------------------------------------------------

    def _detail(self) -> None:
        lines = Content("\n").join(content(cell) for cell in self._told())
        if lines != self._said:
            self._said = lines
            self.query_one("#detail", Static).update(lines, layout=False)

    _said = Content("")

    def _told(self) -> list[Cell]:
        rows = self.focused if isinstance(self.focused, Rows) else self._rows("#runs")
        if rows.id == "runs" and (run := self._runs.get(rows.key)):
            return home.run_detail(run, self._at)
        if rows.id == "plans" and (plan := self._plans.get(rows.key)):
            return home.plan_detail(plan)
        if rows.id == "findings" and (finding := self._findings.get(rows.key)):
            return home.finding_detail(finding)
        return []

    def on_rows_moved(self) -> None:
        """Tell about another row."""
        self._detail()

    def on_descendant_focus(self) -> None:
        """Tell about the row of another pane."""
        self._detail()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Watch the run, or open the plan."""
        if event.rows.id == "plans" and (plan := self._plans.get(event.key)):
            self.bench.open_plan(plan.path)
        elif event.rows.id == "runs":
            if self.bench.place is None or event.key == self.bench.watched.run:
                self.app.switch_mode("team")
            else:
                self.bench.watch_run(event.key)

    def copied(self) -> str:
        """The run, the path of the plan, or what doctor says."""
        rows = self.focused
        if isinstance(rows, Rows) and rows.id == "findings" and (finding := self._findings.get(rows.key)):
            return f"{finding.sentence} {finding.hint}".strip()
        return rows.key if isinstance(rows, Rows) else ""

    def _run(self) -> RunSummary | None:
        return self._runs.get(self._rows("#runs").key)

    def action_resume(self) -> None:
        """Copy the command that goes on with the run: a viewer starts nothing."""
        run = self._run()
        if run is None:
            self.bench.say("There is no run to go on with.", bad=True)
        elif command := home.resuming(run):
            self.app.copy_to_clipboard(command)
            self.bench.say(f"copied, for a terminal of its own: {command}")
        else:
            word = home.standing(run).text[2:]
            self.bench.say(f"{run.run} is {word}: there is nothing to resume.", bad=True)

    def action_report(self) -> None:
        """Show the report of the run."""
        from workbench.tui.screens.report import ReportScreen

        run, place = self._run(), self.bench.place
        if place is None:
            self.bench.say(home.NOT_IN_A_RECORDING, bad=True)
        elif run is None:
            self.bench.say("There is no run to report on.", bad=True)
        else:
            self.app.push_screen(ReportScreen(place, run.run))

    def action_refresh(self) -> None:
        """Look at everything again."""
        self._look(plans=True)
        if self.bench.place is not None:
            self._examine(self.bench.place)


def _import_doctor() -> None:
    """What doctor needs takes a while to import: not on the thread that draws."""
    import psutil

    from workbench.doctor import machine, repository, teammate

    assert psutil and machine and repository and teammate
