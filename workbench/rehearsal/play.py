"""Where in its script a rehearsed session stands, and what comes next: a function of the request.

A request to the Messages API carries the whole conversation. So nothing is remembered between requests:
the script is played again from the top against what the conversation holds, one answer for each answer
already given, and the next one is the reply. The same conversation gives the same reply, also after the
session was killed and taken up again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.core.mail import LEAD
from workbench.rehearsal.script import PLACE, Fault, Part, Script, Step, Use

NOTHING_LEFT = "(Rehearsal: nothing more is scripted.)"

LONGEST_LINE = 300
"""How much a script repeats of what a tool printed."""

# What Claude Code puts around the output of a command that failed.
_AROUND = re.compile(r"</?tool_use_error>|^Exit code \d+$")

# What Claude Code puts beside a user's words: reminders in front, and a line where a turn was interrupted.
_BESIDE = re.compile(
    r"<system-reminder>.*?</system-reminder>\s*|\[Request interrupted by user[^\]]*\]", re.DOTALL
)

# Claude Code gives the model a message sent in the middle of a turn in these words (seen in 2.1.329), in
# a message of role "system".
_MIDTURN = re.compile(
    r"The user sent a new message while you were working:\n(.*?)"
    r"(?=\n\nThis is how Claude Code surfaces|\n\nIMPORTANT:|\nThe user sent a new message|\Z)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Who asks: from the request's headers. ``attempt`` counts from 1."""

    task: str = ""
    attempt: int = 1
    teammate: str = ""
    worktree: str = ""


# Where a stream broke off after whole blocks had come through, Claude Code keeps those: a tool among them is
# used and its result sent as ever; after text alone it asks for the rest in these words.
_CUT_OFF = "Your response above was cut off mid-stream."


