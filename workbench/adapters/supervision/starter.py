"""Workbench's side of the keeper: it is started, asked for shims, and replaced when it died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import workbench
from workbench.adapters import children
from workbench.adapters.children import GONE_SECONDS, Child, Mark, Starter
from workbench.adapters.direct import DIRECT
from workbench.adapters.supervision.keeper import CODE, LENGTH
from workbench.adapters.supervision.kept import Kept

PLATFORMS = ("linux", "darwin")
"""Where a shim can start a command: others have no posix_spawn that opens a session."""

STARTING = 16
"""So many commands are started at once: descriptors on their way count against the limit of open files."""

ROOT = str(Path(workbench.__file__).parent.parent)

# A Python that was built with shared libraries may need these to start.
_LOADER = ("LD_", "DYLD_")

logger = logging.getLogger(__name__)


def isolated(module: str, *words: str) -> list[str]:
    """The command line of a Python that runs ``module`` of this package and nothing of workbench's."""
    flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]  # -I overlooks the variable for -B
    return [sys.executable, *flags, "-c", CODE.format(module), ROOT, *words]


class Keeper:
    """Fulfils ``children.Starter`` by a keeper process, which is there while the context lasts.

    ``marks`` are variables that keeper and shims carry, by which a resumed run finds those of a killed
    one. A keeper that died is replaced; what it had started goes on. Where none can be started at all,
    commands are started by ``otherwise``, and the log says so. ``subreaper`` False does without, as other
    systems than Linux must.
    """

    def __init__(
        self,
        marks: Mapping[str, str] | None = None,
        *,
        subreaper: bool = True,
        otherwise: Starter = DIRECT,
    ) -> None:
        self._environment = {name: value for name, value in os.environ.items() if name.startswith(_LOADER)}
        self._environment |= marks or {}
        self._words = [] if subreaper else ["plain"]
        self._otherwise = otherwise
        self._process: asyncio.subprocess.Process | None = None
        self._door: socket.socket | None = None
        self._turn = asyncio.Lock()
        self._starting = asyncio.Semaphore(STARTING)

    @property
    def pid(self) -> int | None:
        """The keeper's process id while there is one."""
        return self._process.pid if self._process is not None else None

    async def __aenter__(self) -> Keeper:
        """The keeper starts now, in the background, before it is needed."""
        if sys.platform in PLATFORMS:
            with contextlib.suppress(OSError):  # tried again, and told, when it is needed
                await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let the keeper go. Safe to call twice."""
        async with self._turn:
            await self._close()

    async def start(
        self, command: str, *, cwd: Path, env: Mapping[str, str], stdin: int, output: int, mark: Mark
    ) -> Child:
        """See ``Starter.start``."""
        request = _request(command, cwd, env)
        async with self._starting:
            for _ in range(2 if sys.platform in PLATFORMS else 0):
                try:
                    door = await self._open()
                except OSError as error:
                    logger.warning("No keeper for commands could be started: %s", error)
                    break
                kept = await self._ask(door, request, stdin, output, mark)
                if kept is not None:
                    return kept
        return await self._otherwise.start(command, cwd=cwd, env=env, stdin=stdin, output=output, mark=mark)

    async def _ask(
        self, door: socket.socket, request: bytes, stdin: int, output: int, mark: Mark
    ) -> Kept | None:
        """A command that runs, or None when the keeper had died."""
        ours, its = socket.socketpair()
        ours.setblocking(False)
        kept = Kept(ours, mark)
        try:
            with its, _nothing(stdin) as file:
                await _send(door, [its.fileno(), file, output])
            if await kept.started(request):
                return kept
        except ConnectionError:
            logger.warning("The keeper of commands was gone; another takes its place")
        except BaseException:
            await kept.abandon()
            raise
        kept.close()
        await self._dead(door)
        return None

    async def _open(self) -> socket.socket:
        async with self._turn:
            if self._door is None:
                ours, its = socket.socketpair()
                ours.setblocking(False)
                with its:
                    try:
                        self._process = await asyncio.create_subprocess_exec(
                            *isolated("keeper", str(its.fileno()), *self._words),
                            cwd="/",
                            env=self._environment,
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL,
                            start_new_session=True,
                            pass_fds=[its.fileno()],
                        )
                    except BaseException:
                        ours.close()
                        raise
                self._door = ours
            return self._door

    async def _dead(self, door: socket.socket) -> None:
        """Forget the keeper behind ``door``, unless somebody did before. If only a shim died, it would wait
        for all others; they can do without it."""
        async with self._turn:
            if self._door is door:
                if self._process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        self._process.kill()
                await self._close()

    async def _close(self) -> None:
        door, self._door = self._door, None
        process, self._process = self._process, None
        if door is not None:
            door.close()
        if process is not None:
            await _gone(process)


def _request(command: str, cwd: Path, env: Mapping[str, str]) -> bytes:
    """What the shim reads. Raises ValueError for text with a null byte, which no process can be given."""
    argv = [b"/bin/sh", b"-c", os.fsencode(command)]
    environment = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    if any(b"\0" in text for text in (*argv, *environment, *environment.values())):
        raise ValueError("embedded null byte")
    asked = marshal.dumps((argv, os.fsencode(cwd), environment, children.GRACE_SECONDS))
    return LENGTH.pack(len(asked)) + asked


@contextlib.contextmanager
def _nothing(stdin: int) -> Iterator[int]:
    """A descriptor for ``stdin``, which may be DEVNULL."""
    if stdin != subprocess.DEVNULL:
        yield stdin
        return
    file = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


async def _send(door: socket.socket, files: list[int]) -> None:
    """Ask for a shim. The door is nearly always open: a byte each, and the keeper takes them at once."""
    while True:
        if door.fileno() < 0:  # found dead by somebody else while we waited
            raise ConnectionResetError
        try:
            socket.send_fds(door, [b"s"], files)
        except BlockingIOError:
            await asyncio.sleep(0.002)
        else:
            return


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Wait for a keeper whose door is closed, however often we are cancelled; kill one that stays."""
    waiting = asyncio.ensure_future(process.wait())
    cancelled = False
    for _ in range(2):
        try:
            await asyncio.wait({waiting}, timeout=GONE_SECONDS)
        except asyncio.CancelledError:
            cancelled = True
        if waiting.done():
            break
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    waiting.cancel()
    if cancelled:
        raise asyncio.CancelledError
