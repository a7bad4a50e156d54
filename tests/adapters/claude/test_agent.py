"""A Claude Code teammate from brief to end: the real program, a scripted model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.adapters.claude.conftest import uses
from workbench.core.models import MarkerKind
from workbench.engine.ports import Acted, Ended, Heard, Letter, Retried, Said, Started

pytestmark = pytest.mark.e2e
Stages = Callable[..., Any]


async def test_a_task_is_worked_on_and_reported(stage: Stages) -> None:
    script = uses(
        ("Write", {"file_path": "{{worktree}}/new.txt", "content": "hello\n"}),
        ("mcp__workbench__progress", {"percent": 50, "note": "half", "confidence": 0.8}),
        (
            "Bash",
            {"command": 'x=1; echo "$x" && git add -A && git commit -q -m "work $x" && git log --oneline'},
        ),
        ("mcp__workbench__done", {"note": "added new.txt"}),
    )
    async with stage(script) as scene, scene.working():
        ended = await scene.heard(Ended)
        assert ended.live and not ended.error, scene.story()
        started = scene.all(Started)
        assert len(started) == 1 and started[0].session == ended.session
        assert psutil.pid_exists(started[0].pid or -1)
        assert [acted.tool for acted in scene.all(Acted)] == [
            "Write",
            "mcp__workbench__progress",
            "Bash",
            "mcp__workbench__done",
        ]
        assert [said.text for said in scene.all(Said)] == ["That was it."]
        assert (scene.worktree / "new.txt").read_text() == "hello\n"
        assert not (await _status(scene.worktree)), "everything was committed"
        progress, done = scene.markers()
        assert (progress.kind, progress.percent, progress.confidence) == (MarkerKind.PROGRESS, 50, 0.8)
        assert (done.kind, done.note) == (MarkerKind.DONE, "added new.txt")
        assert ended.usage.turns == 5 and ended.usage.cost_usd > 0 and ended.usage.input_tokens > 0


async def _status(worktree: Any) -> str:
    process = await asyncio.create_subprocess_exec(
        "git", "status", "--porcelain", cwd=worktree, stdout=asyncio.subprocess.PIPE
    )
    return (await process.communicate())[0].decode()


async def test_text_reaches_the_model_in_the_middle_of_a_turn(stage: Stages) -> None:
    steps = [{"use": {"tool": "Bash", "input": {"command": "sleep 0.05"}}}] * 60
    answer = [{"use": {"tool": "mcp__workbench__remember", "input": {"note": "milk it is"}}}, {"end": True}]
    script = {"tasks": {"t": {"steps": steps, "on_told": [{"match": "bring milk", "steps": answer}]}}}
    async with stage(json.dumps(script)) as scene, scene.working():
        await scene.heard(Acted)
        scene.inbox.put_nowait(Letter("Please bring milk."))
        ended = await scene.heard(Ended)
        assert [marker.note for marker in scene.markers()] == ["milk it is"], scene.story()
        assert ended.usage.turns < 60, "the text was answered within the turn"


async def test_a_live_session_goes_on_and_its_usage_adds_up(stage: Stages) -> None:
    script = """
tasks: {t: {steps: [{say: one, end: true}, {say: two, end: true}, {say: three, end: true}]}}
"""
    async with stage(script) as scene, scene.working():
        first = await scene.heard(Ended)
        scene.inbox.put_nowait(Letter("Go on."))
        second = await scene.heard(Ended, n=2)
        assert second.live and second.usage.turns == 2 and first.usage.turns == 1
        assert second.usage.cost_usd > first.usage.cost_usd
        assert second.usage.input_tokens > first.usage.input_tokens
        assert second.session == first.session


async def test_texts_that_make_several_turns_end_once(stage: Stages) -> None:
    """A text that comes too late for a turn begins another; only the end of the last is an end."""
    script = """
tasks: {t: {steps: [{say: one, end: true}, {say: two, end: true}, {say: three, end: true}]}}
"""
    async with stage(script) as scene, scene.working():
        await scene.heard(Ended)
        scene.inbox.put_nowait(Letter("A message."))
        scene.inbox.put_nowait(Letter("The gate is red."))
        ended = await scene.heard(Ended, n=2)
        assert ended.usage.turns == 3, scene.story()
        assert [said.text for said in scene.all(Said)] == ["one", "two", "three"]


async def test_a_text_that_waits_with_the_brief_is_taken_up_with_it(stage: Stages) -> None:
    """Both come back as one message; the turn's end is reported at once, not when patience runs out."""
    async with stage("tasks: {t: {steps: [{say: one, end: true}, {say: two, end: true}]}}") as scene:
        scene.inbox.put_nowait(Letter("Bob says hello."))
        async with scene.working():
            ended = await scene.heard(Ended)
            rest = [asked for asked in scene.rehearsal.requests if not asked.side]
            told = "".join(text for asked in rest for text in asked.heard.told)
            assert ended.live and "Bob says hello." in told, scene.story()


