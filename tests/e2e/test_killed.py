"""A whole run that is killed while its teammates have processes that hide from it."""

from __future__ import annotations

import fcntl
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import CommandLine, events, of, until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")]

PLAN = "# Two\n\n## Tasks\n\n### one: One\n\nDo it.\n\n### two: Two\n\nDo it.\n"

# Each hides one process from everything but kinship. Whoever lives holds a lock: that is seen from outside
# of a namespace of processes too. With `go` they work at once.
HIDDEN = """\
trap '' TERM HUP
exec 9>> $(mktemp {folder}/living.XXXXXX)
flock 9
echo >> {folder}/count
while :; do sleep 1; done
"""

AGENT = """\
if [ ! -e {folder}/go ]; then
  (env -i setsid /bin/sh -c '(setsid /bin/sh {folder}/hidden.sh & )' & )
  trap '' TERM
  exec 9>> $(mktemp {folder}/living.XXXXXX)
  flock 9
  echo >> {folder}/count
  while :; do sleep 0.05; done
fi
for file in {folder}/living.*; do flock -n -s $file true || echo $file >> {folder}/met; done
echo $WORKBENCH_TASK > $WORKBENCH_TASK.txt
git add -A && git commit -q -m "$WORKBENCH_TASK"
"""


@pytest.fixture(params=["auto", "off"], ids=["walls", "no-walls"], autouse=True)
def walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SANDBOX", request.param)


@pytest.fixture
def words(repo: Path) -> list[str]:
    plan, agent = repo.parent / "plan.md", repo.parent / "agent.sh"
    plan.write_text(PLAN)
    agent.write_text(AGENT.format(folder=repo.parent))
    (repo.parent / "hidden.sh").write_text(HIDDEN.format(folder=repo.parent))
    agent_words = ["--agent", f"command:sh {agent}", "--no-gates", "--yes", "--json", "--run-id", "two"]
    return ["run", str(plan), *agent_words]


def hide(repo: Path) -> None:
    """Wait until both teammates, and what each of them hides, are at work."""
    file, patience = repo.parent / "count", time.monotonic() + 60
    while not file.exists() or file.read_text().count("\n") < 4:
        assert time.monotonic() < patience
        time.sleep(0.01)
    assert len(living(repo)) == 4


def living(repo: Path) -> list[Path]:
    """The files whose locks somebody holds."""
    return [file for file in repo.parent.glob("living.*") if not _free(file)]


def _free(file: Path) -> bool:
    with file.open("a") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def end(repo: Path) -> None:
    """End what this test's teammates left, if it fails."""
    for process in psutil.process_iter(["cmdline"]):
        if any(str(repo.parent) in word for word in process.info["cmdline"] or ()):
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_nothing_of_a_killed_run_goes_on(
    workbench: CommandLine, repo: Path, words: list[str], number: signal.Signals
) -> None:
    process = workbench.start(*words)
    hide(repo)
    process.send_signal(number)
    if number != signal.SIGKILL:
        process.send_signal(number)  # again: at once
    process.wait(60)
    patience = time.monotonic() + 30
    while (left := living(repo)) and time.monotonic() < patience:
        time.sleep(0.02)
    end(repo)
    assert not left


def test_a_run_that_is_resumed_at_once_meets_nothing_of_the_killed_one(
    workbench: CommandLine, repo: Path, words: list[str]
) -> None:
    process = workbench.start(*words)
    until(process, lambda event: event["type"] == "AttemptStarted")
    hide(repo)
    (repo.parent / "go").touch()
    process.kill()
    process.wait()
    done = workbench("resume", "two", "--json")
    assert done.returncode == 0, done.stderr
    assert {event["task"] for event in of("TaskLanded", events(done.stdout))} == {"one", "two"}
    assert not (repo.parent / "met").exists(), "the new attempts met the old ones"
    assert not living(repo)
