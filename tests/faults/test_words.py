"""Rows about hostile text: in the plan, in markers and messages, in names of files and branches, in links."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of
from tests.faults.conftest import INTEGRATION, Run, hostile, landed, run_words, untouched

pytestmark = pytest.mark.e2e


def _plan(body: str) -> str:
    return f"# P\n\n## Tasks\n\n{body}"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (_plan("### --upload-pack=x: Option\n\nx\n"), "id"),
        (_plan("### one: O\n- files: ../../outside/**\n\nx\n"), "glob"),
        (_plan("### one: O\x1b[2J\n\nx\x00\n"), "control"),
        ("---\n!!python/object/apply:os.system ['touch pwned']\n---\n" + _plan("### one: O\n\nx\n"), ""),
        ("x" * 30_000_000, ""),
    ],
    ids=["id", "files", "control", "yaml", "huge"],
)
def test_hostile_plan_is_refused_in_a_sentence(
    workbench: CommandLine, repo: Path, plan: Path, text: str, word: str
) -> None:
    """More of them, without a process each: tests/core/test_plan.py."""
    plan.write_text(text)

    checked = workbench("check", str(plan))

    assert checked.returncode == 2, (checked.stdout[-500:], checked.stderr[-500:])
    assert "Traceback" not in checked.stderr and word in checked.stderr
    assert len(checked.stderr) < 10_000 and "\x1b" not in checked.stderr
    assert not (repo / "pwned").exists()


def test_hostile_plan_that_is_no_text_is_refused_in_a_sentence(workbench: CommandLine, plan: Path) -> None:
    plan.write_bytes(b"# P\n\n\xff\xfe\n")
    assert workbench("check", str(plan)).returncode == 2
    plan.unlink()
    plan.symlink_to("/dev/zero")
    refused = workbench("check", str(plan))
    assert refused.returncode == 2 and "too large" in refused.stderr


def test_hostile_plan_words_reach_no_shell_and_no_git_as_an_option(
    workbench: CommandLine, repo: Path, plan: Path
) -> None:
    """Titles and bodies become commit messages, briefs, environment, reports."""
    nasty = (
        '--upload-pack="touch pwned" $(touch pwned) `touch pwned` '
        '{{ "eval" * 2 }} {% raw %} <script> & ]]> \' "'
    )
    plan.write_text(f"# {nasty}\n\n## Tasks\n\n### one: {nasty}\n\n{nasty}\n")

    done = workbench(*run_words(plan, hostile("good")))

    assert done.returncode == 0, done.stderr
    assert not list(repo.parent.rglob("pwned"))
    assert nasty in git(repo, "log", "-1", "--format=%B", INTEGRATION)
    ElementTree.fromstring(workbench("report", "--format", "junit").stdout)
    page = workbench("report", "--format", "md").stdout
    assert "evaleval" not in page.split("one", 1)[1].splitlines()[0]


def test_hostile_markers_messages_file_names_and_branches_reach_no_shell_and_no_git(
    workbench: CommandLine, run: Run, repo: Path
) -> None:
    before = untouched(repo)

    done = run("words")

    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert {it["name"] for it in of("MarkerQuarantined", story)} >= {
        "-rf.json", "$(touch pwned).json", "forged.json", "huge.json", "deep.json", "numbers.json", "to.json",
        "pipe.json", "folder.json", "link.json", "device.json",
    }  # fmt: skip
    assert not of("MarkerReceived", story), "a forged report counted"
    assert not list(repo.parent.rglob("pwned"))
    names = subprocess.run(
        ["git", "ls-tree", "-z", "--name-only", INTEGRATION], cwd=repo, capture_output=True, check=True
    ).stdout.split(b"\0")
    assert {b"--exec=touch pwned", b"$(touch pwned)", b"a\nb", b"-n", b"* ?"} <= set(names)
    assert untouched(repo) == before
    assert "Workbench-Task: one" in git(repo, "log", "-1", "--format=%(trailers)", INTEGRATION)
    for form in ("md", "json", "junit"):
        shown = workbench("report", "--format", form).stdout
        assert "\x1b" not in shown and "\x07" not in shown
    json.loads(workbench("report", "--json").stdout)


def test_hostile_branch_names_of_the_agent_keep_the_run_going(
    run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SANDBOX", "off")  # behind walls there is no branch but its own
    done = run("branches")

    assert done.returncode == 0, done.stderr
    assert landed(repo, "one.txt") == "fine"


def test_symlinks_in_the_place_of_what_workbench_writes_are_not_followed(
    run: Run, repo: Path, outside: Path
) -> None:
    for deed in ("links", "folder_is_a_link"):
        more = ("--run-id", deed.replace("_", "-"))
        done = run(deed, str(outside), more=more, WORKBENCH_ON_GUARDED="allow")
        assert done.returncode == 0, (deed, done.stderr)
        assert sorted(path.name for path in outside.iterdir()) == ["precious"], deed
        assert (outside / "precious").read_text() == "keep\n", deed


def test_symlinks_in_the_work_land_as_links_and_land_does_not_write_through_them(
    workbench: CommandLine, run: Run, repo: Path, outside: Path
) -> None:
    """``src`` becomes a link that leads out of the repository."""
    assert run("links", str(outside), WORKBENCH_ON_GUARDED="allow").returncode == 0
    assert git(repo, "ls-tree", INTEGRATION, "src").startswith("120000")

    done = workbench("land")

    assert done.returncode == 0, done.stderr
    assert (repo / "src").is_symlink()
    assert [path.name for path in outside.iterdir()] == ["precious"]


def test_symlinks_swapped_in_while_messages_are_delivered_are_not_followed(
    run: Run, repo: Path, outside: Path
) -> None:
    """Bad reports are answered into the inbox, which is a link by then."""
    done = run("links_then_bad_report", str(outside))

    assert done.returncode == 0, done.stderr
    assert [path.name for path in outside.iterdir()] == ["precious"]
