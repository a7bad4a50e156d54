"""A teammate from outside: somebody's own program or session, which joined a run that goes on.

Nothing is started here. The task is laid on the seat that it took; the brief lies in `.workbench/brief.md` of
its worktree, the nonce by which `workbench mark` knows it beside that, and messages come as files into
`.workbench/inbox/`, as for any command. It is over when the run says so, when the command that whoever joined
runs for each task has ended, or when who joined is not there any more: then what it had is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.adapters.folder import BRIEF, INBOX, NONCE, opened, write
from workbench.adapters.seats import Offer, Seat
from workbench.engine.ports import Agent, AgentReport, Assignment, Ended, Heard, Letter, Started

LOOK_SECONDS = 0.1
"""How often a seat is looked at: a few questions to the file system."""

STOP_SECONDS = 5.0
"""How long a command gets to end when its task is taken away."""

GONE = "whoever had joined is not there any more"


class ExternalAgent:
    """Fulfils ``engine.ports.Agent`` for who sits in a seat below ``seats``."""

    continues = False

    def __init__(self, seats: Path) -> None:
        self._seats = seats

    async def work(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
    ) -> None:
        """See ``Agent.work``. An end without an exit code says that nobody is there any more; the end of a
        turn by hand is for the caller to tell."""
        seat = Seat(self._seats / assignment.seat)
        offer = Offer(assignment.task, assignment.attempt, assignment.teammate, str(assignment.worktree))
        try:
            with _laid_out(assignment, seat, offer):
                ended = await _watched(assignment, seat, offer, inbox, report)
        except asyncio.CancelledError:
            await _stopped(assignment, seat, offer)
            raise
        except OSError as error:
            ended = Ended(live=False, error=f"Its worktree or its seat cannot be used: {error}.")
        report(ended)


class Dispatch:
    """``engine.ports.Agent`` for a whole team: who joined from outside is served by ``external``, everybody
    else is one of the run's ``own``."""

    def __init__(self, own: Agent, external: Agent) -> None:
        self.own, self._external = own, external
        self.continues = own.continues

    async def work(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
    ) -> None:
        """See ``Agent.work``."""
        agent = self._external if assignment.seat else self.own
        await agent.work(assignment, inbox, report)


@contextlib.contextmanager
def _laid_out(assignment: Assignment, seat: Seat, offer: Offer) -> Iterator[None]:
    """Brief and nonce in the worktree, an empty inbox, and the task on the seat, until it is over."""
    with opened(assignment.worktree, INBOX) as letters:
        for entry in list(os.scandir(letters)):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=letters)
    with opened(assignment.worktree) as folder:
        write(folder, BRIEF, assignment.brief)
        write(folder, NONCE, assignment.nonce)
    seat.lay(offer)
    try:
        yield
    finally:
        seat.clear()
        with contextlib.suppress(OSError), opened(assignment.worktree) as folder:
            os.unlink(NONCE, dir_fd=folder)


async def _watched(
    assignment: Assignment,
    seat: Seat,
    offer: Offer,
    inbox: asyncio.Queue[Letter],
    report: Callable[[AgentReport], None],
) -> Ended:
    begun, number = False, 0
    while True:
        outcome, held = seat.outcome(offer), seat.held()
        if not begun and seat.begun(offer):
            begun = True
            report(Started(None))
            if assignment.messages:  # they are in the brief
                report(Heard(assignment.messages))
        if outcome is not None:
            return Ended(live=False, exit_code=outcome.exit_code, error=outcome.error, limit=outcome.limit)
        if not held:
            return Ended(live=False, error=GONE)
        while begun and not inbox.empty():
            letter = inbox.get_nowait()
            number += 1
            with opened(assignment.worktree, INBOX) as folder:
                write(folder, f"{number:03d}-message.md", letter.text)
            if letter.messages:
                report(Heard(letter.messages))
        await asyncio.sleep(LOOK_SECONDS)


async def _stopped(assignment: Assignment, seat: Seat, offer: Offer) -> None:
    """Wait until a command that was begun has ended, for a while. Who works by hand sees it when looking."""
    if assignment.by_hand or not seat.begun(offer):
        return
    for _ in range(round(STOP_SECONDS / LOOK_SECONDS)):
        if seat.outcome(offer) is not None or not seat.held():
            return
        await asyncio.sleep(LOOK_SECONDS)
