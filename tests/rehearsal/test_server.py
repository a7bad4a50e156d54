"""The scripted Messages API, asked by a plain client."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest

from workbench.rehearsal.script import load
from workbench.rehearsal.server import Asked, headers_env, serve

TOOLS = [{"name": "Bash"}]
PATH = "/v1/messages?beta=true"


def request(text: str = "go", **more: Any) -> dict[str, Any]:
    return {"model": "m", "tools": TOOLS, "messages": [{"role": "user", "content": text}], **more}


async def test_a_stream_is_framed_as_the_api_does(ask: Any) -> None:
    long = "ä" * 1000
    script = load(json.dumps({"default": [{"say": "hi"}, {"use": {"tool": "Bash", "input": {"c": long}}}]}))
    async with serve(script) as rehearsal:
        answered = await ask(rehearsal.url, "POST", PATH, request(stream=True))
    assert answered.status == 200 and answered.whole
    assert answered.headers["content-type"].startswith("text/event-stream")
    events = answered.events
    assert all(name == data["type"] for name, data in events)
    assert [name for name, _ in events[:5]] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    ]
    assert events[0][1]["message"]["content"] == []
    tool = [data for _, data in events if data.get("index") == 1]
    assert tool[0]["content_block"]["input"] == {}
    parts = [data["delta"]["partial_json"] for data in tool if data["type"] == "content_block_delta"]
    assert len(parts) > 1 and json.loads("".join(parts)) == {"c": long}
    assert events[-2][1]["delta"]["stop_reason"] == "tool_use"
    assert events[-2][1]["usage"]["output_tokens"] > 0
    assert events[-1][0] == "message_stop"


async def test_without_stream_the_answer_is_one_object_with_its_own_id(ask: Any) -> None:
    async with serve(load("default: [{say: hi}]")) as rehearsal:
        answers = [(await ask(rehearsal.url, "POST", PATH, request())).json for _ in range(2)]
    assert answers[0]["content"] == [{"type": "text", "text": "hi"}]
    assert answers[0]["stop_reason"] == "end_turn"
    assert answers[0]["id"] != answers[1]["id"]
    assert answers[0]["usage"]["input_tokens"] > 0


async def test_usage_can_be_left_out(ask: Any) -> None:
    async with serve(load("usage: none\ndefault: [{say: hi}]")) as rehearsal:
        answer = (await ask(rehearsal.url, "POST", PATH, request())).json
    assert set(answer["usage"].values()) == {0}


async def test_other_requests(ask: Any) -> None:
    async with serve(load("default: [{say: scripted}]")) as rehearsal:
        assert (await ask(rehearsal.url, "HEAD", "/")).status == 200
        counted = await ask(rehearsal.url, "POST", "/v1/messages/count_tokens?beta=true", request())
        assert counted.json["input_tokens"] > 0
        for method, path in (("GET", "/v1/models"), ("POST", "/api/event_logging/batch"), ("GET", PATH)):
            unknown = await ask(rehearsal.url, method, path)
            assert (unknown.status, unknown.json["error"]["type"]) == (404, "not_found_error")
        for body in (b"{", b"[]", b"{}", b"\xff"):
            assert (await ask(rehearsal.url, "POST", PATH, body)).status == 400
        title = (await ask(rehearsal.url, "POST", PATH, request(tools=[]))).json
        assert title["content"][0]["text"] == "Rehearsal"
        form = {"format": {"type": "json_schema", "schema": {"properties": {"title": {"type": "string"}}}}}
        title = (await ask(rehearsal.url, "POST", PATH, request(tools=None, output_config=form))).json
        assert json.loads(title["content"][0]["text"]) == {"title": "Rehearsal"}
        assert [asked.side for asked in rehearsal.requests] == [True, True]


async def test_the_headers_say_who_asks(ask: Any) -> None:
    env = headers_env(task="b", attempt=2, teammate="ada", worktree="/tmp/a ü\n/x")
    headers = dict(line.split(": ", 1) for line in env["ANTHROPIC_CUSTOM_HEADERS"].split("\n"))
    assert set(headers) == {f"X-Workbench-{name}" for name in ("Task", "Attempt", "Teammate", "Worktree")}
    script = load(
        'tasks: {b: {attempts: [[{say: no}], [{say: "{{teammate}} in {{worktree}}"}]]}}'.replace("no", "one")
    )
    seen: list[Asked] = []
    async with serve(script, log=seen.append) as rehearsal:
        answer = (await ask(rehearsal.url, "POST", PATH, request("brief"), headers)).json
        assert list(rehearsal.requests) == seen
    assert answer["content"][0]["text"] == "ada in /tmp/a ü\n/x"
    (asked,) = seen
    assert (asked.task, asked.attempt, asked.teammate, asked.messages) == ("b", 2, "ada", 1)
    assert asked.heard.told == ("brief",) and asked.tools == ("Bash",)


async def test_faults_are_had_as_often_as_scripted_for_each_attempt(ask: Any) -> None:
    script = load(
        "default: [{fault: {status: 529, times: 2, retry_after: 7}}, {fault: {status: 401}}, {say: ok}]"
    )
    async with serve(script) as rehearsal:
        for attempt in ("1", "2"):
            who = {"X-Workbench-Attempt": attempt}
            got = [await ask(rehearsal.url, "POST", PATH, request(), who) for _ in range(4)]
            assert [answer.status for answer in got] == [529, 529, 401, 200]
            assert got[0].headers["retry-after"] == "7"
            assert got[0].json["error"]["type"] == "overloaded_error"
            assert got[2].json["error"]["type"] == "authentication_error"


async def test_a_stream_can_be_cut_and_garbled(ask: Any, capfd: pytest.CaptureFixture[str]) -> None:
    async with serve(load("default: [{fault: cut}, {fault: garbage}, {say: ok}]")) as rehearsal:
        cut, garbage, fine = [await ask(rehearsal.url, "POST", PATH, request(stream=True)) for _ in range(3)]
    assert not cut.whole and cut.events[0][0] == "message_start" and cut.events[-1][0] != "message_stop"
    assert not garbage.whole and b"\xff" in garbage.body
    assert fine.whole
    assert capfd.readouterr().err == ""


async def test_a_stream_can_trickle_and_an_answer_be_refused(ask: Any) -> None:
    async with serve(load("default: [{fault: trickle}, {fault: refusal}, {say: ok}]")) as rehearsal:
        slow, refused, fine = [await ask(rehearsal.url, "POST", PATH, request(stream=True)) for _ in range(3)]
    assert slow.whole and [kind for kind, _ in slow.events] == [kind for kind, _ in fine.events]
    kinds = [kind for kind, _ in refused.events]
    assert refused.whole and "content_block_start" not in kinds
    assert refused.events[-2][1]["delta"]["stop_reason"] == "refusal"


async def test_a_usage_limit_says_when_it_is_lifted(ask: Any) -> None:
    script = load("account: subscription\ndefault: [{fault: {limit: 90}}, {say: ok}]")
    async with serve(script) as rehearsal:
        limited, fine = [await ask(rehearsal.url, "POST", PATH, request()) for _ in range(2)]
        assert rehearsal.env()["CLAUDE_CODE_OAUTH_TOKEN"] and not rehearsal.env()["ANTHROPIC_API_KEY"]
    assert (limited.status, fine.status) == (429, 200)
    assert limited.headers["anthropic-ratelimit-unified-status"] == "rejected"
    assert 80 < int(limited.headers["anthropic-ratelimit-unified-reset"]) - time.time() <= 90


async def test_silence_lasts_until_the_client_leaves_or_the_rehearsal_closes(ask: Any) -> None:
    async with asyncio.TaskGroup() as group:
        async with serve(load("default: [{fault: {kind: silence, times: 2}}, {say: ok}]")) as rehearsal:
            impatient = group.create_task(ask(rehearsal.url, "POST", PATH, request()))
            await rehearsal.wait_for(lambda asked: True, 5)
            impatient.cancel()
            patient = group.create_task(ask(rehearsal.url, "POST", PATH, request("two")))
            await rehearsal.wait_for(lambda asked: asked.heard.told == ("two",), 5)
            assert not patient.done()
        async with asyncio.timeout(5):
            assert (await patient).status in (0, 500)


async def test_thinking_takes_its_time_and_ends_with_the_rehearsal(ask: Any) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        async with serve(
            load("default: [{wait: 0.2}, {say: a}]\ntasks: {slow: [{wait: 600}, {say: b}]}")
        ) as rehearsal:
            await ask(rehearsal.url, "POST", PATH, request())
            assert loop.time() - began >= 0.2
            slow = group.create_task(
                ask(rehearsal.url, "POST", PATH, request(), {"X-Workbench-Task": "slow"})
            )
            await rehearsal.wait_for(lambda asked: asked.task == "slow", 5)
        assert (await slow).json["content"][0]["text"] == "b"
    assert loop.time() - began < 60


async def test_waiting_for_a_request(ask: Any) -> None:
    async with serve(load("default: [{say: a}]")) as rehearsal, asyncio.TaskGroup() as group:
        waiting = group.create_task(rehearsal.wait_for(lambda asked: asked.task == "b", 5))
        await ask(rehearsal.url, "POST", PATH, request(), {"X-Workbench-Task": "a"})
        assert not waiting.done()
        await ask(rehearsal.url, "POST", PATH, request(), {"X-Workbench-Task": "b"})
        assert (await waiting).task == "b"
        assert (await rehearsal.wait_for(lambda asked: asked.task == "a", 5)).task == "a"
        with pytest.raises(TimeoutError):
            await rehearsal.wait_for(lambda asked: asked.task == "c", 0.01)


async def test_it_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(KeyError, match="mine"):
        async with serve(load("default: []")) as rehearsal:
            url = rehearsal.url
            folder = rehearsal.env()["CLAUDE_CONFIG_DIR"]
            raise KeyError("mine")
    assert asyncio.all_tasks() == before
    host, port = url.removeprefix("http://").split(":")
    assert host == "127.0.0.1"
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect((host, int(port)))
    from pathlib import Path

    assert not Path(folder).exists()


async def test_cancelling_its_user_ends_it() -> None:
    started = asyncio.Event()

    async def use() -> None:
        async with serve(load("default: []")):
            started.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(use())
        await started.wait()
        task.cancel()
    assert task.cancelled()


async def test_its_environment_leads_nowhere_else(tmp_path: Any) -> None:
    async with serve(load("default: []"), config_dir=tmp_path) as rehearsal:
        env = rehearsal.env()
    assert env["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
    assert env["CLAUDE_CONFIG_DIR"] == str(tmp_path) and tmp_path.exists()
    assert env["CLAUDE_CODE_USE_BEDROCK"] == "" and env["HTTPS_PROXY"] == ""
