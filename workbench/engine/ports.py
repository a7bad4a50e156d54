"""What the engine needs from the world, written by its caller: small protocols, plain values.

Adapters fulfil them; ``workbench.testing`` holds fakes that pass the same contract tests. No vendor's
type crosses a port. Every coroutine may be cancelled; what that leaves behind is said at each.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from workbench.core.events import Event, Record
from workbench.core.guard import Snapshot
from workbench.core.models import Marker, PolicyRule, PublicChange, Role, Usage, Verdict
from workbench.core.recall import Query, Recalled
from workbench.core.requests import Request
from workbench.core.traces import Trace
from workbench.errors import GitError

# -- the event log ---------------------------------------------------------------------------


class Store(Protocol):
    """The append-only event log of one repository, for all its runs."""

    async def append(self, run: str, records: Sequence[Record]) -> None:
        """Write all of ``records`` in one durable transaction (fsync before return), in order.

        Raises StoreError when that did not happen, in which case none of them is in the log; a
        ``seq`` that does not follow the last one is such an error. Once begun it is not undone by
        cancelling.
        """
        ...

    def read(self, run: str, after: int = 0) -> list[Record]:
        """Every record of ``run`` with ``seq`` greater than ``after``, in order.

        Raises StoreError when what lies there is not what was written.
        """
        ...

    def runs(self) -> list[str]:
        """Ids of all runs, oldest first."""
        ...


# -- git ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Collected:
    """What a worktree held: see WorkCollected."""

    commit: str
    tree: str
    changed: bool
    snapshot: bool
    unresolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflicted:
    """A file with a conflict in its text: the object ids of its three versions. ``base`` is empty for a
    file that both sides added."""

    path: str
    base: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge in memory. ``tree`` is the result; of a conflicting merge it has markers in the files.
    A conflicting one has ``paths`` and ``hunks`` (the conflicted files' text with zdiff3 markers, cut to
    a readable size), and ``files`` where texts in place of them would settle all of it: not where a file
    was deleted, renamed twice, is binary, a link, or has two modes."""

    clean: bool
    tree: str = ""
    paths: tuple[str, ...] = ()
    hunks: str = ""
    files: tuple[Conflicted, ...] = ()


