"""What the lead is told, and when it is wanted. Pure; rendering is an adapter's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.core.mail import LEAD, PERSON, Message, MessageKind
from workbench.core.mailing import words, working
from workbench.core.state import Ask, RunState, TaskStatus

SHOWN_TASKS = 60
"""Tasks that a look at the team lists one by one, those that are over last."""

SHOWN_MESSAGES = 20
"""Messages of before that a new session of the lead is shown."""

SHOWN_CHARACTERS = 600

_HEADING = re.compile(r"(?P<marks>#{1,2})\s+(?P<text>.*?)(?:\s+#+)?\s*")
_FENCE = re.compile(r"\s{0,3}(?P<marks>`{3,}|~{3,})(?P<rest>.*)")


def waiting(state: RunState) -> list[Ask]:
    """What waits for the lead's answer, oldest first."""
    return [ask for ask in state.asks.values() if ask.to == LEAD]


def wanted(state: RunState) -> bool:
    """Whether there is anything for the lead to do: somebody waits for it, or wrote to it."""
    written = [state.mail[name] for name in state.for_lead]
    return bool(waiting(state)) or any(it.sender == PERSON or state.working for it in written)


def forgotten(state: RunState) -> list[Ask]:
    """What the lead heard of and has not answered."""
    heard = set(state.lead.heard)
    return [ask for ask in waiting(state) if ask.message.id in heard]


def bounds(context: str) -> str:
    """The section ``## Lead`` of a plan's text for everyone: what the lead may decide by itself."""
    kept: list[str] = []
    inside, fence = False, ""
    for line in context.splitlines():
        mark = _FENCE.fullmatch(line)
        if mark is not None and not fence:
            fence = mark["marks"]
        elif mark is not None and mark["marks"].startswith(fence) and not mark["rest"].strip():
            fence = ""
        heading = None if fence else _HEADING.fullmatch(line)
        if heading is not None:
            inside = heading["marks"] == "##" and heading["text"].rstrip(":").lower() == "lead"
        elif inside:
            kept.append(line)
    return "\n".join(kept).strip()


def briefing(state: RunState) -> Mapping[str, object]:
    """What the lead has before it all the time: its role, the plan, and how far the team is."""
    plan = state.plan
    assert plan is not None, "a lead belongs to a started run"
    return {
        "run": state.run,
        "plan_title": plan.title,
        "context": plan.context,
        "contract": plan.contract,
        "bounds": bounds(plan.context),
        "tasks": [task.spec for task in state.tasks.values()],
        "teammates": list(state.teammates),
        "gates": () if state.settings.no_gates else state.settings.gates,
        "star": state.settings.topology == "star",
        "again": state.lead.life > 1,
        "said": [_line(message) for message in _with_lead(state)[-SHOWN_MESSAGES:]],
    }


def team(state: RunState) -> Mapping[str, object]:
    """Who is at what now."""
    over = (TaskStatus.LANDED, TaskStatus.FAILED, TaskStatus.BLOCKED, TaskStatus.UNDONE)
    tasks = sorted(state.tasks.values(), key=lambda task: task.status in over)
    return {
        "run": state.run,
        "landed": sum(task.status is TaskStatus.LANDED for task in state.tasks.values()),
        "all": len(state.tasks),
        "mates": [_mate(state, name) for name in state.teammates],
        "tasks": [
            {"id": it.spec.id, "title": it.spec.title, "status": it.status.value, "files": it.spec.files}
            for it in tasks[:SHOWN_TASKS]
        ],
        "more": max(0, len(tasks) - SHOWN_TASKS),
        "waiting": [{"id": it.message.id, "sender": it.message.sender} for it in waiting(state)],
        "with_person": [it.message.id for it in state.asks.values() if it.to == PERSON],
    }


def letter(state: RunState, message: Message) -> Mapping[str, object]:
    """The values for the template that puts a message before the lead."""
    return {
        **words(state, message),
        "task": message.task,
        "waits": message.asks and message.to == LEAD,  # nothing that changes: it is known by its text
        "wants_decision": message.asks and message.kind is not MessageKind.QUESTION,
    }


def reminder(asks: list[Ask]) -> Mapping[str, object]:
    """The values for the template that reminds the lead of what still waits."""
    return {"asks": [{"id": it.message.id, "sender": it.message.sender} for it in asks]}


def _mate(state: RunState, name: str) -> dict[str, object]:
    attempt = working(state, name)
    if attempt is None:
        return {"name": name, "task": "", "percent": 0, "note": "", "waits": ""}
    open_asks = [ask for ask in state.asks.values() if ask.message.sender == name]
    return {
        "name": name,
        "task": attempt.task,
        "percent": attempt.percent,
        "note": _short(attempt.note),
        "waits": open_asks[0].to if attempt.waiting and open_asks else "",
    }


def _with_lead(state: RunState) -> list[Message]:
    """What was said to the lead and by it, and is not about to be told."""
    ahead = {*state.for_lead, *state.lead.told}
    return [it for it in state.mail.values() if LEAD in (it.sender, it.to) and it.id not in ahead]


def _line(message: Message) -> dict[str, str]:
    text = " ".join(part for part in (message.decision, _short(message.text)) if part)
    return {"id": message.id, "sender": message.sender, "to": message.to, "text": text}


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"
