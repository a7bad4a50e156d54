"""Somebody joins a run that goes on, from a shell: real processes, real git, no model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, Event, events, of, until

pytestmark = pytest.mark.e2e

PLAN = """\
---
gates: ["sh gate.sh"]
team: 1
---
# Two greetings

## Contract
Functions are named greet_NAME.

## Tasks

### hello: Say hello
Write it.

### goodbye: Say goodbye
Write it too.
"""

OWN = """\
case "$GATED" in *$WORKBENCH_TASK*) if test -p "$GATE"; then read _ < "$GATE"; fi;; esac
echo hello > "$WORKBENCH_TASK.txt"
git add -A && git commit -q -m "add $WORKBENCH_TASK"
workbench mark done "written"
"""

JOINER = """\
set -e
grep -q greet_NAME "$WORKBENCH_BRIEF"
test "$(pwd)" = "$WORKBENCH_WORKTREE"
pwd > "$SEEN"
if test -n "$HOLD"; then echo half > half.txt; touch "$HOLD"; sleep 100; fi
echo joined > "$WORKBENCH_TASK.txt"
git add -A && git commit -q -m "add $WORKBENCH_TASK"
workbench mark done "written by who joined"
"""


class Scene:
    """A run whose own teammate waits at its first task until it is let go."""

    def __init__(self, workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
        self.workbench, self.repo, self.tmp = workbench, repo, tmp_path
        (repo / "gate.sh").write_text("test ! -e broken\n")
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "a gate")
        self.plan = tmp_path / "plan.md"
        self.plan.write_text(PLAN)
        self.own, self.joiner = tmp_path / "own.sh", tmp_path / "joiner.sh"
        self.own.write_text(OWN)
        self.joiner.write_text(JOINER)
        self.gate, self.seen, self.hold = tmp_path / "gate", tmp_path / "seen", tmp_path / "hold"
        os.mkfifo(self.gate)
        self.joined: list[subprocess.Popen[str]] = []
        self.run: subprocess.Popen[str]
        self.log: list[Event] = []

    def start(self, **env: str) -> None:
        """Start the run, and wait until its own teammate is at work."""
        words = (
            "run",
            str(self.plan),
            "--yes",
            "--json",
            "--run-id",
            "r",
            "--agent",
            f"command:sh {self.own}",
        )
        settings = {"WORKBENCH_ENV": "GATE\nGATED", "GATE": str(self.gate), "GATED": "hello"}
        settings |= {"WORKBENCH_ON_JOIN": "approve"}
        self.run = self.workbench.start(*words, **(settings | env))
        self.until("AgentStarted")

    def until(self, kind: str, **fields: object) -> Event:
        """The next event of that kind, with these fields."""
        wanted = fields.items()
        self.log += until(self.run, lambda it: it["type"] == kind and all(it[k] == v for k, v in wanted))
        return self.log[-1]

    def join(self, *words: str, cwd: Path | None = None, hold: bool = False) -> subprocess.Popen[str]:
        """`workbench join` in the foreground."""
        env = os.environ | {"SEEN": str(self.seen), "HOLD": str(self.hold) if hold else ""}
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench", "join", "--command", f"sh {self.joiner}", *words],
            cwd=cwd or self.repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self.joined.append(process)
        return process

    def let_go(self) -> None:
        """The run's own teammate goes on."""
        self.gate.write_text("go\n")

    def finish(self) -> list[Event]:
        """All the events of the run, once it has ended."""
        out, err = self.run.communicate(timeout=100)
        assert self.run.returncode in (0, 1), err
        self.log += events(out)
        return self.log

    def answer(self, message: str, decision: str) -> None:
        """As a person does."""
        open_now = self.workbench("inbox", "--json").stdout
        assert f'"{message}"' in open_now, open_now
        done = self.workbench("answer", message, decision)
        assert done.returncode == 0, done.stderr

    def worktree(self) -> Path:
        """A linked worktree of the user's, on a branch of its own."""
        where = self.tmp / "mine"
        git(self.repo, "worktree", "add", "-q", "-b", "feature", str(where))
        (where / "mine.txt").write_text("mine\n")
        git(where, "add", "-A")
        git(where, "commit", "-q", "-m", "mine")
        return where


@pytest.fixture
def scene(workbench: CommandLine, repo: Path, tmp_path: Path) -> Iterator[Scene]:
    here = Scene(workbench, repo, tmp_path)
    yield here
    for process in here.joined:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_command_joins_lands_a_task_and_goes_when_the_run_is_over(scene: Scene) -> None:
    scene.start()
    joiner = scene.join("--name", "guest")
    assert scene.until("TeammateJoined")["name"] == "guest"
    assert scene.until("TaskLanded")["task"] == "goodbye"
    scene.let_go()
    found = scene.finish()
    _, err = joiner.communicate(timeout=30)
    assert joiner.returncode == 0, err
    assert "you are guest in the run r" in err and "over: the run is over" in err
    assert {it["task"]: it["teammate"] for it in of("AttemptStarted", found)} == {
        "hello": "ada", "goodbye": "guest",
    }  # fmt: skip
    assert of("RunFinished", found)[0]["outcome"] == "landed"
    assert of("TamperingFound", found) == []
    assert "/team/guest" in scene.seen.read_text(), "workbench made it a worktree"


