"""What a plan that parses could still be better at: told as findings, each with its line and a way out.

Nothing here keeps a plan from being run: a person may know better. A draft of ours has its errors put
right before it is shown (see ``composition.drafting``), ``workbench check`` tells all of them as warnings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from workbench.core import graph
from workbench.core.discovery import Surroundings
from workbench.core.globs import everything, overlap
from workbench.core.models import Plan, Task
from workbench.core.plan.meetings import Order, meetings

Severity = Literal["error", "warning"]

BODY_WORDS = 450
BODY_BULLETS = 14
TASK_GLOBS = 10
"""A task with more than one of these, or twice one of them, is too big for one teammate's sitting."""

LONG_CHAIN = 4
"""Tasks in a chain before it is asked whether each of them has to wait."""

MOST_NAMES = 50
MOST_GLOBS = 500
"""Names of files in a contract, and globs they are compared with, at most."""

SHOWN = 12
"""Findings of one kind that are told at most."""

PROSE = re.compile(
    r"(?:\.(?:md|rst|txt|adoc)|(?:^|/)(?:CHANGELOG|CHANGES|HISTORY|NEWS)[^/]*)$", re.IGNORECASE
)
"""Files that the conflict ladder merges nearly always: prose and lists."""

FILE = re.compile(
    r"(?<![\w./-])((?:[\w.-]+/)*[\w.-]+\."
    r"(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|go|rs|java|kt|rb|php|c|h|cc|cpp|hpp|cs|swift|scala|ex|exs|sql|proto|"
    r"json|toml|yaml|yml|css|scss|html|vue|svelte|sh))(?![\w/-])"
)
"""A file, as prose names one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to be better: ``rule`` names its kind, ``task`` the task it is about ("" for the plan),
    ``line`` where that stands (0 for the whole file). An ``error`` costs a team most of what it is for."""

    severity: Severity
    rule: str
    task: str
    line: int
    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known around a plan: ``gates`` of the settings, that hold where the plan says nothing, and
    what the repository offers, None where there is none to ask."""

    gates: tuple[str, ...] = ()
    offers: Surroundings | None = None


NOWHERE = Circumstances()


def review(plan: Plan, around: Circumstances = NOWHERE) -> tuple[Finding, ...]:
    """All findings about ``plan``: errors first, then in the order of its lines."""
    order = Order(plan.tasks)
    found: list[Finding] = []
    for rule in RULES:
        of_rule = list(_some(rule(plan, order, around)))
        found += of_rule
    return tuple(sorted(found, key=lambda it: (it.severity != "error", it.line)))


def errors(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those of them that are errors."""
    return tuple(finding for finding in findings if finding.severity == "error")


def _some(found: Iterator[Finding]) -> Iterator[Finding]:
    for number, finding in enumerate(found):
        if number == SHOWN:
            return
        yield finding


# -- rules -------------------------------------------------------------------------------------------


