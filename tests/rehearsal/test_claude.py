"""The real Claude Code against the rehearsal: no key, no network, only the model is scripted."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from workbench.core.models import Plan, Task
from workbench.rehearsal.author import author
from workbench.rehearsal.script import Script, load
from workbench.rehearsal.server import Rehearsal, headers_env, serve

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeSDKClient, Message, ResultMessage

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def session(
    script: Script, where: Path, task: str = "t", reported: list[dict[str, Any]] | None = None, **options: Any
) -> AsyncIterator[tuple[Rehearsal, ClaudeSDKClient]]:
    """A connected Claude Code in ``where`` whose model is ``script``; every permission is given."""
    from claude_agent_sdk import (
        ClaudeAgentOptions,
        ClaudeSDKClient,
        PermissionResultAllow,
        create_sdk_mcp_server,
        tool,
    )

    async def allow(_name: str, _input: dict[str, Any], _context: Any) -> PermissionResultAllow:
        return PermissionResultAllow()

    def report(kind: str, fields: dict[str, Any]) -> Any:
        @tool(kind, f"Report {kind}", fields)
        async def dropped(given: dict[str, Any]) -> dict[str, Any]:
            if reported is not None:
                reported.append({"kind": kind, **given})
            return {"content": [{"type": "text", "text": "noted"}]}

        return dropped

    tools = [report("progress", {"percent": int, "note": str})]
    tools += [report(kind, {"note": str}) for kind in ("done", "blocked")]
    more = options.pop("env", {})
    async with serve(script) as rehearsal:
        who = headers_env(task=task, attempt=1, teammate="ada", worktree=where)
        chosen = ClaudeAgentOptions(
            cwd=where,
            env={**rehearsal.env(), **who, **more},
            setting_sources=[],
            can_use_tool=allow,
            mcp_servers={"workbench": create_sdk_mcp_server("workbench", "1", tools)},
            **options,
        )
        async with ClaudeSDKClient(chosen) as client:
            yield rehearsal, client


async def turn(client: ClaudeSDKClient, text: str | None) -> list[Message]:
    """Say ``text`` and collect everything up to the end of the turn."""
    if text is not None:
        await client.query(text)
    async with aclosing(client.receive_response()) as messages:  # type: ignore[type-var]
        return [message async for message in messages]


def result(messages: list[Message]) -> ResultMessage:
    from claude_agent_sdk import ResultMessage

    assert isinstance(messages[-1], ResultMessage)
    return messages[-1]


def retries(messages: list[Message]) -> list[dict[str, Any]]:
    from claude_agent_sdk import SystemMessage

    return [m.data for m in messages if isinstance(m, SystemMessage) and m.subtype == "api_retry"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "work tree ü"
    where.mkdir()
    return where


TOOLS = """
default:
  - say: I begin.
  - use: {tool: Write, input: {file_path: "{{worktree}}/note.txt", content: "by {{teammate}}\\n"}}
  - use: {tool: Edit, input: {file_path: "{{worktree}}/note.txt", old_string: by, new_string: from}}
  - use:
      - {tool: Bash, input: {command: "tr a-z A-Z < note.txt > loud.txt && cat loud.txt"}}
      - {tool: Read, input: {file_path: "{{worktree}}/note.txt"}}
  - if_result: FROM ADA
    steps:
      - use: {tool: mcp__workbench__progress, input: {percent: 50, note: half}}
      - {say: as hoped, end: true}
  - say: not as hoped
"""


async def test_its_tools_really_run(folder: Path) -> None:
    reported: list[dict[str, Any]] = []
    async with session(load(TOOLS), folder, reported=reported) as (rehearsal, client):
        end = result(await turn(client, "the brief"))
    assert (folder / "loud.txt").read_text() == "FROM ADA\n"
    assert reported == [{"kind": "progress", "percent": 50, "note": "half"}]
    assert (end.subtype, end.is_error, end.result) == ("success", False, "as hoped")
    assert end.total_cost_usd and end.total_cost_usd > 0
    assert {(asked.task, asked.attempt, asked.teammate) for asked in rehearsal.requests} == {("t", 1, "ada")}
    assert rehearsal.requests[0].heard.told == ("the brief",)


async def test_without_usage_it_shows_no_cost(folder: Path) -> None:
    async with session(load("usage: none\ndefault: [{say: free}]"), folder) as (_, client):
        end = result(await turn(client, "go"))
    assert (end.result, end.total_cost_usd) == ("free", 0)


MIDTURN = """
default:
  - use: {tool: Bash, input: {command: "until test -e go; do sleep 0.05; done"}}
  - {say: the script went on, end: true}
