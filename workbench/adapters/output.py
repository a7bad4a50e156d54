"""What commands print, made fit for events and people: bounded, printable, its end first in mind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator

from workbench.core.models import TEXT_LIMIT

LINES = 200
"""Lines of output that are kept for a person or an agent to read."""

KEPT_BYTES = 65_536
"""Bytes of output that are held in memory: as much as TEXT_LIMIT characters and their colours need."""

SEARCHED_BYTES = 2 * 1024 * 1024
"""Bytes of a gate's output that are held until it is over, so that names of failing tests far above the
end are found; of longer output this much of its end. Reading a MiB takes 0.03 to 0.2 s."""

CUT = "[earlier output cut]\n"
"""Stands where something before it is not shown."""

# No part of these patterns can be matched in two ways, so hostile output costs no more than other.
# Escape sequences: with parameters (colours, cursor), strings (titles, links), and the two-byte ones.
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def readable(data: bytes, lines: int = LINES, characters: int = TEXT_LIMIT) -> str:
    """The last lines of ``data`` as plain text: bytes that are no UTF-8 replaced, colours and cursor
    movements taken out, of a line that was drawn again and again the last state. A first line says
    so when something was cut."""
    text = ESCAPES.sub("", data.decode("utf-8", errors="replace"))
    drawn = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    whole = CONTROL.sub("", "\n".join(drawn)).strip("\n").split("\n")
    kept = "\n".join(whole[-lines:])
    cut = len(whole) > lines or len(kept) > characters
    return CUT + kept[-(characters - len(CUT)) :] if cut else kept


def explained(exit_code: int) -> str:
    """What an exit code of ``sh -c`` means, as the rest of a sentence that begins with the command."""
    if exit_code == 127:
        return "was not found (exit code 127: command not found)"
    if exit_code == 126:
        return "is not executable (exit code 126)"
    if exit_code > 128:
        with contextlib.suppress(ValueError):
            name = signal.Signals(exit_code - 128).name
            why = ": out of memory, perhaps" if name == "SIGKILL" else ""
            return f"was killed by {name} (exit code {exit_code}{why})"
    return f"exited with {exit_code}"


def shell_code(returncode: int) -> int:
    """An exit code as shells count: death by signal n is 128 + n."""
    return 128 - returncode if returncode < 0 else returncode


Onlooker = Callable[[bytes], None]


class Capture:
    """A pipe whose end of output is kept, ``keep`` bytes at least. Reading it never waits and its memory
    is bounded, by twice that. ``onlooker``, if there is one, is called with all that comes, as it comes."""

    def __init__(self, keep: int = KEPT_BYTES, onlooker: Onlooker | None = None) -> None:
        self._keep = keep
        self._onlooker = onlooker
        self._loop = asyncio.get_running_loop()
        self._kept = bytearray()
        self._dropped = False
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._read)
        self._reading = True

    def started(self) -> None:
        """The process has its own copy of ``write_end``; ours is let go."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def text(self) -> str:
        """What was printed so far, readable."""
        cut = self._dropped or len(self._kept) > 2 * KEPT_BYTES
        text = readable(bytes(self._kept[-2 * KEPT_BYTES :]))
        return f"{CUT}{text}" if cut and not text.startswith(CUT) else text

    def kept(self) -> tuple[str, bool]:
        """The last ``keep`` bytes that were printed, as they came, and whether they are all of it."""
        whole = not self._dropped and len(self._kept) <= self._keep
        return self._kept[-self._keep :].decode("utf-8", errors="replace"), whole

    def _read(self) -> bool:
        """Take what is there; whether that was anything."""
        try:
            data = os.read(self._read_end, KEPT_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._stop_reading()
            return False
        if self._onlooker is not None:
            self._onlooker(data)
        self._kept += data
        if len(self._kept) > 2 * self._keep:
            del self._kept[: -self._keep]
            self._dropped = True
        return True

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._read_end)

    def close(self) -> None:
        """Take what is left in the pipe (a few times its capacity at most) and close it. Whoever still
        writes to it is not heard any more. Safe to call twice."""
        if self._read_end < 0:
            return
        self.started()
        for _ in range(16):
            if not self._reading or not self._read():
                break
        self._stop_reading()
        os.close(self._read_end)
        self._read_end = -1


@contextlib.contextmanager
def captured(keep: int = KEPT_BYTES, onlooker: Onlooker | None = None) -> Iterator[Capture]:
    """A ``Capture`` that is closed when the context ends; its ``text`` can be read after that."""
    capture = Capture(keep, onlooker)
    try:
        yield capture
    finally:
        capture.close()
