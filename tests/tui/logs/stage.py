"""A run of the real core in a world that does as it is told: agents, gates and git follow a script.

The core decides; what is told to agents comes from the real templates. Only what would come from outside
is made up here: when things happen, what agents say, what gates find. One script, one log, byte for byte.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.tui.logs.agents import Agents
from tests.tui.logs.branch import Branch
from tests.tui.logs.gates import ENVIRONMENT, Gates
from tests.tui.logs.naming import digest
from tests.tui.logs.people import People
from tests.tui.logs.script import Script
from workbench.adapters.templates import Templates
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.apply import apply
from workbench.core.brief import tools_of
from workbench.core.decide import decide
from workbench.core.mail import PERSON
from workbench.core.requests import Request
from workbench.core.state import RunState

WAKE = "wake"
OUTSIDE = "outside"
"""Owner of what a person does: it outlives the process."""


class Stage:
    """A run under way; ``records`` is its log so far. ``broken`` is why every agent that is started now is
    gone at once."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.state = RunState(run=script.run)
        self.records: list[e.Record] = []
        self.now = script.began
        self.broken = ""
        self.dice = random.Random(script.run)
        self._heap: list[tuple[float, int, object, Callable[[], None]]] = []
        self._count = itertools.count(1)
        self._requests = itertools.count(1)
        self._hooks: list[tuple[Callable[[e.Event], bool], float, Callable[[], None]]] = []
        self._templates = Templates()
        repository = script.plan_text.partition("# ")[2].split()[0].lower()
        self._plan_file = f"/home/ada/src/{repository}/plan.md"
        self.gates = Gates(self)
        self.agents = Agents(self, f"/home/ada/wt/{repository}-{digest(script.run)[:8]}/{script.run}/team")
        self.branch = Branch(self)
        self.people = People(self)

    # -- time ----------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], None], owner: object = None) -> None:
        """Do something after a while, unless ``owner`` is gone by then."""
        heapq.heappush(self._heap, (self.now + seconds, next(self._count), owner, act))

    def at(self, minutes: float, act: Callable[[], None]) -> None:
        """Do something from outside, so long after the run began."""
        heapq.heappush(self._heap, (self.script.began + 60 * minutes, next(self._count), OUTSIDE, act))

    def after(self, fits: Callable[[e.Event], bool], seconds: float, act: Callable[[], None]) -> None:
        """Do something from outside once, so long after the first event from now on that ``fits``."""
        self._hooks.append((fits, seconds, act))

    def answer_later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something from outside after a while."""
        self.later(seconds, act, OUTSIDE)

    def drop(self, owner: object) -> None:
        """Forget what was to be done for ``owner``."""
        self._heap = [entry for entry in self._heap if entry[2] != owner]
        heapq.heapify(self._heap)

    def play(self, minutes: float | None = None) -> None:
        """Go on until the run is over, or until it is so old."""
        if not self.records:
            self._start()
        end = None if minutes is None else self.script.began + 60 * minutes
        while self._heap and not self.state.finished:
            if end is not None and self._heap[0][0] > end:
                break
            when, _, _, act = heapq.heappop(self._heap)
            self.now = max(self.now, when)
            act()

    def lines(self) -> list[str]:
        """The log as ``workbench run --json`` prints it."""
        return [e.as_json(self.script.run, record) for record in self.records]

    # -- events --------------------------------------------------------------------------------------

    def note(self, event: e.Event) -> None:
        """Record an event without asking what follows."""
        self.now = round(self.now + 0.001 * self.dice.randint(1, 6), 3)
        record = e.Record(self.state.seq + 1, self.now, event)
        apply(self.state, record)
        self.records.append(record)
        for hook in [hook for hook in self._hooks if hook[0](event)]:
            self._hooks.remove(hook)
            self.later(hook[1], hook[2], OUTSIDE)
        if isinstance(event, e.MessageSent):
            self.people.asked(event.message)

    def send(self, event: e.Event) -> None:
        """Record an event, and all that follows from it; see to what is to be done then."""
        left: list[a.Action] = []
        agenda: deque[e.Event | a.Action] = deque([event])
        while agenda:
            item = agenda.popleft()
            if isinstance(item, e.Event):
                self.note(item)
                agenda.extendleft(reversed(decide(self.state, item)))
            elif isinstance(item, a.Declare):
                agenda.appendleft(item.event)
            else:
                left.append(item)
                if (first := self._intent(item)) is not None:
                    agenda.appendleft(first)
        for action in left:
            self._perform(action)

    def request(self, request: Request, by: str = PERSON) -> None:
        """A person, or the lead, asks for something."""
        name = digest(self.script.run, "request", next(self._requests))[:16]
        self.send(e.RequestMade(id=name, by=by, request=request))

    def _intent(self, action: a.Action) -> e.Event | None:
        """What is recorded before ``action`` is begun."""
        run = self.script.run
        match action:
            case a.StartAttempt(task, teammate, number, why, carry, session, because):
                start = self.state.tip
                if why == "continued":
                    start = self.state.attempts[task, number - 1].start
                values = {"task": task, "attempt": number, "teammate": teammate, "start": start, "why": why}
                values |= {"carry": carry, "session": session, "because": because}
                return e.AttemptStarted.model_validate({**values, "nonce": digest(run, task, number)[:32]})
            case a.Tell(task, number, kind, told, message):
                agent = tools_of(self.state, self.state.attempts[task, number].teammate)
                text = self._templates.render(f"tell/{kind}.md.j2", {"agent": agent, **told})
                values = {"task": task, "attempt": number, "kind": kind, "text": text, "message": message}
                return e.Told.model_validate(values)
            case a.CallLead(life, session):
                return e.LeadCalled(life=life, nonce=digest(run, "lead", life)[:32], session=session)
            case a.TellLead():
                text = self._templates.render(f"lead/{action.kind}.md.j2", action.values).strip()
                return e.LeadTold(text=text, message=action.message, reminds=action.reminds)
            case a.BuildBatch(tasks):
                return e.LandingStarted(tasks=tasks)
            case a.CheckCandidate(task, commit, _, gates):
                return e.CheckingStarted(task=task, commit=commit, gates=gates, alone=False)
            case _:
                return None

    def _perform(self, action: a.Action) -> None:
        """Begin what an action asks for: whoever it is for does it."""
        match action:
            case a.CheckBase():
                verdicts = self.gates.verdicts(self.branch.base_tree, self.script.settings.gates, None)
                self.later(self.script.gate_seconds, lambda: self.send(e.BaseChecked(verdicts=verdicts)))
            case a.Wake(hold):
                self.drop(WAKE)
                self.later(max(0.0, hold.until - self.now) + 0.01, lambda: self.send(e.Awoke()), WAKE)
            case a.CallLead() | a.TellLead() | a.EndLead():
                self.people.perform(action)
            case _:
                self.agents.perform(action)
                self.branch.perform(action)

    # -- the run and its processes ---------------------------------------------------------------------

    def _start(self) -> None:
        script = self.script
        self.send(
            e.RunStarted(
                plan=script.plan, plan_text=script.plan_text, plan_path="plan.md", plan_file=self._plan_file,
                plan_sha256=hashlib.sha256(script.plan_text.encode()).hexdigest(), settings=script.settings,
                base=digest("base", script.run), base_tree=self.branch.base_tree, target="main",
                integration=f"refs/heads/workbench/{script.run}/integration", environment=ENVIRONMENT,
            )
        )  # fmt: skip

    def die_and_resume(self, seconds: float) -> None:
        """The process is killed; another one takes the run up after a while, as ``engine.recover`` does."""
        self._heap = [entry for entry in self._heap if entry[2] == OUTSIDE]
        heapq.heapify(self._heap)
        self.now += seconds
        if self.state.landing is not None:
            self.note(e.LandingDropped())
        if self.state.lead.up:
            lead = self.state.lead
            self.note(e.LeadEnded(usage=lead.usage, session=lead.session, interrupted=True))
        self.people.forget()
        self.agents.die()
        self.resume(1.5)

    def resume(self, seconds: float, **values: Any) -> None:
        """Another process takes up a run that was stopped, or whose ends are accounted for."""
        self.now += seconds
        self.send(e.RunResumed(pid=52_118, environment=ENVIRONMENT, **values))

    def mended(self) -> None:
        """Agents can be started again."""
        self.broken = ""


def landed(task: str) -> Callable[[e.Event], bool]:
    """Whether an event says that ``task`` landed."""
    return lambda event: isinstance(event, e.TaskLanded) and event.task == task