async def test_the_marker_tools_are_among_the_models_tools(stage: Stages) -> None:
    async with stage("default: [{say: hello, end: true}]") as scene:
        await scene.turn()
        offered = {tool for asked in scene.rehearsal.requests for tool in asked.tools}
        kinds = ("progress", "done", "blocked", "question", "message", "answer", "plan", "remember", "recall")
        assert {f"mcp__workbench__{kind}" for kind in kinds} <= offered


async def test_an_interrupted_session_is_taken_up_again(stage: Stages) -> None:
    script = """
tasks:
  t:
    steps:
      - use: {tool: Write, input: {file_path: "{{worktree}}/half.txt", content: half}}
      - use: {tool: Bash, input: {command: "until [ -e never ]; do sleep 0.05; done"}}
      - {say: "Where was I?", end: true}
    on_told: [{match: Go on, steps: [{say: "With pleasure.", end: true}]}]
"""
    async with stage(script) as scene:
        async with scene.working():
            await scene.heard(Acted, lambda acted: acted.tool == "Bash")
        started = scene.all(Started)[0]
        scene.reports.clear()
        async with scene.working(session=started.session, brief="Go on."):
            ended = await scene.heard(Ended)
        assert ended.live and ended.session == started.session, scene.story()
        assert [said.text for said in scene.all(Said)] == ["With pleasure."], scene.story()
        assert scene.rehearsal.requests[-1].messages >= 5, "the model sees what went before"
        assert ended.usage.turns == 1


async def test_usage_and_budget_of_a_continued_session_count_only_what_is_new(stage: Stages) -> None:
    script = "tasks: {t: {steps: [{say: one, end: true}, {say: two, end: true}]}}"
    async with stage(script) as scene:
        first = await scene.turn()
        scene.reports.clear()
        second = await scene.turn(session=first.session, brief="Go on.", budget_usd=first.usage.cost_usd)
        assert second.live, scene.story()
        assert second.usage.turns == 1
        assert second.usage.output_tokens <= first.usage.output_tokens + 5
        assert 0 < second.usage.cost_usd < first.usage.cost_usd * 0.9, "it shares the first one's cache"


async def test_the_budget_of_a_continued_session_holds(stage: Stages) -> None:
    uses = ["{use: {tool: Bash, input: {command: 'true'}}}"] * 60
    script = f"tasks: {{t: {{steps: [{{say: one, end: true}}, {', '.join(uses)}]}}}}"
    async with stage(script) as scene:
        first = await scene.turn()
        scene.reports.clear()
        budget = first.usage.cost_usd / 2
        second = await scene.turn(session=first.session, brief="Go on.", budget_usd=budget)
        assert not second.live and "budget" in second.error, scene.story()
        assert budget <= second.usage.cost_usd < 1.5 * budget
        assert second.usage.turns > 1, "what was used before does not count"


async def test_a_lost_session_is_begun_afresh_and_told_so(stage: Stages) -> None:
    script = "tasks: {t: {steps: [{say: 'I see.', end: true}]}}"
    async with stage(script) as scene:
        ended = await scene.turn(session="11111111-2222-4333-8444-555555555555")
        assert ended.live and ended.session != "11111111-2222-4333-8444-555555555555"
        assert "was interrupted" in scene.results() and "Do the task." in scene.results()
        assert len(scene.all(Started)) == 1


async def test_a_refused_login_ends_the_session_soon_with_a_way_out(stage: Stages) -> None:
    script = "tasks: {t: {steps: [{fault: {status: 401, times: 99}}, {say: x}]}}"
    async with stage(script) as scene, scene.working() as work:
        ended = await scene.heard(Ended)
        await asyncio.wait_for(work, 20)
        assert ended.login and not ended.live and "/login" in ended.error
        assert 2 <= len(scene.all(Retried)) <= 4
        assert "rehearsal" not in ended.error.replace("a rehearsal", ""), "the key is not repeated"


async def test_no_login_at_all_is_said_at_once(stage: Stages) -> None:
    async with stage("{}", env={"ANTHROPIC_API_KEY": ""}) as scene:
        ended = await scene.turn()
        assert ended.login and not ended.live and "ANTHROPIC_API_KEY" in ended.error


async def test_an_overloaded_api_is_reported_while_claude_retries(stage: Stages) -> None:
    script = "tasks: {t: {steps: [{fault: {status: 529, times: 1}}, {say: at last, end: true}]}}"
    async with stage(script) as scene:
        ended = await scene.turn()
        assert ended.live
        (retry,) = scene.all(Retried)
        assert retry.status == 529 and retry.delay_seconds > 0


