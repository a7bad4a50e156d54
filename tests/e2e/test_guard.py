"""Hostile teammates: each does to the repository what no teammate may, and the run lands everything all the
same. What was the run's is put back, what may be the user's is told, and nothing becomes unreachable."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, Event, events, of

pytestmark = pytest.mark.e2e

PLAN = "# P\n\n## Tasks\n\n### one: One\n\nwork\n\n### two: Two\n- after: one\n\nwork\n"
RUN = "guarded"
BRANCH = f"refs/heads/workbench/{RUN}/integration"

Act = Callable[[str], list[Event]]


@dataclass
class Hostile:
    """A run of two tasks, one after the other; the teammate at ``two`` does ``deed`` besides its work."""

    workbench: CommandLine
    repo: Path
    folder: Path
    litter: tuple[str, ...] = ()
    """Files in .git that are taken away after the run, for git itself trips over them."""

    def __call__(self, deed: str, *, code: int = 0, after: str = "") -> list[Event]:
        """The run's events. Every commit that could be reached before can be reached afterwards."""
        plan, script = self.folder / "plan.md", self.folder / "agent.sh"
        plan.write_text(PLAN)
        script.write_text(
            "set -e\n"
            f"MAIN={self.repo}\n"
            'if [ "$WORKBENCH_TASK" = two ] && [ ! -e ../done ]; then\n'
            f"touch {self.folder}/did\n{deed}\n"
            "fi\n"
            'echo "$WORKBENCH_TASK" > "$WORKBENCH_WORKTREE/$WORKBENCH_TASK"\n'
            f"{after}\n"
        )
        before = set(git(self.repo, "rev-list", "--all", "--reflog").split())
        words = ("--agent", f"command:sh {script}", "--gate", "true", "--yes", "--json", "--run-id", RUN)
        done = self.workbench("run", str(plan), *words)
        assert done.returncode == code, (done.stdout[-3000:], done.stderr)
        assert (self.folder / "did").exists(), "the deed was not done"
        for name in self.litter:
            (self.repo / ".git" / name).unlink()
        if git(self.repo, "config", "--default", "false", "core.bare") == "false":
            assert before <= set(git(self.repo, "rev-list", "--all").split()), "commits were lost"
        found = events(done.stdout)
        if code == 0:
            for task in ("one", "two"):
                assert git(self.repo, "show", f"{BRANCH}:{task}") == task
        return found


