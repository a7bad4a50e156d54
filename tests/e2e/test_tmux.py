"""Real runs in a real terminal, driven by keys; what is on the screen is read back from tmux."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import git
from tests.e2e.conftest import leftovers

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux"),
]

PATIENCE = 60.0

PLAN = """\
---
gates: ["true"]
team: 2
---
# Two

## Tasks

### first: The first thing
- plan: person

Do it.

### second: The second thing

Do it.
"""

AGENT = """\
set -e
if test "$WORKBENCH_PHASE" = plan; then workbench mark plan "one small file"; exit; fi
workbench mark progress half --percent 50
while ! test -e {go}; do sleep 0.05; done
echo fine > "$WORKBENCH_TASK.txt"
git add -A && git commit -q -m "$WORKBENCH_TASK"
workbench mark done
"""


@dataclass
class Screen:
    """A terminal of its own with a shell in it. ``socket`` names the tmux server, which is nobody else's."""

    socket: str
    where: Path
    go: Path

    def tmux(self, *words: str) -> str:
        command = ["tmux", "-L", self.socket, "-f", os.devnull, *words]
        # Not the environment as it is: importing readline has put the size of another terminal into it.
        env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "TMUX")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "0", *keys)

    def text(self, *, whole: bool = False) -> str:
        """What is on the screen, or ``whole`` with what has left it upwards."""
        return self.tmux("capture-pane", "-p", "-J", "-t", "0", *(["-S", "-500"] if whole else []))

    def mode(self, name: str) -> str:
        return self.tmux("display-message", "-p", "-t", "0", f"#{{{name}}}").strip()

    def until(self, wanted: str | Callable[[str], bool], *, whole: bool = False) -> str:
        """The screen once it has this on it; fails with what there was."""
        deadline = time.monotonic() + PATIENCE
        while True:
            text = self.text(whole=whole)
            if wanted in text if isinstance(wanted, str) else wanted(text):
                return text
            assert time.monotonic() < deadline, f"never came: {wanted}\n{text}"
            time.sleep(0.05)

    def press_until(self, key: str, wanted: Callable[[str], bool]) -> None:
        """Press a key until it does what it should: an item that has just come takes none for a moment."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.press(key)
            again = time.monotonic() + 1.5
            while time.monotonic() < again:
                if wanted(self.text()):
                    return
                time.sleep(0.05)
            assert time.monotonic() < deadline, f"{key} did nothing\n{self.text()}"

    def type(self, *words: str, before: str = "", after: str = "", job: bool = False) -> None:
        """A command of workbench, in a script; what it exits with is told as ``exit=N.``"""
        command = shlex.join([sys.executable, "-m", "workbench", *words])
        script = self.where.parent / "command.sh"
        script.write_text(f"trap : INT\n{before}{command}\necho exit=$?.\n{after}")
        self.press(f"sh {script}{' &' * job}", "Enter")

    def run(
        self, *words: str, plan: str = PLAN, before: str = "", after: str = "", job: bool = False
    ) -> None:
        """The run ``r`` of the plan, with its viewer."""
        agent = self.where.parent / "agent.sh"
        agent.write_text(AGENT.format(go=self.go))
        path = self.where.parent / "plan.md"
        path.write_text(plan)
        words = ("run", str(path), "--agent", f"command:sh {agent}", "--yes", "--run-id", "r", *words)
        self.type(*words, before=before, after=after, job=job)

    def process(self, word: str) -> psutil.Process:
        """The process below the shell that was started with this word."""
        shell = psutil.Process(int(self.mode("pane_pid")))
        found = [it for it in shell.children(recursive=True) if word in _words(it)[1:]]
        assert len(found) == 1, found
        return found[0]


def _words(process: psutil.Process) -> list[str]:
    """What it was started with; nothing of one that has ended since it was found."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.fixture
