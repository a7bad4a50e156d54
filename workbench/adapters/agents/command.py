"""A teammate that is any command: a script, another coding agent, a test double.

The command gets its brief in `.workbench/brief.md` (named by WORKBENCH_BRIEF) and on standard
input, works with git and files in its worktree, says where it stands with `workbench mark`, finds
messages as files in `.workbench/inbox/`, and ends its attempt by exiting; with 75 (EX_TEMPFAIL of
sysexits.h) it says that it met a limit and wants to be started again later. What it prints goes to
`.workbench/log/`, straight from the process, at no cost here; see ``logs`` for how it stays bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from workbench.adapters.agents.logs import Logs, bound, end_of
from workbench.adapters.children import Child, Mark, Starter
from workbench.adapters.direct import DIRECT
from workbench.adapters.folder import BRIEF, FOLDER, INBOX, LOG, opened, write
from workbench.adapters.output import explained, readable, shell_code
from workbench.core.invocations import program_of
from workbench.engine.ports import AgentReport, Assignment, Ended, Heard, Letter, Said, Started

EVIDENCE_LINES = 20
EVIDENCE_CHARACTERS = 2_000


class CommandAgent:
    """Fulfils ``engine.ports.Agent`` by running ``command`` with ``sh -c`` for each attempt.

    ``starter`` starts the command: under supervision, or directly.
    """

    continues = False

    def __init__(self, command: str, *, starter: Starter = DIRECT) -> None:
        self.command = command
        self._starter = starter
        self._logs = Logs()

    async def work(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
    ) -> None:
        """See ``Agent.work``. Returns after one ``Ended``; cancelling reports nothing more."""
        try:
            ended = await self._run(assignment, inbox, report)
        except (OSError, ValueError) as error:  # no worktree, no memory, no room, a null byte in the text
            ended = Ended(live=False, error=f"The command could not be run: {error}.")
        report(ended)

    async def _run(
        self, assignment: Assignment, inbox: asyncio.Queue[Letter], report: Callable[[AgentReport], None]
    ) -> Ended:
        mark = ("WORKBENCH_NONCE", assignment.nonce)
        with _brief(assignment) as brief, _log(assignment) as log:
            env = _env(assignment, mark)
            child = await self._starter.start(
                self.command, cwd=assignment.worktree, env=env, stdin=brief, output=log, mark=mark
            )
            try:
                report(Started(child.pid))
                if assignment.messages:  # it is on its standard input
                    report(Heard(assignment.messages))
                exit_code = shell_code(await self._exit_of(child, assignment, inbox, log, report))
            finally:
                # Before the end is reported: after that nobody drops markers or touches files any more.
                await child.end()
            return self._ended(exit_code, log)

    async def _exit_of(
        self,
        child: Child,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        log: int,
        report: Callable[[AgentReport], None],
    ) -> int:
        try:
            with self._logs.watched(log, lambda line: report(Said(line))):
                async with asyncio.TaskGroup() as group:
                    carrying = group.create_task(self._carry(inbox, assignment.worktree, report))
                    exit_code = await child.wait()
                    carrying.cancel()
        except ExceptionGroup as failed:  # a message that could not be written: the one thing carried
            raise failed.exceptions[0] from failed
        return exit_code

    async def _carry(
        self, inbox: asyncio.Queue[Letter], worktree: Path, report: Callable[[AgentReport], None]
    ) -> None:
        """Put each text into a file of its own, numbered in the order in which they came."""
        number = 0
        while True:
            letter = await inbox.get()
            number += 1
            with opened(worktree, INBOX) as directory:
                write(directory, f"{number:03d}-message.md", letter.text)
            if letter.messages:
                report(Heard(letter.messages))

    def _ended(self, exit_code: int, log: int) -> Ended:
        bound(log)
        if exit_code == 0:
            return Ended(live=False, exit_code=0)
        if exit_code == os.EX_TEMPFAIL:
            error = f"The command exited with {exit_code}: it cannot go on just now."
            return Ended(live=False, exit_code=exit_code, error=error, limit="rate")
        error = f"The command {explained(exit_code)}."
        if said := readable(end_of(log), EVIDENCE_LINES, EVIDENCE_CHARACTERS):
            error += f" The end of its output:\n{said}"
        return Ended(live=False, exit_code=exit_code, error=error)


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
    env["PATH"] = _path(env.get("PATH", os.defpath))
    return env


def finds(program: str, path: str) -> bool:
    """Whether a teammate's shell finds a program where PATH is ``path`` here, as far as can be told: folders
    that are relative are those of a worktree."""
    relative = not all(os.path.isabs(folder) for folder in path.split(os.pathsep))  # noqa: PTH117
    return relative or shutil.which(program, path=_path(path)) is not None


def absent(line: str, setup: Sequence[str], path: str) -> str:
    """The program by which the command ``line`` begins, where no teammate's shell will find it; "" where one
    will, or nobody can tell: ``setup`` may install it."""
    program = program_of(line)
    return program if program and not setup and not finds(program, path) else ""


def _path(path: str) -> str:
    return os.pathsep.join([path, *_installation()])


def _installation() -> list[str]:
    """The folder of the `workbench` command of this installation, if there is one."""
    folders = (Path(sys.executable).parent, Path(sysconfig.get_path("scripts")))
    return [str(folder) for folder in folders if (folder / "workbench").exists()][:1]
