"""The work of a run reaches the branch it was meant for, and nothing of the user's is lost on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, leftovers, until

pytestmark = pytest.mark.e2e

GATE = """\
if [ -e src/hello.py ] && [ -e clash ]; then echo "hello and clash do not go together"; exit 1; fi
if [ -e "$HOOKED" ]; then . "$HOOKED"; fi
"""

PLAN = """\
---
gates: ["HOOKED={hooked} sh gate.sh"]
---
# Two greetings

## Tasks

### hello: Say hello

Write it.

### goodbye: Say goodbye
- after: hello

Write it too.
"""

AGENT = """\
mkdir -p src/$WORKBENCH_TASK.d
echo "$WORKBENCH_TASK" > src/$WORKBENCH_TASK.py
echo deep > src/$WORKBENCH_TASK.d/deep.txt
echo "$WORKBENCH_TASK was here" >> README.md
"""

INTEGRATION = "workbench/greet/integration"


@pytest.fixture
def hooked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that the gates run when it is there: what happens in the world while they do, so without
    walls."""
    monkeypatch.setenv("WORKBENCH_SANDBOX", "off")
    return tmp_path / "hooked.sh"


@pytest.fixture
def plan(repo: Path, tmp_path: Path, hooked: Path) -> Path:
    (repo / "gate.sh").write_text(GATE)
    (repo / ".gitignore").write_text("*.secret\nsrc/hello.d/\n")
    (repo / "old.txt").write_text("old\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a gate")
    path = tmp_path / "plan.md"
    path.write_text(PLAN.format(hooked=hooked))
    return path


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    script = tmp_path / "agent.sh"
    script.write_text(AGENT + "git add -f src && git rm -q --ignore-unmatch old.txt\n")
    return script


@pytest.fixture
def finished(workbench: CommandLine, repo: Path, plan: Path, agent: Path) -> str:
    """A run ``greet`` that landed everything; gives the commit that main is at."""
    done = workbench("run", str(plan), "--agent", f"command:sh {agent}", "--yes", "--run-id", "greet")
    assert done.returncode == 0, done.stderr
    assert "workbench land greet" in done.stderr
    return git(repo, "rev-parse", "main")


def commit(where: Path, path: str, text: str) -> str:
    (where / path).write_text(text)
    git(where, "add", path)
    git(where, "commit", "-q", "-m", f"change {path}")
    return git(where, "rev-parse", "HEAD")


def state(where: Path) -> tuple[str, str, dict[str, str]]:
    """Everything that a refusal may not touch: refs, status, and the content of every file."""
    files = {
        str(path.relative_to(where)): path.read_text()
        for path in where.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }
    return git(where, "for-each-ref"), git(where, "status", "--porcelain", "--ignored"), files


def refused(workbench: CommandLine, *words: str, code: int = 2) -> str:
    """Land; it must be refused with a sentence and a next step, and leave everything as it was."""
    before = state(workbench.cwd)
    done = workbench("land", *words)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "next:" in done.stderr and not done.stdout
    assert state(workbench.cwd) == before
    return done.stderr


def landed(workbench: CommandLine, *words: str) -> str:
    """Land; it must succeed. Gives what was printed."""
    done = workbench("land", *words)
    assert done.returncode == 0, done.stderr
    assert not leftovers(workbench.cwd)
    return done.stdout + done.stderr


# -- where nothing is in the way -------------------------------------------------------------------


def test_a_fast_forward_brings_the_checkout_along(workbench: CommandLine, repo: Path, finished: str) -> None:
    (repo / "notes.txt").write_text("mine, and nobody's business\n")

    said = landed(workbench)

    new = git(repo, "rev-parse", INTEGRATION)
    assert git(repo, "rev-parse", "main") == git(repo, "rev-parse", "HEAD") == new
    assert git(repo, "status", "--porcelain") == "?? notes.txt"
    assert (repo / "src/goodbye.py").read_text() == "goodbye\n" and not (repo / "old.txt").exists()
    assert f"main {finished[:10]}..{new[:10]}: fast-forward" in said and "2 of 2 tasks" in said
    assert "workbench land greet" in git(repo, "reflog", "-1", "main")
    assert f"git reset --keep {finished[:10]}" in said
    git(repo, "reset", "--keep", finished[:10])
    assert git(repo, "rev-parse", "main") == finished
    assert git(repo, "status", "--porcelain") == "?? notes.txt"


