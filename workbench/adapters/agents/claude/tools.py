"""The tools by which Claude Code reports: an in-process MCP server whose every call drops a marker.

They write the same files as ``workbench mark``, so there is one path from any teammate to the team.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters.agents.claude import recall
from workbench.adapters.agents.claude.results import says
from workbench.core import markers
from workbench.core.mail import ALL, LEAD, PERSON
from workbench.core.models import MarkerKind
from workbench.engine.ports import Notes

if TYPE_CHECKING:
    from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool

SERVER = "workbench"
"""Name of the server: its tools are ``mcp__workbench__progress`` and so on."""

_NOTE = {"type": "string", "description": "What you have to say, in plain text."}
_PLAN = {"type": "string", "description": "The whole plan: which files, what in them, which tests."}
_CONFIDENCE = {"type": "number", "minimum": 0, "maximum": 1, "description": "How sure you are, 0 to 1."}
_PERCENT = {"type": "integer", "minimum": 0, "maximum": 100, "description": "How much of the task is done."}
_NAMESPACE = {"type": "string", "description": "A topic, in small letters: `general` if not given."}
_TTL = {"type": "number", "minimum": 1, "description": "After how many seconds the note is out of date."}
_PATHS = {
    "type": "array",
    "items": {"type": "string"},
    "description": "The files or folders that it is about, from the top of the repository; up to 20.",
}
_TO = {"type": "string", "description": "A teammate's name, 'lead', or 'all'."}
_WHOM = {"type": "string", "description": "Who is to answer: a teammate's name. Left out: who is in charge."}
_REPLY = {"type": "string", "description": "The id of the message that you answer, such as 'm7'."}
_DECISION = {"type": "string", "enum": ["yes", "no"], "description": "For what wants a yes or a no."}

_ABOUT = {"paths": _PATHS, "namespace": _NAMESPACE, "confidence": _CONFIDENCE, "ttl": _TTL}
_REMEMBER = (
    "Keep a finding for whoever works on these files later, in this run or another: what is not in the code, "
    "and would have saved you time. It goes into their briefs; `recall` finds it."
)

_TOOLS: dict[MarkerKind, tuple[str, dict[str, Any], tuple[str, ...], str]] = {
    MarkerKind.PROGRESS: (
        "Report how far you are, at each step that a lead would want to know of.",
        {"percent": _PERCENT, "note": _NOTE, "confidence": _CONFIDENCE},
        ("percent", "note"),
        "Noted. Go on.",
    ),
    MarkerKind.DONE: (
        "Report that the task is finished and committed. Say what changed and what others can now use.",
        {"note": _NOTE},
        ("note",),
        "Noted. The gates now run on what you committed; end your turn. You will hear if one is red.",
    ),
    MarkerKind.BLOCKED: (
        "Report that you cannot go on, and why. Commit what you have first. This ends the attempt.",
        {"note": _NOTE},
        ("note",),
        "Noted. What you have is kept; end your turn.",
    ),
    MarkerKind.QUESTION: (
        "Ask who is in charge, or a teammate. The answer arrives as a message; go on meanwhile.",
        {"note": _NOTE, "to": _WHOM},
        ("note",),
        "Asked. Go on with what does not depend on it; else end your turn: the answer will come.",
    ),
    MarkerKind.MESSAGE: (
        "Send a message to a teammate, the lead, or all (dear: each reads it), with what they need.",
        {"to": _TO, "note": _NOTE, "reply_to": _REPLY},
        ("to", "note"),
        "Sent.",
    ),
    MarkerKind.ANSWER: (
        "Answer a message that asked you something.",
        {"reply_to": _REPLY, "note": _NOTE, "decision": _DECISION},
        ("reply_to",),
        "Answered.",
    ),
    MarkerKind.PLAN: (
        "Submit your plan for approval, where the task wants one first. Nothing may be written before that.",
        {"note": _PLAN},
        ("note",),
        "Submitted. End your turn: what is said about it will come as a message.",
    ),
    MarkerKind.NOTE: (
        _REMEMBER,
        {"note": _NOTE} | _ABOUT,
        ("note",),
        "Kept for the others.",
    ),
}

_DECIDING: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "approve_shutdown": (
        "Agree to leave the team, when you were asked to. Commit what you have first.",
        "yes",
        ("reply_to",),
        "You leave the team. What you have is kept; end your turn.",
    ),
    "reject_shutdown": (
        "Say no to leaving the team, when you were asked to, and why. Then go on.",
        "no",
        ("reply_to", "note"),
        "Whoever asked hears why. Go on.",
    ),
}
"""Tools that are an answer with its decision: what they are for, the decision, what they need, and what they
say. Called so in Claude Code's own teams."""