async def test_a_crash_is_reported_with_its_exit_code(stage: Stages) -> None:
    script = uses(("Bash", {"command": "until [ -e never ]; do sleep 0.05; done"}))
    async with stage(script) as scene, scene.working() as work:
        await scene.heard(Acted)
        os.kill(scene.all(Started)[0].pid, signal.SIGKILL)
        ended = await scene.heard(Ended)
        await asyncio.wait_for(work, 20)
        assert not ended.live and ended.exit_code == -signal.SIGKILL and "signal 9" in ended.error


async def test_a_spent_budget_is_named(stage: Stages) -> None:
    script = uses(*[("Bash", {"command": "true"})] * 5)
    async with stage(script) as scene:
        ended = await scene.turn(budget_usd=0.0001)
        assert not ended.live and not ended.login and "budget" in ended.error and "$0.00" in ended.error


async def test_cancelling_ends_background_processes_too(stage: Stages) -> None:
    script = uses(
        ("Bash", {"command": "setsid sleep 1234 >/dev/null 2>&1 & echo started"}),
        ("Bash", {"command": "sleep 1235", "run_in_background": True}),
    )
    # Without the sandbox, whose own walls would end them.
    async with stage(script, sandbox="off") as scene, scene.working():
        await scene.heard(Ended)
        async with asyncio.timeout(30):  # a shell says that it started something before that runs
            while len(mine := [p for p in psutil.process_iter() if _sleeps(p, scene.worktree)]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    assert not [p for p in mine if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def _sleeps(process: psutil.Process, worktree: Any) -> bool:
    try:
        return process.name() == "sleep" and process.cwd() == str(worktree)
    except psutil.Error:
        return False


async def test_cancelling_twice_is_no_way_to_leave_it_running(stage: Stages) -> None:
    script = uses(("Bash", {"command": "until [ -e never ]; do sleep 0.05; done"}))
    async with stage(script) as scene, scene.working() as work:
        await scene.heard(Acted)
        work.cancel()
        await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait({work}, timeout=20)
        assert work.cancelled()


@pytest.mark.parametrize("when", [0.0, 0.05, 0.2, 0.4])
async def test_cancelling_during_the_start_leaves_nothing(stage: Stages, when: float) -> None:
    async with stage("{}") as scene, scene.working():
        await asyncio.sleep(when)


async def test_a_missing_program_is_explained(stage: Stages) -> None:
    async with stage("{}", claude="/nowhere/claude") as scene:
        ended = await scene.turn()
        assert not ended.live and "/nowhere/claude" in ended.error and not scene.all(Started)


async def test_a_program_that_is_not_claude_is_explained(stage: Stages, tmp_path: Any) -> None:
    fake = tmp_path / "claude"
    fake.write_text("#!/bin/sh\necho 'rehearsal? no such thing' >&2\nexit 3\n")
    fake.chmod(0o755)
    async with stage("{}", claude=str(fake)) as scene:
        ended = await scene.turn()
        assert not ended.live and "no such thing" in ended.error


async def test_a_message_is_heard_once_by_a_session_whatever_dies_in_between(stage: Stages) -> None:
    """Mid-turn it is acknowledged; a session that goes on is not told again what its transcript has, even if
    nobody heard of the acknowledgement, and is told what it has not."""
    script = """
tasks:
  t:
    steps:
      - use: {tool: Bash, input: {command: "until [ -e go ]; do sleep 0.05; done"}}
      - use: {tool: Bash, input: {command: "until [ -e never ]; do sleep 0.05; done"}}
      - {say: "over", end: true}
    on_told: [{match: Go on, steps: [{say: "With pleasure.", end: true}]}]
"""
    first, second = Letter("ada says: the first thing", ("m1",)), Letter("ada says: the second", ("m2",))
    async with stage(script) as scene:
        async with scene.working(messages=("m0",)):
            started = await scene.heard(Started)
            await scene.heard(Heard, lambda it: it.messages == ("m0",))
            await scene.heard(Acted)
            scene.inbox.put_nowait(first)
            (scene.worktree / "go").touch()
            await scene.heard(Heard, lambda it: it.messages == ("m1",))
            await scene.heard(Acted, n=2)
        for letter in (first, second):
            scene.inbox.put_nowait(letter)
        async with scene.working(session=started.session, brief="Go on."):
            await scene.heard(Heard, lambda it: it.messages == ("m2",))
            await scene.heard(Ended)
        told = [text for asked in scene.rehearsal.requests if not asked.side for text in asked.heard.told]
        assert [it.messages for it in scene.all(Heard)] == [("m0",), ("m1",), ("m1",), ("m2",)]
        assert sum("the first thing" in text for text in told) == 1, told
        assert sum("the second" in text for text in told) == 1, told
