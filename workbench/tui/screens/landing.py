"""One landing: what it brought, and what proved it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from workbench.errors import WorkbenchError
from workbench.tui.presenting import landings
from workbench.tui.screens.base import RunScreen
from workbench.tui.screens.undoing import undo_landing
from workbench.tui.widgets.diff import DiffView
from workbench.tui.widgets.flow import Flow

if TYPE_CHECKING:
    from workbench.core.state import Landed
    from workbench.core.watched import Watched


class LandingScreen(RunScreen):
    """The landing whose merge is ``commit``: its verdicts, and its diff."""

    AUTO_FOCUS = "DiffView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "Undo", tooltip="Take this landing off the branch again"),
        Binding("t", "task", "Task", tooltip="Open the task that landed"),
    ]

    def __init__(self, commit: str) -> None:
        super().__init__()
        self._commit = commit
        self._asked = False

    def _landing(self) -> Landed | None:
        return landings.landing_at(self.bench.watched.state, self._commit)

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Flow(id="facts")
        yield DiffView(id="diff")

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        landing = self._landing()
        if landing is None:
            return
        self.query_one(Flow).show(landings.facts(watched, landing))
        view = self.query_one(DiffView)
        if self.bench.place is None:
            view.show("", empty="The diff is not in a recording.")
        elif not self._asked:
            self._asked = True
            self.run_worker(self._read(landing), group="diff", exclusive=True)

    async def _read(self, landing: Landed) -> None:
        from workbench.composition.looking import commit_diff

        place, view = self.bench.place, self.query_one(DiffView)
        assert place is not None, "asked for only where there is one"
        try:
            found = await commit_diff(place, landing.parent, landing.commit)
        except (WorkbenchError, OSError) as error:
            view.show("", empty=" ".join(filter(None, (str(error), getattr(error, "hint", "")))))
            return
        view.show(found.text, found.note)

    def copied(self) -> str:
        """See RunScreen."""
        return self._commit

    def action_undo(self) -> None:
        """Take it off the branch."""
        landing = self._landing()
        if landing is not None and landing.undone:
            self.bench.say(f"It was undone already, by {landing.undone[:10]}.", bad=True)
        elif landing is not None:
            undo_landing(self.app, landing.task)

    def action_task(self) -> None:
        """Open its task."""
        if (landing := self._landing()) is not None:
            self.bench.open_task(landing.task)
