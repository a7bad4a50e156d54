"""A screen in parts, of which one is seen at a time."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from workbench.tui.presenting.panes import Tab
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.base import RunScreen
from workbench.tui.widgets.panes import NEXT, PaneStrip
from workbench.tui.widgets.rows import Rows
from workbench.tui.widgets.sheet import Sheet


class TabbedScreen(RunScreen):
    """A subclass gives ``TABS``, ids and labels, and a ``pane`` for each; ``tab`` is the one that is open.
    Only that one need be brought up to the run by ``show``; ``opened`` is called when it is another."""

    TABS: ClassVar[tuple[tuple[str, str], ...]] = ()
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab,right_square_bracket",
            "turn(1)",
            "Next",
            key_display="tab",
            tooltip="The next part of the screen",
        ),
        Binding(
            "shift+tab,left_square_bracket",
            "turn(-1)",
            "Before",
            key_display="⇧tab",
            show=False,
            tooltip="The part before",
        ),
        Binding("l", "turn(1)", "Next", show=False, tooltip="The next part of the screen"),
        Binding("h", "turn(-1)", "Before", show=False, tooltip="The part before"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.tab = self.TABS[0][0]
        self._counts: dict[str, str] = {}

    def parts(self) -> ComposeResult:
        """The line of tabs and, below it, what they show."""
        yield PaneStrip(id="tabs")
        with ContentSwitcher(initial=self.tab, id="parts"):
            for name, _ in self.TABS:
                yield self.pane(name)

    def pane(self, name: str) -> Widget:
        """What stands below the tab ``name``; its id is that name."""
        raise NotImplementedError

    def opened(self) -> None:
        """Another part is seen."""

    def label(self, counts: dict[str, int]) -> None:
        """Show how many there are behind each tab."""
        self._counts = {name: f"{count:,}" for name, count in counts.items() if count}
        self._tell()

    def _tell(self) -> None:
        tabs = [
            Tab(name, title, (Cell(self._counts[name]),) if name in self._counts else (), name == self.tab)
            for name, title in self.TABS
        ]
        self.query_one("#tabs", PaneStrip).show(tabs, NEXT)

    def on_mount(self) -> None:
        self.call_after_refresh(self._refocus)

    def open_tab(self, name: str) -> None:
        """Show this part."""
        self.tab = name
        self.query_one("#parts", ContentSwitcher).current = name
        self._tell()
        self.opened()
        self.again()
        self._refocus()

    def _refocus(self) -> None:
        pane = self.query_one(f"#{self.tab}")
        inside = (it for it in pane.walk_children(with_self=True) if isinstance(it, Widget))
        found = next((it for it in inside if it.can_focus and it.display), None)
        if found is not None:
            found.focus()

    def action_back(self) -> None:
        """From what stands below rows back to these; otherwise as everywhere."""
        above = self.focused.parent if isinstance(self.focused, Sheet) else None
        if isinstance(above, Widget) and above.has_class("split"):
            above.query_one(Rows).focus()
        else:
            super().action_back()

    def action_turn(self, by: int) -> None:
        """The part so many further."""
        names = [name for name, _ in self.TABS]
        self.open_tab(names[(names.index(self.tab) + by) % len(names)])

    def on_pane_strip_picked(self, event: PaneStrip.Picked) -> None:
        """Show the part that was clicked."""
        self.open_tab(event.key)
