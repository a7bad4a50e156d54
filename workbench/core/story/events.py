"""Records as words: what happened, a line for each event that is worth one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from workbench.core import events as e
from workbench.core.alarms import Alarm
from workbench.core.changes import gist as change_in_words
from workbench.core.lists import some
from workbench.core.money import dollars
from workbench.core.protection import in_short
from workbench.core.report import duration
from workbench.core.state import RunState
from workbench.core.story.words import Line, Tone, clock_time, gist, short, shown

Words = Callable[[RunState, Any], Line | None]
ALARM_WIDTH = 400


def line(state: RunState, event: e.Event) -> Line | None:
    """What to say about an event, or None when it is not worth a line of its own."""
    words = _WORDS.get(type(event))
    return words(state, event) if words is not None else None


def _who(state: RunState, event: e.AttemptEvent) -> str:
    attempt = state.attempts.get((event.task, event.attempt))
    return attempt.teammate if attempt else ""


def _started(state: RunState, event: e.RunStarted) -> Line:
    team = f"{len(event.settings.team)} teammate{'s' if len(event.settings.team) != 1 else ''}"
    tasks = f"{len(event.plan.tasks)} task{'s' if len(event.plan.tasks) != 1 else ''}"
    scripted = " (the model is scripted)" if event.settings.scripted else ""
    dirty = "; uncommitted changes in your checkout are not part of it" if event.dirty else ""
    walls = f"; {in_short(event.protection)}" if event.protection else ""
    return Line(
        "run",
        f"{state.run}: {tasks}, {team}, from {event.base[:10]}{scripted}{dirty}{walls}",
    )


def _excused(
    state: RunState, event: e.BaseChecked | e.WorkChecked | e.CandidateChecked, on: str
) -> Line | None:
    """Loud: a gate that was red counts as green here."""
    verdicts = [verdict for verdict in event.verdicts if verdict.quarantined]
    said = (f"{some(verdict.quarantined)} (`{short(verdict.gate, 60)}`)" for verdict in verdicts)
    words = f"FAILED on {on}, and excused because quarantined: {'; '.join(said)}"
    return Line("gate", words, "warn") if verdicts else None


def _base(state: RunState, event: e.BaseChecked) -> Line:
    if state.base_green and (excused := _excused(state, event, "the base")):
        return excused
    if state.base_green:
        seconds = sum(verdict.seconds for verdict in event.verdicts)
        said = (
            f"the gates are green on the base ({duration(seconds)})" if event.verdicts else "no gates to run"
        )
        return Line("gate", said, "good" if event.verdicts else "warn")
    red = next(verdict for verdict in event.verdicts if not verdict.green)
    if not state.base_red_twice:
        return Line("gate", f"`{red.gate}` is red on the base; it is run once more", "warn")
    return Line("gate", f"`{red.gate}` is red on the base:\n{red.output}", "bad")


_WHY = {
    "first": "starts",
    "retry": "tries again",
    "conflict": "resolves the conflict of",
    "rejected": "repairs",
    "continued": "goes on with",
}


def _attempt(state: RunState, event: e.AttemptStarted) -> Line:
    title = state.tasks[event.task].spec.title
    because = f" [{short(event.because)}]" if event.because else ""
    return Line(event.teammate, f"{_WHY[event.why]} {event.task}: {short(title, 80)}{because}")


def _marker(state: RunState, event: e.MarkerReceived) -> Line | None:
    who, note = _who(state, event), short(event.note)
    match event.kind:
        case "progress":
            return Line(who, f"{event.task} {event.percent or 0}% {note}".rstrip(), "faint")
        case "done":
            return Line(who, f"{event.task} done: {note}" if note else f"{event.task} done", "faint")
        case "message" | "question" | "answer":
            return None  # told when it is sent, or refused
        case "blocked":
            return Line(who, f"{event.task} blocked: {note}", "warn")
        case _:
            return Line(who, f"{event.kind}: {note}")


_TOLD = {
    "ask_done": "ended its turn without reporting; asked once",
    "gate_red": "the gate is red; its output goes back into the session",
    "no_change": "reported done without a change; asked again",
    "unresolved": "left conflict markers; asked again",
    "weakened": "lost or weakened a test in the merge; asked again",
}
# What is told "foreseen" or "landed" has a line already, from what was found out.


def _told(state: RunState, event: e.Told) -> Line | None:
    words = _TOLD.get(event.kind)
    return Line(_who(state, event), f"{event.task}: {words}", "warn") if words else None


def _delivered(state: RunState, event: e.TaskDelivered) -> Line:
    return Line(_who(state, event), f"{event.task} is green alone and queued ({event.commit[:10]})")


def _landed(state: RunState, event: e.TaskLanded) -> Line:
    # A batch lands at once: the state may be ahead of this event.
    numbered = (number for number, it in enumerate(state.standing, 1) if it.commit == event.commit)
    landed = next(numbered, len(state.standing))
    return Line("merge", f"{event.task} landed as {event.commit[:10]} ({landed}/{len(state.tasks)})", "good")


def _conflicted(state: RunState, event: e.TaskConflicted) -> Line:
    sides = f" with {', '.join(event.others)}" if event.others else ""
    more = "given up" if event.final else "goes back for a fix-up"
    return Line("merge", f"{event.task} conflicts{sides} in {', '.join(event.paths)}; {more}", "warn")


def _foreseen(state: RunState, event: e.ConflictForeseen) -> Line:
    words = f"{event.task} and {event.other} conflict so far in {some(event.paths)}"
    return Line("probe", words, "warn")


def _read(state: RunState, event: e.LandingRead) -> Line:
    whose = f"; it touches files of {', '.join(event.touched)}" if event.touched else ""
    return Line("merge", f"{', '.join(event.tasks)}: {named(event)}{whose}", "faint")


def named(event: e.LandingRead) -> str:
    """How many public names are other than before: ``3 public names added, 1 changed``."""
    ways = [(sum(it.how == how for it in event.changes), how) for how in ("added", "changed", "removed")]
    said = [way for way in (*ways, (event.more, "more")) if way[0]]
    if not said:
        return "no public name changed"
    (count, how), *others = said
    first = f"{count} public name{'s' if count != 1 else ''} {how}"
    return ", ".join([first, *(f"{count} {how}" for count, how in others)])


def _rejected(state: RunState, event: e.TaskRejected) -> Line:
    more = "given up" if event.final else "goes back for a fix-up"
    return Line("merge", f"{event.task} is red on the branch; {more}\n{event.evidence}", "warn")


def _merge_held(state: RunState, event: e.MergeHeld) -> Line:
    paths = ", ".join(it.path for it in event.touches[:3])
    return Line("merge", f"{event.task} changes {paths} where it is merged; it waits for a person", "warn")


def _refused(state: RunState, event: e.ChangeRefused) -> Line:
    more = "given up" if event.final else "goes back to be done another way"
    return Line("merge", f"{event.task} may not land as it is; {more}\n{event.evidence}", "warn")


def _settled(state: RunState, event: e.CandidateMade) -> Line | None:
    if not event.rung:
        return None
    return Line(
        "merge", f"{event.task}: the conflict in {', '.join(event.resolved)} is settled by {event.rung}"
    )


def _thrown(state: RunState, event: e.ResolutionRejected) -> Line:
    return Line(
        "merge", f"{event.task}: what {event.rung} made of the conflict is red; it is thrown away", "warn"
    )


def _semantic(state: RunState, event: e.SemanticConflictFound) -> Line:
    among = "with" if event.certain or len(event.others) > 1 else "probably with"
    tests = f": {shown(event.tests)}" if event.tests else ""
    others = " or ".join(event.others)
    words = f"{event.task}, green alone, is red together {among} {others} (a semantic conflict){tests}"
    return Line("merge", words, "warn")


def _flake(state: RunState, event: e.FlakeSeen) -> Line:
    tests = f" in {shown(event.tests)}" if event.tests else ""
    return Line(
        "gate", f"`{short(event.gate, 60)}` was red{tests}, then green on the same tree: flaky", "warn"
    )


def _failed(state: RunState, event: e.AttemptFailed) -> Line:
    more = "given up; its work is kept" if event.final else "will be tried again"
    return Line(_who(state, event), f"{event.task}: {gist(event.reason).rstrip('.')}; {more}", "bad")


def alarm(raised: Alarm) -> Line:
    """An alarm in a line or two: what, who was at work then, and what to do."""
    then = f"; at work then: {some(raised.suspects)}" if raised.suspects else ""
    more = f"\n{short(raised.hint, ALARM_WIDTH)}" if raised.hint else ""
    return Line("ALARM", f"{short(raised.sentence, ALARM_WIDTH)}{then}{more}", "bad")


def _finished(state: RunState, event: e.RunFinished) -> Line:
    tone: Tone = "good" if event.outcome == "landed" else "warn"
    return Line("run", f"{event.outcome}{': ' + event.reason if event.reason else ''}", tone)


def _retried(state: RunState, event: e.AgentRetried) -> Line:
    status = f" {event.status}" if event.status else ""
    return Line(
        _who(state, event), f"the model's API answered{status}; again in {event.delay_seconds:.0f} s", "warn"
    )


def _deadline(state: RunState, event: e.DeadlinePassed) -> Line:
    what = "silent" if event.deadline == "idle" else "at work"
    then = "it is stopped" if event.last else "it is nudged"
    return Line(_who(state, event), f"{event.task}: {what} for {duration(event.seconds)}; {then}", "warn")


def _paused(state: RunState, event: e.TeamPaused) -> Line:
    until = clock_time(event.until, state.at)
    why = "when the limit is reset" if event.resets else "then it is tried again"
    return Line("run", f"paused until {until}, {why}: {gist(event.reason)}", "warn")


def _warned(state: RunState, event: e.BudgetWarned) -> Line:
    whose = f"the budget of {event.task}" if event.task else "the budget"
    return Line(
        "run", f"{dollars(event.spent_usd)} of {whose} ({dollars(event.budget_usd)}) are spent", "warn"
    )


def _circuit(state: RunState, event: e.CircuitOpened) -> Line:
    words = f"the agent failed {event.failures} times in a row; one trial in {event.seconds:.0f} s"
    return Line("run", f"{words}: {gist(event.reason)}", "bad")


def _effect(state: RunState, event: e.EffectFailed) -> Line | None:
    """What fails an attempt is said when the attempt has failed."""
    if event.task is not None:
        return None
    what = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event.action).lower()
    return Line("run", f"something went wrong ({what}): {gist(event.error)}", "bad")


def _lead_ended(state: RunState, event: e.LeadEnded) -> Line | None:
    lead = state.lead
    if event.interrupted:
        return None
    if lead.out:
        return Line("lead", f"is not called any more ({short(lead.out)}); questions go to the person", "bad")
    return Line("lead", f"failed, and is called again: {short(lead.error)}", "warn")


def _proposed(state: RunState, event: e.PlanChangeProposed) -> Line:
    says = (
        "a change of the plan is asked for" if not event.source else f"{short(event.source, 80)} was changed"
    )
    return Line("plan", f"{says}: {short(change_in_words(event.change))}; the run goes on meanwhile", "warn")


_WORDS: dict[type[e.Event], Words] = {
    e.LeadStarted: lambda state, event: Line("lead", "is there", "faint"),
    e.LeadDenied: lambda state, event: Line(
        "lead", f"denied {event.tool} {short(event.target, 60)}: {short(event.reason)}", "warn"
    ),
    e.LeadEnded: _lead_ended,
    e.RunStarted: _started,
    e.BaseChecked: _base,
    e.RunResumed: lambda state, event: Line("run", f"{state.run} goes on"),
    e.StopRequested: lambda state, event: Line("run", f"stopping: {event.reason}", "warn"),
    e.AttemptStarted: _attempt,
    e.MarkerReceived: _marker,
    e.MarkerQuarantined: lambda state, event: Line(
        _who(state, event), f"a marker was set aside: {short(event.reason)}", "warn"
    ),
    e.Told: _told,
    e.ActionDenied: lambda state, event: Line(
        _who(state, event), f"denied {event.tool} {short(event.target, 60)}: {short(event.reason)}", "warn"
    ),
    e.AgentRetried: _retried,
    e.DeadlinePassed: _deadline,
    e.TeammateJoined: lambda state, event: Line(
        "run", f"{event.name} joins the team" + (", from outside" if event.external else "")
    ),
    e.TeammateLeft: lambda state, event: Line(
        "run", f"{event.name} has left the team: {short(event.reason)}", "warn"
    ),
    e.TeamSlowed: lambda state, event: Line("run", f"rate limits: {event.cap} at once for now", "warn"),
    e.TeamPaused: _paused,
    e.TeamUnpaused: lambda state, event: Line("run", "the pause is over"),
    e.CircuitOpened: _circuit,
    e.CircuitClosed: lambda state, event: Line("run", "the agent works again", "good"),
    e.RoomMeasured: lambda state, event: Line(
        "run", f"{event.free_mb} MB of memory are free: {event.attempts} at once", "warn"
    ),
    e.BudgetWarned: _warned,
    e.TaskDelivered: _delivered,
    e.TaskBlocked: lambda state, event: Line(
        _who(state, event), f"{event.task} is blocked: {short(event.reason)}", "bad"
    ),
    e.WorkProvided: lambda state, event: Line(
        "run", f"{event.task}: {event.commit[:10]} is taken for its work, and queued"
    ),
    e.TaskLanded: _landed,
    e.CandidateMade: _settled,
    e.ResolutionRejected: _thrown,
    e.SemanticConflictFound: _semantic,
    e.TaskConflicted: _conflicted,
    e.TaskRejected: _rejected,
    e.MergeHeld: _merge_held,
    e.ChangeRefused: _refused,
    e.ConflictForeseen: _foreseen,
    e.ConflictCleared: lambda state, event: Line(
        "probe", f"{event.task} and {event.other} merge cleanly again", "good"
    ),
    e.LandingRead: _read,
    e.PublicationLost: lambda state, event: Line(
        "merge", "the branch had moved; what was to land is merged again", "warn"
    ),
    e.LandingDropped: lambda state, event: (
        Line("merge", f"a landing failed and starts over: {short(event.reason)}", "warn")
        if event.reason
        else None
    ),
    e.LandingUndone: lambda state, event: Line(
        "merge", f"{event.task} is off the branch again ({event.commit[:10]}); its landing is kept", "warn"
    ),
    e.FlakeSeen: _flake,
    e.WorkChecked: lambda state, event: _excused(state, event, f"the work of {event.task}"),
    e.CandidateChecked: lambda state, event: _excused(state, event, f"the candidate of {event.task}"),
    e.AttemptFailed: _failed,
    e.RefRestored: lambda state, event: alarm(event.as_alarm()),
    e.TamperingFound: lambda state, event: alarm(event.alarm),
    e.Noticed: lambda state, event: Line("run", short(event.sentence), "warn"),
    e.PlanChangeProposed: lambda state, event: _proposed(state, event),
    e.PlanChanged: lambda state, event: Line(
        "plan",
        "; ".join((f"changed: {short(change_in_words(event.change))}", *map(short, event.refused))),
        "good",
    ),
    e.PlanChangeDropped: lambda state, event: Line("plan", f"not changed: {short(event.reason)}", "warn"),
    e.EffectFailed: _effect,
    e.RunFinished: _finished,
}
