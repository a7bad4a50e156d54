"""The small parts: environment, launcher, markers, versions, logins, the one-question session."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.adapters.agents.claude import (
    ClaudeSettings,
    claude_version,
    find_claude,
    is_recent,
    login_state,
    processes,
    split_with_claude,
)
from workbench.adapters.agents.claude.launcher import started_pid, up, write_launcher
from workbench.adapters.agents.claude.sandbox import sandboxed, signing_in_settings
from workbench.adapters.agents.claude.tools import drop
from workbench.adapters.agents.claude.translate import shortened, used_before
from workbench.adapters.agents.environment import MODEL, SECRETS, claude_environment, command_environment
from workbench.core import markers
from workbench.core.models import MarkerKind, Usage
from workbench.errors import AgentError, LoginError, SetupError
from workbench.rehearsal.script import load
from workbench.rehearsal.server import serve

USERS = {
    "HOME": "/home/u",
    "PATH": "/bin",
    "LC_TIME": "sv_SE",
    "XDG_CACHE_HOME": "/c",
    "https_proxy": "http://p",
    "ANTHROPIC_API_KEY": "k",
    "CLAUDE_CODE_USE_BEDROCK": "1",
    "AWS_PROFILE": "work",
    "BASH_MAX_TIMEOUT_MS": "5",
    "GITHUB_TOKEN": "t",
    "GH_TOKEN": "t",
    "GIT_DIR": "/elsewhere",
    "GIT_AUTHOR_NAME": "Ada",
    "SSH_AUTH_SOCK": "/s",
    "DATABASE_URL": "d",
    "HOMEWORK": "no",
    "BASH_ENV": "no",
    "NPM_TOKEN": "t",
}


def test_the_environment_is_what_is_named() -> None:
    claude = claude_environment(USERS)
    assert claude.keys() == {
        *("HOME", "PATH", "LC_TIME", "XDG_CACHE_HOME", "https_proxy", "ANTHROPIC_API_KEY"),
        *("CLAUDE_CODE_USE_BEDROCK", "AWS_PROFILE", "BASH_MAX_TIMEOUT_MS", "GIT_AUTHOR_NAME"),
    }
    assert command_environment(USERS).keys() == claude.keys() - {
        *("ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "AWS_PROFILE", "BASH_MAX_TIMEOUT_MS")
    }
    assert "NPM_TOKEN" in command_environment(USERS, ["NPM_*"])
    assert "DATABASE_URL" in claude_environment(USERS, ["DATABASE_URL"])


def test_no_code_hosts_token_gets_through_however_it_is_allowed() -> None:
    tokens = dict.fromkeys(
        ("GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN", "ACTIONS_RUNTIME_TOKEN",
         "UV_PUBLISH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AZURE_DEVOPS_EXT_PAT",
         "UV_INDEX_OURS_PASSWORD"),
        "t",
    )  # fmt: skip
    assert claude_environment(tokens, ["*"]) == {} == command_environment(tokens, tokens)


def test_every_secret_is_one_that_claude_gets_and_commands_do_not() -> None:
    every = dict.fromkeys(SECRETS, "x")
    assert claude_environment(every) == every and not command_environment(every)
    assert len(MODEL) == len(set(MODEL))


def test_the_launcher_takes_variables_out_and_opens_a_session(tmp_path: Path) -> None:
    tool = tmp_path / "real claude"
    ids = f"{sys.executable} -c 'import os; print(os.getppid(), os.getsid(0))'"
    tool.write_text(f'#!/bin/sh\n{ids}; env; for word in "$@"; do echo "<$word>"; done\n')
    tool.chmod(0o755)
    script = write_launcher(tmp_path, tool, ["LEAK", "we'ird $(name)", "ABSENT"])
    environ = {"PATH": os.environ["PATH"], "LEAK": "s3cret", "we'ird $(name)": "s3cret", "KEPT": "yes"}
    process = subprocess.Popen([script, "--a", "b c", "$d"], env=environ, stdout=subprocess.PIPE, text=True)
    out, _ = process.communicate()
    assert "s3cret" not in out and "KEPT=yes" in out and "s3cret" not in script.read_text()
    assert out.splitlines()[-3:] == ["<--a>", "<b c>", "<$d>"]
    pid, session = map(int, out.splitlines()[0].split())
    assert pid == session != process.pid
    assert started_pid(script) is None, "and nobody signals that number any more"


def test_what_was_launched_ends_with_whoever_launched_it(tmp_path: Path) -> None:
    tool = tmp_path / "real claude"
    tool.write_text("#!/bin/sh\necho up; exec sleep 600\n")
    tool.chmod(0o755)
    script = write_launcher(tmp_path, tool, [])
    code = "import subprocess, sys; subprocess.run([sys.argv[1]])"
    launching = subprocess.Popen([sys.executable, "-c", code, script], stdout=subprocess.PIPE, text=True)
    assert launching.stdout is not None and launching.stdout.readline() == "up\n"
    launched = psutil.Process(asyncio.run(up(script)) or 0)
    launching.kill()
    launching.wait()
    # Its output ends when the last process that holds it does.
    assert launching.stdout.read() == ""
    launching.stdout.close()
    assert not processes._wait([launched], 10.0)


def test_markers_are_written_whole_and_read_back(tmp_path: Path) -> None:
    path = drop(tmp_path, "abc", MarkerKind.PROGRESS, {"percent": 40, "note": "åäö", "confidence": None})
    marker = markers.read(path.read_bytes(), "abc")
    assert (marker.kind, marker.percent, marker.note, marker.confidence) == ("progress", 40, "åäö", None)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert not list((tmp_path / ".workbench").glob(".*")), "nothing unfinished is left"
    assert path.name.endswith(f"-{os.getpid()}-progress.json")


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (MarkerKind.PROGRESS, {"percent": 400, "note": "x"}),
        (MarkerKind.QUESTION, {"note": ""}),
        (MarkerKind.DONE, {"note": "x" * 100_000}),
    ],
)
def test_a_bad_marker_is_explained_to_its_sender(
    tmp_path: Path, kind: MarkerKind, given: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"\w+ .*\."):
        drop(tmp_path, "abc", kind, given)
    assert not (tmp_path / ".workbench").exists()


def test_markers_do_not_follow_a_link_out(tmp_path: Path) -> None:
    (tmp_path / "tree" / ".workbench").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "tree" / ".workbench" / "markers").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="leads out"):
        drop(tmp_path / "tree", "abc", MarkerKind.DONE, {"note": "x"})
    assert not list((tmp_path / "outside").iterdir())


def test_what_is_said_is_cut() -> None:
    assert shortened(" one \ntwo\n") == "one\ntwo"
    assert shortened("\n".join("abcdefghij")).endswith("f …")
    assert len(shortened("x" * 5000)) < 900


def test_the_cost_of_a_session_is_read_from_its_transcript(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / "-a"
    folder.mkdir(parents=True)
    model = {"inputTokens": 1, "cacheReadInputTokens": 2, "cacheCreationInputTokens": 3, "outputTokens": 4}
    lines = [{"type": "cost-state", "totalCostUSD": cost, "modelUsage": {"m": model}} for cost in (1.0, 2.5)]
    (folder / "s.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"type":"cost-state","tot')
    env = {"CLAUDE_CONFIG_DIR": str(tmp_path)}
    assert used_before(env, "s") == Usage(cost_usd=2.5, input_tokens=6, output_tokens=4)
    assert used_before(env, "other") == Usage()


def test_only_what_signing_in_needs_is_taken_from_the_users_settings(tmp_path: Path) -> None:
    found = {
        "apiKeyHelper": "/bin/key",
        "hooks": {"Stop": []},
        "permissions": {"allow": ["Bash"]},
        "env": {"ANTHROPIC_BASE_URL": "http://gw", "GITHUB_TOKEN": "t"},
    }
    (tmp_path / "settings.json").write_text(json.dumps(found))
    env = {"CLAUDE_CONFIG_DIR": str(tmp_path)}
    assert signing_in_settings(env) == {
        "apiKeyHelper": "/bin/key",
        "env": {"ANTHROPIC_BASE_URL": "http://gw"},
    }
    (tmp_path / "settings.json").write_text("{nonsense")
    assert signing_in_settings(env) == {}
    assert signing_in_settings({"HOME": str(tmp_path)}) == {}


async def test_a_sandbox_that_must_be_and_cannot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot work"):
        await sandboxed(ClaudeSettings(sandbox="on"), path=str(tmp_path))
    assert not await sandboxed(ClaudeSettings(sandbox="auto"), path=str(tmp_path))
    assert not await sandboxed(ClaudeSettings(sandbox="off"))


async def test_a_bubblewrap_that_does_not_work_counts_as_none(tmp_path: Path) -> None:
    for name in ("bwrap", "socat"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'no namespaces here' >&2; exit 1\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(SetupError, match=r"no namespaces here|not on PATH"):
        await sandboxed(ClaudeSettings(sandbox="on"), path=str(tmp_path))


async def test_finding_claude_and_its_version(tmp_path: Path) -> None:
    bundled = find_claude("bundled")
    assert is_recent(await claude_version(bundled))
    assert not is_recent("2.0.9") and is_recent("3.0.0")
    with pytest.raises(SetupError, match="PATH"):
        find_claude("path", str(tmp_path))
    (tmp_path / "claude").symlink_to(bundled)
    assert find_claude("path", str(tmp_path)) == tmp_path / "claude"
    with pytest.raises(SetupError, match="neither"):
        find_claude("claude-2")
    with pytest.raises(AgentError, match="does not answer"):
        await claude_version("/bin/cat")
    with pytest.raises(AgentError, match="cannot be started"):
        await claude_version(tmp_path / "missing")


async def test_login_is_asked_of_claude_itself(tmp_path: Path) -> None:
    claude = find_claude("bundled")
    env = {"HOME": str(tmp_path)}
    out = await login_state(claude, env)
    assert (out.signed_in, out.method) == (False, "none")
    key = await login_state(claude, {**env, "ANTHROPIC_API_KEY": "sk-secret"})
    assert key.signed_in and key.source == "ANTHROPIC_API_KEY" and "sk-secret" not in repr(key)
    cloud = await login_state(claude, {**env, "CLAUDE_CODE_USE_BEDROCK": "1"})
    assert (cloud.signed_in, cloud.provider) == (True, "bedrock")


SCHEMA = {
    "type": "object",
    "properties": {"tasks": {"type": "array", "items": {"type": "string"}}},
    "required": ["tasks"],
    "additionalProperties": False,
}


async def _split(script: str, tmp_path: Path, **env: str) -> dict[str, Any]:
    async with serve(load(script)) as rehearsal:
        whole = {**claude_environment(os.environ), **rehearsal.env(), **env}
        return await split_with_claude(
            "1. build\n2. test", schema=SCHEMA, prompt="Split this plan.", cwd=tmp_path, env=whole
        )


@pytest.mark.e2e
async def test_a_plan_is_split_into_the_form_asked_for(tmp_path: Path) -> None:
    script = "default: [{structured: {tasks: [build, test]}}, {end: true}]"
    assert await _split(script, tmp_path) == {"tasks": ["build", "test"]}


@pytest.mark.e2e
async def test_a_split_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="not in the form"):
        await _split(
            "default: [{say: nope, end: true}, {say: nope, end: true}, {say: nope, end: true}]", tmp_path
        )
    with pytest.raises(LoginError, match="sign in"):
        await _split("{}", tmp_path, ANTHROPIC_API_KEY="")
