"""The permission policy: what every Claude teammate may use, by tool and pattern. Pure.

A rule is ``Tool`` or ``Tool(pattern)``, as Claude Code writes them:

- ``Bash(git push *)``: a command, ``*`` standing for any text; ``Bash(git push:*)`` is the same. Each simple
  command of a line is looked at: one that is denied denies the line, all must be allowed to allow it.
- ``Write(docs/**)``, ``Read(~/data/**)``: a path, relative to the worktree unless it begins with ``/`` or
  ``~/``. ``Write`` and ``Edit`` are every tool that writes files, ``Read`` every one that reads.
- ``WebFetch(domain:example.com)``: that host and those below it.
- ``mcp__server__*``: tools by name; of any other tool the pattern is compared with what its use is about.

Deny wins over ask, ask over allow. What no rule names is denied, or asked where ``on_permission`` says so.
A policy only narrows: what the fence around a worktree refuses, no rule allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workbench.core.models import Decided, PolicyRule

ORDER: tuple[Decided, ...] = ("deny", "ask", "allow")

SHAPE = re.compile(r"(?P<tool>[A-Za-z_][A-Za-z0-9_*-]*|\*)(?:\((?P<pattern>.+)\))?")

WRITING = frozenset({"Write", "Edit", "MultiEdit", "NotebookEdit"})
READING = frozenset({"Read", "Glob", "Grep", "LS", "NotebookRead"})
FAMILIES = {"Write": WRITING, "Edit": WRITING, "Read": READING}
"""A rule for one of these is for all of its kind: nobody means that a notebook may be written instead."""

PLAIN = ("Read", "Write", "Bash", "BashOutput", "KillShell", "KillBash", "Task", "Agent", "Skill",
         "ToolSearch", "TodoWrite", "TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "TaskOutput",
         "TaskStop", "ReportFindings", "StructuredOutput", "WebSearch", "mcp__workbench__*")  # fmt: skip
"""What teammates need for their work, and what touches nothing itself."""

DENIED = ("Bash(sudo *)", "Bash(git push *)", "Bash(gh *)", "Bash(npm publish *)", "Bash(twine upload *)",
          "Bash(cargo publish *)", "Bash(docker push *)")  # fmt: skip

SHIPPED_WITH = "shipped with workbench"

SHIPPED = (
    *(PolicyRule(decision="allow", rule=rule, source=SHIPPED_WITH) for rule in PLAIN),
    *(PolicyRule(decision="deny", rule=rule, source=SHIPPED_WITH) for rule in DENIED),
)
"""The policy where settings say nothing: publishing is workbench's, or yours."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a policy says of a use, by which rule; both empty where none names it."""

    decision: Decided | None = None
    rule: PolicyRule | None = None

    def __str__(self) -> str:
        if self.rule is None:
            return "no rule names it"
        return f"{self.rule.decision}: {self.rule.rule} ({self.rule.source})"


def problem(rule: str) -> str:
    """Why a text is no rule, or "". Raises nothing."""
    found = SHAPE.fullmatch(rule.strip())
    if found is None:
        return f"{rule!r} is not a rule such as `Bash(git push *)`, `Write(docs/**)` or `WebSearch`"
    if found["tool"] == "WebFetch" and found["pattern"] and not found["pattern"].startswith("domain:"):
        return f"{rule!r} should name a host: `WebFetch(domain:example.com)`"
    return ""


def ruled(rules: Iterable[PolicyRule], tool: str, subjects: Sequence[str]) -> Ruling:
    """What ``rules`` say of a use of ``tool``. ``subjects`` are what it is about: the simple commands of a
    shell's line, a path, a host; allowed is what is allowed for each of them."""
    about = subjects or ("",)
    found = {decision: [it for it in rules if it.decision == decision] for decision in ORDER}
    for decision in ("deny", "ask"):
        for rule in found[decision]:
            if any(_matches(rule.rule, tool, subject) for subject in about):
                return Ruling(rule.decision, rule)
    allowing = [
        next((it for it in found["allow"] if _matches(it.rule, tool, subject)), None) for subject in about
    ]
    if all(allowing):
        return Ruling("allow", allowing[0])
    return Ruling()


def _matches(rule: str, tool: str, subject: str) -> bool:
    found = SHAPE.fullmatch(rule.strip())
    if found is None:
        return False
    named, pattern = found["tool"], found["pattern"]
    if tool not in FAMILIES.get(named, ()) and not _text(named).fullmatch(tool):
        return False
    if pattern is None or pattern in ("*", "**", ":*"):
        return True
    if tool == "Bash":
        return _command(pattern).fullmatch(" ".join(subject.split())) is not None
    if tool in WRITING or tool in READING:
        return _path(pattern.removeprefix("./")).fullmatch(subject) is not None
    if pattern.startswith("domain:"):
        host = pattern.removeprefix("domain:").removeprefix("*.").casefold()
        return subject.casefold() == host or subject.casefold().endswith(f".{host}")
    return _text(pattern).fullmatch(subject) is not None


@lru_cache(maxsize=1024)
def _text(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


@lru_cache(maxsize=1024)
def _command(pattern: str) -> re.Pattern[str]:
    """``git push *`` is ``git push`` with whatever words, or none."""
    if pattern.endswith((":*", " *")):
        head = ".*".join(re.escape(part) for part in pattern[:-2].split("*"))
        return re.compile(rf"{head}(?: .*)?", re.DOTALL)
    return _text(pattern)


@lru_cache(maxsize=1024)
def _path(pattern: str) -> re.Pattern[str]:
    """``**`` is any folders, ``*`` any text between two slashes; a name without one is looked for anywhere,
    and a folder is all that is in it."""
    deep = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    whole = pattern + "**" if pattern.endswith("/") else pattern
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", whole)
    wild = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile(deep + "".join(wild.get(part, re.escape(part)) for part in parts), re.DOTALL)
