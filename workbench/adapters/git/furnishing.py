"""What a new worktree needs besides git's files: copied and linked ones, and set-up commands."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.adapters.children import Starter
from workbench.adapters.direct import DIRECT
from workbench.adapters.git.administration import Linked
from workbench.adapters.git.excludes import exclude, literal
from workbench.adapters.git.process import decoded, encoded, plain_environment, run
from workbench.adapters.git.status import parse
from workbench.adapters.output import captured, shell_code
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import SetupError

TAIL = 4_000
"""Characters of a failed set-up command's output that are shown."""

READY = "workbench-ready"
"""File in git's folder about the worktree: furnishing was finished."""

Notice = Callable[[str], None]
"""Takes a sentence for the user about something that is odd but not fatal."""


def silent(sentence: str) -> None:
    """A Notice that nobody hears."""


@dataclass(frozen=True, slots=True)
class Furnishing:
    """``copy`` and ``link`` are paths or globs relative to ``source``, the main checkout; ``setup``
    are commands for ``sh -c`` in the new worktree, with ``env`` as their environment (None: this
    process's own, without what ties git to a repository), started by ``starter``."""

    source: Path
    copy: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    notice: Notice = silent
    env: Mapping[str, str] | None = None
    starter: Starter = DIRECT

    async def furnish(self, linked: Linked) -> str:
        """Bring files and run the set-up commands unless that was done before; gives their output.

        Raises SetupError with the end of the output when a command does not exit 0. Unfinished
        furnishing (a failure, a cancel, a kill) is done again on the next call.
        """
        if (linked.admin / READY).exists():
            return ""
        brought = await asyncio.to_thread(self._bring, linked.path) if self.copy or self.link else []
        if brought:
            await self._keep_out(linked, brought)
        said = [await _set_up(command, linked.path, self.env, self.starter) for command in self.setup]
        if self.setup:
            await self._disown(linked)
        crashpoint("worktree.furnished")
        (linked.admin / READY).touch()
        killpoint("worktree.ready")
        return "\n".join(said)

    async def brought(self, linked: Linked) -> tuple[str, ...]:
        """Patterns for everything in the worktree that git does not track: right after furnishing, what
        that brought."""
        if not (self.copy or self.link or self.setup):
            return ()
        words = ("status", "--porcelain=v2", "-z", "--ignored=traditional", "--untracked-files=normal")
        entries = parse((await run(linked.place, *words)).out).entries
        return tuple(f"/{literal(entry.path)}" for entry in entries if entry.kind in "!?")

    async def _disown(self, linked: Linked) -> None:
        """What set-up commands left is nobody's work: files they changed are put back, files they made
        are excluded from commits."""
        words = ("status", "--porcelain=v2", "-z", "--untracked-files=normal")
        entries = parse((await run(linked.place, *words)).out).entries
        made = [entry.path.rstrip("/") for entry in entries if entry.kind == "?"]
        if made:
            exclude(linked.common_dir, made)
        if len(made) < len(entries):
            await run(linked.place, "checkout", "-f", "-q", "--", ".")

    def _bring(self, worktree: Path) -> list[str]:
        brought: list[str] = []
        for patterns, bring in ((self.copy, _copy), (self.link, _link)):
            for pattern in patterns:
                for path in self._matches(pattern):
                    target = worktree / path.relative_to(self.source)
                    if not os.path.lexists(target) and _inside(target, worktree):
                        crashpoint("furnish.bring")
                        bring(path, target)
                        brought.append(str(path.relative_to(self.source)))
        return brought

    def _matches(self, pattern: str) -> list[Path]:
        """Paths in the main checkout; none outside it, none of git's or workbench's own."""
        parts = Path(pattern).parts
        if not parts or Path(pattern).is_absolute() or {"..", ".git", ".workbench"} & set(parts):
            self.notice(f"{pattern!r} points outside the checkout and was left out.")
            return []
        found = sorted(path for path in self.source.glob(pattern) if ".git" not in path.parts)
        inside = [path for path in found if _inside(path, self.source)]
        if not inside:
            self.notice(f"Nothing matches {pattern!r} in {self.source}; not brought to the worktree.")
        return inside

    async def _keep_out(self, linked: Linked, brought: Sequence[str]) -> None:
        """Exclude what git does not ignore already: a copied ``.env`` must never be committed, and
        the pattern ``node_modules/`` does not match a link of that name."""
        feed = b"".join(encoded(path) + b"\0" for path in brought)
        tracked_or_not = await run(linked.place, "check-ignore", "-z", "--stdin", feed=feed, fine=(0, 1))
        ignored = set(decoded(tracked_or_not.out).split("\0"))
        exclude(linked.common_dir, [path for path in brought if path not in ignored])


def _inside(path: Path, folder: Path) -> bool:
    return path.parent.resolve().is_relative_to(folder.resolve())


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(path)


async def _set_up(command: str, worktree: Path, env: Mapping[str, str] | None, starter: Starter) -> str:
    """Run it to its end; what it leaves running is ended, as a gate's is."""
    crashpoint("furnish.set-up")
    mark = ("WORKBENCH_SETUP_ID", secrets.token_hex(8))
    variables = {**(plain_environment() if env is None else env), mark[0]: mark[1]}
    with captured() as output:
        child = await starter.start(
            command,
            cwd=worktree,
            env=variables,
            stdin=subprocess.DEVNULL,
            output=output.write_end,
            mark=mark,
        )
        try:
            output.started()
            killpoint("furnish.set-up.running")
            exit_code = shell_code(await child.wait())
            output.close()
        finally:
            await child.end()
    text = output.text()
    if exit_code:
        raise SetupError(
            f"The set-up command {command!r} failed with exit code {exit_code}:\n{text[-TAIL:]}",
            "Make it succeed in a fresh checkout of the repository, then resume.",
        )
    return text
