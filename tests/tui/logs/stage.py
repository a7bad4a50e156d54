"""A run of the real core in a world that does as it is told: agents, gates and git follow a script.

The core decides; what is told to agents comes from the real templates. Only what would come from outside
is made up here: when things happen, what agents say, what gates find. One script, one log, byte for byte.
"""

from __future__ import annotations

import hashlib
import heapq
import itertools
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.tui.logs.beats import Beat, Clash, Pair, Red, crash, repair, usual
from workbench.adapters.templates import Templates
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import leading
from workbench.core.apply import apply
from workbench.core.brief import tools_of
from workbench.core.decide import decide
from workbench.core.mail import LEAD, PERSON, Message
from workbench.core.models import Plan, PublicChange, Reversal, RunSettings, Usage, Verdict
from workbench.core.requests import Answer, Escalate, Request
from workbench.core.state import RunState, TaskStatus

Key = tuple[str, int]
DEFAULT = "Go on as the contract says, and note it in your report."
"""What a lead answers that was given no other words."""

LANDING = "landing"
WAKE = "wake"
OUTSIDE = "outside"
"""Owner of what a person does: it outlives the process."""


def digest(*parts: object) -> str:
    """What stands for the hash of something."""
    return hashlib.sha1("\0".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


@dataclass(eq=False)
class Mate:
    """An attempt that lives: what its agent has still before it, and what it was told meanwhile."""

    key: Key
    name: str
    beats: deque[Beat]
    inbox: list[str] = field(default_factory=list)
    usage: Usage = Usage()
    turn: bool = False
    over: bool = False
    waits: bool = False
    edits: int = 0
    session: str = ""


@dataclass
class Script:
    """What is particular about a run; everything else goes as usual. ``turns`` are those of a task, by why it
    has one (``first``, ``gate_red``, …), ``reds`` what the gates say of its work, check by check; ``clashes``
    come each time that it is merged, until there are none left."""

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
    """What a second of an agent costs."""
    thorough: bool = True
    paths: dict[str, tuple[str, ...]] = field(default_factory=dict)
    turns: dict[tuple[str, str], list[list[Beat]]] = field(default_factory=dict)
    asides: dict[str, list[Beat]] = field(default_factory=dict)
    """What is in the middle of an ordinary turn at a task besides."""
    reds: dict[str, list[Red | None]] = field(default_factory=dict)
    clashes: dict[str, list[Clash]] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)
    flaky: dict[int, Red] = field(default_factory=dict)
    """By the number of the check of a candidate: red that once."""
    thrown: dict[str, Red] = field(default_factory=dict)
    """What the gates say of a conflict that a rung settled, of these tasks."""
    changes: dict[str, tuple[PublicChange, ...]] = field(default_factory=dict)
    answers: dict[str, tuple[float, str, str]] = field(default_factory=dict)
    """By task, or by the kind of a message: after how long a person answers, decision and text."""
    lead_says: dict[str, str] = field(default_factory=dict)
    """By task: what the lead answers; what begins with ``!`` it leaves to the person."""


