"""Gates: commands that must exit 0 on a tree, each run in a clean worktree with nobody watching.

What a gate's environment is: that of workbench, less git's variables (they would point git at
another repository), less what only concerns agents and their keys, plus

- ``WORKBENCH_GATE=1``, for scripts that want to know;
- ``CI=true`` unless it is set already: nobody is there to answer, and test runners that watch files
  for ever run once instead;
- ``PYTHONDONTWRITEBYTECODE=1``: one worktree shows commit after commit within a second, and Python
  takes a ``.pyc`` for fresh when its source has the same size and second, so a kept one could give
  the verdict of another commit;
- ``GIT_CEILING_DIRECTORIES``, so that git in a broken worktree does not answer for a repository above;
- ``WORKBENCH_JUNIT``, a file outside the worktree to which the gate may write JUnit XML, so that its failing
  tests are known by name: ``pytest --junitxml="$WORKBENCH_JUNIT"``.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.adapters.children import Child, Starter
from workbench.adapters.direct import DIRECT
from workbench.adapters.gatelogs import GateLogs
from workbench.adapters.junit import reports_of
from workbench.adapters.output import SEARCHED_BYTES, Capture, captured, explained, shell_code
from workbench.core.models import FAILING_LIMIT, TEXT_LIMIT, Verdict
from workbench.core.redaction import Redactor
from workbench.crashpoints import crashpoint, killpoint
from workbench.engine.ports import Checkouts
from workbench.errors import SetupError

WITHHELD = ("GIT_", "ANTHROPIC_", "CLAUDE", "WORKBENCH_")
WITHHELD_NAMES = frozenset({"GITHUB_TOKEN", "GH_TOKEN", "AWS_BEARER_TOKEN_BEDROCK"})
"""What a gate, which runs code that agents wrote, does not get to see."""

PASSED = ("WORKBENCH_RUN", "WORKBENCH_STATE")
"""Kept all the same: by these a resumed run finds gates that its killed predecessor left running."""

# fmt: off
TOOLCHAIN = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON", "NODE_PATH",
    "NODE_ENV", "NODE_OPTIONS", "JAVA_HOME", "GOROOT", "GOPATH", "GOFLAGS", "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS", "CARGO_HOME", "GEM_HOME", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ",
)
# fmt: on
"""Variables that choose compilers, interpreters and their behaviour."""


class ShellGates:
    """Fulfils ``engine.ports.Gates`` by ``sh -c`` in a leased worktree.

    ``seconds`` bounds each command. ``env`` is the environment to start from, workbench's own;
    ``setup`` the commands that prepare a worktree, on which a verdict depends too. ``junit`` are globs,
    relative to the worktree, of the JUnit XML that gates write there; ``quarantine`` are patterns of tests
    whose failure alone is excused (see ``core.quarantine``). ``starter`` starts them: under supervision,
    or directly; ``confined`` names the walls behind which, since a verdict depends on them. What gates print
    is written to files below ``logs`` while they run, without the secrets that ``redactor`` knows.
    """

    def __init__(
        self,
        checkouts: Checkouts,
        *,
        seconds: float,
        env: Mapping[str, str],
        setup: Sequence[str] = (),
        junit: Sequence[str] = (),
        quarantine: Sequence[str] = (),
        starter: Starter = DIRECT,
        confined: str = "",
        logs: Path | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._starter = starter
        self._logs = GateLogs(logs, redactor)
        self._checkouts = checkouts
        self._seconds = seconds
        self._env = _for_gates(env)
        self._junit = tuple(junit)
        self._quarantine = tuple(quarantine)
        excuses = [*self._excuses(), *([confined] if confined else [])]
        self._environment = _fingerprint(env, setup, seconds, excuses)
        self._sweeping: set[asyncio.Task[None]] = set()

    def environment(self) -> str:
        """Platform, and a hash of what chooses the tools: the TOOLCHAIN variables, the set-up
        commands, the time limit and what is quarantined. Other variables (terminals, sessions)
        change from shell to shell and would only make a resumed run check everything again."""
        return self._environment

    def _excuses(self) -> list[str]:
        """What decides which red runs are excused; where the reports are is part of it."""
        return ["quarantine", *self._quarantine, "junit", *self._junit] if self._quarantine else []

    async def check(
        self, commit: str, tree: str, commands: Sequence[str], urgent: bool = False
    ) -> list[Verdict]:
        """See ``Gates.check``. Raises SetupError when no process can be started at all."""
        verdicts: list[Verdict] = []
        if not commands:
            return verdicts
        async with self._checkouts.lease(commit, urgent) as where:
            for command in commands:
                verdicts.append(await self._run(where, commit, tree, command))
                if not verdicts[-1].green:
                    break
        return verdicts

    async def aclose(self) -> None:
        """Wait until what gates left behind is gone. Safe to call twice."""
        if self._sweeping:
            await asyncio.wait(self._sweeping)

    def _sweep(self, child: Child) -> None:
        """End what left the gate's group, behind the verdict's back."""
        task = asyncio.ensure_future(child.sweep())
        self._sweeping.add(task)
        task.add_done_callback(self._sweeping.discard)

    async def _run(self, where: Path, commit: str, tree: str, command: str) -> Verdict:
        async with reports_of(where, self._junit) as reports:
            began = time.monotonic()
            with (
                self._logs.of(commit, tree, command) as log,
                captured(SEARCHED_BYTES, log.write if log else None) as output,
            ):
                returncode = await self._exit_of(command, where, output, reports.file)
            seconds = time.monotonic() - began
            exit_code = None if returncode is None else shell_code(returncode)
            failing: tuple[str, ...] = ()
            excused: tuple[str, ...] = ()
            doubt = ""
            if exit_code != 0:
                from workbench.adapters.weighing import weighed

                failing, excused, doubt = await asyncio.to_thread(
                    weighed, command, exit_code, output, reports, self._quarantine
                )
        text = output.text()
        if exit_code is None:
            text = _with(text, f"`{command}` did not finish within {self._seconds:g} s and was ended.")
        elif exit_code >= 126:
            text = _with(text, f"`{command}` {explained(exit_code)}.")
        if doubt:
            text = _with(text, f"All tests that failed are quarantined, but the gate stays red: {doubt}.")
        return Verdict(
            tree=tree,
            gate=command,
            environment=self._environment,
            green=exit_code == 0 or bool(excused),
            seconds=round(seconds, 4),
            output=text,
            exit_code=exit_code,
            failing=() if excused else failing[:FAILING_LIMIT],
            quarantined=excused[:FAILING_LIMIT],
        )

    async def _exit_of(self, command: str, where: Path, output: Capture, junit: Path) -> int | None:
        """Run to the end, or to the end of its time (None). Leaves no process behind in any case."""
        mark = ("WORKBENCH_GATE_ID", secrets.token_hex(8))
        env = self._env | {mark[0]: mark[1], "GIT_CEILING_DIRECTORIES": str(where.parent)}
        env["WORKBENCH_JUNIT"] = str(junit)
        try:
            crashpoint("gate.start")
            child = await self._starter.start(
                command, cwd=where, env=env, stdin=subprocess.DEVNULL, output=output.write_end, mark=mark
            )
        except (OSError, ValueError) as error:
            raise SetupError(
                f"The gate `{command}` could not be started: {error}.",
                "Check that the machine has room for more processes, and that the command is plain text.",
            ) from error
        try:
            output.started()
            killpoint("gate.running")
            async with asyncio.timeout(self._seconds):
                returncode = await child.wait()
            killpoint("gate.ended")
            output.close()  # what leftovers say when they are ended is not the gate's output
            return returncode
        except TimeoutError:
            return None
        finally:
            await child.end_near()
            if not child.proven:
                self._sweep(child)


def _with(text: str, sentence: str) -> str:
    return f"{text[-(TEXT_LIMIT - len(sentence) - 1) :]}\n{sentence}".lstrip("\n")


def _for_gates(env: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in env.items()
        if name in PASSED or not (name.startswith(WITHHELD) or name in WITHHELD_NAMES)
    }
    return {"CI": "true"} | kept | {"WORKBENCH_GATE": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _fingerprint(env: Mapping[str, str], setup: Sequence[str], seconds: float, excuses: Sequence[str]) -> str:
    parts = [f"{name}={env.get(name, '')}" for name in TOOLCHAIN] + ["\0".join(setup), f"{seconds:g}"]
    parts += ["\0".join(excuses)] if excuses else []
    digest = hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()
    return f"{sys.platform}-{platform.machine()}-{digest[:12]}"
