"""Teammates: what they are given, and what they report."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from workbench.core.models import PolicyRule, Role, Usage


@dataclass(frozen=True, slots=True)
class Ruling:
    """Somebody's word on a tool use, with what they said."""

    allowed: bool
    why: str = ""


Consult = Callable[[str, str, str], Awaitable[Ruling]]
"""Asks whether a tool may be used: its name, what it is about, and why it may not without. Waits for as long
as that takes, and never raises but when cancelled."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """All an agent needs for one attempt. ``env`` is complete: nothing else of workbench's own
    environment reaches the agent. ``session`` is an earlier session to go on with, if it can. ``messages``
    are the ids of those that the brief holds. ``read_only`` says that it may write nothing until it is given
    a letter that ``unlocks``; ``consult``, where there is one, asks somebody whether it may use a tool:
    one that the ``policy`` asks about, and, if it ``asks_unruled``, one that no rule of it names.
    ``plays`` is what the repository says of its ``role``. Only if ``trusted`` may the agent go by what the
    repository says to agents: its instructions, hooks and settings. With a ``seat`` it is for who joined from
    outside: see TeammateJoined."""

    run: str
    task: str
    attempt: int
    teammate: str
    nonce: str
    worktree: Path
    brief: str
    env: Mapping[str, str]
    role: str = ""
    plays: Role | None = None
    model: str | None = None
    session: str | None = None
    budget_usd: float | None = None
    teammates: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    read_only: bool = False
    consult: Consult | None = None
    policy: tuple[PolicyRule, ...] = ()
    asks_unruled: bool = True
    seat: str = ""
    by_hand: bool = False
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """Text for an agent, which it gets whole and in its turn. ``messages`` are the ids of the team's
    messages in it. A session that has ``known_by`` in it, a part of the text, was told this before; without
    one that is the whole text. With one that ``unlocks``, what was read-only may be written to."""

    text: str
    messages: tuple[str, ...] = ()
    known_by: str = ""
    unlocks: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    pid: int | None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    tool: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    text: str


@dataclass(frozen=True, slots=True)
class Retried:
    status: int | None
    error: str
    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Denied:
    tool: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """The agent took these messages up: see MessagesRead."""

    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The agent's turn, or with ``live`` False the agent itself, is over. See TurnEnded.

    ``usage`` is what this ``work`` has used so far: of a continued session not what it had used before,
    so that the attempts of a run add up."""

    live: bool
    error: str = ""
    login: bool = False
    exit_code: int | None = None
    usage: Usage = field(default_factory=Usage)
    session: str | None = None
    limit: Literal["", "rate", "usage"] = ""
    resets_at: float | None = None


AgentReport = Started | Acted | Said | Retried | Denied | Heard | Ended


class Agent(Protocol):
    """A kind of teammate: Claude Code, or any command."""

    continues: bool
    """Whether an interrupted session can be taken up again in the worktree as it was left."""

    async def work(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
    ) -> None:
        """Work on ``assignment`` until the session is over or this coroutine is cancelled.

        What is put in ``inbox`` is given to the agent, mid-turn where it can be, once for a session: what an
        earlier life of it has heard is not said again, but reported as ``Heard``; the turn that took it up
        was cut off, so where none is under way the agent is told to go on. What has messages is
        reported as ``Heard`` when the agent took it up, and so is a brief that has some. A ``read_only``
        assignment is kept so as far as the agent can be, from its start to a letter that unlocks it.
        ``report`` is called, in order, from the event loop. A live session waits for more after
        ``Ended(live=True)`` and is ended by cancelling. Whenever this returns or raises, every process it
        started is gone. Trouble with the agent is reported as ``Ended(live=False, error=…)``, not raised.
        """
        ...
