"""What becomes of what a person is asked, when perhaps nobody is there: a policy for each kind. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.core.mail import PERSON, Decision, MessageKind
from workbench.core.mailing import NOBODY
from workbench.core.models import RunSettings
from workbench.core.state import Ask, RunState

UNSEEN = (
    "Nobody was asked: in this run plans are approved unseen. Keep to yours, and say in your report where you"
    " did not."
)

UNHEARD = "Nobody answered in time, so it is refused. Do it another way, or say what you could not do."


@dataclass(frozen=True, slots=True)
class Policy:
    """Who asked a person waits for the answer first, if it ``waits`` at all. ``then`` workbench answers in
    that person's place, with ``text`` and ``decision``; or the task is held until there is an answer, while
    the rest goes on; or it is given up."""

    waits: bool
    then: Literal["answer", "hold", "fail"]
    text: str = ""
    decision: Decision = ""


QUESTIONS: Mapping[str, Policy] = {
    "proceed": Policy(False, "answer", NOBODY),
    "ask": Policy(True, "answer", NOBODY),
    "hold": Policy(False, "hold", NOBODY),
    "fail": Policy(False, "fail", NOBODY),
}

PLANS: Mapping[str, Policy] = {
    "approve": Policy(False, "answer", UNSEEN, "yes"),
    "ask": Policy(True, "hold"),
    "hold": Policy(False, "hold"),
}

PERMISSION = Policy(True, "answer", UNHEARD, "no")

POLICIES: Mapping[MessageKind, Callable[[RunSettings], Policy]] = {
    MessageKind.QUESTION: lambda settings: QUESTIONS[settings.on_question],
    MessageKind.PLAN: lambda settings: PLANS[settings.on_plan],
    MessageKind.PERMISSION: lambda settings: PERMISSION,
}
"""By kind; what is not here waits for as long as it takes, and is settled elsewhere."""


def policy(settings: RunSettings, kind: MessageKind) -> Policy | None:
    """What becomes of what a person is asked by messages of a kind; None where nobody answers for them."""
    of = POLICIES.get(kind)
    return None if of is None else of(settings)


def until(state: RunState, kind: MessageKind, to: str) -> float | None:
    """When who asks ``to`` stops waiting (Unix seconds); None for never, or where it is decided at once."""
    rule = policy(state.settings, kind)
    if rule is None or (to == PERSON and not rule.waits):
        return None
    return state.at + state.settings.answer_seconds


def holds(state: RunState, ask: Ask) -> bool:
    """Whether the task of an open question is held until a person answers, however long that takes."""
    rule = policy(state.settings, ask.message.kind)
    return rule is not None and rule.then == "hold" and ask.to == PERSON and ask.hold is None
