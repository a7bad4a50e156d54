"""All that waits for the person, in one list that is answered in one key; and all letters as exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from workbench.core.inbox import for_person
from workbench.core.inbox import stuck as stuck_tasks
from workbench.core.mail import LEAD, Decision, Message, MessageKind
from workbench.core.requests import Answer, Retry, Skip
from workbench.tui.presenting import inbox as box
from workbench.tui.presenting import item as about
from workbench.tui.presenting import threads
from workbench.tui.presenting.answering import Given, Guard, kept, next_item
from workbench.tui.presenting.inbox import Item
from workbench.tui.presenting.page import Page
from workbench.tui.presenting.panes import Tab
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.letters import Letters
from workbench.tui.widgets.page import PagePane, Scrolled
from workbench.tui.widgets.panes import NEXT, PaneStrip
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.requests import Request
    from workbench.core.state import RunState
    from workbench.core.watched import Watched
    from workbench.tui.bench import Outcome


EMPTY = (
    "Questions, permissions, plans and changes of the plan that wait for you come here, and tasks that do not"
    " go on by themselves. y and n answer; enter writes the answer. m writes to somebody, b to all."
)
"""What stands on the page while there is nothing to read."""


class Waiting(Rows):
    """What waits, with a page beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("l", "screen.page", "Read", show=False)]


