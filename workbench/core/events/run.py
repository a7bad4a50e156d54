"""The run itself: begun, resumed, paused, finished; tasks that a person takes up or leaves out."""

# Annotations are not postponed here: see core.models.

from workbench.core.events.base import Event
from workbench.core.models import (
    Plan,
    Role,
    RunOutcome,
    RunSettings,
    Verdict,
)
from workbench.core.protection import Protection
from workbench.core.trust.items import Trust


class RunStarted(Event):
    """A run began. ``base`` is the commit it starts from, ``target`` the branch the user was on
    (empty when HEAD was detached); ``integration`` is a full ref name; ``room`` is how many agents fit
    into the machine's memory, if that is known; ``roles`` are those that tasks name, as the base has them;
    ``plan_file`` is the absolute path of the plan. ``trust`` is whether teammates load what the repository
    says of itself; without it they do not. ``protection`` is what stands between them and the machine, None
    in logs from before that was recorded."""

    plan: Plan
    plan_text: str
    plan_sha256: str
    plan_path: str
    settings: RunSettings
    base: str
    base_tree: str
    target: str
    integration: str
    environment: str = ""
    dirty: bool = False
    room: int | None = None
    roles: tuple[Role, ...] = ()
    plan_file: str = ""
    protection: Protection | None = None
    trust: Trust | None = None


class BaseChecked(Event):
    """The gates were run on the base before anything started; all must be green to go on. Comes once more
    after a red one, for the gates that are not green yet: only what is red twice refuses the run."""

    verdicts: tuple[Verdict, ...]


class RunResumed(Event):
    """The run goes on in a new process; everything that was in flight has been accounted for. ``trust``,
    where there is one, takes the place of what was decided before."""

    pid: int
    environment: str = ""
    budget_usd: float | None = None
    room: int | None = None
    protection: Protection | None = None
    trust: Trust | None = None


class StopRequested(Event):
    """A person or a signal asked the run to stop; live attempts are interrupted and kept."""

    reason: str


class RunFinished(Event):
    """The run is over (``stopped`` runs can be resumed). ``reason`` is a sentence for a person."""

    outcome: RunOutcome
    reason: str = ""


class RunPaused(Event):
    """Somebody paused the run: nothing new starts until RunUnpaused, or until it is resumed by another
    process. What is at work goes on, and what is delivered lands."""

    by: str


class RunUnpaused(Event):
    """Somebody let the run go on."""

    by: str


class TaskRetried(Event):
    """Somebody wants a task tried again that was given up or left out. All its tries are before it again, and
    what waited for it waits again. May follow the end of a run."""

    task: str
    by: str


class TaskReassigned(Event):
    """Somebody gave a task to the teammate ``to``. From now on it waits for that one; another who is at it is
    interrupted, and what it has is gone on with. With an empty ``to`` the task is anybody's again: the one
    that it was given to is leaving. May follow the end of a run that goes on later."""

    task: str
    to: str
    by: str


class TaskSkipped(Event):
    """Somebody left a task out; what waits for it goes on without it. May follow the end of a run."""

    task: str
    by: str
