"""What becomes of a failure of the viewer itself: it is kept for whoever started it, never shown."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType
from textual.app import App


class ViewerFailed(Exception):
    """Something broke outside the application's own tasks; the text is all that is known of it."""


class Failing(App[None]):
    """An application that gives the terminal back and raises, where others print a traceback with all that
    their variables held."""

    failure: Exception | None = None
    """Why it ended, if it did not end well."""

    def panic(self, *renderables: RenderableType) -> None:
        """See App: called from the thread that reads keys, among others."""
        text = io.StringIO()
        Console(file=text, width=110).print(*renderables)
        self.failure = self.failure or ViewerFailed(text.getvalue())
        super().panic(*renderables)

    def _fatal_error(self) -> None:
        self.failure = self.failure or self._exception
        super()._fatal_error()

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()
