"""Runs the command line again and again without importing it anew each time: in forks of one process that
has imported it.

Each command is a process like any other, with its own arguments, environment, folder and output; it can be
killed and ends as it would. It only begins half a second earlier. What it was started from holds one thread
and nothing open. ``multiprocessing``'s server of that name would import the caller's main program into each.

    with ForkServer() as server:
        process = server.start(["status"], cwd=folder, env=environ, stdout=out, stderr=out)
        code = process.wait(60)
"""

from __future__ import annotations

import array
import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

IMPORTED = (
    "workbench.cli.app", "workbench.cli.asking", "workbench.cli.clean", "workbench.cli.display",
    "workbench.cli.doctor", "workbench.cli.driving", "workbench.cli.init", "workbench.cli.landing",
    "workbench.cli.lines", "workbench.cli.mailbox", "workbench.cli.mark", "workbench.cli.plans",
    "workbench.cli.recovering", "workbench.cli.results", "workbench.cli.running", "workbench.cli.terminal",
    "workbench.cli.undo", "workbench.cli.watching", "workbench.composition.ahead",
    "workbench.composition.runs", "workbench.composition.tidying", "workbench.composition.wiring",
    "workbench.core.plan.front", "workbench.core.plan.writing", "workbench.core.report",
    "workbench.adapters.agents.claude.agent", "workbench.adapters.agents.command",
    "workbench.adapters.structure.ladder", "workbench.adapters.structure.weakening",
    "workbench.rehearsal.author", "workbench.rehearsal.server",
    "claude_agent_sdk", "gitdb", "h11", "jinja2", "mcp.server.lowlevel", "rich.console", "rich.live",
    "rich.table", "sse_starlette", "tree_sitter_python", "typer.rich_utils", "uvicorn", "watchfiles", "yaml",
)  # fmt: skip
"""What commands import where they use it: together more than a second."""

LENGTH = struct.Struct("!I")


class Forked:
    """A command that was started. Its exit code is negative for a signal, as ``subprocess`` has it."""

    def __init__(self, pid: int, ended: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end. Raises TimeoutError when it takes longer."""
        if self.returncode is None:
            self._ended.settimeout(seconds)
            said = _received(self._ended, LENGTH.size)
            self._ended.close()
            self.returncode = struct.unpack("!i", said)[0] if said else -signal.SIGKILL
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it lives."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, if it lives."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that is forked. It is started with the first command, and ends with ``close`` or with
    whoever made it, of whom it is no child. May be used from several threads."""

    def __init__(self, modules: Sequence[str] = IMPORTED) -> None:
        self._modules = tuple(modules)
        self._asking = threading.Lock()
        self._socket: socket.socket | None = None

    def start(
        self,
        words: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdout: IO[Any],
        stderr: IO[Any],
        new_session: bool = False,
    ) -> Forked:
        """Start ``workbench`` with these words, its standard input empty."""
        mine, its = socket.socketpair()
        asked = {"words": list(words), "cwd": str(cwd), "env": dict(env), "session": new_session}
        body = json.dumps(asked).encode()
        with self._asking, its, Path(os.devnull).open("rb") as nothing:
            server = self._server()
            files = [nothing.fileno(), stdout.fileno(), stderr.fileno(), its.fileno()]
            server.sendall(LENGTH.pack(len(body)))
            socket.send_fds(server, [b"f"], files)
            server.sendall(body)
            pid = LENGTH.unpack(_received(server, LENGTH.size))[0]
        return Forked(pid, mine)

    def _server(self) -> socket.socket:
        if self._socket is None:
            self._socket, its = socket.socketpair()
            with its:
                program = [sys.executable, "-m", __name__, str(its.fileno()), *self._modules]
                subprocess.run(
                    program, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    check=True,
                )  # fmt: skip
        return self._socket

    def close(self) -> None:
        """End it; commands that it started go on. Safe to call twice."""
        if self._socket is not None:
            with self._socket as end:
                end.shutdown(socket.SHUT_WR)
                while end.recv(1):  # until it has gone
                    pass
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@functools.cache
def shared() -> ForkServer:
    """The one of this process, closed when that ends."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def _received(end: socket.socket, size: int) -> bytes:
    """So many bytes; fewer where the other end is gone."""
    said = b""
    while len(said) < size and (more := end.recv(size - len(said))):
        said += more
    return said


# -- the server itself ------------------------------------------------------------------------------------


def serve(end: socket.socket) -> None:
    """Fork for each that asks, until nobody can ask any more."""
    assert threading.active_count() == 1, "a fork would have one thread only"
    gc.collect()
    gc.freeze()  # for good: each fork would look through all that is imported, and copy it by that
    woken, wakes = os.pipe()
    for pipe in (woken, wakes):
        os.set_blocking(pipe, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    told: dict[int, socket.socket] = {}
    while True:
        ready = select.select([end.fileno(), woken], [], [])[0]
        if woken in ready:
            os.read(woken, 4096)
            _reap(told)
        if end.fileno() in ready and not _asked(end, told):
            return


def _reap(told: dict[int, socket.socket]) -> None:
    while told:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        with told.pop(pid) as asker, contextlib.suppress(OSError):
            asker.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))


def _asked(end: socket.socket, told: dict[int, socket.socket]) -> bool:
    """Start what is asked for; False when nobody asks any more."""
    size = _received(end, LENGTH.size)
    if len(size) < LENGTH.size:
        return False
    _, control, _, _ = end.recvmsg(1, socket.CMSG_SPACE(4 * array.array("i").itemsize))
    files = array.array("i", control[0][2])
    asked = json.loads(_received(end, LENGTH.unpack(size)[0]))
    pid = os.fork()
    if pid == 0:
        for other in told.values():
            other.close()
        end.close()
        _become(asked, files)
    for file in files[:3]:
        os.close(file)
    told[pid] = socket.socket(fileno=files[3])
    end.sendall(LENGTH.pack(pid))
    return True


def _become(asked: dict[str, Any], files: Sequence[int]) -> None:
    """Be the command; does not return."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if asked["session"]:
        os.setsid()
    for place, file in enumerate(files[:3]):
        os.dup2(file, place)
    os.closerange(3, 256)  # the pipe of signals, what the caller waits at, and those of other commands
    _reopen()
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    tempfile.tempdir = None
    sys.argv = ["workbench", *asked["words"]]
    fresh = importlib.import_module("workbench.crashpoints")
    importlib.reload(fresh)
    importlib.import_module("workbench.__main__").entry()


def _reopen() -> None:
    """Standard streams as a fresh interpreter makes them, for what they are connected to now."""
    for name, place, mode, errors in (
        ("stdin", 0, "r", "strict"), ("stdout", 1, "w", "strict"), ("stderr", 2, "w", "backslashreplace")
    ):  # fmt: skip
        stream = open(place, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    if os.fork():  # nobody's child: who waits until all children have ended does not wait for it
        os._exit(0)
    importlib.import_module("workbench.__main__")
    for module in sys.argv[2:]:
        importlib.import_module(module)
    serve(socket.socket(fileno=int(sys.argv[1])))
