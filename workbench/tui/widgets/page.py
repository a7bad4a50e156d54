"""A page about one thing beside a list: what it is, all that was said, and what can be pressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Markdown, Static

from workbench.tui.presenting.page import Page, Part
from workbench.tui.presenting.threads import clean
from workbench.tui.widgets.header import content

BETWEEN = "  ·  "

_CHANGED = {"+": "$text-success", "-": "$text-error", "~": "$text-warning", "@": "dim"}
"""By the first sign of a line of what changes in a plan; the sign says the same."""


class Scrolled(VerticalScroll):
    """A part of a page that scrolls by the keys of lists too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "First", show=False),
        Binding("G", "scroll_end", "Last", show=False),
        Binding("ctrl+f", "page_down", "Page down", show=False),
        Binding("ctrl+b", "page_up", "Page up", show=False),
    ]


class PagePane(Vertical):
    """Shows a ``Page``. It stays where it was scrolled to for as long as it is about the same thing. Nothing
    in it is taken for markup, and no link is followed."""

    DEFAULT_CSS = """
    PagePane { height: 1fr; }
    PagePane > Scrolled { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
    PagePane Static { height: auto; }
    PagePane Markdown { padding: 0; margin: 1 0 0 0; height: auto; }
    PagePane > #keys-here { height: auto; max-height: 3; padding: 0 1; background: $panel; }
    """

    def __init__(self, *, empty: str = "", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._empty = empty
        self._page: Page | None = None
        self._blank = False
        self._document = ""

    def compose(self) -> ComposeResult:
        with Scrolled(id="page-text"):
            yield Static(id="page-head")
            yield Markdown(id="page-markdown", open_links=False)
            yield Static(id="page-rest")
        yield Static(id="keys-here")

    def on_mount(self) -> None:
        """Nothing in Markdown is there yet."""
        self.query_one(Markdown).display = False

    def show(self, page: Page | None) -> None:
        """Show this now; without a page, that there is none."""
        if page == self._page and (page is not None or self._blank):
            return
        before, self._page, self._blank = self._page, page, page is None
        head, rest = self.query_one("#page-head", Static), self.query_one("#page-rest", Static)
        keys = self.query_one("#keys-here", Static)
        if page is None:
            head.update(Content.styled(self._empty, "dim"))
            rest.update("")
            keys.update("")
            keys.display = False
            self._render_markdown("")
            return
        head.update(_head(page))
        rest.update(Content("\n").join(list(_parts(page))))
        keys.update(_keys(page, self._room))
        keys.display = bool(page.keys)
        self._render_markdown("\n\n".join(part.text for part in page.parts if part.form == "markdown"))
        if before is None or before.key != page.key:
            self.query_one(Scrolled).scroll_home(animate=False)

    @property
    def _room(self) -> int:
        return max(1, self.scrollable_content_region.width - 2)

    def on_resize(self) -> None:
        """Keys stand on as many lines as they need."""
        if self._page is not None:
            self.query_one("#keys-here", Static).update(_keys(self._page, self._room))

    def _render_markdown(self, text: str) -> None:
        if text == self._document:
            return
        self._document = text
        document = self.query_one(Markdown)
        document.display = bool(text)
        self._rendered(document, text)

    @work(exclusive=True, group="markdown")
    async def _rendered(self, document: Markdown, text: str) -> None:
        await document.update(clean(text))


def _head(page: Page) -> Content:
    lines = [Content.assemble(content(page.title)).stylize("bold")]
    wide = max((len(name) for name, _ in page.facts), default=0)
    for name, value in page.facts:
        lines.append(Content.assemble(Content.styled(f"{name:<{wide}}  ", "$text-muted"), clean(value)))
    return Content("\n").join(lines)


def _parts(page: Page) -> Iterator[Content]:
    for part in page.parts:
        if part.form == "markdown":
            continue
        yield Content("")
        if part.heading:
            yield Content.styled(part.heading, "bold $text-muted")
        yield _text(part)


def _text(part: Part) -> Content:
    lines = clean(part.text.strip("\n")).splitlines()
    if part.form == "lines":
        return Content("\n").join([Content.styled(f"  {line}", "$text") for line in lines])
    if part.form == "change":
        return Content("\n").join(
            [Content.styled(line, _CHANGED.get(line.strip()[:1], "")) for line in lines]
        )
    return Content("\n".join(lines))


def _keys(page: Page, room: int) -> Content:
    """The keys and what they do, none of them broken between two lines."""
    shown, used = Content(), 0
    for key, what in page.keys:
        item = Content.assemble(Content.styled(key, "bold $text-accent"), " " if key else "", what)
        between = BETWEEN if used else ""
        if used and used + len(between) + item.cell_length > room:
            between, used = "\n", 0
        shown = Content.assemble(shown, between, item)
        used += item.cell_length + (len(between) if between == BETWEEN else 0)
    return shown
