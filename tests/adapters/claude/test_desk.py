"""What a lead may touch, and what its tools make of what a model gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.adapters.agents.claude.desk import _TOOLS, LEAD_TOOLS, _asking
from workbench.adapters.agents.claude.lead import Study
from workbench.core.requests import Answer, Escalate, Request, RequestShutdown, Write
from workbench.engine.ports import Desk, Outcome


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "place").mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "place" / "link").symlink_to(tmp_path / "secret.txt")
    return Study(tmp_path / "place", tmp_path, sandboxed=False)


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Read", {"file_path": "src/a.py"}),
        ("Grep", {"pattern": "/etc/.*|\\.\\./", "path": "src"}),
        ("Glob", {"pattern": "**/*.py"}),
        ("mcp__workbench__answer", {"text": "x"}),
    ],
)
def test_it_reads_its_checkout_and_uses_its_tools(study: Study, tool: str, given: dict[str, Any]) -> None:
    assert study.refuses(tool, given) is None


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Write", {"file_path": "a.py"}),
        ("Edit", {"file_path": "a.py"}),
        ("Bash", {"command": "ls"}),
        ("Task", {"prompt": "x"}),
        ("WebSearch", {"query": "x"}),
        ("WebFetch", {"url": "https://example.org"}),
        ("mcp__workbench__done", {"note": "x"}),
        ("mcp__other__answer", {}),
        ("", {}),
        ("Read", {"file_path": "../secret.txt"}),
        ("Read", {"file_path": "link"}),
        ("Read", {"file_path": "/etc/passwd"}),
        ("Read", {"file_path": "~/secret.txt"}),
        ("Grep", {"pattern": "x", "path": ".."}),
        ("Glob", {"pattern": "../*"}),
        ("Glob", {"pattern": "/etc/*"}),
        ("Glob", {"pattern": "*", "path": "/"}),
    ],
)
def test_everything_else_is_refused(study: Study, tool: str, given: dict[str, Any]) -> None:
    assert study.refuses(tool, given) is not None


class Engine:
    """Stands for the engine: takes note of what is asked for."""

    def __init__(self, *waiting: str, outcome: Outcome | None = None) -> None:
        self.asked: list[Request] = []
        self._outcome = outcome or Outcome(message="m9")
        self.desk = Desk(self._ask, lambda: "all is well", lambda: waiting)

    async def _ask(self, request: Request) -> Outcome:
        self.asked.append(request)
        return self._outcome


async def use(engine: Engine, name: str, **given: str) -> tuple[str, bool]:
    answer = await _asking(name, _TOOLS[name], engine.desk).handler(given)
    return answer["content"][0]["text"], answer["is_error"]


async def test_each_tool_is_a_request() -> None:
    engine = Engine("m3")
    assert await use(engine, "answer", text="yes") == ("Sent, as m9.", False)
    await use(engine, "approve_plan", message="m4")
    await use(engine, "reject_plan", message="m4", feedback="smaller")
    await use(engine, "escalate", message="m4", why="money")
    await use(engine, "write", to="ada", text="hello")
    await use(engine, "broadcast", text="hello")
    await use(engine, "request_shutdown", teammate="ada", reason="it goes in circles")
    assert engine.asked == [
        Answer(message="m3", text="yes"),
        Answer(message="m4", decision="yes"),
        Answer(message="m4", decision="no", text="smaller"),
        Escalate(message="m4", why="money"),
        Write(to="ada", text="hello"),
        Write(to="all", text="hello"),
        RequestShutdown(teammate="ada", reason="it goes in circles"),
    ]


async def test_what_makes_no_request_and_what_is_refused_is_said() -> None:
    engine = Engine(outcome=Outcome(refused="Message 'm4' is not there."))
    assert await use(engine, "answer", message="m4", text="x") == ("Message 'm4' is not there.", True)
    assert await use(engine, "answer", text="x") == ("Nothing waits for your answer.", True)
    said, failed = await use(engine, "write", to="", text="x")
    assert failed and "no use of write" in said
    said, failed = await use(engine, "write", text="x")
    assert failed and "'to' is missing" in said
    assert len(engine.asked) == 1


def test_nothing_that_reports_or_works_is_among_its_tools() -> None:
    assert {name.rpartition("__")[2] for name in LEAD_TOOLS} == {
        "answer", "approve_plan", "reject_plan", "escalate", "write", "broadcast", "team_status",
        "discover_teams", "request_shutdown",
    }  # fmt: skip
