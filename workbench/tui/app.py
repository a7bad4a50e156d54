"""The application: follows one run, knows the screens, and sends what a person asks for."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import get_current_worker

from workbench.core.mail import ALL, LEAD, Decision
from workbench.core.requests import Pause, Request, Stop, Unpause
from workbench.core.watched import Watched
from workbench.errors import IllegalEvent, WorkbenchError
from workbench.tui import themes
from workbench.tui.calling import Caller, Desktop, Wanted
from workbench.tui.failing import Failing
from workbench.tui.outside import put_aside
from workbench.tui.palette import Commands
from workbench.tui.screens.base import RunScreen
from workbench.tui.screens.home import HomeScreen
from workbench.tui.screens.inbox import InboxScreen
from workbench.tui.screens.keys import KeysScreen
from workbench.tui.screens.merge import MergeScreen
from workbench.tui.screens.plan import PlanScreen
from workbench.tui.screens.stop import Choice, StopScreen
from workbench.tui.screens.task import TaskScreen
from workbench.tui.screens.team import TeamScreen
from workbench.tui.screens.teammate import TeammateScreen
from workbench.tui.sharing import catching_up, shared_evenly
from workbench.tui.talking import Talking

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.composition.place import Place
    from workbench.composition.watching import Piece, Source
    from workbench.tui.bench import Outcome, Told

SLICE_SECONDS = 0.001
"""So long records are taken before a key that was pressed meanwhile gets its turn: it needs about ten of them
until what it does is seen."""

FIRST_SLICE_SECONDS = 0.010
"""The same while there is nothing to see yet."""

CLOSE = "Close the viewer, wherever you are; the run goes on"

LOOK_SECONDS = 0.1
"""How often the screen is brought up to the run, at most."""


class WorkbenchApp(Failing):
    """The viewer of ``source``'s run in ``place``, or of a recording where there is no place. Without a
    source it shows the repository's runs. ``clock`` gives Unix seconds. Where the run's own process lent its
    terminal, ``interrupt`` is Ctrl-C to that process."""

    TITLE = "workbench"
    CSS_PATH = "app.tcss"
    COMMANDS = App.COMMANDS | {Commands}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        "home": HomeScreen,
        "team": TeamScreen,
        "merge": MergeScreen,
        "inbox": InboxScreen,
        "plan": PlanScreen,
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "switch_mode('home')", "Home"),
        Binding("2", "switch_mode('team')", "Team"),
        Binding("3", "switch_mode('merge')", "Merge"),
        Binding("4,i", "switch_mode('inbox')", "Inbox"),
        Binding("5", "switch_mode('plan')", "Plan"),
        Binding("m", "write", "Message"),
        Binding("b", "broadcast", "Message all", show=False),
        Binding("p", "pause", "Pause", show=False, tooltip="Pause the run, or let it go on"),
        Binding("d", "picture", "Screenshot", show=False, tooltip="Save the screen as an SVG picture"),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        Binding("colon", "command_palette", "Commands", key_display=":", show=False),
        Binding("ctrl+c", "stop", "Stop or close", show=False),
        Binding(
            "ctrl+z", "suspend", "Suspend", show=False, tooltip="Put the viewer aside, `fg` brings it back"
        ),
        Binding("q", "leave", "Close", tooltip="Close the viewer; the run goes on"),
        Binding("ctrl+q", "quit", "Close", show=False, priority=True, tooltip=CLOSE),
    ]

    def __init__(
        self,
        place: Place | None = None,
        source: Source | None = None,
        clock: Callable[[], float] = time.time,
        *,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._interrupt = interrupt
        self.place = place
        self._source = source
        self._clock = clock
        self._lent_by = source.run if source is not None else ""
        self._rests_until = 0.0
        self.watched = Watched(source.run if source is not None else "")
        self.talking = Talking(self)
        self.caller = Caller(self, self._show_on_desktop)
        self._desktop = Desktop()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Textual's own commands, of which one says here what it leaves running."""
        for it in super().get_system_commands(screen):
            yield it if it.title != "Quit" else SystemCommand("Close", CLOSE, it.callback)

    # -- following ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show where to begin, and follow the run."""
        wanted = self.place.settings.theme if self.place is not None else ""
        theme, unknown = themes.chosen(wanted, self.available_themes, os.environ)
        self.theme = theme or self.theme
        if unknown:
            self.say(unknown, bad=True)
        self.switch_mode("team" if self._source is not None else "home")
        self.set_interval(LOOK_SECONDS, self._look_by_and_by)
        self._follow()

    def _follow(self) -> None:
        if self._source is not None:
            self.run_worker(self._following(self._source, self.watched), group="follow", exclusive=True)

    async def _following(self, source: Source, watched: Watched) -> None:
        with catching_up() as reached, shared_evenly():
            async with aclosing(source.pieces()) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if piece.anew:
                        watched = self.watched = Watched(source.run)
                    if not await self._take(watched, piece):
                        return
                    if watched.reached:
                        reached()

    async def _take(self, watched: Watched, piece: Piece) -> bool:
        began, slice_ = time.monotonic(), SLICE_SECONDS
        if not watched.reached:
            watched.history.begin(piece.last)
            slice_ = FIRST_SLICE_SECONDS
        for record in piece.records:
            try:
                watched.take(record)
            except IllegalEvent as error:
                watched.stands(
                    live=piece.live,
                    trouble=f"This log cannot be followed: {error}.",
                    caught_up=False,
                    last=piece.last,
                )
                return False
            if time.monotonic() - began > slice_:
                await asyncio.sleep(0)
                began = time.monotonic()
        watched.stands(live=piece.live, trouble=piece.trouble, caught_up=piece.caught_up, last=piece.last)
        return True

    def _look_by_and_by(self) -> None:
        """What took long rests long: at most a tenth of the time goes by with it, however much there is to
        show, and the rest is for keys."""
        began = time.monotonic()
        if began >= self._rests_until:
            self.look()
            now = time.monotonic()
            self._rests_until = now + 9 * (now - began)

    def look(self) -> None:
        """Bring the screen that is seen up to the run."""
        if not self.screen_stack:  # between two modes, or the application is closing
            return
        screen = self.screen
        if isinstance(screen, RunScreen):
            screen.look()
        settings = self.place.settings if self.place is not None else None
        self.caller.look(self.watched, Wanted(settings.bell, settings.notify) if settings else Wanted())

    def write(self, sequence: str) -> None:
        """See calling.Terminal."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)

    @work(group="desktop")
    async def _show_on_desktop(self, headline: str, text: str) -> None:
        if problem := await self._desktop.show(headline, text):
            self.say(problem)

    def on_unmount(self) -> None:
        """Leave the terminal as it was."""
        self.caller.close()

    @property
    def now(self) -> float:
        """See Bench."""
        return max(self._clock(), self.watched.now) if self.watched.live else self.watched.now

    def watch_run(self, run: str) -> None:
        """See Bench."""
        if self.place is None:
            return
        from workbench.composition.watching import LogSource

        self._source = LogSource(self.place, run)
        self.watched = Watched(run)
        self._follow()
        self.switch_mode("team")

    # -- asking ---------------------------------------------------------------------------------

    def ask(self, request: Request, done: str, told: Told | None = None) -> None:
        """See Bench."""
        place, run = self.place, self.watched.run

        def tell(said: str, outcome: Outcome) -> None:
            self.say(said, bad=outcome == "refused")
            if told is not None:
                told(outcome)

        if place is None:
            tell("This is a recording: nothing can be asked of it.", "refused")
            return
        from workbench.composition.requesting import ask

        def asking() -> None:
            worker = get_current_worker()
            outcome: Outcome
            try:
                made = asyncio.run(ask(place, run, request))
            except WorkbenchError as error:
                said, outcome = "\n".join(filter(None, (str(error), error.hint))), "refused"
            except OSError as error:
                said, outcome = f"It could not be asked: {error}", "refused"
            else:
                kept = made.event is None
                said, outcome = (f"kept until the run goes on: {done}", "kept") if kept else (done, "taken")
            if not worker.is_cancelled:
                self.call_from_thread(tell, said, outcome)

        self.run_worker(asking, group="ask", thread=True, exit_on_error=True)

    def say(self, text: str, *, bad: bool = False) -> None:
        """See Bench."""
        self.notify(text, severity="error" if bad else "information", timeout=8 if bad else 3, markup=False)

    def write_to(self, to: str, reply_to: str = "") -> None:
        """See Bench."""
        self.talking.write(to, reply_to)

    def answer(self, message: str, decision: Decision = "", told: Told | None = None) -> None:
        """See Bench."""
        self.talking.answer(message, decision, told)

    # -- going about ----------------------------------------------------------------------------

    def open_task(self, task: str) -> None:
        """See Bench."""
        if task in self.watched.state.tasks:
            self.push_screen(TaskScreen(task))

    def open_plan(self, path: Path) -> None:
        """See Bench."""
        self.push_screen(PlanScreen(path))

    def open_teammate(self, name: str) -> None:
        """See Bench."""
        if name in self.watched.state.teammates:
            self.push_screen(TeammateScreen(name))

    def action_write(self) -> None:
        """Write to whoever the screen is about, or to the lead, or choose to whom."""
        self.write_to(getattr(self.screen, "writes_to", "") or (LEAD if self.watched.state.lead.up else ""))

    def action_broadcast(self) -> None:
        """Write to all."""
        self.write_to(ALL)

    def action_pause(self) -> None:
        """Pause the run, or let it go on."""
        if self.watched.state.paused:
            self.ask(Unpause(), "the run goes on")
        else:
            self.ask(Pause(), "paused: what is at work goes on, nothing new starts")

    def action_picture(self) -> None:
        """Save the screen as an SVG picture where pictures of the user's are kept."""
        import platformdirs

        folder = platformdirs.user_state_path("workbench") / "screenshots"
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._clock()))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = self.save_screenshot(f"{self.watched.run or 'workbench'}-{stamp}.svg", str(folder))
        except OSError as error:
            self.say(f"The picture could not be saved: {error}", bad=True)
            return
        self.copy_to_clipboard(path)
        self.say(f"saved, and its path copied: {path}")

    def action_keys(self) -> None:
        """Show the keys of the screen."""
        if not isinstance(self.screen, KeysScreen):
            name = type(self.screen).__name__.removesuffix("Screen").lower()
            self.push_screen(KeysScreen(self.screen.active_bindings.values(), name))

    def action_stop(self) -> None:
        """Ask whether to stop the run or to close the viewer."""

        def chosen(choice: Choice | None) -> None:
            if choice == "stop" and self._interrupt is not None and self.watched.run == self._lent_by:
                self._interrupt()
                self.say("stopping: what the teammates have is kept (again to end at once)")
            elif choice == "stop":
                self.ask(Stop(), "stopping: what the teammates have is kept")
            elif choice == "close":
                self.exit()

        self.push_screen(StopScreen(self.watched.run, live=self.watched.live), chosen)

    def action_suspend(self) -> None:
        """Back to the shell for a while, unless that would stop the run: its process waits for this one."""
        if self._interrupt is not None:
            self.say("Ctrl-Z would hold up the run. q closes the viewer, p pauses the run.")
        elif problem := put_aside(self):
            self.say(problem, bad=True)

    def action_leave(self) -> None:
        """Back to the screen before, or close the viewer."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.exit()
