"""Taking a landing off the branch again: looked at first, then agreed to, then done in the background."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from textual.app import App

from workbench.errors import WorkbenchError
from workbench.tui.presenting.prose import heading, lines_of
from workbench.tui.presenting.undo import done, going
from workbench.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from workbench.composition.place import Place
    from workbench.composition.undo import Undone
    from workbench.tui.bench import Bench


def undo_landing(app: App[object], task: str) -> None:
    """Ask whether the landing of ``task``, and all that builds on it, is to go; and take it off. Why it
    cannot be is said."""
    bench = cast("Bench", app)
    place, run = bench.place, bench.watched.run
    if place is None:
        bench.say("This is a recording: nothing of it can be undone.", bad=True)
        return
    bench.say(f"looking what goes with {task} …")

    def look() -> None:
        if (found := _undo(app, place, run, task, dry_run=True)) is not None:
            app.call_from_thread(_ask, app, place, task, found)

    app.run_worker(look, group="undo", thread=True)


def _ask(app: App[object], place: Place, task: str, found: Undone) -> None:
    bench = cast("Bench", app)

    def take_off() -> None:
        undone = _undo(app, place, found.run, task, dry_run=False)
        if undone is not None:
            said = done(undone.reversals, undone.held, undone.behind, undone.target, undone.there)
            app.call_from_thread(bench.say, said)

    def answered(yes: bool | None) -> None:
        if yes:
            app.run_worker(take_off, group="undo", thread=True)

    count = len(found.reversals)
    asks = f"Undo the landing of {task}?" if count == 1 else f"Undo {count} landings?"
    lines = going(found.reversals, found.why, found.gates)
    app.push_screen(ConfirmScreen(asks, lines, yes="undo"), answered)


def _undo(app: App[object], place: Place, run: str, task: str, *, dry_run: bool) -> Undone | None:
    """In a thread: what is or would be undone; None where it was refused, which is said."""
    from workbench.composition.undo import RedUndo, undo

    bench = cast("Bench", app)

    def say(text: str) -> None:
        app.call_from_thread(bench.say, f"undo: {text}")

    try:
        return asyncio.run(undo(place, [task], run, say, dry_run=dry_run))
    except RedUndo as red:
        lines = [
            *lines_of(red.hint, "warn"),
            (),
            heading("What the gate said"),
            *lines_of(red.output[-8_000:]),
        ]
        app.call_from_thread(app.push_screen, ConfirmScreen(str(red), lines, yes=""))
    except (WorkbenchError, OSError) as error:
        hint = getattr(error, "hint", "")
        app.call_from_thread(bench.say, "\n".join(filter(None, (str(error), hint))), bad=True)
    return None
