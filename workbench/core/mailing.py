"""Who may write to whom, where a message goes, and who waits for whom. Pure.

A message is sent once it is in the log. From there it is *told* to the session of whom it is for, and
*heard* when that took it up. What was told and perhaps not heard is told again after a crash; what was heard
is not, for as long as the session lasts; a new session hears all of it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.core.mail import ALL, LEAD, PERSON, WORKBENCH, Decision, Message, MessageKind
from workbench.core.models import TEXT_LIMIT
from workbench.core.state import Ask, AttemptState, Phase, RunState, TeammateState

UNANSWERED = "waits for an answer"
"""How the reason begins for which a run stops that could go on only with answers."""

MOST_NAMED = 12
"""Names of teammates that a refusal lists."""


# -- who there is ------------------------------------------------------------------------------------


def members(state: RunState) -> tuple[str, ...]:
    """The teammates who are in the team, in their order."""
    return tuple(mate.name for mate in state.teammates.values() if not mate.left)


def recipients(state: RunState, sender: str, to: str) -> tuple[str, ...]:
    """The mailboxes that a message goes to: of teammates, of the lead, of the person."""
    if to != ALL:
        return (to,)
    lead = (LEAD,) if state.settings.lead else ()
    return tuple(name for name in (*members(state), *lead) if name != sender)


def cost(state: RunState, sender: str, to: str) -> int:
    """What a message counts against its sender's quota: one for each who gets it."""
    return len(recipients(state, sender, to))


def working(state: RunState, teammate: str) -> AttemptState | None:
    """The attempt that a teammate is at."""
    mate = state.teammates.get(teammate)
    if mate is None or mate.task is None:
        return None
    return state.working.get((mate.task, state.task(mate.task).attempt))


# -- who may write -----------------------------------------------------------------------------------


def refusal(state: RunState, attempt: AttemptState, to: str) -> str:
    """Why a teammate may not write to ``to`` now, as a sentence for it; "" when it may."""
    sender, settings = attempt.teammate, state.settings
    if to not in (*members(state), LEAD, PERSON, ALL):
        names = [name for name in members(state) if name != sender]
        known = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
        return f"there is nobody called {to!r}; there are {known or 'no teammates'}, lead, person and all"
    if to == sender:
        return "a message to yourself reaches nobody"
    if reason := exhausted(state, attempt, to):
        return reason
    if to in (LEAD, PERSON) or settings.topology == "mesh":
        return ""
    if settings.topology == "hierarchical" and to != ALL and related(state, attempt, to):
        return ""
    if settings.topology == "star" and not state.led:
        return ""  # workbench is the hub, and passes it on
    return f"in this team ({settings.topology}) you write to the lead, who passes on what others should know"


def exhausted(state: RunState, attempt: AttemptState, to: str) -> str:
    """Why an attempt has written too much to write to ``to`` as well; "" when it has not."""
    quota = state.settings.message_quota
    if to in (LEAD, PERSON) or attempt.sent + cost(state, attempt.teammate, to) <= quota:
        return ""
    return (
        f"you have written as much as one attempt may ({quota} messages, one to all"
        " counting for each who gets it); write to the lead, or say it in your report"
    )


def related(state: RunState, attempt: AttemptState, teammate: str) -> bool:
    """Whether what ``teammate`` is at has to do with this attempt's task: one waits for the other, both for
    the same, or the same for both."""
    other = state.teammates[teammate].task
    if other is None:
        return False
    mine, its = state.task(attempt.task).spec, state.task(other).spec
    if mine.id in its.after or its.id in mine.after or set(mine.after) & set(its.after):
        return True
    after = state.dependents
    return bool(set(after.get(mine.id, ())) & set(after.get(its.id, ())))


# -- what is sent ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has its place among the others."""

    kind: MessageKind
    sender: str
    to: str
    text: str
    reply_to: str = ""
    decision: Decision = ""
    task: str = ""
    attempt: int = 0
    until: float | None = None
    key: str = ""


def message(state: RunState, draft: Draft) -> Message:
    """The message that a draft becomes when it is the next to be sent."""
    before = state.mail.get(draft.reply_to)
    return Message(
        id=f"m{len(state.mail) + 1}",
        kind=draft.kind,
        sender=draft.sender,
        to=draft.to,
        text=draft.text[:TEXT_LIMIT],
        reply_to=draft.reply_to,
        thread=(before.thread or before.id) if before is not None else "",
        decision=draft.decision,
        task=draft.task,
        attempt=draft.attempt,
        until=draft.until,
        key=draft.key,
    )


def number(message: str) -> int:
    """The place of a message among all of the run, from its id."""
    return int(message[1:])


def in_the_tool(state: RunState, answer: Message) -> bool:
    """Whether an answer reaches who asked by the tool use that waits for it. A yes has no words there."""
    asked = state.mail.get(answer.reply_to)
    if answer.kind is not MessageKind.ANSWER or asked is None or asked.kind is not MessageKind.PERMISSION:
        return False
    return answer.decision != "yes" or not answer.text


# -- what is open ------------------------------------------------------------------------------------


def asked_by(state: RunState, attempt: AttemptState) -> Iterator[Ask]:
    """What an attempt asked and has no answer to; also before it was interrupted."""
    for ask in state.asks.values():
        if (ask.message.task, ask.message.sender) == (attempt.task, attempt.teammate):
            yield ask


def awaited(state: RunState, attempt: AttemptState) -> Ask | None:
    """What an attempt waits for at the end of its turn: the oldest of its questions that is open."""
    return next(asked_by(state, attempt), None)


