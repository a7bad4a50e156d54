"""What a repository has for somebody who comes to it: its runs with how they stand, and its plans.

Everything here blocks and is meant for a thread; ``stop`` is asked now and then whether to give up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from workbench.adapters.store.damage import DamagedRun
from workbench.adapters.store.sqlite import SqliteStore
from workbench.composition.past import state_of
from workbench.composition.place import Place
from workbench.composition.planning import read_text
from workbench.composition.remains import going_on, standing_of
from workbench.core import plan as plans
from workbench.core.apply import apply
from workbench.core.cleaning import Standing
from workbench.core.report import elapsed
from workbench.core.state import RunState, TaskStatus
from workbench.errors import PlanError, UsageError, WorkbenchError

Stop = Callable[[], bool]

PIECE = 500
"""Events that are read before it is asked whether to stop."""

PLAN_FOLDERS = ("", "plans", "docs/plans")
MOST_FILES = 500
MOST_PLANS = 100
PLAN_BYTES = 256 << 10
"""Markdown files that are looked at, plans that are told of, and how large one of them may be."""

_LIKELY = re.compile(
    r"^(?:[ ]{0,3}##[ \t]+tasks\b|tasks:?[ \t]*$|todos[ \t]*:)", re.IGNORECASE | re.MULTILINE
)
"""What a structured plan has somewhere, and hardly any other Markdown file."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run. Until it is ``read`` only its name and whether it is going on are known. Times are seconds,
    ``started_at`` Unix seconds; ``trouble`` says why its log cannot be read, or not to its end."""

    run: str
    standing: Standing
    read: bool = False
    landed: int = 0
    total: int = 0
    started_at: float = 0.0
    seconds: float = 0.0
    cost_usd: float = 0.0
    target: str = ""
    title: str = ""
    plan_file: str = ""
    outcome: str = ""
    reason: str = ""
    scripted: bool = False
    trouble: str = ""


def summary(state: RunState, live: str, trouble: str = "") -> RunSummary:
    """A run as its state has it; ``live`` is the run that is going on."""
    return RunSummary(
        run=state.run,
        standing=Standing.DAMAGED if trouble and state.run != live else standing_of(state, live),
        read=True,
        landed=sum(task.status is TaskStatus.LANDED for task in state.tasks.values()),
        total=len(state.tasks),
        started_at=state.started_at,
        seconds=elapsed(state) if state.seq else 0.0,
        cost_usd=state.cost_usd,
        target=state.target,
        title=state.plan.title if state.plan else "",
        plan_file=state.plan_file,
        outcome=state.outcome or "",
        reason=state.reason,
        scripted=state.settings.scripted,
        trouble=trouble,
    )


@dataclass(slots=True)
class _Seen:
    """A run as far as it was read: up to event ``last``. Only one that is going on keeps its state."""

    last: int
    summary: RunSummary
    state: RunState | None = None


@dataclass(slots=True)
class Runs:
    """The runs of ``place``. What was read before is read again only from where it has grown."""

    place: Place
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def look(self, stop: Stop) -> Iterator[RunSummary]:
        """Every run, the latest first: those that are known at once, and each of the others when it was
        read, which for a long one takes seconds. Raises StoreError where the log as a whole cannot be read;
        a run whose own log is damaged says so."""
        if not self.place.log_path.exists():
            return
        with self.place.reading() as store:
            live = going_on(self.place)
            runs = store.runs()[::-1]
            for run in runs:
                standing = Standing.LIVE if run == live else Standing.UNKNOWN
                yield self._seen[run].summary if run in self._seen else RunSummary(run, standing)
            for run in sorted(runs, key=lambda it: it != live):
                if stop() or (found := self._one(store, run, live, stop)) is None:
                    return
                yield found

    def _one(self, store: SqliteStore, run: str, live: str, stop: Stop) -> RunSummary | None:
        """None when it was stopped."""
        last, seen = store.last(run), self._seen.get(run)
        if seen is not None and seen.last == last:
            was_live = seen.summary.standing is Standing.LIVE
            if was_live == (run == live):
                return seen.summary
        state = seen.state if seen is not None and seen.state is not None else state_of(run, ())
        trouble = ""
        try:
            for record in store.history(run, state.seq):
                apply(state, record)
                if not record.seq % PIECE and stop():
                    return None
        except DamagedRun as damaged:
            trouble = f"its log is damaged from event {damaged.damage.seq} on: {damaged.damage.problem}"
        except WorkbenchError as error:
            trouble = str(error)
        found = summary(state, live, trouble)
        self._seen[run] = _Seen(last, found, state if run == live and not trouble else None)
        return found


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """One structured plan: ``shown`` is its path for people. ``tasks`` is 0 where it has ``problems``, and
    ``used`` says that a run was started from this file."""

    path: Path
    shown: str
    title: str = ""
    tasks: int = 0
    problems: int = 0
    approved: bool = False
    used: bool = False


def plans_of(place: Place, known: Iterable[str], stop: Stop) -> list[PlanSummary]:
    """The structured plans at the usual places of the repository, and in the folders of plans that runs were
    started from (``known``); those that wait for approval first. Nothing is looked for further down, and
    what is larger than a plan for people is passed over."""
    runs_of = {str(path) for path in map(Path, known) if path.is_absolute()}
    found: list[PlanSummary] = []
    store = place.reading() if place.log_path.exists() else None
    try:
        for path in islice(_files(place.root, runs_of), MOST_FILES):
            if stop() or len(found) >= MOST_PLANS:
                break
            if (one := _plan(place, path, store)) is not None:
                found.append(replace(one, used=str(path) in runs_of))
    finally:
        if store is not None:
            store.close()
    return sorted(found, key=lambda it: (it.approved, it.used, it.shown))


def _files(root: Path, known: set[str]) -> Iterator[Path]:
    folders = [root / name for name in PLAN_FOLDERS]
    folders += sorted({Path(path).parent for path in known if Path(path).is_relative_to(root)})
    for folder in dict.fromkeys(folders):
        try:
            yield from sorted(path for path in folder.iterdir() if path.suffix.lower() == ".md")
        except OSError:
            continue  # not there, or not ours to read: then nothing is offered from it


def _plan(place: Place, path: Path, store: SqliteStore | None) -> PlanSummary | None:
    try:
        if not path.is_file() or path.stat().st_size > PLAN_BYTES:
            return None
        text = read_text(path)
    except (OSError, UsageError):
        return None  # gone meanwhile, or no text: no plan that could be approved
    if not _LIKELY.search(text) or not plans.is_structured(text):
        return None
    shown = str(path.relative_to(place.root))
    approved = store is not None and store.approved(plans.sha256(text))
    try:
        plan = plans.parse(text, shown)
    except PlanError as error:
        return PlanSummary(path, shown, problems=len(error.problems), approved=approved)
    return PlanSummary(path, shown, plan.title, len(plan.tasks), approved=approved)
