"""Asking a rehearsal as any client would, over a plain socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Answered:
    """An HTTP answer: ``body`` as it came, chunks joined; ``whole`` is False when it broke off."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for block in self.body.decode().split("\n\n"):
            if block:
                name, data = block.split("\n")
                found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return found


Ask = Callable[..., Awaitable[Answered]]


async def _ask(
    url: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answered:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        lines = {"Host": host, "Content-Length": str(len(data)), "Connection": "close", **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + data)
        await writer.drain()
        raw = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    return _answered(raw)


def _answered(raw: bytes) -> Answered:
    head, _, rest = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
    status = int(first.split()[1]) if first else 0
    if headers.get("transfer-encoding") != "chunked":
        return Answered(status, headers, rest, whole=bool(first))
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return Answered(status, headers, body, whole=True)
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return Answered(status, headers, body, whole=False)


@pytest.fixture
def ask() -> Ask:
    """``await ask(url, method, path, body, headers)``: one request on a connection of its own."""
    return _ask