on_told:
  - match: gate .* red
    steps:
      - use: {tool: Bash, input: {command: "echo mended > mended.txt"}}
"""


async def test_a_message_reaches_the_model_in_the_middle_of_a_turn(folder: Path) -> None:
    async with session(load(MIDTURN), folder) as (rehearsal, client):
        await client.query("the brief")
        await rehearsal.wait_for(lambda asked: asked.messages > 0, 30)
        await client.query("the gate `pytest`\nis red")
        await client.query("the gate `pytest` is red")
        (folder / "go").touch()
        end = result(await turn(client, None))
        told = await rehearsal.wait_for(lambda asked: asked.heard.results is not None, 5)
        assert told.heard.told == ("the gate `pytest`\nis red", "the gate `pytest` is red")
        assert end.result == "the script went on"
        (folder / "mended.txt").unlink()
        await turn(client, "the gate `ruff` is red")
    assert (folder / "mended.txt").read_text() == "mended\n"


async def test_overload_is_retried_and_seen(folder: Path) -> None:
    script = load("default: [{fault: {status: 529, times: 2, retry_after: 0}}, {say: at last}]")
    async with session(script, folder) as (_, client):
        messages = await turn(client, "go")
    assert [retry["error_status"] for retry in retries(messages)] == [529, 529]
    assert [retry["attempt"] for retry in retries(messages)] == [1, 2]
    assert result(messages).result == "at last"


WRITE = {"tool": "Write", "input": {"file_path": "{{worktree}}/a.txt", "content": "x" * 2000}}
BASH = {"tool": "Bash", "input": {"command": "echo once >> b.txt"}}


@pytest.mark.parametrize(("fault", "retried", "streamed"), [("cut", 1, True), ("garbage", 0, False)])
async def test_a_stream_that_broke_before_anything_came_through_is_asked_for_again(
    fault: str, retried: int, streamed: bool, folder: Path
) -> None:
    script = load(json.dumps({"default": [{"fault": fault}, {"use": WRITE}, {"say": "whole"}]}))
    async with session(script, folder) as (rehearsal, client):
        messages = await turn(client, "go")
    assert [(retry["error_status"], retry["error"]) for retry in retries(messages)] == [
        (None, "unknown")
    ] * retried
    assert [asked.stream for asked in rehearsal.requests] == [True, streamed, True]
    assert result(messages).result == "whole"
    assert len((folder / "a.txt").read_text()) == 2000


@pytest.mark.parametrize("first", [{"say": "kept"}, {"use": BASH}], ids=["text", "tool"])
async def test_of_a_cut_stream_what_came_through_is_kept(first: dict[str, Any], folder: Path) -> None:
    second = [{"use": WRITE}] if "say" in first else []
    whole = [first, *second] if second else [{"use": [BASH, WRITE]}]
    script = load(json.dumps({"default": [{"fault": "cut"}, *whole, {"say": "whole"}]}))
    async with session(script, folder) as (rehearsal, client):
        messages = await turn(client, "go")
    assert retries(messages) == []
    assert rehearsal.requests[1].heard.cut is ("say" in first)
    assert (result(messages).result, result(messages).is_error) == ("whole", False)
    assert len((folder / "a.txt").read_text()) == 2000
    if "use" in first:
        assert (folder / "b.txt").read_text() == "once\n"
        assert "server_error" in [getattr(message, "error", None) for message in messages]


async def test_silence_ends_with_the_clients_patience(folder: Path) -> None:
    patience = {"API_TIMEOUT_MS": "500"}
    async with session(load("default: [{fault: silence}, {say: there}]"), folder, env=patience) as (
        _,
        client,
    ):
        messages = await turn(client, "go")
    assert len(retries(messages)) == 1
    assert result(messages).result == "there"


async def test_a_refused_key_is_an_error_that_calls_itself_success(folder: Path) -> None:
    once = {"CLAUDE_CODE_MAX_RETRIES": "1"}
    script = load("default: [{fault: {status: 401, times: 2}}, {say: back}]")
    async with session(script, folder, env=once) as (_, client):
        messages = await turn(client, "go")
        again = result(await turn(client, "go on"))
    (retry,) = retries(messages)
    assert (retry["error_status"], retry["error"]) == (401, "authentication_failed")
    end = result(messages)
    assert (end.subtype, end.is_error, end.api_error_status) == ("success", True, 401)
    assert end.terminal_reason == "api_error"
    assert messages[-2].error == "authentication_failed"  # type: ignore[union-attr]
    assert (again.is_error, again.result) == (False, "back")


async def test_structured_output(folder: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    script = load('default: [{structured: {n: "three"}}, {if_result: must be integer, structured: {n: 3}}]')
    form = {"type": "json_schema", "schema": schema}
    async with session(script, folder, output_format=form) as (_, client):
        end = result(await turn(client, "count"))
    assert end.structured_output == {"n": 3}
    assert not end.is_error


async def test_a_session_taken_up_again_goes_on_in_its_script(folder: Path, tmp_path: Path) -> None:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

    kept = tmp_path / "config"
    script = load("default: [{say: one, end: true}, {say: two, end: true}]")
    found = []
    session_id = None
    for _ in range(2):
        async with serve(script, config_dir=kept) as rehearsal:
            options = ClaudeAgentOptions(
                cwd=folder, env=rehearsal.env(), setting_sources=[], resume=session_id
            )
            async with ClaudeSDKClient(options) as client:
                end = result(await turn(client, "go"))
        session_id = end.session_id
        found.append(end.result)
    assert found == ["one", "two"]


def git(where: Path, *words: str, check: bool = True) -> str:
    done = subprocess.run(["git", *words], cwd=where, check=check, capture_output=True, text=True)
    return done.stdout.strip()


def kinds(reported: list[dict[str, Any]]) -> list[str]:
    return [marker["kind"] for marker in reported]


@pytest.mark.parametrize(
    ("files", "changed"),
    [
        (("src/app.py", "docs/**"), ["docs/rehearsed_t.txt", "src/app.py"]),
        (("src/**",), ["src/rehearsed_t.txt"]),
        ((), [".rehearsal/rehearsed_t.txt"]),
    ],
)
async def test_an_authored_task_is_worked_on_and_committed(
    files: tuple[str, ...], changed: list[str], repo: Path
) -> None:
    reported: list[dict[str, Any]] = []
    script = author(Plan(title="p", tasks=(Task(id="t", title="it's a `task`", files=files),)))
    async with session(script, repo, reported=reported) as (_, client):
        end = result(await turn(client, "do the task"))
        assert end.result and end.result.startswith("Done")
        assert kinds(reported) == ["progress", "progress", "done"]
        assert git(repo, "diff", "--name-only", "HEAD~1", "HEAD").split() == changed
        assert git(repo, "status", "--porcelain") == ""
        assert git(repo, "log", "-1", "--format=%s") == "Rehearse t: it's a `task`"
        red = result(await turn(client, "The gate `pytest` is red:\nFAILED test_x"))
        assert red.result and "red" in red.result
    assert kinds(reported)[-1] == "done" and git(repo, "rev-list", "--count", "HEAD") == "2"


def conflict(repo: Path) -> None:
    git(repo, "checkout", "-qb", "theirs")
    (repo / "README.md").write_text("# Theirs\n")
    git(repo, "commit", "-qam", "theirs")
    git(repo, "checkout", "-q", "main")
    (repo / "README.md").write_text("# Ours\n")
    git(repo, "commit", "-qam", "ours")
    git(repo, "merge", "theirs", check=False)


@pytest.mark.parametrize("told", [True, False], ids=["by a message", "by the brief"])
async def test_an_authored_task_resolves_conflicts(told: bool, repo: Path) -> None:
    reported: list[dict[str, Any]] = []
    script = author(Plan(title="p", tasks=(Task(id="t", title="T", files=("src/app.py",)),)))
    async with session(script, repo, reported=reported) as (_, client):
        if told:
            await turn(client, "do the task")
            conflict(repo)
            await turn(client, "There are conflict markers in README.md; resolve them.")
        else:
            conflict(repo)
            await turn(client, "Your work conflicted with what landed. The markers are in README.md.")
    assert (repo / "README.md").read_text() == "# Ours\n# Theirs\n"
    assert git(repo, "rev-list", "--count", "--min-parents=2", "HEAD") == "1"
    assert git(repo, "status", "--porcelain") == ""
    assert kinds(reported).count("done") == (2 if told else 1)


async def test_an_authored_task_whose_commit_fails_says_that_it_is_blocked(repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    reported: list[dict[str, Any]] = []
    script = author(Plan(title="p", tasks=(Task(id="t", title="T"),)))
    async with session(script, repo, reported=reported) as (_, client):
        await turn(client, "do the task")
    assert kinds(reported) == ["progress", "blocked"]
    assert "not today" in reported[-1]["note"]
