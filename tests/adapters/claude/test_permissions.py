"""What the real Claude Code lets a teammate do in an unattended run, and what it does not."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.adapters.claude.conftest import uses
from tests.conftest import git
from workbench.adapters.agents.claude import sandbox_missing
from workbench.engine.ports import Denied, Ended, Letter, Ruling, Started

pytestmark = pytest.mark.e2e
Stages = Callable[..., Any]

MISSING = asyncio.run(sandbox_missing())
needs_sandbox = pytest.mark.skipif(bool(MISSING), reason=f"no sandbox: {MISSING}")


@pytest.mark.parametrize("place", ["absolute", "dots", "symlink", "home", "git", "markers", "claude"])
async def test_a_write_beyond_the_fence_is_denied_and_reported(
    stage: Stages, worktree: Path, repo: Path, place: str
) -> None:
    outside = worktree.parent / "outside"
    outside.mkdir()
    (worktree / "link").symlink_to(outside)
    home = Path(os.environ["HOME"])
    path, lands = {
        "absolute": (str(outside / "x"), outside / "x"),
        "dots": ("../outside/x", outside / "x"),
        "symlink": (str(worktree / "link" / "x"), outside / "x"),
        "home": ("~/x", home / "x"),
        "git": (str(repo / ".git" / "hooks" / "post-commit"), repo / ".git" / "hooks" / "post-commit"),
        "markers": (
            str(worktree / ".workbench" / "markers" / "1-1-done.json"),
            worktree / ".workbench/markers/1-1-done.json",
        ),
        "claude": (str(worktree / ".claude" / "settings.json"), worktree / ".claude" / "settings.json"),
    }[place]
    async with stage(uses(("Write", {"file_path": path, "content": "x"}))) as scene:
        ended = await scene.turn()
        (denied,) = scene.all(Denied)
        assert denied.tool == "Write"
        assert Path(os.path.realpath(denied.target)) == Path(os.path.realpath(lands))
        assert denied.reason in scene.results(), "the model is told why"
        assert ended.live and not os.path.lexists(lands), scene.story()


async def test_an_edit_through_a_linked_file_is_denied(stage: Stages, worktree: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    (worktree / "alias.txt").symlink_to(victim)
    script = uses(
        ("Read", {"file_path": "{{worktree}}/alias.txt"}),
        ("Edit", {"file_path": "{{worktree}}/alias.txt", "old_string": "mine", "new_string": "yours"}),
    )
    async with stage(script) as scene:
        await scene.turn()
        assert [denied.tool for denied in scene.all(Denied)] == ["Edit"], scene.story()
        assert victim.read_text() == "mine"


async def test_edits_inside_and_reading_need_no_question(stage: Stages, worktree: Path) -> None:
    (worktree.parent / "elsewhere.txt").write_text("APRICOT")
    script = uses(
        ("Write", {"file_path": "{{worktree}}/deep/er/new.py", "content": "a = 1\n"}),
        ("Read", {"file_path": str(worktree.parent / "elsewhere.txt")}),
        ("Read", {"file_path": "{{worktree}}/src/app.py"}),
        ("Edit", {"file_path": "{{worktree}}/src/app.py", "old_string": "hello", "new_string": "hi"}),
        ("Write", {"file_path": "{{worktree}}/.github/workflows/ci.yml", "content": "on: push\n"}),
    )
    async with stage(script) as scene:
        await scene.turn()
        assert not scene.all(Denied), scene.story()
        assert "APRICOT" in scene.results()
        assert (worktree / "deep/er/new.py").read_text() == "a = 1\n"
        assert "hi {name}" in (worktree / "src/app.py").read_text()
        assert (worktree / ".github/workflows/ci.yml").exists()


SHELL_WORK = [
    'name=world; for i in 1 2; do echo "hello $name $i" >> out.txt; done; cat out.txt | wc -l',
    "cd src && echo '# more' >> app.py && cd .. && git add -A && git commit -qm one && git status -s",
    "git diff HEAD~1 --stat; git log --oneline | head -3; python3 -c 'print(1+1)'",
    "cat <<'END' > notes.md\nit's a note; \"quoted\"\nEND\ngit add notes.md && git commit -qm two",
    "(echo sub; (echo deeper)) && [ -f notes.md ] && printf '%s\\n' \"$(git rev-parse --abbrev-ref HEAD)\"",
]


@pytest.mark.parametrize("sandbox", ["off", pytest.param("on", marks=needs_sandbox)])
async def test_ordinary_shell_work_runs_unattended(stage: Stages, worktree: Path, sandbox: str) -> None:
    script = uses(*[("Bash", {"command": command}) for command in SHELL_WORK])
    async with stage(script, sandbox=sandbox) as scene:
        ended = await scene.turn()
        assert ended.live and not scene.all(Denied), scene.story()
        assert git(worktree, "log", "--format=%s") == "two\none\nfirst", scene.story()
        assert git(worktree, "rev-parse", "--abbrev-ref", "HEAD") == "workbench/run/ada"
        assert (worktree / "out.txt").read_text() == "hello world 1\nhello world 2\n"
        assert not git(worktree, "status", "--porcelain"), scene.story()


@needs_sandbox
async def test_the_sandbox_keeps_commands_inside(stage: Stages, worktree: Path, repo: Path) -> None:
    outside = worktree.parent / "outside"
    outside.mkdir()
    secret = Path(os.environ["HOME"]) / ".ssh"
    secret.mkdir()
    (secret / "id").write_text("PRIVATE-KEY")
    script = uses(
        ("Bash", {"command": f"echo x > {outside}/x"}),
        ("Bash", {"command": f"echo x > {repo}/README.md"}),
        ("Bash", {"command": f"echo x > {outside}/y", "dangerouslyDisableSandbox": True}),
        ("Bash", {"command": f"cat {secret}/id"}),
        ("Bash", {"command": f"git -C {repo} config core.fsmonitor /bin/evil"}),
        ("Bash", {"command": 'curl -sS -m 5 "$ANTHROPIC_BASE_URL" || echo no network'}),
    )
    async with stage(script) as scene:
        ended = await scene.turn()
        assert ended.live
        assert not list(outside.iterdir()), scene.story()
        assert (repo / "README.md").read_text() == "# Sample\n"
        assert "PRIVATE-KEY" not in scene.results()
        assert "evil" not in (repo / ".git" / "config").read_text()
        assert "no network" in scene.results(), scene.story()


@needs_sandbox
async def test_caches_that_are_named_can_be_written(stage: Stages, tmp_path: Path) -> None:
    cache = Path(os.environ["HOME"]) / "cache"
    cache.mkdir()
    script = uses(("Bash", {"command": f"echo x > {cache}/x; echo x > {cache}/../y"}))
    async with stage(script, writable=("~/cache",)) as scene:
        await scene.turn()
        assert (cache / "x").exists() and not (cache.parent / "y").exists(), scene.story()


async def test_questions_to_nobody_are_put_to_the_team(stage: Stages) -> None:
    asked = {
        "questions": [
            {
                "question": "Which?",
                "header": "Pick",
                "multiSelect": False,
                "options": [{"label": "a", "description": "a"}, {"label": "b", "description": "b"}],
            }
        ]
    }
    async with stage(uses(("AskUserQuestion", asked), ("EnterPlanMode", {}))) as scene:
        ended = await scene.turn()
        assert ended.live
        assert [denied.tool for denied in scene.all(Denied)] == ["EnterPlanMode"], scene.story()
        assert [(it.kind, it.note) for it in scene.markers()] == [("question", "Which?\n- a: a\n- b: b")]
        assert "the answer will come" in scene.results() and "mcp__workbench__question" in scene.results()


async def test_who_plans_may_only_read_until_it_is_unlocked(stage: Stages, worktree: Path) -> None:
    script = """
