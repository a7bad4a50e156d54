"""The plan: as it reads, as a graph, and what is to be said about it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.tui.presenting import graph
from workbench.tui.presenting import plan as words
from workbench.tui.presenting.panes import Tab
from workbench.tui.presenting.table import Cell, fitted
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.header import content
from workbench.tui.widgets.laying import Make, as_cells, as_source
from workbench.tui.widgets.panes import NEXT, PaneStrip
from workbench.tui.widgets.prose import Prose, as_markdown
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.composition.checking import Checked
    from workbench.composition.place import Place
    from workbench.core.models import Plan
    from workbench.core.watched import Watched

WIDE = 110
CHANGED_SECONDS = 1.0
"""How often it is looked whether the file of a plan has changed."""

PANES = ("text", "graph", "problems")
View = Literal["read", "source", "change"]
Stamp = tuple[int, int]


class PlanScreen(RunScreen):
    """The plan of the run that is watched, as it stands; or that of the file at ``path``, to be approved."""

    CSS_PATH = "plan.tcss"
    FILTERS: ClassVar[bool] = True
    AUTO_FOCUS = "#text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "View", tooltip="As it reads, as it is written, or its open change"),
        Binding("A", "approve", "Approve", tooltip="Approve the plan file exactly as it is shown"),
        Binding("e", "edit", "Edit", show=False, tooltip="Open the plan's file in $VISUAL or $EDITOR"),
        Binding("t", "text", "To its text", show=False, tooltip="Show where the task stands in the text"),
        Binding("tab", "pane(1)", "Next pane", show=False),
        Binding("shift+tab,h", "pane(-1)", "Pane before", show=False),
    ]

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.path = path
        self._plan: Plan | None = None
        """Of the run: the one that was looked at last."""
        self._checked: Checked | None = None
        self._stamp: Stamp | None = None
        self._said: list[words.Diagnostic] = []
        self._drawing = graph.Drawing()
        self._view: View = "read"
        self._change: list[Cell] = []
        self._trouble = ""
        self._on = "text"
        """The pane that is seen where there is room for one."""
        self._put_there: dict[str, Content] = {}

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Static("", id="plan-line", markup=False)
        yield PaneStrip(id="plan-tabs")
        with Container(id="plan-panes"):
            yield Prose(id="text")
            with Vertical(id="plan-side"):
                yield Rows(graph.PLAIN_COLUMNS, empty="no tasks yet", id="graph")
                yield Static("", id="problems-title", classes="title", markup=False)
                yield Rows(words.COLUMNS, empty="", id="problems")
        yield Static("", id="plan-detail", markup=False)

    def on_mount(self) -> None:
        """Show the text first."""
        self._pane("text")
        if self.path is None:
            self._text.show(as_cells(_NONE))
        else:
            self._text.show(as_cells([Cell(f"reading {self.path} …", "faint")]))
            self._load()
            self.set_interval(CHANGED_SECONDS, self._look_for_change)

    @property
    def _text(self) -> Prose:
        return self.query_one("#text", Prose)

    @property
    def _shown_path(self) -> str:
        place = self.bench.place
        if self.path is not None and place is not None and self.path.is_relative_to(place.root):
            return str(self.path.relative_to(place.root))
        return str(self.path or "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a file can be approved: the plan of a run was, when it began."""
        if action == "approve":
            return self.path is not None
        return super().check_action(action, parameters)

    # -- showing --------------------------------------------------------------------------------

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        state = watched.state
        if self.path is None and state.plan is not None and state.plan is not self._plan:
            self._plan = state.plan
            self.run_worker(self._check_run(state.plan, self.bench.place), group="check", exclusive=True)
        if self.path is None:
            self._propose(words.change_lines(state))
            self._line(words.of_run(state))
        elif self._trouble:
            self._line(Cell(f"✗ {self._trouble}", "bad"))
        elif self._checked is not None:
            self._line(words.of_file(self._shown_path, self._checked))
        self._draw()

    def _draw(self) -> None:
        tasks = self.bench.watched.state.tasks if self.path is None else {}
        names = None
        if self.filter:
            names = {it.id for it in self._drawing.nodes if self.matches(it.id, it.title)}
        columns = graph.COLUMNS if tasks else graph.PLAIN_COLUMNS
        self.query_one("#graph", Rows).show(self._drawing.rows(tasks, names), columns)
        shown = [(at, it) for at, it in enumerate(self._said) if self.matches(it.sentence, it.task)]
        self.query_one("#problems", Rows).show([words.row(at, it) for at, it in shown])
        self._detail()

    def _line(self, cell: Cell) -> None:
        room = max(1, self.size.width - 2)
        self._put("#plan-line", content(Cell(fitted(cell.text, room).rstrip(), cell.tone)))

    def _put(self, name: str, text: Content) -> None:
        """Say something where it is not said already: saying it again would lay out the screen again."""
        if self._put_there.get(name) != text:
            self._put_there[name] = text
            self.query_one(name, Static).update(text, layout=False)

    def _propose(self, change: list[Cell]) -> None:
        if change == self._change:
            return
        self._change = change
        if self._view == "change":
            self._view = "change" if change else "read"
            self._lay()

    def _detail(self) -> None:
        rows = self.query_one("#problems", Rows)
        seen = self.focused is rows and rows.key and int(rows.key) < len(self._said)
        lines = words.detail(self._said[int(rows.key)]) if seen else []
        self.query_one("#plan-detail").display = bool(lines)
        self._put("#plan-detail", Content("\n").join(content(it) for it in lines))

    def _lay(self, at: int = 0) -> None:
        found = self._checked
        make: Make
        if self._view == "change":
            make = as_cells(self._change)
        elif found is None:
            return
        elif self._view == "source":
            make = as_source(found.text, words.marks(self._said))
        else:
            make = as_markdown(found.text)
        self._text.show(make, at)
        self._tabs()

    # -- reading --------------------------------------------------------------------------------

    async def _check_run(self, plan: Plan, place: Place | None) -> None:
        from workbench.composition.checking import checked
        from workbench.core.plan import render

        text = await asyncio.to_thread(render, plan)
        await self._take(await checked(place, text, "the plan of the run"))

    def _load(self) -> None:
        assert self.path is not None
        self.run_worker(self._check_file(self.path), group="check", exclusive=True)

    async def _check_file(self, path: Path) -> None:
        from workbench.composition.checking import checked
        from workbench.composition.planning import read_text

        self._stamp = await asyncio.to_thread(_stamp, path)
        try:
            text = await asyncio.to_thread(read_text, path)
        except WorkbenchError as error:
            # What was read before stays to be looked at, but is nothing to approve any more.
            self._trouble = str(error)
            self.again()
            return
        found = await checked(self.bench.place, text, self._shown_path)
        self._trouble = ""
        await self._take(found)

    async def _take(self, found: Checked) -> None:
        tasks = found.plan.tasks if found.plan is not None else ()
        nodes = await asyncio.to_thread(graph.drawn, tasks)
        same = self._checked is not None and self._checked.text == found.text
        at = self._text.line
        self._checked, self._said = found, words.diagnostics(found)
        self._drawing = graph.Drawing(nodes)
        self._empty("#graph", "no graph: it cannot be read as a plan")
        self._empty("#problems", words.NOTHING)
        count = len(self._said)
        self._put("#problems-title", Content(f"Check: {count or 'nothing'} to say"))
        if not same or self._view == "source":
            self._lay(at)
        self._tabs()
        self.again()

    def _empty(self, name: str, text: str) -> None:
        rows = self.query_one(name, Rows)
        rows.empty = text
        rows.refresh()

    def _look_for_change(self) -> None:
        if self.is_current and self.path is not None:
            self.run_worker(self._looking_for_change(self.path), group="stamp", exclusive=True)

    async def _looking_for_change(self, path: Path) -> None:
        if self._stamp is not None and await asyncio.to_thread(_stamp, path) != self._stamp:
            self.bench.say(f"{path.name} has changed on disk: read again")
            self._load()

    # -- panes ----------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Side by side where there is room, otherwise one pane after the other."""
        self.set_class(event.size.width >= WIDE, "wide")
        self._narrow()
        self.again()

    def _pane(self, name: str) -> None:
        self._on = name
        if not self.has_class("wide"):
            self._narrow()
        self._tabs()

    def _narrow(self) -> None:
        panes = self.query_one("#plan-panes")
        for name in PANES:
            panes.set_class(name == self._on, f"on-{name}")

    def _tabs(self) -> None:
        view = {"read": "Plan", "source": "Source", "change": "Proposed change"}[self._view]
        graph_said, check_said = (Cell(str(len(it))) for it in (self._drawing.nodes, self._said))
        tabs = (
            Tab("text", view, (), self._on == "text"),
            Tab("graph", "Graph", (graph_said,), self._on == "graph"),
            Tab("problems", "Check", (check_said,), self._on == "problems"),
        )
        self.query_one("#plan-tabs", PaneStrip).show(tabs, NEXT)

    def action_pane(self, by: int) -> None:
        """Another pane."""
        self._go(PANES[(PANES.index(self._on) + by) % len(PANES)])

    def on_pane_strip_picked(self, event: PaneStrip.Picked) -> None:
        """Go to the pane that was clicked on."""
        self._go(event.key)

    def _go(self, name: str) -> None:
        self._pane(name)
        self.query_one(f"#{name}", Widget).focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane that has the focus is the one that is seen where there is room for one."""
        if event.widget.id in PANES and event.widget.id != self._on:
            self._pane(event.widget.id)
        self._detail()

    def on_rows_moved(self) -> None:
        """Say the whole of another diagnostic."""
        self._detail()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """A task of a run has a screen; all else has a place in the text."""
        if event.rows.id == "problems":
            self._to(self._said[int(event.key)].line, "It is about the whole plan.")
        elif self.path is None:
            self.bench.open_task(event.key)
        else:
            self.action_text()

    def action_text(self) -> None:
        """Show where the task at the cursor stands in the text."""
        key = self.query_one("#graph", Rows).key
        plan = self._checked.plan if self._checked is not None else None
        tasks = plan.tasks if plan is not None else ()
        line = next((task.line for task in tasks if task.id == key), 0)
        self._to(line, "It has no place of its own in the text.")

    def _to(self, line: int, otherwise: str) -> None:
        if not line:
            self.bench.say(otherwise)
            return
        if self._view != "source":
            self._view = "source"
            self._lay()
        self._pane("text")
        self._text.focus()
        self._text.go(line)

    def action_view(self) -> None:
        """As it reads, as it is written, or what is proposed."""
        views: list[View] = ["read", "source", *(["change"] if self._change else [])]  # type: ignore[list-item]
        at = self._text.line if self._view != "change" else 0
        self._view = views[(views.index(self._view) + 1) % len(views)]
        self._pane("text")
        self._lay(at or 1)

    def copied(self) -> str:
        """The task, the diagnostic, or the whole text."""
        if isinstance(self.focused, Rows) and self.focused.key:
            key = self.focused.key
            return key if self.focused.id == "graph" else self._said[int(key)].sentence
        return self._checked.text if self._checked is not None else ""

    # -- doing ----------------------------------------------------------------------------------

    def action_approve(self) -> None:
        """Approve the file exactly as it is shown, after asking."""
        from workbench.tui.screens.confirm import ConfirmScreen

        found, path, place = self._checked, self.path, self.bench.place
        if path is None:
            self.bench.say(
                "A run's plan was approved when it began. Home (1) has plans to approve.", bad=True
            )
            return
        why = self._trouble or (words.approvable(found) if found is not None else "It is still being read.")
        if why or found is None or place is None or path is None:
            self.bench.say(why or "There is no repository to approve it in.", bad=True)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._approving(place, path, found), group="approve")

        lines = [(Cell(fitted(it.text, 400).rstrip(), it.tone),) for it in words.asked(found)]
        title = f"Approve {self._shown_path}, exactly as it was shown?"
        self.app.push_screen(ConfirmScreen(title, lines, "approve"), answered)

    async def _approving(self, place: Place, path: Path, found: Checked) -> None:
        from workbench.composition.checking import approve_as_shown

        try:
            sha256 = await asyncio.to_thread(approve_as_shown, place, path, found)
        except (WorkbenchError, OSError) as error:
            self.bench.say(f"Not approved: {error}", bad=True)
            return
        if sha256:
            self.bench.say(f"approved, {sha256[:16]}: now `workbench run {self._shown_path}`")
        else:
            self.bench.say(
                f"Not approved: {path.name} has changed since it was shown. Read it again.", bad=True
            )
        self._load()

    def action_edit(self) -> None:
        """Open the file in the person's editor."""
        path = self.path or Path(self.bench.watched.state.plan_file or ".")
        if self.path is None and (self.bench.place is None or not path.is_file()):
            self.bench.say("There is no file of this plan here to edit.", bad=True)
            return
        self.run_worker(self._editing(path), group="edit", exclusive=True)

    async def _editing(self, path: Path) -> None:
        from workbench.tui import outside

        try:
            await outside.edit(self.app, path)
        except WorkbenchError as error:
            self.bench.say("\n".join(filter(None, (str(error), error.hint))), bad=True)
        if self.path is not None:
            self._load()
        elif self.bench.watched.live:
            self.bench.say("What was saved there is proposed to the run, if it differs.")


def _stamp(path: Path) -> Stamp:
    """What tells a file from the one before; zeros for one that is not there."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


_NONE = (
    Cell("No plan yet.", "strong"),
    Cell("Here stands the plan of the run that is watched, beside its graph."),
    Cell("Home (1) has the runs of this repository and the plans that wait for approval: enter opens one."),
)
