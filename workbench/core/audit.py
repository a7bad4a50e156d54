"""Who decided what in a run, and what was published with which proof: folded from its log. Pure."""

# Annotations are not postponed here: see core.models.

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from workbench.core import events as e
from workbench.core.mail import ASKING, PERSON, WORKBENCH, Message, MessageKind
from workbench.core.models import Value, Verdict
from workbench.core.trust.items import Trust

Tree = str


class Entry(Value):
    """One decision or deed. ``kind`` is what it is about, ``by`` who decided (a teammate, ``person``,
    ``lead``, ``workbench`` or ``agent``), ``about`` a sentence. ``commit`` and ``tree`` are what was
    published, ``verdicts`` what the gates had said of that tree, ``sha256`` the hash of what was approved."""

    seq: int
    at: float
    kind: str
    by: str
    about: str
    task: str = ""
    commit: str = ""
    tree: str = ""
    sha256: str = ""
    verdicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """The integration branch was moved to ``commit``: landings told one after the other are one move.
    ``missing`` are gates that had not been green on ``tree``."""

    seq: int
    tasks: tuple[str, ...]
    commit: str
    tree: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """One commit that the log says was put on the integration branch."""

    seq: int
    task: str
    commit: str
    parent: str
    tree: str


@dataclass
class Audit:
    """What a log comes to: hand it every record in order, then look at the fields."""

    entries: list[Entry] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    gates: tuple[str, ...] = ()
    no_gates: bool = False
    base: str = ""
    integration: str = ""
    target: str = ""
    _own: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _mail: dict[str, Message] = field(default_factory=dict)
    _verdicts: dict[Tree, dict[str, Verdict]] = field(default_factory=dict)
    _open: list[Moved] = field(default_factory=list)

    def take(self, record: e.Record) -> None:
        """Take the next record of the log."""
        event = record.event
        if not isinstance(event, e.TaskLanded):
            self._published()
        for verdict in _verdicts_of(event):
            known = self._verdicts.setdefault(verdict.tree, {})
            if verdict.gate not in known or verdict.green:  # green once counts: a flake is recorded as one
                known[verdict.gate] = verdict
        for found in self._entries_of(event):
            self.entries.append(Entry(seq=record.seq, at=record.at, **found))
        if isinstance(event, e.TaskLanded):
            self._open.append(Moved(record.seq, event.task, event.commit, event.parent, event.tree))
            self.moved.append(self._open[-1])
        elif isinstance(event, e.LandingUndone):
            self.moved.append(Moved(record.seq, event.task, event.commit, event.parent, event.tree))

    def end(self) -> "Audit":
        """There is nothing more."""
        self._published()
        return self

    def _published(self) -> None:
        if not self._open:
            return
        tip, tasks = self._open[-1], tuple(it.task for it in self._open)
        wanted = dict.fromkeys([*self.gates, *(gate for task in tasks for gate in self._own.get(task, ()))])
        known = self._verdicts.get(tip.tree, {})
        missing = () if self.no_gates else tuple(g for g in wanted if g not in known or not known[g].green)
        self.publications.append(Publication(tip.seq, tasks, tip.commit, tip.tree, missing))
        self._open = []

    def _entries_of(self, event: e.Event) -> Iterator[dict[str, Any]]:
        match event:
            case e.RunStarted():
                yield from self._started(event)
            case e.MessageSent(message=message):
                self._mail[message.id] = message
                yield from self._said(message)
            case e.TaskLanded():
                told = [verdict_words(it) for it in self._verdicts.get(event.tree, {}).values()]
                yield _entry("landing", WORKBENCH, f"landed on {event.parent[:10]}", event.task) | {
                    "commit": event.commit,
                    "tree": event.tree,
                    "verdicts": tuple(told),
                }
            case e.RunResumed(trust=trust):
                yield _entry("run", PERSON, "resumed")
                yield from _trusted(trust)
            case e.PlanChangeProposed() | e.PlanChanged():
                if isinstance(event, e.PlanChanged):
                    self._own |= {it.id: it.gates for it in (*event.change.added, *event.change.changed)}
                yield from _plain(event)
            case _:
                yield from _plain(event)

    def _started(self, event: e.RunStarted) -> Iterator[dict[str, Any]]:
        self.gates, self.no_gates = event.settings.gates, event.settings.no_gates
        self.base, self.integration, self.target = event.base, event.integration, event.target
        self._own = {task.id: task.gates for task in event.plan.tasks}
        how = "scripted, so not approved" if event.settings.scripted else "approved"
        yield _entry("plan", PERSON, f"{event.plan_path} ({how}), from {event.base[:10]}") | {
            "sha256": event.plan_sha256,
            "commit": event.base,
        }
        yield from _trusted(event.trust)

    def _said(self, message: Message) -> Iterator[dict[str, Any]]:
        if message.kind in ASKING:
            asked = f"{message.id} to {message.to}: {_line(message.text)}"
            yield _entry(f"asks {message.kind}", message.sender, asked, message.task) | _hashed(message)
        elif message.reply_to and (asked_by := self._mail.get(message.reply_to)) is not None:
            if asked_by.kind not in ASKING:
                return
            said = {"yes": "yes", "no": "no"}.get(message.decision, "answered")
            about = f"{asked_by.id} of {asked_by.sender}: {said}"
            about += f": {_line(message.text)}" if message.text else ""
            kind = f"answers {asked_by.kind}"
            yield _entry(kind, message.sender, about, asked_by.task) | _hashed(asked_by)


def audit(records: Iterable[e.Record]) -> Audit:
    """What a whole log comes to."""
    found = Audit()
    for record in records:
        found.take(record)
    return found.end()


