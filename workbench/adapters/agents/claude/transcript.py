"""Claude Code's own record of a session, read: one JSON object on each line of a file."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.adapters.agents.claude.permissions import aim

LIMIT = 16_000
"""Characters that are kept of one text: what a tool was given, or gave back."""

_WANTED = (b'"type":"assistant"', b'"type":"user"', b'"type":"queued_command"')
"""What a line that is worth reading holds. Quotes within a text are escaped, so none else does."""

_SESSION = re.compile(r"[0-9A-Za-z_-]{1,100}")
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>\s*", re.DOTALL)


def transcript_path(config: Path, session: str) -> Path | None:
    """The transcript of a session below Claude Code's configuration folder; None when there is none."""
    if not _SESSION.fullmatch(session):
        return None
    return next((path for path in config.glob(f"projects/*/{session}.jsonl") if path.is_file()), None)


def said_in(line: bytes) -> Iterator[dict[str, Any]]:
    """What a line of a transcript says, as the fields of an ``Entry``; of a tool's result, ``answers`` is the
    ``id`` of its use. Nothing for lines of other kinds, of subagents, and ones that are damaged."""
    if not any(word in line for word in _WANTED):
        return
    try:
        said = json.loads(line)
        if not isinstance(said, dict) or said.get("isSidechain") or said.get("isMeta"):
            return
        at = _time(said.get("timestamp"))
        match said.get("type"):
            case "attachment":
                yield {"at": at, "kind": "told", "text": _cut(str(said["attachment"]["prompt"]))}
            case "user" | "assistant" as who:
                for found in _blocks(said["message"]["content"], who):
                    yield {"at": at, **found}
    except (ValueError, KeyError, TypeError):
        return


def _blocks(content: Any, who: str) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    for block in content:
        match block["type"]:
            case "text":
                text = block["text"] if who == "assistant" else _REMINDER.sub("", block["text"])
                if text.strip():
                    yield {"kind": "said" if who == "assistant" else "told", "text": _cut(text.strip())}
            case "thinking":
                if block["thinking"].strip():
                    yield {"kind": "thought", "text": _cut(block["thinking"].strip())}
            case "tool_use":
                given = block["input"] if isinstance(block["input"], dict) else {}
                name = str(block["name"])
                made = {"title": name, "target": aim(given), "text": _cut(_given(given))}
                yield {"kind": "tool", "id": str(block["id"]), **made}
            case "tool_result":
                text = _cut(_result(block.get("content", "")))
                yield {
                    "answers": str(block["tool_use_id"]),
                    "result": text,
                    "failed": bool(block.get("is_error")),
                }
            case _:
                pass


def _given(given: Mapping[str, Any]) -> str:
    """What a tool was given, for people: an edit as what it takes away and what it puts there."""
    lines: list[str] = []
    for name, value in given.items():
        sign = {"old_string": "- ", "new_string": "+ "}.get(name)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if sign is not None:
            lines += [sign + line for line in text.split("\n")]
        elif name in ("command", "content") or len(given) == 1:
            lines.append(text)
        elif "\n" in text:
            lines += [f"{name}:", *(f"  {line}" for line in text.split("\n"))]
        else:
            lines.append(f"{name}: {text}")
    return "\n".join(lines)


def _result(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts = [block.get("text", f"[{block.get('type', 'something')}]") for block in content]
    return "\n".join(str(text) for text in texts)


def _cut(text: str) -> str:
    return text if len(text) <= LIMIT else f"{text[:LIMIT]}\n… and {len(text) - LIMIT:,} characters more"


def _time(said: Any) -> float:
    try:
        return datetime.datetime.fromisoformat(str(said)).timestamp()
    except ValueError:
        return 0.0
