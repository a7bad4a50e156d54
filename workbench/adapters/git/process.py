"""Running git: one command in a small thread pool, and what became of it.

GitPython's own runner is not used because it always passes the whole inherited environment on: a
``GIT_DIR`` or ``GIT_INDEX_FILE`` in it (workbench called from a hook or an alias) would silently
point every command at another repository. For one-shot commands a thread costs 15 % less than
asyncio's subprocesses, and a vfork in a thread never stalls the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import random
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

from workbench.adapters.git import restraint, silence
from workbench.core.trust.gitconfig import numbered
from workbench.crashpoints import crashpoint, killpoint
from workbench.errors import GitError

COMMITTER = ("workbench", "workbench@localhost")

KEPT = frozenset({
    "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH",
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "GIT_TEMPLATE_DIR",
})  # fmt: skip
"""Inherited ``GIT_*`` that say how this machine uses git; all others say which repository and go."""

CONFIG = {
    "core.fsmonitor": "false",  # a program named by configuration that any teammate can write
    "core.hooksPath": os.devnull,  # the user's hooks are for the user's own commits
    "core.fsync": "committed,loose-object",  # a landing must survive power loss
    "core.safecrlf": "false",  # a snapshot must take files as they are
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.packSizeLimit": "0",  # what we pack is one pack
    "commit.gpgSign": "false",
    "merge.conflictStyle": "zdiff3",
    "merge.default": "text",  # not a driver: that is a command, too
    "merge.autoStash": "false",
    "merge.verifySignatures": "false",
    "rerere.enabled": "false",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}
"""What our own commands are run with, whatever the repository's configuration says."""

BUSY = ("index.lock", ".lock': File exists", "unable to lock", "Unable to create")
"""Words of git when somebody else holds a lock that is normally gone in milliseconds."""

NEVER = ("Permission denied", "Read-only file system", "No space left on device", "Disk quota exceeded")
"""Words of git when a lock could not be made at all: no waiting helps."""
FULL = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""Refusals to start a process that pass when others end."""

WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.2)
"""Seconds between tries while a lock is held; jittered."""

PATIENCE = 2.0
"""Seconds that a process has to end after it was asked to."""

T = TypeVar("T")

log = logging.getLogger(__name__)

_overruling: list[Mapping[str, str]] = []

_pool = ThreadPoolExecutor(max_workers=max(4, os.cpu_count() or 1), thread_name_prefix="git")


class Busy(GitError):
    """A lock was held by somebody else until the last try."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: exit code, what it printed, and its complaint as text."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return decoded(self.out).strip()


def decoded(raw: bytes) -> str:
    """Bytes of git (paths above all) as text that encodes back to the same bytes."""
    return raw.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes behind ``decoded`` text."""
    return text.encode("utf-8", "surrogateescape")


def plain_environment() -> dict[str, str]:
    """This process's environment without the variables that tie git to some repository."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in KEPT}


def environment(author: tuple[str, str] = COMMITTER) -> dict[str, str]:
    """The environment of our own git commands: scrubbed, our settings, ``author`` as author."""
    env = plain_environment()
    config = {name: value for settings in _overruling for name, value in settings.items()}
    config = restraint.settings() | config | CONFIG
    env.update(
        restraint.fenced(),
        LC_ALL="C",
        LANGUAGE="C",
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_NO_REPLACE_OBJECTS="1",  # a replaced object would show us another history than git lands
        GIT_EDITOR="true",
        GIT_MERGE_AUTOEDIT="no",
        GIT_AUTHOR_NAME=author[0],
        GIT_AUTHOR_EMAIL=author[1],
        GIT_COMMITTER_NAME=COMMITTER[0],
        GIT_COMMITTER_EMAIL=COMMITTER[1],
    )
    return env | numbered(config)


@contextlib.contextmanager
def overruling(settings: Mapping[str, str]) -> Iterator[None]:
    """Until this is left, all git commands of this process go by ``settings`` besides our own, whatever the
    repository's configuration says. Of the whole process: it has one run, in one repository."""
    _overruling.append(settings)
    try:
        yield
    finally:
        _overruling.remove(settings)


