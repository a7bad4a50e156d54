"""The process that forks a shim for each command of a run.

    python -I -S -c CODE ROOT DESCRIPTOR [plain]

DESCRIPTOR is a socket to workbench. Each byte that comes over it brings three descriptors: the shim's
lifeline, and the command's stdin and output; what to start, the shim reads from its lifeline: four bytes
of length, then ``marshal`` of (argv, folder, environment, grace). ``plain`` switches the subreaper off.

When the socket is closed, the keeper waits for its shims, whose lifelines end with workbench too, and goes.
It adopts what a killed shim leaves behind, and kills it: nobody knows any more whose it was.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import select
import signal
import socket
import struct
import sys

from workbench.adapters.supervision import descendants
from workbench.adapters.supervision.shim import Shim, adopt_orphans, waking

CODE = "import sys; sys.path.append(sys.argv[1]); from workbench.adapters.supervision import {0}; {0}.main()"
"""What ``python -I -S -c`` is given for a module of this package, the first argument being the folder
that holds ``workbench``: a module is compiled once, a script each time."""

FILES = 3
LENGTH = struct.Struct("!I")
LOOK_SECONDS = 0.05


def main() -> None:
    """Run as a process of its own; see the module."""
    os.chdir("/")
    for number in (signal.SIGINT, signal.SIGTERM):  # it goes when workbench does, and its shims are gone
        signal.signal(number, signal.SIG_IGN)
    Forker(socket.socket(fileno=int(sys.argv[2])), subreaper="plain" not in sys.argv[3:]).keep()


class Forker:
    """Serves what comes through ``door``, and is the last parent of all below."""

    def __init__(self, door: socket.socket, *, subreaper: bool) -> None:
        self._door = door
        self._subreaper = subreaper and adopt_orphans()
        self._wake = waking(signal.SIGCHLD)
        self._shims: set[int] = set()
        self._open = True
        gc.disable()  # what is shared with the shims stays shared
        gc.freeze()

    def keep(self) -> None:
        """Until the door is closed and no shim is left."""
        poll = select.poll()
        poll.register(self._door, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        strays = False
        while self._open or self._shims or strays:
            for descriptor, _ in poll.poll(LOOK_SECONDS * 1000 if strays else None):
                if descriptor == self._wake:
                    os.read(self._wake, 4096)
                elif not self._serve():
                    poll.unregister(self._door)
                    self._open = False
            strays = self._reap()

    def _serve(self) -> bool:
        """Fork the shim that is asked for; False when nobody will ask any more."""
        try:
            asked, ancillary, _, _ = self._door.recvmsg(1, socket.CMSG_SPACE(FILES * 4))
        except OSError:
            return False
        if not asked:
            return False
        raw = b"".join(data for _, kind, data in ancillary if kind == socket.SCM_RIGHTS)
        files = struct.unpack(f"{len(raw) // 4}i", raw[: len(raw) // 4 * 4])
        try:
            pid = os.fork() if len(files) == FILES else -1
        except OSError as error:
            pid = -1
            # Whoever asked may wait for it no more.
            with socket.socket(fileno=os.dup(files[0])) as lifeline, contextlib.suppress(OSError):
                lifeline.sendall(f"failed {error.errno} {error.strerror}\n".encode())
        if pid == 0:
            self._become_shim(*files)
        if pid > 0:
            self._shims.add(pid)
        for file in files:
            os.close(file)
        return True

    def _become_shim(self, lifeline: int, stdin: int, output: int) -> None:
        code = 1
        try:
            self._door.close()
            os.close(self._wake)
            supervise(socket.socket(fileno=lifeline), stdin, output, subreaper=self._subreaper)
            code = 0
        finally:
            os._exit(code)

    def _reap(self) -> bool:
        """Take note of what has ended, and kill what dead shims left; whether there is any of that."""
        try:
            while True:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                self._shims.discard(pid)
        except ChildProcessError:
            return False
        if not self._subreaper:
            return False
        strays = [pid for pid in descendants.children(os.getpid()) if pid not in self._shims]
        descendants.kill(descendants.below(strays))
        return bool(strays)


def supervise(lifeline: socket.socket, stdin: int, output: int, *, subreaper: bool) -> None:
    """Read from ``lifeline`` what to start, and be its shim to the end."""
    for file in (lifeline.fileno(), stdin, output):
        os.set_inheritable(file, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raw = _read(lifeline, LENGTH.size)
    asked = raw and _read(lifeline, LENGTH.unpack(raw)[0])
    if not asked:
        return
    argv, folder, env, grace = marshal.loads(asked)  # noqa: S302 - from our own parent
    shim = Shim(lifeline, grace=grace, subreaper=subreaper)
    try:
        os.chdir(folder)
        shim.start(argv, env, [(stdin, 0), (output, 1), (output, 2)])
    except (OSError, ValueError, NotImplementedError) as error:
        shim.say(f"failed {getattr(error, 'errno', None) or 0} {getattr(error, 'strerror', None) or error}")
        return
    os.close(stdin)
    os.close(output)  # a gate's output ends with whoever writes it
    shim.watch()


def _read(lifeline: socket.socket, size: int) -> bytes:
    """Exactly ``size`` bytes, or none when workbench is gone."""
    data = b""
    while len(data) < size:
        more = lifeline.recv(size - len(data))
        if not more:
            return b""
        data += more
    return data
