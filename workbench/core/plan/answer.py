"""The answers of a model that was asked for a plan, or for its opinion of one: their schemas, and what
they come to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.core.models import Plan
from workbench.core.plan import rules
from workbench.core.plan.draft import Draft, Head, build
from workbench.core.plan.page import trim
from workbench.errors import Problem

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}


def _described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {**schema, "description": description}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TASK = {
    "id": _described(_TEXT, "Short and unique: a-z, 0-9 and '-', such as login-page."),
    "title": _described(_TEXT, "What is done, in a few words, on one line."),
    "body": _described(_TEXT, "All that the plan says about this task, in Markdown; drop nothing."),
    "after": _described(_TEXTS, "Ids of the tasks whose result this one needs; no others."),
    "files": _described(_TEXTS, "Globs of the files it will touch, from the top of the repository."),
    "gate": _described(_TEXTS, "Commands that must succeed on its work, only if the plan names them."),
}

SPLIT_SCHEMA: dict[str, Any] = _object(
    {
        "title": _described(_TEXT, "The plan's title, on one line."),
        "context": _described(_TEXT, "What everyone must know and belongs to no task, in Markdown."),
        "contract": _described(
            _TEXT,
            "Interfaces that several tasks share (names, signatures, formats); empty if there are none.",
        ),
        "tasks": {"type": "array", "items": _object(_TASK)},
    }
)
"""JSON schema of the answer that ``from_split`` takes."""


_SCORE = _object(
    {
        "score": {"type": "integer", "enum": [1, 2, 3, 4, 5], "description": "1 (hardly) to 5 (very much)."},
        "reason": _described(_TEXT, "Why, in one sentence about this plan."),
    }
)

DRAFT_SCHEMA: dict[str, Any] = _object(
    {
        **SPLIT_SCHEMA["properties"],
        "gates": _described(
            _TEXTS, "Commands that must succeed on everything that lands, out of those that were listed."
        ),
        "setup": _described(
            _TEXTS, "What a fresh checkout needs before a gate can run, such as npm ci; mostly nothing."
        ),
        "suitability": _object(
            {
                "collective": _described(_SCORE, "How much better several do this together than one alone."),
                "asynchronous": _described(_SCORE, "How much is gained by their working at the same time."),
                "traces": _described(
                    _SCORE,
                    "How much each gains by what others leave behind: the contract, notes, landed work.",
                ),
            }
        ),
    }
)
"""JSON schema of the answer that ``from_draft`` takes."""

SERIOUS = ("must", "should", "could")

CRITIQUE_SCHEMA: dict[str, Any] = _object(
    {
        "points": {
            "type": "array",
            "items": _object(
                {
                    "weight": {
                        "type": "string",
                        "enum": list(SERIOUS),
                        "description": "must: it fails like this; should: it costs much; could: a detail.",
                    },
                    "task": _described(_TEXT, "The id of the task it is about; empty for the plan."),
                    "point": _described(_TEXT, "What is wrong, in one or two sentences, with the evidence."),
                    "mend": _described(_TEXT, "What to change, in one sentence."),
                }
            ),
        },
        "verdict": _described(_TEXT, "Your opinion of the plan as a whole, in one sentence."),
    }
)
"""JSON schema of the answer that ``from_critique`` takes."""

MOST_POINTS = 20


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a critic: ``weight`` is one of SERIOUS."""

    weight: str
    task: str
    point: str
    mend: str


@dataclass(frozen=True, slots=True)
class Critique:
    """A critic's opinion of a plan, the weightiest points first."""

    verdict: str
    points: tuple[Point, ...]


def from_draft(answer: Mapping[str, Any], path: str = "the draft") -> Plan:
    """The plan in a model's draft, held to every rule that a written plan is held to: line 0 throughout,
    since there is no text yet. Raises PlanError. Its scores are for ``suitability.judge``."""
    problems: list[Problem] = []
    if not isinstance(answer, Mapping):
        answer = {}
    _check_keys(answer, tuple(DRAFT_SCHEMA["properties"]), "the answer", problems)
    head = _head(answer, problems)
    head.gates = _commands(answer, "gates", "gate", problems)
    head.setup = _commands(answer, "setup", "set-up", problems)
    return _plan(answer, head, problems, path)


