"""Calling the person: the terminal's bell and title, and the desktop where that is wanted."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from workbench.tui.presenting.calling import Bell, Call, Seen, news, seen, sentence, title

if TYPE_CHECKING:
    from workbench.core.watched import Watched

SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b]2;\x07\x1b[23;2t"
"""XTWINOPS of xterm, which tmux and most terminals know. Where there is no stack of titles, the title is left
empty, which stands for the terminal's own."""

EXTRA = "desktop_notifier"


class Terminal(Protocol):
    """What a caller does on a terminal."""

    def bell(self) -> None:
        """Ring."""
        ...

    def write(self, sequence: str) -> None:
        """Send a control sequence."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the person wants to be called."""

    bell: bool = True
    desktop: bool = False


class Caller:
    """Looks at a run and calls once for each burst of news. What was there when a run was first read to its
    end is no news. ``clock`` gives seconds and does not go back; ``notify`` is given what to show on the
    desktop, and is only called where that is wanted."""

    def __init__(
        self,
        terminal: Terminal,
        notify: Callable[[str, str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._terminal = terminal
        self._notify = notify
        self._clock = clock
        self._seen: Seen | None = None
        self._of: Watched | None = None
        self._bell = Bell()
        self._title = ""

    def look(self, watched: Watched, wanted: Wanted) -> None:
        """Call for what has come up since the last look; bring the title up to the run."""
        if watched is not self._of:
            self._of, self._seen, self._bell = watched, None, Bell()
        self._entitle(title(watched))
        if not watched.caught_up:
            return
        now = seen(watched)
        calls: list[Call] = []
        if self._seen is not None and now != self._seen:
            calls = news(self._seen, now, watched)
        self._seen = now
        if told := self._bell.due(calls, now.asks, self._clock()):
            if wanted.bell:
                self._terminal.bell()
            if wanted.desktop:
                self._notify(watched.run, sentence(told))

    def _entitle(self, said: str) -> None:
        if said != self._title:
            if not self._title:
                self._terminal.write(SAVE_TITLE)
            self._title = said
            self._terminal.write(f"\x1b]2;{said}\x07")

    def close(self) -> None:
        """Give the terminal the title back that it had."""
        if self._title:
            self._title = ""
            self._terminal.write(RESTORE_TITLE)


class Desktop:
    """Notifications of the desktop, by desktop-notifier: it is kept up, asynchronous, and speaks to D-Bus,
    macOS and Windows itself. It comes with ``pip install 'workbench[notify]'``."""

    def __init__(self) -> None:
        self._notifier: Any = None
        self._failed = False

    async def show(self, headline: str, text: str) -> str:
        """Show a notification; gives why it cannot be shown, as a sentence, the first time that it cannot,
        and "" otherwise. Nothing is tried any more after that."""
        if self._failed:
            return ""
        problem = await self._show(headline, text)
        self._failed = bool(problem)
        return problem

    async def _show(self, headline: str, text: str) -> str:
        heard = _Heard()
        log = logging.getLogger(EXTRA)
        before, log.propagate = log.propagate, False
        log.addHandler(heard)  # it logs what goes wrong, and raises nothing
        try:
            if self._notifier is None:
                self._notifier = importlib.import_module(EXTRA).DesktopNotifier(app_name="workbench")
            await self._notifier.send(title=headline, message=text)
        except ImportError:
            return "Desktop notifications need `pip install 'workbench[notify]'`."
        except Exception as error:  # noqa: BLE001  # whatever a desktop does, the viewer goes on without it
            heard.reason = str(error) or type(error).__name__
        finally:
            log.removeHandler(heard)
            log.propagate = before
        if not heard.reason:
            return ""
        return f"The desktop shows no notifications: {heard.reason.splitlines()[0][:120]}"


class _Heard(logging.Handler):
    """Keeps the latest warning."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.reason = str(error or "") or record.getMessage()
