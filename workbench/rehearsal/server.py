"""A scripted Messages API on loopback, for the real Claude Code: no key, no network, no cost.

    async with serve(load(text)) as rehearsal:
        who = headers_env(task="auth", attempt=1, teammate="ada", worktree=path)
        options.env = {**rehearsal.env(), **who}

What Claude Code does with the answers (its tools, permissions, hooks, sessions, retries) is real; only
the model is scripted. Needs starlette and uvicorn, imported when a server starts.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from workbench.rehearsal import faults, wire
from workbench.rehearsal.play import Answer, Facts, Heard, hear, reply
from workbench.rehearsal.script import Fault, Script

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

REMEMBERED = 5_000
"""How many requests ``Rehearsal.requests`` keeps."""

_HEADER = "x-workbench-"

# Settings that would send Claude Code elsewhere, past the loopback address.
_ELSEWHERE = (
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)


def headers_env(*, task: str, attempt: int, teammate: str, worktree: str | Path) -> dict[str, str]:
    """The environment by which Claude Code tells the rehearsal, in every request, who is asking."""
    facts = {"Task": task, "Attempt": str(attempt), "Teammate": teammate, "Worktree": str(worktree)}
    # Quoted: a header holds no line break and nothing beyond ASCII, but a path may.
    lines = [f"X-Workbench-{name}: {quote(value, safe='/')}" for name, value in facts.items()]
    return {"ANTHROPIC_CUSTOM_HEADERS": "\n".join(lines)}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for an answer, as it came in.

    ``at`` is ``time.monotonic()`` at arrival, ``messages`` how many the conversation holds, ``heard``
    what is new in it, ``tools`` the names of the tools that the model could use. ``side`` marks a
    request outside the session proper, such as one for a title. ``stream`` says how the answer is wanted,
    ``model`` of which model; ``system`` is the system prompt.
    """

    at: float
    task: str
    attempt: int
    teammate: str
    messages: int
    heard: Heard
    tools: tuple[str, ...]
    side: bool
    stream: bool
    model: str = ""
    system: str = ""