def test_twice_says_so_and_changes_nothing(workbench: CommandLine, repo: Path, finished: str) -> None:
    landed(workbench)
    later = commit(repo, "more.txt", "later work\n")

    said = landed(workbench, "greet")

    assert "already" in said and git(repo, "rev-parse", "main") == later


def test_json_is_one_object_and_nothing_else(workbench: CommandLine, repo: Path, finished: str) -> None:
    done = workbench("land", "--json")
    found = json.loads(done.stdout)
    assert (found["how"], found["into"], found["old"]) == ("fast-forward", "main", finished)
    assert found["new"] == git(repo, "rev-parse", "main") and found["checkout"] == str(repo)
    assert json.loads(workbench("land", "--json").stdout)["how"] == "already"


def test_a_branch_that_nobody_shows_moves_by_itself(
    workbench: CommandLine, repo: Path, finished: str
) -> None:
    git(repo, "switch", "-q", "-c", "elsewhere")
    (repo / "README.md").write_text("dirty, and not in the way\n")

    said = landed(workbench)

    new = git(repo, "rev-parse", INTEGRATION)
    assert git(repo, "rev-parse", "main") == new and git(repo, "rev-parse", "HEAD") == finished
    assert (repo / "README.md").read_text() == "dirty, and not in the way\n"
    back = f"git update-ref refs/heads/main {finished[:10]} {new[:10]}"
    assert back in said
    git(repo, *back.split()[1:])
    assert git(repo, "rev-parse", "main") == finished


def test_a_branch_that_another_worktree_shows(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path
) -> None:
    git(repo, "switch", "-q", "-c", "elsewhere")
    other = tmp_path / "other"
    git(repo, "worktree", "add", "-q", str(other), "main")
    (other / "README.md").write_text("somebody works here\n")
    assert str(other) in refused(workbench)
    assert (other / "README.md").read_text() == "somebody works here\n"
    git(other, "checkout", "-q", "README.md")

    said = landed(workbench)

    assert f"git -C {other} reset --keep" in said
    assert git(other, "status", "--porcelain") == "" and (other / "src/hello.py").exists()
    assert git(repo, "rev-parse", "HEAD") == finished and not (repo / "src/hello.py").exists()