def from_critique(answer: Mapping[str, Any]) -> Critique:
    """The critique in a model's answer. What has not the form of a point is left out: an opinion is
    shown to people and told to the author, and nothing hangs on it."""
    points = answer.get("points")
    found = []
    for given in points if isinstance(points, list) else ():
        if isinstance(given, Mapping) and (said := _line(given.get("point"))):
            weight = given.get("weight")
            known = weight if isinstance(weight, str) and weight in SERIOUS else "could"
            found.append(Point(known, _line(given.get("task")), said, _line(given.get("mend"))))
    found.sort(key=lambda point: SERIOUS.index(point.weight))
    return Critique(_line(answer.get("verdict")), tuple(found[:MOST_POINTS]))


def _line(value: object) -> str:
    """``value`` as a line for people: nothing in it is hidden or moves a cursor."""
    text = " ".join(value.split())[: rules.MAX_VALUE] if isinstance(value, str) else ""
    return rules.NEVER.sub("\N{REPLACEMENT CHARACTER}", text)


def _commands(answer: Mapping[str, Any], key: str, what: str, problems: list[Problem]) -> tuple[str, ...]:
    commands = tuple(dict.fromkeys(_texts(answer, key, problems)))
    for command in commands:
        problems.extend(rules.command_problems(command, 0, what))
    return commands


def from_split(answer: Mapping[str, Any], path: str = "the split plan") -> Plan:
    """The plan in a model's answer, held to every rule that a written plan is held to.

    Raises PlanError with all that is wrong with it, at line 0 since there is no text yet.
    """
    problems: list[Problem] = []
    if not isinstance(answer, Mapping):
        answer = {}
    _check_keys(answer, tuple(SPLIT_SCHEMA["properties"]), "the answer", problems)
    return _plan(answer, _head(answer, problems), problems, path)


def _head(answer: Mapping[str, Any], problems: list[Problem]) -> Head:
    return Head(
        title=" ".join(_text(answer, "title", problems).split()),
        context=trim(_text(answer, "context", problems)),
        contract=trim(_text(answer, "contract", problems)),
    )


def _plan(answer: Mapping[str, Any], head: Head, problems: list[Problem], path: str) -> Plan:
    tasks = answer.get("tasks")
    if not isinstance(tasks, list):
        problems.append(_wrong("tasks", "a list"))
        tasks = []
    return build(head, [_draft(task, problems) for task in tasks[: rules.MAX_TASKS + 1]], problems, path)


def _draft(task: object, problems: list[Problem]) -> Draft:
    if not isinstance(task, Mapping):
        problems.append(_wrong("tasks", "a list of objects"))
        return Draft("", "")
    _check_keys(task, tuple(_TASK), "a task", problems)
    return Draft(
        id=_text(task, "id", problems).strip(),
        title=" ".join(_text(task, "title", problems).split()),
        body=trim(_text(task, "body", problems)),
        after=tuple(dict.fromkeys(_texts(task, "after", problems))),
        files=tuple(glob.removeprefix("./") for glob in _texts(task, "files", problems)),
        gates=_texts(task, "gate", problems),
    )


def _check_keys(given: Mapping[str, Any], known: tuple[str, ...], what: str, problems: list[Problem]) -> None:
    for key in given:
        if key not in known:
            hint = f"It has {', '.join(known)}."
            problems.append(Problem(0, f"{what} has an unknown {rules.show(str(key))}", hint))


def _text(given: Mapping[str, Any], key: str, problems: list[Problem]) -> str:
    value = given.get(key, "")
    if not isinstance(value, str):
        problems.append(_wrong(key, "a text"))
        return ""
    return _clean(value, problems)


def _texts(given: Mapping[str, Any], key: str, problems: list[Problem]) -> tuple[str, ...]:
    values = given.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        problems.append(_wrong(key, "a list of texts"))
        return ()
    return tuple(_clean(value, problems).strip() for value in values)


def _clean(value: str, problems: list[Problem]) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    problems.extend(Problem(0, found.sentence, found.hint) for found in rules.hidden_characters(value))
    if len(value) > rules.MAX_BYTES:
        problems.append(Problem(0, "a text of the answer is larger than a plan may be", "Shorten the plan."))
    return value


def _wrong(key: str, wanted: str) -> Problem:
    return Problem(
        0, f'"{key}" of the answer is not {wanted}', "Split the plan again, or write '## Tasks' by hand."
    )