_NAMES = {MarkerKind.NOTE: "remember"}
"""Tools that are not called as the marker that they drop."""

TOOL_NAMES = tuple(
    f"mcp__{SERVER}__{name}" for name in (*(_NAMES.get(it, it) for it in _TOOLS), *_DECIDING, recall.NAME)
)


def drop(worktree: Path, nonce: str, kind: MarkerKind, given: Mapping[str, Any]) -> Path:
    """Write one marker into ``worktree`` by write-then-rename; gives its path.

    Raises ValueError with a sentence for the sender when what it gave makes no valid marker.
    """
    fields = {"kind": str(kind), "nonce": nonce, **{k: v for k, v in given.items() if v is not None}}
    marker = markers.read(json.dumps(fields).encode(), nonce)
    folder = worktree / ".workbench" / "markers"
    if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(worktree)):
        raise ValueError(
            "The folder .workbench/markers leads out of the worktree; it must be a plain folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.time_ns()}-{os.getpid()}-{kind}.json"
    # Beside the folder that is watched, on the same file system: a rename is all a watcher sees.
    unfinished = folder.parent / f".{path.name}"
    unfinished.write_bytes(markers.render(marker))
    unfinished.replace(path)
    return path


def tool_server(
    worktree: Path, nonce: str, teammates: Collection[str] = (), notes: Notes | None = None
) -> McpSdkServerConfig:
    """The MCP server for one attempt, its tools bound to the attempt's worktree and nonce.

    Messages go to one of ``teammates`` or to all; with none given any name will do. With ``notes`` there is
    a tool that asks them.
    """
    from claude_agent_sdk import create_sdk_mcp_server

    tools = [_tool(kind, worktree, nonce, teammates) for kind in _TOOLS]
    deciding = [_deciding(name, worktree, nonce) for name in _DECIDING]
    asking = [recall.recall_tool(notes)] if notes is not None else []
    return create_sdk_mcp_server(SERVER, tools=[*tools, *deciding, *asking])


def _deciding(name: str, worktree: Path, nonce: str) -> SdkMcpTool[Any]:
    from claude_agent_sdk import SdkMcpTool

    description, decision, required, answer = _DECIDING[name]

    async def call(given: dict[str, Any]) -> dict[str, Any]:
        fields = {"reply_to": given.get("reply_to"), "note": given.get("note"), "decision": decision}
        return _dropped(worktree, nonce, MarkerKind.ANSWER, fields, answer)

    schema = _schema({"reply_to": _REPLY, "note": _NOTE}, required)
    return SdkMcpTool(name=name, description=description, input_schema=schema, handler=call)


def _tool(kind: MarkerKind, worktree: Path, nonce: str, teammates: Collection[str]) -> SdkMcpTool[Any]:
    from claude_agent_sdk import SdkMcpTool

    description, properties, required, answer = _TOOLS[kind]

    async def call(given: dict[str, Any]) -> dict[str, Any]:
        to = given.get("to")
        if to is not None and teammates and to not in (*teammates, LEAD, PERSON, ALL):
            return says(
                f"There is no teammate of that name; there are {', '.join(teammates)}, lead and all.", True
            )
        return _dropped(worktree, nonce, kind, {name: given.get(name) for name in properties}, answer)

    schema = _schema(properties, required)
    return SdkMcpTool(
        name=_NAMES.get(kind, str(kind)), description=description, input_schema=schema, handler=call
    )


def _schema(properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _dropped(
    worktree: Path, nonce: str, kind: MarkerKind, fields: Mapping[str, Any], answer: str
) -> dict[str, Any]:
    """Drop a marker, and what the tool then says."""
    try:
        drop(worktree, nonce, kind, fields)
    except ValueError as error:
        return says(str(error), True)
    except OSError as error:
        return says(f"The marker could not be written: {error.strerror}.", True)
    return says(answer)
