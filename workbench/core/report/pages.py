"""A report as text: a sentence, Markdown, a graph, JUnit XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from workbench.core.alarms import SHOWN, some
from workbench.core.flakes import sections
from workbench.core.prose import code, fenced, words
from workbench.core.report.values import (
    Report,
    TaskReport,
)
from workbench.core.trust.words import standing

PROOF = (
    "Each landed task was looked for with `git rev-list`: what it delivered is an ancestor of the "
    "integration branch."
)


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML may hold, not even escaped."""

SHOWN_TESTS = 10
"""Failing tests of a semantic conflict that the Markdown lists; the rest is counted."""


def duration(seconds: float) -> str:
    """Seconds as a person reads them: ``8.4 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def has_landed(task: TaskReport) -> bool:
    """Whether the log says so and git, if it was asked, agrees."""
    return task.status == "landed" and task.proven is not False


def headline(result: Report) -> str:
    """The run in one sentence."""
    landed = sum(map(has_landed, result.tasks))
    made = (
        "every task landed"
        if landed == len(result.tasks)
        else f"{landed} of {len(result.tasks)} tasks landed"
    )
    cost = "no cost: the model was scripted" if result.scripted else f"${result.usage.cost_usd:.2f}"
    return f"{result.outcome}: {made} in {duration(result.seconds)}, {cost}"


def markdown(result: Report) -> str:
    """The report as a Markdown document."""
    lines = [f"# {words(result.title)}", "", f"Run {code(result.run)} · {headline(result)}.", ""]
    if result.reason:
        lines += [f"> {words(result.reason)}", ""]
    if result.scripted:
        lines += ["> The model was scripted: this shows that the run works, not what Claude would do.", ""]
    lines += ["| task | | by | attempts | time | cost | landed as |", "|---|---|---|---|---|---|---|"]
    for task in result.tasks:
        where = code(task.landed[:10], cell=True) if task.landed else words(task.reason)
        cost = f"${task.usage.cost_usd:.2f}" if task.usage.cost_usd and not result.scripted else ""
        time = duration(task.seconds) if task.seconds else ""
        name = f"{code(task.id, cell=True)} {words(task.title)}"
        cells = (name, _status(task), words(task.teammate), _tries(task), time)
        lines.append(f"| {' | '.join((*cells, cost, where))} |")
    lines += ["", "## Landings", "", *fenced(graph(result)), "", _branch(result), ""]
    lines += _conflicts(result) + _semantic_conflicts(result)
    if said := proof_words(result):
        lines += [said if said is PROOF else words(said), ""]
    lines += _trust(result)
    lines += _lead(result)
    lines += _proposals(result)
    lines += _alarms(result)
    lines += _protection(result)
    lines += sections(result.flakes, result.excused)
    return "\n".join(lines)


def _protection(result: Report) -> list[str]:
    """What stood between the run and the machine; nothing for runs from before that was recorded."""
    if not result.protected:
        return []
    return ["## Protection", "", *(f"- {words(sentence)}" for sentence in result.protected), ""]


def proposal_words(result: Report) -> list[str]:
    """What is asked about the plan and was not answered, a sentence each."""
    # One that is not over goes on; or it was killed, and the answer says itself that it waits for `resume`.
    further = "" if result.outcome == "running" else f" and `workbench resume {result.run}`"
    return [
        f"The plan may change, and nobody has said so yet: {it.source or 'a request'} {it.change}."
        f" `workbench answer {it.message} yes` (or no){further}."
        for it in result.proposals
    ]


def trust_words(result: Report) -> str:
    """How the run stood to its repository; "" where there was nothing to decide, or nobody knows."""
    trust = result.trust
    return standing(trust)[0] if trust is not None and trust.count else ""


def _trust(result: Report) -> list[str]:
    said = trust_words(result)
    return [f"{words(said[0].upper() + said[1:])}.", ""] if said else []


def _proposals(result: Report) -> list[str]:
    return [line for said in proposal_words(result) for line in (f"> {words(said)}", "")]


def _conflicts(result: Report) -> list[str]:
    if not result.conflicts:
        return []
    lines = ["## Conflicts that were settled", "", "| task | in | by |", "|---|---|---|"]
    for conflict in result.conflicts:
        by = conflict.settler
        by += f"; red before: {', '.join(conflict.thrown)}" if conflict.thrown else ""
        name, paths = code(conflict.task, cell=True), words(", ".join(conflict.paths))
        lines.append(f"| {name} | {paths} | {words(by)} |")
    return [*lines, ""]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _lead(result: Report) -> list[str]:
    lead = result.lead
    if lead is None:
        return []
    cost = "" if result.scripted else f" It cost ${lead.usage.cost_usd:.2f}."
    told = (
        f"Asked {_times(lead.asked)}, it answered {lead.answered}, and {lead.passed} went to the person."
        f" Other messages that it wrote: {lead.wrote}.{cost}"
    )
    out = [f"It was not called any more: {words(lead.out)}", ""] if lead.out else []
    return ["## The lead", "", told, "", *out]


def _alarms(result: Report) -> list[str]:
    if not result.alarms:
        return []
    lines = ["## Alarms", "", "What somebody did besides the run; who was at work then proves nothing.", ""]
    for alarm in result.alarms:
        lines.append(f"- {words(alarm.sentence)}")
        if alarm.suspects:
            lines.append(f"    - at work then: {words(some(alarm.suspects))}")
        if alarm.hint:
            lines.append(f"    - {words(alarm.hint)}")
        lines += [f"    - kept: {code(pin)}" for pin in alarm.kept[:SHOWN]]
    return [*lines, ""]


def _semantic_conflicts(result: Report) -> list[str]:
    if not result.semantic_conflicts:
        return []
    lines = ["## Semantic conflicts", "", "Green alone, merged without a conflict, and red together:", ""]
    for it in result.semantic_conflicts:
        others = ", ".join(map(code, it.others))
        lines.append(f"- {code(it.task)} {it.among} {others}: {code(it.gate)} ({it.status} in the end)")
        lines += [f"    - {code(test)}" for test in it.tests[:SHOWN_TESTS]]
        if len(it.tests) > SHOWN_TESTS:
            lines.append(f"    - and {len(it.tests) - SHOWN_TESTS} more")
    return [*lines, ""]


def proof_words(result: Report) -> str:
    """What git says of what the log calls landed; empty when git was not asked."""
    asked = [task for task in result.tasks if task.proven is not None]
    gone = [task.id for task in asked if task.proven is False]
    if gone:
        return (
            f"NOT on the integration branch, although it landed there: {', '.join(gone)}. Somebody moved "
            f"the branch; the landings above name the commits, which are kept."
        )
    return PROOF if asked else ""


def _branch(result: Report) -> str:
    origin = f" on {code(result.target)}" if result.target else ""
    return (
        f"Integration branch {code(_short(result.integration))} at {code(result.tip[:10])}, "
        f"from {code(result.base[:10])}{origin}. "
        f"Gates ran {_times(result.gate_runs)} in {duration(result.gate_seconds)}."
    )


def _status(task: TaskReport) -> str:
    if task.status == "landed" and task.proven is False:
        return "NOT FOUND"
    return task.status


def _tries(task: TaskReport) -> str:
    words = [str(task.attempts)]
    if task.conflicts:
        words.append(f"{task.conflicts} for a conflict")
    if task.repairs:
        words.append(f"{task.repairs} repair{'s' if task.repairs > 1 else ''}")
    return ", ".join(words)


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def graph(result: Report) -> str:
    """The branch as a text graph, newest first: each landing merges one delivered commit on it, and one
    that was undone is reverted by a commit of its own."""
    lines: list[str] = []
    undone = list(result.undone)
    for number, landing in reversed(list(enumerate(result.landings, 1))):
        while undone and undone[-1].after >= number:
            gone = undone.pop()
            lines.append(f"●   {gone.commit[:10]}  {gone.task} undone")
        again = f", attempt {landing.attempt}" if landing.attempt > 1 else ""
        lines.append(f"●─╮ {landing.commit[:10]}  {landing.task}")
        lines.append(f"│ ● {landing.delivered[:10]}  {landing.teammate}{again}")
    lines.append(f"○   {result.base[:10]}  {result.target or 'base'}")
    return "\n".join(lines)


def junit(result: Report) -> str:
    """The report as JUnit XML: a test case for each task, failed unless it landed."""
    failed = [task for task in result.tasks if task.status in ("failed", "blocked") or task.proven is False]
    skipped = [task for task in result.tasks if task not in failed and not has_landed(task)]
    suite = ElementTree.Element(
        "testsuite",
        name=f"workbench {result.run}",
        tests=str(len(result.tasks)),
        failures=str(len(failed)),
        skipped=str(len(skipped)),
        time=f"{result.seconds:.1f}",
        timestamp=result.started,
    )
    for task in result.tasks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=result.run, name=task.id, time=f"{task.seconds:.1f}"
        )
        if task in failed:
            ElementTree.SubElement(case, "failure", message=task.reason or _status(task))
        elif task in skipped:
            ElementTree.SubElement(case, "skipped", message=task.reason or task.status)
    ElementTree.indent(suite)
    xml = _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", ElementTree.tostring(suite, encoding="unicode"))
    return f'<?xml version="1.0" encoding="utf-8"?>\n{xml}\n'
