"""One task: brief, attempts, evidence, diff and gates, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from workbench.core.decide.requests import refusal
from workbench.core.mail import PERSON
from workbench.core.requests import Reassign, Retry, Skip
from workbench.core.undo import chosen
from workbench.errors import UsageError, WorkbenchError
from workbench.tui.presenting import attempts as tries
from workbench.tui.presenting import checks
from workbench.tui.presenting import task as shown
from workbench.tui.screens.choose import ChooseScreen
from workbench.tui.screens.confirm import ConfirmScreen
from workbench.tui.screens.editing import edit_plan
from workbench.tui.screens.tabbed import TabbedScreen
from workbench.tui.screens.undoing import undo_landing
from workbench.tui.widgets.brief import Brief
from workbench.tui.widgets.diff import DiffView
from workbench.tui.widgets.flow import Flow
from workbench.tui.widgets.listing import Listing
from workbench.tui.widgets.printed import GateOutput
from workbench.tui.widgets.rows import Rows
from workbench.tui.widgets.sheet import Sheet

if TYPE_CHECKING:
    from workbench.core.watched import Watched


class TaskScreen(TabbedScreen):
    """One task: brief, attempts, evidence, diff and gates, and what can be done about it."""

    CSS_PATH = "task.tcss"
    TABS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("brief", "Brief"),
        ("attempts", "Attempts"),
        ("evidence", "Evidence"),
        ("diff", "Diff"),
        ("gates", "Gates"),
        ("around", "Around"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "retry", "Retry", tooltip="Try the task again"),
        Binding("x", "skip", "Skip", tooltip="Leave the task out; what waits for it goes on without it"),
        Binding(
            "a", "reassign", "Reassign", show=False, tooltip="Give the task to a teammate of your choice"
        ),
        Binding("e", "edit", "Edit", tooltip="Edit the plan at this task, and ask for the change"),
        Binding("u", "undo", "Undo", tooltip="Take the landing of this task off the branch again"),
        Binding("t", "teammate", "Teammate", show=False, tooltip="Open the teammate that is or was at it"),
        Binding(
            "c", "resolve", "Resolve", show=False, tooltip="Copy the command that brings in work of your own"
        ),
    ]

    def __init__(self, task: str) -> None:
        super().__init__()
        self.name_of_task = task
        self._diffed: tuple[str, str] | None = None

    @property
    def writes_to(self) -> str:
        """Whom `m` writes to: who is at work on it."""
        state = self.bench.watched.state
        task = state.tasks.get(self.name_of_task)
        attempt = state.working.get((self.name_of_task, task.attempt)) if task is not None else None
        return attempt.teammate if attempt is not None else ""

    # -- what is seen ---------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Flow(id="facts")
        yield from self.parts()

    def pane(self, name: str) -> Widget:
        """See TabbedScreen."""
        match name:
            case "brief":
                return Brief(id="brief")
            case "attempts":
                rows = Listing(tries.ATTEMPTS, empty=tries.NO_ATTEMPTS, id="attempt-rows")
                acts = Sheet(empty="what it does and is told stands here", follows=True, id="acts")
                return Vertical(rows, acts, id="attempts", classes="split")
            case "evidence":
                return Sheet(empty=shown.NO_EVIDENCE, id="evidence")
            case "diff":
                return DiffView(empty=shown.NO_DIFF, id="diff")
            case "gates":
                rows = Listing(checks.GATES, empty=checks.NO_GATES, id="gate-rows")
                return Vertical(rows, GateOutput(id="printed"), id="gates", classes="split")
            case _:
                return Listing(shown.AROUND, empty=shown.NO_AROUND, id="around")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        name, state = self.name_of_task, watched.state
        self.query_one("#facts", Flow).show(shown.facts(watched, name))
        task = state.tasks.get(name)
        self.label(
            {
                "attempts": task.attempt if task is not None else 0,
                "gates": len(watched.history.checks_of(name)),
                "around": (len(task.spec.after) if task is not None else 0)
                + len(state.dependents.get(name, ())),
            }
        )
        match self.tab:
            case "brief":
                self.query_one(Brief).show(shown.brief(state, name))
            case "attempts":
                self.query_one("#attempt-rows", Rows).show(tries.attempts(watched, name, self.bench.now))
                self._show_acts()
            case "evidence":
                self.query_one("#evidence", Sheet).show(shown.evidence(state, name))
            case "diff":
                self._show_diff()
            case "gates":
                self.query_one("#gate-rows", Rows).show(checks.checks(watched, name, self.bench.now))
                self._show_gate()
            case _:
                self.query_one("#around", Rows).show(shown.around(state, name))

    def _show_acts(self) -> None:
        key = self.query_one("#attempt-rows", Rows).key
        number = int(key) if key else 0
        self.query_one("#acts", Sheet).show(tries.acts(self.bench.watched, self.name_of_task, number), number)

    def _show_gate(self) -> None:
        key = self.query_one("#gate-rows", Rows).key
        found = checks.gate_at(key, self.bench.watched, self.name_of_task)
        run, gate = found if found is not None else (None, "")
        self.query_one("#printed", GateOutput).of(run, (gate,) if gate else ())

    def _show_diff(self) -> None:
        change = shown.change(self.bench.watched.state, self.name_of_task)
        view = self.query_one("#diff", DiffView)
        if change is None:
            view.show("", empty=shown.NO_DIFF)
        elif self.bench.place is None:
            view.show("", change.words, "The diff is not in a recording.")
        elif (change.old, change.new) != self._diffed:
            self._diffed = change.old, change.new
            view.show(None, change.words)
            self.run_worker(self._read_diff(change), group="diff", exclusive=True)

    async def _read_diff(self, change: shown.Change) -> None:
        from workbench.composition.looking import commit_diff

        place, view = self.bench.place, self.query_one("#diff", DiffView)
        assert place is not None, "asked for only where there is one"
        try:
            found = await commit_diff(place, change.old, change.new)
        except (WorkbenchError, OSError) as error:
            said = " ".join(filter(None, (str(error), getattr(error, "hint", ""))))
            view.show("", change.words, said)
            return
        view.show(found.text, f"{change.words} · {found.note}", "Nothing differs.")

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Show what is beneath the row."""
        if event.rows.id == "attempt-rows":
            self._show_acts()
        elif event.rows.id == "gate-rows":
            self._show_gate()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Go into what is beneath the row, or open the task that it is."""
        match event.rows.id:
            case "attempt-rows":
                self.query_one("#acts").focus()
            case "gate-rows":
                self.query_one("#printed").focus()
            case _:
                self.bench.open_task(event.key)

    def copied(self) -> str:
        """See RunScreen."""
        state, name = self.bench.watched.state, self.name_of_task
        match self.tab:
            case "brief":
                return shown.brief(state, name)
            case "evidence":
                return "\n".join("".join(cell.text for cell in line) for line in shown.evidence(state, name))
            case "diff":
                change = shown.change(state, name)
                return f"git diff {change.old[:12]} {change.new[:12]}" if change is not None else ""
            case "attempts":
                attempt = state.attempts.get((name, int(self.query_one("#attempt-rows", Rows).key or 0)))
                return attempt.commit or "" if attempt is not None else ""
            case "gates":
                found = checks.gate_at(self.query_one("#gate-rows", Rows).key, self.bench.watched, name)
                return found[1] if found is not None else ""
            case _:
                return self.query_one("#around", Rows).key

    # -- what is done ---------------------------------------------------------------------------

    def action_retry(self) -> None:
        """Ask for another try."""
        self.bench.ask(Retry(task=self.name_of_task), f"{self.name_of_task} is tried again")

    def action_skip(self) -> None:
        """Leave it out, once the person has seen what follows."""
        name, state = self.name_of_task, self.bench.watched.state
        request = Skip(task=name)
        if (refused := refusal(state, request, PERSON)) is not None:
            self.bench.say("\n".join(filter(None, (str(refused), refused.hint))), bad=True)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.bench.ask(request, f"{name} is left out")

        self.app.push_screen(
            ConfirmScreen(f"Leave out {name}?", shown.skipping(state, name), "skip"), answered
        )

    def action_reassign(self) -> None:
        """Choose who is to do it."""
        name, state = self.name_of_task, self.bench.watched.state
        rows = shown.candidates(state, name)
        # Who it is given to makes no difference where it can be given to nobody.
        refused = [refusal(state, Reassign(task=name, to=row.key), PERSON) for row in rows]
        if (first := next(iter(refused), None)) is not None and all(refused):
            self.bench.say("\n".join(filter(None, (str(first), first.hint))), bad=True)
            return

        def answered(to: str | None) -> None:
            if to:
                self.bench.ask(Reassign(task=name, to=to), f"{name} goes to {to}")

        title = f"Who is to do {name}?"
        self.app.push_screen(ChooseScreen(title, shown.TEAMMATES, rows, shown.NO_TEAMMATES), answered)

    def action_edit(self) -> None:
        """Open the plan at this task."""
        self.app.run_worker(edit_plan(self.app, self.name_of_task), group="edit", exclusive=True)

    def action_undo(self) -> None:
        """Take its landing off the branch."""
        try:
            chosen(self.bench.watched.state, [self.name_of_task])
        except UsageError as error:
            self.bench.say("\n".join(filter(None, (str(error), error.hint))), bad=True)
            return
        undo_landing(self.app, self.name_of_task)

    def action_teammate(self) -> None:
        """Open who is or was at it."""
        state = self.bench.watched.state
        task = state.tasks.get(self.name_of_task)
        number = task.attempt if task is not None else 0
        if self.tab == "attempts" and (key := self.query_one("#attempt-rows", Rows).key):
            number = int(key)
        attempt = state.attempts.get((self.name_of_task, number))
        if attempt is None or attempt.teammate not in state.teammates:
            self.bench.say(f"No teammate has begun {self.name_of_task}.")
            return
        self.bench.open_teammate(attempt.teammate)

    def action_resolve(self) -> None:
        """Copy the command that brings in work of the person's own."""
        state = self.bench.watched.state
        task = state.tasks.get(self.name_of_task)
        if task is None or task.status not in shown.GIVEN_UP:
            stands = task.status.value if task is not None else "gone"
            self.bench.say(
                f"{self.name_of_task} is {stands}: only what was given up or undone is resolved.", bad=True
            )
            return
        command = shown.resolve_command(state, self.name_of_task)
        self.app.copy_to_clipboard(command)
        self.bench.say(f"copied: {command}")