_SIGNED_IN = {
    "key": {"ANTHROPIC_API_KEY": "rehearsal"},
    "subscription": {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-rehearsal"},
}


class Rehearsal:
    """A rehearsal that is being served."""

    def __init__(
        self, script: Script, url: str, config_dir: Path, log: Callable[[Asked], None] | None
    ) -> None:
        self.script = script
        self.url = url
        """Where it listens: http://127.0.0.1:PORT."""
        self.requests: deque[Asked] = deque(maxlen=REMEMBERED)
        """What was asked, oldest first; the latest REMEMBERED of them."""
        self._config_dir = config_dir
        self._log = log
        self._waiting: list[tuple[Callable[[Asked], bool], asyncio.Future[Asked]]] = []
        self._had: Counter[tuple[Any, ...]] = Counter()
        self._closing = asyncio.Event()

    def env(self) -> dict[str, str]:
        """What Claude Code needs in its environment to ask this rehearsal and nobody else."""
        return {
            **dict.fromkeys(_ELSEWHERE, ""),
            "ANTHROPIC_BASE_URL": self.url,
            **_SIGNED_IN[self.script.account],
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CONFIG_DIR": str(self._config_dir),
            "DISABLE_AUTOUPDATER": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    async def wait_for(self, predicate: Callable[[Asked], bool], timeout: float) -> Asked:
        """The first request, past or to come, that ``predicate`` likes; TimeoutError after seconds."""
        for asked in self.requests:
            if predicate(asked):
                return asked
        future: asyncio.Future[Asked] = asyncio.get_running_loop().create_future()
        waiting = (predicate, future)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout):
                return await future
        finally:
            self._waiting.remove(waiting)

    def close(self) -> None:
        """Let requests that are still thinking, or silent, end now."""
        self._closing.set()

    def arrived(self, asked: Asked) -> None:
        """Take note of a request and wake whoever waits for one like it."""
        self.requests.append(asked)
        if self._log is not None:
            self._log(asked)
        for predicate, future in self._waiting:
            if not future.done() and predicate(asked):
                future.set_result(asked)

    def due(self, facts: Facts, answer: Answer) -> Fault | None:
        """The fault to give instead of ``answer``, if one is still to be had; counts it."""
        for due in answer.faults:
            key = (facts.task, facts.attempt, *due.key)
            if self._had[key] < due.fault.times:
                self._had[key] += 1
                return due.fault
        return None

    async def pause(self, seconds: float | None) -> None:
        """Think for ``seconds`` (None: for ever), or until the rehearsal closes."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


@asynccontextmanager
async def serve(
    script: Script, *, log: Callable[[Asked], None] | None = None, config_dir: Path | None = None
) -> AsyncIterator[Rehearsal]:
    """Serve ``script`` on a loopback port of the system's choice for as long as the context lasts.

    ``log`` is called with every request. ``config_dir`` is where Claude Code keeps its sessions; without
    one they go with the server. Runs in the running loop and leaves signals alone; on the way out,
    requests still open are ended and the port is closed.
    """
    # A session that is still being killed may write into its directory while it goes.
    temporary = tempfile.TemporaryDirectory(prefix="workbench-rehearsal-", ignore_cleanup_errors=True)
    with temporary as own, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        rehearsal = Rehearsal(script, url, config_dir or Path(own), log)
        async with _listening(rehearsal, listener):
            yield rehearsal


@asynccontextmanager
async def _listening(rehearsal: Rehearsal, listener: socket.socket) -> AsyncIterator[None]:
    import uvicorn

    class Server(uvicorn.Server):
        """uvicorn as a guest: no signal handlers, and a word when it is ready."""

        ready = asyncio.Event()

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self.ready.set()

    server = Server(
        uvicorn.Config(
            _app(rehearsal),
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level=logging.CRITICAL,  # a stream that is cut on purpose is no news
            timeout_keep_alive=600,  # Claude Code keeps its connections; closing one under it costs a retry
            timeout_graceful_shutdown=2,
        )
    )
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listener]), name="rehearsal")
        try:
            await server.ready.wait()
            yield
        except BaseException as error:  # noqa: BLE001 - raised below, outside the group that would wrap it
            failure = error
        rehearsal.close()
        server.should_exit = True
    if failure is not None:
        raise failure


def _app(rehearsal: Rehearsal) -> Starlette:
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def messages(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except ValueError:
            return JSONResponse(wire.error(400, "The body is not JSON"), 400)
        if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
            return JSONResponse(wire.error(400, "messages: Field required"), 400)
        return await _respond(rehearsal, request.headers, body)

    async def count(request: Request) -> Response:
        return JSONResponse({"input_tokens": wire.tokens(await request.json())})

    async def root(_: Request) -> Response:
        return Response(status_code=200)

    async def unknown(request: Request, _: Exception) -> Response:
        return JSONResponse(wire.error(404, f"Not found: {request.url.path}"), 404)

    return Starlette(
        routes=[
            Route("/", root, methods=["GET"]),
            Route("/v1/messages", messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", count, methods=["POST"]),
        ],
        exception_handlers={404: unknown, 405: unknown},
    )


async def _respond(rehearsal: Rehearsal, headers: Mapping[str, str], body: dict[str, Any]) -> Response:
    from starlette.responses import JSONResponse, StreamingResponse

    facts = _facts(headers)
    side = not body.get("tools")
    rehearsal.arrived(_asked(facts, body, side))
    answer = _aside(body) if side else reply(rehearsal.script, facts, body["messages"])
    fault = rehearsal.due(facts, answer)
    await rehearsal.pause(answer.seconds)
    if fault is not None and fault.kind == "status":
        extra = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
        return JSONResponse(wire.error(fault.status), fault.status, headers=extra)
    if fault is not None and fault.kind == "limit":
        return JSONResponse(wire.error(429), 429, headers=faults.limit_headers(fault.limit))
    whole = wire.message(body, answer, rehearsal.script.usage == "estimated")
    if fault is not None and fault.kind == "refusal":
        whole = faults.refused(whole)
    elif fault is not None:
        return faults.broken(fault, whole, rehearsal.pause)
    if not body.get("stream"):
        return JSONResponse(whole)
    return StreamingResponse(_each(whole), media_type="text/event-stream")


async def _each(whole: Mapping[str, Any]) -> AsyncIterator[bytes]:
    for part in wire.stream(whole):
        yield part


def _facts(headers: Mapping[str, str]) -> Facts:
    def header(name: str) -> str:
        return unquote(headers.get(_HEADER + name, ""))

    attempt = header("attempt")
    return Facts(
        task=header("task"),
        attempt=int(attempt) if attempt.isdecimal() else 1,
        teammate=header("teammate"),
        worktree=header("worktree"),
    )


def _asked(facts: Facts, body: Mapping[str, Any], side: bool) -> Asked:
    return Asked(
        at=time.monotonic(),
        task=facts.task,
        attempt=facts.attempt,
        teammate=facts.teammate,
        messages=len(body["messages"]),
        heard=hear(body["messages"])[-1],
        tools=tuple(str(tool.get("name")) for tool in body.get("tools") or []),
        side=side,
        stream=bool(body.get("stream")),
        model=str(body.get("model", "")),
        system=sys.intern(_system(body.get("system"))),  # each session asks with the same one
    )


def _system(given: Any) -> str:
    """A system prompt as text, whether it came whole or in parts."""
    parts = given if isinstance(given, list) else [given]
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return "\n".join(str(text) for text in texts if text)


def _aside(body: Mapping[str, Any]) -> Answer:
    """A short answer to a request outside the session: a title, a summary."""
    form = (body.get("output_config") or {}).get("format") or {}
    names = (form.get("schema") or {}).get("properties")
    return Answer((json.dumps(dict.fromkeys(names, "Rehearsal")) if names else "Rehearsal",))
