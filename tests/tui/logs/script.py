"""What is particular about a recorded run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.tui.logs.beats import Beat, Clash, Pair, Red
from workbench.core.models import Plan, PublicChange, RunSettings


@dataclass(frozen=True, kw_only=True)
class Script:
    """A run, as far as it does not go as usual.

    ``check`` is what agents run before they commit, ``tempo`` stretches what they do, ``dollars`` is what a
    second of it costs. ``turns`` are those of a task, by why it has one (``first``, ``gate_red``, …),
    ``asides`` come in the middle of a usual one. ``reds`` is what the gates say of a task's work, check by
    check; ``clashes`` meet it each time that it is merged, until there are none left; ``thrown`` is what the
    gates say when a rung has settled one. ``flaky`` is what the check of a candidate says, by its number,
    that once. ``answers`` are a person's, by task or by kind of message: after how many seconds, decision,
    text. ``lead_says`` is the lead's, by task; what begins with ``!`` it leaves to the person. ``paths`` is
    what tasks change where that is not what the plan says.
    """

    run: str
    plan: Plan
    plan_text: str
    settings: RunSettings
    began: float
    check: str
    gate_seconds: float = 12.0
    passed: int = 200
    tempo: float = 1.0
    dollars: float = 0.004
    thorough: bool = True
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    turns: Mapping[tuple[str, str], list[list[Beat]]] = field(default_factory=dict)
    asides: Mapping[str, list[Beat]] = field(default_factory=dict)
    reds: Mapping[str, list[Red | None]] = field(default_factory=dict)
    clashes: Mapping[str, list[Clash]] = field(default_factory=dict)
    thrown: Mapping[str, Red] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()
    flaky: Mapping[int, Red] = field(default_factory=dict)
    changes: Mapping[str, tuple[PublicChange, ...]] = field(default_factory=dict)
    answers: Mapping[str, tuple[float, str, str]] = field(default_factory=dict)
    lead_says: Mapping[str, str] = field(default_factory=dict)
