"""Rows on a screen where `l` means something else than opening."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.tui.widgets.rows import Rows


class Listing(Rows, inherit_bindings=False):
    """As ``Rows``; only enter opens, so that `h` and `l` are the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        it for it in Rows.BINDINGS if not (isinstance(it, Binding) and it.action == "choose")
    ] + [Binding("enter", "choose", "Open", show=False)]
