"""Commands behind real walls: a hostile teammate and gate that try what they must not, and honest ones."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of
from workbench.adapters.walls import layout
from workbench.adapters.walls.bubblewrap import bubblewrap_missing

MISSING = asyncio.run(bubblewrap_missing())

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(bool(MISSING), reason=f"no walls here: {MISSING}")]

PLAN = "# P\n\n## Tasks\n\n### one: One\n- attempts: 1\n\nDo it.\n"

HOSTILE = """\
tried() {  # NAME COMMAND: what got through is written down
    if sh -c "$2" >/dev/null 2>&1; then echo "$1" >> through; else echo "$1" >> stopped; fi
}
tried outside 'echo x > "$PRECIOUS"'
tried checkout 'echo x > "$REPO/README.md"'
tried main 'git branch -f main HEAD'
tried other-branch 'git branch mine'
tried tag 'git tag mine'
tried pin 'git update-ref refs/workbench/r/mine HEAD'
tried ref-file 'echo 0 > "$REPO/.git/refs/heads/main"'
tried packed 'echo > "$REPO/.git/packed-refs"'
tried config 'git config core.fsmonitor /bin/false'
tried config-file 'echo "[core]" >> "$REPO/.git/config"'
tried config-lock 'touch "$REPO/.git/config.lock"'
tried hook 'echo > "$REPO/.git/hooks/post-commit"'
tried stash 'echo x > f && git add f && git stash'
tried exclude 'echo x >> "$REPO/.git/info/exclude"'
tried pointer 'rm .git'
tried commondir 'echo /elsewhere > "$(git rev-parse --git-dir)/commondir"'
tried state 'cat "$REPO/.git/workbench/events.db"'
tried forged 'touch "$REPO/.git/workbench/runs/r/requests/x"'
tried secret 'grep . "$HOME/.ssh/id_fake"'
tried netrc 'grep . "$HOME/.netrc"'
tried parent-environ 'for p in /proc/[0-9]*; do grep -q KEY_OF_THE_MODEL $p/environ && exit 0; done; exit 1'
tried orchestrator 'kill -9 "$ORCHESTRATOR"'
tried remount 'mount -o remount,rw / || mount -o remount,bind,rw "$REPO/.git"'
tried unmount 'umount "$REPO/.git/workbench" || umount "$HOME/.ssh"'
tried packs 'rm -rf "$REPO"/.git/objects/pack/*.pack && test ! -e "$REPO"/.git/objects/pack/*.pack'
git reset -q --hard
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.md"
    path.write_text(PLAN)
    return path


