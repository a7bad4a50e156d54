"""Reading a shell command well enough to see which programs it runs.

This is for telling an agent early what it should not try, not for stopping one that hides what it does:
no reading of shell text can. What holds is the sandbox.
"""

from __future__ import annotations

import itertools
import os.path
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_SHELLS = {"sh", "bash", "zsh", "dash", "ksh"}
_WRAPPERS = {
    "env",
    "command",
    "builtin",
    "exec",
    "nohup",
    "nice",
    "time",
    "timeout",
    "xargs",
    "stdbuf",
    "setsid",
}
_KEYWORDS = {"if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "$"}
_SCRATCH = Path(os.path.realpath("/tmp"))  # noqa: S108 - only compared with
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_ROOT = {"sudo", "su", "doas", "pkexec", "run0"}
_GIT_WITH_VALUE = {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--exec-path"}

_GIT_REFUSED = {
    "push": "workbench itself publishes what lands; commit here instead",
    "worktree": "worktrees belong to workbench; stay in this one",
    "stash": "the stash is shared by all worktrees of this repository; commit instead",
    "update-ref": "refs belong to workbench; commit on the branch you are on",
    "symbolic-ref": "refs belong to workbench; commit on the branch you are on",
    "gc": "other teammates work in this repository; workbench looks after it",
    "prune": "other teammates work in this repository; workbench looks after it",
    "reflog": "other teammates work in this repository; workbench looks after it",
    "filter-branch": "history is shared with other teammates; make a new commit instead",
}
_BRANCH_REFUSED = {"-d", "-D", "-m", "-M", "-f", "--delete", "--move", "--force"}


def refused(text: str, worktree: Path, home: Path, *, sandboxed: bool) -> str | None:
    """Why the shell command ``text`` should not be run by a teammate of ``worktree``, or None."""
    for words in commands(text):
        program = os.path.basename(words[0])  # noqa: PTH119 - text, not a file
        if program in _ROOT:
            return f"{program} is not for teammates: nothing in this work needs another user's rights"
        if program == "git":
            reason = _git(words[1:])
        elif program == "workbench" and words[1:2] != ["mark"]:
            reason = "the only workbench command for teammates is 'workbench mark'"
        elif program == "rm" and not sandboxed:
            reason = _rm(words[1:], worktree, home)
        else:
            reason = None
        if reason is not None:
            return reason
    return None


def commands(text: str) -> Iterator[list[str]]:
    """The simple commands in ``text``, each as its words, variable assignments and wrappers removed."""
    for words in _split(text):
        words = _unwrap(words)
        if not words:
            continue
        yield words
        if os.path.basename(words[0]) in _SHELLS:  # noqa: PTH119
            for option, script in itertools.pairwise(words):
                if re.fullmatch(r"-[a-z]*c", option):
                    yield from commands(script)
                    break
        elif words[0] == "eval":
            yield from commands(" ".join(words[1:]))


def _split(text: str) -> Iterator[list[str]]:
    # A line break ends a command as ; does; the lexer would take it for a space.
    lexer = shlex.shlex(
        text.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars="();<>|&`"
    )
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for word in lexer:
            if word and all(mark in "();|&`" for mark in word):
                yield words
                words = []
            else:
                words.append(word)
    except ValueError:  # an unfinished quotation, as in a here-document: read it word by word
        for part in re.split(r"[;|&`()\n]+", text):
            yield part.replace('"', " ").replace("'", " ").split()
        return
    yield words


def _unwrap(words: list[str]) -> list[str]:
    at = 0
    while at < len(words):
        word = words[at]
        if _ASSIGNMENT.match(word) or word in _KEYWORDS:
            at += 1
        elif os.path.basename(word) in _WRAPPERS:  # noqa: PTH119
            at += 1
            while at < len(words) and (words[at].startswith("-") or words[at].rstrip("smhd").isdigit()):
                at += 1
        else:
            break
    return words[at:]


def without_git_options(words: list[str]) -> list[str]:
    """What follows the word git, from its verb on."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _GIT_WITH_VALUE else 1
    return words[at:]


def _git(words: list[str]) -> str | None:
    words = without_git_options(words)
    if not words:
        return None
    verb, rest = words[0], words[1:]
    if verb in _GIT_REFUSED:
        return f"git {verb}: {_GIT_REFUSED[verb]}"
    if verb == "config" and ({"--global", "--system"} & set(rest)):
        return "git config --global: the user's own settings are not a teammate's to change"
    if verb == "branch" and (_BRANCH_REFUSED & set(rest)):
        return "git branch: branches belong to workbench; commit on the one you are on"
    return None


def _rm(words: list[str], worktree: Path, home: Path) -> str | None:
    for word in words:
        if word.startswith("-"):
            continue
        path = (
            Path(home, word[2:]) if word.startswith("~/") else home if word == "~" else Path(worktree, word)
        )
        real = Path(os.path.realpath(path))
        if real != worktree and worktree in real.parents:
            continue
        # What a test left there may go, unless that is where the user's things are.
        if real.is_relative_to(_SCRATCH) and not (worktree.is_relative_to(_SCRATCH) or real == _SCRATCH):
            continue
        return f"rm {word}: only files inside the worktree are a teammate's to delete"
    return None
