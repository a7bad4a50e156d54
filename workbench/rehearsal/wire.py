"""The Messages API as bytes: answers as server-sent events or as one JSON object, and its errors.

Event and field names are the API's own (https://docs.anthropic.com/en/api/messages-streaming).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.rehearsal.play import Answer
from workbench.rehearsal.script import Use

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb: rehearsed tokens are estimates, good for seeing that counting works."""

CHUNK = 400
"""Characters of text or of tool input in one event."""

ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}

WORDS = {
    401: "invalid x-api-key",
    404: "Not found",
    429: "This request would exceed your account's rate limit. Please try again later.",
    500: "Internal server error",
    529: "Overloaded",
}


def error(status: int, message: str = "") -> dict[str, Any]:
    """The body of an HTTP error."""
    kind = ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    words = message or WORDS.get(status, "Error")
    return {"type": "error", "error": {"type": kind, "message": f"{words} (rehearsed)"}}


def tokens(value: Any) -> int:
    """About how many tokens a piece of a request or answer is; at least one."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return max(1, len(text) // CHARACTERS_PER_TOKEN)


def usage(request: Mapping[str, Any], output: int, estimated: bool) -> dict[str, int]:
    """Usage of one answer: what earlier answers already sent counts as read from the cache."""
    count = {
        "input_tokens": 0,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }
    if not estimated:
        return count
    messages = request.get("messages") or []
    spoken = [number for number, message in enumerate(messages) if message.get("role") == "assistant"]
    new = messages[spoken[-1] :] if spoken else messages
    old = messages[: spoken[-1]] if spoken else []
    fixed = tokens(request.get("system") or "") + tokens(request.get("tools") or "")
    count["input_tokens"] = tokens(new)
    count["cache_read_input_tokens"] = fixed + tokens(old) if spoken else 0
    count["cache_creation_input_tokens"] = 0 if spoken else fixed
    count["output_tokens"] = output
    return count


def message(request: Mapping[str, Any], answer: Answer, estimated: bool) -> dict[str, Any]:
    """A whole answer as one object, with ids of its own."""
    content: list[dict[str, Any]] = []
    for block in answer.blocks:
        if isinstance(block, Use):
            name = f"toolu_{uuid.uuid4().hex[:24]}"
            content.append({"type": "tool_use", "id": name, "name": block.tool, "input": block.input})
        else:
            content.append({"type": "text", "text": block})
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": str(request.get("model") or "rehearsal"),
        "content": content,
        "stop_reason": "end_turn" if answer.ends else "tool_use",
        "stop_sequence": None,
        "usage": usage(request, tokens(content), estimated),
    }


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    body = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {body}\n\n".encode()


def stream(whole: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of an answer made by ``message``, one by one."""
    used = dict(whole["usage"])
    start = {**whole, "content": [], "stop_reason": None, "usage": {**used, "output_tokens": 0}}
    yield event("message_start", message=start)
    yield event("ping")
    for index, block in enumerate(whole["content"]):
        yield from _block(index, block)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=delta, usage=used)
    yield event("message_stop")


def _block(index: int, block: Mapping[str, Any]) -> Iterator[bytes]:
    if block["type"] == "tool_use":
        empty = {**block, "input": {}}
        kind, name, text = "input_json_delta", "partial_json", json.dumps(block["input"], ensure_ascii=False)
    else:
        empty = {"type": "text", "text": ""}
        kind, name, text = "text_delta", "text", block["text"]
    yield event("content_block_start", index=index, content_block=empty)
    for at in range(0, len(text), CHUNK):
        yield event("content_block_delta", index=index, delta={"type": kind, name: text[at : at + CHUNK]})
    yield event("content_block_stop", index=index)