def test_from_a_linked_worktree_the_main_checkout_goes_along(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    git(repo, "worktree", "add", "-q", "--detach", str(other))

    done = workbench("land", cwd=other)

    assert done.returncode == 0, done.stderr
    assert git(repo, "status", "--porcelain") == "" and (repo / "src/hello.py").exists()
    assert not (other / "src/hello.py").exists()


def test_into_another_branch(workbench: CommandLine, repo: Path, finished: str) -> None:
    git(repo, "branch", "release")
    landed(workbench, "--into", "release")
    assert git(repo, "rev-parse", "release") == git(repo, "rev-parse", INTEGRATION)
    assert git(repo, "rev-parse", "main") == finished
    assert "no branch nowhere" in refused(workbench, "--into", "nowhere")
    assert "no branch" in refused(workbench, "--into", "--oops ^{x}")
    assert "branch of the run itself" in refused(workbench, "--into", INTEGRATION)


def test_hooks_of_the_user_run_and_their_settings_count(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    hook = hooks / "post-merge"
    hook.write_text(f"#!/bin/sh\npwd > {tmp_path}/merged\ngit rev-parse HEAD >> {tmp_path}/merged\n")
    hook.chmod(0o755)
    git(repo, "config", "core.hooksPath", str(hooks))
    git(repo, "config", "core.autocrlf", "true")
    # Settings that would make `git merge` do something else than it is asked for.
    git(repo, "config", "branch.main.mergeOptions", "--no-ff --squash --no-commit")

    landed(workbench)

    where, at = (tmp_path / "merged").read_text().split()
    assert Path(where) == repo and at == git(repo, "rev-parse", INTEGRATION)
    assert git(repo, "rev-parse", "HEAD") == at
    assert (repo / "src/hello.py").read_bytes() == b"hello\r\n"


def test_a_hook_that_says_no_is_heard(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path
) -> None:
    hook = repo / ".git/hooks/reference-transaction"
    hook.write_text('#!/bin/sh\n[ "$1" != prepared ] || ! grep -q refs/heads/main\n')
    hook.chmod(0o755)

    done = workbench("land")

    assert done.returncode == 2 and "next:" in done.stderr
    assert git(repo, "rev-parse", "main") == finished
    hook.unlink()
    landed(workbench)  # git had written the files before it asked: they are no obstacle
    assert git(repo, "status", "--porcelain") == ""


# -- the target has moved --------------------------------------------------------------------------


def test_a_merge_is_gated_and_published(workbench: CommandLine, repo: Path, finished: str) -> None:
    mine = commit(repo, "mine.txt", "the user's own\n")

    said = landed(workbench)

    assert "running the gates on the merge" in said and "merge of" in said
    assert git(repo, "log", "-1", "--format=%P", "main").split() == [
        mine,
        git(repo, "rev-parse", INTEGRATION),
    ]
    assert "Workbench-Run: greet" in git(repo, "log", "-1", "--format=%B", "main")
    assert git(repo, "status", "--porcelain") == ""
    assert (repo / "mine.txt").exists() and (repo / "src/hello.py").exists()
    assert len(git(repo, "worktree", "list").splitlines()) == 1, "the gate's worktree was left behind"
    assert "already" in landed(workbench)


def test_gates_on_the_merge_see_what_they_saw_in_the_run(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path, tmp_path: Path
) -> None:
    commit(repo, "mine.txt", "mine\n")
    hooked.write_text(f"env > {tmp_path}/seen\n")
    done = workbench("land", MY_TOKEN="secret", GITHUB_TOKEN="secret")
    assert done.returncode == 0, done.stderr
    seen = (tmp_path / "seen").read_text()
    assert "secret" not in seen and "WORKBENCH_GATE=1" in seen


def test_a_red_merge_is_not_published(workbench: CommandLine, repo: Path, finished: str) -> None:
    commit(repo, "clash", "x\n")
    said = refused(workbench, code=1)
    assert "hello and clash do not go together" in said and "red on the merge" in said
    assert "git merge --no-commit workbench/greet/integration" in said


def test_a_conflict_names_its_files(workbench: CommandLine, repo: Path, finished: str) -> None:
    commit(repo, "README.md", "# Another one altogether\n")
    said = refused(workbench)
    assert "conflicts" in said and "README.md" in said and "git switch main && git merge" in said


def test_a_target_that_moves_during_the_gates_is_merged_anew(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path
) -> None:
    commit(repo, "mine.txt", "mine\n")
    hooked.write_text(
        f"rm {hooked}; cd {repo}; echo raced > raced.txt; git add raced.txt;"
        "git -c user.name=U -c user.email=u@example.invalid commit -q -m raced\n"
    )

    said = landed(workbench)

    assert "has moved; looking again" in said and said.count("running the gates") == 2
    log = git(repo, "log", "--format=%s", "--first-parent", "main").splitlines()
    assert log[1:3] == ["raced", "change mine.txt"]
    assert git(repo, "status", "--porcelain") == "" and (repo / "raced.txt").exists()


def test_a_race_for_a_branch_that_nobody_shows(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path
) -> None:
    commit(repo, "mine.txt", "mine\n")
    git(repo, "switch", "-q", "-c", "elsewhere")
    raced = commit(repo, "raced.txt", "raced\n")
    hooked.write_text(f"rm {hooked}; git -C {repo} update-ref refs/heads/main {raced}\n")

    assert "has moved; looking again" in landed(workbench)
    assert git(repo, "rev-parse", "main^1") == raced


def test_a_checkout_that_is_switched_during_the_gates_is_left_alone(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path
) -> None:
    git(repo, "branch", "elsewhere")
    commit(repo, "mine.txt", "mine\n")
    hooked.write_text(f"rm {hooked}; git -C {repo} switch -q elsewhere\n")

    landed(workbench)

    assert git(repo, "rev-parse", "elsewhere") == git(repo, "rev-parse", "HEAD") == finished
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "rev-parse", "main^2") == git(repo, "rev-parse", INTEGRATION)


def test_a_file_that_appears_during_the_gates_is_not_overwritten(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path
) -> None:
    mine = commit(repo, "mine.txt", "mine\n")
    hooked.write_text(f"rm {hooked}; echo precious > {repo}/src/hello.py\n")

    done = workbench("land")

    assert done.returncode == 2 and "src/hello.py" in done.stderr
    assert (repo / "src/hello.py").read_text() == "precious\n" and git(repo, "rev-parse", "main") == mine


# -- what is in the way ----------------------------------------------------------------------------


def test_changes_that_are_not_committed_are_named(workbench: CommandLine, repo: Path, finished: str) -> None:
    (repo / "src/app.py").write_text("# half of an idea\n")
    said = refused(workbench)
    assert "src/app.py" in said and "git stash" in said
    git(repo, "add", "src/app.py")
    assert "src/app.py" in refused(workbench)
    git(repo, "commit", "-q", "-m", "an idea")
    (repo / "gate.sh").unlink()
    assert "gate.sh" in refused(workbench)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("src/hello.py", "src/hello.py"),
        ("src/hello.d/deep.txt", "src/hello.d/deep.txt"),  # ignored: git by itself would overwrite it
        ("src/hello.d", "src/hello.d"),
        ("src/goodbye.py/notes/mine.txt", "src/goodbye.py/notes/mine.txt"),
    ],
)
def test_files_that_would_be_overwritten_are_named(
    workbench: CommandLine, repo: Path, finished: str, path: str, named: str
) -> None:
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text("precious\n")
    assert named in refused(workbench)


