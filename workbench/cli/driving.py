"""A run in this process: signals in, display out, and the exit code at the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.adapters.children import all_noted, watch_children_by_pidfd
from workbench.cli.outcome import INTERRUPTED, explain
from workbench.cli.signals import SIGNALS, handling
from workbench.composition.ahead import LATER, QUIET_SECONDS, import_ahead
from workbench.composition.past import proof, proven_report

if TYPE_CHECKING:
    from workbench.cli.display import Display
    from workbench.composition.place import Place
    from workbench.composition.runs import Run
    from workbench.core.events import Record
    from workbench.core.report import Report
    from workbench.core.state import RunState

T = TypeVar("T")

ECHO_SECONDS = 0.5
"""A SIGTERM so soon after the request to stop is the same request once more."""


STANDS = "nothing is half done; `workbench status` says where the run stands"


def run_async(main: Coroutine[Any, Any, T], interrupted: str = STANDS) -> T:
    """``asyncio.run``, with a child watcher that needs no thread for each process. ``interrupted`` is what a
    person is told who interrupts it."""
    watch_children_by_pidfd()
    gc.freeze()  # what was imported stays
    gc.enable()

    told: list[int] = []

    async def whole() -> T:
        try:
            with _interrupting(told):
                return await main
        finally:
            await all_noted()

    try:
        return asyncio.run(whole())
    except (KeyboardInterrupt, asyncio.CancelledError) as ended:
        if isinstance(ended, asyncio.CancelledError) and not told:
            raise
        explain("interrupted", interrupted)
        raise KeyboardInterrupt from None


@contextlib.contextmanager
def _interrupting(told: list[int]) -> Iterator[None]:
    """SIGTERM and SIGHUP cancel the current task, as asyncio lets SIGINT do; noted in ``told``.

    By default they would end this process where it stands, and gates and git commands that it had
    started would go on without it. A second one does not wait for the loop's turn; only a SIGHUP is
    nobody's second word, as ``drive`` says.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    if threading.current_thread() is not threading.main_thread():  # where no signal ever arrives
        yield
        return

    def interrupt(number: int, _: object) -> None:
        if told and number == signal.SIGHUP:
            return
        told.append(number)
        if len(told) > 1:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(task.cancel)

    def late(number: int, _: object) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    after: dict[signal.Signals, Any] = {}
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        # What is left of this process is told of one signal more, and ends as interrupted all the same.
        after = {signal.SIGTERM: late, signal.SIGHUP: signal.SIG_IGN}
        raise
    finally:
        for number, handler in (before | after).items():
            if signal.getsignal(number) != signal.SIG_IGN:  # it is for good: see ``handling``
                signal.signal(number, handler)


async def drive(place: Place, run: Run, display: Display) -> tuple[Report, int]:
    """Let a run go to its end, showing it; gives its report and the exit code."""
    interrupted = gone = False
    asked = 0.0
    proving: asyncio.Future[dict[str, bool]] | None = None

    def show(record: Record) -> None:
        nonlocal gone, proving
        if run.state.finished and not run.state.undoing and proving is None:  # while worktrees are removed
            proving = asyncio.ensure_future(proof(place, run.state))
        if not gone:
            try:
                display.show(run.state, record)
            except OSError:  # the reader went away; a run does not end for that
                gone = True

    run.bus.listen(show)
    quiet = asyncio.get_running_loop().call_later(QUIET_SECONDS, import_ahead, LATER)
    work = asyncio.ensure_future(run.go())

    def stop(number: signal.Signals) -> None:
        nonlocal interrupted, asked
        if interrupted:
            # A closed terminal hangs up twice, by the kernel and by its shell; `timeout` sends its SIGTERM
            # to the process, then to its group. Nobody asked again there.
            echo = number == signal.SIGTERM and time.monotonic() - asked < ECHO_SECONDS
            if number != signal.SIGHUP and not echo:
                work.cancel()
            return
        interrupted, asked = True, time.monotonic()
        display.say(f"stopping: {SIGNALS[number]}; what the teammates have is kept (again to end at once)")
        run.stop(SIGNALS[number])

    with display, handling(stop):
        try:
            state = await work
        except asyncio.CancelledError:
            if not interrupted:
                raise
            display.say("ended at once", f"`workbench resume {run.id}` goes on from here")
            display.close()
            state = run.state
        finally:
            quiet.cancel()
    from workbench.core.report import report

    result = report(state, await proving) if proving else await proven_report(place, state)
    return result, exit_code(state, result, interrupted=interrupted)


def exit_code(state: RunState, result: Report, *, interrupted: bool) -> int:
    """0 when every task landed; 130 when interrupted; 2 for a refused base or login; else 1."""
    if result.complete and state.outcome == "landed":
        return 0
    if interrupted:
        return INTERRUPTED
    return 2 if state.outcome == "refused" or state.login else 1


@contextlib.asynccontextmanager
async def looked_at(display: Display) -> AsyncIterator[Display]:
    """A display around a run: the person closes it in their own time when all went well; when it did not, it
    is closed at once."""
    try:
        yield display
    except BaseException:
        display.close()
        raise
    await display.closed()
