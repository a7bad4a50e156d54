"""What a person writes in the viewer: messages, replies and answers, and the drafts of what was not sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from workbench.core.mail import ALL, LEAD, Decision, Message
from workbench.core.mailing import members
from workbench.core.requests import Answer, Write
from workbench.tui.presenting.threads import clean, head, whom
from workbench.tui.screens.write import WriteScreen, Written

if TYPE_CHECKING:
    from textual.app import App

    from workbench.core.requests import Request
    from workbench.tui.bench import Bench, Outcome, Told


class Talking:
    """The desk of the person at this viewer. What was written and not sent, or refused, is there again when
    the same is written to again; it goes with the viewer."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._bench = cast("Bench", app)
        self.drafts: dict[str, str] = {}
        """By whom they are for, or by the message that they answer."""

    def write(self, to: str, reply_to: str = "") -> None:
        """Let the person write ``to`` somebody, or choose to whom where that is empty."""
        state = self._bench.watched.state
        about = state.mail.get(reply_to)

        def ended(written: Written | None) -> None:
            if written is not None:
                key = f"reply {reply_to}" if reply_to else written.to
                request = None
                if written.sent:
                    request = Write(to=written.to, text=written.text, reply_to=reply_to)
                self._settle(key, written, request, f"sent to {whom(written.to)}", None)

        drafts = self.drafts
        screen = WriteScreen(
            to,
            names=self._names(),
            title=f"Reply to {whom(to)}",
            about=self._quoted(about),
            draft=drafts.get(f"reply {reply_to}", "") if reply_to else "",
            drafts={} if reply_to else drafts,
            fixed=bool(reply_to),
        )
        self._app.push_screen(screen, ended)

    def answer(self, message: str, decision: Decision, told: Told | None) -> None:
        """Let the person put an answer to what is open into words."""
        asked = self._bench.watched.state.mail[message]
        key = f"answer {message} {decision}".strip()

        def ended(written: Written | None) -> None:
            if written is not None:
                request = (
                    Answer(message=message, decision=decision, text=written.text) if written.sent else None
                )
                self._settle(key, written, request, f"answered {message}", told)

        screen = WriteScreen(
            asked.sender,
            title=f"Answer{f' “{decision}”' if decision else ''} to {whom(asked.sender)}, {message}",
            about=self._quoted(asked),
            draft=self.drafts.get(key, ""),
            fixed=True,
            empty=bool(decision),
        )
        self._app.push_screen(screen, ended)

    def _settle(
        self, key: str, written: Written, request: Request | None, done: str, told: Told | None
    ) -> None:
        """Send what was written, and keep it until it has arrived."""
        if written.text.strip():
            self.drafts[key] = written.text
        else:
            self.drafts.pop(key, None)
        if request is None:
            return

        def heard(outcome: Outcome) -> None:
            if outcome != "refused" and self.drafts.get(key) == written.text:
                del self.drafts[key]
            if told is not None:
                told(outcome)

        if told is not None:
            told("sent")
        self._bench.ask(request, done, heard)

    def _names(self) -> list[str]:
        state = self._bench.watched.state
        lead = [LEAD] if state.settings.lead else []
        return [*lead, ALL, *members(state)]

    def _quoted(self, about: Message | None) -> str:
        if about is None:
            return ""
        bench = self._bench
        return f"{head(about, bench.watched.history.sent, bench.now)}\n{clean(about.text)}"
