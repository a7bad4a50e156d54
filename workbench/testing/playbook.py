"""Playing events to the pure core and seeing its actions: no clock, no loop, no world.

A playbook does what the engine's loop does, in the same order, and nothing else: it applies an event,
asks what follows, records declared conclusions and the intents of actions, and keeps the actions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.apply import apply, fold
from workbench.core.decide import decide
from workbench.core.models import Plan, RunSettings, Task
from workbench.core.state import RunState

INTEGRATION = "refs/heads/workbench/r/integration"
"""The integration branch of every played run."""


def nonce_of(task: str, attempt: int) -> str:
    """The nonce of an attempt in a played run."""
    return f"nonce-{task}-{attempt}"


def started(tasks: Sequence[Task], settings: RunSettings, base: str = "base") -> e.RunStarted:
    """The first event of a run of ``tasks`` from the commit ``base``."""
    return e.RunStarted(
        plan=Plan(title="Played", tasks=tuple(tasks)), plan_text="", plan_sha256="0", plan_path="plan.md",
        settings=settings, base=base, base_tree=f"tree-{base}", target="refs/heads/main",
        integration=INTEGRATION, environment="env",
    )  # fmt: skip


def intent(state: RunState, action: a.Action) -> e.Event | None:
    """What the engine records before it performs ``action``, if anything."""
    match action:
        case a.StartAttempt():
            return e.AttemptStarted.model_validate(
                {
                    "task": action.task,
                    "attempt": action.attempt,
                    "teammate": action.teammate,
                    "nonce": nonce_of(action.task, action.attempt),
                    "start": state.tip,
                    "why": action.why,
                    "carry": action.carry,
                    "session": action.session,
                    "because": action.because,
                }
            )
        case a.Tell():
            return e.Told.model_validate(
                {
                    "task": action.task,
                    "attempt": action.attempt,
                    "kind": action.kind,
                    "text": "…",
                    "message": action.message,
                }
            )
        case a.CallLead(life, session):
            return e.LeadCalled(life=life, nonce=f"nonce-lead-{life}", session=session)
        case a.TellLead():
            return e.LeadTold(text="…", message=action.message, reminds=action.reminds)
        case a.BuildBatch():
            return e.LandingStarted(tasks=action.tasks)
        case a.CheckCandidate():
            return e.CheckingStarted(task=action.task, commit=action.commit, gates=action.gates, alone=False)
        case _:
            return None


class Playbook:
    """A run in the making. ``log`` holds every record, ``state`` their fold.

    A second passes with each record; ``now`` is that of the last, and may be set.
    ``watch`` is called with each record once it is applied, and the state with it.
    """

    def __init__(self, watch: Callable[[RunState, e.Record], None] | None = None) -> None:
        self.state = RunState(run="r")
        self.log: list[e.Record] = []
        self.now = 0.0
        self._watch = watch

    def send(self, event: e.Event) -> list[a.Action]:
        """Play one event and everything that follows from it at once; the actions left to perform."""
        left: list[a.Action] = []
        agenda: deque[e.Event | a.Action] = deque([event])
        while agenda:
            item = agenda.popleft()
            if isinstance(item, e.Event):
                self.note(item)
                agenda.extendleft(reversed(decide(self.state, item)))
            elif isinstance(item, a.Declare):
                agenda.appendleft(item.event)
            else:
                left.append(item)
                if (first := intent(self.state, item)) is not None:
                    agenda.appendleft(first)
        return left

    def note(self, event: e.Event) -> None:
        """Apply and record one event without asking what follows, as taking a run up again does."""
        self.now += 1.0
        record = e.Record(self.state.seq + 1, self.now, event)
        apply(self.state, record)
        self.log.append(record)
        if self._watch is not None:
            self._watch(self.state, record)

    def events(self, *kinds: type[e.Event]) -> list[e.Event]:
        """The events of ``kinds`` so far, in order."""
        return [record.event for record in self.log if isinstance(record.event, kinds)]

    def restart(self) -> None:
        """Forget everything but the log, and fold it again."""
        self.state = fold(self.log)
        self.state.run = "r"
