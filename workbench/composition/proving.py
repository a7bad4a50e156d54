"""The gates on a branch from which something is to be taken off."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from workbench.adapters.gates import ShellGates
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.processes import reap_orphans
from workbench.composition.harvest import Say
from workbench.composition.place import Place
from workbench.composition.wiring import furnishing_of, open_gates
from workbench.core.models import Reversal, Verdict
from workbench.core.state import RunState
from workbench.core.undo import Undo, in_the_way
from workbench.errors import WorkbenchError


class RedUndo(WorkbenchError):
    """A gate is red without what was to be undone; ``output`` is what it said."""

    def __init__(self, sentence: str, hint: str, output: str) -> None:
        super().__init__(sentence, hint)
        self.output = output


async def prove(
    place: Place,
    git: Plumbing,
    state: RunState,
    going: Sequence[Undo],
    last: Reversal,
    gates: Sequence[str],
    say: Say,
) -> list[Verdict]:
    """Run those of ``gates`` that are not proven green on the tree of ``last``; gives their verdicts.

    A red gate is run once more, for it may be flaky. Raises RedUndo when it stays red and is to blame on
    what is undone; a gate of one task's own that was red before as well is passed over, and said.
    """
    if not gates:
        say("no gate is left to run: nothing proves what the branch will hold")
        return []
    await asyncio.to_thread(reap_orphans, state.run, place.state_dir)  # a gate of a try that was killed
    furnishing = furnishing_of(place, state.run, state.settings)
    async with open_gates(place, state.run, state.settings, furnishing, slots=1) as runner:
        here = runner.environment()
        left = [gate for gate in gates if not _known_green(state, last.tree, gate, here)]
        if left:
            say("running the gates on what stays")
        return await _run(git, state, going, last, left, runner, say)


def _known_green(state: RunState, tree: str, gate: str, environment: str) -> bool:
    verdict = state.verdicts.get((tree, gate, environment))
    return verdict is not None and verdict.green


async def _run(
    git: Plumbing,
    state: RunState,
    going: Sequence[Undo],
    last: Reversal,
    left: list[str],
    runner: ShellGates,
    say: Say,
) -> list[Verdict]:
    found: list[Verdict] = []
    doubted = ""
    while left:
        verdicts = await runner.check(last.commit, last.tree, left)
        found += verdicts
        red = verdicts[-1] if not verdicts[-1].green else None
        left = left[len(verdicts) - (red is not None) :]
        if red is None or red.gate != doubted:
            doubted = red.gate if red is not None else ""
            continue
        if await _green_before(git, state, red.gate, runner):
            raise _refusal(state, going, red)
        if red.gate in state.settings.gates:
            raise RedUndo(
                f"`{red.gate}` is red on the branch as it is, too: something outside the work changed.",
                "Mend that, then undo again. Nothing was changed.",
                red.output,
            )
        say(f"`{red.gate}`, a gate of one task's own, was red before as well: passed over")
        left = left[1:]
    return found


async def _green_before(git: Plumbing, state: RunState, gate: str, runner: ShellGates) -> bool:
    """Run a gate on the branch as it is; what is known of it from before is in doubt now."""
    tip = state.published
    (verdict,) = await runner.check(tip, await git.tree_of(tip), [gate])
    return verdict.green


def _refusal(state: RunState, going: Sequence[Undo], red: Verdict) -> RedUndo:
    names = [it.landing.task for it in reversed(going)]
    paths = [path for it in going for path in it.landing.files]
    later = in_the_way(state, [it.landing for it in going], paths)
    oldest = state.landings.index(going[-1].landing)
    since = [it.task for it in state.landings[oldest:] if not it.undone and it.task not in names]
    others = [name for name in later if name not in names]
    if others:
        hint = f"{', '.join(others)} changed the same files later; undo them together: "
        hint += f"`workbench undo {' '.join([*names, *others])} --run {state.run}`."
    elif since:
        hint = f"Landed since, and perhaps built upon it: {', '.join(since)}; name those too."
    else:
        hint = f"Look with `git show -m {going[-1].landing.commit[:10]}` at what it would take away."
    return RedUndo(
        f"`{red.gate}` is red without {', '.join(names)}.", f"{hint} Nothing was changed.", red.output
    )