@pytest.fixture(autouse=True)
def without_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is guarded is tried where nothing forbids it; tests/e2e/test_walls.py is about what does."""
    monkeypatch.setenv("WORKBENCH_SANDBOX", "off")


@pytest.fixture
def hostile(workbench: CommandLine, repo: Path, tmp_path: Path) -> Hostile:
    return Hostile(workbench, repo, tmp_path)


def alarms(story: list[Event], kind: str = "") -> list[Event]:
    found = [event["alarm"] for event in of("TamperingFound", story)]
    return [alarm for alarm in found if not kind or alarm["kind"] == kind]


def noticed(story: list[Event]) -> str:
    return "\n".join(event["sentence"] for event in of("Noticed", story))


def the_one(found: list[Event]) -> Event:
    assert len(found) == 1, found
    return found[0]


def test_an_agent_that_commits_to_main_is_noticed(hostile: Hostile, repo: Path) -> None:
    before = git(repo, "rev-parse", "main")
    story = hostile('git -C "$MAIN" commit -q --allow-empty -m mine')
    assert git(repo, "rev-parse", "main^") == before, "it may have been the user: it stays"
    assert "main moved on" in noticed(story) and not alarms(story)


def test_an_agent_that_rewrites_main_raises_an_alarm(hostile: Hostile, repo: Path) -> None:
    old = git(repo, "rev-parse", "main")
    story = hostile('git update-ref refs/heads/main $(git commit-tree -m other "HEAD^{tree}")')
    alarm = the_one(alarms(story, "ref"))
    assert "main" in alarm["sentence"] and "rewritten" in alarm["sentence"]
    assert alarm["suspects"] == ["ada at two"] and old in alarm["hint"]
    assert git(repo, "rev-parse", alarm["kept"][0]) == old
    git(repo, *alarm["hint"].removeprefix("if not: git ").split())
    assert git(repo, "rev-parse", "main") == old


def test_an_agent_that_deletes_and_rewrites_the_users_branches(hostile: Hostile, repo: Path) -> None:
    for name in ("feature", "other"):
        git(repo, "checkout", "-q", "-b", name, "main")
        git(repo, "commit", "-q", "--allow-empty", "-m", name)
    git(repo, "tag", "v1", "other")
    git(repo, "checkout", "-q", "main")
    feature, other = git(repo, "rev-parse", "feature", "other").split()
    story = hostile(
        "git branch -D -q feature; git update-ref refs/heads/other refs/heads/main; git tag -d v1; "
        'rm -r "$MAIN/.git/logs"'
    )
    deleted, rewritten = alarms(story, "ref")
    assert "feature and" not in deleted["sentence"] and "feature, v1 were deleted" in deleted["sentence"]
    assert "other" in rewritten["sentence"]
    assert {git(repo, "rev-parse", pin) for pin in deleted["kept"]} == {feature, other}
    assert git(repo, "rev-parse", rewritten["kept"][0]) == other


@pytest.mark.parametrize(
    "deed",
    [
        f"git update-ref {BRANCH} refs/heads/main",
        f"git update-ref -d {BRANCH}",
        f"git symbolic-ref {BRANCH} refs/heads/main",
        f'git update-ref {BRANCH} $(git commit-tree -p {BRANCH} -m sly "HEAD^{{tree}}")',
        f'echo {"f" * 40} > "$MAIN/.git/{BRANCH}"',
        f"git pack-refs --all && git update-ref {BRANCH} refs/heads/main",
    ],
)
def test_an_agent_that_moves_the_integration_branch(hostile: Hostile, repo: Path, deed: str) -> None:
    main = git(repo, "rev-parse", "main")
    story = hostile(deed)
    back = the_one(of("RefRestored", story))
    landed = of("TaskLanded", story)
    assert (back["ref"], back["put_back"]) == (BRANCH, landed[0]["commit"])
    assert [it["parent"] for it in landed] == [main, landed[0]["commit"]]
    assert git(repo, "rev-parse", BRANCH) == landed[1]["commit"]
    assert git(repo, "rev-parse", "main") == main
    if back["kept"]:
        assert git(repo, "rev-parse", back["kept"]) == back["found"]
        assert back["kept"] in back["hint"]


def test_an_agent_that_keeps_moving_the_integration_branch_stops_the_run(
    hostile: Hostile, repo: Path
) -> None:
    plan, script = hostile.folder / "plan.md", hostile.folder / "agent.sh"
    plan.write_text(
        "# P\n\n## Tasks\n\n"
        + "".join(f"### t{n}: T\n- after: t{n - 1}\n\nx\n\n" for n in range(1, 6)).replace(
            "- after: t0\n", ""
        )
    )
    script.write_text(
        f"echo x > $WORKBENCH_TASK; git update-ref {BRANCH} $(git commit-tree -m x HEAD^{{tree}})"
    )
    words = ("--agent", f"command:sh {script}", "--gate", "true", "--yes", "--json", "--run-id", RUN)
    done = hostile.workbench("run", str(plan), *words)
    assert done.returncode == 1
    story = events(done.stdout)
    assert len(of("RefRestored", story)) == 3 and story[-1]["outcome"] == "stopped"
    assert "3 times" in story[-1]["reason"]
    script.write_text("echo x > $WORKBENCH_TASK")
    assert hostile.workbench("resume").returncode == 0
    assert len(git(repo, "log", "--first-parent", "--format=%s", f"main..{BRANCH}").splitlines()) == 5


def test_an_agent_that_deletes_pins(hostile: Hostile, repo: Path) -> None:
    story = hostile(
        f"git for-each-ref --format='delete %(refname)' refs/workbench/{RUN} | git update-ref --stdin"
    )
    back = the_one(of("RefRestored", story))
    assert back["ref"] == f"refs/workbench/{RUN}/work/one/1" and back["found"] == ""
    assert git(repo, "rev-parse", back["ref"]) == back["put_back"]


def test_an_agent_that_moves_another_teammates_branch(hostile: Hostile, repo: Path, tmp_path: Path) -> None:
    """The victim has committed and goes on working: its branch comes back, and its work lands."""
    plan, script = tmp_path / "plan.md", tmp_path / "agent.sh"
    plan.write_text("# P\n\n## Tasks\n\n### victim: V\n\nx\n\n### villain: W\n\nx\n")
    script.write_text(
        f"""\
