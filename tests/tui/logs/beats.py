"""What an agent does in a turn, one beat after the other, and what its gates say of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.core.models import Task


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens ``seconds`` after the one before; ``what`` and ``values`` say which."""

    what: str
    seconds: float
    values: dict[str, Any] = field(default_factory=dict)


def say(text: str, seconds: float = 6.0) -> Beat:
    """The agent writes text."""
    return Beat("say", seconds, {"text": text})


def act(tool: str, target: str, seconds: float = 9.0) -> Beat:
    """The agent uses a tool. A target that is a file of the worktree is given with its whole path."""
    return Beat("act", seconds, {"tool": tool, "target": target})


def edit(path: str, seconds: float = 25.0) -> Beat:
    """The agent changes a file."""
    return Beat("act", seconds, {"tool": "Edit", "target": path})


def progress(percent: int, note: str, seconds: float = 2.0) -> Beat:
    """A marker of how far it is."""
    return Beat("mark", seconds, {"kind": "progress", "percent": percent, "note": note})


def mark(kind: str, note: str, seconds: float = 2.0, **values: Any) -> Beat:
    """Any other marker. After a question or a plan the turn ends, and goes on with the answer."""
    return Beat("mark", seconds, {"kind": kind, "note": note, **values})


def done(note: str) -> Beat:
    """The last marker of a turn."""
    return mark("done", note, confidence=0.9)


def forged(name: str, reason: str) -> Beat:
    """A marker that is set aside."""
    return Beat("forged", 2.0, {"name": name, "reason": reason})


def denied(tool: str, target: str, reason: str) -> Beat:
    """A tool use that is refused."""
    return Beat("denied", 4.0, {"tool": tool, "target": target, "reason": reason})


def permission(tool: str, target: str, reason: str) -> Beat:
    """A tool use that waits for a person's word."""
    return Beat("permission", 4.0, {"tool": tool, "target": target, "reason": reason})


def retried(status: int | None, error: str, delay: float) -> Beat:
    """The model API failed, and is tried again."""
    return Beat("retried", 3.0, {"status": status, "error": error, "delay_seconds": delay})


def crash(error: str, seconds: float = 8.0, **values: Any) -> Beat:
    """The agent's process is gone."""
    return Beat("crash", seconds, {"error": error, **values})


@dataclass(frozen=True, slots=True)
class Red:
    """A gate that is red: which, what it says, and the tests that failed."""

    gate: str
    output: str
    failing: tuple[str, ...] = ()
    exit_code: int | None = 1


@dataclass(slots=True)
class Clash:
    """A conflict of text: where, what it looks like, and the rung that settles it, if one does."""

    paths: tuple[str, ...]
    hunks: str
    rung: str = ""


@dataclass(slots=True)
class Pair:
    """Two tasks that are green alone and ``red`` together, until one of them was mended ``until`` times."""

    earlier: str
    later: str
    red: Red
    until: int = 1


def pytest_red(gate: str, failures: Sequence[tuple[str, str, str, str]], passed: int, seconds: float) -> Red:
    """What pytest prints of ``failures``: node id, the line that failed, the error, and where."""
    rule = " FAILURES ".center(79, "=")
    lines = [rule]
    for node, line, error, where in failures:
        name = node.rpartition("::")[2]
        lines += [f" {name} ".center(79, "_"), "", f">       {line}", f"E       {error}", "", where, ""]
    lines.append(" short test summary info ".center(79, "="))
    lines += [f"FAILED {node} - {error}" for node, _, error, _ in failures]
    lines.append(f" {len(failures)} failed, {passed} passed in {seconds:.2f}s ".center(79, "="))
    return Red(gate, "\n".join(lines), tuple(node for node, *_ in failures))


SEEN = (
    "I read {file} first: what the task wants has to fit what is there.",
    "The callers of {stem} are few. I change it in place and keep its signature.",
    "{file} is shorter than I thought; the tests say what must not change.",
    "Two places do the same thing here. One of them goes.",
    "The contract names this, so I keep to its wording.",
)
MIDDLE = (
    "That works for the plain case. The edge cases come next.",
    "The old tests are green. I write the new ones before I go on.",
    "One caller passed None here; it gets the default now.",
    "The type checker found a second caller. Adjusted.",
    "I leave the name as it is: others import it.",
)


def usual(task: Task, paths: Sequence[str], check: str, dice: random.Random, thorough: bool) -> list[Beat]:
    """An ordinary turn at a task: look, change, test, commit, report."""
    code = [path for path in paths if "test" not in path] or list(paths)
    tests = [path for path in paths if "test" in path]
    first = code[0]
    stem = first.rpartition("/")[2].partition(".")[0]
    title = task.title.rstrip(".")
    beats = [
        progress(10, f"reading {first}"),
        act("Read", first),
        say(dice.choice(SEEN).format(file=first, stem=stem)),
    ]
    if thorough:
        beats.append(act("Grep", f"{stem} in {first.partition('/')[0]}/"))
    beats.append(edit(first))
    for path in code[1:3]:
        beats += [act("Read", path), edit(path)] if thorough else [edit(path)]
    beats += [progress(dice.choice((45, 50, 60)), f"{title[:1].lower()}{title[1:]}: written, tests next")]
    if thorough:
        beats.append(say(dice.choice(MIDDLE)))
    beats += [Beat("act", 30.0, {"tool": "Write", "target": path}) for path in tests[:1]]
    beats.append(act("Bash", check, 20.0))
    if thorough:
        beats.append(progress(90, "tests are green, committing"))
    beats.append(act("Bash", f'git add -A && git commit -qm "{title}"'))
    beats.append(done(f"{title}. {len(tests) or 'No'} new test file{'s' if len(tests) != 1 else ''}."))
    return beats


def repair(paths: Sequence[str], check: str, about: str) -> list[Beat]:
    """A turn after a gate was red, or something did not merge."""
    first = next((path for path in paths if "test" not in path), paths[0])
    return [
        say(about),
        act("Read", first),
        edit(first),
        act("Bash", check, 18.0),
        act("Bash", 'git commit -qam "Mend what the gate found"'),
        done("Mended; the gate is green here."),
    ]
