"""Cleaning up after runs of every kind: what landed may go, nothing else does, and all else comes back."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, leftovers, until
from workbench.adapters.lock import RepositoryLock

pytestmark = pytest.mark.e2e

PLAN = """\
---
gates: ["test ! -e broken"]
team: 2
---
# Two

## Tasks

### good: Do it well

Write it.

### bad: Do it badly
- attempts: 1

Write it.
"""

# `bad` fails with work of all sorts in its worktree; `slow` tasks wait until they are let go.
AGENT = """\
set -e
case $WORKBENCH_TASK in
  bad)
    echo committed > committed.txt; git add committed.txt
    git -c user.name=A -c user.email=a@example.invalid commit -q -m "half of it"
    echo half > "half done.txt"; mkdir notes; printf 'an idea\\377\\n' > notes/idea.md
    exit 1 ;;
  slow)
    echo wip > wip.txt; mkdir -p notes; echo slowly > notes/slow.md
    until [ -e {go} ]; do sleep 0.05; done ;;
  amend)
    git config user.name A; git config user.email a@example.invalid
    echo first > amended.txt; git add amended.txt; git commit -q -m first
    echo second > amended.txt; git commit -q -a --amend -m second
    echo third > reset.txt; git add reset.txt; git commit -q -m third; git reset -q --hard HEAD~1 ;;
  *) echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt" ;;