class Stage:
    """A run under way; ``records`` is its log so far."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.state = RunState(run=script.run)
        self.records: list[e.Record] = []
        self.now = script.began
        self._heap: list[tuple[float, int, object, Callable[[], None]]] = []
        self._count = itertools.count(1)
        self._dice = random.Random(script.run)
        self._templates = Templates()
        self._mates: dict[Key, Mate] = {}
        self._left: dict[str, deque[Beat]] = {}
        self._checks = 0
        self._requests = itertools.count(1)
        self._turns: defaultdict[tuple[str, str], deque[list[Beat]]] = defaultdict(deque)
        for key, turns in script.turns.items():
            self._turns[key].extend(turns)
        self._reds = {task: deque(reds) for task, reds in script.reds.items()}
        self._clashes = {task: deque(them) for task, them in script.clashes.items()}
        self._thrown = dict(script.thrown)
        self._hooks: list[tuple[Callable[[e.Event], bool], float, Callable[[], None]]] = []
        self.broken = ""
        """Why every agent that is started now is gone at once."""
        self._lead: list[str] = []
        self._lead_busy = False
        self._lead_usage = Usage()
        self._base_tree = digest("tree", script.run)
        self._tree_of: dict[str, str] = {}
        repository = script.plan_text.partition("# ")[2].split()[0].lower()
        self._home = f"/home/ada/src/{repository}"
        self._root = f"/home/ada/wt/{repository}-{digest(script.run)[:8]}/{script.run}/team"

    # -- time ----------------------------------------------------------------------------------------

    def later(self, seconds: float, act: Callable[[], None], owner: object = None) -> None:
        """Do something after a while, unless ``owner`` is gone by then."""
        heapq.heappush(self._heap, (self.now + seconds, next(self._count), owner, act))

    def at(self, minutes: float, act: Callable[[], None]) -> None:
        """Do something so long after the run began."""
        heapq.heappush(self._heap, (self.script.began + 60 * minutes, next(self._count), OUTSIDE, act))

    def after(self, fits: Callable[[e.Event], bool], seconds: float, act: Callable[[], None]) -> None:
        """Do something once, so long after the first event from now on that ``fits``."""
        self._hooks.append((fits, seconds, act))

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

    # -- events --------------------------------------------------------------------------------------

    def note(self, event: e.Event) -> None:
        """Record an event without asking what follows."""
        self.now = round(self.now + 0.001 * self._dice.randint(1, 6), 3)
        record = e.Record(self.state.seq + 1, self.now, event)
        apply(self.state, record)
        self.records.append(record)
        for hook in [hook for hook in self._hooks if hook[0](event)]:
            self._hooks.remove(hook)
            self.later(hook[1], hook[2], OUTSIDE)
        if isinstance(event, e.MessageSent):
            self._person(event.message)

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
        match action:
            case a.StartAttempt():
                nonce = digest(self.script.run, action.task, action.attempt)[:32]
                going_on = action.why == "continued"
                start = self.state.tip
                if going_on:
                    start = self.state.attempts[action.task, action.attempt - 1].start
                values = {"nonce": nonce, "start": start, "carry": action.carry, "session": action.session}
                values |= {"why": action.why, "because": action.because}
                return self._attempt(
                    e.AttemptStarted, (action.task, action.attempt), teammate=action.teammate, **values
                )
            case a.Tell():
                key = (action.task, action.attempt)
                agent = tools_of(self.state, self.state.attempts[key].teammate)
                text = self._templates.render(f"tell/{action.kind}.md.j2", {"agent": agent, **action.values})
                return self._attempt(e.Told, key, kind=action.kind, text=text, message=action.message)
            case a.CallLead(life, session):
                return e.LeadCalled(
                    life=life, nonce=digest(self.script.run, "lead", life)[:32], session=session
                )
            case a.TellLead():
                text = self._templates.render(f"lead/{action.kind}.md.j2", action.values).strip()
                return e.LeadTold(text=text, message=action.message, reminds=action.reminds)
            case a.BuildBatch():
                return e.LandingStarted(tasks=action.tasks)
            case a.CheckCandidate():
                return e.CheckingStarted(
                    task=action.task, commit=action.commit, gates=action.gates, alone=False
                )
            case _:
                return None

    @staticmethod
    def _attempt(kind: type[e.AttemptEvent], key: Key, /, **values: Any) -> e.AttemptEvent:
        return kind.model_validate({"task": key[0], "attempt": key[1], **values})

    def _start(self) -> None:
        script = self.script
        plan_file = f"{self._home}/plan.md"
        self.send(
            e.RunStarted(
                plan=script.plan, plan_text=script.plan_text, plan_path="plan.md", plan_file=plan_file,
                plan_sha256=hashlib.sha256(script.plan_text.encode()).hexdigest(), settings=script.settings,
                base=digest("base", script.run), base_tree=self._base_tree, target="main",
                integration=f"refs/heads/workbench/{script.run}/integration", environment="linux-x86_64-5bd1a8249ae7",
            )
        )  # fmt: skip

    # -- what is to be done ----------------------------------------------------------------------------

    def _perform(self, action: a.Action) -> None:
        match action:
            case a.CheckBase():
                verdicts = self._verdicts(self._base_tree, self.script.settings.gates, None)
                self.later(self.script.gate_seconds, lambda: self.send(e.BaseChecked(verdicts=verdicts)))
            case a.StartAttempt():
                self._begin(action)
            case a.Tell():
                self._told((action.task, action.attempt), action.kind, action.message)
            case a.CollectWork():
                self._collect((action.task, action.attempt))
            case a.CheckWork():
                self._check_work(action)
            case a.EndAttempt():
                self._end((action.task, action.attempt), action.interrupt)
            case a.CutShort():
                mate = self._mates.get((action.task, action.attempt))
                if mate is not None:
                    mate.over = True
                    self.later(1.0, lambda: self._turn_ended(mate, error=action.reason), mate.key)
            case a.Rule():
                mate = self._mates.get((action.task, action.attempt))
                if mate is not None:
                    self.later(1.0, lambda: self._next(mate), mate.key)
            case a.Wake():
                self.drop(WAKE)
                wait = max(0.0, action.hold.until - self.now) + 0.01
                self.later(wait, lambda: self.send(e.Awoke()), WAKE)
            case a.CallLead():
                self.later(2.5, lambda: self._lead_up(action.life, action.session), LEAD)
            case a.TellLead():
                self._lead.append(action.message)
                if not self._lead_busy:
                    self._lead_busy = True
                    self.later(1.0, self._lead_turn, LEAD)
            case a.EndLead():
                self.drop(LEAD)
                session = self.state.lead.session
                ended = e.LeadEnded(usage=self._lead_usage, session=session, interrupted=True)
                self.later(0.6, lambda: self.send(ended))
            case _:
                self._land(action)

    def _land(self, action: a.Action) -> None:
        match action:
            case a.BuildBatch():
                self._build(action)
            case a.CheckCandidate():
                self._check_candidate(action)
            case a.StopChecks():
                for commit in action.commits:
                    self.drop(commit)
            case a.FindPair():
                self._find_pair(action)
            case a.Publish():
                self.later(0.05, lambda: self._publish(action))
            case a.DropLanding():
                self.drop(LANDING)
                self.later(0.2, lambda: self.send(e.LandingDropped()))
            case a.ReadLanding():
                self.later(0.3, lambda: self._read_landing(action))
            case _:
                pass

    # -- attempts --------------------------------------------------------------------------------------

    def paths_of(self, task: str) -> tuple[str, ...]:
        """The files that work on a task changes."""
        spec = self.state.tasks[task].spec
        return (
            self.script.paths.get(task)
            or tuple(path for path in spec.files if "*" not in path)
            or ("README.md",)
        )

    def _begin(self, action: a.StartAttempt) -> None:
        key = (action.task, action.attempt)
        if action.why == "continued":
            beats = self._left.pop(action.task, deque())
        else:
            beats = deque(self._turn(action.task, action.why))
        mate = self._mates[key] = Mate(key, action.teammate, beats)
        mate.edits = int(action.carry is not None)
        mate.session = action.session or str(_uuid(digest(self.script.run, *key)))
        pid = 41_000 + len(self.state.attempts) * 7

        def ready() -> None:
            self.send(
                e.WorktreeReady(
                    teammate=mate.name, path=f"{self._root}/{mate.name}",
                    branch=f"workbench/{self.script.run}/{mate.name}",
                    seconds=round(0.05 + self._dice.random() / 10, 4),
                )
            )  # fmt: skip

        def up() -> None:
            self.send(self._attempt(e.AgentStarted, key, pid=pid, session=mate.session))
            mate.inbox += self.state.attempts[key].mail
            mate.turn = True
            if self.broken:
                mate.beats.appendleft(crash(self.broken, 0.4, exit_code=127))
            self._next(mate)

        self.later(0.1 + self._dice.random() / 5, ready, key)
        self.later(0.8 + self._dice.random(), up, key)

    def _turn(self, task: str, why: str) -> list[Beat]:
        if own := self._turns[task, why]:
            return own.popleft()
        paths = self.paths_of(task)
        check = self.script.check.format(folder=paths[-1].partition("/")[2].rpartition("/")[0])
        state = self.state.tasks[task]
        match why:
            case "gate_red":
                return repair(
                    paths, check, "The gate is right: I had not thought of that case. I mend the cause."
                )
            case "conflict":
                where = ", ".join(state.conflicts)
                return repair(
                    state.conflicts,
                    check,
                    f"Both sides changed {where}. I keep what both mean, and all tests.",
                )
            case "rejected":
                others = ", ".join(state.others)
                return repair(
                    paths, check, f"Green alone, red with {others}: I look at what that one changed."
                )
            case "first" | "retry" | "continued":
                dice = random.Random(f"{self.script.run} {task}")
                turn = usual(state.spec, paths, check, dice, self.script.thorough)
                middle = len(turn) // 2
                return [*turn[:middle], *self.script.asides.get(task, ()), *turn[middle:]]
            case _:
                return []

    def _next(self, mate: Mate) -> None:
        """The next beat of an agent's turn, or its end."""
        if mate.over or mate.waits:
            return
        if mate.inbox:
            heard, mate.inbox = tuple(mate.inbox), []
            self.send(self._attempt(e.MessagesRead, mate.key, messages=heard))
        if not mate.beats:
            self._turn_ended(mate)
            return
        beat = mate.beats.popleft()
        seconds = beat.seconds * self.script.tempo * (0.7 + 0.6 * self._dice.random())
        self.later(seconds, lambda: self._beat(mate, beat), mate.key)

    def _beat(self, mate: Mate, beat: Beat) -> None:
        values, ends = beat.values, False
        cost = self.script.dollars * beat.seconds * (0.8 + 0.4 * self._dice.random())
        mate.usage += Usage(
            cost_usd=round(cost, 4), input_tokens=int(cost * 240_000), output_tokens=int(cost * 9_000)
        )
        match beat.what:
            case "say":
                self.send(self._attempt(e.AgentSaid, mate.key, **values))
            case "act":
                self._acted(mate, values["tool"], values["target"])
            case "mark":
                ends = self._marked(mate, values)
            case "forged":
                self.send(self._attempt(e.MarkerQuarantined, mate.key, **values))
            case "denied":
                self.send(self._attempt(e.ActionDenied, mate.key, **values))
            case "retried":
                self.send(self._attempt(e.AgentRetried, mate.key, **values))
            case "permission":
                asked = digest(self.script.run, mate.key, len(self.records))[:12]
                self.send(self._attempt(e.PermissionAsked, mate.key, key=asked, **values))
                return  # it waits, until it is ruled
            case "crash":
                mate.over = True
                self._turn_ended(mate, **values)
                return
            case _:
                raise AssertionError(beat.what)
        if ends:
            self._turn_ended(mate)
        else:
            self._next(mate)

    def _acted(self, mate: Mate, tool: str, target: str) -> None:
        if tool in ("Edit", "Write", "Read"):
            mate.edits += tool != "Read"
            target = f"{self._root}/{mate.name}/{target}"
        self.send(self._attempt(e.AgentActed, mate.key, tool=tool, target=target))

    def _marked(self, mate: Mate, values: dict[str, Any]) -> bool:
        kind = values["kind"]
        if self.script.thorough and kind != "done":
            self._acted(mate, f"mcp__workbench__{kind}", values["note"][:120])
        name = f"{int(self.now * 1e9)}-{self.state.attempts[mate.key].pid}-{kind}.json"
        self.send(self._attempt(e.MarkerReceived, mate.key, name=name, **values))
        return kind in ("question", "plan", "done", "blocked")

    def _turn_ended(self, mate: Mate, **values: Any) -> None:
        mate.turn = False
        mate.usage += Usage(turns=1)
        live = not mate.over
        self.send(
            self._attempt(e.TurnEnded, mate.key, live=live, usage=mate.usage, session=mate.session, **values)
        )

    def _told(self, key: Key, kind: str, message: str) -> None:
        mate = self._mates.get(key)
        if mate is None or mate.over:
            return
        if message:
            mate.inbox.append(message)
        if mate.turn:
            return
        if kind not in ("answer", "message", "plan_approved"):
            mate.beats = deque(self._turn(key[0], kind))
        mate.turn = True
        self.later(1.5, lambda: self._next(mate), key)

    def _collect(self, key: Key) -> None:
        mate = self._mates[key]
        tree = digest("tree", self.script.run, key, mate.edits)
        commit = digest("work", self.script.run, key, mate.edits)
        self.later(
            0.15,
            lambda: self.send(
                self._attempt(
                    e.WorkCollected, key, commit=commit, tree=tree, changed=mate.edits > 0, snapshot=False,
                    pin=f"refs/workbench/{self.script.run}/work/{key[0]}/{key[1]}", files=self.paths_of(key[0]),
                )
            ),
            key,
        )  # fmt: skip

    def _check_work(self, action: a.CheckWork) -> None:
        key = (action.task, action.attempt)
        self.send(e.CheckingStarted(task=action.task, commit=action.commit, gates=action.gates, alone=True))
        reds = self._reds.get(action.task)
        red = reds.popleft() if reds else None
        verdicts = self._verdicts(action.tree, action.gates, red)
        checked = self._attempt(e.WorkChecked, key, commit=action.commit, verdicts=verdicts)
        self.later(self._gate_time(), lambda: self.send(checked), key)

    def _gate_time(self) -> float:
        return self.script.gate_seconds * (0.85 + 0.3 * self._dice.random())

    def _verdicts(self, tree: str, gates: Sequence[str], red: Red | None) -> tuple[Verdict, ...]:
        found = []
        for gate in gates:
            bad = red if red is not None and red.gate == gate else None
            seconds = round(self._gate_time() if "pytest" in gate else 0.4, 2)
            summary = f"{self.script.passed + len(self.state.landings) * 3} passed in {seconds:.2f}s"
            output = bad.output if bad else (summary if "pytest" in gate else "All checks passed!")
            found.append(
                Verdict(
                    tree=tree, gate=gate, environment="linux-x86_64-5bd1a8249ae7", green=bad is None,
                    seconds=seconds, output=output, exit_code=bad.exit_code if bad else 0,
                    failing=bad.failing if bad else (),
                )
            )  # fmt: skip
            if bad is not None:
                break
        return tuple(found)

    def _end(self, key: Key, interrupt: bool) -> None:
        mate = self._mates[key]
        self.drop(key)
        mate.over = True
        if interrupt:
            self._left[key[0]] = mate.beats

        def ended() -> None:
            del self._mates[key]
            self.send(self._ended(mate, interrupt))

        self.later(0.4, ended)

    def _ended(self, mate: Mate, interrupt: bool) -> e.AttemptEvent:
        kept = (
            digest("kept", mate.key, mate.edits)
            if interrupt and self.state.attempts[mate.key].prepared
            else None
        )
        return self._attempt(
            e.AttemptEnded, mate.key, teammate=mate.name, usage=mate.usage, interrupted=interrupt, commit=kept,
            session=mate.session,
        )  # fmt: skip

    # -- landings ----------------------------------------------------------------------------------------

    def _build(self, action: a.BuildBatch) -> None:
        """As git and the ladder do: what is clean, then at most one that a rung settled."""
        made: list[tuple[str, str, tuple[str, ...]]] = []
        conflicted = [task for task in action.tasks if self._clashes.get(task)]
        for task in action.tasks:
            if task not in conflicted:
                made.append((task, "", ()))
        aside: list[e.Event] = []
        for task in conflicted:
            clash = self._clashes[task][0]
            if any(rung for _, rung, _ in made):
                aside.append(e.TaskDeferred(task=task, why="conflict"))
            elif clash.rung and clash.rung not in self.state.task(task).thrown:
                made.append((task, clash.rung, clash.paths))
            else:
                behind = tuple(name for name, _, _ in made)
                parent = self.state.tip if not made else digest("landing", self.state.tip, *behind)
                aside.append(
                    e.ConflictFound(
                        task=task, parent=parent, paths=clash.paths, hunks=clash.hunks, behind=behind
                    )
                )
                if not made:
                    self._clashes[task].popleft()
        base, events = self.state.tip, list[e.Event]()
        parent, names = base, list[str]()
        for task, rung, paths in made:
            names.append(task)
            commit = digest("landing", base, *names)
            tree = digest("tree", sorted((it.task, it.attempt) for it in self.state.standing), sorted(names))
            self._tree_of[commit] = tree
            events.append(
                e.CandidateMade(
                    task=task, parent=parent, commit=commit, tree=tree, files=self.paths_of(task), rung=rung,
                    resolved=paths if rung else (),
                )
            )  # fmt: skip
            parent = commit
        events += aside
        tree = self._tree_of.get(base, self._base_tree)
        events.append(e.BatchBuilt(tasks=tuple(names), base=base, base_tree=tree))

        def play(left: deque[e.Event]) -> None:
            self.send(left.popleft())
            if left:
                self.later(0.08, lambda: play(left), LANDING)

        self.later(0.1, lambda: play(deque(events)), LANDING)

    def _check_candidate(self, action: a.CheckCandidate) -> None:
        self._checks += 1
        landing = self.state.landing
        assert landing is not None, "what is checked is being landed"
        names: list[str] = []
        for step in landing.steps:
            if action.commit == landing.base:
                break
            names.append(step.task)
            if step.commit == action.commit:
                break
        red = self.script.flaky.get(self._checks) or self._red(names)
        verdicts = self._verdicts(action.tree, action.gates, red)
        checked = e.CandidateChecked(task=action.task, commit=action.commit, verdicts=verdicts)
        self.later(self._gate_time(), lambda: self.send(checked), LANDING)

    def _red(self, names: Iterable[str]) -> Red | None:
        """What is wrong with what has landed and ``names`` together."""
        names = list(names)
        landing = self.state.landing
        rungs = {step.task: step.rung for step in landing.steps} if landing is not None else {}
        for task in names:
            if task in self._thrown and rungs.get(task):
                return self._thrown[task]
        there = {it.task for it in self.state.standing} | set(names)
        for pair in self.script.pairs:
            both = {pair.earlier, pair.later}
            again = max(self.state.tasks[name].fixups for name in both) >= pair.until
            if both <= there and both & set(names) and not again:
                return pair.red
        return None

    def _find_pair(self, action: a.FindPair) -> None:
        pair = next((it for it in self.script.pairs if action.task in (it.earlier, it.later)), None)
        others = (action.sides[-1].task,)
        if pair is not None:
            others = (pair.earlier if action.task == pair.later else pair.later,)
        verdicts = self._verdicts(
            digest("pair", action.task, others), (action.gate,), pair.red if pair else None
        )
        found = e.SemanticConflictFound(
            task=action.task, others=others, gate=action.gate, tests=action.tests, certain=True,
            evidence=action.evidence, verdicts=verdicts,
        )  # fmt: skip
        self.later(1.5 * self.script.gate_seconds, lambda: self.send(found))

    def _publish(self, action: a.Publish) -> None:
        for it in action.candidates:
            clashes = self._clashes.get(it.task)
            if clashes and clashes[0].rung:
                clashes.popleft()
            self.send(
                e.TaskLanded(
                    task=it.task, attempt=it.attempt, commit=it.commit, parent=it.parent, tree=it.tree,
                    files=it.files,
                )
            )  # fmt: skip

    def _read_landing(self, action: a.ReadLanding) -> None:
        changes = tuple(change for task in action.tasks for change in self.script.changes.get(task, ()))
        landed = set(action.files)
        touched = {
            key[0]: mine
            for key in self.state.working
            if (mine := tuple(path for path in self.paths_of(key[0]) if path in landed))
        }
        self.send(e.LandingRead(tasks=action.tasks, commit=action.new, changes=changes, touched=touched))

    # -- lead and person -----------------------------------------------------------------------------------

    def _lead_up(self, life: int, session: str | None) -> None:
        name = session or str(_uuid(digest(self.script.run, "lead", life)))
        self._lead_busy = False
        self._lead_usage = Usage()
        self.send(e.LeadStarted(pid=40_900 + life, session=name))

    def _lead_turn(self) -> None:
        heard, self._lead = tuple(it for it in self._lead if it), []
        if heard:
            self.send(e.LeadHeard(messages=heard))
        self._lead_usage += Usage(cost_usd=0.06, input_tokens=14_000, output_tokens=450, turns=1)

        def answered() -> None:
            for ask in leading.waiting(self.state):
                text = self.script.lead_says.get(ask.message.task, DEFAULT)
                if text.startswith("!"):
                    self.request(Escalate(message=ask.message.id, why=text[1:]), LEAD)
                    continue
                decision = "" if ask.message.kind == "question" else "yes"
                self.request(Answer(message=ask.message.id, decision=decision, text=text), LEAD)  # type: ignore[arg-type]
            self._lead_busy = False
            ended = e.LeadTurnEnded(live=True, usage=self._lead_usage, session=self.state.lead.session)
            self.send(ended)

        def looked() -> None:
            self.send(e.LeadActed(tool="Read", target=self._dice.choice(("plan.md", "README.md"))))
            self.later(12.0, answered, LEAD)

        self.later(4.0, looked, LEAD)

    def _person(self, message: Message) -> None:
        """A person answers what is for them, if the script says so."""
        ask = self.state.asks.get(message.id)
        if ask is None or ask.to != PERSON:
            return
        found = self.script.answers.get(message.task) or self.script.answers.get(str(message.kind))
        if found is None:
            return
        seconds, decision, text = found

        def answer() -> None:
            if message.id in self.state.asks:
                self.request(
                    Answer.model_validate({"message": message.id, "decision": decision, "text": text})
                )

        self.later(seconds, answer, OUTSIDE)

    # -- what does not come from inside ------------------------------------------------------------------

    def die_and_resume(self, seconds: float, **values: Any) -> None:
        """The process is killed; another one takes the run up after a while, as ``engine.recover`` does."""
        self._heap = [entry for entry in self._heap if entry[2] == OUTSIDE]
        heapq.heapify(self._heap)
        self._lead.clear()
        self._lead_busy = False
        self.now += seconds
        state = self.state
        if state.landing is not None:
            self.note(e.LandingDropped())
        if state.lead.up:
            self.note(e.LeadEnded(usage=state.lead.usage, session=state.lead.session, interrupted=True))
        for key in list(state.working):
            mate = self._mates.pop(key)
            self._left[key[0]] = mate.beats
            self.note(self._ended(mate, True))
        self.resume(1.5, **values)

    def resume(self, seconds: float, **values: Any) -> None:
        """Another process takes up a run that was stopped, or whose ends are accounted for."""
        self.now += seconds
        self.send(e.RunResumed(pid=52_118, environment="linux-x86_64-5bd1a8249ae7", **values))

    def mended(self) -> None:
        """Agents can be started again."""
        self.broken = ""

    def idle(self, task: str) -> None:
        """An agent gives no sign of life for long, and is told."""
        key = (task, self.state.tasks[task].attempt)
        if key in self.state.working:
            seconds = self.state.settings.idle_seconds or 600.0
            self.send(self._attempt(e.DeadlinePassed, key, deadline="idle", seconds=seconds))

    def undo(self, task: str) -> None:
        """A person takes a landing off the branch while no process holds the run."""
        landing = next(it for it in reversed(self.state.landings) if it.task == task)
        parent = self.state.published
        commit = digest("revert", parent, task)
        reversal = Reversal(
            task=task, landing=landing.commit, parent=parent, commit=commit, tree=digest("tree", commit)
        )
        self._tree_of[commit] = reversal.tree
        self.now += 40.0
        self.note(
            e.UndoStarted(
                reversals=(reversal,),
                verdicts=self._verdicts(reversal.tree, self.script.settings.gates, None),
            )
        )
        self.note(e.LandingUndone.model_validate(reversal.model_dump()))

    def lines(self) -> list[str]:
        """The log as ``workbench run --json`` prints it."""
        return [e.as_json(self.script.run, record) for record in self.records]


def _uuid(name: str) -> str:
    return f"{name[:8]}-{name[8:12]}-4{name[13:16]}-a{name[17:20]}-{name[20:32]}"


def landed(task: str) -> Callable[[e.Event], bool]:
    """Whether an event says that ``task`` landed."""
    return lambda event: isinstance(event, e.TaskLanded) and event.task == task


def running(state: RunState) -> list[str]:
    """The tasks that are being worked on."""
    return [name for name, task in state.tasks.items() if task.status is TaskStatus.RUNNING]