class InboxScreen(RunScreen):
    """All that waits for the person, and all letters.

    `y` and `n` answer the item at the cursor at once. So that no key hits what it was not meant for, an item
    that came under the cursor by itself takes none for a moment, one that is answered takes no second answer,
    and copying, which is `y` elsewhere, is `c` here.
    """

    CSS_PATH = "inbox.tcss"
    FILTERS: ClassVar[bool] = True
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (132, "-beside")]  # noqa: RUF012  # as Textual declares it
    AUTO_FOCUS = "#waiting"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y", "give('yes')", "Yes", tooltip="Answer yes: allow, approve (here y does not copy: c does)"
        ),
        Binding("n", "give('no')", "No", tooltip="Answer no: refuse, turn down"),
        Binding("Y", "words('yes')", "Yes, with words", show=False),
        Binding("N", "words('no')", "No, with words", show=False),
        Binding("r", "retry", "Try again", show=False, tooltip="Try the stuck task at the cursor again"),
        Binding("x", "skip", "Leave out", show=False, tooltip="Leave the stuck task at the cursor out"),
        Binding("o", "task", "Task", show=False, tooltip="Open the task"),
        Binding("t", "teammate", "Teammate", show=False, tooltip="Open the teammate"),
        Binding("c", "copy", "Copy", show=False, tooltip="Copy the text of what stands at the cursor"),
        Binding(
            "tab,shift+tab,left_square_bracket,right_square_bracket",
            "tab",
            "Letters",
            key_display="tab",
            show=False,
            tooltip="To the letters, or back to what waits",
        ),
        Binding("h", "rows", "List", show=False, tooltip="Back to the list"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.letters = False
        """Whether the letters are shown instead of what waits."""
        self._items: list[Item] = []
        self._given = Given()
        self._guard = Guard()
        self._was: tuple[str, bool] = ("", False)

    @property
    def waiting(self) -> Waiting:
        """The list of what waits."""
        return self.query_one("#waiting", Waiting)

    @property
    def mail(self) -> Letters:
        """The list of letters."""
        return self.query_one("#letters", Letters)

    # -- showing --------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield PaneStrip(id="tabs")
        with Container(id="panes"):
            yield Waiting(
                box.COLUMNS,
                empty="Nothing waits for you.",
                id="waiting",
            )
            yield Letters(empty="No letters yet.", id="letters")
            yield PagePane(empty=EMPTY, id="page")

    def on_mount(self) -> None:
        super().on_mount()
        self.mail.display = False
        self.set_interval(1.0, self._tick)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._look_for_kept()

    def _tick(self) -> None:
        """Ages are shown as they grow."""
        if self.is_current and self.bench.watched.live:
            self.again()

    def show(self, watched: Watched) -> None:
        """See RunScreen."""
        if self._was != (watched.run, watched.live):
            if self._was[0] != watched.run:
                self._given = Given()
            self._was = (watched.run, watched.live)
            self._look_for_kept()
        self.query_one("#tabs", PaneStrip).show(self._tabs(watched.state), NEXT)
        now = self.bench.now
        if self.letters:
            self.mail.bring(watched, now, self.filter, self._letter_fits if self.filter else None)
        else:
            found = box.items(watched)
            self._given.settle(found)
            self._items = [it for it in found if self._fits(it)] if self.filter else found
            self.waiting.show([box.row(it, now, self._given.words(it)) for it in self._items])
            if self.waiting.key != self._guard.at:
                self._guard.came(self.waiting.key, monotonic())
        self._show_page()

    def _fits(self, item: Item) -> bool:
        return self.matches(item.kind, item.sender, item.task, item.about, item.text)

    def _letter_fits(self, message: Message) -> bool:
        return self.matches(message.sender, message.to, message.kind.value, message.task, message.text)

    def _tabs(self, state: RunState) -> tuple[Tab, Tab]:
        asks, stuck, letters = len(for_person(state)), len(stuck_tasks(state)), len(state.mail)
        waiting = Cell(f"{asks} + {stuck} stuck" if stuck else f"{asks}")
        return (
            Tab("waiting", "Waiting", (waiting,), not self.letters),
            Tab("letters", "Letters", (Cell(f"{letters:,}"),), self.letters),
        )

    def on_pane_strip_picked(self, event: PaneStrip.Picked) -> None:
        """Show what was clicked on."""
        if (event.key == "letters") != self.letters:
            self.action_tab()

    def _show_page(self) -> None:
        watched, page = self.bench.watched, None
        if self.letters:
            message = self.mail.message
            page = threads.page(watched, message, self.bench.now) if message is not None else None
        elif (item := self._item()) is not None:
            page = self._page(watched, item)
        self.query_one(PagePane).show(page)

    def _page(self, watched: Watched, item: Item) -> Page:
        return about.page(watched, item, self.bench.now, self._given.words(item))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Show the page of the row; whoever went there themselves may answer at once."""
        if event.rows.id == "waiting" and event.key == self.waiting.key:  # else it has moved on since
            self._guard.went(event.key)
        self._show_page()

    # -- answering ------------------------------------------------------------------------------

    def _item(self) -> Item | None:
        """The item at the cursor."""
        key = self.waiting.key
        return next((it for it in self._items if it.key == key), None)

    def _meant(self, *moves: box.Move) -> Item | None:
        """The item that a key for one of ``moves`` is for; None where it is for none, which is said where it
        was meant for one."""
        item = self._item()
        if self.letters or item is None:
            return None
        if self._guard.stops(monotonic()):
            if self._guard.tells():
                self.bench.say("This one came up just now: read it, and press again.")
        elif sent := self._given.sent(item):
            self.bench.say(f"That is answered already: {sent}.")
        elif not item.moves & set(moves):
            keys = ", ".join(f"{key} {what}".strip() for key, what in about.keys(item))
            what = item.kind if item.message else f"{item.kind} task"
            self.bench.say(f"That key is not for a {what}: {keys}.")
        else:
            return item
        return None

    def action_give(self, decision: Decision) -> None:
        """Answer the item at the cursor yes or no."""
        item = self._meant("yes", "no")
        if item is None:
            return
        if "answer" in item.moves:
            request = Answer(message=item.message, text=f"{decision.capitalize()}.")
        else:
            request = Answer(message=item.message, decision=decision)
        self._ask(item, request, decision, f"{item.message}: {decision}")

    def action_words(self, decision: Decision) -> None:
        """Answer the item at the cursor yes or no, and say something about it."""
        item = self._meant("words", "answer")
        if item is not None:
            self._write(item, "" if "answer" in item.moves else decision)

    def action_retry(self) -> None:
        """Try the task at the cursor again."""
        item = self._meant("retry")
        if item is not None:
            self._ask(item, Retry(task=item.task), "again", f"{item.task} is tried again")

    def action_skip(self) -> None:
        """Leave the task at the cursor out."""
        item = self._meant("skip")
        if item is not None:
            self._ask(item, Skip(task=item.task), "left out", f"{item.task} is left out")

    def _write(self, item: Item, decision: Decision) -> None:
        if self._recorded():
            return
        self.bench.answer(item.message, decision, self._telling(item, decision or "answer"))

    def _recorded(self) -> bool:
        if self.bench.place is None:
            self.bench.say("This is a recording: nothing can be asked of it.", bad=True)
        return self.bench.place is None

    def _ask(self, item: Item, request: Request, words: str, done: str) -> None:
        if self._recorded():
            return
        self._mark(item, words)
        self.bench.ask(request, done, self._telling(item, words))

    def _telling(self, item: Item, words: str) -> Callable[[Outcome], None]:
        """What to do with what comes of an answer; ``words`` stand there once it is on its way."""

        def told(outcome: Outcome) -> None:
            if outcome == "sent":
                self._mark(item, words)
            elif outcome == "kept" and not item.message:
                self._given.keep(item, words)
                self.again()
            elif outcome != "taken":
                self._given.forget(item)
                self._look_for_kept()
                self.again()

        return told

    def _mark(self, item: Item, words: str) -> None:
        """Show at once that an answer was given, and go on to the next that waits."""
        self._given.send(item, words)
        there = next_item(self._items, item, self._given)
        if there and self.waiting.key == item.key and self.waiting.point(there):
            self._guard.came(there, monotonic())
        self.again()

    @work(exclusive=True, group="kept")
    async def _look_for_kept(self) -> None:
        """Find out which answers are kept until the run goes on, whoever gave them."""
        place, run = self.bench.place, self.bench.watched.run
        if place is None or not run:
            return
        from workbench.composition.requesting import kept_answers

        try:
            found = await asyncio.to_thread(kept_answers, place, run)
        except OSError as error:
            self.bench.say(f"What is kept for the run cannot be read: {error}", bad=True)
            return
        self._given.kept = {name: kept(it.decision, it.text) for name, it in found.items()}
        self.again()

    # -- opening --------------------------------------------------------------------------------

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Write the answer or a reply, open the task, or go on to read."""
        item = self._item()
        if self.letters:
            self._reply(event.key)
        elif item is None:
            return
        elif not item.message:
            self.bench.open_task(item.task)
        elif "answer" not in item.moves:
            self.action_page()
        elif self._meant("answer") is not None:
            self._write(item, "")

    def _reply(self, name: str) -> None:
        state = self.bench.watched.state
        message = state.mail.get(name)
        if message is None or self._recorded():
            return
        if name in state.asks and message.kind is MessageKind.QUESTION:
            self.bench.answer(name)
        elif to := threads.replies_to(message):
            self.bench.write_to(to, name)
        else:
            self.bench.say("workbench reads no letters; m writes to a teammate.")

    def action_task(self) -> None:
        """Open the task of the item or letter at the cursor."""
        self.bench.open_task(self._about()[0])

    def action_teammate(self) -> None:
        """Open the teammate of the item or letter at the cursor."""
        self.bench.open_teammate(self._about()[1])

    def _about(self) -> tuple[str, str, str]:
        """The task, the teammate and the text that the cursor is about."""
        message, item = self.mail.message, self._item()
        if self.letters and message is not None:
            return message.task, threads.replies_to(message), message.text
        if not self.letters and item is not None:
            return item.task, about.teammate_of(item), item.text
        return "", "", ""

    @property
    def writes_to(self) -> str:
        """Whom `m` writes to here."""
        to = self._about()[1]
        return to if to == LEAD or to in self.bench.watched.state.teammates else ""

    def copied(self) -> str:
        """See RunScreen."""
        return self._about()[2]

    # -- going about ----------------------------------------------------------------------------

    def action_tab(self) -> None:
        """From what waits to the letters, and back."""
        self.letters = not self.letters
        self.waiting.display = not self.letters
        self.mail.display = self.letters
        self.action_rows()
        self.again()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Letters are not answered with yes or no."""
        return None if action == "give" and self.letters else True

    def action_rows(self) -> None:
        """The keys go to the list."""
        (self.mail if self.letters else self.waiting).focus()

    def _refocus(self) -> None:
        self.action_rows()

    def action_page(self) -> None:
        """The keys go to the page, which scrolls."""
        self.query_one(Scrolled).focus()
