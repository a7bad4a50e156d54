"""What all screens on a run have in common: header, filter, footer, and when they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from workbench.tui.presenting.header import head
from workbench.tui.widgets.footer import KeyFooter
from workbench.tui.widgets.header import RunHeader

if TYPE_CHECKING:
    from workbench.core.watched import Watched
    from workbench.tui.bench import Bench


class RunScreen(Screen[None]):
    """A screen on the run that is watched.

    A subclass gives ``body`` and ``show``. ``show`` is called when the screen comes up, whenever the run has
    changed (at most ten times a second) and when the filter has; it must be quick, and hand its widgets only
    values. ``copied`` is what `y` copies. With ``FILTERS`` the key `/` opens a filter, whose words are in
    ``filter``.
    """

    FILTERS: ClassVar[bool] = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", key_display="/", show=False),
        Binding("escape", "back", "Back", show=False),
        Binding("y", "copy", "Copy", show=False),
        # Textual has this key for copying, and would show it as that alone.
        Binding(
            "ctrl+c", "copy_or_stop", "Stop or close", show=False, tooltip="Stop or close; copies a selection"
        ),
    ]
    AUTO_FOCUS = "Rows"
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """As in Screen; what gets or loses the focus draws itself, and not the whole screen each time."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = -1
        self.filter = ""

    @property
    def bench(self) -> Bench:
        """The application, as screens see it."""
        return cast("Bench", self.app)

    def compose(self) -> ComposeResult:
        yield RunHeader()
        yield from self.body()
        yield Input(placeholder="filter: words that a line must have; esc ends it", id="filter")
        yield KeyFooter()

    def body(self) -> ComposeResult:
        """What stands between header and footer."""
        raise NotImplementedError

    def show(self, watched: Watched) -> None:
        """Bring the widgets up to the run as it stands."""
        raise NotImplementedError

    def copied(self) -> str:
        """What `y` puts on the clipboard; nothing when it is empty."""
        return ""

    def on_mount(self) -> None:
        self.query_one("#filter", Input).display = False

    def on_screen_resume(self) -> None:
        self._shown = -1
        self.look()

    def look(self) -> None:
        """Show the run if it has changed since it was shown here."""
        if not self.is_mounted or not self.query(RunHeader):
            return
        watched = self.bench.watched
        self.query_one(RunHeader).show(head(watched, self.bench.now))
        if (watched.reached or not watched.last) and watched.changes != self._shown:
            self._shown = watched.changes
            self.show(watched)

    def again(self) -> None:
        """Show the run as it stands, changed or not."""
        self._shown = -1
        self.look()

    def action_filter(self) -> None:
        """Open the filter."""
        if self.FILTERS:
            field = self.query_one("#filter", Input)
            field.display = True
            field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter holds as it is typed."""
        if event.input.id == "filter":
            self.filter = event.value.casefold()
            self.again()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps the filter and goes back to the rows."""
        if event.input.id == "filter":
            event.input.display = bool(event.value)
            self._refocus()

    def action_back(self) -> None:
        """End the filter, or leave this screen for the one before it."""
        field = self.query_one("#filter", Input)
        if field.display:
            field.value = ""
            field.display = False
            self._refocus()
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def _refocus(self) -> None:
        if self.AUTO_FOCUS and (found := self.query(self.AUTO_FOCUS)):
            found.first().focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that does nothing here is not among the keys."""
        return self.FILTERS if action == "filter" else super().check_action(action, parameters)

    async def action_copy_or_stop(self) -> None:
        """Copy what is selected; otherwise what Ctrl-C means everywhere."""
        await self.run_action("app.stop" if self.get_selected_text() is None else "screen.copy_text")

    def action_copy(self) -> None:
        """Copy what stands at the cursor."""
        if text := self.copied():
            self.app.copy_to_clipboard(text)
            self.bench.say(f"copied: {text.splitlines()[0][:60]}")
        else:
            self.bench.say("There is nothing to copy here.")

    def matches(self, *texts: str) -> bool:
        """Whether these texts together have every word of the filter."""
        if not self.filter:
            return True
        whole = " ".join(texts).casefold()
        return all(word in whole for word in self.filter.split())