def test_links_in_the_way_are_named_and_not_followed(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo / "src/goodbye.d").symlink_to(outside)
    assert "src/goodbye.d" in refused(workbench)
    assert list(outside.iterdir()) == []


def test_empty_folders_and_files_elsewhere_are_not_in_the_way(
    workbench: CommandLine, repo: Path, finished: str
) -> None:
    (repo / "src/hello.py").mkdir()
    (repo / "src/hello.d").mkdir()
    (repo / "src/hello.d/mine.txt").write_text("mine\n")
    landed(workbench)
    assert (repo / "src/hello.d/mine.txt").read_text() == "mine\n"
    assert (repo / "src/hello.py").read_text() == "hello\n"


def test_an_operation_in_progress_is_named(workbench: CommandLine, repo: Path, finished: str) -> None:
    git(repo, "switch", "-q", "-c", "side")
    commit(repo, "src/app.py", "side\n")
    git(repo, "switch", "-q", "main")
    commit(repo, "src/app.py", "main\n")
    subprocess.run(["git", "rebase", "-q", "side"], cwd=repo, capture_output=True, check=False)
    assert "rebase" in refused(workbench).lower()


def test_a_worktree_that_is_gone_is_named(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path
) -> None:
    git(repo, "switch", "-q", "-c", "elsewhere")
    git(repo, "worktree", "add", "-q", str(tmp_path / "away"), "main")
    (tmp_path / "away").rename(tmp_path / "moved")
    assert "worktree prune" in refused(workbench)


# -- the run itself --------------------------------------------------------------------------------


def test_no_run_and_no_such_run(workbench: CommandLine, repo: Path, finished: str) -> None:
    assert "no run 'other'" in refused(workbench, "other")


def test_nothing_landed(workbench: CommandLine, repo: Path, plan: Path) -> None:
    workbench("run", str(plan), "--agent", "command:true", "--yes", "--run-id", "idle")
    assert "Nothing has landed in run idle" in refused(workbench)


