"""Rows about what an agent does: crashing, hanging, printing, saying done, breaking its worktree."""

from __future__ import annotations

import json
import signal
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import psutil
import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, leftovers, of, until
from tests.faults.conftest import Run, hostile, kept, landed, last, run_words, untouched

pytestmark = pytest.mark.e2e


def test_agent_crash_is_explained_and_its_work_kept(run: Run, repo: Path) -> None:
    done = run("crash")

    assert done.returncode == 1, done.stderr
    story = events(done.stdout)
    (failed,) = of("AttemptFailed", story)
    assert "SIGSEGV" in failed["reason"] and "about to crash" in failed["reason"]
    assert git(repo, "show", f"{failed['commit']}:one.txt") == "half"
    assert of("WorkCollected", story)[0]["snapshot"]
    assert "half\n" in kept(repo, "one.txt")


def test_agent_crash_is_tried_again_a_bounded_number_of_times(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    plan.write_text(plan.read_text().replace("attempts: 1", "attempts: 2"))

    done = workbench(*run_words(plan, hostile("crash")))

    assert done.returncode == 1
    story = events(done.stdout)
    assert [it["final"] for it in of("AttemptFailed", story)] == [False, True]
    assert of("AttemptStarted", story)[1]["carry"] == of("AttemptFailed", story)[0]["commit"]


def test_agent_zombie_and_daemons_are_gone_before_the_work_is_taken(
    workbench: CommandLine, run: Run, repo: Path
) -> None:
    done = run("zombie")

    assert done.returncode == 0, done.stderr
    assert landed(repo, "one.txt") == "fine"
    assert not leftovers(repo)
    assert not [
        it for it in psutil.process_iter() if "hostile.py" in " ".join(_cmdline(it)) and _ours(it, repo)
    ]


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _ours(process: psutil.Process, repo: Path) -> bool:
    try:
        return process.cwd().startswith(str(repo.parent))
    except psutil.Error:
        return False


def test_agent_endless_output_stays_bounded_everywhere(
    workbench: CommandLine, run: Run, repo: Path, tmp_path: Path
) -> None:
    """24 MB of it, without a line break: the log file, the events, the reports and JUnit stay small."""
    done = run("endless", WORKBENCH_KEEP_WORKTREES="true")

    assert done.returncode == 1
    assert max(len(line) for line in done.stdout.splitlines()) < 50_000
    (failed,) = of("AttemptFailed", events(done.stdout))
    assert "last words" in failed["reason"]
    _presentable(failed["reason"])
    logs = [path for path in tmp_path.rglob("one-1.log") if path.is_file()]
    assert logs and all(path.stat().st_size < 200_000 for path in logs)
    state = sum(path.stat().st_size for path in (repo / ".git" / "workbench").rglob("*") if path.is_file())
    assert state < 2_000_000
    _reports_are_well_formed(workbench, "last words")


def test_agent_output_that_is_invalid_utf_8_harms_nothing(
    workbench: CommandLine, run: Run, repo: Path
) -> None:
    done = run("invalid")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert {it["name"] for it in of("MarkerQuarantined", story)} == {"bad.json", "surrogate.json"}
    assert last(story)["outcome"] == "landed"
    names = subprocess.run(
        ["git", "ls-tree", "-z", "--name-only", "workbench/r/integration"], cwd=repo, capture_output=True,
        check=True,
    ).stdout  # fmt: skip
    assert b"caf\xe9.txt" in names.split(b"\0")
    _reports_are_well_formed(workbench)


def _presentable(text: str) -> None:
    """No control character, no direction override, nothing that is no Unicode."""
    text.encode("utf-8")
    odd = {char for char in text if (ord(char) < 32 and char not in "\n\t") or char in "\x7f\u202e\u2066"}
    assert not odd, odd


def _reports_are_well_formed(workbench: CommandLine, wanted: str = "") -> None:
    shown = workbench("report", "--format", "json").stdout
    json.loads(shown)
    junit = workbench("report", "--format", "junit").stdout
    ElementTree.fromstring(junit)
    page = workbench("report", "--format", "md").stdout
    status = workbench("status")
    for text in (shown, junit, page, status.stdout + status.stderr):
        assert len(text) < 60_000
        assert "\x1b" not in text and "\u202e" not in text
    assert wanted in page


def test_agent_says_done_without_committing_and_a_snapshot_marked_as_such_lands(run: Run, repo: Path) -> None:
    done = run("uncommitted")

    assert done.returncode == 0, done.stderr
    (collected,) = of("WorkCollected", events(done.stdout))
    assert collected["snapshot"]
    assert "uncommitted" in git(repo, "log", "-1", "--format=%B", collected["commit"]).lower()
    listed = git(repo, "ls-tree", "-r", "workbench/r/integration").splitlines()
    modes = {line.split("\t")[1]: line.split()[0] for line in listed}
    assert modes == {"README.md": "100644", "one.txt": "100644", "run.sh": "100755"}
    assert landed(repo, "README.md") == "changed"


def test_agent_says_done_with_an_empty_diff_and_that_is_no_success(run: Run, repo: Path) -> None:
    done = run("empty")

    assert done.returncode == 1
    story = events(done.stdout)
    assert [it["kind"] for it in of("MarkerReceived", story)] == ["done"]
    assert "no change" in of("AttemptFailed", story)[0]["reason"] and not of("TaskLanded", story)
    assert git(repo, "rev-parse", "workbench/r/integration") == git(repo, "rev-parse", "main")


def test_agent_deletes_its_git_file_and_git_never_answers_for_a_parent(
    run: Run, plan: Path, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worktrees stand inside another repository here, as they do under a home that is one."""
    monkeypatch.setenv("WORKBENCH_SANDBOX", "off")  # behind walls it cannot be deleted
    git(tmp_path / "home", "init", "-q")
    plan.write_text(plan.read_text().replace("attempts: 1", "attempts: 2"))
    before = untouched(repo)

    done = run("deletes_git_file")

    assert done.returncode == 1
    assert all(".git file" in it["reason"] for it in of("AttemptFailed", events(done.stdout)))
    assert untouched(repo) == before
    assert not (tmp_path / "home" / ".git" / "index").exists(), "the parent's repository was written to"
    assert "fine\n" in kept(repo, "one.txt"), "what the first attempt wrote is lost"
    (left,) = (tmp_path / "home").rglob("team/*/one.txt")
    assert left.read_text() == "fine\n", "what the last attempt wrote is lost"


def test_agent_deletes_its_worktree_and_what_it_committed_is_kept(
    run: Run, plan: Path, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SANDBOX", "off")  # behind walls it cannot be deleted
    plan.write_text(plan.read_text().replace("attempts: 1", "attempts: 2"))
    before = untouched(repo)

    done = run("deletes_worktree")

    assert done.returncode == 1
    failed = of("AttemptFailed", events(done.stdout))
    assert len(failed) == 2 and all("gone" in it["reason"] for it in failed)
    assert "fine\n" in kept(repo, "one.txt")
    assert untouched(repo) == before


def test_agent_writes_huge_files_and_they_land_whole(run: Run, repo: Path) -> None:
    done = run("huge", "8")

    assert done.returncode == 0, done.stderr
    assert git(repo, "cat-file", "-s", "workbench/r/integration:huge.bin") == str(8 << 20)
    assert len(git(repo, "ls-tree", "--name-only", "workbench/r/integration:many").splitlines()) == 300


def test_agent_that_hangs_is_ended_with_its_children_when_the_run_is_stopped(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    process = workbench.start(*run_words(plan, hostile("waits", str(tmp_path / "never"))))
    until(process, lambda event: event["type"] == "MarkerReceived")
    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=60)

    assert process.returncode == 130, said
    (ended,) = of("AttemptEnded", events(rest))
    assert git(repo, "show", f"{ended['commit']}:one.txt") == "fine"
    assert not leftovers(repo)