def verdict_words(verdict: Verdict) -> str:
    """A verdict in words: ``green pytest -q (12 s)``."""
    excused = f", {len(verdict.quarantined)} failures excused" if verdict.quarantined else ""
    return f"{'green' if verdict.green else 'red'} {verdict.gate} ({verdict.seconds:.0f} s{excused})"


def _entry(kind: str, by: str, about: str, task: str = "") -> dict[str, Any]:
    return {"kind": kind, "by": by, "about": about, "task": task}


def _hashed(message: Message) -> dict[str, Any]:
    """What was approved is known by its hash."""
    wanted = message.kind in (MessageKind.PLAN, MessageKind.CHANGE)
    return {"sha256": sha256(message.text.encode("utf-8", "surrogateescape")).hexdigest()} if wanted else {}


def _trusted(trust: Trust | None) -> Iterator[dict[str, Any]]:
    if trust is not None:
        said = "trusted" if trust.trusted else "not trusted"
        things = "1 thing" if trust.count == 1 else f"{trust.count} things"
        about = f"the repository is {said} ({trust.how}): {things} at {trust.commit[:10]}"
        yield _entry("trust", trust.by or WORKBENCH, about) | {"sha256": trust.sha256}


def _verdicts_of(event: e.Event) -> tuple[Verdict, ...]:
    found = getattr(event, "verdicts", ())
    return found if isinstance(found, tuple) else ()


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _requested(event: e.RequestMade) -> dict[str, Any]:
    wanted = event.request.model_dump(mode="json", exclude_defaults=True)
    told = {name: value for name, value in wanted.items() if name not in ("what", "text")}
    more = ", ".join(f"{name} {_line(str(value))}" for name, value in told.items())
    about = f"{event.request.what}{f': {more}' if more else ''}"
    return _entry("request", event.by, about, str(wanted.get("task", "")))


PLAIN: dict[type[e.Event], Callable[[Any], dict[str, Any]]] = {
    e.AskPassedOn: lambda it: _entry("passed on", "lead", f"{it.message} to {it.to}: {_line(it.why)}"),
    e.PermissionAsked: lambda it: _entry(
        "permission asked", "agent", f"{it.tool} {_line(it.target)}: {_line(it.reason)}", it.task
    ),
    e.ActionDenied: lambda it: _entry(
        "permission denied", WORKBENCH, f"{it.tool} {_line(it.target)}: {_line(it.reason)}", it.task
    ),
    e.LeadDenied: lambda it: _entry(
        "permission denied", WORKBENCH, f"lead: {it.tool} {_line(it.target)}: {_line(it.reason)}"
    ),
    e.MarkerQuarantined: lambda it: _entry("set aside", WORKBENCH, f"{it.name}: {_line(it.reason)}", it.task),
    e.MessageRefused: lambda it: _entry("refused", WORKBENCH, f"a message to {it.to}: {it.reason}", it.task),
    e.PlanBreached: lambda it: _entry("refused", WORKBENCH, _line(it.reason), it.task),
    e.RequestMade: _requested,
    e.RequestRefused: lambda it: _entry("request refused", WORKBENCH, f"{it.id}: {_line(it.reason)}"),
    e.TeammateJoined: lambda it: _entry(
        "join", it.by, f"{it.name} joined{' from outside' if it.external else ''}"
    ),
    e.PlanChangeProposed: lambda it: _entry(
        "plan", PERSON, f"another plan proposed{' and approved' if it.approved else ''}: {it.source}"
    ),
    e.PlanChanged: lambda it: _entry("plan", WORKBENCH, "changed as approved"),
    e.PlanChangeDropped: lambda it: _entry("plan", WORKBENCH, f"not changed: {_line(it.reason)}"),
    e.WorkProvided: lambda it: _entry("work", PERSON, "brought in", it.task) | {"commit": it.commit},
    e.UndoStarted: lambda it: (
        _entry("undo", PERSON, f"begun for {', '.join(reversal.task for reversal in it.reversals)}")
        | {"verdicts": tuple(verdict_words(verdict) for verdict in it.verdicts)}
    ),
    e.LandingUndone: lambda it: (
        _entry("undo", WORKBENCH, f"took {it.landing[:10]} off", it.task)
        | {"commit": it.commit, "tree": it.tree}
    ),
    e.UndoDropped: lambda it: _entry("undo", WORKBENCH, f"not done: {_line(it.reason)}"),
    e.PublicationLost: lambda it: _entry(
        "alarm", WORKBENCH, f"the branch had moved from {it.expected[:10]} to {it.found[:10] or 'nothing'}"
    ),
    e.RefRestored: lambda it: _entry("alarm", WORKBENCH, _line(it.as_alarm().sentence)),
    e.TamperingFound: lambda it: _entry("alarm", WORKBENCH, _line(it.alarm.sentence)),
    e.TaskSkipped: lambda it: _entry("skip", it.by, "left out", it.task),
    e.TaskRetried: lambda it: _entry("retry", it.by, "to be tried again", it.task),
    e.RunPaused: lambda it: _entry("run", it.by, "paused"),
    e.RunUnpaused: lambda it: _entry("run", it.by, "goes on"),
    e.StopRequested: lambda it: _entry("run", PERSON, f"stop: {_line(it.reason)}"),
    e.RunFinished: lambda it: _entry("run", WORKBENCH, f"{it.outcome}: {_line(it.reason)}".rstrip(": ")),
}
"""Events that are told of by themselves."""


def _plain(event: e.Event) -> Iterator[dict[str, Any]]:
    tell = PLAIN.get(type(event))
    if tell is not None:
        yield tell(event)
