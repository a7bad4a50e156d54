"""A person, workbench, and kill -9, in any order in one real repository: nothing of anybody's is lost.

Runs are the short plan of the crash sweep, as processes of their own; the person commits on the target,
edits in the checkout, starts a second run, lands and undoes, while they go on or after they were killed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO

import psutil
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.properties.conftest import chosen
from workbench.adapters.lock import owner
from workbench.bench.sweep.plan import Subject, short_plan
from workbench.bench.sweep.world import World, identity
from workbench.testing.proofs import damage, landings_of, locks_left, unreachable

PATIENCE = 120.0
STEPS = 8
RUNS = 3
"""How many runs are begun at most."""

orders = st.one_of(st.just(0), st.integers(1, 560))
"""The crash point at which a run is killed; 0 for none."""


class Repository(RuleBasedStateMachine):
    """One repository and everybody who works in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        root = Path(self.folder.name)
        self.subject: Subject = short_plan(root / "subject")
        self.world = World(root / "world")
        self.world.folder.mkdir()
        self.subject.repo.rename(self.world.repo)
        self.live: psutil.Popen | None = None
        self.said: IO[bytes] | None = None
        self.runs: list[str] = []
        self.files: dict[str, str] = {}
        self.commits = [self.git("rev-parse", "main")]
        self.main = self.commits[0]
        self.tips: dict[str, str] = {}
        self.written = 0

    # -- workbench ---------------------------------------------------------------------------------------

    @initialize(point=orders)
    def a_run_begins(self, point: int) -> None:
        self._begin(point)

    @rule(point=orders)
    def it_goes_on(self, point: int) -> None:
        """To its end if it lives; otherwise from where it was killed, or with another run."""
        if self.live is not None:
            self._wait()
        else:
            self._begin(point)

    @rule()
    def it_is_killed(self) -> None:
        if self.live is not None:
            self.live.kill()
            self._wait()
            event("killed from outside")

    @rule()
    def a_second_run_is_refused(self) -> None:
        """Refused by name while the first holds the repository; otherwise it is a run like any other."""
        if self.live is None or len(self.runs) >= RUNS:
            return
        held = owner(self.world.state)
        name = f"r{len(self.runs) + 1}"
        ended = self.world.workbench(*self._run(name))
        if held is not None and self.live.poll() is None:
            assert ended.code == 2 and f"process {held.pid}" in ended.said, ended.said
            event("a second run was refused")
        assert "Traceback" not in ended.said and ended.code in (0, 1, 2), ended.said
        if self.world.run_state(name) is not None:
            self.runs.append(name)

    @rule(point=st.one_of(st.just(0), st.integers(1, 60)))
    def it_is_landed(self, point: int) -> None:
        """On the target: all of it or nothing, whether or not there is something in the way."""
        run = self.runs[-1]
        ended = self.world.workbench("land", run, order=f"kill:{point}" if point else "")
        self._sane(ended.code, ended.said, killed=bool(point))
        now = self.git("rev-parse", "main")
        if now != self.main:
            assert self._is_ancestor(self.main, now), "the target went back"
            assert self._is_ancestor(f"workbench/{run}/integration", now), "half of the work is on the target"
            event("landed on the target")
        elif ended.code == 0:
            assert self._is_ancestor(f"workbench/{run}/integration", now)
        self.main = now

    @rule(point=st.one_of(st.just(0), st.integers(1, 60)))
    def it_is_undone(self, point: int) -> None:
        ended = self.world.workbench("undo", "--run", self.runs[-1], order=f"kill:{point}" if point else "")
        self._sane(ended.code, ended.said, killed=bool(point))
        if ended.code == 0:
            event("undone")

    # -- the person ----------------------------------------------------------------------------------------

    @rule(shared=st.booleans())
    def the_user_commits(self, shared: bool) -> None:
        """On the target, in the checkout; perhaps in the file that teammates change, too."""
        self.written += 1
        name = "nuts.txt" if shared else f"committed-{self.written}.txt"
        if not shared:
            self.files[name] = f"{self.written}\n"
        (self.world.repo / name).write_text(f"{self.written}\n")
        self.git("add", name)
        self.git("commit", "-q", "-m", f"by the user: {self.written}", "--", name)
        self.main = self.git("rev-parse", "main")
        self.commits.append(self.main)

    @rule(tracked=st.booleans())
    def the_user_edits(self, tracked: bool) -> None:
        """And does not commit."""
        self.written += 1
        name = "gate.sh" if tracked else f"untracked-{self.written}.txt"
        text = f"# {self.written}\n"
        if tracked:
            text = (self.world.repo / name).read_text() + text
        (self.world.repo / name).write_text(text)
        self.files[name] = text

    # -- what holds always -----------------------------------------------------------------------------------

    @invariant()
    def what_the_user_wrote_is_there(self) -> None:
        for name, text in self.files.items():
            assert (self.world.repo / name).read_text() == text, f"{name} was changed"
        head = self.git("rev-parse", "main")
        assert head == self.main, "somebody moved the target"
        assert self.git("symbolic-ref", "HEAD") == "refs/heads/main"
        for commit in self.commits:
            assert self._is_ancestor(commit, head), "a commit of the user's is not on the target any more"

    @invariant()
    def integration_branches_only_grow(self) -> None:
        for run in self.runs:
            tip = self.git("rev-parse", "-q", "--verify", f"workbench/{run}/integration", fine=(0, 1))
            if before := self.tips.get(run):
                assert tip and self._is_ancestor(before, tip), f"{run} lost what was published"
            if tip:
                self.tips[run] = tip

    @invariant()
    def commits_of_teammates_exist(self) -> None:
        """Reachable they must be when nobody works; there they must be at any time."""
        if self.live is None:
            lines = self._ledger()
            asked = "".join(f"{line}\n" for line in lines)
            said = self.git("cat-file", "--batch-check=%(objecttype)", feed=asked).splitlines()
            missing = [line for line, kind in zip(lines, said, strict=True) if kind.endswith("missing")]
            assert all(self._in_a_worktree(line) for line in missing), missing

    def teardown(self) -> None:
        """Everything goes on to its end, and is looked at as a whole."""
        try:
            self._wait()
            for run in self._open():
                ended = self.world.workbench("resume", run, "--headless")
                self._sane(ended.code, ended.said)
                state = self.world.run_state(run)
                assert state is not None and state.over_for_good, ended.said
            self._whole()
        finally:
            self.world.remove()
            self.folder.cleanup()

    def _whole(self) -> None:
        assert not unreachable(self.world.repo, self._ledger())
        assert not damage(self.world.repo)
        assert not locks_left(self.world.repo)
        psutil.wait_procs(self.world.left(), timeout=10)
        assert not self.world.left()
        for run in self.runs:
            state = self.world.run_state(run)
            if state is not None and run in self.tips:
                landed = landings_of(self.world.repo, f"workbench/{run}/integration", state.base)
                assert landed == [it.task for it in state.landings], "git and the log tell two stories"
                event(f"{run}: {state.outcome}")

    # -- means -----------------------------------------------------------------------------------------------

    def _run(self, name: str) -> tuple[str, ...]:
        agent = self.subject.agent(self.world.ledger)
        return ("run", str(self.subject.plan), "--run-id", name, "--yes", "--headless", "--agent", agent)

    def _begin(self, point: int) -> None:
        """A run, or what goes on with one, that works meanwhile and may be killed at some point."""
        if left := self._open():
            self._start(("resume", left[-1], "--headless"), point)
        elif len(self.runs) < RUNS:
            self.runs.append(f"r{len(self.runs) + 1}")
            self._start(self._run(self.runs[-1]), point)

    def _start(self, words: tuple[str, ...], point: int) -> None:
        self.said = (self.world.folder / "live").open("w+b")
        order = {"WORKBENCH_CRASH": f"kill:{point}"} if point else {}
        self.live = self.world.start(*words, said=self.said, **order)

    def _wait(self) -> None:
        if self.live is None or self.said is None:
            return
        code = self.live.wait(PATIENCE)
        self.said.seek(0)
        self._sane(code, self.said.read().decode(errors="replace"), killed=True)
        self.said.close()
        self.live = None
        if code < 0:
            event("killed")

    def _sane(self, code: int, said: str, killed: bool = False) -> None:
        assert "Traceback" not in said and (code in (0, 1, 2) or (killed and code == -9)), (code, said)

    def _open(self) -> list[str]:
        """Runs that can go on."""
        states = {run: self.world.run_state(run) for run in self.runs}
        return [run for run, state in states.items() if state is not None and not state.over_for_good]

    def _ledger(self) -> list[str]:
        return self.world.ledger.read_text().splitlines() if self.world.ledger.exists() else []

    def _in_a_worktree(self, blob: str) -> bool:
        trees = self.world.folder / "worktrees"
        files = [str(path) for path in trees.rglob("*") if path.is_file() and not path.is_symlink()]
        return blob in self.git("hash-object", "--no-filters", "--stdin-paths", feed="\n".join(files)).split()

    def _is_ancestor(self, older: str, newer: str) -> bool:
        command = ["git", "merge-base", "--is-ancestor", older, newer]
        return subprocess.run(command, cwd=self.world.repo, check=False).returncode == 0

    def git(self, *words: str, feed: str = "", fine: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            ["git", "--no-optional-locks", *words], cwd=self.world.repo, input=feed, capture_output=True,
            text=True, check=False, env=os.environ | identity(),
        )  # fmt: skip
        assert done.returncode in fine, (words, done.stderr)
        return done.stdout.strip()


def test_a_person_and_kill_9_in_any_order() -> None:
    run_state_machine_as_test(Repository, settings=settings(chosen(4), stateful_step_count=STEPS))
