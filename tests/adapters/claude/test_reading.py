"""A session that only reads: what it may look at, and that it answers again and again."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from workbench.adapters.agents.claude.reading import LOOKING, Glass, Purpose, reading
from workbench.adapters.agents.environment import claude_environment
from workbench.engine.ports import Acted, AgentReport, Denied
from workbench.errors import AgentError
from workbench.rehearsal.script import load
from workbench.rehearsal.server import Rehearsal, headers_env, serve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "copy"
    (where / "src").mkdir(parents=True)
    (where / "src" / "a.py").write_text("a = 1\n")
    (where / "out").symlink_to(tmp_path)
    (where / "escape").symlink_to("/etc/passwd")
    return where


@pytest.mark.parametrize(
    ("tool", "given", "refused"),
    [
        ("Read", {"file_path": "{root}/src/a.py"}, False),
        ("Read", {"file_path": "src/a.py"}, False),
        ("Grep", {"pattern": "../x|/etc"}, False),
        ("Grep", {"pattern": "a", "path": "src", "glob": "*.py"}, False),
        ("Glob", {"pattern": "**/*.py"}, False),
        ("Glob", {"pattern": "{root}/**"}, False),
        ("StructuredOutput", {"file_path": "/etc/passwd"}, False),
        ("Read", {"file_path": "/etc/passwd"}, True),
        ("Read", {"file_path": "{root}/../other"}, True),
        ("Read", {"file_path": "{root}2/a"}, True),
        ("Read", {"file_path": "~/.ssh/id"}, True),
        ("Read", {"file_path": "escape"}, True),
        ("Grep", {"pattern": "a", "path": "out"}, True),
        ("Grep", {"pattern": "a", "glob": "../*"}, True),
        ("Glob", {"pattern": "/etc/*"}, True),
        ("Glob", {"pattern": "out/*"}, True),
        ("Glob", {"pattern": "*", "path": "/"}, True),
        ("Write", {"file_path": "src/a.py"}, True),
        ("Bash", {"command": "ls"}, True),
        ("Task", {}, True),
        ("NotebookRead", {"notebook_path": "src/a.py"}, True),
        ("mcp__x__y", {}, True),
        ("", {}, True),
    ],
)
def test_what_it_may_use(folder: Path, tool: str, given: dict[str, str], refused: bool) -> None:
    filled = {name: value.replace("{root}", str(folder)) for name, value in given.items()}
    assert bool(Glass(folder, LOOKING, lambda _: None).refuses(tool, filled)) is refused


def test_without_tools_it_may_only_answer(folder: Path) -> None:
    glass = Glass(folder, (), lambda _: None)
    assert glass.refuses("Read", {"file_path": "src/a.py"}) and not glass.refuses("StructuredOutput", {})


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def _env(rehearsal: Rehearsal, folder: Path) -> dict[str, str]:
    who = headers_env(task="t", attempt=1, teammate="", worktree=folder)
    return claude_environment(os.environ) | rehearsal.env() | who


@pytest.mark.e2e
async def test_a_conversation_with_reading_in_it(folder: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"use": [{"tool": "Read", "input": {"file_path": "{{worktree}}/src/a.py"}}]},
        {"structured": {"n": 1}},
        {"use": [{"tool": "Write", "input": {"file_path": "{{worktree}}/b", "content": "x"}}]},
        {"structured": {"n": 2}},
    ]
    heard: list[AgentReport] = []
    async with serve(load(json.dumps({"default": steps}))) as rehearsal:
        async with reading(
            Purpose("trying", "Stop."),
            schema=SCHEMA, cwd=folder, env=_env(rehearsal, folder), seconds=60, hear=heard.append,
        ) as session:  # fmt: skip
            assert await session.ask("First @src/a.py") == {"n": 1}
            once = session.usage
            assert await session.ask("Second") == {"n": 2}
            assert session.usage.cost_usd > once.cost_usd > 0
        told = [text for asked in rehearsal.requests for text in asked.heard.told]
        assert told == ["First @src/a.py", "Second"], "nothing is put to it but the questions"
        config = Path(rehearsal.env()["CLAUDE_CONFIG_DIR"])
        assert not list(config.rglob("*.jsonl")), "no session is kept"
    assert [type(report) for report in heard] == [Acted, Denied], heard
    assert not (folder / "b").exists()


@pytest.mark.e2e
async def test_an_answer_that_takes_too_long_is_given_up(folder: Path) -> None:
    async with serve(load('{"default": [{"wait": 600}]}')) as rehearsal:
        with pytest.raises(AgentError, match="did not answer within 1 s"):
            async with reading(
                Purpose("trying", "Stop."), schema=SCHEMA, cwd=folder, env=_env(rehearsal, folder), seconds=1
            ) as session:
                await session.ask("Well?")


@pytest.mark.e2e
async def test_cancelling_ends_it(folder: Path) -> None:
    async with serve(load('{"default": [{"wait": 600}]}')) as rehearsal:

        async def whole() -> None:
            async with reading(
                Purpose("trying", "Stop."), schema=SCHEMA, cwd=folder, env=_env(rehearsal, folder), seconds=60
            ) as session:
                await session.ask("Well?")

        work = asyncio.ensure_future(whole())
        await rehearsal.wait_for(lambda asked: not asked.side, 30)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
