"""A repository, its settings, and the state workbench keeps for it, as one value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.adapters.git.repository import Repository
from workbench.adapters.store.notes import SqliteNotes
from workbench.adapters.store.sqlite import SqliteStore
from workbench.config import Settings, from_file, narrowed
from workbench.core.notes import Fading


@dataclass(frozen=True)
class Place:
    """A repository with its settings. ``root`` is its working tree, ``state_dir`` what is ours in it,
    ``given`` the settings that the command line decided, over whatever a plan says. ``own`` are those that
    the repository's file decides, ``whole`` is all that it says, and ``withheld`` what of it does not count
    in ``settings``, by name, since nobody trusts it."""

    repository: Repository
    settings: Settings
    given: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    whole: Settings = field(default_factory=Settings)
    withheld: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.repository.root

    @property
    def state_dir(self) -> Path:
        return self.repository.state_dir

    @property
    def log_path(self) -> Path:
        """The event log of all runs of this repository."""
        return self.state_dir / "events.db"

    @property
    def file(self) -> str:
        """The name of the repository's settings file; empty for none."""
        return from_file(self.root)[0]

    def trusting(self, trusted: bool) -> Place:
        """The same place with what its settings file says, less what loosens protection unless it is
        ``trusted``. The one place where that is decided."""
        settings, withheld = (self.whole, ()) if trusted else narrowed(self.whole, self.own)
        return replace(self, settings=settings, withheld=withheld)

    def run_dir(self, run: str) -> Path:
        """Files of one run that are not events: launchers, the rehearsal's script, logs."""
        return self.state_dir / "runs" / run

    def requests(self, run: str) -> Path:
        """Where front ends leave what they ask of a run."""
        return self.run_dir(run) / "requests"

    def seats(self, run: str) -> Path:
        """Where those who join a run from outside get their tasks."""
        return self.run_dir(run) / "seats"

    def gate_logs(self, run: str) -> Path:
        """What the run's gates print, while they run and for some time after."""
        return self.run_dir(run) / "gates"

    def plan_file(self, run: str) -> Path:
        """The plan of a run as it stands, with the box of each task."""
        return self.run_dir(run) / "plan.md"

    def worktrees(self, run: str) -> Path:
        """Where the run's worktrees stand: outside the repository, apart from every other one's."""
        known_by = hashlib.sha256(str(self.repository.common_dir).encode()).hexdigest()[:8]
        return self.settings.worktree_root / f"{self.root.name}-{known_by}" / run

    def store(self) -> SqliteStore:
        """The log, made when it is missing; the caller closes it."""
        return SqliteStore(self.log_path)

    def notes(self) -> SqliteNotes:
        """The shared notes; nothing is opened or made until one is kept."""
        fading = Fading(self.settings.note_decay, self.settings.note_floor)
        return SqliteNotes(self.state_dir / "notes.db", fading)

    def approved(self, sha256: str) -> bool:
        """Whether the plan whose text has this hash was approved here. Raises StoreError."""
        if not self.log_path.exists():
            return False
        with self.reading() as store:
            return store.approved(sha256)

    def reading(self) -> SqliteStore:
        """The log for reading only; StoreError when no run was ever started here."""
        return SqliteStore.reading(self.log_path)
