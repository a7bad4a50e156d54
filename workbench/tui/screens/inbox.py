"""All that waits for the person, in one list that is answered in one key; and all letters as exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from workbench.core.mail import ALL, LEAD, Decision, Message, MessageKind
from workbench.core.requests import Answer, Retry, Skip
from workbench.core.story.words import clock_time
from workbench.tui.presenting import inbox as box
from workbench.tui.presenting import threads
from workbench.tui.presenting.inbox import Item, Page, Part
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.page import PagePane, Scrolled
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.core.requests import Request
    from workbench.core.watched import Watched
    from workbench.tui.bench import Outcome

SETTLE_SECONDS = 0.5
"""So long an item that came under the cursor by itself takes no answer: the key was meant for the one before.
A key that is held down begins this anew each time, and so answers once."""

LETTERS_SECONDS = 1.0
"""How often the letters are read anew at most while none is added: that looks at every mailbox."""


class List(Rows):
    """A list with a page beside it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("l", "screen.page", "Read", show=False)]


class InboxScreen(RunScreen):
    """All that waits for the person, and all letters.

    `y` and `n` answer the item at the cursor at once. So that no key hits what it was not meant for, an item
    that came under the cursor by itself takes none for a moment, one that is answered takes no second answer,
    and copying, which is `y` elsewhere, is `c` here.
    """

    CSS_PATH = "inbox.tcss"
    FILTERS: ClassVar[bool] = True
    HORIZONTAL_BREAKPOINTS = [(0, "-stacked"), (120, "-beside")]  # noqa: RUF012  # as Textual declares it
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
            "left_square_bracket,right_square_bracket",
            "tab",
            "Letters",
            show=False,
            tooltip="To the letters, or back to what waits",
        ),
        Binding("space", "fold", "Fold", show=False, tooltip="Fold the exchange at the cursor, or unfold it"),
        Binding("minus", "fold_all", "Fold all", show=False, tooltip="Fold all exchanges, or unfold them"),
        Binding("h", "rows", "List", show=False, tooltip="Back to the list"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.letters = False
        """Whether the letters are shown instead of what waits."""
        self._items: list[Item] = []
        self._given: dict[str, tuple[float, str]] = {}
        """What was answered and is still open as far as the log tells: of an item that came up then."""
        self._kept: dict[str, str] = {}
        self._folded: set[str] = set()
        self._at = ""
        self._came = float("-inf")
        self._warned = False
        self._was_live = False
        self._read: tuple[object, ...] = ()
        self._read_at = float("-inf")
        self._begun = False

    # -- showing --------------------------------------------------------------------------------

    def body(self) -> ComposeResult:
        """See RunScreen."""
        yield Static(id="tabs")
        with Container(id="panes"):
            yield List(
                box.COLUMNS,
                empty="Nothing waits for you. Questions, plans, permissions and stuck tasks come here.",
                id="waiting",
            )
            yield List(
                threads.COLUMNS,
                empty="No letters yet. m writes to a teammate, b to all.",
                id="letters",
            )
            yield PagePane(id="page")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#letters").display = False
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
        if watched.live != self._was_live:
            self._was_live = watched.live
            self._look_for_kept()
        found = [it for it in box.items(watched) if self._fits(it)]
        self._items = found
        since = {it.key: it.since for it in found}
        if not self.filter:
            self._given = {key: it for key, it in self._given.items() if since.get(key) == it[0]}
        self.query_one("#tabs", Static).update(self._tabs(watched))
        if self.letters:
            self._show_letters(watched)
        else:
            now, given = self.bench.now, self._answers()
            rows = self.query_one("#waiting", List)
            rows.show([box.row(it, now, given.get(it.key, "")) for it in found])
            if rows.key != self._at:
                self._arrive(rows.key)
        self._show_page()

    def _fits(self, item: Item) -> bool:
        return self.matches(item.kind, item.sender, item.task, item.about, item.text)

    def _answers(self) -> dict[str, str]:
        """What was answered and is not settled, by the item."""
        return {**self._kept, **{key: words for key, (_, words) in self._given.items()}}

    def _tabs(self, watched: Watched) -> Content:
        waiting = sum(it.mine for it in self._items)
        tabs = (
            (f"Waiting {waiting}", not self.letters),
            (f"Letters {len(watched.state.mail):,}", self.letters),
        )
        parts = [Content.styled(f" {name} ", "bold reverse" if on else "$text-muted") for name, on in tabs]
        return Content.assemble(*parts, Content.styled("  [ ] changes", "dim"))

    def _show_letters(self, watched: Watched) -> None:
        state, now = watched.state, self.bench.now
        rows = self.query_one("#letters", List)
        read = (
            watched.run,
            len(state.mail),
            len(state.answers),
            len(state.asks),
            self.filter,
            len(self._folded),
        )
        if read == self._read and monotonic() - self._read_at < LETTERS_SECONDS:
            return
        self._read, self._read_at = read, monotonic()
        matches = self._letter_fits if self.filter else None
        readers = threads.Readers(state)
        sent = watched.history.sent
        last = rows.cursor >= len(rows.rows) - 1
        rows.show(
            [
                threads.row(it, sent, now, readers.stands(it.message))
                for it in threads.entries(state, self._folded, matches)
            ]
        )
        if rows.rows and (last or not self._begun):
            self._begun = True
            rows.action_edge(1)

    def _letter_fits(self, message: Message) -> bool:
        return self.matches(message.sender, message.to, message.kind.value, message.task, message.text)

    def _show_page(self) -> None:
        watched = self.bench.watched
        page: Page | None = None
        if self.letters:
            message = watched.state.mail.get(self.query_one("#letters", List).key)
            page = _letter_page(watched, message, self.bench.now) if message is not None else None
        elif (item := self._item()) is not None:
            page = box.page(watched, item, self.bench.now, self._answers().get(item.key, ""))
        self.query_one(PagePane).show(page)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Show the page of the row; whoever went there themselves may answer at once."""
        if event.rows.id == "waiting" and event.key != self._at:
            self._at, self._came = event.key, float("-inf")
        self._show_page()

    def _arrive(self, key: str) -> None:
        """Another item stands under the cursor, and nobody went there."""
        self._at, self._came, self._warned = key, monotonic(), False

    # -- answering ------------------------------------------------------------------------------

    def _item(self) -> Item | None:
        """The item at the cursor."""
        key = self.query_one("#waiting", List).key
        return next((it for it in self._items if it.key == key), None)

    def _asked(self) -> Item | None:
        """The item that a key is for; None where it is for none, which is said where it was meant for one."""
        item = self._item()
        if self.letters or item is None:
            return None
        now = monotonic()
        if now - self._came < SETTLE_SECONDS:
            self._came = now
            if not self._warned:
                self._warned = True
                self.bench.say("This one came up just now: read it, and press again.")
            return None
        if item.key in self._given:
            self.bench.say(f"That is answered already: {self._given[item.key][1]}.")
            return None
        return item

    def action_give(self, decision: Decision) -> None:
        """Answer the item at the cursor yes or no."""
        item = self._asked()
        if item is None:
            return
        if decision not in item.moves:
            self.bench.say(self._cannot(item))
            return
        if "answer" in item.moves:
            request = Answer(message=item.message, text={"yes": "Yes.", "no": "No."}[decision])
        else:
            request = Answer(message=item.message, decision=decision)
        self._ask(item, request, box.answered(decision), f"{item.message}: {decision}")

    def action_words(self, decision: Decision) -> None:
        """Answer the item at the cursor yes or no, and say something about it."""
        item = self._asked()
        if item is None:
            return
        if decision not in item.moves:
            self.bench.say(self._cannot(item))
        else:
            self._write(item, "" if "answer" in item.moves else decision)

    def action_retry(self) -> None:
        """Try the task at the cursor again."""
        item = self._asked()
        if item is not None and "retry" in item.moves:
            self._ask(item, Retry(task=item.task), box.answered("retry"), f"{item.task} is tried again")
        elif item is not None:
            self.bench.say(self._cannot(item))

    def action_skip(self) -> None:
        """Leave the task at the cursor out."""
        item = self._asked()
        if item is not None and "skip" in item.moves:
            self._ask(item, Skip(task=item.task), box.answered("skip"), f"{item.task} is left out")
        elif item is not None:
            self.bench.say(self._cannot(item))

    def _cannot(self, item: Item) -> str:
        keys = ", ".join(f"{key} {what}".strip() for key, what in box.page_keys(item))
        return f"That key is not for a {item.kind}" + (f": {keys}." if keys else ".")

    def _write(self, item: Item, decision: Decision) -> None:
        if self.bench.place is None:
            self.bench.say("This is a recording: nothing can be asked of it.", bad=True)
            return
        self.bench.answer(item.message, decision, self._telling(item, decision or "answer"))

    def _ask(self, item: Item, request: Request, words: str, done: str) -> None:
        if self.bench.place is not None:
            self._mark(item, words)
        self.bench.ask(request, done, self._telling(item, ""))

    def _telling(self, item: Item, words: str) -> Callable[[Outcome], None]:
        """What to do with what comes of an answer; ``words`` are marked once it is on its way."""

        def told(outcome: Outcome) -> None:
            if outcome == "sent":
                self._mark(item, box.answered(words))
            elif outcome == "refused":
                self._given.pop(item.key, None)
                self.again()
            elif outcome == "kept":
                self._given.pop(item.key, None)
                self._look_for_kept()

        return told

    def _mark(self, item: Item, words: str) -> None:
        """Show at once that an answer was given, and go on to the next that waits."""
        self._given[item.key] = (item.since, words)
        rows = self.query_one("#waiting", List)
        there = box.next_key(self._items, item.key, self._answers())
        if there and rows.key == item.key:
            rows.point(there)
            self._arrive(there)
        self.again()

    def _look_for_kept(self) -> None:
        """Find out which answers are kept until the run goes on, whoever gave them."""
        place, run = self.bench.place, self.bench.watched.run
        if place is None or not run:
            return

        async def looking() -> None:
            from workbench.composition.requesting import kept_answers

            try:
                found = await asyncio.to_thread(kept_answers, place, run)
            except OSError as error:
                self.bench.say(f"What is kept for the run cannot be read: {error}", bad=True)
                return
            self._kept = {name: box.kept(it.decision, it.text) for name, it in found.items()}
            self.again()

        self.run_worker(looking, group="kept", exclusive=True)

    # -- opening --------------------------------------------------------------------------------

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Write the answer or a reply, open the task, or go on to read."""
        if self.letters:
            self._reply(event.key)
            return
        item = self._item()
        if item is None:
            return
        if not item.message:
            self.bench.open_task(item.task)
        elif "answer" not in item.moves:
            self.action_page()
        elif (item := self._asked()) is not None:
            self._write(item, "")

    def _reply(self, name: str) -> None:
        state = self.bench.watched.state
        message = state.mail.get(name)
        if message is None:
            return
        if name in state.asks and message.kind is MessageKind.QUESTION:
            if self.bench.place is None:
                self.bench.say("This is a recording: nothing can be asked of it.", bad=True)
            else:
                self.bench.answer(name)
        elif to := threads.replies_to(message):
            self.bench.write_to(to, name)
        else:
            self.bench.say("workbench reads no letters; m writes to a teammate.")

    def action_task(self) -> None:
        """Open the task of the item or letter at the cursor."""
        about = self._about()
        if about is not None and about[0]:
            self.bench.open_task(about[0])

    def action_teammate(self) -> None:
        """Open the teammate of the item or letter at the cursor."""
        about = self._about()
        if about is not None and about[1]:
            self.bench.open_teammate(about[1])

    def _about(self) -> tuple[str, str] | None:
        """The task and the teammate that the cursor is about."""
        if self.letters:
            message = self.bench.watched.state.mail.get(self.query_one("#letters", List).key)
            return (message.task, threads.replies_to(message)) if message is not None else None
        item = self._item()
        return (item.task, box.teammate_of(item)) if item is not None else None

    @property
    def writes_to(self) -> str:
        """Whom `m` writes to here."""
        about = self._about()
        to = about[1] if about is not None else ""
        return to if to in (LEAD, ALL) or to in self.bench.watched.state.teammates else ""

    def copied(self) -> str:
        """See RunScreen."""
        if self.letters:
            message = self.bench.watched.state.mail.get(self.query_one("#letters", List).key)
            return message.text if message is not None else ""
        item = self._item()
        return item.text if item is not None else ""

    # -- going about ----------------------------------------------------------------------------

    def action_tab(self) -> None:
        """From what waits to the letters, and back."""
        self.letters = not self.letters
        self.query_one("#waiting").display = not self.letters
        self.query_one("#letters").display = self.letters
        self._read = ()
        self.action_rows()
        self.again()

    def action_rows(self) -> None:
        """The keys go to the list."""
        self.query_one("#letters" if self.letters else "#waiting", List).focus()

    def _refocus(self) -> None:
        self.action_rows()

    def action_page(self) -> None:
        """The keys go to the page, which scrolls."""
        self.query_one(Scrolled).focus()

    def action_fold(self) -> None:
        """Fold the exchange at the cursor, or unfold it."""
        rows = self.query_one("#letters", List)
        message = self.bench.watched.state.mail.get(rows.key)
        if not self.letters or message is None:
            return
        thread = message.thread or message.id
        self._folded ^= {thread}
        self._read = ()
        self.again()
        rows.point(thread)

    def action_fold_all(self) -> None:
        """Fold all exchanges, or unfold them when any is folded."""
        if not self.letters:
            return
        rows = self.query_one("#letters", List)
        message = self.bench.watched.state.mail.get(rows.key)
        state = self.bench.watched.state
        self._folded = set() if self._folded else {it.thread or it.id for it in state.mail.values()}
        self._read = ()
        self.again()
        if message is not None and not rows.point(message.id):
            rows.point(message.thread or message.id)


def _letter_page(watched: Watched, message: Message, now: float) -> Page:
    state, sent = watched.state, watched.history.sent
    thread = threads.thread_of(state, message.id)
    others = [it for it in thread if it.id != message.id]
    stands = threads.readers(state, message)
    at = sent.get(message.id)
    facts = [
        ("when", clock_time(at, now) if at else ""),
        ("from", threads.whom(message.sender)),
        ("to", threads.whom(message.to)),
        ("task", message.task),
        ("answers", message.reply_to),
        ("said", message.decision),
        ("stands", stands),
    ]
    return Page(
        key=message.id,
        title=Cell(f"{message.id}  {threads.KINDS.get(message.kind, message.kind.value)}", "strong"),
        facts=tuple((name, value) for name, value in facts if value),
        parts=(
            Part("", message.text),
            *([Part("the exchange", threads.written(state, others, sent, now))] if others else []),
        ),
        keys=(("enter", "reply"), ("space", "fold"), ("-", "fold all"), ("o", "its task"), ("c", "copy")),
    )
