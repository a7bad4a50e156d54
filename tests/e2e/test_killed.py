"""A whole run that is killed while its teammates have processes that hide from it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import CommandLine, events, of, until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")]

PLAN = "# Two\n\n## Tasks\n\n### one: One\n\nDo it.\n\n### two: Two\n\nDo it.\n"

# Each hides one process from everything but kinship, and says that it is at work. With `go` they work at
# once.
HIDDEN = """\
trap '' TERM HUP
echo $$ >> {folder}/pids
while :; do sleep 1; done
"""

AGENT = """\
if [ ! -e {folder}/go ]; then
  (env -i setsid /bin/sh -c '(setsid /bin/sh {folder}/hidden.sh & )' & )
  trap '' TERM
  echo $$ >> {folder}/pids
  while :; do sleep 0.05; done
fi
if [ -s {folder}/pids ]; then
  for pid in $(cat {folder}/pids); do
    if [ -e /proc/$pid ]; then echo $pid >> {folder}/met; fi
  done
fi
echo $WORKBENCH_TASK > $WORKBENCH_TASK.txt
git add -A && git commit -q -m "$WORKBENCH_TASK"
"""


@pytest.fixture
def words(repo: Path) -> list[str]:
    plan, agent = repo.parent / "plan.md", repo.parent / "agent.sh"
    plan.write_text(PLAN)
    agent.write_text(AGENT.format(folder=repo.parent))
    (repo.parent / "hidden.sh").write_text(HIDDEN.format(folder=repo.parent))
    agent_words = ["--agent", f"command:sh {agent}", "--no-gates", "--yes", "--json", "--run-id", "two"]
    return ["run", str(plan), *agent_words]


def pids(repo: Path, count: int = 4) -> list[int]:
    file, patience = repo.parent / "pids", time.monotonic() + 60
    while not file.exists() or file.read_text().count("\n") < count:
        assert time.monotonic() < patience
        time.sleep(0.01)
    return [int(word) for word in file.read_text().split()]


def living(found: list[int]) -> list[int]:
    return [
        pid
        for pid in found
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_nothing_of_a_killed_run_goes_on(
    workbench: CommandLine, repo: Path, words: list[str], number: signal.Signals
) -> None:
    process = workbench.start(*words)
    found = pids(repo)
    process.send_signal(number)
    if number != signal.SIGKILL:
        process.send_signal(number)  # again: at once
    process.wait(60)
    until_then = time.monotonic() + 60
    while living(found) and time.monotonic() < until_then:
        time.sleep(0.02)
    left = living(found)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_a_run_that_is_resumed_at_once_meets_nothing_of_the_killed_one(
    workbench: CommandLine, repo: Path, words: list[str]
) -> None:
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "AttemptStarted")
    found = pids(repo)
    (repo.parent / "go").touch()
    process.kill()
    process.wait()
    done = workbench("resume", "two", "--json")
    assert done.returncode == 0, done.stderr
    assert {event["task"] for event in of("TaskLanded", events(done.stdout))} == {"one", "two"}
    assert not (repo.parent / "met").exists(), "the new attempts met the old ones"
    assert not living(found)
