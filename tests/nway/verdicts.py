"""What a run made of the features, judged anew from the commits: nothing of the run's word is believed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.nway.judge import Judge
from tests.nway.landing import RUN, Event, Story
from tests.nway.sets import FeatureSet
from tests.nway.stage import Stage
from tests.replay.history import git

BRANCH = f"refs/heads/workbench/{RUN}/integration"


@dataclass(slots=True)
class Outcome:
    """See the package for what each is."""

    set: str
    features: int
    names: list[str] = field(default_factory=list)
    green: int = 0
    not_landed: dict[str, str] = field(default_factory=dict)
    gate_runs: int = 0
    gate_commands: int = 0
    published: int = 0
    red_tips: list[str] = field(default_factory=list)
    wrong_evictions: list[str] = field(default_factory=list)
    rungs: dict[str, int] = field(default_factory=dict)
    thrown: dict[str, int] = field(default_factory=dict)
    flakes: int = 0
    seconds: float = 0.0
    exit_code: int = 0
    complaint: str = ""
    baseline: dict[str, Any] = field(default_factory=dict)
    pairs: dict[str, Any] = field(default_factory=dict)

    @property
    def landed(self) -> int:
        return len(self.names)

    @property
    def bad(self) -> bool:
        """A red tip, a wrong eviction, a landed feature that is red, or a run that broke."""
        broke = self.exit_code not in (0, 1)
        return bool(self.red_tips or self.wrong_evictions or broke or self.green < self.landed)

    def as_json(self) -> dict[str, Any]:
        return {"set": self.set, "features": self.features, "landed": self.landed, **asdict(self)}


def judged(features: FeatureSet, stage: Stage, story: Story, judge: Judge) -> Outcome:
    """Judge a run that is over."""
    out = Outcome(features.name, len(features.features), seconds=round(story.seconds, 1))
    out.exit_code = story.exit_code
    out.complaint = story.complaint if story.exit_code not in (0, 1) else ""
    out.gate_runs, out.gate_commands = story.candidate_checks, story.gate_commands
    out.flakes = len(list(stage.dice.glob("flake-*")))
    tests = {one.name: one.test for one in features.features}
    tips = _published(stage)
    landed = {event["commit"]: event["task"] for event in story.of("TaskLanded")}
    for tip in tips:
        there = [landed[commit] for commit in _first_parents(stage, tip) if commit in landed]
        if said := judge.red(tip, [features.suite, *(tests[name] for name in there)]):
            out.red_tips.append(f"{tip[:10]} ({', '.join(there)}): {said}")
        out.names = there
    out.published = len(tips)
    out.names = [name for name in tests if name in out.names]
    if tips:
        out.green = sum(not judge.red(tips[-1], [tests[name]]) for name in out.names)
    out.wrong_evictions = _wrong(features, stage, story, judge)
    out.not_landed = {name: _why(name, story) for name in tests if name not in out.names}
    made = {event["commit"]: event for event in story.of("CandidateMade")}
    rungs = Counter(made[commit].get("rung", "") for commit in landed if commit in made)
    out.rungs = dict(sorted((rung, count) for rung, count in rungs.items() if rung))
    out.thrown = dict(Counter(event.get("rung", "") for event in story.of("ResolutionRejected")))
    return out


def _published(stage: Stage) -> list[str]:
    """Every commit the integration branch was ever at, but for the base, oldest first."""
    if git(stage.repo, "rev-parse", "--verify", "-q", BRANCH, fine=(0, 1)).code:
        return []
    moves = git(stage.repo, "reflog", "show", "--format=%H", BRANCH).out.decode().split()
    tip = git(stage.repo, "rev-parse", BRANCH).out.decode().strip()
    return [one for one in dict.fromkeys([*reversed(moves), tip]) if one != stage.base]


def _first_parents(stage: Stage, tip: str) -> list[str]:
    words = ("rev-list", "--first-parent", "--reverse", tip, f"^{stage.base}")
    return git(stage.repo, *words).out.decode().split()


def _wrong(features: FeatureSet, stage: Stage, story: Story, judge: Judge) -> list[str]:
    """Features that were sent back as red although what they were tried on stays green with them."""
    tests = {one.name: one.test for one in features.features}
    tried: dict[str, Event] = {}
    prefix: dict[str, list[str]] = {stage.base: []}
    doubted: dict[str, str] = {}
    out: list[str] = []
    for event in story.events:
        if event["type"] == "CandidateMade":
            tried[event["task"]] = event
            prefix[event["commit"]] = [*prefix.get(event["parent"], []), event["task"]]
        elif event["type"] == "TaskRejected" and (made := tried.get(event["task"])) is not None:
            if made.get("rung"):
                continue  # in conflict, and what a rung made of it was red
            before = prefix[made["commit"]][:-1]
            commands = [features.suite, *(tests[name] for name in before)]
            if not judge.red(made["commit"], [*commands, tests[event["task"]]]):
                out.append(f"{event['task']}: green on {made['parent'][:10]}, the tip it was tried on")
            elif said := judge.red(made["parent"], commands):
                out.append(f"{event['task']}: blamed for what was red before it: {said.splitlines()[0]}")
        elif event["type"] == "WorkChecked" and not all(it["green"] for it in event["verdicts"]):
            commands = [features.suite, tests[event["task"]]]
            if not judge.red(event["commit"], commands):
                doubted[event["commit"]] = event["task"]
        elif event["type"] == "AttemptFailed" and event.get("commit") in doubted:
            out.append(f"{event['task']}: sent back as red alone, although it is green")
    return out


REASONS = {
    "TaskConflicted": "conflict in ",
    "TaskRejected": "red when merged: ",
    "AttemptFailed": "given up: ",
    "TaskBlocked": "blocked: ",
}


def _why(name: str, story: Story) -> str:
    """The last that was said of a feature that did not land, but for the agent's giving up."""
    found = "it never came to a landing"
    for event in story.events:
        if event.get("task") != name or event["type"] not in REASONS:
            continue
        if event["type"] == "TaskBlocked" and found.startswith(("conflict", "red when")):
            continue
        said = ", ".join(event["paths"]) if "paths" in event else event.get("reason") or event["evidence"]
        lines = [line for line in str(said).splitlines() if line.strip()]
        found = REASONS[event["type"]] + (lines[-1][:200] if lines else "")
    return found
