"""The team, its tasks, the merge queue and what happens: the screen that is open all day."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from workbench.core.mail import LEAD
from workbench.tui.presenting import queue, team, tree
from workbench.tui.presenting.feed import WHICH, Which, about, picked
from workbench.tui.presenting.panes import Tab
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.feed import Feed
from workbench.tui.widgets.gateline import GateLine
from workbench.tui.widgets.panes import NEXT, PaneRows, PaneStrip
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.history import Told
    from workbench.core.watched import Watched

PANES = ("team", "tasks", "queue", "feed")
LEFT = frozenset(PANES[:2])
"""The panes of the left side, where there are two."""

TITLES = {"team": "Team", "tasks": "Tasks", "queue": "Queue", "feed": "Feed"}

EMPTY = {
    "team": "no teammates: the run has not begun",
    "tasks": "no tasks: the run has not begun",
    "queue": "nothing is being merged: delivered work waits here for its landing",
    "feed": "nothing was told yet: messages and events stand here",
}
HINTS = {"team": "", "tasks": "space: fold", "queue": "", "feed": "f: all, messages, trouble"}
"""The key that each pane has."""

WIDE = 130
"""Cells from which all panes stand side by side."""

NO_MATCH = "nothing here matches the filter; esc ends it"
NO_SUCH = "nothing of this kind was told; f shows other lines"

LEGEND_FROM = 130
"""Cells of the tasks' pane from which it says what its bars mean."""

TICK_SECONDS = 1.0


