"""The page about an item of the inbox: all that there is to know before it is answered."""

from __future__ import annotations

from workbench.core.mail import LEAD, PERSON, WORKBENCH
from workbench.core.state import RunState, TaskStatus
from workbench.core.story.words import clock_time
from workbench.core.watched import Watched
from workbench.tui.presenting.inbox import Item, age, kind_tone
from workbench.tui.presenting.page import Page, Part
from workbench.tui.presenting.table import Cell
from workbench.tui.presenting.threads import thread_of, whom, written

LAST_ACTS = 8
"""Of the last attempt at a stuck task."""

EVIDENCE_LINES = 200


def page(watched: Watched, item: Item, now: float, given: str) -> Page:
    """The page of an item."""
    parts = _stuck_parts(watched, item) if not item.message else _ask_parts(watched, item, now)
    facts = [
        ("from" if item.message else "tried by", whom(item.sender)),
        ("task", _task_words(watched.state, item.task)),
    ]
    if given:
        facts.append(("answered", given))
    facts += _standing(item, now)
    return Page(
        key=item.key,
        title=Cell(_title(item), kind_tone(item) if item.mine else "faint"),
        facts=tuple((name, value) for name, value in facts if value),
        parts=tuple(part for part in parts if part.text.strip()),
        keys=tuple(keys(item)),
    )


def _title(item: Item) -> str:
    return f"{item.message}  {item.kind}" if item.message else f"{item.task}  {item.kind}"


def _task_words(state: RunState, task: str) -> str:
    there = state.tasks.get(task)
    return f"{task}: {there.spec.title}" if there is not None else task


def _standing(item: Item, now: float) -> list[tuple[str, str]]:
    facts = []
    if item.since:
        facts.append(("since", f"{clock_time(item.since, now)} ({age(now - item.since)})"))
    if not item.mine:
        facts.append(("waits for", whom(item.waits_for)))
    if item.until is not None:
        left = item.until - now
        how = f"{age(left)} left" if left > 0 else "now"
        facts.append(("until", f"{clock_time(item.until, now)} ({how}), then {_then(item)}"))
    elif item.message:
        facts.append(("until", "somebody answers, however long that takes"))
    if item.message and item.holds:
        facts.append(("meanwhile", "its task is held"))
    return facts


def _then(item: Item) -> str:
    """What becomes of an ask that nobody answers in time."""
    if not item.mine:
        return "somebody else is asked, or it goes on without"
    return {
        "permission": "it is refused",
        "plan": "its task is held",
        "join": "it is turned away",
    }.get(item.kind, "it goes on without an answer")


def _ask_parts(watched: Watched, item: Item, now: float) -> list[Part]:
    state = watched.state
    ask = state.asks.get(item.message)
    parts = []
    if item.kind == "permission":
        use, _, reason = item.text.rpartition("\n\n")
        tool, _, target = use.partition(" ")
        parts += [Part(f"{tool} on" if target else tool, target or " ", "lines"), Part("because", reason)]
        if not target:
            parts = [Part("wants to use", tool, "lines"), Part("because", reason)]
    elif item.kind == "plan":
        parts.append(Part("", item.text, "markdown"))
    elif item.kind == "plan change":
        parts.append(Part("", item.text, "change"))
    else:
        parts.append(Part("", item.text))
    if ask is not None and ask.why:
        parts.append(Part("passed on", ask.why))
    thread = [it for it in thread_of(state, item.message) if it.id != item.message]
    if thread:
        parts.append(Part("the exchange", written(state, thread, watched.history.sent, now)))
    return parts


def _stuck_parts(watched: Watched, item: Item) -> list[Part]:
    state = watched.state
    task = state.tasks[item.task]
    parts = [Part("why", task.reason or "no reason is known")]
    if task.status is TaskStatus.HELD and task.unmet:
        waits = (f"{name} ({state.tasks[name].status.value})" for name in sorted(task.unmet))
        parts.append(Part("waits for", ", ".join(waits)))
    if task.conflicts:
        parts.append(Part("conflicts in", "\n".join(task.conflicts), "lines"))
    if task.evidence and task.evidence != task.reason:
        parts.append(Part("evidence", _end(task.evidence), "lines"))
    acts = watched.history.acts.get((item.task, task.attempt), ())
    if acts:
        last = [f"{act.what:<6} {act.title}" for act in list(acts)[-LAST_ACTS:]]
        parts.append(Part("the last that its teammate did", "\n".join(last), "lines"))
    return parts


def _end(text: str) -> str:
    lines = text.splitlines()
    left = len(lines) - EVIDENCE_LINES
    return "\n".join([f"… {left} lines before", *lines[-EVIDENCE_LINES:]]) if left > 0 else text


_YES_NO = {
    "permission": ("allow it", "refuse it"),
    "plan": ("approve", "turn down"),
    "change": ("let it land", "send it back"),
    "plan change": ("take it up", "leave the plan as it is"),
    "join": ("let it join", "turn it away"),
    "question": ("answer “Yes.”", "answer “No.”"),
}


def keys(item: Item) -> list[tuple[str, str]]:
    """What can be pressed at an item, and what that does."""
    found = []
    if "answer" in item.moves:
        found.append(("enter", "write the answer"))
    if "yes" in item.moves:
        yes, no = _YES_NO[item.kind]
        found += [("y", yes), ("n", no)]
    if "words" in item.moves:
        found.append(("Y N", "the same with words"))
    if "retry" in item.moves:
        found.append(("r", "try it again"))
    if "skip" in item.moves:
        found.append(("x", "leave it out"))
    if not item.moves:
        found.append(("", _no_move(item)))
    if item.task:
        found.append(("o", "its task"))
    if teammate_of(item):
        found.append(("t", "its teammate"))
    return found


def _no_move(item: Item) -> str:
    if item.kind == "leaving":
        return f"only {whom(item.waits_for)} can answer this"
    return f"`workbench resolve {item.task}` says how to bring it in"


def teammate_of(item: Item) -> str:
    """Whose screen an item can open; "" for none."""
    if item.kind == "leaving":
        return item.waits_for
    return "" if item.sender in (LEAD, PERSON, WORKBENCH) else item.sender
