"""The signals that end a run, or what shows one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

SIGNALS = {
    signal.SIGINT: "interrupted with Ctrl-C",
    signal.SIGTERM: "asked to end (SIGTERM)",
    signal.SIGHUP: "the terminal was closed (SIGHUP)",
}


@contextlib.contextmanager
def handling(stop: Callable[[signal.Signals], None]) -> Iterator[None]:
    """The signals that end a run are given to ``stop`` in the loop's turn. A terminal that was closed is
    closed: no other hang-up counts from then on, not when all is over either."""
    loop = asyncio.get_running_loop()
    after = {number: signal.getsignal(number) for number in SIGNALS}

    def told(number: signal.Signals) -> None:
        if number == signal.SIGHUP:
            after[number] = signal.SIG_IGN
        stop(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, told, number)
    try:
        yield
    finally:
        for number, handler in after.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
