"""A role in a real Claude Code session: its text, its model, its tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.adapters.claude.conftest import uses
from workbench.adapters.agents.claude.roles import only, system_prompt, without
from workbench.adapters.agents.claude.tools import TOOL_NAMES
from workbench.core.models import Role
from workbench.engine.ports import Denied

Stages = Callable[..., Any]

REVIEWER = Role(
    name="reviewer",
    description="Reads.",
    tools=("Read", "Write"),
    prompt="Look twice at every line: BLUE-HERON.",
    path=".claude/agents/reviewer.md",
)
SCRIPT = uses(
    ("Bash", {"command": "touch by-bash"}),
    ("Edit", {"file_path": "{{worktree}}/README.md", "old_string": "# Sample", "new_string": "# Edited"}),
    ("Write", {"file_path": "{{worktree}}/new.txt", "content": "hello\n"}),
    ("Write", {"file_path": "{{worktree}}/.claude/settings.json", "content": "{}"}),
    ("mcp__workbench__done", {"note": "read it"}),
)


@pytest.mark.e2e
async def test_a_roles_text_and_model_reach_the_model_and_only_its_tools_are_there(stage: Stages) -> None:
    async with stage(SCRIPT) as scene:
        ended = await scene.turn(role="reviewer", plays=REVIEWER, model="haiku")

        assert not ended.error, scene.story()
        asked = [it for it in scene.rehearsal.requests if not it.side]
        assert asked
        for request in asked:
            assert "BLUE-HERON" in request.system and "Claude Code" in request.system
            assert "haiku" in request.model
            assert set(request.tools) == {"Read", "Write", *TOOL_NAMES}
        assert (scene.worktree / "new.txt").exists(), "what the role may, it can"
        assert not (scene.worktree / "by-bash").exists(), scene.story()
        assert (scene.worktree / "README.md").read_text() == "# Sample\n"
        assert not (scene.worktree / ".claude" / "settings.json").exists(), "the fence stands as ever"
        assert [it.target for it in scene.all(Denied)][-1].endswith("settings.json"), scene.story()
        assert [marker.note for marker in scene.markers()] == ["read it"]


@pytest.mark.e2e
async def test_a_role_can_take_tools_away(stage: Stages) -> None:
    fewer = REVIEWER.model_copy(update={"tools": None, "without": ("Bash", "Task")})
    async with stage(uses(("mcp__workbench__done", {"note": "so"}))) as scene:
        await scene.turn(plays=fewer)
        (tools, *_) = (set(it.tools) for it in scene.rehearsal.requests if not it.side)
        assert {"Read", "Edit", "Write", *TOOL_NAMES} <= tools
        assert not tools & {"Bash", "Task", "Agent"}


@pytest.mark.e2e
async def test_a_role_without_tools_can_still_report(stage: Stages) -> None:
    async with stage(uses(("mcp__workbench__done", {"note": "so"}))) as scene:
        await scene.turn(plays=REVIEWER.model_copy(update={"tools": ()}))
        (tools, *_) = (set(it.tools) for it in scene.rehearsal.requests if not it.side)
        assert tools == set(TOOL_NAMES)
        assert [marker.note for marker in scene.markers()] == ["so"]


@pytest.mark.e2e
async def test_without_a_role_nothing_is_added_and_nothing_is_missing(stage: Stages) -> None:
    async with stage(uses(("mcp__workbench__done", {"note": "so"}))) as scene:
        await scene.turn()
        (first, *_) = (it for it in scene.rehearsal.requests if not it.side)
        assert {"Bash", "Read", "Edit", "Write"} <= set(first.tools)
        assert "Your role" not in first.system


def test_a_tool_of_two_names_is_given_and_taken_under_both() -> None:
    assert only(Role(name="a", tools=("Task",))) == frozenset({"Task", "Agent"})
    assert without(Role(name="a", without=("Agent",))) == {"Task", "Agent"}
    assert only(Role(name="a", tools=("Read", "Agent"), without=("Task",))) == frozenset({"Read"})
    assert only(None) is None and not without(None)


def test_a_role_without_a_text_gives_its_description() -> None:
    assert "Reads." in system_prompt(Role(name="a", description="Reads."))["append"]
    assert "append" not in system_prompt(Role(name="a")) and "append" not in system_prompt(None)