@pytest.fixture
def confined(workbench: CommandLine, repo: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line with nothing opened, and a fake of each thing that is to be safe."""
    monkeypatch.delenv("WORKBENCH_SANDBOX_WRITE")
    monkeypatch.setenv("WORKBENCH_SANDBOX", "on")
    home = Path(os.environ["HOME"])
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_fake").write_text("secret\n")
    (home / ".netrc").write_text("secret\n")
    precious = home / "precious"
    precious.write_text("keep\n")
    monkeypatch.setenv("PRECIOUS", str(precious))
    monkeypatch.setenv("REPO", str(repo))
    monkeypatch.setenv("ORCHESTRATOR", str(os.getpid()))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "KEY_OF_THE_MODEL")
    monkeypatch.setenv("WORKBENCH_ENV", "PRECIOUS\nREPO\nORCHESTRATOR")
    return workbench


def scripted(repo: Path, script: str, gate: str = "true\n") -> None:
    """Commit a teammate's script and a gate's."""
    (repo / "agent.sh").write_text(script)
    (repo / "gate.sh").write_text(gate)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "scripts")


def words(plan: Path, agent: str = "sh agent.sh") -> tuple[str, ...]:
    run = ("run", str(plan), "--agent", f"command:{agent}", "--gate", "sh gate.sh", "--run-id", "r")
    return (*run, "--yes", "--json")


def landed(repo: Path, path: str) -> str:
    return git(repo, "show", f"workbench/r/integration:{path}")


@pytest.mark.parametrize("whose", ["agent", "gate"])
def test_a_script_that_the_walls_would_hide_is_named_before_anything_starts(
    confined: CommandLine,
    repo: Path,
    plan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    whose: str,
) -> None:
    monkeypatch.setattr(layout, "SCRATCH", (str(tmp_path),))  # whatever TMPDIR is
    scripted(repo, "echo x > x\n")
    script = tmp_path / "elsewhere.sh"
    script.write_text("test -e x || echo x > x\n")
    run = [*words(plan), f"--{whose}", "command:" * (whose == "agent") + f"timeout 60 sh {script}"]

    done = confined(*run)
    assert done.returncode == 2, done.stdout
    assert str(script) in done.stderr and "sandbox_read" in done.stderr
    assert not (repo / ".git/refs/heads/workbench").exists()

    done = confined(*run, WORKBENCH_SANDBOX_READ=str(script))
    assert done.returncode == 0, done.stderr
    assert landed(repo, "x") == "x"


def test_a_hostile_teammate_gets_nowhere(confined: CommandLine, repo: Path, plan: Path) -> None:
    scripted(repo, HOSTILE + "mv -f stopped tried.txt; cat through >> tried.txt; exit 0\n")
    git(repo, "gc", "-q")  # there is a pack to delete
    before = {name: (repo / ".git" / name).read_bytes() for name in ("config", "packed-refs")}
    hooks, refs = sorted((repo / ".git/hooks").iterdir()), git(repo, "for-each-ref", "refs/heads/main")

    done = confined(*words(plan))

    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    tried = landed(repo, "tried.txt").split()
    names = [line.split()[1] for line in HOSTILE.splitlines() if line.startswith("tried ")]
    assert tried == names, "something got through"
    assert {name: (repo / ".git" / name).read_bytes() for name in before} == before
    assert sorted((repo / ".git/hooks").iterdir()) == hooks
    assert git(repo, "for-each-ref", "refs/heads/main") == refs
    assert Path(os.environ["PRECIOUS"]).read_text() == "keep\n"
    assert git(repo, "status", "--porcelain") == ""
    assert "missing" not in git(repo, "fsck", "--connectivity-only")
    assert not of("GuardAlarm", events(done.stdout))


HONEST = """\
set -e
git config user.name >/dev/null || true
one=$(git rev-parse HEAD)
echo one > kept.txt && git add -A && git commit -q -m kept
git checkout -q --detach "$one" && echo other > kept.txt && git add -A && git commit -q -m other
other=$(git rev-parse HEAD)
git checkout -q workbench/r/$(basename "$PWD")
git cherry-pick "$other" && exit 3 || true
echo both > kept.txt && git add -A && git -c core.editor=true cherry-pick --continue
test ! -e "$(git rev-parse --git-dir)/CHERRY_PICK_HEAD"
git rebase -q "$other" && exit 4 || true
echo both > kept.txt && git add -A && git -c core.editor=true rebase --continue || git rebase --skip
git status | grep -q 'nothing to commit'
echo x > /tmp/scratch-of-mine
workbench mark done ready
"""


def test_an_honest_teammate_commits_picks_rebases_and_marks(
    confined: CommandLine, repo: Path, plan: Path
) -> None:
    scripted(repo, HONEST)

    done = confined(*words(plan))

    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    assert landed(repo, "kept.txt") == "both"
    worktrees = Path(os.environ["XDG_STATE_HOME"]) / "workbench" / "worktrees"
    assert not any(worktrees.rglob("*")), "caches were left behind"
    assert not Path("/tmp/scratch-of-mine").exists()
    assert [event["kind"] for event in of("MarkerReceived", events(done.stdout))] == ["done"]
    placeholders = set(git(repo, "ls-tree", "--name-only", "workbench/r/integration").split())
    assert placeholders == {"README.md", "agent.sh", "gate.sh", "kept.txt", "src"}, "only what was made"


GATE = f"""\
set -e
{sys.executable} - <<'PY'
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), timeout=5).close()
names = [name for _, name in socket.if_nameindex()]
assert names == ["lo"], names
PY
echo made > built.txt
echo '<testsuite/>' > "$WORKBENCH_JUNIT"
! touch "$HOME/x" 2>/dev/null
! git commit -q --allow-empty -m x 2>/dev/null
git status --short > /dev/null
"""


def test_a_gate_has_loopback_only_and_writes_its_worktree(
    confined: CommandLine, repo: Path, plan: Path
) -> None:
    scripted(repo, "echo x > made && git add -A && git commit -q -m x\n", GATE)

    done = confined(*words(plan))

    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    assert landed(repo, "made") == "x"


def test_what_settings_open_is_open(confined: CommandLine, repo: Path, plan: Path) -> None:
    home = Path(os.environ["HOME"])
    (home / "opened").mkdir()
    scripted(repo, "cat ~/.netrc > seen; echo x > ~/opened/x; test ! -e ~/.ssh/id_fake\n")

    done = confined(*words(plan), WORKBENCH_SANDBOX_WRITE="~/opened", WORKBENCH_SANDBOX_READ="~/.netrc")

    assert done.returncode == 0, done.stderr
    assert landed(repo, "seen") == "secret"
    assert (home / "opened" / "x").read_text() == "x\n"


def test_without_bubblewrap_on_refuses_and_auto_says_so(
    confined: CommandLine, repo: Path, plan: Path, tmp_path: Path
) -> None:
    scripted(repo, "echo x > made\n")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("git", "sh", "rm", "cat", "true"):
        found = next(Path(it, name) for it in os.environ["PATH"].split(":") if Path(it, name).exists())
        (bare / name).symlink_to(found)

    refused = confined(*words(plan), PATH=str(bare))
    assert refused.returncode == 2
    assert "bwrap not found" in refused.stderr
    assert "sandbox = 'auto'" in refused.stderr

    done = confined(*words(plan), PATH=str(bare), WORKBENCH_SANDBOX="auto")
    assert done.returncode == 0, done.stderr
    [started] = of("RunStarted", events(done.stdout))
    assert started["protection"]["missing"] == "bwrap not found"
    assert started["protection"]["gates"] is False


def test_claude_codes_login_is_hidden_wherever_it_is(
    confined: CommandLine, repo: Path, plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(os.environ["HOME"]) / "elsewhere"
    folder.mkdir()
    (folder / ".credentials.json").write_text("LOGIN")
    (folder / "settings.json").write_text("SETTINGS")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder))
    scripted(repo, f"cat {folder}/*.json {folder}/.credentials.json > seen.txt\nexit 0\n")

    done = confined(*words(plan))

    assert done.returncode == 0, done.stderr
    assert landed(repo, "seen.txt") == "SETTINGS"


def test_a_gate_that_is_red_for_the_walls_is_told_how_they_open(confined: CommandLine, plan: Path) -> None:
    said = confined("run", str(plan), "--yes", "--gate", 'touch "$HOME/x"', "--agent", "command:true")
    assert said.returncode == 2, said.stderr
    assert all(name in said.stderr for name in ("gate_network", "sandbox_write", "sandbox_read"))
    said = confined(
        "run", str(plan), "--yes", "--gate", "false", "--agent", "command:true", WORKBENCH_SANDBOX="off"
    )
    assert "another --base" in said.stderr and "walls" not in said.stderr