def screen(repo: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setenv("WORKBENCH_RETRY_SECONDS", "0.05")
    monkeypatch.setenv("WORKBENCH_SANDBOX_WRITE", str(repo.parent))
    monkeypatch.setenv("PS1", "$ ")
    width, height = getattr(request, "param", (100, 30))
    it = Screen(f"workbench-{secrets.token_hex(6)}", repo, repo.parent / "go")
    size = ("-x", str(width), "-y", str(height))
    try:
        it.tmux("start-server", ";", "set", "-g", "status", "off", ";",
                "new-session", "-d", *size, "-c", str(repo), "exec sh")  # fmt: skip
        yield it
    finally:
        it.go.touch()
        subprocess.run(["tmux", "-L", it.socket, "kill-server"], capture_output=True, check=False, timeout=30)
        # The server leaves its socket behind.
        folder = Path(os.environ.get("TMUX_TMPDIR", "/tmp")) / f"tmux-{os.getuid()}"
        (folder / it.socket).unlink(missing_ok=True)
    psutil.wait_procs(leftovers(repo), timeout=10)
    assert not leftovers(repo)


@pytest.mark.parametrize("screen", [(80, 24), (120, 40), (200, 60)], indirect=True, ids=str)
def test_a_run_is_watched_answered_and_left(screen: Screen, repo: Path) -> None:
    screen.run()
    shown = screen.until(lambda text: "1 for you" in text and "bob" in text and "second" in text)
    assert "0/2 landed" in shown.splitlines()[0] and "live" in shown.splitlines()[0]
    assert len(shown.splitlines()) == int(screen.mode("pane_height")), "the footer is on the last line"
    assert screen.mode("alternate_on") == "1"

    screen.press("4")
    screen.until(lambda text: "one small file" in text)
    screen.press_until("y", lambda text: "for you" not in text.splitlines()[0])
    screen.press("2")
    screen.until(lambda text: text.count("50") >= 2 or "50%" in text)
    screen.press("m")
    shown = screen.until("ctrl+s")
    screen.press("ada")  # whom, if that is asked
    screen.until(lambda text: "To ada" in text or text.count("ada") > shown.count("ada"))
    line = screen.mode("cursor_y")
    screen.press("Enter")
    screen.until(lambda _: screen.mode("cursor_y") != line)
    screen.press("hello")
    screen.until("hello")
    screen.press("C-s")
    screen.until("sent to")

    screen.press("q")
    screen.until("the viewer is closed, the run goes on")
    assert (screen.mode("alternate_on"), screen.mode("mouse_any_flag")) == ("0", "0")
    screen.go.touch()
    ended = screen.until("exit=0.", whole=True)
    assert "workbench land r" in ended and "Traceback" not in ended
    assert git(repo, "show", "workbench/r/integration:first.txt") == "fine"


def test_the_viewer_stays_when_the_run_has_ended(screen: Screen) -> None:
    screen.go.touch()
    screen.run(plan=PLAN.replace("- plan: person\n", ""))
    over = screen.until("Every task landed")
    assert "workbench land r" in over and "exit=" not in over
    screen.press("q")
    ended = screen.until("exit=0.", whole=True)
    assert "every task landed" in ended, "the report"


def test_the_report_is_of_what_stands_when_the_viewer_is_closed(screen: Screen) -> None:
    screen.go.touch()
    screen.run(plan=PLAN.replace("- plan: person\n", ""))
    screen.until("Every task landed")
    screen.press("3")
    screen.until("Landings 2")
    screen.press("Tab")
    screen.until("the base")
    screen.press("u")
    screen.until("Undo the landing of")
    screen.press("y")
    screen.until("reverts")
    screen.press("q")
    ended = screen.until("exit=1.", whole=True)
    assert "1 of 2 tasks landed" in ended


def test_ctrl_c_asks_and_stops_gracefully(screen: Screen) -> None:
    screen.run()
    screen.until("50%")
    screen.press("C-z")
    screen.until("would hold up the run")
    screen.press("C-c")
    screen.until("is going on")
    screen.press("s")
    screen.until(lambda text: "■ stopped" in text and "`workbench resume r` goes on" in text)
    screen.press("q")
    ended = screen.until("exit=130.", whole=True)
    assert "stopping: interrupted with Ctrl-C" in ended


def test_a_viewer_that_was_put_aside_comes_back_whole(screen: Screen) -> None:
    def whole(text: str) -> bool:
        return all(it in text for it in ("Every task landed", "teammate  status", "q Close"))

    screen.go.touch()
    screen.run("--headless", plan=PLAN.replace("- plan: person\n", ""))
    screen.until("exit=0.", whole=True)
    screen.type("watch", "r")
    screen.until(whole)
    screen.press("C-z")
    screen.until(lambda _: screen.mode("alternate_on") == "0")
    screen.press("echo a''b", "Enter")
    screen.until(lambda text: "\nab\n" in text)
    screen.press("fg", "Enter")
    screen.until(whole)
    screen.press("C-z")
    screen.until(lambda _: screen.mode("alternate_on") == "0")
    screen.press("bg", "Enter", "fg", "Enter")
    screen.until(whole)
    screen.press("q")
    screen.until(lambda text: text.count("exit=0.") > 1, whole=True)


def test_a_viewer_without_a_shell_is_not_put_aside(screen: Screen) -> None:
    screen.go.touch()
    screen.run("--headless", plan=PLAN.replace("- plan: person\n", ""))
    screen.until("exit=0.", whole=True)
    screen.press(f"exec {shlex.join([sys.executable, '-m', 'workbench', 'watch', 'r'])}", "Enter")
    screen.until("Every task landed")
    screen.press("C-z")
    screen.until("no shell to go back to")
    screen.press("1")
    screen.until("Doctor")


def test_a_viewer_that_is_killed_leaves_terminal_and_run(screen: Screen) -> None:
    screen.run()
    screen.until("50%")
    screen.process("watch").send_signal(signal.SIGKILL)
    screen.until("the viewer was killed (SIGKILL), the run goes on")
    assert (screen.mode("alternate_on"), screen.mode("mouse_any_flag")) == ("0", "0")
    screen.press("C-c")  # a signal again
    screen.until("exit=130.", whole=True)
    assert screen.mode("cursor_flag") == "1"
    screen.press("echo a''b", "Enter")
    screen.until(lambda text: "\nab\n" in text)


def test_a_run_that_is_killed_is_told_and_the_viewer_can_be_closed(screen: Screen) -> None:
    screen.run(after=f"while ! test -e {screen.go}; do sleep 0.1; done\n")
    screen.until("50%")
    screen.process("run").send_signal(signal.SIGKILL)
    screen.until("Nobody is at work on this run")
    screen.press("q")
    screen.until("the process of run r is gone")
    screen.go.touch()
    screen.type("watch", "r")
    screen.until("Nobody is at work on this run")
    screen.press("q")
    screen.until("exit=0.")


def test_a_shell_that_takes_its_terminal_back_gets_it(screen: Screen) -> None:
    """Its job is over for it when the run's process is dead; the viewer would be left without keys."""
    screen.run()
    screen.until("50%")
    screen.process("run").send_signal(signal.SIGKILL)
    screen.until("the process of run r is gone")
    assert (screen.mode("alternate_on"), screen.mode("cursor_flag")) == ("0", "1")
    screen.press("echo a''b", "Enter")
    screen.until(lambda text: "\nab\n" in text)


def test_run_and_viewer_end_with_their_terminal(screen: Screen) -> None:
    screen.run()
    screen.until("50%")
    both = [screen.process("watch"), screen.process("run")]
    screen.tmux("kill-server")
    gone, left = psutil.wait_procs(both, timeout=PATIENCE)
    assert not left, gone


def test_a_rehearsal_of_the_real_claude_code(screen: Screen) -> None:
    plan = screen.where.parent / "small.md"
    plan.write_text("# One\n\n## Tasks\n\n### only: The only thing\n- files: only.txt\n\nWrite only.txt.\n")
    screen.type("rehearse", str(plan), "--gate", "true", "--run-id", "r")
    over = screen.until("Every task landed")
    assert "scripted model" in over
    screen.press("q")
    screen.until("exit=0.", whole=True)


@pytest.mark.parametrize("how", ["dumb", "headless", "background"])
def test_without_a_viewer(screen: Screen, how: str) -> None:
    """A terminal that can do no more gets lines; --headless a table; a job in the background keeps off."""
    screen.go.touch()
    plan = PLAN.replace("- plan: person\n", "")
    if how == "background":
        screen.press("set -m", "Enter")
    screen.run(
        *["--headless"] * (how == "headless"),
        plan=plan, before="export TERM=dumb\n" * (how == "dumb"), job=how == "background",
    )  # fmt: skip
    ended = screen.until("exit=0.", whole=True)
    assert "every task landed" in ended and "the viewer is" not in ended