def _overlaps(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    tasks = {task.id: task for task in plan.tasks}
    pairs = meetings(plan, order)
    for (one, other), (glob, other_glob) in sorted(pairs.items(), key=lambda pair: tasks[pair[0][1]].line):
        where = glob if glob == other_glob else f"{glob} and {other_glob}"
        mild = PROSE.search(glob) is not None and PROSE.search(other_glob) is not None
        yield Finding(
            "warning" if mild else "error",
            "overlap",
            other,
            tasks[other].line,
            f'"{one}" and "{other}" can be at work at once, and both may touch {where}',
            "Cut the tasks along files, or move what they share into a task that both wait for; "
            'only if neither can be done, give one an "after".',
        )


def _gates(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    if not plan.gates and not around.gates:
        offered = [found for found in around.offers.found if found.tests] if around.offers else []
        yield Finding(
            "error" if offered else "warning",
            "no-gate",
            "",
            0,
            "the plan has no gate for the whole repository: nothing says whether merged work is good",
            f"Add `gates: [{offered[0].command!r}]` to the front matter ({offered[0].why})."
            if offered
            else "Add `gates:` to the front matter: the command that runs the repository's tests.",
        )
    if around.offers is None:
        return
    commands = [("", 0, gate) for gate in plan.gates]
    commands += [(task.id, task.line, gate) for task in plan.tasks for gate in task.gates]
    for task, line, command in commands:
        if doubt := around.offers.doubt(command):
            best = next((found for found in around.offers.found if found.tests), None)
            yield Finding(
                "error" if best and "nothing in the repository" not in doubt else "warning",
                "unknown-gate",
                task,
                line,
                f"the gate `{command}` may not work here: {doubt}",
                f"The repository has `{best.command}`: {best.why}."
                if best
                else "Run it once on a clean checkout: a gate that is red before the start refuses the run.",
            )


def _sizes(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    for task in plan.tasks:
        measures = (
            (len(task.body.split()), BODY_WORDS, "words"),
            (len(re.findall(r"^\s*(?:[-*+]|\d+[.)])\s", task.body, re.MULTILINE)), BODY_BULLETS, "points"),
            (len(task.files), TASK_GLOBS, "file globs"),
        )
        over = [(count, limit, what) for count, limit, what in measures if count > limit]
        if over:
            much = len(over) > 1 or any(count > 2 * limit for count, limit, _ in over)
            said = " and ".join(f"{count} {what}" for count, _, what in over)
            yield Finding(
                "error" if much else "warning",
                "too-big",
                task.id,
                task.line,
                f'"{task.id}" is big for one teammate: {said}',
                "Cut it where its files part; what the parts share goes into the contract.",
            )
        if len(plan.tasks) > 1 and any(everything(glob) for glob in task.files):
            yield Finding(
                "error",
                "everything",
                task.id,
                task.line,
                f'"{task.id}" says it may touch every file, so nothing can be told apart from it',
                "Name the files or folders it will change.",
            )


def _files(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    without = [task for task in plan.tasks if not task.files]
    if len(plan.tasks) > 1 and without:
        names = ", ".join(task.id for task in without[:6]) + (" …" if len(without) > 6 else "")
        yield Finding(
            "warning",
            "no-files",
            without[0].id,
            without[0].line,
            f"no files are named for {names}: nobody can tell beforehand what it collides with",
            "Add `- files:` with the globs that it will create or change.",
        )


def _width(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    count, at_once = len(plan.tasks), graph.width(plan.tasks)
    if count == 1:
        yield Finding(
            "warning",
            "single",
            plan.tasks[0].id,
            plan.tasks[0].line,
            "the plan has one task: one teammate does all of it, and nobody works beside it",
            "Fine if that is meant; otherwise cut it into tasks of their own files.",
        )
        return
    if at_once == 1:
        yield Finding(
            "warning",
            "no-width",
            "",
            0,
            f"each of the {count} tasks waits for another, so only one teammate has work at any time",
            "Put what they share into the contract and drop `after` where that is enough, or take `team: 1`.",
        )
    elif plan.team is not None and plan.team > at_once:
        yield Finding(
            "warning",
            "idle",
            "",
            0,
            f"a team of {plan.team}, but at most {at_once} tasks can be at work at once",
            f"`team: {at_once}` is enough.",
        )


def _chains(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    tasks = {task.id: task for task in plan.tasks}
    for task in plan.tasks:
        named = task.after[:MOST_NAMES]
        for id_ in named:
            through = next((mid for mid in named if mid != id_ and order.waits(mid, id_)), None)
            if through is not None:
                yield Finding(
                    "warning",
                    "implied",
                    task.id,
                    task.line,
                    f'"{task.id}" need not name "{id_}" in "after": it waits for "{through}", which does',
                    f'Remove "{id_}" there.',
                )
    chain = _longest(plan.tasks)
    if len(chain) < LONG_CHAIN:
        return
    loose = [
        (one, other) for one, other in pairwise(chain[:MOST_NAMES]) if not _needs(tasks[other], tasks[one])
    ]
    if len(loose) > 1:
        said = ", ".join(f"{one} → {other}" for one, other in loose[:4])
        yield Finding(
            "warning",
            "long-chain",
            chain[-1],
            tasks[chain[-1]].line,
            f"{len(chain)} tasks wait in one chain ({' → '.join(chain[:8])}); nothing says why for {said}",
            'Fix what they share in the contract, and drop "after" where that is all it was for.',
        )


def _contract(plan: Plan, order: Order, around: Circumstances) -> Iterator[Finding]:
    if len(plan.tasks) > 1 and not plan.contract and any(task.after for task in plan.tasks):
        yield Finding(
            "warning",
            "no-contract",
            "",
            0,
            "tasks wait for each other, and no contract says for what",
            "Add `## Contract`: the names, signatures and formats that more than one task relies on.",
        )
    existing = around.offers.paths if around.offers is not None else frozenset()
    globs = [glob for task in plan.tasks for glob in task.files][:MOST_GLOBS]
    for path in list(dict.fromkeys(FILE.findall(plan.contract)))[:MOST_NAMES]:
        known = path in existing or any(name.endswith(f"/{path}") for name in existing)
        whole = path if "/" in path else f"**/{path}"  # a bare name is a file's in whichever folder
        if globs and not known and not any(overlap(whole, glob) for glob in globs):
            yield Finding(
                "error" if around.offers is not None else "warning",
                "no-owner",
                "",
                0,
                f"the contract names {path}, and no task has it among its files",
                "Give it to one task, or correct its name.",
            )


Rule = Callable[[Plan, Order, Circumstances], Iterator[Finding]]
RULES: tuple[Rule, ...] = (_overlaps, _gates, _sizes, _files, _width, _chains, _contract)


def _longest(tasks: Sequence[Task]) -> list[str]:
    """A longest chain of tasks of which each waits for the one before it."""
    ranks, below = graph.ranks(tasks), graph.dependents(tasks)
    at = max(ranks, key=ranks.__getitem__, default=None)
    chain = []
    while at is not None:
        chain.append(at)
        at = next((id_ for id_ in below[at] if ranks[id_] == ranks[at] - 1), None)
    return chain


def _needs(later: Task, earlier: Task) -> bool:
    """Whether anything in ``later`` shows that it builds on ``earlier``."""
    text = f"{later.title}\n{later.body}".lower()
    if re.search(rf"(?<![\w-]){re.escape(earlier.id)}(?![\w-])", text):
        return True
    if any(_stem(glob) and _stem(glob) in text for glob in earlier.files):
        return True
    return any(overlap(one, other) for one in later.files[:20] for other in earlier.files[:20])


def _stem(glob: str) -> str:
    name = glob.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
    return name if len(name) > 2 and "*" not in name else ""


def as_data(finding: Finding) -> Mapping[str, object]:
    """A finding for programs."""
    return {
        "severity": finding.severity,
        "rule": finding.rule,
        "task": finding.task,
        "line": finding.line,
        "problem": finding.sentence,
        "hint": finding.hint,
    }
