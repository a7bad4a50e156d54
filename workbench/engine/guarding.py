"""Looking after what no attempt has business with, while attempts are live.

The repository is looked at before and after every attempt, and every POLL_SECONDS in between. A ref of the
run that somebody else moved is put back by compare-and-swap; whatever else was done is told, after what it
would have lost was pinned. Nobody is failed for it: several were at work, and the user was there, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.core import events as e
from workbench.core import guard as g
from workbench.core.apply.guard import EVENTS
from workbench.core.state import AttemptState, Phase, RunState
from workbench.engine.failures import explain
from workbench.engine.ports import Emit, Guard
from workbench.engine.world import World
from workbench.errors import WorkbenchError

POLL_SECONDS = 15.0

SHARE = 0.05
SPARE_SECONDS = 0.25
LONGEST_WAIT = 0.2
"""Looks may take this share of the time, and this much besides when many come at once; beyond it they wait,
at most so long, and those who wait share one."""

SETTLING_SECONDS = 0.05
"""How long git may take between the two files that it writes when a branch moves."""

CHEAP_SECONDS = 0.01
"""What a whole look may take that is made whenever nobody is at work any more."""

LEAKS = 500
LOOKUPS = 5_000
"""Files, and versions of them, that are compared when a run is over."""

Key = tuple[str, int]


class Guarding:
    """One run's guard. ``joined`` and ``left`` tell it who is at work; ``aclose`` ends what it does."""

    def __init__(self, state: RunState, world: World, guard: Guard, emit: Emit) -> None:
        self._state, self._world, self._guard, self._emit = state, world, guard, emit
        self._before: g.Snapshot | None = None
        self._live: dict[Key, AttemptState] = {}
        self._ended: dict[Key, AttemptState] = {}
        self._next: asyncio.Future[None] | None = None
        self._turns = asyncio.Lock()
        self._spare, self._spare_at = SPARE_SECONDS, time.monotonic()
        self._users: str | None = (
            None  # where a person moved the integration branch while nobody else was there
        )
        self._whole_took = 0.0
        self._said: set[str] = set()
        self._pinned: dict[str, str] = {}
        self._at_first: asyncio.Future[Mapping[str, str] | None] | None = None
        self._polling: asyncio.Future[None] | None = None

    # -- who is at work ------------------------------------------------------------------------------

    def open(self) -> None:
        """Remember the user's checkout as it is now, in the background. Does nothing a second time."""
        if self._at_first is None:
            self._at_first = asyncio.ensure_future(self._fingerprint())

    async def joined(self, attempt: AttemptState) -> None:
        """An attempt is about to begin: what is found from now on may be its doing."""
        self.open()
        await self.look()
        self._live[attempt.task, attempt.number] = attempt
        if self._polling is None:
            self._polling = asyncio.ensure_future(self._poll())

    async def left(self, attempt: AttemptState) -> None:
        """An attempt's processes are gone; what it did is found before this returns."""
        key = (attempt.task, attempt.number)
        if (ended := self._live.pop(key, None)) is not None:
            self._ended[key] = ended
            await self.look(whole=not self._live and self._whole_took < CHEAP_SECONDS)

    async def aclose(self) -> None:
        """End the poll, and looks that nobody waits for."""
        owned = [it for it in (self._polling, self._next, self._at_first) if it is not None]
        for one in owned:
            one.cancel()
        await asyncio.gather(*owned, return_exceptions=True)

    # -- looking ---------------------------------------------------------------------------------------

    async def look(self, whole: bool = False) -> None:
        """Look once, after this call. Those who ask while one waits for its turn share it. Never raises for
        what it finds: that something cannot be read is told once."""
        if whole:
            await self._turn(whole)
            return
        if self._next is None:
            self._next = asyncio.ensure_future(self._turn())
        await asyncio.shield(self._next)

    async def _turn(self, whole: bool = False) -> None:
        async with self._turns:
            if not whole:
                await self._afford()
                self._next = None  # who asks from here on needs another
            try:
                await self._look(whole)
            except (WorkbenchError, OSError) as problem:
                self._once(f"the repository could not be looked after: {explain(problem)}")

    async def _afford(self) -> None:
        """Wait until looks have taken no more than their share."""
        now = time.monotonic()
        self._spare = min(SPARE_SECONDS, self._spare + SHARE * (now - self._spare_at))
        self._spare_at = now
        if self._spare < 0:
            await asyncio.sleep(min(LONGEST_WAIT, -self._spare / SHARE))

    async def _look(self, whole: bool) -> None:
        ended = list(self._ended)
        suspects = [*self._live.values(), *self._ended.values()]
        began = time.monotonic()
        whole = whole or self._before is None
        now = await self._guard.look(whole)
        took = time.monotonic() - began
        if whole:
            self._whole_took = took
        else:
            self._spare -= took
        before, self._before = self._before, now
        if before is not None:
            await self._judge(before, now, suspects)
        for key in ended:
            self._ended.pop(key, None)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if not self._live:
                continue
            await self.look(whole=True)
            for attempt in list(self._live.values()):
                self._stands(attempt)

    def _stands(self, attempt: AttemptState) -> None:
        """An attempt whose worktree is gone can only fail: what it writes now goes nowhere."""
        where = self._state.teammates[attempt.teammate].worktree
        if not (attempt.prepared and attempt.phase is Phase.WORKING and where):
            return
        if problem := self._guard.problem(Path(where)):
            task, number = attempt.task, attempt.number
            self._emit(e.EffectFailed(action="CheckWorktree", error=problem, task=task, attempt=number))

    # -- judging ---------------------------------------------------------------------------------------

    async def _judge(self, before: g.Snapshot, now: g.Snapshot, suspects: Iterable[AttemptState]) -> None:
        names = tuple(f"{attempt.teammate} at {attempt.task}" for attempt in suspects)
        others: list[g.Moved] = []
        for moved in g.astray(before, now, self._state.run, self._state.teammates):
            match moved.whose:
                case g.Whose.INTEGRATION if not names or moved.found == self._users:
                    # The user, and nobody else: the next batch is built on it, or stops the run.
                    self._users = moved.found
                case g.Whose.INTEGRATION | g.Whose.PIN:
                    await self._ours(moved, moved.expected, names)
                case g.Whose.TEAMMATE:
                    await self._teammates(moved, names)
                case _:
                    others.append(moved)
        await self._others(others, names)
        await self._unstashed(before, now, names)
        await self._configuration(before, now, names)
        root = str(self._guard.git_dir / "hooks")
        if before.hooks != now.hooks and (alarm := g.hook_alarm(root, before.hooks, now.hooks)):
            self._raise(alarm, names)
        for checkout in before.heads.keys() & now.heads.keys():
            if alarm := g.head_alarm(checkout, before.heads[checkout], now.heads[checkout]):
                self._raise(alarm, names)

    async def _ours(self, moved: g.Moved, to: str, suspects: tuple[str, ...]) -> None:
        """Put a ref of the run back where the log and our own writes have it."""
        if not to:
            self._once(f"somebody made the ref {moved.ref}; it is left alone")
            return
        git, ref = self._world.git, moved.ref
        found = await git.tip(ref)
        if found == to and not moved.found.startswith("ref:"):
            return  # a folder that is read while a file in it is replaced may show neither
        kept = await self._keep(found) if found not in (None, to) else ""
        try:
            if not await git.move_ref(ref, to, found, "workbench: put back"):
                return  # it moved again: the next look sees where to
        except WorkbenchError as problem:
            sentence = f"{g.short(ref)} is not where the run left it, and could not be put back: {problem}"
            self._raise(
                g.Alarm(kind="ref", sentence=sentence, hint=f"git update-ref --no-deref {ref} {to}"), suspects
            )
            return
        self._emit(
            e.RefRestored(
                ref=ref,
                found=moved.found if found is None else found,
                put_back=to,
                kept=kept,
                suspects=suspects,
                hint=g.bring_in(moved.whose, found or "", kept),
            )
        )

    async def _teammates(self, moved: g.Moved, suspects: tuple[str, ...]) -> None:
        """A teammate's branch is its own to move, in its own worktree. Moved from elsewhere, it goes back."""
        name = moved.ref.rpartition("/")[2]
        where = self._state.teammates[name].worktree
        if not where or self._own(where, moved.ref) in ("", moved.found):
            return
        await asyncio.sleep(SETTLING_SECONDS)
        own = self._own(where, moved.ref)
        if own and (moved.found.startswith("ref:") or await self._world.git.tip(moved.ref) != own):
            others = tuple(it for it in suspects if not it.startswith(f"{name} at "))
            await self._ours(moved, own, others or suspects)

    def _own(self, worktree: str, ref: str) -> str:
        return self._guard.own_tip(Path(worktree), ref)

    async def _others(self, moves: list[g.Moved], suspects: tuple[str, ...]) -> None:
        """Refs of the user's: told, and pinned where something would be lost."""
        gone: list[g.Moved] = []
        replaced: list[str] = []
        for moved in moves:
            if moved.whose is g.Whose.REPLACE:
                replaced += [moved.ref] if moved.found else []
            elif moved.expected and (await self._world.git.tip(moved.ref) or "") != moved.expected:
                if await self._forward(moved):
                    self._once(f"{moved.name} moved on to {moved.found[:10]}: no run does that", moved.ref)
                else:
                    gone.append(moved)
        kept = await self._keep_all(moved.expected for moved in gone)
        for alarm in g.lost(gone, kept):
            self._raise(alarm, suspects)
        if replaced:
            self._raise(g.replaced_alarm(replaced), suspects)

    async def _forward(self, moved: g.Moved) -> bool:
        """Whether a branch only grew."""
        if moved.whose is not g.Whose.BRANCH or not all(map(_is_object, (moved.expected, moved.found))):
            return False
        try:
            return await self._world.git.is_ancestor(moved.expected, moved.found)
        except WorkbenchError:  # what it is at now is no commit of this repository
            return False

    async def _unstashed(self, before: g.Snapshot, now: g.Snapshot, suspects: tuple[str, ...]) -> None:
        gone = g.unstashed(before, now)
        kept = await self._keep_all(entry.commit for entry in gone)
        foreign = [entry for entry in gone if not entry.of(self._state.run)]
        if alarm := g.unstash_alarm(foreign, kept):
            self._raise(alarm, suspects)

    async def _configuration(self, before: g.Snapshot, now: g.Snapshot, suspects: tuple[str, ...]) -> None:
        for name in sorted(before.files.keys() | now.files.keys()):
            old, new = before.files.get(name, b""), now.files.get(name, b"")
            path = str(self._guard.git_dir / name)
            if old == new:
                continue
            if not name.startswith("config"):
                self._raise(g.file_alarm(path), suspects)
                continue
            try:
                known, found = [g.keys(await self._guard.keys(content)) for content in (old, new)]
            except WorkbenchError as problem:
                self._raise(
                    g.Alarm(kind="config", sentence=f"git cannot read {path} any more: {problem}"), suspects
                )
                continue
            for alarm in g.config_alarms(path, known, found):
                self._raise(alarm, suspects)

    # -- telling, and keeping ----------------------------------------------------------------------------

    def _raise(self, alarm: g.Alarm, suspects: tuple[str, ...]) -> None:
        if alarm.kind == "note":
            self._once(alarm.sentence)
        else:
            self._emit(e.TamperingFound(alarm=alarm.model_copy(update={"suspects": suspects})))

    def _once(self, sentence: str, about: str = "") -> None:
        if (about or sentence) not in self._said:
            self._said.add(about or sentence)
            self._emit(e.Noticed(sentence=sentence))

    async def _keep_all(self, commits: Iterable[str]) -> dict[str, str]:
        kept = {commit: await self._keep(commit) for commit in dict.fromkeys(commits)}
        return {commit: pin for commit, pin in kept.items() if pin}

    async def _keep(self, commit: str | None) -> str:
        """Pin an object; gives the pin, "" for what cannot be pinned."""
        if not commit or not _is_object(commit):
            return ""
        if commit not in self._pinned:
            pin = f"refs/workbench/{self._state.run}/guard/{commit}"
            try:
                await self._world.git.pin(pin, commit)
            except WorkbenchError:  # there is no such object
                return ""
            self._pinned[commit] = pin
        return self._pinned[commit]

    # -- the user's checkout -----------------------------------------------------------------------------

    async def conclude(self) -> list[e.Event]:
        """Look a last time, at everything; gives what may follow the end of the run."""
        found: list[e.Event] = []
        self._emit = found.append
        if self._before is not None:
            await self.look(whole=True)
        found += await self._leaks()
        return [event for event in found if isinstance(event, EVENTS)]

    async def _leaks(self) -> list[e.Event]:
        """Files of the user's checkout that changed since ``open`` and are now as an attempt made them. Other
        changes are the user's own."""
        if self._at_first is None or (before := await self._at_first) is None:
            return []
        if (now := await self._fingerprint()) is None:
            return []
        changed = [path for path, content in now.items() if content and before.get(path) != content]
        found: dict[str, list[str]] = {}
        lookups = LOOKUPS
        for attempt in list(self._state.attempts.values()):
            if not attempt.commit or lookups <= 0:
                continue
            for path in changed[:LEAKS]:
                lookups -= 1
                try:
                    made = await self._guard.blob_at(attempt.commit, path)
                    was = await self._guard.blob_at(attempt.start, path) if made == now[path] else made
                except WorkbenchError:  # told elsewhere: git does not work any more
                    return []
                if made != was:
                    found.setdefault(path, []).append(f"{attempt.teammate} at {attempt.task}")
        return [e.TamperingFound(alarm=g.leak_alarm(str(self._guard.root), found))] if found else []

    async def _fingerprint(self) -> Mapping[str, str] | None:
        """The checkout as it is; None where that cannot be told, in time."""
        try:
            return await self._guard.fingerprint()
        except (WorkbenchError, OSError, TimeoutError):
            return None


async def put_back(state: RunState, world: World, emit: Emit, found: str | None) -> bool:
    """Put the integration branch back where the log has it, from ``found``, which is pinned first; whether
    that was done. For whoever finds it moved between two looks, with attempts live."""
    git, kept = world.git, ""
    suspects = tuple(f"{attempt.teammate} at {attempt.task}" for attempt in state.working.values())
    if found is not None:
        kept = f"refs/workbench/{state.run}/guard/{found}"
        await git.pin(kept, found)
    if not await git.move_ref(state.integration, state.published, found, "workbench: put back"):
        return False
    emit(
        e.RefRestored(
            ref=state.integration,
            found=found or "",
            put_back=state.published,
            kept=kept,
            suspects=suspects,
            hint=g.bring_in(g.Whose.INTEGRATION, found or "", kept),
        )
    )
    return True


def _is_object(text: str) -> bool:
    return bool(g.OBJECT.fullmatch(text))


def guarding(state: RunState, world: World, emit: Emit) -> Guarding | None:
    """The guard of a run, where its world has one."""
    return None if world.guard is None else Guarding(state, world, world.guard, emit)
