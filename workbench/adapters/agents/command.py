"""A teammate that is any command: a script, another coding agent, a test double.

The command gets its brief in `.workbench/brief.md` (named by WORKBENCH_BRIEF) and on standard
input, works with git and files in its worktree, says where it stands with `workbench mark`, finds
messages as files in `.workbench/inbox/`, and ends its attempt by exiting. What it prints goes to
`.workbench/log/`, straight from the process, at no cost here; a look at the file's size now and
then keeps it bounded and tells what the command is doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

from workbench.adapters.children import DIRECT, Child, Mark, Starter
from workbench.adapters.folder import BRIEF, FOLDER, INBOX, LOG, opened, write
from workbench.adapters.output import explained, readable, shell_code
from workbench.engine.ports import AgentReport, Assignment, Ended, Said, Started

LOG_BYTES = 4_000_000
"""Above this a log is cut to its end. Between two looks a command that prints without end may write more."""

LOG_KEPT = 65_536
"""How much of its end stays."""

LOOK_SECONDS = (0.05, 2.0)
"""The shortest and the longest time between two looks at the log: longer while it is quiet."""

SAID_SECONDS = 2.0
"""At most one line of output in this time becomes a report."""

EVIDENCE_LINES = 20
EVIDENCE_CHARACTERS = 2_000


class CommandAgent:
    """Fulfils ``engine.ports.Agent`` by running ``command`` with ``sh -c`` for each attempt.

    ``writes_inbox`` False means that somebody else puts messages into the inbox folder
    (``Markers.deliver``); what comes through the queue is then only taken out of it. ``starter`` starts
    the command: under supervision, or directly.
    """

    continues = False

    def __init__(self, command: str, *, writes_inbox: bool = True, starter: Starter = DIRECT) -> None:
        self.command = command
        self.writes_inbox = writes_inbox
        self._starter = starter

    async def work(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[str],
        report: Callable[[AgentReport], None],
    ) -> None:
        """See ``Agent.work``. Returns after one ``Ended``; cancelling reports nothing more."""
        try:
            ended = await self._run(assignment, inbox, report)
        except (OSError, ValueError) as error:  # no worktree, no memory, no room, a null byte in the text
            ended = Ended(live=False, error=f"The command could not be run: {error}.")
        report(ended)

    async def _run(
        self, assignment: Assignment, inbox: asyncio.Queue[str], report: Callable[[AgentReport], None]
    ) -> Ended:
        mark = ("WORKBENCH_NONCE", assignment.nonce)
        with _brief(assignment) as brief, _log(assignment) as log:
            env = _env(assignment, mark)
            child = await self._starter.start(
                self.command, cwd=assignment.worktree, env=env, stdin=brief, output=log, mark=mark
            )
            try:
                report(Started(child.pid))
                exit_code = shell_code(await self._exit_of(child, assignment, inbox, Log(log, report)))
            finally:
                # Before the end is reported: after that nobody drops markers or touches files any more.
                await child.end()
            return self._ended(exit_code, log)

    async def _exit_of(
        self,
        child: Child,
        assignment: Assignment,
        inbox: asyncio.Queue[str],
        log: Log,
    ) -> int:
        try:
            with log.watched():
                async with asyncio.TaskGroup() as group:
                    carrying = group.create_task(self._carry(inbox, assignment.worktree))
                    exit_code = await child.wait()
                    carrying.cancel()
        except ExceptionGroup as failed:  # a message that could not be written: the one thing carried
            raise failed.exceptions[0] from failed
        return exit_code

    async def _carry(self, inbox: asyncio.Queue[str], worktree: Path) -> None:
        """Put each message into a file of its own, numbered in the order in which they came."""
        number = 0
        while True:
            text = await inbox.get()
            if self.writes_inbox:
                number += 1
                with opened(worktree, INBOX) as directory:
                    write(directory, f"{number:03d}-message.md", text)

    def _ended(self, exit_code: int, log: int) -> Ended:
        if os.fstat(log).st_size > LOG_BYTES:
            cut(log)
        if exit_code == 0:
            return Ended(live=False, exit_code=0)
        error = f"The command {explained(exit_code)}."
        if said := readable(_end_of(log), EVIDENCE_LINES, EVIDENCE_CHARACTERS):
            error += f" The end of its output:\n{said}"
        return Ended(live=False, exit_code=exit_code, error=error)


class Log:
    """The open log file of a running command: kept bounded, its last line reported now and then."""

    def __init__(self, descriptor: int, report: Callable[[AgentReport], None]) -> None:
        self._descriptor = descriptor
        self._report = report
        self._seen = 0
        self._said_at = float("-inf")
        self._loop = asyncio.get_running_loop()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look now and then, by a timer and without a task, as long as the context lasts."""
        self._wait(LOOK_SECONDS[0])
        try:
            yield
        finally:
            self._timer.cancel()

    def _wait(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._look, seconds)

    def _look(self, waited: float) -> None:
        size = os.fstat(self._descriptor).st_size
        grown = size != self._seen
        now = self._loop.time()
        if size and grown and now - self._said_at >= SAID_SECONDS:
            self._said_at = now
            if line := readable(_end_of(self._descriptor, 4096), 1, 500).removeprefix(
                "[earlier output cut]\n"
            ):
                self._report(Said(line.strip()))
        if size > LOG_BYTES:
            cut(self._descriptor)
            size = 0
        self._seen = size
        self._wait(LOOK_SECONDS[0] if size == 0 and grown else min(waited * 2, LOOK_SECONDS[1]))


def cut(log: int) -> None:
    """Keep the end of a log. The command appends, so what it prints next follows that."""
    kept = _end_of(log)
    os.ftruncate(log, 0)
    os.write(log, b"[earlier output dropped]\n" + kept)


def _end_of(descriptor: int, size: int = LOG_KEPT) -> bytes:
    return os.pread(descriptor, size, max(0, os.fstat(descriptor).st_size - size))


@contextlib.contextmanager
def _brief(assignment: Assignment) -> Iterator[int]:
    """The brief's file, written and open for reading; the inbox of the attempt before is emptied."""
    with opened(assignment.worktree, INBOX) as inbox:
        for entry in list(os.scandir(inbox)):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=inbox)
    with opened(assignment.worktree) as directory:
        write(directory, BRIEF, assignment.brief)
        descriptor = os.open(BRIEF, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _log(assignment: Assignment) -> Iterator[int]:
    """The attempt's log file, new and open: what is in its place already is replaced, never followed."""
    name = f"{assignment.task}-{assignment.attempt}.log"
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with opened(assignment.worktree, LOG) as directory:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
        descriptor = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _env(assignment: Assignment, mark: Mark) -> dict[str, str]:
    """The assignment's environment, and how to find the brief, the worktree and `workbench`.

    The folder of this installation comes last in PATH: first, it would put its Python in the place
    of the one that the project uses.
    """
    env = dict(assignment.env) | {mark[0]: mark[1]}
    env["WORKBENCH_WORKTREE"] = str(assignment.worktree)
    env["WORKBENCH_BRIEF"] = str(assignment.worktree / FOLDER / BRIEF)
    env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), *_installation()])
    return env


def _installation() -> list[str]:
    """The folder of the `workbench` command of this installation, if there is one."""
    folders = (Path(sys.executable).parent, Path(sysconfig.get_path("scripts")))
    return [str(folder) for folder in folders if (folder / "workbench").exists()][:1]
