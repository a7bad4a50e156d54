"""One teammate: what it says and does, its diff, its markers and mail."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from workbench.core.requests import RequestShutdown
from workbench.errors import WorkbenchError
from workbench.tui.presenting.panes import Tab
from workbench.tui.presenting.table import Cell
from workbench.tui.presenting.teammate import about, attempt_of, conversation, marks
from workbench.tui.screens.base import RunScreen
from workbench.tui.screens.confirm import ConfirmScreen
from workbench.tui.visit import visit
from workbench.tui.widgets.diff import DiffView
from workbench.tui.widgets.facts import Facts
from workbench.tui.widgets.panes import NEXT, PaneStrip
from workbench.tui.widgets.passages import Passages

if TYPE_CHECKING:
    from workbench.composition.transcripts import TranscriptReader
    from workbench.composition.visiting import Visit
    from workbench.core.state import AttemptState
    from workbench.core.transcripts import Transcript
    from workbench.core.watched import Watched
    from workbench.tui.presenting.transcript import Made, Passage

PANES = (("transcript", "Transcript"), ("diff", "Diff"), ("marks", "Markers and mail"))

WIDE = 150
"""Cells from which on the transcript stands beside another pane."""

LISTEN_SECONDS = 0.5
DIFF_SECONDS = 3.0
"""How often the transcript is read on, and the diff read anew, while they can be seen and may change."""

RECORDING = "This is a recording: its worktrees and transcripts are not here."


class TeammateScreen(RunScreen):
    """One teammate: what it says and does, its diff, its markers and mail."""

    CSS_PATH = "teammate.tcss"
    FILTERS: ClassVar[bool] = True
    AUTO_FOCUS = "#transcript"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,l", "pane(1)", "Next pane", key_display="tab", tooltip="Go to the next pane"),
        Binding("shift+tab,h", "pane(-1)", "Previous pane", show=False, tooltip="Go to the pane before"),
        Binding("T", "only('transcript')", "Transcript", show=False, tooltip="What it says and does"),
        Binding("D", "only('diff')", "Diff", show=False, tooltip="What its worktree changes"),
        Binding("M", "only('marks')", "Markers", show=False, tooltip="Its markers and its mail"),
        Binding(
            "left_square_bracket", "attempt(-1)", "Attempt", key_display="[", tooltip="Its attempt before"
        ),
        Binding("right_square_bracket", "attempt(1)", "Next attempt", key_display="]", show=False),
        Binding("t", "task", "Task", tooltip="Open its task"),
        Binding("s", "shell", "Shell", tooltip="Open a shell in its worktree"),
        Binding("a", "attach", "Attach", tooltip="Open its Claude Code session"),
        Binding("r", "refresh", "Refresh", show=False, tooltip="Read its diff and its transcript anew"),
        Binding("w", "let_go", "Let it leave", show=False, tooltip="Ask it to leave the team"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.teammate = name
        self.writes_to = name
        self._place: int | None = None
        """Which of its attempts is shown; None for the latest, whichever that is by then."""
        self._pane = "transcript"
        self._beside = "diff"
        self._reader: TranscriptReader | None = None
        self._reads: tuple[object, ...] = ()
        self._transcript: Transcript | None = None
        self._listening = False
        self._listened = False
        self._looked: tuple[object, ...] = ()
        self._next_diff = 0.0
        self._said: tuple[object, ...] = ()
        self._passages: list[Passage] = []
        self._made: Made = {}

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Facts(id="about")
        yield PaneStrip(id="panes")
        with Horizontal(id="area"):
            yield Passages(id="transcript")
            yield DiffView(id="diff")
            yield Passages(empty="No marker yet, and no mail.", id="marks")

    def on_mount(self) -> None:
        super().on_mount()
        self._arrange()
        self._tick()
        self.set_interval(LISTEN_SECONDS, self._tick)

    # -- what is shown --------------------------------------------------------------------------

    @property
    def attempt(self) -> AttemptState | None:
        """The attempt that is shown."""
        state = self.bench.watched.state
        mate = state.teammates.get(self.teammate)
        return attempt_of(state, mate, self._place) if mate is not None else None

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        attempt = self.attempt
        self._tell()
        self._converse(watched, attempt)
        self._mark(watched, attempt)
        if self._reads != self._reading(attempt):
            self._tick()

    def _tell(self) -> None:
        lines = about(self.bench.watched, self.teammate, self._place, self.bench.now)
        self.query_one("#about", Facts).show(lines)

    def _converse(self, watched: Watched, attempt: AttemptState | None) -> None:
        pane = self.query_one("#transcript", Passages)
        if attempt is None:
            pane.show((), "", f"{self.teammate} has not worked yet; what it says and does will stand here.")
            return
        acts = watched.history.acts.get((attempt.task, attempt.number), ())
        said = (attempt.task, attempt.number, self._transcript, len(acts), acts[-1] if acts else None)
        if said != self._said:
            entries = self._transcript.entries if self._transcript is not None else None
            self._passages = conversation(watched, attempt, entries, self._made)
            self._said = said
        found = [it for it in self._passages if self.matches(it.words)] if self.filter else self._passages
        empty = "Nothing matches the filter." if self.filter else "Nothing was said or done yet."
        pane.show(found, self._heading(len(found)), empty)

    def _heading(self, found: int) -> str:
        many = f"{found:,} of {len(self._passages):,} match" if self.filter else ""
        if self._transcript is None:
            source = "from the run's events" if self._listened or self.bench.place is None else "reading …"
        elif self._transcript.earlier:
            source = f"earlier ones are in {self._transcript.path}"
        else:
            source = "transcript"
        return " · ".join(filter(None, (many, source)))

    def _mark(self, watched: Watched, attempt: AttemptState | None) -> None:
        found = marks(watched, self.teammate, attempt)
        self.query_one("#marks", Passages).show(
            [it for it in found if self.matches(it.words)], "oldest first"
        )
        diff = self.query_one("#diff", DiffView).patch
        counts = {"marks": str(len(found)) if found else ""}
        counts["diff"] = f"+{diff.added:,} -{diff.removed:,}" if diff.files else ""
        tabs = [
            Tab(pane, title, (Cell(counts[pane]),) if counts.get(pane) else (), pane == self._pane)
            for pane, title in PANES
        ]
        self.query_one("#panes", PaneStrip).show(tabs, NEXT)

    # -- what is read ---------------------------------------------------------------------------

    def _reading(self, attempt: AttemptState | None) -> tuple[object, ...]:
        return (attempt.task, attempt.number, attempt.session) if attempt is not None else ()

    def _tick(self) -> None:
        """Read on what can be seen and may have changed."""
        place, attempt = self.bench.place, self.attempt
        if not self.is_current or not self.query("#area"):
            return
        self._tell()  # its time goes on by itself
        if place is None or attempt is None:
            said = RECORDING if place is None else f"{self.teammate} has not worked yet: nothing differs."
            self.query_one("#diff", DiffView).show("", "", said)
            return
        if self._reads != self._reading(attempt):
            from workbench.composition.transcripts import TranscriptReader

            self._reads, self._transcript, self._listened = self._reading(attempt), None, False
            self._made = {}
            self._reader = TranscriptReader(place, self.bench.watched.state, attempt)
        going = attempt.live and self.bench.watched.live
        if self._reader is not None and not self._listening and (going or not self._listened):
            self._listening = True
            self.run_worker(self._listen(self._reader), group="transcript")
        fresh = self._looked == self._reading(attempt) and (not going or time.monotonic() < self._next_diff)
        if not fresh and "diff" in self._visible():
            self._read_diff()

    async def _listen(self, reader: TranscriptReader) -> None:
        try:
            found = await asyncio.to_thread(reader.read)
        finally:
            self._listening = False
        if reader is self._reader and self.is_mounted:
            self._listened = True
            if found != self._transcript:
                self._transcript = found
                self.again()

    def _read_diff(self) -> None:
        attempt = self.attempt
        if self._looked != self._reading(attempt):
            self.query_one("#diff", DiffView).show(None)
        self._looked = self._reading(attempt)
        self._next_diff = time.monotonic() + DIFF_SECONDS
        self.run_worker(self._diff(attempt), group="diff", exclusive=True)

    async def _diff(self, attempt: AttemptState | None) -> None:
        from workbench.composition.looking import attempt_diff

        place = self.bench.place
        if place is None or attempt is None:
            return
        try:
            found = await attempt_diff(place, self.bench.watched.state, attempt)
            text, note, empty = found.text, found.note, "Nothing differs."
        except WorkbenchError as error:
            text, note, empty = "", "", " ".join(filter(None, (str(error), error.hint)))
        except OSError as error:
            text, note, empty = "", "", f"The diff cannot be read: {error}"
        if self.is_mounted:
            self.query_one("#diff", DiffView).show(text, note, empty)
            self.again()

    # -- panes ----------------------------------------------------------------------------------

    def _visible(self) -> tuple[str, ...]:
        if self.has_class("-wide"):
            return ("transcript", self._beside)
        return (self._pane,)

    def _arrange(self) -> None:
        self.set_class(self.app.size.width >= WIDE, "-wide")
        shown = self._visible()
        for pane, _ in PANES:
            self.query_one(f"#{pane}").set_class(pane in shown, "-shown")

    def on_resize(self, event: events.Resize) -> None:
        """Panes beside each other where there is room."""
        if self.query("#area"):
            self._arrange()

    def action_only(self, pane: str) -> None:
        """Go to a pane."""
        self._pane = pane
        if pane != "transcript":
            self._beside = pane
        self._arrange()
        self._refocus()
        self.again()
        self._tick()

    def action_pane(self, way: int) -> None:
        """Go to the next pane, or to the one before."""
        names = [pane for pane, _ in PANES]
        self.action_only(names[(names.index(self._pane) + way) % len(names)])

    def on_pane_strip_picked(self, event: PaneStrip.Picked) -> None:
        """Go where the person clicked."""
        self.action_only(event.key)

    def _refocus(self) -> None:
        self.query_one(f"#{self._pane}").focus()

    def copied(self) -> str:
        """The passage with the cursor, or the path of the file with it."""
        if self._pane == "diff":
            return self.query_one("#diff", DiffView).path
        passage = self.query_one(f"#{self._pane}", Passages).passage
        return passage.words if passage is not None else ""

    # -- going elsewhere ------------------------------------------------------------------------

    def action_attempt(self, way: int) -> None:
        """Show the attempt before, or the one after."""
        mate = self.bench.watched.state.teammates.get(self.teammate)
        last = len(mate.tried) - 1 if mate is not None else -1
        place = (last if self._place is None else self._place) + way
        if not 0 <= place <= last:
            self.bench.say(
                "There is no attempt before this one." if way < 0 else "This is its latest attempt."
            )
            return
        self._place = None if place == last else place
        self.again()
        self._tick()

    def action_task(self) -> None:
        """Open the task of the attempt."""
        if (attempt := self.attempt) is not None:
            self.bench.open_task(attempt.task)

    def action_refresh(self) -> None:
        """Read the diff and the transcript anew."""
        self._looked, self._listened = (), False
        self._tick()

    def action_let_go(self) -> None:
        """Ask the teammate to leave the team, once that is confirmed."""
        name = self.teammate

        def sure(yes: bool | None) -> None:
            if yes:
                self.bench.ask(RequestShutdown(teammate=name), f"{name} is asked to leave")

        what = "What it is at is kept. It may say why it stays instead."
        asks = ConfirmScreen(f"Let {name} leave the team?", [(Cell(what),)], f"ask {name} to leave")
        self.app.push_screen(asks, sure)

    def action_shell(self) -> None:
        """Open a shell in the worktree."""
        if self.bench.place is None:
            self.bench.say(RECORDING, bad=True)
            return
        from workbench.composition.visiting import shell_at

        try:
            self._visit(shell_at(self.bench.watched.state, self.teammate))
        except WorkbenchError as error:
            self._refused(error)

    def action_attach(self) -> None:
        """Open the Claude Code session of the attempt."""
        place, attempt = self.bench.place, self.attempt
        if place is None or attempt is None:
            said = RECORDING if place is None else f"{self.teammate} has not worked yet."
            self.bench.say(said, bad=True)
            return
        from workbench.composition.visiting import claude_at

        watched = self.bench.watched
        try:
            self._visit(claude_at(place, watched.state, attempt, live=watched.live))
        except WorkbenchError as error:
            self._refused(error)

    def _refused(self, error: WorkbenchError) -> None:
        self.bench.say("\n".join(filter(None, (str(error), error.hint))), bad=True)

    def _visit(self, there: Visit) -> None:
        self.run_worker(self._visiting(there), group="visit", exclusive=True)

    async def _visiting(self, there: Visit) -> None:
        if refused := await visit(self.app, there):
            self.bench.say(refused, bad=True)
        self.action_refresh()
