"""Writing to somebody: a message, a reply, an answer with words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, Static, TextArea

from workbench.core.models import TEXT_LIMIT
from workbench.tui.presenting.table import fitted

NAMED = 12
"""Names that are offered at once."""


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote ``to`` whom; not ``sent``, it is a draft."""

    to: str
    text: str
    sent: bool


class Words(TextArea):
    """A text field. A terminal that does not mark what is pasted sends line ends as ctrl+j: they belong to
    the text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+j", "line", "New line", show=False)]

    def action_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")


class WriteScreen(ModalScreen[Written]):
    """A text field for a message; gives what was written, sent or not.

    ``to`` is whom it is for; without ``fixed`` that can be changed to another of ``names``. ``about`` is what
    it answers, shown above it. ``drafts`` are texts that were not sent, by whom they were for: the one for
    ``to`` is in the field at first. With ``empty`` it may be sent without words.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "Send", key_display="^s", priority=True),
        Binding("escape", "leave", "Keep as a draft", priority=True),
    ]
    AUTO_FOCUS = ".begin"
    """Set from the first moment on, so that what is typed at once does not go elsewhere."""

    def __init__(
        self,
        to: str,
        *,
        names: Sequence[str] = (),
        title: str = "",
        about: str = "",
        draft: str = "",
        drafts: Mapping[str, str] | None = None,
        fixed: bool = False,
        empty: bool = False,
    ) -> None:
        super().__init__()
        self._to, self._names = to, tuple(names)
        self._title, self._about = title, about
        self._drafts = drafts or {}
        self._draft = draft or self._drafts.get(to, "")
        self._fixed, self._empty = fixed, empty

    def compose(self) -> ComposeResult:
        with Vertical(id="write"):
            if self._fixed:
                yield Label(self._title or f"To {self._to}", id="title", markup=False)
            else:
                with Horizontal(id="whom"):
                    yield Label("To ")
                    yield Input(
                        self._to,
                        placeholder="a teammate, lead or all",
                        suggester=SuggestFromList(self._names, case_sensitive=False),
                        compact=True,
                        id="to",
                        classes="" if self._to else "begin",
                    )
                yield Static(id="names")
            if self._about:
                with VerticalScroll(id="about", can_focus=False):
                    yield Static(self._about, markup=False)
            begin = "begin" if self._fixed or self._to else ""
            yield Words(self._draft, id="text", show_line_numbers=False, soft_wrap=True, classes=begin)
            with Horizontal(id="foot"):
                yield Label(self._how(), id="how")
                yield Label(id="count")

    def _how(self) -> str:
        keys = "ctrl+s sends · esc keeps it as a draft"
        return keys if self._fixed else f"{keys} · shift+tab whom"

    def on_mount(self) -> None:
        """Go on where the draft ends."""
        text = self.query_one(Words)
        text.move_cursor(text.document.end)
        self._count()
        if not self._fixed:
            self._offer()

    def on_text_area_changed(self) -> None:
        """Count as it is typed."""
        self._count()

    def _count(self) -> None:
        size = len(self.query_one(Words).text.strip())
        if size > TEXT_LIMIT:
            said = Content.styled(f"{size - TEXT_LIMIT:,} too many", "bold $error")
        else:
            said = Content.styled(
                f"{size:,} / {TEXT_LIMIT:,}", "dim" if size < 0.9 * TEXT_LIMIT else "$warning"
            )
        self.query_one("#count", Label).update(said)

    # -- whom -----------------------------------------------------------------------------------

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer whoever it may be; a draft for them comes into an empty field."""
        self._offer()
        text = self.query_one(Words)
        draft = self._drafts.get(event.value.strip(), "")
        if draft and not text.text.strip():
            text.load_text(draft)
            text.move_cursor(text.document.end)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the text, with the name that was begun made whole."""
        found = self._found()
        if event.value not in self._names and len(found) == 1:
            event.input.value = found[0]
        self.query_one(Words).focus()

    def _found(self) -> list[str]:
        begun = self.query_one("#to", Input).value.strip().casefold()
        return [name for name in self._names if name.casefold().startswith(begun)]

    def _offer(self) -> None:
        to, found = self.query_one("#to", Input).value.strip(), self._found()
        if to in self._names:
            said = Content("")
        elif not found:
            said = Content.styled("nobody is called that", "$error")
        else:
            more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
            said = Content.styled(f"{'  '.join(found[:NAMED])}{more}", "dim")
        offered = self.query_one("#names", Static)
        offered.update(said)
        offered.display = bool(said.plain)

    @property
    def to(self) -> str:
        """Whom it is for, as far as that is known."""
        return self._to if self._fixed else self.query_one("#to", Input).value.strip()

    # -- ending ---------------------------------------------------------------------------------

    def action_send(self) -> None:
        """Give the text to be sent; say so where it cannot be."""
        text, to = self.query_one(Words).text.strip(), self.to
        if not self._fixed and to not in self._names:
            self._refuse(f"There is nobody called {fitted(to, min(30, len(to)))!r}." if to else "To whom?")
            self.query_one("#to", Input).focus()
        elif not text and not self._empty:
            self._refuse("There is nothing to send.")
        elif len(text) > TEXT_LIMIT:
            self._refuse(f"At most {TEXT_LIMIT:,} characters can be sent; this has {len(text):,}.")
        else:
            self.dismiss(Written(to, text, sent=True))

    def _refuse(self, why: str) -> None:
        self.notify(why, severity="warning", markup=False)

    def action_leave(self) -> None:
        """Give the text as a draft."""
        self.dismiss(Written(self.to, self.query_one(Words).text, sent=False))
