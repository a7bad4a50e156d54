"""The script a rehearsed model follows: what it says and which tools it uses, task by task, in YAML.

    default:                              # for every task that is not named below
      - say: I shall leave a note.
      - use: {tool: Write, input: {file_path: "{{worktree}}/NOTE.md", content: "by {{teammate}}"}}
      - use: {tool: mcp__workbench__done, input: {note: written}}
      - end: true

    tasks:
      auth:
        attempts:                         # first attempt, second attempt …; the last stands for the rest
          - - fault: {status: 529, times: 2}
            - use: {tool: Bash, input: {command: pytest -q}}
            - {if_result: failed, say: The tests are red., end: true}
            - use:                        # two tools in one answer
                - {tool: Bash, input: {command: git add -A}}
                - {tool: Bash, input: {command: git commit -m work}}
            - use: {tool: mcp__workbench__done, input: {note: attempt 1}}
          - - say: Once more.
        on_told:                          # a later message, in the middle of a turn or after one
          - match: gate .* is red
            steps:
              - use: {tool: Bash, input: {command: "sed -i s/3/4/ answer.txt && git commit -am mended"}}
              - use: {tool: mcp__workbench__done, input: {note: mended}}

    lead:                                 # the lead's part, if there is one; by default it answers what waits
      on_told:
        - match: tabs or spaces
          steps:
            - use: {tool: mcp__workbench__answer, input: {text: spaces}}
    on_told: []                           # reactions that every task has, after its own
    usage: estimated                      # or none: the client then shows no cost
    account: key                          # or subscription: how the client is signed in

A task is a list of steps, or a mapping of ``steps`` (or ``attempts``) and ``on_told``. A step is one of

    say         text; it belongs to the same answer as the steps after it, up to the next use or end
    use         a tool, or a list of tools used in one answer; the script goes on when the results are in
    structured  the answer to a request that came with a JSON schema
    end         the turn is over; steps after it are played when the next message comes
    wait        seconds (or {seconds: n}) in which the model thinks
    fault       {status: 529, times: n} an HTTP error; {limit: 90, times: n} a usage limit that is lifted
                in so many seconds, as a subscription meets it; cut: the stream breaks off; garbage: not
                what a stream of events is; silence: no answer ever; trickle: the whole answer, a few bytes
                at a time; refusal: the model declines, and the answer is left out. ``times`` (1) counts for
                each task and attempt; whatever comes after is the real answer. A run goes on after a
                limit with a new attempt: one that is to be met once stands under ``attempts``. A status
                may have ``retry_after``, the seconds in the header of that name.
    steps       a block of steps, to put a condition on all of them

``say`` may stand with one of ``use``, ``structured`` or ``end``. Any step can have conditions, regular
expressions that are searched for: ``if_result`` and ``unless_result`` in the results of the latest tools,
``if_told`` in everything told so far, the brief included. A step whose condition fails is passed over.
At the end of the steps the turn ends. A reaction is played when a message matches it (the first that does,
once for each message), then the script goes on where it was interrupted. A lead has no brief: its steps are
played when the first message has come, after what that message calls for.

Strings may hold ``{{worktree}}``, ``{{task}}``, ``{{attempt}}`` and ``{{teammate}}``, taken from the request,
and ``{{result}}``, the first line that the latest tools printed.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from workbench.core.mail import LEAD
from workbench.core.models import TASK_ID, Value
from workbench.errors import UsageError

FACTS = ("worktree", "task", "attempt", "teammate", "result")
"""What a request tells about itself, and a script may ask for."""

PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

HINT = "The format is described at the top of workbench/rehearsal/script.py."


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return text


def _known_facts(value: Any) -> Any:
    """Refuse a placeholder that nothing will fill, so that a typo never reaches a file."""
    if isinstance(value, str):
        for name in PLACE.findall(value):
            if name not in FACTS:
                raise ValueError(f"{{{{{name}}}}} is not known; there are {', '.join(FACTS)}")
    elif isinstance(value, dict):
        for part in value.values():
            _known_facts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _known_facts(part)
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _seconds(value: Any) -> Any:
    return value["seconds"] if isinstance(value, dict) and set(value) == {"seconds"} else value


def _fault(value: Any) -> Any:
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and "kind" not in value:
        named = [kind for kind in ("status", "limit") if kind in value]
        return {"kind": named[0], **value} if named else value
    return value


def _steps_alone(value: Any) -> Any:
    return {"steps": value} if isinstance(value, list) else value


def _name(value: Any) -> Any:
    return str(value) if type(value) in (int, float) else value  # YAML reads a task called 1 as a number


Regex = Annotated[str, AfterValidator(_pattern)]
Text = Annotated[str, AfterValidator(_known_facts)]
Input = Annotated[dict[str, Any], AfterValidator(_known_facts)]


class Use(Value):
    """One use of a tool by the model."""

    tool: Annotated[str, Field(min_length=1)]
    input: Input = Field(default_factory=dict)


class Fault(Value):
    """Trouble instead of an answer, ``times`` times for one task and attempt."""

    kind: Literal["status", "limit", "cut", "garbage", "silence", "trickle", "refusal"]
    limit: float = Field(default=60, ge=0)
    status: int = Field(default=529, ge=400, le=599)
    times: int = Field(default=1, ge=1)
    retry_after: float | None = Field(default=None, ge=0)


class Step(Value):
    """One step: see the module's own words."""

    say: Text | None = None
    use: Annotated[tuple[Use, ...], BeforeValidator(_one_or_more)] = ()
    structured: Input | None = None
    end: Literal[True] | None = None
    wait: Annotated[float | None, BeforeValidator(_seconds), Field(ge=0, le=3600)] = None
    fault: Annotated[Fault | None, BeforeValidator(_fault)] = None
    steps: tuple[Step, ...] = ()
    if_result: Regex | None = None
    unless_result: Regex | None = None
    if_told: Regex | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Step:
        names = ("use", "structured", "end", "wait", "fault", "steps")
        given = [name for name in names if getattr(self, name) not in (None, ())]
        if len(given) > 1:
            raise ValueError(f"a step does one thing; this one has {' and '.join(given)}")
        if not given and self.say is None:
            raise ValueError(f"a step says or does something: say, {', '.join(names)}")
        if self.say is not None and given and given[0] in ("wait", "fault", "steps"):
            raise ValueError(f"say cannot stand with {given[0]}; make it a step of its own")
        return self


