"""Everything workbench raises on purpose.

WorkbenchError          a sentence, and a hint: what to do next
 ├─ UsageError          bad flags, settings or surroundings            exit 2
 │   ├─ PlanError       the plan text is wrong: one problem per line   exit 2
 │   ├─ SetupError      the machine or repository is not ready         exit 2
 │   └─ LockedError     another run owns this repository               exit 2
 ├─ GitError            git said no: the command and its words
 ├─ AgentError          a teammate's agent could not be started or driven
 │   └─ LoginError      Claude Code has no valid login or key
 ├─ StoreError          the event log could not be read or written     exit 2
 ├─ MachineError        the disk, the memory or the process table gave out, exit 2
 └─ IllegalEvent        an event that the state does not allow: a bug of ours, exit 3
"""

from __future__ import annotations

from dataclasses import dataclass


class WorkbenchError(Exception):
    """A failure explained: ``str(error)`` is the sentence, ``hint`` the next step (may be empty)."""

    exit_code = 1

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint


class UsageError(WorkbenchError):
    """What the user gave cannot be used as it stands."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a plan: where (1-based line, 0 for the whole file), what, and the mend."""

    line: int
    sentence: str
    hint: str = ""


class PlanError(UsageError):
    """A plan that cannot be run; ``problems`` holds every one that was found, in line order."""

    def __init__(self, problems: list[Problem], path: str = "") -> None:
        self.problems = sorted(problems, key=lambda problem: problem.line)
        self.path = path
        lines = [f"{path or 'plan'}:{p.line}: {p.sentence}" for p in self.problems]
        super().__init__("\n".join(lines), self.problems[0].hint if self.problems else "")


class SetupError(UsageError):
    """The machine or the repository is not ready for a run."""


class LockedError(UsageError):
    """Another live run owns this repository."""


class GitError(WorkbenchError):
    """A git command failed for a reason that is not part of its contract."""


class AgentError(WorkbenchError):
    """An agent could not be started, or broke its protocol."""


class LoginError(AgentError):
    """Claude Code cannot sign in."""

    exit_code = 2


class StoreError(WorkbenchError):
    """The event log could not be read or written."""

    exit_code = 2


class MachineError(WorkbenchError):
    """The machine refused what every program needs of it: room, memory, processes, open files."""

    exit_code = 2


class IllegalEvent(WorkbenchError):
    """An event arrived that the current state does not allow; nothing was changed."""

    exit_code = 3


def plainly(said: str) -> str:
    """What pydantic said of a value, as a person would."""
    words = said.removeprefix("Value error, ").removeprefix("Input ").partition(", unable to parse")[0]
    return words.replace("a valid integer", "a whole number").replace("a valid number", "a number")
