"""Trial merges while the team is at work: a conflict to come is seen when its second half is committed.

A teammate's branch that moves, or work that is delivered, is merged in memory with whatever else is at
work or waits to land and touches the same files. What comes in meanwhile waits, and only the newest commit
of each teammate counts. Nothing runs while nobody commits, or while there is nothing to conflict with.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field

from workbench.core import events as e
from workbench.core.notices import excerpt
from workbench.core.state import LIVE, AttemptState, RunState, TaskStatus
from workbench.engine.ports import Emit, Git, Merged
from workbench.errors import GitError

log = logging.getLogger(__name__)

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Head:
    """What there is of a task's work so far: its newest ``commit``, and where that began."""

    commit: str
    start: str


@dataclass
class Probes:
    """The probes of one run. ``moved`` and ``recorded`` say what is new and return at once; the work is
    given to ``start``, one piece at a time."""

    state: RunState
    git: Git
    emit: Emit
    start: Callable[[Callable[[], Coroutine[None, None, None]]], None]
    _moved: dict[str, None] = field(default_factory=dict)
    _fresh: dict[str, None] = field(default_factory=dict)
    _tips: dict[str, tuple[int, str]] = field(default_factory=dict)
    _changed: dict[Head, frozenset[str]] = field(default_factory=dict)
    _indexed: dict[str, tuple[Head, frozenset[str]]] = field(default_factory=dict)
    _touching: dict[str, set[str]] = field(default_factory=dict)
    _said: dict[Pair, tuple[str, ...]] = field(default_factory=dict)
    _over: list[str] = field(default_factory=list)
    _running: bool = False

    # -- what is new -------------------------------------------------------------------------------

    def moved(self, teammate: str) -> None:
        """A teammate's branch may have moved."""
        mate = self.state.teammates.get(teammate)
        if mate is not None and mate.task is not None:
            self._moved[teammate] = None
            self._begin()

    def recorded(self, event: e.Event) -> None:
        """An event is in the log."""
        match event:
            case e.TaskDelivered():
                known = self._tips.pop(event.task, None)
                if known != (event.attempt, event.commit):
                    self._fresh[event.task] = None
                    self._begin()
            case e.WorktreeReady():
                self.moved(event.teammate)  # what was told of its branch until now was of other work
            case e.ConflictForeseen() | e.ConflictCleared():
                self._said.pop(_pair(event.task, event.other), None)
            case e.TaskLanded():
                self._over.append(event.task)
            case _:
                pass

    def _begin(self) -> None:
        if not self._running and not self._alone():
            self._running = True
            self.start(self._run)

    def _alone(self) -> bool:
        """Whether there is nothing to conflict with."""
        landing = self.state.landing.tasks if self.state.landing is not None else ()
        live = sum(attempt.phase in LIVE for attempt in self.state.working.values())
        return live + len(self.state.queue) + len(landing) < 2

    def _number(self, task: str) -> int:
        return self.state.tasks[task].attempt if task in self.state.tasks else 0

    async def changed_by(self, attempt: AttemptState) -> frozenset[str]:
        """The files that an attempt has changed in what it committed so far."""
        await self._look()
        if self._fresh:
            self._begin()
        number, tip = self._tips.get(attempt.task, (0, ""))
        if number != attempt.number or tip == attempt.start:
            return frozenset()
        return await self._files(Head(tip, attempt.start))

    # -- probing -----------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Probe until nothing is new."""
        try:
            while self._moved or self._fresh:
                await self._look()
                self._let_go()
                fresh, self._fresh = self._fresh, {}
                await self._probe(fresh)
        finally:
            self._running = False

    async def _look(self) -> None:
        """Read the branches that moved."""
        while self._moved:
            teammate = next(iter(self._moved))
            del self._moved[teammate]
            attempt = self._attempt_of(teammate)
            if attempt is None:
                continue
            tip = await self.git.tip(branch_of(self.state, teammate))
            known = (attempt.number, tip or "")
            if tip is None or attempt.phase not in LIVE or self._tips.get(attempt.task) == known:
                continue
            self._tips[attempt.task] = known
            self._fresh[attempt.task] = None

    def _attempt_of(self, teammate: str) -> AttemptState | None:
        """The attempt whose work a teammate's branch holds now: not before its worktree was made."""
        task = self.state.teammates[teammate].task
        attempt = self.state.working.get((task, self._number(task))) if task is not None else None
        return attempt if attempt is not None and attempt.prepared else None

    def _open(self) -> Iterator[str]:
        """Tasks whose work is not over."""
        for attempt in self.state.working.values():
            yield attempt.task
        yield from self.state.queue
        if self.state.landing is not None:
            yield from self.state.landing.tasks

    def _head(self, name: str) -> Head | None:
        """The work on a task that is not over, as far as anything of it is committed."""
        task = self.state.tasks[name]
        attempt = self.state.working.get((name, task.attempt))
        if attempt is not None and attempt.phase in LIVE:
            number, tip = self._tips.get(name, (0, ""))
            mine = number == attempt.number and tip != attempt.start
            return Head(tip, attempt.start) if mine else None
        if task.commit is not None and task.status in (TaskStatus.DELIVERED, TaskStatus.LANDING):
            return Head(task.commit, self.state.attempts[name, task.delivered_by].start)
        return None

    async def _probe(self, fresh: Iterable[str]) -> None:
        """Merge what is new with all else that touches the same files, and say what that changes."""
        pairs: dict[Pair, None] = {}
        heads: dict[str, Head] = {}
        for name in fresh:
            close = await self._close_to(name)
            heads |= {one: self._indexed[one][0] for one in (name, *close) if one in self._indexed}
            pairs |= dict.fromkeys(_pair(name, other) for other in sorted(close))
            for other in tuple(self.state.foreseen.get(name, ())):
                if other not in close:
                    self._conclude(_pair(name, other), (), "")
        if not pairs:
            return
        found = await self.git.probe([(heads[one].commit, heads[other].commit) for one, other in pairs])
        for pair, merged in zip(pairs, found, strict=True):
            if isinstance(merged, GitError):
                log.warning("the work on %s and %s cannot be merged on trial: %s", *pair, merged)
                continue
            paths = await self._between(heads[pair[0]], heads[pair[1]], merged)
            self._conclude(pair, paths, excerpt(merged.hunks, merged.paths, paths))

    async def _close_to(self, name: str) -> set[str]:
        """Other work that touches files which the work on ``name`` touches: what shares none does not
        conflict, but for the rare file that comes where a folder was renamed or made."""
        for other in tuple(self._open()) if not self._indexed else (name,):
            await self._note(other)
        close: set[str] = set()
        mine = self._indexed[name][1] if name in self._indexed else ()  # else it took back all it had
        for path in sorted(mine):
            for other in sorted(self._touching[path] - close - {name}):
                await self._note(other)
                if other in self._touching.get(path, ()):
                    close.add(other)
        return close

    async def _note(self, name: str) -> None:
        """Note which files a task's work touches now. Comparing all with all takes longer than merging."""
        head = self._head(name)
        if self._indexed.get(name, (None,))[0] == head:
            return
        files = frozenset[str]() if head is None else await self._files(head)
        self._forget(name)
        if head is not None:
            self._indexed[name] = (head, files)
            for path in files:
                self._touching.setdefault(path, set()).add(name)

    def _forget(self, name: str) -> None:
        """Let go of what was noted of a task's work."""
        known, before = self._indexed.pop(name, (None, frozenset[str]()))
        for path in before:
            self._touching[path].discard(name)
            if not self._touching[path]:
                del self._touching[path]
        if known is not None:
            self._changed.pop(known, None)

    def _let_go(self) -> None:
        """Forget what landed: nobody may ever come to touch the same files. Not while a probe is under way,
        which goes by what is noted."""
        for name in self._over:
            if self._head(name) is None:
                self._forget(name)
        self._over.clear()

    async def _files(self, head: Head) -> frozenset[str]:
        """What the work itself changed: asked of git once for each commit."""
        if head not in self._changed:
            self._changed[head] = frozenset(await self.git.changed_files(head.start, head.commit))
        return self._changed[head]

    async def _between(self, one: Head, other: Head, merged: Merged) -> tuple[str, ...]:
        """The paths in which the two themselves conflict. Where one began later, what landed in
        between is part of its side: then only files that both changed count."""
        if merged.clean or one.start == other.start:
            return merged.paths
        both = await self._files(one) & await self._files(other)
        return tuple(path for path in merged.paths if path in both)

    def _conclude(self, pair: Pair, paths: tuple[str, ...], hunks: str) -> None:
        one, other = pair
        before = self._said.get(pair, self.state.foreseen.get(one, {}).get(other, ()))
        if before == paths or not all(_is_open(self.state, name) for name in pair):
            return
        self._said[pair] = paths
        if paths:
            self.emit(e.ConflictForeseen(task=one, other=other, paths=paths, hunks=hunks))
        else:
            self.emit(e.ConflictCleared(task=one, other=other))


def branch_of(state: RunState, teammate: str) -> str:
    """The full name of a teammate's branch: it stands beside the integration branch."""
    return f"{state.integration.rpartition('/')[0]}/{teammate}"


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one <= other else (other, one)


def _is_open(state: RunState, name: str) -> bool:
    return state.tasks[name].status in (TaskStatus.RUNNING, TaskStatus.DELIVERED, TaskStatus.LANDING)