class TeamScreen(RunScreen):
    """The team, its tasks, the merge queue and what happens: the screen that is open all day."""

    CSS_PATH = "team.tcss"
    FILTERS: ClassVar[bool] = True
    AUTO_FOCUS = "#team-rows"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012  # not declared a ClassVar there
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "Next pane", show=False),
        Binding("shift+tab", "pane(-1)", "Pane before", show=False),
        Binding("z", "zoom", "Zoom", tooltip="This pane alone, or all of them again"),
        Binding("space", "fold", "Fold", show=False, tooltip="Fold what stands under a task, or unfold it"),
        Binding(
            "o", "order", "Order", show=False, tooltip="Order of the team: its own, needs you, slow, costly"
        ),
        Binding("f", "which", "Feed", show=False, tooltip="What the feed shows: all, messages, trouble"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.pane = "team"
        self.lower = "tasks"
        """The pane below the team where there is room for one only."""
        self.zoomed = False
        self.order = 0
        self.which: Which = "all"
        self.folded: set[str] = set()
        self._tree = tree.Tree()
        self._fed: object = None
        self._laid: object = None

    def body(self) -> ComposeResult:
        """See RunScreen."""
        with Container(id="panes"):
            with Vertical(id="left", classes="side"):
                with Vertical(id="team", classes="pane"):
                    yield self._title("team")
                    yield PaneRows(team.columns(self.bench.watched.state), id="team-rows")
                yield PaneStrip(id="tabs")
                with Vertical(id="tasks", classes="pane"):
                    yield self._title("tasks")
                    yield PaneRows((), id="tasks-rows")
            with Vertical(id="right", classes="side"):
                with Vertical(id="queue", classes="pane"):
                    yield self._title("queue")
                    yield PaneRows(queue.COLUMNS, id="queue-rows")
                    yield GateLine()
                with Vertical(id="feed", classes="pane"):
                    yield self._title("feed")
                    yield Feed(id="feed-lines")

    def _title(self, pane: str) -> PaneStrip:
        title = PaneStrip(id=f"{pane}-title")
        title.add_class("title")
        return title

    def on_mount(self) -> None:
        super().on_mount()
        self._placed()
        self.query_one(GateLine).listen(self.bench.place, "", None)
        self.set_interval(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        if self.is_current and self.bench.watched.live:
            self.again()  # times go on where nothing happens
            gates = queue.latest_gate(queue.in_line(self.bench.watched), self._rows("queue").key)
            self.query_one(GateLine).listen(
                self.bench.place, self.bench.watched.run, gates if self._seen("queue") else None
            )

    # -- showing --------------------------------------------------------------------------------

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        now = float(int(self.bench.now))
        matches = self.matches if self.filter else None
        seen = team.look(watched, now)
        members = self._rows("team")
        self._say(members, "team")
        members.show(team.team_rows(seen, team.ORDERS[self.order], matches), team.columns(watched.state))
        self._fit(len(members.rows))
        tasks = self._rows("tasks")
        if self._tree.follow(watched.state):
            self.folded &= self._tree.by_id.keys()
        if tasks.is_attached and self._seen("tasks"):
            self._say(tasks, "tasks")
            legend = self.size.width * 3 // 5 >= LEGEND_FROM
            tasks.show(
                tree.tree_rows(watched, self._tree, self.folded, now, matches),
                tree.columns(watched, now, legend=legend),
            )
        line = queue.in_line(watched)
        if self._seen("queue"):
            landing = self._rows("queue")
            self._say(landing, "queue")
            landing.show(queue.queue_rows(watched, line, now, matches))
        if self._seen("feed"):
            self._feed(watched)
        self._head(watched, seen, line)

    def _rows(self, pane: str) -> Rows:
        return self.query_one(f"#{pane}-rows", Rows)

    def _seen(self, pane: str) -> bool:
        if self.zoomed:
            return pane == self.pane
        return pane in ("team", self.lower) or self.wide

    def _say(self, rows: Rows, pane: str) -> None:
        empty = NO_MATCH if self.filter else EMPTY[pane]
        if rows.empty != empty:
            rows.empty = empty
            rows.refresh()

    def _feed(self, watched: Watched) -> None:
        feed = self.query_one("#feed-lines", Feed)
        fed = (watched, watched.history.told, self.which, self.filter)
        if fed == self._fed:
            return
        self._fed = fed
        told = picked(watched.history, self.which, self.matches if self.filter else None)
        feed.empty = NO_MATCH if self.filter else EMPTY["feed"] if self.which == "all" else NO_SUCH
        feed.show(told)

    def _head(self, watched: Watched, seen: team.Look, line: queue.Line) -> None:
        order = () if not self.order else (Cell(team.ORDERS[self.order], "accent"),)
        feed = self.query_one("#feed-lines", Feed)
        told = Cell(self.which, "accent" if self.which != "all" else "plain")
        later = () if feed.following else (Cell(f"{feed.later} below, G follows", "warn"),)
        said: dict[str, tuple[Cell, ...]] = {
            "team": (Cell(str(len(watched.state.teammates))), *team.counts(seen), *order),
            "tasks": (Cell(tree.tally(watched.state)), *self._folds()),
            "queue": (Cell(line.tally),),
            "feed": (told, *later),
        }
        for pane in PANES:
            shown = pane == self.pane
            self.query_one(f"#{pane}-title", PaneStrip).show(
                [Tab(pane, TITLES[pane], said[pane], shown)],
                "z: all panes" if self.zoomed else HINTS[pane] if shown else "",
            )
        tabs = [Tab(pane, TITLES[pane], said[pane], pane == self.lower) for pane in PANES[1:]]
        self.query_one("#tabs", PaneStrip).show(tabs, HINTS[self.pane] or NEXT)

    def _folds(self) -> tuple[Cell, ...]:
        return (Cell(f"{len(self.folded)} folded"),) if self.folded else ()

    def _fit(self, members: int) -> None:
        """As many lines for the team as it has members, within its share of the screen."""
        room = self.size.height - 4
        most = room // 2 if self.wide else room * 2 // 5
        height = max(3, min(members + 1, most)) + self.wide
        box = self.query_one("#team")
        if self.zoomed:
            box.styles.height = None
        elif box.styles.height is None or box.styles.height.value != height:
            box.styles.height = height

    # -- going about ----------------------------------------------------------------------------

    def _placed(self) -> None:
        """Let those panes be seen that are to be. Not by classes: a style sheet that is gone through anew for
        all of the screen would take longer than a key may."""
        seen = frozenset(pane for pane in PANES if self._seen(pane))
        if (seen, self.wide, self.zoomed) == self._laid:
            return  # what is set anew is drawn anew, all of it
        self._laid = (seen, self.wide, self.zoomed)
        for pane in PANES:
            self.query_one(f"#{pane}").display = pane in seen
            self.query_one(f"#{pane}-title").display = self.wide or self.zoomed
        left, right = self.query_one("#left"), self.query_one("#right")
        left.display, right.display = bool(seen & LEFT), bool(seen - LEFT)
        both = left.display and right.display and not self.wide
        left.styles.height = "auto" if both else "1fr"
        self.query_one("#tabs").display = not self.wide and not self.zoomed
        self.query_one("#panes").set_class(self.zoomed, "zoomed")

    @property
    def wide(self) -> bool:
        """Whether all panes have room side by side."""
        return self.size.width >= WIDE

    def _goto(self, pane: str) -> None:
        self.pane = pane
        if pane != "team":
            self.lower = pane
        self._placed()
        self.again()
        self._focus()

    def _focus(self) -> None:
        self.query_one("#feed-lines" if self.pane == "feed" else f"#{self.pane}-rows").focus()
        self.refresh_bindings()

    def _refocus(self) -> None:
        self._focus()

    def on_descendant_focus(self) -> None:
        """A click into a pane goes there too."""
        there = self.focused
        pane = (there.id or "").partition("-")[0] if there is not None else ""
        if pane in PANES and pane != self.pane:
            self._goto(pane)

    def on_pane_strip_picked(self, event: PaneStrip.Picked) -> None:
        """Go to the pane that was clicked on."""
        self._goto(event.key)

    def on_feed_followed(self) -> None:
        """The line above the feed says whether it is followed."""
        self.again()

    def on_resize(self) -> None:
        """Other panes may be seen now."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._placed()
        self.again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Folding is for tasks."""
        return self.pane == "tasks" if action == "fold" else super().check_action(action, parameters)

    def action_pane(self, by: int) -> None:
        """Go to the next pane or to the one before."""
        self._goto(PANES[(PANES.index(self.pane) + by) % len(PANES)])

    def action_zoom(self) -> None:
        """Show one pane alone, or all again."""
        self.zoomed = not self.zoomed
        self._placed()
        self.again()

    def action_fold(self) -> None:
        """Fold what stands under the task with the cursor, or unfold it."""
        if (node := self._tree.by_id.get(self._rows("tasks").key)) is not None and node.below:
            self.folded ^= {node.id}
            self.again()

    def action_order(self) -> None:
        """The next order of the team."""
        self.order = (self.order + 1) % len(team.ORDERS)
        self.again()
        self.bench.say(f"the team: {team.ORDERS[self.order]}")

    def action_which(self) -> None:
        """The next kind of lines in the feed."""
        self.which = WHICH[(WHICH.index(self.which) + 1) % len(WHICH)]
        if not self._seen("feed"):
            self._goto("feed")
        self.again()

    # -- opening --------------------------------------------------------------------------------

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Open the teammate or the task."""
        match self.pane:
            case "team" if event.key == LEAD:
                self.bench.say("m writes to the lead; what it answers stands in the feed")
            case "team":
                self.bench.open_teammate(event.key)
            case "tasks":
                self.bench.open_task(event.key)
            case _:
                self.bench.open_task(queue.task_of(event.key))

    def on_feed_chosen(self, event: Feed.Chosen) -> None:
        """Open what a line of the feed is about."""
        state = self.bench.watched.state
        match about(state, event.told):
            case "ask", _:
                self.app.switch_mode("inbox")
            case "letter", letter:
                self.bench.write_to(state.mail[letter].sender, letter)
            case "task", task:
                self.bench.open_task(task)
            case "teammate", name:
                self.bench.open_teammate(name)
            case _:
                self.bench.say("this line is about the run as a whole")

    @property
    def writes_to(self) -> str:
        """Whom `m` writes to: the teammate with the cursor, or who is at the task with it."""
        if self.pane == "team":
            return self._rows("team").key
        state = self.bench.watched.state
        if self.pane == "feed":
            told = self.query_one("#feed-lines", Feed).told
            return told.who if told is not None and told.who in state.teammates else ""
        key = self._rows(self.pane).key
        task = state.tasks.get(key if self.pane == "tasks" else queue.task_of(key))
        attempt = state.attempts.get((task.spec.id, task.attempt)) if task is not None else None
        return attempt.teammate if attempt is not None and attempt.live else ""

    def copied(self) -> str:
        """See RunScreen."""
        if self.pane == "feed":
            told = self.query_one("#feed-lines", Feed).told
            return _line(told) if told is not None else ""
        rows = self._rows(self.pane)
        if not rows.key:
            return ""
        cells = rows.rows[rows.cursor].cells
        return "  ".join(cell.text for cell in cells if cell.text)


def _line(told: Told) -> str:
    return f"{told.who}: {told.what}" if told.who else told.what
