"""The keys at the foot of a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from workbench.tui.presenting.foot import GAP, Foot, fitting

if TYPE_CHECKING:
    from textual.screen import Screen


class KeyFooter(Widget):
    """One line, drawn anew only when it shows other keys than before: Textual's own is made of a widget for
    each key, with every change of focus, and is cut where the screen ends. A click is that key."""

    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom; height: 1;
        background: $footer-background; color: $footer-description-foreground;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: tuple[Foot, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self.bindings_changed)

    def bindings_changed(self, screen: Screen[object]) -> None:
        """Show the keys that mean something now: of several for one thing, the first."""
        found: dict[tuple[object, str], Foot] = {}
        for node, it, enabled, _ in screen.active_bindings.values():
            if it.show:
                mode, stays = "switch_mode" in it.action, node is self.app and it.action in ("keys", "leave")
                foot = Foot(it.key, self.app.get_key_display(it), it.description, enabled, mode, stays)
                found.setdefault((node, it.action), foot)
        keys = tuple(found.values())
        if keys != self.keys:
            self.keys = keys
            self.refresh()

    def render(self) -> RenderResult:
        """See Widget."""
        return Content(" " * GAP).join(
            Content.assemble(
                Content.styled(it.shown, "bold $footer-key-foreground"), " ", Content.styled(it.what, "")
            )
            if it.enabled
            else Content.styled(f"{it.shown} {it.what}", "dim")
            for it in fitting(self.keys, self.size.width)
        )

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked on."""
        at = 0
        for it in fitting(self.keys, self.size.width):
            if at <= event.x < at + it.width and it.key and it.enabled:
                self.app.simulate_key(it.key)
            at += it.width + GAP
