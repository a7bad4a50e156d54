"""A person and a run, from two terminals: real processes, a command as the agent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of, until

pytestmark = pytest.mark.e2e

HEAD = """\
---
gates: ["true"]
team: {team}
---
# Talking

## Tasks

"""

WAITS = """\
for _ in $(seq 600); do ls .workbench/inbox/*.md >/dev/null 2>&1 && break; sleep 0.05; done
cat .workbench/inbox/*.md > said.txt
"""
"""Until somebody writes; what came is the work."""

DONE = """\
git add -A && git commit -q -m "$WORKBENCH_TASK"
workbench mark done
"""


def plan(repo: Path, *tasks: str, team: int = 1) -> Path:
    """A plan of tasks; ``b<a`` waits for ``a``."""
    path = repo.parent / "plan.md"
    text = HEAD.format(team=team)
    for task in tasks:
        name, _, after = task.partition("<")
        text += f"### {name}: Do {name}\n" + (f"- after: {after}\n" if after else "") + "\nDo it.\n\n"
    path.write_text(text)
    return path


def agent(repo: Path, script: str) -> str:
    path = repo.parent / "agent.sh"
    path.write_text(f"set -e\n{script}")
    return f"command:sh {path}"


def begin(workbench: CommandLine, where: Path, agent: str, **env: str) -> subprocess.Popen[str]:
    words = ("run", str(where), "--agent", agent, "--yes", "--json", "--run-id", "r")
    return workbench.start(*words, WORKBENCH_ATTEMPTS="1", **env)


def rest(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of a run, and what it still told."""
    out, _ = process.communicate(timeout=60)
    return process.returncode, events(out)


def started(task: str) -> Any:
    return lambda event: event["type"] == "AgentStarted" and event["task"] == task


def is_of(kind: str) -> Any:
    return lambda event: event["type"] == kind


def said(workbench: CommandLine, *words: str, code: int = 0) -> dict[str, Any]:
    """What a command prints with --json."""
    done = workbench(*words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def request_files(repo: Path) -> list[Path]:
    return [path for path in (repo / ".git/workbench/runs/r/requests").glob("*") if path.suffix == ".json"]


def test_a_message_reaches_a_command_at_work_as_a_file(workbench: CommandLine, repo: Path) -> None:
    process = begin(workbench, plan(repo, "a"), agent(repo, WAITS + DONE))
    until(process, started("a"))

    nobody = workbench("send", "nobody", "hello")
    done = workbench("send", "ada", "keep", "the old name \x1b[2J")

    assert done.returncode == 0 and done.stdout == "m1 is sent to ada\n", done.stderr
    assert nobody.returncode == 2 and "There are ada and all" in nobody.stderr
    code, story = rest(process)
    assert code == 0
    assert not request_files(repo), "what is in the log needs no file"
    said = git(repo, "show", "workbench/r/integration:said.txt")
    assert "keep the old name" in said
    shown = workbench("inbox", "--all")
    assert "m1  person → ada" in shown.stdout and "\x1b" not in shown.stdout
    assert of("MessageSent", story)[0]["message"]["sender"] == "person"


def test_a_question_is_answered_from_another_terminal(workbench: CommandLine, repo: Path) -> None:
    script = f'workbench mark question "which\nport?"\n{WAITS}{DONE}'
    process = begin(workbench, plan(repo, "a"), agent(repo, script), WORKBENCH_ON_QUESTION="ask")
    until(process, is_of("MessageSent"))

    waiting = said(workbench, "inbox")
    status = said(workbench, "status")
    shown = workbench("inbox").stdout
    told = said(workbench, "answer", "m1", "yes,", "8080")

    (ask,) = waiting["asks"]
    assert (ask["id"], ask["sender"], ask["task"], ask["waits_for"]) == ("m1", "ada", "a", "person")
    assert waiting["going_on"] and ask["since"] > 0 and ask["command"] == 'workbench answer m1 "…" --run r'
    assert status["mail"]["asks_for_person"] == 1 and status["asks"][0]["id"] == "m1"
    assert "m1  question of ada (a): waits for you since" in shown and "    port?\n" in shown
    assert told["taken"] and told["followed"]["message"]["reply_to"] == "m1"
    assert rest(process)[0] == 0
    assert "yes, 8080" in git(repo, "show", "workbench/r/integration:said.txt")
    twice = workbench("answer", "m1", "again")
    assert twice.returncode == 2 and "is over" in twice.stderr


def test_held_headless_answered_and_resumed(workbench: CommandLine, repo: Path) -> None:
    script = f"""\
echo 8080 > wanted.txt
if test "$WORKBENCH_TASK" = a; then
  grep -q 8080 "$WORKBENCH_BRIEF" || {{ workbench mark question "which port?"; exit 0; }}
  grep -o 8080 "$WORKBENCH_BRIEF" > said.txt
fi
echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt"
{DONE}"""
    where, by = plan(repo, "a", "b<a"), agent(repo, script)
    words = ("run", str(where), "--agent", by, "--yes", "--headless", "--run-id", "r")

    held = workbench(*words, WORKBENCH_ON_QUESTION="hold")

    assert held.returncode == 1, held.stderr
    assert "waits for an answer: m1, a question of ada (a)" in held.stderr
    assert "workbench inbox r" in held.stderr and "workbench resume r" in held.stderr
    assert "m1  question of ada (a): is held until it is answered" in workbench("inbox").stdout
    early = workbench("resume", "--json")
    assert early.returncode == 1 and not of("AttemptStarted", events(early.stdout)), "nobody has answered"
    assert workbench("answer", "m1", "9090").returncode == 0
    assert "    answered, and kept until the run is resumed: 9090\n" in workbench("inbox").stdout
    kept = workbench("answer", "m1", "8080")
    assert kept.returncode == 0 and "kept until it is" in kept.stderr and "resume r" in kept.stderr
    assert "takes the place of the answer" in kept.stderr and said(workbench, "inbox")["kept"] == ["m1"]
    done = workbench("resume", "--json")
    assert done.returncode == 0, done.stderr
    assert [event["task"] for event in of("TaskLanded", events(done.stdout))] == ["a", "b"]
    assert git(repo, "show", "workbench/r/integration:said.txt") == "8080"
    after = workbench("inbox").stdout
    assert ", answered (m2)\n" in after and "workbench answer" not in after


def test_pause_resume_and_stop(workbench: CommandLine, repo: Path) -> None:
    by = agent(repo, WAITS + 'cp said.txt "$WORKBENCH_TASK"\n' + DONE)
    process = begin(workbench, plan(repo, "a", "b<a", "c<b"), by)
    until(process, started("a"))

    assert said(workbench, "pause")["followed"]["type"] == "RunPaused"
    again = workbench("pause")
    assert again.returncode == 2 and "paused already" in again.stderr
    workbench("send", "ada", "go on")
    until(process, is_of("TaskLanded"))
    status = workbench("status")
    assert said(workbench, "status")["paused"] and "paused by a person" in status.stdout
    assert "running" not in status.stdout, "nothing new starts"
    budget = workbench("resume", "--budget-usd", "3")
    assert budget.returncode == 2 and "cannot be changed" in budget.stderr
    lets = workbench("resume", "r")
    assert (lets.returncode, lets.stdout) == (0, "r goes on\n"), lets.stderr
    until(process, started("b"))
    going = workbench("resume", "r")
    assert going.returncode == 2 and "is going on" in going.stderr
    assert said(workbench, "stop")["followed"]["type"] == "StopRequested"
    code, story = rest(process)
    assert code == 1 and story[-1]["outcome"] == "stopped", "stopped by a command, not by a signal"
    for word in ("stop", "pause"):
        late = workbench(word)
        assert late.returncode == 2 and "resume r" in late.stderr, late.stderr


BROKEN = """\
test -e "{flag}-$WORKBENCH_TASK" || exit 3
echo "$WORKBENCH_TASK" > "$WORKBENCH_TASK.txt"
"""


def test_a_failed_task_is_tried_again_while_the_run_goes_on(workbench: CommandLine, repo: Path) -> None:
    flag = repo.parent / "flag"
    script = f'test "$WORKBENCH_TASK" != x || {{ {WAITS} }}\n' + BROKEN.format(flag=flag) + DONE
    process = begin(workbench, plan(repo, "a", "b<a", "x", team=2), agent(repo, script))
    until(process, lambda event: event["type"] == "AttemptFailed" and event["task"] == "a")
    for name in "abx":
        Path(f"{flag}-{name}").touch()

    waiting = said(workbench, "inbox")
    done = workbench("retry", "a")

    assert [(it["task"], it["status"]) for it in waiting["tasks"]] == [("a", "failed"), ("b", "held")]
    assert waiting["tasks"][0]["commands"][0] == "workbench retry a --run r"
    assert (done.returncode, done.stdout) == (0, "a is tried again\n"), done.stderr
    until(process, lambda event: event["type"] == "TaskLanded" and event["task"] == "b")
    workbench("send", "t2" if of_x(workbench) == "t2" else "ada", "go")
    assert rest(process)[0] == 0


def of_x(workbench: CommandLine) -> str:
    tasks = said(workbench, "status")["tasks"]
    return next(str(task["teammate"]) for task in tasks if task["id"] == "x")


def test_a_run_that_is_over_goes_on_with_what_is_tried_again(workbench: CommandLine, repo: Path) -> None:
    flag = repo.parent / "flag"
    process = begin(workbench, plan(repo, "a", "b<a"), agent(repo, BROKEN.format(flag=flag) + DONE))
    assert rest(process)[0] == 1
    over = workbench("resume")
    assert over.returncode == 2 and "is over" in over.stderr
    for name in "ab":
        Path(f"{flag}-{name}").touch()

    held = workbench("retry", "b")
    kept = said(workbench, "retry", "a")

    assert held.returncode == 2 and "waits for a" in held.stderr
    assert not kept["taken"] and len(request_files(repo)) == 1
    done = workbench("resume", "--json")
    assert done.returncode == 0, done.stderr
    assert [event["task"] for event in of("TaskLanded", events(done.stdout))] == ["a", "b"]
    assert not request_files(repo)


def test_a_task_is_left_out_and_the_rest_lands(workbench: CommandLine, repo: Path) -> None:
    flag = repo.parent / "flag"
    Path(f"{flag}-b").touch()
    process = begin(workbench, plan(repo, "a", "b<a"), agent(repo, BROKEN.format(flag=flag) + DONE))
    assert rest(process)[0] == 1

    kept = workbench("skip", "a")

    assert kept.returncode == 0 and "kept until it is" in kept.stderr
    done = workbench("resume", "--json")
    assert done.returncode == 1, "not every task landed"
    assert [event["task"] for event in of("TaskLanded", events(done.stdout))] == ["b"]
    status = {task["id"]: (task["status"], task["reason"]) for task in said(workbench, "status")["tasks"]}
    assert status["a"][0] == "skipped" and status["a"][1].startswith("left out by a person; it was failed")
    assert "skipped" in workbench("report", "--format", "junit").stdout
    assert workbench("inbox").stdout == "r: nothing waits for you\n"


def test_who_is_at_work_is_not_left_out(workbench: CommandLine, repo: Path) -> None:
    process = begin(workbench, plan(repo, "a"), agent(repo, WAITS + DONE))
    until(process, started("a"))
    refused = workbench("skip", "a")
    unknown = workbench("skip", "nope")
    assert refused.returncode == 2 and "is being worked on" in refused.stderr
    assert unknown.returncode == 2 and "no task 'nope'" in unknown.stderr
    workbench("send", "all", "go")
    assert rest(process)[0] == 0


HALF = """\
if [ "$WORKBENCH_TASK-$WORKBENCH_ATTEMPT" = a-1 ]; then
  echo half > half.txt; workbench mark progress begun; sleep 600
fi
echo on > $WORKBENCH_TASK.txt
"""
"""Whoever begins with ``a`` does not get far."""


def test_a_task_is_given_to_another_who_goes_on_from_there(workbench: CommandLine, repo: Path) -> None:
    process = begin(workbench, plan(repo, "a", "b<a", team=2), agent(repo, HALF + DONE))
    seen = until(process, is_of("MarkerReceived"))
    first = of("AttemptStarted", seen)[0]["teammate"]
    (other,) = {"ada", "bob"} - {first}

    same = workbench("reassign", "a", first)
    nobody = workbench("reassign", "a", "zoe")
    done = workbench("reassign", "a", other)

    assert same.returncode == 2 and f"{first} is at a already" in same.stderr
    assert nobody.returncode == 2 and "There are ada, bob." in nobody.stderr
    assert (done.returncode, done.stdout) == (0, f"a is given to {other}, and waits for nobody else\n")
    code, rest_of_it = rest(process)
    assert code == 0
    story = [*seen, *rest_of_it]
    (cut,) = [it for it in of("AttemptEnded", story) if it["interrupted"]]
    second = next(it for it in of("AttemptStarted", story) if (it["task"], it["attempt"]) == ("a", 2))
    assert (cut["teammate"], second["teammate"], second["carry"]) == (first, other, cut["commit"])
    assert second["because"] == f"a person gave it to {other}"
    assert git(repo, "show", "workbench/r/integration:half.txt") == "half"
    landed = workbench("reassign", "a", first)
    assert landed.returncode == 2 and "a is landed" in landed.stderr and "workbench undo a" in landed.stderr


def test_what_is_asked_of_a_stopped_run_is_kept_and_taken_when_it_goes_on(
    workbench: CommandLine, repo: Path
) -> None:
    process = begin(workbench, plan(repo, "a", "b<a", team=2), agent(repo, HALF + DONE))
    first = of("AttemptStarted", until(process, is_of("MarkerReceived")))[0]["teammate"]
    (other,) = {"ada", "bob"} - {first}
    assert workbench("stop").returncode == 0
    assert rest(process)[0] == 1
    kept = said(workbench, "reassign", "a", other)
    assert not kept["taken"] and len(request_files(repo)) == 1
    done = workbench("resume", "--json")
    assert done.returncode == 0, done.stderr
    story = events(done.stdout)
    assert of("AttemptStarted", story)[0]["teammate"] == other and not request_files(repo)


HEARS = """\
told() { ls .workbench/inbox/*.md >/dev/null 2>&1 || grep -q "old name" "$WORKBENCH_BRIEF"; }
for _ in $(seq 600); do told && break; sleep 0.05; done
cat "$WORKBENCH_BRIEF" .workbench/inbox/*.md > said.txt 2>/dev/null || true
"""


@pytest.mark.parametrize("fault", ["3@log.commit", "4@log.commit", "1@request.settle"])
def test_a_request_outlives_a_killed_run_and_is_taken_once(
    workbench: CommandLine, repo: Path, fault: str
) -> None:
    """Killed once before the file was read, and again before or after it came into the log."""
    process = begin(workbench, plan(repo, "a"), agent(repo, HEARS + DONE))
    until(process, started("a"))
    os.kill(process.pid, signal.SIGSTOP)
    sender = workbench.start("send", "ada", "keep the old name", "--json")
    folder = repo / ".git/workbench/runs/r/requests"
    while not request_files(repo):
        assert sender.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    out, words = sender.communicate(timeout=30)
    assert sender.returncode == 0 and not json.loads(out)["taken"], words
    assert len(request_files(repo)) == 1, list(folder.iterdir())

    killed = workbench("resume", "--json", WORKBENCH_CRASH=f"kill:{fault}")
    assert killed.returncode == -signal.SIGKILL
    done = workbench("resume", "--json")

    assert done.returncode == 0, done.stderr + killed.stderr
    log = said(workbench, "inbox", "--all")
    assert [letter["text"] for letter in log["letters"]] == ["keep the old name"]
    assert "keep the old name" in git(repo, "show", "workbench/r/integration:said.txt")
    assert not request_files(repo)


def test_a_stop_that_nobody_took_does_not_stop_the_next(workbench: CommandLine, repo: Path) -> None:
    process = begin(workbench, plan(repo, "a"), agent(repo, WAITS + DONE))
    until(process, started("a"))
    os.kill(process.pid, signal.SIGSTOP)
    stopper = workbench.start("stop")
    while not request_files(repo):
        assert stopper.poll() is None
    stopper.kill()
    stopper.wait()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    going = workbench.start("resume", "--json")
    until(going, started("a"))
    workbench("send", "ada", "go")
    assert rest(going)[0] == 0
