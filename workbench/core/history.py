"""What a viewer remembers of a run besides where it stands: what was said when, and how long things took.

Folded from the same records as the state, after each of them was applied. Everything here is bounded, so
that a run of days costs a viewer no more than one of an hour.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from workbench.core import events as e
from workbench.core.clashes import Clashes
from workbench.core.course import Course
from workbench.core.models import Verdict
from workbench.core.state import RunState
from workbench.core.story import Line, Story, Tone, short

FEED_LINES = 5_000
WORDED = 4 * FEED_LINES
"""So many of the newest records of a long log are put into words when it is taken up: about one in four has
a line."""

ACTS = 400
"""Of each attempt that is looked at."""

GATE_RUNS = 200

Kind = Literal["event", "message", "trouble"]


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the feed: record ``seq`` said it at ``at`` (Unix seconds). ``task`` and ``who`` are what a
    filter looks for; ``kind`` tells what people write from what happens, and both from what went wrong."""

    seq: int
    at: float
    who: str
    what: str
    tone: Tone
    kind: Kind
    task: str = ""
    message: str = ""
    """The message that it tells of, if it does."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that an agent did or was told, as its attempt's events have it."""

    at: float
    what: Literal["tool", "said", "told", "marker", "denied", "retry", "turn"]
    title: str
    text: str = ""


@dataclass(slots=True)
class Span:
    """An attempt in time: from ``start`` to ``end`` (Unix seconds; None while it lives)."""

    task: str
    attempt: int
    teammate: str
    start: float
    end: float | None = None
    good: bool | None = None
    """Whether it was delivered; None while that is open, and where it was only interrupted."""


@dataclass(slots=True)
class GateRun:
    """Gates on one commit: ``alone`` on the work of ``task``, otherwise on its candidate. Without ``end``
    they are running."""

    task: str
    commit: str
    gates: tuple[str, ...]
    alone: bool
    start: float
    end: float | None = None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def green(self) -> bool | None:
        """None while they run."""
        if self.end is None:
            return None
        return all(verdict.green for verdict in self.verdicts)


Key = tuple[str, int]


@dataclass(slots=True)
class History:
    """Folded by ``take``. ``sent`` is when each message was sent, ``spans`` all attempts by their keys,
    ``checks`` the latest gate runs, oldest first."""

    feed: deque[Told] = field(default_factory=lambda: deque(maxlen=FEED_LINES))
    told: int = 0
    """How many lines the feed was given, those that fell out included."""
    sent: dict[str, float] = field(default_factory=dict)
    spans: dict[Key, Span] = field(default_factory=dict)
    acts: dict[Key, deque[Act]] = field(default_factory=dict)
    checks: deque[GateRun] = field(default_factory=lambda: deque(maxlen=GATE_RUNS))
    clashes: Clashes = field(default_factory=Clashes)
    worded: int = 0
    """Records up to this number get no line of the feed: who begins with a long log would lose them again."""
    course: Course = field(default_factory=Course)
    _story: Story = field(default_factory=Story)

    def take(self, state: RunState, record: e.Record) -> None:
        """One more record; ``state`` already includes it."""
        event = record.event
        self.course.take(state, record)
        if record.seq > self.worded and (line := self._story.line(state, event)) is not None:
            self._tell(record, line)
        self.clashes.take(state, record)
        match event:
            case e.AttemptEvent():
                self._attempt(record, event)
            case e.MessageSent():
                self.sent[event.message.id] = record.at
            case e.CheckingStarted():
                self.checks.append(
                    GateRun(event.task, event.commit, event.gates, alone=event.alone, start=record.at)
                )
            case e.CandidateChecked():
                self._checked(event.commit, record.at, event.verdicts)
            case e.RunResumed():
                self._cut(record.at)
            case _:
                pass

    def begin(self, last: int) -> None:
        """Records up to ``last`` are about to be taken, one after the other."""
        self.worded = max(self.worded, last - WORDED)

    def checks_of(self, task: str) -> list[GateRun]:
        """The gate runs of a task that are remembered, oldest first."""
        return [run for run in self.checks if run.task == task]

    def _tell(self, record: e.Record, line: Line) -> None:
        event = record.event
        kind: Kind = "message" if isinstance(event, _MESSAGES) else "event"
        if kind == "event" and line.tone == "bad":
            kind = "trouble"
        task, message = getattr(event, "task", "") or "", ""
        match event:
            case e.MessageSent():
                task, message = event.message.task, event.message.id
            case e.AskPassedOn():
                message = event.message
            case _:
                pass
        self.feed.append(Told(record.seq, record.at, line.who, line.what, line.tone, kind, task, message))
        self.told += 1

    def _attempt(self, record: e.Record, event: e.AttemptEvent) -> None:
        key = (event.task, event.attempt)
        if type(event) in _STEPS:
            self._step(record, event, key)
        if (act := _act(record.at, event)) is not None:
            acts = self.acts.get(key)
            if acts is None:
                acts = self.acts[key] = deque(maxlen=ACTS)
            acts.append(act)

    def _step(self, record: e.Record, event: e.AttemptEvent, key: Key) -> None:
        match event:
            case e.AttemptStarted():
                self.spans[key] = Span(event.task, event.attempt, event.teammate, record.at)
            case e.AttemptEnded():
                if (span := self.spans.get(key)) is not None:
                    span.end = record.at
            case e.TaskDelivered():
                self._settle(key, good=True)
            case e.AttemptFailed() | e.TaskBlocked():
                self._settle(key, good=False)
            case e.WorkChecked():
                self._checked(event.commit, record.at, event.verdicts)
            case _:
                pass

    def _settle(self, key: Key, *, good: bool) -> None:
        if (span := self.spans.get(key)) is not None:
            span.good = good

    def _checked(self, commit: str, at: float, verdicts: tuple[Verdict, ...]) -> None:
        for run in reversed(self.checks):
            if run.commit == commit and run.end is None:
                run.end, run.verdicts = at, verdicts
                return

    def _cut(self, at: float) -> None:
        """What was under way in the process before is not under way any more."""
        for run in self.checks:
            if run.end is None:
                run.end = at


_STEPS = frozenset({
    e.AttemptStarted, e.AttemptEnded, e.TaskDelivered, e.AttemptFailed, e.TaskBlocked, e.WorkChecked
})  # fmt: skip
"""What changes more of an attempt than the list of what its agent did, which nearly all events do not."""

_MESSAGES = (e.MessageSent, e.AskPassedOn, e.MessageRefused, e.RequestRefused)


def _act(at: float, event: e.AttemptEvent) -> Act | None:
    match event:
        case e.AgentActed():
            return Act(at, "tool", event.tool, event.target)
        case e.AgentSaid():
            return Act(at, "said", short(event.text), event.text)
        case e.Told():
            return Act(at, "told", event.kind, event.text)
        case e.MarkerReceived():
            percent = f" {event.percent}%" if event.percent is not None else ""
            return Act(at, "marker", f"{event.kind}{percent}", event.note)
        case e.ActionDenied():
            return Act(at, "denied", f"{event.tool} {event.target}", event.reason)
        case e.AgentRetried():
            return Act(at, "retry", f"HTTP {event.status}" if event.status else "no answer", event.error)
        case e.TurnEnded():
            return Act(at, "turn", "turn ended", event.error)
        case _:
            return None
