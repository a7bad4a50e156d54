"""How fast a team may go: rate limits, an agent that keeps failing, memory, money.

One governor for all teammates, for the limit that one of them meets is everybody's. It holds back new
attempts and nothing else: who is at work goes on, gates run and landings are made. Time is that of the
records, so all of it can be replayed.
"""

from __future__ import annotations

import zlib

from workbench.core.pace import FASTER_SECONDS, Hold
from workbench.core.state import RunState, TaskState

CIRCUIT_FAILURES = 5
"""Failures of the agent itself, one after the other, that open the circuit."""

LONGEST_RETRY = 300.0
"""The longest that a task waits for its next attempt after its agent broke."""

SLOWED_SECONDS = 30.0
"""Rate limits in this time count as one: a whole team meets them at once."""

REST_RETRIES = 12
"""In ``retry_seconds``, a minute as these are: how long an open circuit lets nothing start, and how long the
team rests the first time after a limit of which nobody said when it ends."""

SHORTEST_PAUSE = 0.1
"""What the first rest has at least, so that with no ``retry_seconds`` at all the rests get longer, too."""

LONGEST_PAUSE = 1800.0

RESET_SPREAD = 30.0
"""Everybody comes back when a usage limit is reset; so we come a moment later, up to this."""

WARN_AT = 0.8
"""The share of a budget at which a person is warned."""


def places(state: RunState) -> int:
    """How many more attempts may start now."""
    pace, at = state.pace, state.at
    if pace.pause is not None and pace.pause.hold.holds(at):
        return 0
    working = len(state.working)
    if pace.circuit is not None:
        return int(not pace.circuit.holds(at) and pace.trial is None)
    free = len(state.free)
    for most in (pace.cap_at(at), pace.room):
        if most is not None:
            free = min(free, max(1, most) - working)  # one can always work: else nothing would ever change
    return max(0, free)


def waits(state: RunState) -> Hold | None:
    """What time alone will change: the end of it that comes first, if anything waits for that."""
    pace, at = state.pace, state.at
    whole = [hold for hold in (pace.pause.hold if pace.pause else None, pace.circuit) if hold is not None]
    if standing := [hold for hold in whole if hold.holds(at)]:
        return max(standing, key=lambda hold: hold.until)
    later = [task.later for _, name in state.startable if (task := state.tasks[name]).later is not None]
    found = [hold for hold in later if hold is not None and hold.holds(at)]
    if pace.cap is not None and len(state.working) >= (pace.cap_at(at) or 0) and state.free:
        steps = int(max(0.0, at - pace.slowed_at) / FASTER_SECONDS) + 1
        found.append(Hold(at, pace.slowed_at + steps * FASTER_SECONDS))
    return min(found, key=lambda hold: hold.until, default=None)


def slower(state: RunState, status: int | None, seconds: float) -> tuple[int, float] | None:
    """How many may run at once after a rate limit, and for how long nothing new starts; None when this
    one says nothing new."""
    if status not in (429, 503, 529):
        return None
    pace = state.pace
    since = state.at - pace.slowed_at
    if pace.cap is not None and -LONGEST_PAUSE <= since < SLOWED_SECONDS:
        return None
    return max(1, (len(state.working) + 1) // 2), min(seconds, LONGEST_PAUSE)


def pause_of(state: RunState, resets_at: float | None, seed: str) -> float:
    """Until when the team rests after a limit that ended a session: its reset if that is known."""
    if resets_at is not None and resets_at > state.at:
        return resets_at + RESET_SPREAD * share(seed)
    seconds: float = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, rest(state)) * 2 ** min(state.pace.pauses, 16))
    return state.at + seconds * (0.75 + share(seed) / 2)


def rest(state: RunState) -> float:
    """The shortest rest of the whole team, in seconds."""
    return REST_RETRIES * state.settings.retry_seconds


def retry_seconds(state: RunState, task: TaskState, seed: str) -> float:
    """How long a task waits after its agent broke: doubling with each time in a row, a quarter more or
    less so that a team that broke together does not come back together."""
    once: float = state.settings.retry_seconds * 2 ** min(task.breaks, 16)
    return min(LONGEST_RETRY, once) * (0.75 + share(seed) / 2)


def share(seed: str) -> float:
    """A number from 0 to 1 that ``seed``, which came in with an event, stands for."""
    return zlib.crc32(seed.encode("utf-8", "surrogatepass")) / 0xFFFFFFFF


def budgets(state: RunState, name: str) -> list[tuple[str, float, float]]:
    """The budgets, the run's and that of the task ``name``, that are nearly spent and of which nobody was
    told: whose (empty for the run's), how much, of how much."""
    run, task = state.settings.budget_usd, state.budget_of(name)
    return [
        (whose, round(spent, 4), most)
        for whose, spent, most in (("", state.cost_usd, run), (name, state.cost_of(name), task))
        if most is not None and whose not in state.pace.warned and spent >= WARN_AT * most
    ]
