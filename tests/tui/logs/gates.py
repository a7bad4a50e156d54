"""What gates say, as the script has it."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tests.tui.logs.beats import Red
from workbench.core.models import Verdict

if TYPE_CHECKING:
    from tests.tui.logs.stage import Stage

ENVIRONMENT = "linux-x86_64-5bd1a8249ae7"


class Gates:
    """The gates of a run on stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._script = stage, stage.script
        self._alone = {task: deque(reds) for task, reds in stage.script.reds.items()}
        self._candidates = 0

    def seconds(self, tree: str) -> float:
        """How long a run of the slow ones takes on a tree."""
        return self._script.gate_seconds * (0.85 + 0.3 * random.Random(tree).random())

    def alone(self, task: str) -> Red | None:
        """What is wrong with a task's work alone, at the next check of it."""
        left = self._alone.get(task)
        return left.popleft() if left else None

    def together(self, names: Sequence[str]) -> Red | None:
        """What is wrong with what has landed and ``names`` together, at the next check of that."""
        self._candidates += 1
        return self._script.flaky.get(self._candidates) or self._thrown(names) or self._pair(names)

    def _thrown(self, names: Iterable[str]) -> Red | None:
        landing = self._stage.state.landing
        rungs = {step.task: step.rung for step in landing.steps} if landing is not None else {}
        settled = [task for task in names if task in self._script.thrown and rungs.get(task)]
        return self._script.thrown[settled[0]] if settled else None

    def _pair(self, names: Sequence[str]) -> Red | None:
        state = self._stage.state
        there = {it.task for it in state.standing} | set(names)
        for pair in self._script.pairs:
            both = {pair.earlier, pair.later}
            mended = max(state.tasks[name].fixups for name in both) >= pair.until
            if both <= there and both & set(names) and not mended:
                return pair.red
        return None

    def verdicts(self, tree: str, gates: Sequence[str], red: Red | None) -> tuple[Verdict, ...]:
        """What is said of a tree: green, but for ``red``, after which nothing else is run."""
        found: list[Verdict] = []
        passed = self._script.passed + len(self._stage.state.landings) * 3
        for gate in gates:
            bad = red if red is not None and red.gate == gate else None
            slow = "pytest" in gate
            seconds = round(self.seconds(tree) if slow else 0.4, 2)
            green = f"{passed} passed in {seconds:.2f}s" if slow else "All checks passed!"
            found.append(
                Verdict(
                    tree=tree, gate=gate, environment=ENVIRONMENT, green=bad is None, seconds=seconds,
                    output=bad.output if bad else green, exit_code=bad.exit_code if bad else 0,
                    failing=bad.failing if bad else (),
                )
            )  # fmt: skip
            if bad is not None:
                break
        return tuple(found)
