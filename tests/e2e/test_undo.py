"""What landed is taken off the branch again: gated, with nothing lost, at any time and after any kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, leftovers, until
from workbench.adapters.lock import RepositoryLock
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core.events import LandingUndone, UndoDropped, UndoStarted

pytestmark = pytest.mark.e2e

BRANCH = "workbench/r/integration"

GATE = """\
echo run >> {log}
for n in needs/*; do
  [ -e "$n" ] || continue
  [ -e "$(cat $n)" ] || { echo "$n wants $(cat $n)"; exit 1; }
done
"""

PLAN = """\
---
gates: ["sh gate.sh"]
---
# Five

## Tasks

### one: Write one
- gate: test -e one.txt

Write it.

### two: Write two
- after: one

Write it.

### three: Build upon one without saying so

Write it.

### four: Need five without saying so

Write it.

### five: Write five

Write it.
"""

# Two tasks build on what landed meanwhile, although the plan does not say so.
AGENT = """\
wait_for() {
  until git cat-file -e "refs/heads/workbench/r/integration:$1" 2>/dev/null; do sleep 0.02; done
  git -c user.name=A -c user.email=a@example.invalid merge -q --no-edit refs/heads/workbench/r/integration
}
case $WORKBENCH_TASK in
  one) echo one > shared.txt ;;
  three) wait_for shared.txt; printf 'one, changed\\nthree\\n' > shared.txt ;;
  last) wait_for go.txt ;;
  four) wait_for five.txt; mkdir -p needs; echo five.txt > needs/four ;;
esac
echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt"
"""


@pytest.fixture
def gate_log(tmp_path: Path) -> Path:
    return tmp_path / "gates.txt"


@pytest.fixture
def plan(repo: Path, tmp_path: Path, gate_log: Path) -> Path:
    (repo / "gate.sh").write_text(GATE.replace("{log}", str(gate_log)))
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a gate")
    path = tmp_path / "plan.md"
    path.write_text(PLAN)
    return path


@pytest.fixture
def agent(tmp_path: Path) -> str:
    script = tmp_path / "agent.sh"
    script.write_text(AGENT)
    return f"command:sh {script}"


@pytest.fixture
def landed(workbench: CommandLine, plan: Path, agent: str) -> list[dict[str, Any]]:
    """A run ``r`` that landed all five tasks; gives its landings, oldest first."""
    done = workbench("run", str(plan), "--agent", agent, "--yes", "--run-id", "r", "--team", "5")
    assert done.returncode == 0, done.stderr
    return list(report(workbench)["landings"])


def report(workbench: CommandLine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(workbench("report", "--json").stdout)
    return found


def statuses(workbench: CommandLine) -> dict[str, str]:
    """Where each task stands, by the report and by status, which must agree."""
    found = {task["id"]: task["status"] for task in report(workbench)["tasks"]}
    told = json.loads(workbench("status", "--json").stdout)["tasks"]
    assert {task["id"]: task["status"] for task in told} == found
    for name, status in found.items():
        assert any(line.split()[:2] == [name, status] for line in workbench("status").stdout.splitlines())
    return found


def files(repo: Path) -> set[str]:
    return set(git(repo, "ls-tree", "-r", "--name-only", BRANCH).splitlines())


def everything(repo: Path) -> tuple[str, str, int]:
    """Refs, status, and how many events the log holds."""
    with SqliteStore.reading(repo / ".git/workbench/events.db") as store:
        events = sum(len(store.read(run)) for run in store.runs())
    return git(repo, "for-each-ref"), git(repo, "status", "--porcelain"), events


def undone(workbench: CommandLine, *words: str) -> str:
    done = workbench("undo", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not leftovers(workbench.cwd)
    return done.stdout + done.stderr


def refused(workbench: CommandLine, *words: str, code: int = 2) -> str:
    before = everything(workbench.cwd)
    done = workbench("undo", *words)
    assert done.returncode == code, done.stdout + done.stderr
    assert "next:" in done.stderr and "Traceback" not in done.stderr and not done.stdout
    assert everything(workbench.cwd) == before
    return done.stderr


def records(repo: Path, kind: type) -> list[Any]:
    with SqliteStore.reading(repo / ".git/workbench/events.db") as store:
        return [record.event for record in store.read("r") if isinstance(record.event, kind)]


# -- what is undone ----------------------------------------------------------------------------------


def test_the_last_landing_and_the_tree_before_it(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]
) -> None:
    last, head = landed[-1], git(repo, "rev-parse", "HEAD")

    said = undone(workbench)

    new = git(repo, "rev-parse", BRANCH)
    assert git(repo, "rev-parse", f"{new}^{{tree}}") == git(repo, "rev-parse", f"{last['parent']}^{{tree}}")
    assert git(repo, "log", "-1", "--format=%P", new) == last["commit"]
    assert f"Workbench-Undo: {last['task']}" in git(repo, "log", "-1", "--format=%B", new)
    assert f"workbench: undo {last['task']}" in git(repo, "reflog", "-1", BRANCH)
    assert git(repo, "rev-parse", "HEAD") == head and git(repo, "status", "--porcelain") == ""
    assert last["task"] in said and f"cherry-pick -m 1 {last['commit'][:10]}" in said
    assert "workbench land" not in said
    git(repo, "merge-base", "--is-ancestor", last["delivered"], BRANCH)

    assert statuses(workbench) == {
        name: "undone" if name == last["task"] else "landed"
        for name in ("one", "two", "three", "four", "five")
    }
    found = report(workbench)
    assert (found["complete"], found["outcome"], found["tip"]) == (False, "incomplete", new)
    (task,) = [task for task in found["tasks"] if task["id"] == last["task"]]
    assert task["landed"] == "" and new[:10] in task["reason"] and last["commit"][:10] in task["reason"]
    told = workbench("report", "--format", "md")
    assert told.returncode == 1 and "4 of 5 tasks landed" in told.stdout
    assert f"{new[:10]}  {last['task']} undone" in told.stdout
    assert 'failures="0" skipped="1"' in workbench("report", "--format", "junit").stdout
    git(repo, "switch", "-q", "-c", "mine", BRANCH)
    git(repo, *said.partition("&& git ")[2].partition("`")[0].split())  # what it says works
    assert (repo / f"{last['task']}.txt").exists() and git(repo, "diff", last["commit"]) == ""


def test_a_task_takes_its_dependents_along_and_later_work_stands_in_the_way(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]
) -> None:
    said = refused(workbench, "one")
    assert "one cannot be undone alone: shared.txt changed again with three" in said
    again = said.partition("`workbench ")[2].partition("`")[0].split()
    assert again[0] == "undo" and {"one", "two", "three"} < set(again)

    said = undone(workbench, *again[1:])

    assert "two undone (depends on one)" in said or "two undone: landed as" in said
    assert files(repo).isdisjoint({"one.txt", "two.txt", "three.txt", "shared.txt"})
    assert {"four.txt", "five.txt", "needs/four"} <= files(repo)
    kept = [it.task for it in records(repo, LandingUndone)]
    assert sorted(kept) == ["one", "three", "two"] and kept.index("two") < kept.index("one")
    assert statuses(workbench)["two"] == "undone"


def test_a_red_gate_is_heard_and_names_who_came_later(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]], gate_log: Path
) -> None:
    before = gate_log.read_text().count("run")
    said = refused(workbench, "five", code=1)
    assert "`sh gate.sh` is red without five" in said and "needs/four wants five.txt" in said
    assert "four" in said.partition("next:")[2]
    assert gate_log.read_text().count("run") == before + 3, "twice without it, once with it"

    undone(workbench, "five", "four")

    assert files(repo).isdisjoint({"five.txt", "four.txt", "needs/four"})
    assert workbench("land").returncode == 0, "the new tip is not proven"
    assert (repo / "one.txt").exists() and not (repo / "five.txt").exists()


def test_a_tree_that_is_proven_is_not_gated_again(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]], gate_log: Path
) -> None:
    undone(workbench, "three", "one", "four", "five")
    runs = gate_log.read_text().count("run")
    assert git(repo, "rev-parse", f"{BRANCH}^{{tree}}") == git(repo, "rev-parse", "main^{tree}")
    (intent,) = records(repo, UndoStarted)
    assert intent.verdicts == () and runs == gate_log.read_text().count("run")

    said = workbench("land")
    assert said.returncode == 2 and "Every landing of run r was undone" in said.stderr
    assert "was undone already" in refused(workbench)


def test_a_dry_run_changes_nothing(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]], gate_log: Path
) -> None:
    before, runs = everything(repo), gate_log.read_text()
    done = workbench("undo", "three", "--dry-run")
    assert done.returncode == 0 and "three would be undone: landed as" in done.stdout
    assert "`sh gate.sh`, `test -e one.txt`" in done.stdout
    found = json.loads(workbench("undo", "--dry-run", "--json").stdout)
    assert found["dry_run"] and found["reversals"][0]["landing"] == landed[-1]["commit"]
    assert everything(repo) == before and gate_log.read_text() == runs
    assert "shared.txt" in refused(workbench, "one", "--dry-run")


def test_json_is_one_object_and_nothing_else(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]
) -> None:
    found = json.loads(workbench("undo", "three", "--json").stdout)
    assert (found["run"], found["old"], found["why"]) == ("r", landed[-1]["commit"], {"three": "named"})
    assert found["new"] == git(repo, "rev-parse", BRANCH)
    assert git(repo, "show", f"{BRANCH}:shared.txt") == "one"


# -- gates ---------------------------------------------------------------------------------------------

THREE = """\
---
gates: ["sh gate.sh"]
---
# Three

## Tasks

### keep: Stay
- gate: test -e keep.txt && test ! -e {switch}

Write it.

### go: Leave

Write it.

### last: Land after that

Write it.
"""


def test_nobody_is_blamed_for_a_gate_that_is_red_anyway(
    workbench: CommandLine, repo: Path, plan: Path, agent: str, tmp_path: Path
) -> None:
    switch, hook = tmp_path / "switch", tmp_path / "hook.sh"
    plan.write_text(THREE.format(switch=switch))
    (repo / "gate.sh").write_text(f"if [ -e {hook} ]; then . {hook}; fi\n")
    git(repo, "commit", "-q", "-am", "another gate")
    done = workbench("run", str(plan), "--agent", agent, "--yes", "--run-id", "r", "--team", "3")
    assert done.returncode == 0, done.stderr

    hook.write_text("echo the network is down; exit 1\n")
    said = refused(workbench, "go", code=1)
    assert "red on the branch as it is, too" in said and "the network is down" in said

    hook.write_text(f"rm {hook}; exit 1\n")  # red once: a flake
    switch.touch()  # and keep's own gate is red whatever is undone
    said = undone(workbench, "go")
    assert "was red before as well: passed over" in said and "`test -e keep.txt" in said
    (intent,) = records(repo, UndoStarted)
    assert [it.green for it in intent.verdicts if it.gate == "sh gate.sh"] == [False, True]
    assert [it.green for it in intent.verdicts if it.gate != "sh gate.sh"] == [False, False]
    assert files(repo) >= {"keep.txt"} and "go.txt" not in files(repo)


def test_a_run_without_gates_says_that_nothing_proves_it(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    plan.write_text(THREE.removeprefix('---\ngates: ["sh gate.sh"]\n---\n').replace("- gate:", "Not a gate:"))
    done = workbench(
        "run", str(plan), "--agent", agent, "--yes", "--run-id", "r", "--team", "3", "--no-gates"
    )
    assert done.returncode == 0, done.stderr
    assert "nothing proves what the branch will hold" in undone(workbench, "go")
    assert workbench("land").returncode == 0 and not (repo / "go.txt").exists()


def test_with_gates_of_tasks_alone_the_base_is_as_proven_as_it_was(
    workbench: CommandLine, repo: Path, plan: Path, agent: str
) -> None:
    plan.write_text("# One\n\n## Tasks\n\n### one: Write one\n- gate: test -e one.txt\n\nWrite it.\n")
    done = workbench("run", str(plan), "--agent", agent, "--yes", "--run-id", "r")
    assert done.returncode == 0, done.stderr
    assert workbench("land").returncode == 0 and (repo / "one.txt").exists()
    assert "no gate is left to run" in undone(workbench)
    done = workbench("land")
    assert done.returncode == 0 and not (repo / "one.txt").exists(), done.stderr


# -- what cannot be ------------------------------------------------------------------------------------


def test_refusals_say_why(workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]) -> None:
    assert "no task 'six'" in refused(workbench, "six")
    assert "no run 'nope'" in refused(workbench, "--run", "nope")
    undone(workbench, "three")
    assert "three was undone already" in refused(workbench, "three")
    with RepositoryLock(repo / ".git/workbench").acquire("r"):
        assert "is going on" in refused(workbench)
    published = git(repo, "rev-parse", BRANCH)
    tree = git(repo, "rev-parse", f"{BRANCH}^{{tree}}")
    mine = git(repo, "commit-tree", tree, "-p", BRANCH, "-m", "mine")
    git(repo, "update-ref", f"refs/heads/{BRANCH}", mine)
    said = refused(workbench)
    assert "somebody moved it" in said and f"git branch -f {BRANCH} {published[:10]}" in said
    git(repo, "branch", "-q", "-m", BRANCH, "aside")
    said = refused(workbench)
    put_back = said.partition("`git ")[2].partition("`")[0].split()
    git(repo, *put_back)
    undone(workbench)


def test_before_any_run_and_before_any_landing(workbench: CommandLine, repo: Path, plan: Path) -> None:
    assert workbench("undo").returncode == 2
    failing = workbench("run", str(plan), "--agent", "command:false", "--yes", "--run-id", "r")
    assert failing.returncode == 1
    assert "Nothing has landed in run r" in refused(workbench)
    assert "has not landed" in refused(workbench, "one")


# -- kills -----------------------------------------------------------------------------------------------

KILLED = """\
import os, signal, sys
from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.store.sqlite import SqliteStore
from workbench.core import events

append, move = SqliteStore.append, Plumbing.move_ref
def die():
    os.kill(os.getpid(), signal.SIGKILL)

async def appending(self, run, records):
    if any(isinstance(record.event, events.LandingUndone) for record in records):
        die()
    await append(self, run, records)

async def moving(self, *words):
    die()

if sys.argv.pop(1) == "after":
    SqliteStore.append = appending
else:
    Plumbing.move_ref = moving
from workbench.cli.app import main
sys.exit(main(sys.argv[1:]))
"""


def killed(repo: Path, when: str, *words: str) -> None:
    """Undo in a process that kills itself before or after the branch is moved."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, when, "undo", *words], cwd=repo, env=os.environ, check=False
    )
    assert done.returncode == -signal.SIGKILL


def test_killed_between_publication_and_log(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]
) -> None:
    killed(repo, "after", "three")
    assert git(repo, "log", "-1", "--format=%s", BRANCH).startswith("Undo three")
    assert not records(repo, LandingUndone)
    assert statuses(workbench)["three"] == "undone", "git knows better than the log"
    assert json.loads(workbench("undo", "--dry-run", "--json").stdout)["old"] == git(
        repo, "rev-parse", BRANCH
    )

    done = workbench("undo", "three")

    assert done.returncode == 2 and "three was undone already" in done.stderr
    assert [it.task for it in records(repo, LandingUndone)] == ["three"]
    undone(workbench)
    assert len([name for name, it in statuses(workbench).items() if it == "undone"]) == 2


def test_killed_before_publication(workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]) -> None:
    killed(repo, "before", "three")
    assert git(repo, "rev-parse", BRANCH) == landed[-1]["commit"]
    git(repo, "gc", "-q", "--prune=now")
    assert statuses(workbench)["three"] == "landed"
    assert workbench("land").returncode == 0
    undone(workbench, "three")
    assert len(records(repo, UndoDropped)) == 1 and len(records(repo, LandingUndone)) == 1


# -- the target has it already ---------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [False, True])
def test_land_brings_the_revert_too(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]], moved: bool
) -> None:
    if moved:
        (repo / "mine.txt").write_text("mine\n")
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "mine")
    assert workbench("land").returncode == 0
    main = git(repo, "rev-parse", "main")

    said = undone(workbench, "three")

    assert "main has three already; `workbench land r` brings the revert there" in said
    assert git(repo, "rev-parse", "main") == main and (repo / "three.txt").exists()
    done = workbench("land")
    assert done.returncode == 0 and ("merge of" if moved else "fast-forward") in done.stdout
    assert not (repo / "three.txt").exists() and (repo / "shared.txt").read_text() == "one\n"
    assert (repo / "mine.txt").exists() == moved and git(repo, "status", "--porcelain") == ""
    undone(workbench, "one", "four", "five")
    assert workbench("land").returncode == 0
    assert not (repo / "one.txt").exists()


# -- runs that can go on ---------------------------------------------------------------------------------

CHAIN = """\
---
gates: ["sh gate.sh"]
---
# A chain

## Tasks

### one: Write one

Write it.

### two: Write two
- after: one

Write it.

### other: Write another

Write it.
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_what_waits_for_an_undone_task_does_not_start_on_a_missing_base(
    workbench: CommandLine, repo: Path, plan: Path, tmp_path: Path, ending: signal.Signals
) -> None:
    plan.write_text(CHAIN)
    go = tmp_path / "go"
    script = tmp_path / "agent.sh"
    script.write_text(
        f"[ $WORKBENCH_TASK = one ] || [ -e {go} ] || exec sleep 600\n"
        'echo "$WORKBENCH_TASK" > $WORKBENCH_TASK.txt\n'
    )
    words = ("run", str(plan), "--agent", f"command:sh {script}", "--yes", "--run-id", "r", "--json")
    process = workbench.start(*words, "--team", "2")
    until(process, lambda event: event["type"] == "AgentStarted" and event["task"] == "two")
    process.send_signal(ending)
    process.communicate(timeout=60)
    assert statuses(workbench)["one"] == "landed"

    said = undone(workbench)

    assert "one undone (the last landing)" in said and "two" in said.partition("held")[2]
    assert statuses(workbench) == {"one": "undone", "two": "held", "other": "ready"}
    assert "waits for one, which is undone" in workbench("status").stdout
    go.touch()
    resumed = workbench("resume")
    assert resumed.returncode == 1, resumed.stderr
    assert statuses(workbench) == {"one": "undone", "two": "held", "other": "landed"}
    assert files(repo) >= {"other.txt"} and files(repo).isdisjoint({"one.txt", "two.txt"})
    assert "somebody moved" not in resumed.stdout + resumed.stderr
    assert report(workbench)["outcome"] == "incomplete"


def test_a_person_brings_back_what_was_undone_and_not_only_what_is_new(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]
) -> None:
    """What was delivered is in the branch's history: git would merge it again without bringing a line."""
    delivered = next(it["delivered"] for it in landed if it["task"] == "five")
    undone(workbench, "five", "four")
    assert not {"five.txt", "needs/four"} & files(repo)

    git(repo, "worktree", "add", "-q", "-b", "old", str(repo.parent / "old"), delivered)
    (repo.parent / "old/more.txt").write_text("more\n")
    git(repo.parent / "old", "add", "-A")
    git(repo.parent / "old", "commit", "-qm", "more")
    old = workbench("resolve", "five", "old")
    assert old.returncode == 2 and "as it was before" in old.stderr
    assert statuses(workbench)["five"] == "undone"

    shown = json.loads(workbench("resolve", "five", "--json").stdout)
    add, enter, take, *_ = shown["commands"]
    folder = Path(enter.removeprefix("cd ").strip("'"))
    subprocess.run(["sh", "-c", add], cwd=repo, check=True)
    subprocess.run(["sh", "-c", f"{take}\ngit commit -q --all -m again"], cwd=folder, check=True)
    went = workbench("resolve", "five", "resolve-five")
    assert went.returncode == 1, "four is still undone"
    assert statuses(workbench)["five"] == "landed"
    assert "five.txt" in files(repo)


def test_what_was_undone_is_brought_back_by_the_commands_that_resolve_prints(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]]
) -> None:
    undone(workbench, "two")
    shown = json.loads(workbench("resolve", "two", "--json").stdout)
    lines = "\n".join(line.replace("commit --all", "commit -q --all -m again") for line in shown["commands"])
    steps = lines[: lines.index("workbench resolve")]
    subprocess.run(["sh", "-e", "-c", steps], cwd=repo, check=True)
    done = workbench("resolve", "two", "resolve-two", "--headless")
    assert done.returncode == 0, done.stderr
    assert set(statuses(workbench).values()) == {"landed"}
    assert report(workbench)["conflicts"] == [], "there was none to settle"


def test_a_checkout_of_the_branch_is_named_with_what_brings_it_along(
    workbench: CommandLine, repo: Path, landed: list[dict[str, Any]], tmp_path: Path
) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "look"), BRANCH)
    said = undone(workbench, "two")
    command = next(line for line in said.splitlines() if "read-tree" in line).removeprefix("  next: ")
    subprocess.run(["sh", "-e", "-c", command], cwd=repo, check=True)
    assert git(tmp_path / "look", "status", "--porcelain") == ""
    assert not (tmp_path / "look/two.txt").exists()