@dataclass(frozen=True, slots=True)
class Heard:
    """What reached the model between two of its answers; ``results`` is None where no tool ran.

    ``blocks`` and ``uses`` count what came through of the answer before, and ``cut`` says that its rest is
    asked for.
    """

    results: str | None = None
    told: tuple[str, ...] = ()
    blocks: int = 0
    uses: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A fault that stands before an answer; ``key`` counts how often it was had."""

    key: tuple[Any, ...]
    fault: Fault


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the model: texts and tool uses in order, and what happens before it is given."""

    blocks: tuple[str | Use, ...]
    seconds: float = 0.0
    faults: tuple[Due, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether the turn is over with this answer."""
        return not any(isinstance(block, Use) for block in self.blocks)

    def rest(self, heard: Heard) -> Answer | None:
        """What of this answer did not come through before ``heard``; None when all of it did."""
        places = [place for place, block in enumerate(self.blocks) if isinstance(block, Use)]
        if heard.uses >= len(places) and not heard.cut:
            return None
        after = places[heard.uses - 1] + 1 if 0 < heard.uses <= len(places) else heard.blocks
        blocks = self.blocks[after:]
        return Answer(blocks, faults=self.faults) if blocks else None


def hear(messages: Sequence[Mapping[str, Any]]) -> list[Heard]:
    """What the model heard before each of its answers, and at the end what it has heard since."""
    rounds: list[list[Mapping[str, Any]]] = [[]]
    answers: list[list[Mapping[str, Any]]] = [[]]
    previous = ""
    for message in messages:
        role = message.get("role")
        if role != "assistant":
            rounds[-1].append(message)
        elif previous == "assistant":
            answers[-1] += _blocks(message.get("content"))
        else:
            rounds.append([])
            answers.append(_blocks(message.get("content")))
        previous = str(role)
    return [_heard(part, answer) for part, answer in zip(rounds, answers, strict=True)]


def _heard(messages: Iterable[Mapping[str, Any]], answer: Sequence[Mapping[str, Any]]) -> Heard:
    results: list[str] = []
    told: list[str] = []
    cut = False
    for message in messages:
        for block in _blocks(message.get("content")):
            if block.get("type") == "tool_result":
                results.append(_text(block.get("content")))
            elif block.get("type") == "text" and str(block.get("text", "")).startswith(_CUT_OFF):
                cut = True
            elif block.get("type") == "text":
                told += _messages(str(message.get("role")), str(block.get("text", "")))
    uses = sum(block.get("type") == "tool_use" for block in answer)
    return Heard("\n".join(results) if results else None, tuple(told), len(answer), uses, cut)


def _messages(role: str, text: str) -> list[str]:
    """The messages of people in a block of text, without what Claude Code itself adds."""
    found = [match.strip() for match in _MIDTURN.findall(text)]
    if found or role != "user":
        return found
    plain = _BESIDE.sub("", text).strip()
    return [plain] if plain else []


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or [] if isinstance(block, Mapping)]


def _text(content: Any) -> str:
    return "\n".join(str(block.get("text", "")) for block in _blocks(content))


def reply(script: Script, facts: Facts, messages: Sequence[Mapping[str, Any]]) -> Answer:
    """The answer that ``script`` has for a conversation."""
    player = _Player(script.part(facts.task, facts.attempt, facts.teammate), facts)
    answer = Answer(())
    for heard in hear(messages):
        player.hear(heard)
        answer = answer.rest(heard) or player.answer()
    return answer


@dataclass(slots=True)
class _Frame:
    """A list of steps being played; ``path`` names it."""

    steps: tuple[Step, ...]
    path: tuple[int | str, ...]
    at: int = 0


@dataclass(slots=True)
class _Player:
    part: Part
    facts: Facts
    frames: list[_Frame] = field(init=False)
    results: str = ""
    told: list[str] = field(default_factory=list)
    answers: int = 0

    def __post_init__(self) -> None:
        self.frames = [_Frame(self.part.steps, ())]

    def hear(self, heard: Heard) -> None:
        """Take in what came after the last answer; what came before the first is the brief, of which a lead
        has none."""
        if heard.results is not None:
            self.results = heard.results
        self.told += heard.told
        if self.answers or self.facts.teammate == LEAD:
            self._react(heard.told)

    def answer(self) -> Answer:
        """Play up to the end of the next answer."""
        self.answers += 1
        blocks: list[str | Use] = []
        seconds = 0.0
        faults: list[Due] = []
        while (step := self._next()) is not None:
            if step.say is not None:
                blocks.append(self._fill(step.say))
            if step.use or step.structured is not None:
                return Answer((*blocks, *self._uses(step)), seconds, tuple(faults))
            if step.end:
                break
            if step.wait is not None:
                seconds += step.wait
            if step.fault is not None:
                faults.append(Due((self.answers, self._path()), step.fault))
        return Answer(tuple(blocks) or (NOTHING_LEFT,), seconds, tuple(faults))

    def _react(self, told: Sequence[str]) -> None:
        # Pushed in reverse, so that the reaction to the earliest message is played first.
        for text in reversed(told):
            for number, reaction in enumerate(self.part.on_told):
                if re.search(reaction.match, text):
                    self.frames.append(_Frame(reaction.steps, ("on_told", number)))
                    break

    def _next(self) -> Step | None:
        """The next step whose conditions hold, blocks opened; None when all is played."""
        while self.frames:
            frame = self.frames[-1]
            if frame.at == len(frame.steps):
                self.frames.pop()
                continue
            step = frame.steps[frame.at]
            frame.at += 1
            if not self._holds(step):
                continue
            if not step.steps:
                return step
            self.frames.append(_Frame(step.steps, self._path()))
        return None

    def _path(self) -> tuple[int | str, ...]:
        return (*self.frames[-1].path, self.frames[-1].at)

    def _holds(self, step: Step) -> bool:
        if step.if_result is not None and not re.search(step.if_result, self.results):
            return False
        if step.unless_result is not None and re.search(step.unless_result, self.results):
            return False
        return step.if_told is None or any(re.search(step.if_told, text) for text in self.told)

    def _uses(self, step: Step) -> list[Use]:
        if step.structured is not None:
            return [Use(tool="StructuredOutput", input=self._fill(step.structured))]
        return [Use(tool=use.tool, input=self._fill(use.input)) for use in step.use]

    def _fill(self, value: Any) -> Any:
        if isinstance(value, str):
            return PLACE.sub(lambda place: self._fact(place[1]), value)
        if isinstance(value, dict):
            return {key: self._fill(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._fill(part) for part in value]
        return value

    def _fact(self, name: str) -> str:
        return first_line(self.results) if name == "result" else str(getattr(self.facts, name))


def first_line(result: str) -> str:
    """The first line of a tool's result that tells something, cut to ``LONGEST_LINE``."""
    lines = (_AROUND.sub("", line).strip() for line in result.splitlines())
    return next((line for line in lines if line), "it said nothing")[:LONGEST_LINE]
