"""What two looks at a repository come to: refs of the run are put back, the user's are told of.

Whatever would be lost is pinned first, under ``refs/workbench/RUN/guard/``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from workbench.core import alarms as words
from workbench.core import events as e
from workbench.core import guard as g
from workbench.core.alarms import Alarm
from workbench.core.state import RunState
from workbench.engine.ports import Emit, Git, Guard
from workbench.engine.world import World
from workbench.errors import WorkbenchError

SETTLING_SECONDS = 0.05
"""How long git may take between the two files that it writes when a branch moves."""


class Judge:
    """Judges what is found for one run. ``emit`` may be set anew."""

    def __init__(self, state: RunState, world: World, guard: Guard, emit: Emit) -> None:
        self._state, self._world, self._guard, self.emit = state, world, guard, emit
        self._users: str | None = None  # where a person moved the integration branch while nobody was there
        self._said: set[str] = set()
        self._told: set[str] = set()  # alarms of a look that broke off, and is judged again
        self._pinned: dict[str, str] = {}

    async def judge(self, before: g.Snapshot, now: g.Snapshot, names: tuple[str, ...]) -> None:
        """Do what is called for by what changed between two looks; ``names`` are the attempts that were live
        meanwhile. When it raises, the same two may be given again: nothing is then told twice."""
        others: list[g.Moved] = []
        # All at once: what the run writes while one of them is dealt with is no finding.
        for moved in list(g.astray(before, now, self._state.run, self._state.teammates)):
            match moved.whose:
                case g.Whose.INTEGRATION if not names or moved.found == self._users:
                    # The user, and nobody else: the next batch is built on it, or stops the run.
                    self._users = moved.found
                case g.Whose.INTEGRATION | g.Whose.PIN:
                    found = await self._world.git.tip(moved.ref)
                    to = now.ours.get(moved.ref, moved.expected)  # it may have been published since
                    if found is None or found not in (to, now.maybe.get(moved.ref)) or _symbolic(moved):
                        await self._ours(moved, found, to, names)
                case g.Whose.TEAMMATE:
                    await self._teammates(moved, names)
                case _:
                    others.append(moved)
        await self._others(others, now, names)
        await self._unstashed(before, now, names)
        await self._configuration(before, now, names)
        root = str(self._guard.git_dir / "hooks")
        if before.hooks != now.hooks and (alarm := words.hook_alarm(root, before.hooks, now.hooks)):
            self._raise(alarm, names)
        for checkout in before.heads.keys() & now.heads.keys():
            if alarm := words.head_alarm(checkout, before.heads[checkout], now.heads[checkout]):
                self._raise(alarm, names)
        self._told.clear()

    async def _ours(self, moved: g.Moved, found: str | None, to: str, suspects: tuple[str, ...]) -> None:
        """Put a ref of the run back where the log and our own writes have it, if it still is where it was
        ``found``."""
        if not to:
            self.once(f"somebody made the ref {moved.ref}; it is left alone")
            return
        git, ref = self._world.git, moved.ref
        kept = "" if found is None or await _holds(git, to, found) else await self._keep(found)
        try:
            # What names no object has no tip, and is there all the same.
            old = found or (moved.found if _is_object(moved.found) else None)
            if not await git.move_ref(ref, to, old, "workbench: put back"):
                return  # it moved again: the next look sees where to
        except WorkbenchError as problem:
            sentence = f"{g.short(ref)} is not where the run left it, and could not be put back: {problem}"
            self._raise(
                Alarm(kind="ref", sentence=sentence, hint=f"git update-ref --no-deref {ref} {to}"), suspects
            )
            return
        self.emit(
            e.RefRestored(
                ref=ref,
                found=moved.found if found is None else found,
                put_back=to,
                kept=kept,
                suspects=suspects,
                hint=words.bring_in(moved.whose, found or "", kept),
            )
        )

    async def _teammates(self, moved: g.Moved, suspects: tuple[str, ...]) -> None:
        """A teammate's branch is its own to move, in its own worktree. Moved from elsewhere, it goes back."""
        name = moved.ref.rpartition("/")[2]
        where = self._state.teammates[name].worktree
        if not where or self._own(where, moved.ref) in ("", moved.found):
            return
        await asyncio.sleep(SETTLING_SECONDS)
        found = await self._world.git.tip(moved.ref)  # before its log: a commit in between is its own
        own = self._own(where, moved.ref)
        if own and (found != own or _symbolic(moved)):
            others = tuple(it for it in suspects if not it.startswith(f"{name} at "))
            await self._keep(own)  # should its teammate commit just now, on what it was moved to
            await self._ours(moved, found, own, others or suspects)

    def _own(self, worktree: str, ref: str) -> str:
        return self._guard.own_tip(Path(worktree), ref)

    async def _others(self, moves: list[g.Moved], now: g.Snapshot, suspects: tuple[str, ...]) -> None:
        """Refs of the user's and of earlier runs: told, and pinned where something would be lost."""
        gone: list[g.Moved] = []
        replaced: list[str] = []
        for moved in moves:
            if moved.whose is g.Whose.REPLACE:
                replaced += [moved.ref] if moved.found else []
            elif moved.expected and (await self._world.git.tip(moved.ref) or "") != moved.expected:
                if await self._forward(moved):
                    self.once(f"{moved.name} moved on to {moved.found[:10]}: no run does that", moved.ref)
                elif not await self._cleaned(moved, now):
                    gone.append(moved)
        kept = await self._keep_all(moved.expected for moved in gone)
        for alarm in words.lost(gone, kept):
            self._raise(alarm, suspects)
        if replaced:
            self._raise(words.replaced_alarm(replaced), suspects)

    async def _cleaned(self, moved: g.Moved, now: g.Snapshot) -> bool:
        """Whether it is gone from an earlier run as by `workbench clean`, which may be used at any time: what
        it held is on the branch that runs are for, or in what else there is of that run."""
        if moved.whose is not g.Whose.PAST or moved.found:
            return False
        run = moved.ref.removeprefix("refs/heads/").removeprefix("refs/").split("/")[1]
        branches = (f"refs/heads/{self._state.target}", f"refs/heads/workbench/{run}/integration")
        tips = {tip for ref in branches if (tip := now.value(ref)) and _is_object(tip)}
        for tip in tips:
            if await _holds(self._world.git, tip, moved.expected):
                return True
        return moved.expected in now.under(f"refs/workbench/{run}/")

    async def _forward(self, moved: g.Moved) -> bool:
        """Whether a branch, or notes or what else has a history, only grew."""
        if not all(map(_is_object, (moved.expected, moved.found))):
            return False
        try:
            return await self._world.git.is_ancestor(moved.expected, moved.found)
        except WorkbenchError:  # what it is at now is no commit of this repository
            return False

    async def _unstashed(self, before: g.Snapshot, now: g.Snapshot, suspects: tuple[str, ...]) -> None:
        gone = g.unstashed(before, now)
        kept = await self._keep_all(entry.commit for entry in gone)
        foreign = [entry for entry in gone if not entry.of(self._state.run)]
        if alarm := words.unstash_alarm(foreign, kept):
            self._raise(alarm, suspects)

    async def _configuration(self, before: g.Snapshot, now: g.Snapshot, suspects: tuple[str, ...]) -> None:
        for name in sorted(before.files.keys() | now.files.keys()):
            old, new = before.files.get(name, b""), now.files.get(name, b"")
            path = str(self._guard.git_dir / name)
            if old == new:
                continue
            if not name.startswith("config"):
                self._raise(words.file_alarm(path), suspects)
                continue
            try:
                known, found = [words.keys(await self._guard.keys(content)) for content in (old, new)]
            except WorkbenchError as problem:
                self._raise(
                    Alarm(kind="config", sentence=f"git cannot read {path} any more: {problem}"), suspects
                )
                continue
            for alarm in words.config_alarms(path, known, found):
                self._raise(alarm, suspects)

    # -- telling, and keeping ----------------------------------------------------------------------------

    def _raise(self, alarm: Alarm, suspects: tuple[str, ...]) -> None:
        if alarm.kind == "note":
            self.once(alarm.sentence)
        elif alarm.sentence not in self._told:
            self._told.add(alarm.sentence)
            self.emit(e.TamperingFound(alarm=alarm.model_copy(update={"suspects": suspects})))

    def once(self, sentence: str, about: str = "") -> None:
        """Tell something that is no alarm: once, or once ``about`` a thing."""
        if (about or sentence) not in self._said:
            self._said.add(about or sentence)
            self.emit(e.Noticed(sentence=sentence))

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


async def _holds(git: Git, tip: str, commit: str) -> bool:
    """Whether ``commit`` is reachable from ``tip`` anyhow; False for what is no commit."""
    try:
        return await git.is_ancestor(commit, tip)
    except WorkbenchError:
        return False


def _symbolic(moved: g.Moved) -> bool:
    return moved.found.startswith("ref:")


def _is_object(text: str) -> bool:
    return bool(g.OBJECT.fullmatch(text))
