"""Bad input and bad surroundings: a sentence, a next step, exit 2, and never a stack trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, until

pytestmark = pytest.mark.e2e

PLAN = "# P\n\n## Tasks\n\n### one: One\n\nDo it.\n"


AGENT = ("--agent", "command:echo x > x")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.md"
    path.write_text(PLAN)
    return path


def run(workbench: CommandLine, plan: Path, *words: str, cwd: Path | None = None) -> str:
    """Run the plan; it must be refused with exit 2. Gives what was said."""
    agent = ("--agent", "command:echo x > x")
    done = workbench("run", str(plan), *agent, *words, cwd=cwd)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "next:" in done.stderr
    return done.stderr


def test_not_a_repository(workbench: CommandLine, plan: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "repository" in run(workbench, plan, "--gate", "true", "--yes", cwd=empty)


def test_no_commits(workbench: CommandLine, plan: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")
    assert "no commits" in run(workbench, plan, "--gate", "true", "--yes", cwd=fresh)


def test_no_gate(workbench: CommandLine, plan: Path) -> None:
    said = run(workbench, plan, "--yes")
    assert "--no-gates" in said and "`gates = [" in said, "each file is told in its own form"


def test_a_missing_gate_command(workbench: CommandLine, plan: Path) -> None:
    said = run(workbench, plan, "--gate", "no-such-program --now", "--yes")
    assert "no-such-program" in said and "not found" in said


def test_a_gate_that_is_red_on_the_base_shows_its_output(workbench: CommandLine, plan: Path) -> None:
    said = run(workbench, plan, "--gate", "echo the tests are broken; exit 1", "--yes")
    assert "red on the base" in said and "the tests are broken" in said
    status = workbench("status")
    assert "refused" in status.stdout


def test_an_unapproved_plan_and_a_changed_one(workbench: CommandLine, plan: Path) -> None:
    assert "not approved" in run(workbench, plan, "--gate", "true")
    assert workbench("approve", str(plan)).returncode == 0
    plan.write_text(PLAN + "\nAnd more.\n")
    assert "changed" in run(workbench, plan, "--gate", "true")


def test_an_approved_plan_runs_without_yes(workbench: CommandLine, plan: Path) -> None:
    assert workbench("approve", str(plan)).returncode == 0
    done = workbench("run", str(plan), "--agent", "command:echo x > x", "--gate", "true")
    assert done.returncode == 0, done.stderr


def test_plan_errors_name_the_line(workbench: CommandLine, plan: Path) -> None:
    plan.write_text(PLAN + "\n### two: Two\n- after: thre\n\nx\n\n### three: Three\n- afer: one\n")
    said = run(workbench, plan, "--gate", "true", "--yes")
    assert f"{plan}:10:" in said and f"{plan}:15:" in said
    checked = workbench("check", str(plan))
    assert checked.returncode == 2 and f"{plan}:10:" in checked.stderr


@pytest.mark.parametrize("words", [("check", "no-such.md"), ("run", "no-such.md"), ("approve", "no-such.md")])
def test_a_plan_that_is_not_there(workbench: CommandLine, words: tuple[str, ...]) -> None:
    done = workbench(*words)
    assert done.returncode == 2 and "no plan at no-such.md" in done.stderr


@pytest.mark.parametrize("command", ["status", "report", "resume"])
def test_no_run_yet(workbench: CommandLine, command: str) -> None:
    done = workbench(command)
    assert done.returncode != 0 and "workbench run PLAN" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_run_names_the_owner(workbench: CommandLine, plan: Path, tmp_path: Path) -> None:
    waits = f"command:while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo x > x"
    process = workbench.start(
        "run", str(plan), "--agent", waits, "--gate", "true", "--yes", "--json", "--run-id", "first"
    )
    until(process, lambda event: event["type"] == "AgentStarted")

    said = run(workbench, plan, "--gate", "true", "--yes")

    assert "first" in said and str(process.pid) in said
    (tmp_path / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_dirty_tree_is_allowed_and_said(workbench: CommandLine, plan: Path, repo: Path) -> None:
    (repo / "README.md").write_text("changed by the user\n")
    done = workbench("run", str(plan), "--agent", "command:echo x > x", "--gate", "true", "--yes")
    assert done.returncode == 0 and "uncommitted changes" in done.stderr
    assert (repo / "README.md").read_text() == "changed by the user\n"


def test_a_detached_head_is_fine(workbench: CommandLine, plan: Path, repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    done = workbench("run", str(plan), "--agent", "command:echo x > x", "--gate", "true", "--yes")
    assert done.returncode == 0, done.stderr


def test_no_login_says_how(workbench: CommandLine, plan: Path) -> None:
    done = workbench("run", str(plan), "--gate", "true", "--yes")
    assert done.returncode == 2, done.stderr
    assert "ANTHROPIC_API_KEY" in done.stderr and "Traceback" not in done.stderr


def test_unknown_words_are_usage_errors(workbench: CommandLine, plan: Path) -> None:
    for words in (("runn",), ("run",), ("run", str(plan), "--team", "0"), ("report", "--format", "pdf")):
        done = workbench(*words)
        assert done.returncode == 2, words
        assert "Traceback" not in done.stderr
    for value, wanted in (("x", "a whole number"), ("0", "greater than or equal to 1")):
        said = workbench("run", str(plan), "--team", value).stderr
        assert f"Invalid value for '--team': should be {wanted}\n" in said


def test_worktrees_that_cannot_be_made(
    workbench: CommandLine, plan: Path, repo: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    words = ("run", str(plan), "--agent", "command:true", "--gate", "true", "--yes")
    for root in (tmp_path / "file" / "below", repo / "inside"):
        done = workbench(*words, WORKBENCH_WORKTREE_ROOT=str(root))
        assert done.returncode == 2, done.stderr
        assert "worktree_root" in done.stderr and "Traceback" not in done.stderr


def test_a_branch_in_the_way(workbench: CommandLine, plan: Path, repo: Path) -> None:
    git(repo, "branch", "workbench")
    assert "git branch -m workbench" in run(workbench, plan, "--gate", "true", "--yes")


@pytest.mark.parametrize("first", ["", "false || ", "X=1 ", "{ ", "./"])
def test_an_agent_that_is_not_there_is_told_before_anything_starts(
    workbench: CommandLine, plan: Path, repo: Path, first: str
) -> None:
    """As far as the first word tells; what a shell knows by itself is tried."""
    agent = f"command:{first}no-such-agent --now" + "; }" * (first == "{ ")
    words = ("run", str(plan), "--agent", agent, "--gate", "true", "--yes", "--json")
    done = workbench(*words, WORKBENCH_ATTEMPTS="1", WORKBENCH_RETRY_SECONDS="0")
    started = (repo / ".git/refs/heads/workbench").exists()
    if first:
        assert done.returncode == 1 and started
        return
    assert done.returncode == 2 and not started
    assert "there is no program no-such-agent on PATH" in done.stderr and "next:" in done.stderr


def test_a_claude_code_that_is_not_there(workbench: CommandLine, plan: Path) -> None:
    done = workbench("run", str(plan), "--gate", "true", "--yes", WORKBENCH_CLAUDE="/no/such/claude")
    assert done.returncode == 2 and "/no/such/claude" in done.stderr
    assert "No run was started" in workbench("status").stderr


@pytest.mark.parametrize(
    ("line", "sentence", "step"),
    [
        ('team = "x"', "`team` in workbench.toml should be a whole number, not 'x'.", "How many teammates"),
        ("team = 0", "`team` in workbench.toml should be greater than or equal to 1, not 0.", "How many"),
        ("nothing_like_it = 2", "unknown setting `nothing_like_it`", "Settings are: "),
        ("gate = 2", "unknown setting `gate`", "Did you mean `gates`?"),
    ],
)
def test_a_bad_setting_is_told_in_plain_words(
    workbench: CommandLine, plan: Path, repo: Path, line: str, sentence: str, step: str
) -> None:
    (repo / "workbench.toml").write_text(f"{line}\n")
    said = run(workbench, plan, "--gate", "true", "--yes")
    assert sentence in said and step in said


def test_bad_settings_name_the_file(workbench: CommandLine, plan: Path, repo: Path) -> None:
    (repo / "workbench.toml").write_text("teem = 3\n")
    assert "workbench.toml" in run(workbench, plan, "--gate", "true", "--yes")


def test_help_and_a_headless_run_load_no_textual(workbench: CommandLine, plan: Path, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    probe = (
        "import sys; from workbench.__main__ import main; code = main(sys.argv[1:]); "
        "assert 'textual' not in sys.modules, 'textual was loaded'; sys.exit(code)"
    )
    run_words = ["run", str(plan), "--agent", "command:echo x > x", "--gate", "true", "--yes", "--headless"]
    for words in (["--help"], run_words):
        done = subprocess.run(
            [sys.executable, "-c", probe, *words],
            cwd=workbench.cwd, env=os.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("where", ["file/below", "file/far/below", "locked/below"])
@pytest.mark.parametrize("words", [("demo", "--headless", "--dir"), ("pack", "-o"), ("run", "--junit")])
def test_a_place_where_nothing_can_be_written(
    workbench: CommandLine, plan: Path, tmp_path: Path, words: tuple[str, ...], where: str
) -> None:
    (tmp_path / "file").touch()
    if where.startswith("locked"):
        (tmp_path / "locked").symlink_to("/proc")
    wanted = str(tmp_path / where)
    if words[0] == "pack":
        assert workbench("run", str(plan), "--yes", "--gate", "true", *AGENT).returncode == 0
        refused = workbench(*words, wanted)
    elif words[0] == "run":
        refused = workbench("run", str(plan), "--yes", "--gate", "true", *AGENT, words[1], f"{wanted}/x.xml")
        assert "No run was started" in workbench("status").stderr, "it was refused before anything was done"
    else:
        refused = workbench(*words, wanted)
    assert refused.returncode == 2 and "next: Name another place." in refused.stderr, refused.stderr