tasks:
  t:
    steps:
      - use: {tool: Read, input: {file_path: "{{worktree}}/README.md"}}
      - use: {tool: Write, input: {file_path: "{{worktree}}/new.txt", content: x}}
      - use: {tool: Bash, input: {command: "cat README.md"}}
      - use: {tool: mcp__workbench__plan, input: {note: mine}}
      - {say: Waiting., end: true}
      - use: {tool: Write, input: {file_path: "{{worktree}}/new.txt", content: x}}
      - {say: Written., end: true}
"""
    async with stage(script) as scene, scene.working(read_only=True):
        await scene.heard(Ended)
        assert [it.tool for it in scene.all(Denied)] == ["Write", "Bash"], scene.story()
        assert not (worktree / "new.txt").exists() and "Sample" in scene.results()
        assert [it.kind for it in scene.markers()] == ["plan"]
        scene.inbox.put_nowait(Letter("Go ahead.", unlocks=True))
        await scene.heard(Ended, n=2)
        assert (worktree / "new.txt").exists(), scene.story()


async def test_what_nobody_allowed_waits_for_a_word(stage: Stages) -> None:
    asked: list[tuple[str, str, str]] = []

    async def consult(tool: str, target: str, why: str) -> Ruling:
        asked.append((tool, target, why))
        return Ruling(len(asked) == 2, "not that one")

    page = ("WebFetch", {"url": "https://page.invalid/x", "prompt": "what?"})
    other = ("WebFetch", {"url": "https://page.invalid/y", "prompt": "what?"})
    fenced = ("Bash", {"command": "sudo true"})
    async with stage(uses(page, other, fenced)) as scene:
        await scene.turn(consult=consult)
        assert [it[0] for it in asked] == ["WebFetch", "WebFetch"]
        assert asked[0][1].splitlines() == [page[1]["url"], json.dumps(page[1])], "all of it"
        assert "settings: web" in asked[0][2]
        denied = [(it.tool, it.reason) for it in scene.all(Denied)]
        assert denied[0] == ("WebFetch", "not that one") and denied[1][0] == "Bash", scene.story()
        assert len(denied) == 2, "what the fence refuses is nobody's to allow"


async def test_pages_are_read_only_from_allowed_hosts(stage: Stages) -> None:
    page = {"url": "https://page.invalid/x", "prompt": "what?"}
    async with stage(uses(("WebFetch", page))) as scene:
        await scene.turn()
        assert [denied.target for denied in scene.all(Denied)] == ["https://page.invalid/x"], scene.story()
    async with stage(uses(("WebFetch", page)), allowed_domains=("page.invalid",)) as scene:
        await scene.turn()
        assert not scene.all(Denied), scene.story()


@pytest.mark.parametrize("command", ["git push origin HEAD", "cd .. && git stash pop", "sudo true"])
async def test_commands_against_the_team_are_denied(stage: Stages, command: str) -> None:
    async with stage(uses(("Bash", {"command": command})), sandbox="off") as scene:
        await scene.turn()
        assert [denied.target for denied in scene.all(Denied)] == [command]


async def test_only_named_variables_reach_the_agent(stage: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp-leak")
    monkeypatch.setenv("MY_DATABASE", "leak")
    monkeypatch.setenv("odd name'$(x)", "leak")
    given = {
        "AWS_REGION": "eu-north-1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ANTHROPIC_SMALL_FAST_MODEL": "small",
        "CLOUD_ML_REGION": "europe",
    }
    async with stage(uses(("Bash", {"command": "env"})), env=given, sandbox="off") as scene, scene.working():
        await scene.heard(Ended)
        environ = psutil.Process(scene.all(Started)[0].pid).environ()
        assert "GITHUB_TOKEN" not in environ and "MY_DATABASE" not in environ
        assert not [name for name in environ if name.startswith("odd")]
        assert {name: environ.get(name) for name in given} == given
        assert environ["ANTHROPIC_API_KEY"] == "rehearsal"
        said = scene.results()
        assert "leak" not in said
        assert all(f"{name}={value}" in said for name, value in given.items()), said


@pytest.mark.parametrize("sandbox", ["off", pytest.param("on", marks=needs_sandbox)])
async def test_commands_do_not_see_the_key_that_claude_has(stage: Stages, sandbox: str) -> None:
    env = {"ANTHROPIC_API_KEY": "sk-very-secret-value"}
    script = uses(("Bash", {"command": "env | sort; cat /proc/$PPID/environ 2>&1 | tr '\\0' '\\n'"}))
    if sandbox == "off":  # there, a command can look into its parent
        script = uses(("Bash", {"command": "env | sort"}))
    async with stage(script, env=env, sandbox=sandbox) as scene:
        ended = await scene.turn()
        assert ended.live and "WORKBENCH_NONCE" in scene.results(), scene.story()
        assert "sk-very-secret-value" not in scene.results()


async def test_claude_md_of_the_repository_is_read_and_its_servers_are_not(
    stage: Stages, worktree: Path
) -> None:
    (worktree / "CLAUDE.md").write_text("Always say PINEAPPLE.\n")
    (worktree / ".mcp.json").write_text('{"mcpServers": {"evil": {"command": "touch", "args": ["pwned"]}}}')
    async with stage(uses(("Bash", {"command": "true"}))) as scene:
        await scene.turn(trusted=True)
        config = Path(scene.assignment.env["CLAUDE_CONFIG_DIR"])
        (transcript,) = config.glob("projects/*/*.jsonl")
        assert "PINEAPPLE" in transcript.read_text()
        assert not (worktree / "pwned").exists()


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, workbench.adapters.agents.claude as c; c.ClaudeAgent(); c.find_claude('bundled');"
        "assert not {'claude_agent_sdk', 'mcp', 'anyio'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