def blocking(state: RunState, attempt: AttemptState) -> Ask | None:
    """What an attempt cannot go on without: approval of its plan, a permission in the middle of a tool use,
    or what it waits for at the end of its turn."""
    kinds = (MessageKind.PLAN, MessageKind.PERMISSION)
    needed = (ask for ask in asked_by(state, attempt) if ask.message.kind in kinds)
    return next(needed, awaited(state, attempt) if attempt.waiting else None)


def answered(state: RunState, task: str) -> list[tuple[Message, Message]]:
    """What was asked for a task, with what somebody answered."""
    return [
        (state.mail[asked], state.mail[answer])
        for asked, answer in state.answers.items()
        if state.mail[asked].task == task and state.mail[answer].sender != WORKBENCH
    ]


def held_for(state: RunState, task: str) -> Ask | None:
    """The open question for which a task that is not at work is held, if there is one."""
    return next((ask for ask in state.asks.values() if ask.message.task == task), None)


def held(state: RunState) -> dict[str, Ask]:
    """``held_for`` for all tasks that wait for an answer."""
    return {ask.message.task: ask for ask in reversed(state.asks.values())}


class Waits:
    """Who waits for whom just now: of each at work the oldest of its questions that is open. Made anew for
    each state; what one look finds out helps the next."""

    def __init__(self, state: RunState) -> None:
        self._oldest: dict[str, Ask] = {}
        self._free: set[str] = set()
        for ask in state.asks.values():
            mate = state.teammates.get(ask.message.sender)
            if mate is not None and mate.task is not None and mate.task == ask.message.task:
                self._oldest.setdefault(mate.name, ask)

    def circle(self, ask: Ask) -> tuple[str, ...]:
        """The teammates that wait for each other because of ``ask``, from who asked it; empty if none do."""
        sender, at = ask.message.sender, ask.to
        names = {sender: None}
        free = self._free if self._oldest.get(sender) is ask else ()  # else the way may lead back to it
        while at in self._oldest and at not in names and at not in free:
            names[at] = None
            at = self._oldest[at].to
        if at not in names:  # it ends with somebody who waits for nobody, and so for all on the way
            self._free |= names.keys() - {sender}
            return ()
        return tuple(names) if at == sender and len(names) > 1 else ()


def is_overdue(state: RunState, ask: Ask) -> bool:
    """Whether nobody answered in time."""
    return ask.hold is not None and not ask.hold.holds(state.at)


# -- what is delivered -------------------------------------------------------------------------------


def next_letter(state: RunState, attempt: AttemptState) -> Message | None:
    """The next message to put into a session that listens: one at a time, so that none overtakes another. Of
    those whose turn is over only who waits for an answer listens; the others are being judged. One that is
    continued listens when it is up."""
    unread = state.teammates[attempt.teammate].unread
    if not unread or not attempt.live or attempt.unsure:
        return None
    if attempt.phase is not Phase.WORKING and not attempt.waiting:
        return None
    return state.mail[unread[0]]


def given_back(state: RunState, attempt: AttemptState, *, session_lives: bool) -> None:
    """Put what an attempt was given back into its teammate's mailbox: what its session did not take up, and
    where the session is over, with the attempt cut short, what it did. A question that was answered meanwhile
    waits for nobody."""
    mate = state.teammates[attempt.teammate]
    heard = () if session_lives else (it for it in attempt.heard if it not in state.answers)
    restore(mate, [*heard, *attempt.told])
    attempt.told = []
    if not session_lives:
        attempt.heard = []


def told_once_more(state: RunState, attempt: AttemptState) -> None:
    """Put back what was written to an attempt that failed, and is made once more: by a new session, which
    heard nothing. What was asked and answered for the task is in its brief in any case."""
    kept = [name for name in attempt.heard if state.mail[name].kind is MessageKind.MESSAGE]
    attempt.heard = [name for name in attempt.heard if name not in kept]
    restore(state.teammates[attempt.teammate], kept)


def restore(mate: TeammateState, letters: list[str]) -> None:
    """Put messages back where they were, in the order of their sending."""
    mate.unread = sorted({*mate.unread, *letters}, key=number)


def words(state: RunState, letter: Message) -> dict[str, object]:
    """The values for the template that puts a message into a session or a brief."""
    question = state.mail.get(letter.reply_to)
    return {
        "id": letter.id,
        "kind": letter.kind.value,
        "sender": letter.sender,
        "text": letter.text,
        "decision": letter.decision,
        "question": _asked_about(question) if question is not None else "",
        "to_all": letter.to == ALL,
    }


def _asked_about(question: Message) -> str:
    """A question in its own words; a plan is long, and known to whom the answer is for."""
    return f"plan {question.id} for {question.task}" if question.kind is MessageKind.PLAN else question.text


# -- what workbench says itself ----------------------------------------------------------------------

NOBODY = (
    "Nobody is there to answer. Go on with your best judgement: where there is a choice, take the one that is"
    " easiest to change later. Note the assumption, and repeat it when you report done."
)

NOT_AT_WORK = "{name} is not at work just now, so no answer will come soon. " + NOBODY.partition(". ")[2]

CIRCLE = (
    "You wait for each other: {circle}. This wait is broken so that the team goes on. "
    + NOBODY.partition(". ")[2]
)


def answer_by_workbench(ask: Message, text: str, decision: Decision = "") -> Draft:
    """What is said in place of whoever did not answer."""
    return Draft(MessageKind.ANSWER, WORKBENCH, ask.sender, text, reply_to=ask.id, decision=decision)