def test_a_worktree_of_the_users_is_used_and_given_back_with_its_branch(scene: Scene) -> None:
    mine = scene.worktree()
    tip = git(mine, "rev-parse", "HEAD")
    scene.start()
    joiner = scene.join("--name", "guest", cwd=mine)
    scene.until("TaskLanded", task="goodbye")
    assert git(mine, "symbolic-ref", "HEAD").strip() == "refs/heads/workbench/r/guest"
    assert scene.seen.read_text().strip() == str(mine)
    scene.let_go()
    found = scene.finish()
    assert joiner.wait(timeout=30) == 0
    assert git(mine, "symbolic-ref", "HEAD").strip() == "refs/heads/feature"
    assert git(mine, "rev-parse", "HEAD") == tip
    assert git(mine, "status", "--porcelain", "--ignored") == ""
    assert not (mine / ".workbench").exists()
    assert of("RunFinished", found)[0]["outcome"] == "landed"
    assert of("TamperingFound", found) == [] and of("Noticed", found) == []
    assert scene.workbench("clean", "r").returncode == 0
    assert mine.is_dir(), "it is the user's"


@pytest.mark.parametrize("what", ["untracked", "changed"])
def test_a_worktree_that_is_not_clean_is_refused_and_stays(scene: Scene, what: str) -> None:
    mine = scene.worktree()
    file = mine / ("new.txt" if what == "untracked" else "mine.txt")
    file.write_text("precious\n")
    scene.start()
    refused = scene.workbench("join", cwd=mine)
    assert refused.returncode == 2
    assert "not committed" in refused.stderr and "--fresh" in refused.stderr
    assert file.read_text() == "precious\n"
    scene.let_go()
    assert not of("TeammateJoined", scene.finish())


def test_a_joiner_that_is_killed_leaves_and_its_work_goes_on_with_somebody_else(scene: Scene) -> None:
    scene.start()
    joiner = scene.join("--name", "guest", hold=True)
    scene.until("AgentStarted")
    while not scene.hold.exists():
        assert joiner.poll() is None
    joiner.send_signal(signal.SIGKILL)
    left = scene.until("TeammateLeft")
    assert (left["name"], left["reason"]) == ("guest", "whoever had joined is not there any more")
    ended = of("AttemptEnded", scene.log)[0]
    assert ended["interrupted"] and ended["commit"]
    assert git(scene.repo, "show", f"{ended['commit']}:half.txt") == "half"
    scene.let_go()
    found = scene.finish()
    assert of("RunFinished", found)[0]["outcome"] == "landed"
    assert of("AttemptStarted", found)[-1]["carry"] == ended["commit"]
    assert of("AttemptFailed", found) == [], "nobody failed"


def test_ctrl_c_leaves_in_good_order(scene: Scene) -> None:
    mine = scene.worktree()
    scene.start()
    joiner = scene.join("--name", "guest", cwd=mine, hold=True)
    scene.until("AgentStarted")
    while not scene.hold.exists():
        assert joiner.poll() is None
    joiner.send_signal(signal.SIGINT)
    assert scene.until("TeammateLeft")["name"] == "guest"
    _, err = joiner.communicate(timeout=30)
    assert joiner.returncode == 0, err
    scene.let_go()
    found = scene.finish()
    assert of("RunFinished", found)[0]["outcome"] == "landed"
    assert git(mine, "symbolic-ref", "HEAD").strip() == "refs/heads/feature"
    assert not (mine / "half.txt").exists()
    kept = of("AttemptEnded", found)[0]["commit"]
    assert git(scene.repo, "show", f"{kept}:half.txt") == "half"


def test_nobody_is_let_in_without_a_yes(scene: Scene) -> None:
    scene.start(WORKBENCH_ON_JOIN="ask")
    joiner = scene.join("--name", "guest")
    asked = scene.until("MessageSent")["message"]
    assert (asked["kind"], asked["sender"], asked["to"]) == ("join", "workbench", "person")
    assert f"sh {scene.joiner}" in asked["text"] and "guest" in asked["text"]
    scene.answer(asked["id"], "no")
    _, err = joiner.communicate(timeout=30)
    assert joiner.returncode == 1 and "You were not let in" in err
    joiner = scene.join("--name", "guest")
    while (asked := scene.until("MessageSent")["message"])["kind"] != "join":
        pass
    scene.answer(asked["id"], "yes")
    assert scene.until("TeammateJoined")["by"] == "person"
    scene.until("TaskLanded", task="goodbye")
    scene.let_go()
    scene.finish()
    assert joiner.wait(timeout=30) == 0


