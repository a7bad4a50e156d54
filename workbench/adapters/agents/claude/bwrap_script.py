"""What stands before bubblewrap on a sandboxed teammate's PATH, called so:

    python -I -S THIS WORKTREE BWRAP COUNT MORE… ARGS…

Claude Code lays an empty file on each protected path that does not exist, for as long as a command runs, and
takes it away afterwards. Teammates share the repository's ``.git``: one's files come and go while another's
bubblewrap puts up its walls, which then fails, although nothing is wrong. So this starts the real
bubblewrap, and starts it again when it failed before the command ran. A command that ran is never repeated.

The COUNT words MORE are options that come after Claude Code's own: what narrows its walls.

Needs the standard library only, and imports little: it runs once for every command.
"""

# pathlib would double the time this takes to start.
# ruff: noqa: PTH110, PTH113, PTH118, PTH119, PTH120

from __future__ import annotations

import fcntl
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

TRIES = 10

PAUSE = (0.01, 0.05)
"""Seconds between two tries, at random so that two teammates do not stay in step."""

_NONE = (
    "unshare-all share-net unshare-user unshare-user-try unshare-ipc unshare-pid unshare-net unshare-uts "
    "unshare-cgroup unshare-cgroup-try disable-userns assert-userns-disabled clearenv new-session "
    "die-with-parent as-pid-1"
)
_ONE = (
    "uid gid hostname chdir unsetenv lock-file sync-fd info-fd remount-ro exec-label file-label proc dev "
    "tmpfs mqueue dir cap-add cap-drop perms size argv0"
)
_TWO = "setenv bind bind-try dev-bind dev-bind-try ro-bind ro-bind-try symlink chmod"

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

ARITY = {f"--{name}": count for count, names in enumerate((_NONE, _ONE, _TWO)) for name in names.split()}
"""How many values an option takes. Those that read from a descriptor are left out: it can be read once, so
there could be no second try."""

MUST_EXIST = frozenset(("--bind", "--ro-bind", "--dev-bind"))

WRITABLE = frozenset(("--bind", "--bind-try", "--dev-bind", "--dev-bind-try"))

# Says that the walls stand, gives the command the real stderr, and becomes the command.
_BEGIN = 'printf s >&{mark}; exec 2>&{err} {err}>&- {mark}>&-; exec "$@"'

Option = tuple[str, ...]


def parse(words: list[str]) -> tuple[list[Option], list[str]] | None:
    """The options and the command after ``--``; None for a call that is not understood."""
    options: list[Option] = []
    at = 0
    while at < len(words) and words[at] != "--":
        if (count := ARITY.get(words[at])) is None:
            return None
        options.append(tuple(words[at : at + 1 + count]))
        at += 1 + count
    return (options, words[at + 1 :]) if at + 1 < len(words) else None


def possible(options: list[Option], worktree: str) -> Iterator[Option]:
    """``options`` without the mounts that cannot or should not be made now.

    ``config.lock`` of a git directory is never covered. Covering it makes the file in the shared ``.git``,
    where it is in the way of every ``git config`` outside, and stays if its maker is killed. What is lost
    is little: a command could make that file itself, as it can make other locks; it could not put it in the
    place of ``config``, which is covered itself, as ``hooks`` is.

    What was there when the call was put together and is gone now was another teammate's empty file. Where
    commands can write, it is covered as Claude Code covers what does not exist; elsewhere nothing could be
    made there anyway. Inside a git directory and the teammate's own worktree nothing else is left out: if
    it is gone, bubblewrap refuses, which is the safe way to fail.
    """
    writable = [option[2] for option in options if option[0] in WRITABLE]
    for option in options:
        if option[0] not in MUST_EXIST:
            yield option
        elif _config_lock(option[2]):
            continue
        elif option[1] != option[2] or os.path.exists(option[1]) or _kept(option[1], worktree):
            yield option
        elif option[0] == "--ro-bind" and any(_inside(option[2], place) for place in writable):
            yield ("--ro-bind", "/dev/null", option[2])


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _git_directory(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "HEAD"))


def _config_lock(path: str) -> bool:
    folder, name = os.path.split(path)
    return name == "config.lock" and _git_directory(folder)


def _kept(path: str, worktree: str) -> bool:
    """Whether ``path`` must be mounted even though it is gone."""
    if _inside(path, worktree):
        return True
    while path not in ("/", ""):
        path = os.path.dirname(path)
        if _git_directory(path):
            return True
    return False