@cache
def executable() -> str:
    """Where git is. Raises GitError when it is not on PATH."""
    found = shutil.which("git")
    if found is None:
        raise GitError("git was not found on PATH.", "Install git 2.38 or newer.")
    return found


@dataclass(frozen=True, slots=True)
class Place:
    """The git directory and the working tree a command is for, named so that git never searches:
    in a worktree whose ``.git`` is gone it would find a parent's repository instead. ``extra`` are
    variables that commands get there besides ours. ``clear`` takes what git waits at for ever out of the way
    and gives a sentence for each, which ``notice`` is told: for places that others write."""

    git_dir: Path
    work_tree: Path
    extra: Mapping[str, str] = field(default_factory=dict, hash=False)
    clear: Callable[[], list[str]] | None = field(default=None, compare=False, repr=False)
    notice: Callable[[str], None] = field(default=log.warning, compare=False, repr=False)

    def words(self) -> list[str]:
        return [f"--git-dir={self.git_dir}", f"--work-tree={self.work_tree}"]


async def run(
    place: Place,
    *words: str,
    feed: bytes = b"",
    fine: Iterable[int] = (0,),
    author: tuple[str, str] = COMMITTER,
    extra: Mapping[str, str] | None = None,
) -> Finished:
    """Run one git command. Lock contention is waited out for a few seconds, then raises Busy; any
    exit code not in ``fine`` raises GitError with git's last words.

    Cancelling terminates the command and waits until it has gone, so that nothing of it is still
    writing when the caller's locks are released.

    Where ``place`` has something to clear, a command that is slow is looked after: what it would wait at for
    ever is taken away, and it is run again. One that is stuck all the same raises GitError in the end.
    """
    command = [executable(), *place.words(), *words]
    env = {**environment(author), **place.extra, **(extra or {})}

    async def once() -> Finished:
        for _ in range(silence.ROUNDS):
            done = await _in_thread(command, place, feed, env)
            if done is not None:
                return _judged(done, words, frozenset(fine))
        raise GitError(
            f"git {words[0]} waited in {place.work_tree} again and again, at pipes in the place of files.",
            "Somebody puts them there still: see which process does, and end it.",
        )

    return await patiently(once)


async def opening(
    place: Place, *words: str, most: int, extra: Mapping[str, str] | None = None
) -> tuple[str, bool]:
    """The first ``most`` bytes of what one git command prints, as text, and whether there was more; then
    the command is ended. Raises GitError as ``run`` does. For what may be large, and is only looked at."""
    command = [executable(), *place.words(), *words]
    env = {**environment(), **place.extra, **(extra or {})}
    with tempfile.TemporaryFile() as complaint:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=place.work_tree,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaint,
                start_new_session=True,
            )
        except FileNotFoundError as gone:
            raise GitError(f"{place.work_tree} is not there any more.", "Was the worktree deleted?") from gone
        except OSError as refused:
            raise not_started(refused) from refused
        assert process.stdout is not None
        said, cut = bytearray(), False
        try:
            while not cut and (chunk := await process.stdout.read(65_536)):
                said += chunk
                cut = len(said) > most
        finally:
            if cut or not process.stdout.at_eof():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # it only reads: there is nothing to clean up
            await asyncio.shield(process.wait())
            process._transport.close()  # type: ignore[attr-defined]
        complaint.seek(0)
        done = Finished(0 if cut else process.returncode or 0, b"", decoded(complaint.read()))
    _judged(done, words, frozenset((0,)))
    text = bytes(said[:most]).decode("utf-8", "replace")
    return (text[: text.rfind("\n") + 1] if cut else text), cut


async def patiently(action: Callable[[], Awaitable[T]]) -> T:
    """Do ``action``, again while it raises Busy, for about four seconds; the last Busy is raised."""
    for wait in WAITS:
        try:
            return await action()
        except Busy:
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311
    return await action()


def _judged(done: Finished, words: tuple[str, ...], fine: frozenset[int]) -> Finished:
    if done.code in fine:
        return done
    complaint = last_words(done.err)
    kind = Busy if is_busy(done.err) else GitError
    hint = "Another git process holds a lock; try again when it has ended." if kind is Busy else ""
    raise kind(f"git {words[0]} failed ({done.code}): {complaint}", hint)


