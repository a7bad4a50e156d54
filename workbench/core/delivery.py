"""What is handed from the job that worked to the job that may push, and what must hold of it. Pure.

A *pack* is a folder: the commits as a git bundle, the event log as lines of JSON, the report, and a manifest
with the hash of each. The log is where the commits are explained: every one of the branch's first-parent
history is a landing in it, or the undoing of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from workbench.core import events as e
from workbench.core.state import RunState

FORMAT = 1
MANIFEST = "manifest.json"
BUNDLE = "work.bundle"
LOG = "events.jsonl"
PAGE = "report.md"
DATA = "report.json"

SHA256 = r"^[0-9a-f]{64}$"
COMMIT = r"^[0-9a-f]{40}$"
BRANCH = r"^refs/heads/workbench/[A-Za-z0-9][A-Za-z0-9._-]{0,199}/integration$"


class Manifest(BaseModel):
    """What a pack holds. ``files`` are names and SHA-256; ``records`` and ``head`` are the length of the
    log's chain and its last hash. Without any landing ``tip`` is ``base``, and there is no bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: int = Field(ge=FORMAT, le=FORMAT)
    run: str = Field(min_length=1, max_length=200)
    base: str = Field(pattern=COMMIT)
    tip: str = Field(pattern=COMMIT)
    integration: str = Field(pattern=BRANCH)
    records: int = Field(ge=1)
    head: str = Field(pattern=SHA256)
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Published:
    """One move of the integration branch, as the log has it: to ``commit`` with ``tree``, from its first
    parent. ``other`` is the second parent, the delivered commit; empty for the undoing of a landing."""

    task: str
    commit: str
    parent: str
    tree: str
    other: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as git has it."""

    id: str
    tree: str
    parents: tuple[str, ...]


def published(events: Iterable[e.Event]) -> tuple[Published, ...]:
    """Every move of the integration branch, in order."""
    delivered: dict[str, str] = {}
    moves: list[Published] = []
    for event in events:
        match event:
            case e.TaskDelivered() | e.WorkProvided():
                delivered[event.task] = event.commit
            case e.TaskLanded():
                other = delivered.get(event.task, "")
                moves.append(Published(event.task, event.commit, event.parent, event.tree, other or "?"))
            case e.LandingUndone():
                moves.append(Published(event.task, event.commit, event.parent, event.tree))
            case _:
                pass
    return tuple(moves)


def difference(base: str, moves: Sequence[Published], chain: Sequence[Commit]) -> str:
    """Where the commits of ``chain``, first parents from ``base`` (without it) to the tip, are not what the
    log says was published: a sentence, or nothing when they are the same."""
    before = base
    for move, commit in zip(moves, chain, strict=False):
        if move.commit != commit.id or move.parent != before:
            return f"The log has {move.task} land as {move.commit[:10]}, but {commit.id[:10]} stands there."
        if commit.parents != ((before, move.other) if move.other else (before,)):
            return f"{commit.id[:10]}, the landing of {move.task}, does not merge what was delivered."
        if commit.tree != move.tree:
            return f"{commit.id[:10]}, the landing of {move.task}, has other files than the log says."
        before = commit.id
    if len(moves) > len(chain):
        return f"The landing of {moves[len(chain)].task} is in the log, but not among the commits."
    if len(chain) > len(moves):
        return f"{chain[len(moves)].id[:10]} is on the branch, but no landing in the log."
    return ""


def proven(state: RunState, tree: str) -> tuple[str, ...]:
    """The gates with a green verdict for exactly this tree, those of the run first."""
    green = [gate for (of, gate, _), verdict in state.verdicts.items() if of == tree and verdict.green]
    return tuple(dict.fromkeys([gate for gate in state.settings.gates if gate in green] + green))


def slug(run: str) -> str:
    """What runs of one plan have in common: the run's id without its counter."""
    return re.sub(r"-\d+$", "", run) or run