set -e
if [ $WORKBENCH_TASK = victim ]; then
  echo kept > kept; git add kept; git commit -q -m kept; git rev-parse HEAD > {tmp_path}/tip
  git symbolic-ref HEAD > {tmp_path}/name.new; mv {tmp_path}/name.new {tmp_path}/name
  while [ ! -e {tmp_path}/restored ]; do sleep 0.02; done
  test $(git rev-parse HEAD) = $(cat {tmp_path}/tip)
  echo more > more
else
  while [ ! -e {tmp_path}/name ]; do sleep 0.02; done
  echo x > villain
  git update-ref $(cat {tmp_path}/name) refs/heads/main
fi
"""
    )
    words = ("--agent", f"command:sh {script}", "--gate", "true", "--yes", "--json", "--run-id", RUN,
             "--team", "2")  # fmt: skip
    process = hostile.workbench.start("run", str(plan), *words)
    assert process.stdout is not None
    story = []
    for line in process.stdout:
        story.append(events(line)[0])
        if story[-1]["type"] == "RefRestored":
            (tmp_path / "restored").touch()
    assert process.wait() == 0
    back = the_one(of("RefRestored", story))
    assert back["ref"] == (tmp_path / "name").read_text().strip()
    assert back["put_back"] == (tmp_path / "tip").read_text().strip()
    assert all("victim" not in suspect for suspect in back["suspects"])
    assert git(repo, "show", f"{BRANCH}:kept") == "kept" and git(repo, "show", f"{BRANCH}:more") == "more"


@pytest.mark.parametrize("deed", ["git stash pop -q", "git stash clear", "git stash drop -q 'stash@{1}'"])
def test_an_agent_that_takes_the_users_stash(hostile: Hostile, repo: Path, deed: str) -> None:
    for name in ("first", "second"):
        (repo / "README.md").write_text(f"{name}\n")
        git(repo, "stash", "push", "-q", "-m", name)
    entries = git(repo, "stash", "list", "--format=%H").split()
    story = hostile(deed)
    alarm = the_one(alarms(story, "stash"))
    gone = [entry for entry in entries if entry not in git(repo, "stash", "list", "--format=%H").split()]
    assert {git(repo, "rev-parse", pin) for pin in alarm["kept"]} == set(gone) != set()
    command = alarm["hint"].removeprefix("if not: ")
    assert os.system(f"cd {repo} && {command}") == 0
    assert git(repo, "rev-parse", "refs/stash") in gone


def test_a_teammates_own_stash_is_its_own(hostile: Hostile) -> None:
    story = hostile("echo x > README.md; git stash -q; git stash pop -q; git checkout -q README.md")
    assert not alarms(story)


def test_an_agent_that_flips_core_bare(hostile: Hostile, repo: Path) -> None:
    story = hostile("git config core.bare true")
    alarm = the_one(alarms(story, "config"))
    assert "core.bare" in alarm["sentence"]
    assert os.system(alarm["hint"]) == 0
    assert git(repo, "status", "--porcelain") == ""


def test_an_agent_that_edits_configuration_is_named_by_key_and_never_by_value(hostile: Hostile) -> None:
    story = hostile(
        'git config core.hooksPath /tmp/hush-hooks; git config alias.st "!hush-alias"; '
        "git config remote.origin.url https://me:hush-word@example.invalid/x; "
        "git config http.extraheader hush-header; git config branch.main.remote origin"
    )
    said = "\n".join(alarm["sentence"] + alarm["hint"] for alarm in alarms(story, "config"))
    for key in ("core.hookspath", "alias.st", "remote.origin.url"):
        assert key in said, said
    assert "http.extraheader" in noticed(story)
    assert "hush" not in str(story) and "branch.main" not in said + noticed(story)


def test_an_agent_that_adds_a_hook(hostile: Hostile, repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    story = hostile(f"mkdir -p $(dirname {hook}); echo 'exit 0' > {hook}; chmod +x {hook}")
    alarm = the_one(alarms(story, "hooks"))
    assert "pre-commit" in alarm["sentence"] and f"rm {hook}" in alarm["hint"]
    assert hook.stat().st_mode & stat.S_IXUSR, "it may be the user's: it stays"


def test_an_agent_that_writes_into_the_main_checkout_as_well(hostile: Hostile, repo: Path) -> None:
    (repo / "mine").write_text("the user's\n")
    story = hostile('echo two > "$MAIN/two"; echo "the user again" > "$MAIN/mine"')
    alarm = the_one(alarms(story, "checkout"))
    assert "two in your checkout" in alarm["sentence"] and "mine" not in alarm["sentence"]
    assert alarm["suspects"] == ["ada at two"]
    assert (repo / "two").read_text() == "two\n", "the user's checkout is not ours to clean"
    assert "leaked" in hostile.workbench("report", "--format", "md").stdout


@pytest.mark.parametrize(
    "deed",
    ['cd /; rm -rf "$WORKBENCH_WORKTREE"; exit 0', 'rm "$WORKBENCH_WORKTREE/.git"; exit 0',
     'echo "gitdir: $MAIN/.git" > "$WORKBENCH_WORKTREE/.git"; exit 0'],
)  # fmt: skip
def test_an_agent_that_deletes_its_worktree_or_git_file(
    hostile: Hostile, repo: Path, tmp_path: Path, deed: str
) -> None:
    made = "echo $WORKBENCH_ATTEMPT > made; git add made; git commit -q -m made"
    story = hostile(f"{made}; if [ ! -e {tmp_path}/once ]; then touch {tmp_path}/once; {deed}; fi")
    failed = the_one(of("AttemptFailed", story))
    assert failed["task"] == "two" and ("is gone" in failed["reason"] or ".git file" in failed["reason"])
    assert [it["attempt"] for it in of("AttemptStarted", story) if it["task"] == "two"] == [1, 2]
    assert git(repo, "status", "--porcelain") == ""
    subjects = git(repo, "log", "--all", "--format=%s").splitlines()
    assert subjects.count("made") == 2, "what the first attempt had committed is kept"


def test_a_person_who_commits_on_the_integration_branch_is_told_how_to_bring_it_in(
    hostile: Hostile, repo: Path
) -> None:
    story = hostile(
        f'cd "$MAIN"; git worktree add -q -f ../person workbench/{RUN}/integration; cd ../person; '
        "echo mine > mine; git add mine; git commit -q -m mine; cd /"
    )
    back = the_one(of("RefRestored", story))
    assert "cherry-pick" in back["hint"]
    assert git(repo, "show", f"{back['kept']}:mine") == "mine"


def test_a_ref_with_a_name_that_git_does_not_know_blinds_nobody(hostile: Hostile, repo: Path) -> None:
    """Written without git: by an agent, or by whatever synchronises folders and puts copies beside files."""
    git(repo, "branch", "feature", git(repo, "commit-tree", "-m", "other", "HEAD^{tree}"))
    old = git(repo, "rev-parse", "feature")
    hostile.litter = (f"refs/workbench/{RUN}/a b", "refs/heads/main (copy)")
    words = "; ".join(f'git rev-parse HEAD > "$MAIN/.git/{name}"' for name in hostile.litter)
    story = hostile(f"{words}; git branch -D -q feature")
    alarm = the_one(alarms(story, "ref"))
    assert "feature, which was at" in alarm["sentence"]
    assert git(repo, "rev-parse", alarm["kept"][0]) == old
    assert "could not be looked after" not in noticed(story)


def test_notes_that_the_user_writes_are_nothing_to_raise_an_alarm_for(hostile: Hostile, repo: Path) -> None:
    git(repo, "notes", "add", "-m", "first")
    story = hostile('git -C "$MAIN" notes add -f -m second')
    assert not alarms(story)