class Git(Protocol):
    """The user's repository. Nothing here touches its index, working tree, HEAD or own branches."""

    async def tip(self, ref: str) -> str | None:
        """The commit a full ref name points at, or None where there is no such ref."""
        ...

    async def tree_of(self, commit: str) -> str:
        """The tree id of a commit."""
        ...

    async def move_ref(self, ref: str, new: str, old: str | None, why: str) -> bool:
        """Compare-and-swap ``ref`` from ``old`` (None: must not exist) to ``new``, durable.

        False when the ref was not at ``old``; never forces. ``why`` goes to the reflog.
        """
        ...

    async def pin(self, ref: str, commit: str) -> None:
        """Make ``commit`` reachable from ``ref`` (created or moved)."""
        ...

    async def merge(self, ours: str, theirs: str) -> Merged:
        """Merge two commits in memory, as ``git merge`` would; touches no worktree or index."""
        ...

    async def probe(self, pairs: Sequence[tuple[str, str]]) -> list[Merged | GitError]:
        """Merge each pair of commits for its outcome alone, in this order: what is written for it is
        not kept, and no ``merge`` waits for it. A GitError stands for a pair that cannot be merged."""
        ...

    async def commit(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Write a commit object by workbench's identity and give its id; moves no ref."""
        ...

    async def changed_files(self, old: str, new: str) -> tuple[str, ...]:
        """Paths that differ between two commits, sorted."""
        ...

    async def links(self, old: str, new: str) -> Mapping[str, str]:
        """The symbolic links among these paths, as they are in ``new``, by what they lead to; what is another
        repository there (a submodule), or leads to what is no text, to ""."""
        ...

    async def text(self, blob: str) -> str | None:
        """The text of a file by its object id; None when it is binary or not UTF-8."""
        ...

    async def text_at(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit; None when there is none, or it is binary or not UTF-8."""
        ...

    async def with_texts(self, tree: str, texts: Mapping[str, str]) -> str:
        """The tree that differs from ``tree`` in the texts of files it has already; durable."""
        ...

    async def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether ``older`` is reachable from ``newer``."""
        ...

    async def between(self, old: str, new: str) -> list[tuple[str, str]]:
        """Commits with their messages on the way of first parents from ``new`` back to what ``old``
        reaches, newest first."""
        ...

    async def aclose(self) -> None:
        """End helper processes. Safe to call twice."""
        ...


class Worktrees(Protocol):
    """The teammates' worktrees, outside the repository."""

    async def prepare(
        self, teammate: str, start: str, *, carry: str | None, keep: bool, sparse: Sequence[str]
    ) -> Prepared:
        """Give ``teammate`` its worktree on its branch, at ``start``.

        Makes it on first use (``copy``, ``link`` and ``setup`` settings applied), otherwise resets
        it, after pinning whatever it held. ``carry`` is merged in, conflicts left in the files in
        zdiff3 style. ``keep`` leaves a standing worktree just as it is (a continued attempt).
        Cancelling leaves a worktree that the next ``prepare`` mends.
        """
        ...

    async def collect(self, teammate: str, start: str, message: str, pin: str) -> Collected:
        """Commit what is uncommitted, point the ref ``pin`` at the result, and say what there is.

        ``.workbench/`` and placeholders that a sandbox left behind never reach the commit. Raises
        GitError when the worktree is no longer a worktree of this repository.
        """
        ...

    async def fingerprint(self, teammate: str) -> str:
        """What the files that git does not know as committed are like now: the same twice when nobody
        wrote to them in between, or when that cannot be told. Never raises GitError."""
        ...

    async def borrow(self, teammate: str, path: Path) -> None:
        """From now on ``path``, a linked worktree of the user's, is the teammate's. That is written down in
        the worktree, so that ``remove`` gives it back even in another process. Doing it again is harmless.

        Raises UsageError when it is the main checkout, none of this repository, lent already, or when it
        holds anything that is not committed.
        """
        ...

    async def remove(self, teammate: str) -> None:
        """Remove a teammate's worktree after pinning what it held; its branch stays. One that was borrowed
        is given back instead: its files and HEAD are as they were before."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A worktree ready for work. ``conflicts`` are files that hold conflict markers of ``carry``;
    ``pinned`` is the ref that keeps what was there before, if anything was; ``setup_output`` is
    what the set-up commands printed."""

    path: Path
    branch: str
    created: bool
    conflicts: tuple[str, ...] = ()
    pinned: str | None = None


class Checkouts(Protocol):
    """A few reusable detached worktrees in which gates see a commit and nothing else."""

    def lease(self, commit: str, urgent: bool = False) -> AbstractAsyncContextManager[Path]:
        """A worktree at ``commit`` with no untracked files (ignored ones stay, as caches), for as long
        as the context lasts; waits while all are taken, ``urgent`` ones first."""
        ...

    async def aclose(self) -> None:
        """Remove them."""
        ...


class Gates(Protocol):
    """Runs gate commands on trees, each in a clean detached worktree; knows its environment."""

    async def check(
        self, commit: str, tree: str, commands: Sequence[str], urgent: bool = False
    ) -> list[Verdict]:
        """Run ``commands`` in order on ``commit`` until one is red; a verdict for each that ran.

        Output is cut to its last lines. A command that cannot be found or that outlives its time
        is red and says so. ``urgent`` goes before waiting checks that are not. Cancelling kills the
        command's whole process group.
        """
        ...

    def environment(self) -> str:
        """What a verdict depends on besides tree and command; part of its key."""
        ...


# -- conflicts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Clash:
    """The three texts of a file in conflict; ``base`` is None for a file that both sides added."""

    path: str
    base: str | None
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a conflict could be settled: a text for each of its files, and which ``rung`` of the ladder
    made it. A proposal proves nothing: it is gated like any other merge."""

    rung: str
    texts: Mapping[str, str]


class Resolver(Protocol):
    """The rungs of the conflict ladder that need no model."""

    async def propose(self, clashes: Sequence[Clash]) -> list[Proposal]:
        """What to try, in order, each with a rung of its own and settling every file; those that would
        lose or weaken a test of either side are left out. Empty when nothing can be proposed."""
        ...

    def remember(self, clash: Clash, text: str) -> None:
        """Keep how a file was settled in work that landed, for the same conflict again."""
        ...

    async def weakened(self, clash: Clash, text: str) -> str | None:
        """A sentence when ``text``, a merge of the clash, lacks or weakens a test that either side has."""
        ...


# -- agents ----------------------------------------------------------------------------------------


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
        earlier life of it has heard is not said again. What has messages is reported as ``Heard`` when the
        agent took it up, and so is a brief that has some. A ``read_only`` assignment is kept so as far as the
        agent can be, from its start to a letter that unlocks it. ``report`` is called,
        in order, from the event loop. A live session waits for more after ``Ended(live=True)`` and
        is ended by cancelling. Whenever this returns or raises, every process it started is gone.
        Trouble with the agent is reported as ``Ended(live=False, error=…)``, not raised.
        """
        ...


# -- the lead ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request of the lead's: the ``message`` that was sent, if one was, or why it was
    ``refused``."""

    refused: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a lead works with. ``ask`` puts a request to the engine and gives what came of it; ``team`` tells
    who is at what now, and ``waiting`` the ids of what waits for the lead's answer, oldest first."""

    ask: Callable[[Request], Awaitable[Outcome]]
    team: Callable[[], str]
    waiting: Callable[[], tuple[str, ...]]


class Lead(Protocol):
    """Who can lead a team."""

    async def lead(
        self,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        desk: Desk,
    ) -> None:
        """Lead until the session is over or this coroutine is cancelled; otherwise as ``Agent.work``. The
        assignment's brief stands before the lead all the time and asks for nothing; what is in ``inbox``
        does. Its worktree is for reading, and changes its files when something has landed. A lead changes
        nothing but by ``desk``."""
        ...


@dataclass(frozen=True, slots=True)
class Seat:
    """A lead and what it needs: one of ``checkouts``, an environment of its own, and what to add to that for
    one life of it at a place."""

    lead: Lead
    checkouts: Checkouts
    environment: Mapping[str, str]
    extras: Callable[[int, Path], Mapping[str, str]] = lambda life, place: {}


# -- markers -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dropped:
    """A marker file as found: ``marker`` when it could be read, else ``problem`` says why not."""

    worktree: Path
    name: str
    marker: Marker | None
    problem: str = ""


class Markers(Protocol):
    """The ``.workbench/`` folders of the worktrees."""

    async def watch(self) -> AsyncIterator[Dropped]:
        """Markers as they are dropped, in order of name within a folder; each is given once.
        Runs until cancelled."""
        yield  # type: ignore[misc]

    def add(self, worktree: Path) -> None:
        """Begin watching a worktree's marker folder (made if missing)."""
        ...

    def scan(self, worktree: Path) -> list[Dropped]:
        """What lies in the folder now and was not yet given: called when an agent ends, so that
        its last marker is never overtaken by its exit. A worktree that is gone holds nothing."""
        ...

    def follow(self, moved: Callable[[str], None]) -> None:
        """From now on, while ``watch`` runs, call ``moved``, and it alone, with the name of each teammate
        whose branch may have moved. A hint to look: it may come twice, or when nothing is new."""
        ...

    def settle(self, worktree: Path, name: str, accepted: bool, reason: str = "") -> None:
        """What became of a marker is in the log: remove its file, or set it aside with the reason."""
        ...


# -- what people ask for -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Requested:
    """A request, and the id by which it is taken once."""

    id: str
    request: Request


class Requests(Protocol):
    """Where front ends leave requests for a run."""

    async def watch(self) -> AsyncIterator[Requested]:
        """Requests as they are made, in their order, those that wait already first; each is given once.
        Runs until cancelled."""
        yield  # type: ignore[misc]

    def scan(self) -> list[Requested]:
        """Those that wait now and were not yet given."""
        ...

    def settle(self, request: str) -> None:
        """A request that was given is in the log: it need not be kept any more."""
        ...


# -- the plan as files ---------------------------------------------------------------------------------


class PlanFile(Protocol):
    """A plan that people may change while a run goes on. ``name`` is what they call it."""

    name: str

    def changed(self, wait: bool = True) -> str | None:
        """What it holds, if somebody else wrote it since it was read or written here; with ``wait`` only once
        it was left alone since the look before. None where there is none, or none that can be read."""
        ...

    def replace(self, before: str, text: str) -> bool:
        """Write ``text`` in place of ``before``, whole or not at all; False when it holds something else.
        Raises OSError."""
        ...


class PlanFiles(Protocol):
    """The plan files of one run: ``own`` is the one that workbench writes, made when it is missing."""

    @property
    def own(self) -> PlanFile: ...

    def at(self, path: str) -> PlanFile:
        """The user's."""
        ...

    def approve_again(self, before: str, text: str) -> None:
        """The user's plan became ``text`` by its boxes alone: it is approved if ``before`` was."""
        ...


# -- source code -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Versions:
    """A file before and after; None where it is not there."""

    path: str
    old: str | None
    new: str | None


class Names(Protocol):
    """Knows what in a source file others can use."""

    async def changes(self, files: Sequence[Versions]) -> list[PublicChange]:
        """How the public names of ``files`` differ, in their order. A file in a language that is not
        known, or that cannot be parsed, has none. Does not hold up the loop."""
        ...


# -- what is guarded ----------------------------------------------------------------------------------


class Guard(Protocol):
    """The parts of the user's repository that no attempt has business with, as they are."""

    @property
    def root(self) -> Path:
        """The user's checkout."""
        ...

    @property
    def git_dir(self) -> Path:
        """Where the files of a snapshot are."""
        ...

    async def look(self, whole: bool = False) -> Snapshot:
        """What there is now, for a fraction of a millisecond in a small repository. What did not change
        since the look before is the same object. A ``whole`` look misses nothing; another one may miss
        a ref that was written without git, and refs of earlier runs. One at a time."""
        ...

    async def keys(self, content: bytes) -> tuple[tuple[str, str], ...]:
        """Keys and values of a configuration file, in its order; GitError when git cannot read it."""
        ...

    def own_tip(self, worktree: Path, ref: str) -> str:
        """Where ``ref`` was when it last moved by a command in ``worktree`` itself, which has it checked
        out; "" when that is not known."""
        ...

    def problem(self, worktree: Path) -> str:
        """Why a teammate's worktree is none any more; "" when it is."""
        ...

    async def fingerprint(self) -> Mapping[str, str]:
        """The object id of each file in the user's checkout that differs from its HEAD, "" for one that is
        gone, within bounds. Writes nothing. Raises GitError and TimeoutError."""
        ...

    async def blob_at(self, commit: str, path: str) -> str:
        """The object id of a file in a commit; "" when there is none."""
        ...


# -- what needs a person --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leak:
    """What looks like a secret of some ``kind`` in a line that work adds to a file, which is never told
    itself. Without a ``line`` it was in a commit on the way, and is not there any more."""

    path: str
    line: int
    kind: str


class Examiner(Protocol):
    """Reads what work brings in, before anybody takes it. Neither call runs anything of the repository's."""

    async def entries(self, commit: str, paths: Sequence[str]) -> Mapping[str, str]:
        """Mode and object id of those of ``paths`` that a commit has, in one text for each."""
        ...

    async def patch(self, old: str, new: str, paths: Sequence[str], limit: int) -> str:
        """How ``paths`` differ between two commits, as a diff of at most ``limit`` characters."""
        ...

    async def leaks(self, known: Sequence[str], new: str) -> Sequence[Leak]:
        """What looks like a secret in what is added by the commits that ``new`` has and none of ``known``,
        but for what the first of these says is none. Raises GitError, and TimeoutError where it is too much
        or takes too long."""
        ...


# -- shared notes --------------------------------------------------------------------------------------


class Notes(Protocol):
    """The shared notes of the repository, for all its runs. Nothing of a run depends on them: whoever calls
    goes on without when StoreError says that they cannot be had."""

    async def keep(self, run: str, traces: Sequence[Trace], seconds: float) -> None:
        """Take over what the log of ``run``, ``seconds`` at work by now, says: all of it or nothing. What was
        taken over before changes nothing, so a log may be given again from its beginning. Raises
        StoreError; once begun it is not undone by cancelling."""
        ...

    async def recall(self, query: Query, run: str = "", seconds: float = 0.0) -> list[Recalled]:
        """Notes that answer ``query``, best first: see ``core.recall.ranked``. Their strength is that of
        now, at which ``run`` has been at work for ``seconds``. Changes nothing; raises StoreError."""
        ...


# -- text ----------------------------------------------------------------------------------------------


class Briefs(Protocol):
    """Renders prompts from the templates."""

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template ``name`` filled in; raises UsageError naming the template when it is broken."""
        ...


# -- the machine ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Roomy:
    """How many more ``agents`` fit into memory now, of which ``free_mb`` are free."""

    agents: int
    free_mb: int


Room = Callable[[], Roomy | None]
"""Measures that, in well under a millisecond; None where nothing bounds it."""

Emit = Callable[[Event], None]
"""Hand an event to the loop; returns at once, from any coroutine of the loop's thread."""