def narrowed(words: list[str], more: list[str]) -> list[str]:
    """``words`` with the options ``more`` after those that they hold. What Claude Code lays over a worktree's
    own git settings comes last again: ``more`` may open the folder around them."""
    if not more or "--" not in words:
        return words
    end = words.index("--")
    again: list[str] = []
    for at in range(end - 2):
        if words[at] == "--ro-bind" and os.path.basename(words[at + 2]) == "config.worktree":
            again += words[at : at + 3]
    return [*words[:end], *more, *again, *words[end:]]


def main(worktree: str, real: str, words: list[str]) -> None:
    """Run ``real`` with ``words``; never returns."""
    parsed = parse(words)
    # For the shell, a descriptor has one digit.
    free = [fd for fd in range(3, 10) if not _open(fd)]
    if parsed is None or len(free) < 2:
        os.execv(real, [real, *words])  # noqa: S606 - the words are Claude Code's own
    else:
        _Walls(worktree, real, *parsed, mark=free[0], err=free[1]).run()


def _open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _die_with_parent() -> None:
    """As the real bubblewrap would have: end when whoever started this ends."""
    parent = os.getppid()
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL))
    except (ImportError, OSError, AttributeError):
        return  # a Python without ctypes: then the command ends by its time limit only
    if os.getppid() != parent:
        os._exit(137)


def _high(fd: int) -> int:
    """``fd`` under a number that is in nobody's way, and that no program started from here inherits."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)


def _pipe() -> tuple[int, int]:
    ends = os.pipe()
    read, write = map(_high, ends)
    for fd in ends:
        os.close(fd)
    return read, write


class _Walls:
    """One command and the tries to put up its sandbox."""

    def __init__(
        self, worktree: str, real: str, options: list[Option], command: list[str], *, mark: int, err: int
    ) -> None:
        self._worktree = worktree
        self._real = real
        self._options = options
        begin = _BEGIN.format(mark=mark, err=err)
        self._command = ["--", "/bin/sh", "-c", begin, "sh", *command]
        self._mark, self._err = mark, err
        self._stderr = _high(2)
        # Claude Code goes by the first process id it is told, which must not be that of a failed try.
        self._info = next((int(option[1]) for option in options if option[0] == "--info-fd"), None)
        self._told = _high(self._info) if self._info is not None else None
        self._child = 0

    def run(self) -> None:
        _die_with_parent()
        for number in PASSED_ON:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._pass_on)
        for left in reversed(range(TRIES)):
            began, said, info, status = self._try()
            if began or left == 0 or os.WIFSIGNALED(status):
                break
            time.sleep(random.uniform(*PAUSE))  # noqa: S311 - no secret
        if not began:
            self._tell(info)
        if said:
            os.write(self._stderr, said)
        _end(status)

    def _try(self) -> tuple[bool, bytes, bytes, int]:
        """Whether the command began, what bubblewrap itself said and told, and how it ended."""
        said = _high(os.memfd_create("bwrap"))
        began, mark = _pipe()
        told, info = _pipe()
        actions = [
            (os.POSIX_SPAWN_DUP2, said, 2),
            (os.POSIX_SPAWN_DUP2, mark, self._mark),
            (os.POSIX_SPAWN_DUP2, self._stderr, self._err),
        ]
        if self._info is not None:
            actions.append((os.POSIX_SPAWN_DUP2, info, self._info))
        walls = [word for option in possible(self._options, self._worktree) for word in option]
        words = [self._real, "--die-with-parent", *walls, *self._command]
        # A signal waits until it is known whom to pass it on to.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        self._child = os.posix_spawn(self._real, words, os.environ, file_actions=actions, setsigmask=before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(mark)
        os.close(info)
        ran = os.read(began, 1) == b"s"
        os.set_blocking(told, False)
        news = _waiting(told)
        if ran:
            self._tell(news)
        status = os.waitpid(self._child, 0)[1]
        self._child = 0
        os.lseek(said, 0, os.SEEK_SET)
        words_of_it = os.read(said, 65536)
        for fd in (said, began, told):
            os.close(fd)
        return ran, words_of_it, news, status

    def _tell(self, news: bytes) -> None:
        """Pass on what bubblewrap told about the sandbox, once, and that nothing more will come."""
        if self._told is not None and self._info is not None:
            if news:
                os.write(self._told, news)
            os.close(self._told)
            os.close(self._info)
            self._told = None

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._child:
            os.kill(self._child, number)
        else:
            _end(number)


def _waiting(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""


def _end(status: int) -> None:
    """End as a process of that wait status did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 255)


if __name__ == "__main__":
    count = 4 + int(sys.argv[3])
    main(sys.argv[1], sys.argv[2], narrowed(sys.argv[count:], sys.argv[4:count]))
