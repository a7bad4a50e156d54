"""What is guarded, and what is odd."""

# Annotations are not postponed here: see core.models.

from workbench.core.alarms import Alarm, restored
from workbench.core.events.base import Event


class RefRestored(Event):
    """A ref of the run was moved or deleted by somebody else, and was put back from ``found`` ("" when it was
    gone) to ``put_back``. ``kept`` is the ref that holds what was found, ``suspects`` are the attempts that
    were live meanwhile, which proves nothing; ``hint`` is what to do if it was meant. May follow the end of
    a run."""

    ref: str
    found: str
    put_back: str
    kept: str = ""
    suspects: tuple[str, ...] = ()
    hint: str = ""

    def as_alarm(self) -> Alarm:
        """The same in words."""
        kept = (self.kept,) if self.kept else ()
        sentence = restored(self.ref, self.found, self.put_back)
        return Alarm(kind="ref", sentence=sentence, hint=self.hint, suspects=self.suspects, kept=kept)


class TamperingFound(Event):
    """Something outside the run's own was changed that no attempt has business with, and was left so: it may
    have been the user. What it would have lost is pinned. May follow the end of a run."""

    alarm: Alarm


class Noticed(Event):
    """Something odd that a person should know of, and that stops nothing."""

    sentence: str


class EffectFailed(Event):
    """Something workbench itself tried did not work; ``action`` names it, ``error`` says why. ``full`` says
    that there is no room on a disk, or that it cannot be written to: whatever comes next would fail, too."""

    action: str
    error: str
    task: str | None = None
    attempt: int | None = None
    full: bool = False
