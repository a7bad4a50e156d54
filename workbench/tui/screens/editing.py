"""The plan in the person's editor: what they wrote is checked, shown, and then asked for."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual.app import App

from workbench.core.requests import PLAN_LIMIT, ProposeChange
from workbench.errors import UsageError
from workbench.tui.outside import edit
from workbench.tui.presenting import editing
from workbench.tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from workbench.composition.place import Place
    from workbench.core.watched import Watched
    from workbench.tui.bench import Bench


async def edit_plan(app: App[object], task: str) -> None:
    """Open the plan of the run that is watched at ``task``, as often as the person wants to mend it, and ask
    the run for what they changed."""
    bench = cast("Bench", app)
    place, watched = bench.place, bench.watched
    if place is None or watched.state.plan is None:
        bench.say(
            "This is a recording: its plan cannot be changed." if place is None else "There is no plan.",
            bad=True,
        )
        return
    text = before = await asyncio.to_thread(_standing, place, watched)
    while True:
        try:
            text = await _edited(app, text, editing.line_of(text, task))
        except UsageError as error:
            bench.say("\n".join(filter(None, (str(error), error.hint))), bad=True)
            return
        if text.strip() == before.strip():
            bench.say("the plan was left as it was")
            return
        found = editing.review(watched.state, text)
        again = await app.push_screen_wait(ConfirmScreen(found.title, found.lines, yes=found.yes))
        if not again:
            bench.say(
                "nothing was asked for; what you wrote is not kept" if found.yes else "nothing was asked for"
            )
            return
        if found.fits:
            bench.ask(ProposeChange(text=text, approved=True), found.gist)
            return


async def _edited(app: App[object], text: str, line: int) -> str:
    """``text`` as the person leaves it in their editor."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="workbench-plan-"))
    path = folder / "plan.md"
    try:
        await asyncio.to_thread(path.write_text, text, encoding="utf-8")
        await edit(app, path, line)
        changed = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise UsageError(f"The plan could not be written for the editor: {error.strerror}.") from error
    finally:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(shutil.rmtree, folder)
    if len(changed) > 4 * PLAN_LIMIT:
        raise UsageError(
            "The plan is too large to be asked for so.", "Change the plan file of the run instead."
        )
    try:
        return changed.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("The plan is not UTF-8 any more: nothing was asked for.") from None


def _standing(place: Place, watched: Watched) -> str:
    """The run's own plan file, or the plan as the state has it where there is none."""
    try:
        return editing.own(place.plan_file(watched.run).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return editing.rendered(watched.state)