def test_part_of_the_work_lands_and_it_is_said(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    agent = 'command:[ "$WORKBENCH_TASK" = hello ] && echo hello > src/hello.py'
    assert workbench("run", str(plan), "--agent", agent, "--yes").returncode == 1
    said = landed(workbench)
    assert "1 of 2 tasks landed; landing those" in said and (repo / "src/hello.py").exists()


def test_a_run_without_a_branch_needs_one(
    workbench: CommandLine, repo: Path, plan: Path, agent: Path
) -> None:
    git(repo, "checkout", "-q", "--detach")
    done = workbench("run", str(plan), "--agent", f"command:sh {agent}", "--yes", "--run-id", "greet")
    assert "workbench land greet --into BRANCH" in done.stderr
    assert "--into BRANCH" in refused(workbench)
    landed(workbench, "--into", "main")
    assert git(repo, "rev-parse", "main") == git(repo, "rev-parse", INTEGRATION)


def test_a_run_without_gates_lands_and_it_is_said(
    workbench: CommandLine, repo: Path, tmp_path: Path, agent: Path
) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text("# P\n\n## Tasks\n\n### one: One\n\nDo it.\n")
    workbench("run", str(plan), "--agent", f"command:sh {agent}", "--yes", "--no-gates")
    commit(repo, "mine.txt", "mine\n")
    said = landed(workbench)
    assert "no gates: nothing has proven this work" in said and "running the gates" not in said


def test_a_branch_that_somebody_moved_is_not_trusted(
    workbench: CommandLine, repo: Path, finished: str
) -> None:
    proven = git(repo, "rev-parse", INTEGRATION)
    git(repo, "switch", "-q", INTEGRATION)
    commit(repo, "src/app.py", "broken by hand\n")
    git(repo, "switch", "-q", "main")
    said = refused(workbench)
    assert "never green" in said and proven[:10] in said
    git(repo, "branch", "-D", "-q", INTEGRATION)
    assert f"git branch {INTEGRATION} {proven}" in refused(workbench)


def test_a_run_that_is_going_on_is_not_landed(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    waits = f'[ "$WORKBENCH_TASK" = hello ] || while [ ! -e {tmp_path}/go ]; do sleep 0.05; done'
    agent = f"command:{waits}; echo x > x$WORKBENCH_TASK"
    process = workbench.start("run", str(plan), "--agent", agent, "--yes", "--json")
    until(process, lambda event: event["type"] == "AgentStarted" and event["task"] == "goodbye")
    done = workbench("land")
    assert done.returncode == 2 and "going on" in done.stderr and str(process.pid) in done.stderr
    (tmp_path / "go").touch()
    process.communicate(timeout=60)
    landed(workbench)


# -- killed ----------------------------------------------------------------------------------------


def test_killed_during_the_gates_it_lands_the_next_time(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path, tmp_path: Path
) -> None:
    mine = commit(repo, "mine.txt", "mine\n")
    os.mkfifo(tmp_path / "running")
    hooked.write_text(f"echo x > {tmp_path}/running; sleep 100\n")
    process = workbench.start("land")
    (tmp_path / "running").read_text()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert git(repo, "rev-parse", "main") == mine and git(repo, "status", "--porcelain") == ""
    hooked.unlink()

    landed(workbench)

    assert git(repo, "rev-parse", "main^1") == mine
    assert len(git(repo, "worktree", "list").splitlines()) == 1


def test_ctrl_c_during_the_gates_leaves_everything_as_it_was(
    workbench: CommandLine, repo: Path, finished: str, hooked: Path, tmp_path: Path
) -> None:
    mine = commit(repo, "mine.txt", "mine\n")
    os.mkfifo(tmp_path / "running")
    hooked.write_text(f"echo x > {tmp_path}/running; sleep 100\n")
    process = workbench.start("land")
    (tmp_path / "running").read_text()
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130 and not out and "Traceback" not in said
    assert git(repo, "rev-parse", "main") == mine and git(repo, "status", "--porcelain") == ""
    assert len(git(repo, "worktree", "list").splitlines()) == 1 and not leftovers(repo)


@pytest.mark.parametrize("written", ["files", "files and index", "one file"])
def test_a_checkout_that_git_left_half_way_is_finished(
    workbench: CommandLine, repo: Path, finished: str, written: str
) -> None:
    if written == "files and index":
        git(repo, "read-tree", "-u", "-m", "HEAD", INTEGRATION)
    else:
        paths = ["."] if written == "files" else ["README.md", "src/hello.py"]
        git(repo, "restore", f"--source={INTEGRATION}", "--worktree", "--", *paths)
    assert git(repo, "status", "--porcelain") != ""

    landed(workbench)

    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "rev-parse", "HEAD") == git(repo, "rev-parse", INTEGRATION)


def test_half_way_with_a_change_of_the_users_is_refused(
    workbench: CommandLine, repo: Path, finished: str
) -> None:
    git(repo, "restore", f"--source={INTEGRATION}", "--worktree", "--", ".")
    (repo / "src/app.py").write_text("mine\n")
    said = refused(workbench)
    assert "src/app.py" in said and "hello" not in said.partition("next:")[0]


def test_what_is_staged_only_is_not_lost(workbench: CommandLine, repo: Path, finished: str) -> None:
    (repo / "README.md").write_text("staged, and nowhere else\n")
    git(repo, "add", "README.md")
    git(repo, "restore", f"--source={INTEGRATION}", "--worktree", "--", "README.md")
    assert "README.md" in refused(workbench)
    assert git(repo, "show", ":README.md") == "staged, and nowhere else"


# -- pull requests ---------------------------------------------------------------------------------


@pytest.fixture
def origin(repo: Path, finished: str, tmp_path: Path) -> Path:
    where = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", str(where))
    git(repo, "remote", "add", "origin", str(where))
    git(repo, "push", "-q", "origin", "main")
    return where


@pytest.fixture
def gh(tmp_path: Path) -> str:
    """A PATH with a ``gh`` that writes down what it is asked, and remembers its pull request."""
    folder = tmp_path / "bin"
    folder.mkdir()
    fake = folder / "gh"
    fake.write_text(
        f"""\
#!/bin/sh
printf '%s\\n' "$@" >> {tmp_path}/asked
if [ -e {tmp_path}/no-login ]; then echo "gh: not logged in" >&2; exit 4; fi
case "$2" in
list) cat {tmp_path}/opened 2>/dev/null || true ;;
create) cat >> {tmp_path}/asked; echo Creating; echo https://example.invalid/pull/7 | tee {tmp_path}/opened ;;
esac
"""
    )
    fake.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_pull_request_is_opened_once(
    workbench: CommandLine, repo: Path, origin: Path, gh: str, tmp_path: Path, finished: str
) -> None:
    before = state(repo)[1:]

    done = workbench("land", "--pr", PATH=gh)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "https://example.invalid/pull/7"
    assert git(origin, "rev-parse", INTEGRATION) == git(repo, "rev-parse", INTEGRATION)
    assert git(repo, "rev-parse", "main") == finished and state(repo)[1:] == before
    asked = (tmp_path / "asked").read_text()
    assert f"--head\n{INTEGRATION}\n--base\nmain\n--title\nTwo greetings\n" in asked
    assert "- `hello` Say hello" in asked and "sh gate.sh" in asked
    again = workbench("land", "--pr", "--json", PATH=gh)
    assert json.loads(again.stdout)["url"] == "https://example.invalid/pull/7"
    assert (tmp_path / "asked").read_text().count("create\n") == 1


def test_a_dirty_checkout_is_no_matter_to_a_pull_request(
    workbench: CommandLine, repo: Path, origin: Path, gh: str
) -> None:
    (repo / "README.md").write_text("half of an idea\n")
    assert workbench("land", "--pr", PATH=gh).returncode == 0
    assert (repo / "README.md").read_text() == "half of an idea\n"


def test_a_gh_without_a_login_says_what_was_done(
    workbench: CommandLine, repo: Path, origin: Path, gh: str, tmp_path: Path
) -> None:
    (tmp_path / "no-login").touch()
    done = workbench("land", "--pr", PATH=gh)
    assert done.returncode == 2 and "not logged in" in done.stderr and "was pushed" in done.stderr
    assert git(origin, "rev-parse", INTEGRATION) == git(repo, "rev-parse", INTEGRATION)


def test_without_gh_it_is_pushed_and_the_rest_is_said(
    workbench: CommandLine, repo: Path, origin: Path, tmp_path: Path
) -> None:
    only = tmp_path / "only"
    only.mkdir()
    for name in ("git", "sh"):
        (only / name).symlink_to(next(p / name for p in map(Path, os.get_exec_path()) if (p / name).exists()))
    hook = origin / "hooks/post-update"
    hook.write_text("#!/bin/sh\necho 'visit https://example.invalid/new/greet' >&2\n")
    hook.chmod(0o755)

    done = workbench("land", "--pr", PATH=str(only))

    assert done.returncode == 0, done.stderr
    assert "pushed workbench/greet/integration" in done.stdout
    assert "into main at https://example.invalid/new/greet" in done.stderr
    assert git(origin, "rev-parse", INTEGRATION) == git(repo, "rev-parse", INTEGRATION)


def test_no_origin_and_an_origin_that_says_no(
    workbench: CommandLine, repo: Path, finished: str, tmp_path: Path, gh: str
) -> None:
    assert "git remote add origin" in refused(workbench, "--pr")
    git(repo, "remote", "add", "origin", str(tmp_path / "nowhere"))
    done = workbench("land", "--pr", PATH=gh)
    assert done.returncode == 2 and "could not push" in done.stderr and "next:" in done.stderr