esac
"""

ODD = {
    b"plain.txt": b"mine\r\n\0\xff",
    b"a b\nc.txt": b"a line break",
    b"\xff\xfe.bin": b"no text",
    b"notes/by me.md": b"ignored, and listed",
}


@pytest.fixture(autouse=True)
def _listed(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SALVAGE", "notes/**")
    (repo / ".gitignore").write_text("notes/\n*.log\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "ignored")


@pytest.fixture
def go(tmp_path: Path) -> Path:
    return tmp_path / "go"


@pytest.fixture
def agent(tmp_path: Path, go: Path) -> str:
    script = tmp_path / "agent.sh"
    script.write_text(AGENT.replace("{go}", str(go)))
    return f"command:sh {script}"


def plan(tmp_path: Path, *tasks: str) -> str:
    """A plan of these tasks, or of ``good`` and ``bad``."""
    path = tmp_path / f"plan-{'-'.join(tasks)}.md"
    parts = [f"### {task}: Do {task}\n\nWrite it.\n" for task in tasks]
    head = PLAN.partition("### good")[0]
    path.write_text(head + "\n".join(parts) if tasks else PLAN)
    return str(path)


def run(workbench: CommandLine, agent: str, plan: str, name: str = "r", code: int = 0, **env: str) -> str:
    whole: dict[str, Any] = dict(env)
    done = workbench("run", plan, "--agent", agent, "--yes", "--run-id", name, **whole)
    assert done.returncode == code, done.stderr
    return done.stderr


def cleaned(workbench: CommandLine, *words: str) -> dict[str, Any]:
    done = workbench("clean", *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def whats(found: list[dict[str, Any]], kind: str = "") -> dict[str, str]:
    return {it["what"]: it["why"] for it in found if kind in ("", it["kind"])}


def items(workbench: CommandLine, *words: str) -> list[dict[str, Any]]:
    done = workbench("undo", "--list", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    assert [it["at"] for it in found] == sorted((it["at"] for it in found), reverse=True)
    return found


def back(workbench: CommandLine, item: dict[str, Any]) -> str:
    """Bring one thing back by the command that the list gives; the branch it is on."""
    words = shlex.split(item["command"])
    assert words[0] == "workbench"
    before = (git(workbench.cwd, "status", "--porcelain"), git(workbench.cwd, "rev-parse", "HEAD"))
    done = workbench(*words[1:], "--json")
    assert done.returncode == 0, done.stderr
    assert before == (git(workbench.cwd, "status", "--porcelain"), git(workbench.cwd, "rev-parse", "HEAD"))
    return str(json.loads(done.stdout)["branch"])


def content(repo: Path, ref: str, path: bytes) -> bytes:
    asked = [b"git", b"cat-file", b"blob", os.fsencode(ref) + b":" + path]
    return subprocess.run(asked, cwd=repo, capture_output=True, check=True).stdout


def refs(repo: Path, *prefixes: str) -> set[str]:
    return set(git(repo, "for-each-ref", "--format=%(refname)", *prefixes).splitlines())


def ours(repo: Path) -> set[str]:
    return refs(repo, "refs/workbench", "refs/heads/workbench")


def folders(tmp_path: Path) -> set[str]:
    """What is left of worktrees, below the folder for those of this repository."""
    root = tmp_path / "home" / "state" / "workbench" / "worktrees"
    return {str(path.relative_to(root)) for path in root.glob("*/*")}


def worktree(tmp_path: Path, run: str, name: str) -> Path:
    (found,) = (tmp_path / "home" / "state" / "workbench" / "worktrees").glob(f"*/{run}/team/{name}")
    return found


def admins(repo: Path) -> set[str]:
    return {path.name for path in (repo / ".git" / "worktrees").glob("*")}


def write_odd(folder: Path) -> None:
    (folder / "notes").mkdir(exist_ok=True)
    for name, text in ODD.items():
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(text)


# -- after a run that landed -----------------------------------------------------------------------------


def test_after_a_run_that_landed_only_its_branch_stays_and_then_that_goes_too(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good", "fine"), WORKBENCH_KEEP_WORKTREES="true")
    assert admins(repo)
    before = ours(repo)
    would = cleaned(workbench, "--dry-run")
    assert ours(repo) == before and admins(repo) and would["bytes"] > 0

    found = cleaned(workbench)

    assert whats(found["freed"], "worktree") == whats(would["freed"], "worktree") != {}
    assert ours(repo) == {"refs/heads/workbench/r/integration"}
    assert whats(found["kept"]) == {"workbench/r/integration": "not all of it is in main yet"}
    assert not admins(repo) and not folders(tmp_path) and found["log"]["bytes"] > 0
    git(repo, "fsck", "--strict")
    assert workbench("report").returncode == 0
    assert workbench("land").returncode == 0
    again = cleaned(workbench)
    assert not ours(repo) and whats(again["freed"], "branch") == {"workbench/r/integration": "main has it"}
    told = json.loads(workbench("report", "--json").stdout)
    assert told["complete"] and all(task["proven"] for task in told["tasks"]), (
        "the report went with the branch"
    )
    assert cleaned(workbench)["freed"] == []
    assert workbench("undo").returncode == 2
    for item in items(workbench):
        git(repo, "switch", "-q", "--detach", "main")
        git(repo, *shlex.split(item["command"])[1:], "--no-edit")
        assert not (repo / f"{item['id']}.txt").exists()


def test_landed_on_another_branch(workbench: CommandLine, repo: Path, tmp_path: Path, agent: str) -> None:
    run(workbench, agent, plan(tmp_path, "good"))
    git(repo, "branch", "elsewhere")
    assert workbench("land", "--into", "elsewhere").returncode == 0
    cleaned(workbench)
    assert ours(repo) == {"refs/heads/workbench/r/integration"}
    assert workbench("clean", "--into", "nowhere").returncode == 2
    cleaned(workbench, "--into", "elsewhere")
    assert not ours(repo)


def test_a_checkout_of_a_branch_keeps_it(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good"))
    git(repo, "worktree", "add", "-q", str(tmp_path / "look"), "workbench/r/integration")
    assert workbench("land").returncode == 0
    found = cleaned(workbench)
    assert str(tmp_path / "look") in whats(found["kept"])["workbench/r/integration"]
    assert git(tmp_path / "look", "status", "--porcelain") == ""


# -- what has not landed ---------------------------------------------------------------------------------


def test_what_a_failed_attempt_made_stays_and_comes_back(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path), code=1)

    found = cleaned(workbench)

    assert not admins(repo) and not folders(tmp_path)
    kept = [it for it in found["kept"] if it["kind"] == "pin"]
    assert kept and all(it["why"] == "it has not landed" for it in kept)
    for it in kept:  # what it says to look at it with works
        git(repo, *shlex.split(it["commands"][0])[1:])
    aside = [it for it in items(workbench) if it["kind"] == "salvage"]
    assert {it["task"] for it in aside} == {"bad"} and "worktree was removed" in aside[0]["about"]
    full = [it for it in aside if "notes/idea.md" in it["paths"]]
    assert len(full) == 1, aside
    assert full[0]["paths"] == ["notes/idea.md"], "the rest is in the attempt's own pin"
    failed = next(it for it in items(workbench) if it["id"] == "work/bad/1")
    assert failed["about"] == "an attempt's work (failed)" and failed["files"] == 2
    assert content(repo, back(workbench, failed), b"half done.txt") == b"half\n"
    branch = back(workbench, full[0])
    assert branch.startswith("workbench-recovered/r/salvage/")
    assert content(repo, branch, b"notes/idea.md") == b"an idea\xff\n"
    assert content(repo, branch, b"half done.txt") == b"half\n"
    assert content(repo, branch, b"committed.txt") == b"committed\n"
    landings = [it for it in items(workbench) if it["kind"] == "landing"]
    assert [it["id"] for it in landings] == ["good"] and landings[0][
        "command"
    ] == "workbench undo good --run r"
    assert cleaned(workbench)["freed"] == [], "cleaning twice finds nothing more, and drops nothing"
    assert full[0]["id"] in {it["id"] for it in items(workbench)}


def test_what_a_person_wrote_into_a_worktree_comes_back(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good", "fine"), WORKBENCH_KEEP_WORKTREES="true")
    mine = worktree(tmp_path, "r", "ada")
    write_odd(mine)
    (mine / "home").symlink_to(tmp_path / "home")

    cleaned(workbench)

    assert not mine.exists() and (tmp_path / "home").is_dir()
    (item,) = [it for it in items(workbench) if it["kind"] == "salvage"]
    assert item["files"] == len(ODD) + 1
    branch = back(workbench, item)
    for name, text in ODD.items():
        assert content(repo, branch, name) == text
    assert content(repo, branch, b"home") == os.fsencode(tmp_path / "home")
    assert back(workbench, item) == branch, "once is enough"
    listing = workbench("undo", "--list").stdout
    assert item["command"] in listing and "a b\\nc.txt" in listing and "\\xff\\xfe.bin" in listing
    assert not any("salvage" in ref for ref in refs(repo, "refs/heads/workbench")), "branches stay apart"


def test_what_a_person_committed_on_a_teammate_s_branch_stays_or_comes_back(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good", "fine"), WORKBENCH_KEEP_WORKTREES="true")
    mine = worktree(tmp_path, "r", "ada")
    (mine / "by hand.txt").write_text("by hand")
    git(mine, "add", "-A")
    git(mine, "commit", "-q", "-m", "by hand")
    work = git(mine, "rev-parse", "HEAD")

    cleaned(workbench)

    (item,) = [it for it in items(workbench) if "/" in it["id"]]
    assert (item["commit"], item["about"]) == (work, "a commit found in the worktree: by hand")
    assert "refs/heads/workbench/r/ada" not in ours(repo)
    other = git(repo, "commit-tree", "-p", "main", "-m", "elsewhere", "main^{tree}")
    git(repo, "branch", "workbench/r/ada", other)
    git(repo, "update-ref", f"refs/workbench/r/{item['id']}", work)
    found = cleaned(workbench)
    assert whats(found["kept"])["workbench/r/ada"] == "it has not landed"
    assert git(repo, "rev-parse", "workbench/r/ada") == other
    for it in found["kept"]:
        git(repo, *shlex.split(it["commands"][0])[1:])


def test_what_a_teammate_amended_or_reset_away_comes_back(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "amend"), WORKBENCH_SANDBOX="off")  # it sets git's configuration
    cleaned(workbench)
    assert ours(repo) >= {"refs/workbench/r/salvage/ada/1", "refs/workbench/r/salvage/ada/2"}
    found = {
        it["about"].rpartition(" ")[2]: back(workbench, it) for it in items(workbench) if "/" in it["id"]
    }
    assert set(found) == {"first", "third"}
    assert content(repo, found["first"], b"amended.txt") == b"first\n"
    assert content(repo, found["third"], b"reset.txt") == b"third\n"
    before = ours(repo)
    cleaned(workbench)
    assert ours(repo) == before


def test_names_of_what_comes_back(workbench: CommandLine, repo: Path, tmp_path: Path, agent: str) -> None:
    run(workbench, agent, plan(tmp_path), code=1)
    (item, *_) = [it for it in items(workbench) if "/" in it["id"]]
    ident = item["id"]
    assert workbench("undo", ident, "--as", "mine/again").returncode == 0
    assert git(repo, "rev-parse", "mine/again") == item["commit"]
    git(repo, "branch", f"workbench-recovered/r/{ident}", "main")
    assert workbench("undo", f"r:{ident}").returncode == 0
    assert git(repo, "rev-parse", f"workbench-recovered/r/{ident}-2") == item["commit"]
    for words, said in (
        (("--as", "main"), "There is a branch main already"),
        (("--as", "a..b"), "cannot name a branch"),
        (("--as", "mine"), "cannot be made"),
        (("--run", "other"), "in run other"),
        (("good",), "one by one"),
        (("--dry-run",), "nothing to try"),
        (("--list",), "takes no task"),
    ):
        done = workbench("undo", ident, *words)
        assert (done.returncode, done.stdout) == (2, "") and said in done.stderr, done.stderr
    assert workbench("undo", "salvage/zed/1").returncode == 2
    assert git(repo, "rev-parse", "main") == git(repo, "rev-parse", "HEAD")


def test_an_undone_landing_is_listed(workbench: CommandLine, repo: Path, tmp_path: Path, agent: str) -> None:
    run(workbench, agent, plan(tmp_path, "good"))
    assert workbench("undo").returncode == 0
    (item,) = items(workbench, "--run", "r")
    assert (item["kind"], item["task"]) == ("undone", "good")
    command = item["command"].replace("NAME", "mine")
    subprocess.run(["sh", "-ec", command], cwd=repo, check=True, capture_output=True)
    assert (repo / "good.txt").read_text() == "good\n"
    cleaned(workbench)
    assert [it["commit"] for it in items(workbench)] == [item["commit"]]


# -- runs that were cut short ----------------------------------------------------------------------------


def started(workbench: CommandLine, agent: str, plan: str, tmp_path: Path, name: str = "r") -> Any:
    """A run whose teammate is in the middle of `slow`."""
    process = workbench.start("run", plan, "--agent", agent, "--yes", "--run-id", name, "--json")
    until(process, lambda event: event["type"] == "AgentStarted" and event["task"] == "slow")
    while not any((tmp_path / "home").glob(f"state/workbench/worktrees/*/{name}/team/*/notes/slow.md")):
        assert process.poll() is None
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_cut_short_goes_on_after_it_was_cleaned(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, go: Path, number: signal.Signals
) -> None:
    process = started(workbench, agent, plan(tmp_path, "slow", "good"), tmp_path)
    os.kill(process.pid, number)
    process.communicate()

    found = cleaned(workbench)

    assert not leftovers(repo) and not admins(repo) and not folders(tmp_path)
    assert whats(found["kept"])["workbench/r/integration"] == "the run can be resumed, and lands there"
    kinds = {it["kind"]: it for it in items(workbench) if it["task"] == "slow"}
    assert len([it for it in items(workbench) if it["task"] == "slow"]) == 2, "pinned twice"
    assert content(repo, kinds["interrupted"]["commit"], b"wip.txt") == b"wip\n"
    assert content(repo, back(workbench, kinds["salvage"]), b"notes/slow.md") == b"slowly\n"
    cleaned(workbench)
    go.touch()

    done = workbench("resume", "--json")

    assert done.returncode == 0, done.stderr
    tip = "workbench/r/integration"
    assert [content(repo, tip, name) for name in (b"wip.txt", b"good.txt")] == [b"wip\n", b"good\n"]
    landed = [event["task"] for event in events(done.stdout) if event["type"] == "TaskLanded"]
    assert landed.count("slow") == 1
    assert "notes/slow.md" not in git(repo, "ls-tree", "-r", "--name-only", tip), "it was never delivered"


def test_a_run_whose_agent_is_not_installed_any_more_is_cleaned(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "our-agent"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec {agent.removeprefix('command:')}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    process = started(workbench, "command:our-agent", plan(tmp_path, "slow"), tmp_path)
    process.kill()
    process.communicate()
    program.unlink()

    cleaned(workbench)

    assert not leftovers(repo) and not folders(tmp_path)
    assert "there is no program our-agent" in workbench("resume").stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worktree_is_salvaged_before_a_resumed_run_begins_anew_in_it(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, go: Path, number: signal.Signals
) -> None:
    process = started(workbench, agent, plan(tmp_path, "slow"), tmp_path)
    os.kill(process.pid, number)
    process.communicate()
    tree = worktree(tmp_path, "r", "ada")
    (tree / "notes" / "mine.md").write_text("by hand")
    go.touch()
    assert workbench("resume").returncode == 0
    (aside,) = [it for it in items(workbench) if it["kind"] == "salvage" and "reset" in it["about"]]
    assert (aside["task"], set(aside["paths"])) == ("slow", {"notes/slow.md", "notes/mine.md"})
    assert content(repo, aside["commit"], b"wip.txt") == b"wip\n"
    assert content(repo, aside["commit"], b"notes/mine.md") == b"by hand"


def test_a_worktree_is_salvaged_before_a_failed_task_is_tried_again(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    again = Path(plan(tmp_path))
    text = again.read_text().replace("- attempts: 1", "- attempts: 2")
    again.write_text(text.replace("team: 2", "team: 1"))  # else somebody else would try
    run(workbench, agent, str(again), code=1)
    (aside,) = [it for it in items(workbench) if it["kind"] == "salvage" and "reset" in it["about"]]
    assert (aside["task"], aside["paths"]) == ("bad", ["notes/idea.md"])
    assert content(repo, aside["commit"], b"half done.txt") == b"half\n"


def test_a_run_that_goes_on_is_not_touched(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, go: Path
) -> None:
    run(workbench, agent, plan(tmp_path, "good"), "first", WORKBENCH_KEEP_WORKTREES="true")
    process = started(workbench, agent, plan(tmp_path, "slow"), tmp_path, "second")
    before = {ref for ref in ours(repo) if "/second/" in ref}
    for words in ((), ("second",), ("second", "--without-log")):
        done = workbench("clean", *words)
        assert done.returncode == 2 and "Run second is going on" in done.stderr

    found = cleaned(workbench, "--all")

    assert found["live"] == "second" and found["runs"] == ["first"]
    assert not any(it["run"] == "second" for it in found["freed"] + found["kept"])
    assert {ref for ref in ours(repo) if "/second/" in ref} == before
    assert (worktree(tmp_path, "second", "ada") / "wip.txt").exists()
    assert [path for path in folders(tmp_path) if path.endswith("first")] == []
    assert ours(repo) - before == {"refs/heads/workbench/first/integration"}
    assert workbench("status", "--disk").returncode == 0
    go.touch()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert events(out)[-1]["outcome"] == "landed"


def test_nobody_resumes_what_is_being_cleaned(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    process = started(workbench, agent, plan(tmp_path, "slow"), tmp_path)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate()
    with RepositoryLock(repo / ".git/workbench/runs/r").acquire("r (being cleaned)"):
        done = workbench("resume")
        assert done.returncode == 2 and "being cleaned" in done.stderr
    with RepositoryLock(repo / ".git/workbench").acquire("(clean)"):
        done = workbench("clean")
        assert done.returncode == 2 and "Another `workbench clean`" in done.stderr
    assert worktree(tmp_path, "r", "ada").is_dir()


# -- what is not ours ------------------------------------------------------------------------------------


def test_the_user_s_own_worktrees_and_branches_are_not_touched(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good"), WORKBENCH_KEEP_WORKTREES="true")
    assert workbench("land").returncode == 0
    git(repo, "branch", "workbench/r/mine")
    git(repo, "branch", "workbench/other")
    git(repo, "branch", "resolve-good")
    git(repo, "worktree", "add", "-q", str(tmp_path / "mine"), "workbench/r/mine")
    (tmp_path / "mine" / "draft").write_text("draft")
    team = worktree(tmp_path, "r", "ada").parent
    git(repo, "worktree", "add", "-q", "-b", "inside", str(team / "zed"))
    (team / "zed" / "draft").write_text("draft")
    (team.parent / "my stuff").mkdir()

    found = cleaned(workbench, "--all")

    assert (tmp_path / "mine" / "draft").exists() and (team / "zed" / "draft").exists()
    assert (team.parent / "my stuff").is_dir()
    assert ours(repo) == {"refs/heads/workbench/r/mine", "refs/heads/workbench/other"}
    assert {"inside", "resolve-good"} <= {ref.removeprefix("refs/heads/") for ref in refs(repo, "refs/heads")}
    kept = whats(found["kept"])
    assert "no teammate" in kept[str(team / "zed")] and kept["resolve-good"].startswith("yours")
    assert len(git(repo, "worktree", "list").splitlines()) == 3


def test_a_repository_that_a_teammate_made_stays(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good"), WORKBENCH_KEEP_WORKTREES="true")
    nested = worktree(tmp_path, "r", "ada") / "nested"
    nested.mkdir()
    git(nested, "init", "-q")
    (nested / "file").write_text("precious")
    found = cleaned(workbench)
    again = cleaned(workbench)
    (aside,) = [it for it in again["kept"] if it["kind"] == "aside"]
    assert [path.read_text() for path in Path(aside["what"]).rglob("file")] == ["precious"]
    assert any("was moved to" in note for note in found["notes"])


# -- a log that is gone ----------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["gone", "garbage", "one record"])
def test_without_its_log_nothing_of_a_run_goes_unless_that_is_said(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, damage: str
) -> None:
    run(workbench, agent, plan(tmp_path), code=1)
    write_odd(worktree(tmp_path, "r", "bob") if _has(tmp_path, "bob") else worktree(tmp_path, "r", "ada"))
    _hurt(repo / ".git" / "workbench", damage)
    before = ours(repo), folders(tmp_path)

    found = cleaned(workbench, "--all")

    assert (ours(repo), folders(tmp_path)) == before and found["freed"] == []
    (held,) = [it for it in found["kept"] if it["kind"] == "worktree"]
    assert held["commands"][-1] == "workbench clean r --without-log"
    assert (Path(held["what"]) / "plain.txt").exists()
    assert workbench("clean", "--all", "--without-log").returncode == 2

    cleaned(workbench, "r", "--without-log")

    assert not folders(tmp_path) and before[0] <= ours(repo), "a ref went"
    item = next(it for it in items(workbench, "--run", "r") if "plain.txt" in it["paths"])
    branch = back(workbench, item)
    for name, text in ODD.items():
        assert content(repo, branch, name) == text


def _has(tmp_path: Path, name: str) -> bool:
    return any((tmp_path / "home" / "state" / "workbench" / "worktrees").glob(f"*/r/team/{name}"))


def _hurt(state_dir: Path, damage: str) -> None:
    import sqlite3
    from contextlib import closing

    log = state_dir / "events.db"
    if damage == "one record":
        with closing(sqlite3.connect(log)) as connection, connection:
            connection.execute("UPDATE events SET body = 'x' WHERE seq = 1")
        return
    for path in state_dir.glob("events.db*"):
        path.unlink()
    if damage == "garbage":
        log.write_bytes(b"no database" * 1000)


def test_a_worktree_that_holds_nothing_goes_even_without_a_log(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    run(workbench, agent, plan(tmp_path, "good"), WORKBENCH_KEEP_WORKTREES="true")
    _hurt(repo / ".git" / "workbench", "gone")
    before = ours(repo)
    cleaned(workbench, "--all")
    assert not folders(tmp_path) and not admins(repo) and ours(repo) == before
    assert "In a repository" not in workbench("clean").stderr


def test_a_run_with_a_log_needs_no_word_against_it(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    assert "No run was started" in workbench("clean").stderr
    assert json.loads(workbench("undo", "--list", "--json").stdout) == {"items": []}
    assert "0 B" in workbench("status", "--disk").stdout
    run(workbench, agent, plan(tmp_path, "good"))
    for words in (("r", "--without-log"), ("nope",), ("r", "--all")):
        done = workbench("clean", *words)
        assert done.returncode == 2 and "next:" in done.stderr, words


# -- interrupted anywhere --------------------------------------------------------------------------------

KILLED = """\
import os, pathlib, shutil, signal, subprocess, sys
import workbench.cli.clean
from workbench.__main__ import main
left = 0
def counted(call):
    def wrapped(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return wrapped
subprocess.Popen.__init__ = counted(subprocess.Popen.__init__)
for name in ("rename", "unlink", "rmdir", "replace"):
    setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
shutil.rmtree = counted(shutil.rmtree)
while line := sys.stdin.readline():
    child = os.fork()
    if not child:
        os.chdir(sys.argv[1])  # which may have been put there anew
        os.dup2(2, 1)
        left = int(line)
        sys.exit(main(["clean", "--all"]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""For each number that it is told: clean in a fork, and die at the thing done there that has it."""


@pytest.fixture
def kill_clean(repo: Path, tmp_path: Path) -> Iterator[Callable[[int], int]]:
    """Cleans to its end, or to the thing of that number which it does; the code with which it ended."""
    said = tmp_path / "said by clean"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(repo)],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    assert process.stdin and process.stdout
    words, answers = process.stdin, process.stdout

    def call(number: int) -> int:
        words.write(f"{number}\n")
        words.flush()
        code = int(answers.readline())
        assert code in (0, -signal.SIGKILL), said.read_text()
        return code

    yield call
    process.communicate()


def test_killed_anywhere_it_can_be_done_again(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, kill_clean: Callable[[int], int]
) -> None:
    run(workbench, agent, plan(tmp_path), code=1, WORKBENCH_KEEP_WORKTREES="true")
    for name in ("ada", "bob"):
        write_odd(worktree(tmp_path, "r", name))
        (worktree(tmp_path, "r", name) / "whose.txt").write_text(name)
    backup = tmp_path / "as it was"
    shutil.copytree(repo, backup / "repo", symlinks=True)
    shutil.copytree(tmp_path / "home" / "state", backup / "state", symlinks=True)
    number, killed = 1, 0
    while True:
        code = kill_clean(number)
        _nothing_lost(workbench, repo, tmp_path)
        if code == 0:
            break
        killed += 1
        if number % 3 == 0:  # on what the kill left; in between, each from the start
            cleaned(workbench, "--all")
            _nothing_lost(workbench, repo, tmp_path)
            assert not admins(repo) and not folders(tmp_path)
        for what, where in ((backup / "repo", repo), (backup / "state", tmp_path / "home" / "state")):
            shutil.rmtree(where)
            shutil.copytree(what, where, symlinks=True)
        number += 2
    assert killed > 10
    salvaged = [it for it in items(workbench) if it["kind"] == "salvage" and "whose.txt" in it["paths"]]
    assert len(salvaged) == 2


@pytest.mark.parametrize("number", [4, 12, 20, 28])
def test_a_run_goes_on_after_a_clean_of_it_was_killed(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str, go: Path,
    kill_clean: Callable[[int], int], number: int,
) -> None:  # fmt: skip
    process = started(workbench, agent, plan(tmp_path, "slow"), tmp_path)
    process.kill()
    process.communicate()
    assert kill_clean(number) == -signal.SIGKILL
    go.touch()
    assert workbench("resume").returncode == 0
    assert content(repo, "workbench/r/integration", b"wip.txt") == b"wip\n"
    kept = [it for it in items(workbench) if it["task"] == "slow" and it["kind"] != "landing"]
    notes = [it for it in kept if "notes/slow.md" in it["paths"]]
    assert notes and content(repo, notes[-1]["commit"], b"notes/slow.md") == b"slowly\n"
    (left,) = [it for it in kept if it["kind"] == "interrupted"]
    assert content(repo, left["commit"], b"wip.txt") == b"wip\n"
    cleaned(workbench)
    assert not admins(repo) and not folders(tmp_path) and not leftovers(repo)


def _nothing_lost(workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
    """Each of the files that a person wrote is in its worktree, or in a commit that a ref holds."""
    pins = refs(repo, "refs/workbench/r/salvage")
    for name in ("ada", "bob"):
        there = list((tmp_path / "home").glob(f"state/workbench/worktrees/*/r/team/{name}"))
        if there and (there[0] / "whose.txt").exists():
            continue
        holding = [ref for ref in pins if ref.startswith(f"refs/workbench/r/salvage/{name}/")
                   and "whose.txt" in git(repo, "ls-tree", "--name-only", ref)]  # fmt: skip
        assert len(holding) == 1, (name, pins)
        for path, text in ODD.items():
            assert content(repo, holding[0], path) == text


# -- what is used ----------------------------------------------------------------------------------------


def test_status_says_what_is_used(workbench: CommandLine, repo: Path, tmp_path: Path, agent: str) -> None:
    run(workbench, agent, plan(tmp_path), code=1, WORKBENCH_KEEP_WORKTREES="true")
    tree = worktree(tmp_path, "r", "ada")
    (tree / "big.log").write_bytes(os.urandom(3_000_000))
    (tree / "home").symlink_to(tmp_path)
    trash = tree.parent.parent / "trash" / "old"
    trash.mkdir(parents=True)
    (trash / "file").write_bytes(b"x" * 500_000)

    found = json.loads(workbench("status", "--disk", "--json").stdout)

    (used,) = found["runs"]
    assert 3_000_000 < used["worktrees"]["bytes"] < 4_000_000 and used["worktrees"]["whole"]
    assert 500_000 < used["trash"]["bytes"] < 600_000
    assert 0 < used["objects"]["bytes"] < 100_000 and used["pins"] >= 2
    assert found["log"]["bytes"] > 4096
    assert found["freeable"]["bytes"] == used["worktrees"]["bytes"] + used["trash"]["bytes"]
    text = workbench("status", "--disk")
    assert "workbench clean --all" in text.stderr and "worktrees of teammates" in text.stdout
    would = cleaned(workbench, "--dry-run")
    assert abs(would["bytes"] - found["freeable"]["bytes"]) < 100_000
    freed = cleaned(workbench)
    assert freed["bytes"] == would["bytes"]
    after = json.loads(workbench("status", "--disk", "--json").stdout)
    assert after["freeable"]["bytes"] == 0
    assert workbench("status", "--disk", "nope").returncode == 2
    said = workbench("clean").stdout
    assert "kept" in said and "workbench undo" in said


def test_a_bulky_log_is_packed_and_files_of_a_killed_session_go(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    import gzip

    run(workbench, agent, plan(tmp_path, "good"))
    folder = repo / ".git/workbench/runs/r"
    (folder / "log.txt").write_bytes(b"line\n" * 400_000)
    (folder / "workbench-claude-x").mkdir()
    (folder / "workbench-claude-x" / "start").write_text("x")
    (folder / "claude").mkdir()
    (folder / "gates").mkdir(exist_ok=True)
    (folder / "gates" / "1-2-3.log").write_text("what a gate printed")
    (folder / "out").symlink_to(tmp_path)
    (repo / ".git/workbench/worktree-abc").mkdir()
    killed = repo / ".git/refs/heads/workbench/r/ada.lock"  # git was, while it deleted this branch
    killed.touch()
    left = repo / ".git/refs/workbench/r/work/good/9.lock"
    fresh = repo / ".git/refs/workbench/r/work/good/8.lock"
    theirs = repo / ".git/refs/heads/mine.lock"
    for lock in (left, fresh, theirs):
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    for lock in (left, theirs):
        os.utime(lock, (1, 1))
    os.utime(fresh, (4e9, 4e9))
    found = cleaned(workbench, "--all")
    assert "refs/heads/workbench/r/ada" not in ours(repo) and not killed.exists()
    assert [left.exists(), fresh.exists(), theirs.exists()] == [False, True, True]
    assert whats(found["freed"], "lock") == {
        str(left): "left by a killed git",
        str(killed): "left by a killed git",
    }
    assert {path.name for path in folder.iterdir()} == {"log.txt.gz", "out", "plan.md"}
    assert gzip.decompress((folder / "log.txt.gz").read_bytes()) == b"line\n" * 400_000
    assert not (repo / ".git/workbench/worktree-abc").exists()


def test_processes_of_a_killed_run_end_and_nobody_else_s(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: str
) -> None:
    process = started(workbench, agent, plan(tmp_path, "slow"), tmp_path)
    process.kill()
    process.communicate()
    mine = subprocess.Popen(["sleep", "60"], env=os.environ | {"WORKBENCH_RUN": "r"})
    # What a killed shim and a killed keeper would leave behind.
    marks = {"WORKBENCH_RUN": "r", "WORKBENCH_STATE": str(repo / ".git" / "workbench")}
    left = subprocess.Popen(["sleep", "60"], env=os.environ | marks)
    try:
        assert leftovers(repo)
        would = cleaned(workbench, "--dry-run")
        assert leftovers(repo) and whats(would["freed"], "process")
        found = cleaned(workbench)
        assert not leftovers(repo) and whats(found["freed"], "process")
        assert mine.poll() is None and left.wait(10) < 0
    finally:
        left.kill()
        left.wait()
        mine.kill()
        mine.wait()