class Reaction(Value):
    """What the model does when it is told something that matches."""

    match: Regex
    steps: tuple[Step, ...]


class Part(Value):
    """The steps of one attempt, and its reactions."""

    steps: tuple[Step, ...] = ()
    on_told: tuple[Reaction, ...] = ()


class Role(Part):
    """A task's part in the script: ``steps`` for every attempt, or ``attempts`` one by one."""

    attempts: tuple[Annotated[Part, BeforeValidator(_steps_alone)], ...] = ()

    @model_validator(mode="after")
    def _either(self) -> Role:
        if self.steps and self.attempts:
            raise ValueError("a task has steps or attempts, not both")
        return self

    def part(self, attempt: int) -> Part:
        """The steps and reactions for one attempt (counted from 1; the last stands for the rest)."""
        if not self.attempts:
            return self
        own = self.attempts[min(max(attempt, 1), len(self.attempts)) - 1]
        return Part(steps=own.steps, on_told=own.on_told + self.on_told)


ROLE = Annotated[Role, BeforeValidator(_steps_alone)]


def _answering(match: str, **given: str) -> Reaction:
    use = Use(tool="mcp__workbench__answer", input={"text": "Use your best judgement.", **given})
    return Reaction(match=match, steps=(Step(use=(use,)), Step(say="Answered, as rehearsed.", end=True)))


ANSWERING = Role(
    on_told=(
        _answering("waits for your answer: yes or no", decision="yes"),
        _answering("waits for your answer"),
    )
)
"""A lead that has no part of its own in a script."""

TaskId = Annotated[str, BeforeValidator(_name), Field(pattern=TASK_ID)]


class Script(Value):
    """A whole script. ``usage`` says whether answers carry estimated tokens, which cost, or none;
    ``account`` how Claude Code is signed in, for it meets limits in another way with each."""

    default: ROLE = Role()
    lead: ROLE = ANSWERING
    tasks: dict[TaskId, ROLE] = Field(default_factory=dict)
    on_told: tuple[Reaction, ...] = ()
    usage: Literal["estimated", "none"] = "estimated"
    account: Literal["key", "subscription"] = "key"

    def part(self, task: str, attempt: int, teammate: str = "") -> Part:
        """What the model does for one attempt at ``task``, or as the lead, reactions in the order that
        they are tried."""
        if teammate == LEAD:
            return self.lead.part(attempt)
        own = self.tasks.get(task, self.default).part(attempt)
        return Part(steps=own.steps, on_told=own.on_told + self.on_told)


def load(text: str) -> Script:
    """Read a script. Raises UsageError that names the line of everything that is wrong with it."""
    import yaml

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"script:{mark.line + 1}: " if mark is not None else "script: "
        raise UsageError(f"{where}{getattr(error, 'problem', None) or 'is not YAML'}", HINT) from error
    if not isinstance(value, dict):
        raise UsageError("script:1: a script is a mapping with default or tasks", HINT)
    problems = _repeated(node)
    try:
        script = Script.model_validate(value)
    except ValidationError as error:
        problems += [(_line(node, found["loc"]), _sentence(found)) for found in error.errors()]
    if problems:
        said = "\n".join(f"script:{line}: {sentence}" for line, sentence in sorted(set(problems)))
        raise UsageError(said, HINT)
    return script


def _sentence(found: Any) -> str:
    where = ".".join(str(part) for part in found["loc"]) or "script"
    return f"{where}: {found['msg'].removeprefix('Value error, ')}"


def _line(node: Any, loc: tuple[int | str, ...]) -> int:
    """The 1-based line of the deepest node that ``loc`` leads to; names that the short forms left
    out of the text are passed over."""
    line = node.start_mark.line
    for part in loc:
        key, child = _child(node, part)
        if child is not None:
            node, line = child, (key or child).start_mark.line
    return int(line) + 1


def _child(node: Any, part: int | str) -> tuple[Any, Any]:
    if isinstance(node.value, list) and node.id == "sequence" and isinstance(part, int):
        return None, node.value[part] if part < len(node.value) else None
    if node.id == "mapping":
        for key, child in node.value:
            if key.value == str(part):
                return key, child
    return None, None


def _repeated(node: Any, seen: frozenset[int] = frozenset()) -> list[tuple[int, str]]:
    """Keys that stand twice in one mapping: YAML would silently keep the last."""
    if node.id == "scalar" or id(node) in seen:
        return []
    seen |= {id(node)}
    if node.id == "sequence":
        return [problem for child in node.value for problem in _repeated(child, seen)]
    problems: list[tuple[int, str]] = []
    names: set[str] = set()
    for key, child in node.value:
        if key.value in names:
            problems.append((key.start_mark.line + 1, f"{key.value} stands here twice"))
        names.add(str(key.value))
        problems += _repeated(child, seen)
    return problems