@pytest.mark.parametrize("name", ["lead", "../up", "-x", "Ada", "integration", "ada", "a" * 40])
def test_hostile_names_are_refused(scene: Scene, name: str) -> None:
    scene.start()
    refused = scene.workbench("join", f"--name={name}", "--command", "true")
    assert refused.returncode == 2 and "Nobody can join as" in refused.stderr
    added = scene.workbench("team", "add", "--", name)
    assert added.returncode == 2 and "Nobody can join as" in added.stderr
    scene.let_go()
    assert not of("TeammateJoined", scene.finish())


def test_by_hand_a_task_is_printed_checked_mended_and_landed(scene: Scene) -> None:
    mine = scene.worktree()
    scene.start()
    task = json.loads(scene.workbench("join", "--name", "me", "--json", cwd=mine).stdout)
    assert (task["what"], task["task"], task["worktree"]) == ("task", "goodbye", str(mine))
    assert "greet_NAME" in task["brief"]
    (mine / "broken").write_text("x")
    git(mine, "add", "-A")
    git(mine, "commit", "-q", "-m", "work")
    assert scene.workbench("mark", "done", "there", cwd=mine, WORKBENCH_NONCE=None).returncode == 0
    told = json.loads(scene.workbench("join", "--next", "--json", cwd=mine).stdout)
    assert told["what"] == "message" and "gate.sh" in told["text"]
    git(mine, "rm", "-q", "broken")
    (mine / "goodbye.txt").write_text("goodbye\n")
    git(mine, "add", "-A")
    git(mine, "commit", "-q", "-m", "mended")
    assert scene.workbench("mark", "done", "mended", cwd=mine, WORKBENCH_NONCE=None).returncode == 0
    scene.until("TaskLanded", task="goodbye")
    gone = scene.workbench("join", "--leave", cwd=mine)
    assert gone.returncode == 0, gone.stderr
    scene.until("TeammateLeft")
    scene.let_go()
    found = scene.finish()
    assert of("RunFinished", found)[0]["outcome"] == "landed"
    assert git(mine, "symbolic-ref", "HEAD").strip() == "refs/heads/feature"


def killed_with_a_guest(scene: Scene) -> tuple[Path, subprocess.Popen[str]]:
    """A run is killed while somebody who joined is at work: the worktree that was brought, and who did."""
    mine = scene.worktree()
    scene.start()
    joiner = scene.join("--name", "guest", cwd=mine, hold=True)
    scene.until("AgentStarted")
    while not scene.hold.exists():
        assert joiner.poll() is None
    scene.run.kill()
    scene.run.communicate()
    return mine, joiner


def test_a_killed_run_goes_on_without_who_had_joined_and_keeps_the_work(scene: Scene) -> None:
    mine, joiner = killed_with_a_guest(scene)
    _, err = joiner.communicate(timeout=30)
    assert joiner.returncode == 1 and "not going on any more" in err
    scene.gate.unlink()
    resumed = scene.workbench("resume", "r", "--json", WORKBENCH_ENV="GATE", GATE=str(scene.gate))
    assert resumed.returncode == 0, resumed.stderr
    found = events(resumed.stdout)
    assert of("TeammateLeft", found)[0]["name"] == "guest"
    assert git(mine, "symbolic-ref", "HEAD").strip() == "refs/heads/feature"
    report = json.loads(scene.workbench("report", "r", "--json").stdout)
    assert report["outcome"] == "landed"
    landed = git(scene.repo, "log", "--all", "--format=%H", "--", "half.txt")
    assert landed.strip(), "what it had is kept"


def test_clean_gives_back_what_a_killed_run_had_borrowed(scene: Scene) -> None:
    mine, joiner = killed_with_a_guest(scene)
    joiner.communicate(timeout=30)
    cleaned = scene.workbench("clean", "r")
    assert git(mine, "symbolic-ref", "HEAD").strip() == "refs/heads/feature", cleaned.stdout
    assert git(mine, "status", "--porcelain") == ""
    assert git(scene.repo, "log", "--all", "--format=%H", "--", "half.txt").strip()


def test_a_team_grows_is_listed_and_shrinks(scene: Scene) -> None:
    scene.start(GATED="hello goodbye")
    added = scene.workbench("team", "add", "gus", "--role", "tester")
    assert added.returncode == 0 and added.stdout == "gus is in the team\n", added.stderr
    scene.until("AttemptStarted", teammate="gus")
    listed = json.loads(scene.workbench("team", "--json").stdout)["members"]
    assert [(it["name"], it["role"]) for it in listed] == [("ada", ""), ("gus", "tester")]
    assert listed[0]["state"] == "working"
    known = json.loads(scene.workbench("discover", "--json").stdout)["teams"]
    assert [(it["run"], it["going_on"]) for it in known] == [("r", True)]
    assert known[0]["members"] == ["ada", "gus"]
    assert scene.workbench("team", "remove", "nobody").returncode == 2
    gone = scene.workbench("team", "remove", "gus", "--now", "--reason", "enough")
    assert gone.returncode == 0, gone.stderr
    scene.until("TeammateLeft", name="gus")
    scene.let_go()
    scene.until("AgentStarted", task="goodbye", attempt=2)
    scene.let_go()
    found = scene.finish()
    assert of("RunFinished", found)[0]["outcome"] == "landed"