def is_busy(complaint: str) -> bool:
    """Whether git failed because somebody else holds a lock."""
    held = any(word in complaint for word in BUSY)
    return held and not any(word in complaint for word in NEVER)


def last_words(complaint: str) -> str:
    """The line of git's complaint that says why: the first fatal or error one, else the last."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (telling or lines[-1:] or ["it said nothing"])[0]


class _Child:
    """A process that is started in a thread and can be told to end from the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._unwanted = False

    def work(self, command: list[str], cwd: Path, feed: bytes, env: dict[str, str]) -> Finished:
        with self._lock:
            if self._unwanted:
                return Finished(-15, b"", "cancelled before it was started")
            verb = next((word for word in command[1:] if not word.startswith("-")), "")
            crashpoint(f"git.{verb}")
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        with self._process as process:
            killpoint(f"git.{verb}.running")
            out, err = process.communicate(feed or None)
            return Finished(process.returncode, out, decoded(err))

    def end(self) -> None:
        with self._lock:
            self._unwanted = True
            if self._process is not None:
                self._process.terminate()  # git removes its lock files on SIGTERM

    @property
    def pid(self) -> int | None:
        """Of the process, once there is one."""
        return None if self._process is None else self._process.pid


async def _in_thread(command: list[str], place: Place, feed: bytes, env: dict[str, str]) -> Finished | None:
    """Run a command to its end; None when it was ended since something was in its way, which is gone now."""
    child = _Child()
    future = asyncio.get_running_loop().run_in_executor(
        _pool, child.work, command, place.work_tree, feed, env
    )
    try:
        if place.clear is not None and not await _attended(child, future, place, place.clear):
            return None
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        child.end()
        await _settled(future)
        raise
    except FileNotFoundError as gone:
        raise GitError(f"{place.work_tree} is not there any more.", "Was the worktree deleted?") from gone
    except OSError as refused:
        raise not_started(refused) from refused


async def _attended(
    child: _Child, future: asyncio.Future[Finished], place: Place, clear: Callable[[], list[str]]
) -> bool:
    """Wait for a command, and see whether it waits for ever itself; False when it was ended because there
    was something in its way. Raises GitError when it is stuck and nothing was."""
    looked, still = False, silence.Stillness()
    while not (await asyncio.wait({future}, timeout=silence.SLOW_SECONDS))[0]:
        if (pid := child.pid) is None:  # it waits for others to end: no thread was free
            continue
        if not looked:
            looked = True
            if sentences := await asyncio.to_thread(clear):
                await _ended(child, future)
                for sentence in sentences:
                    place.notice(sentence)
                return False
        if still.lasted(await asyncio.to_thread(silence.activity, pid)) >= silence.SILENT_SECONDS:
            await _ended(child, future)
            raise GitError(
                f"git stood still in {place.work_tree} for {silence.SILENT_SECONDS / 60:.0f} minutes and was"
                " ended.",
                "Is there something in that folder, or on its disk, that cannot be read?",
            )
    return True


async def _ended(child: _Child, future: asyncio.Future[Finished]) -> None:
    """End a command that is stuck, by force if it must be, and all that it started."""
    processes = [] if child.pid is None else await asyncio.to_thread(silence.tree, child.pid)
    child.end()
    if not (await asyncio.wait({future}, timeout=PATIENCE))[0]:
        await asyncio.to_thread(silence.kill, processes)
    await _settled(future)


def not_started(refused: OSError) -> GitError:
    """What the system's refusal to start git comes to: full for the moment, which is waited out, or worse."""
    sentence = f"git could not be started: {refused.strerror}."
    if refused.errno in FULL:
        return Busy(sentence, "The machine has no room for another process: end some, or raise the limit.")
    return GitError(sentence, "Look after the machine: its disk, its memory, its limits.")


async def _settled(future: asyncio.Future[Finished]) -> None:
    """Wait for ``future`` whatever becomes of it, and however often we are cancelled meanwhile."""
    while not future.done():
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await asyncio.shield(future)
