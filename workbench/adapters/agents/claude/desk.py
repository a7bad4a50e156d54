"""The tools of a lead: an in-process MCP server whose every call is a request to the engine.

What came of it, or why it was refused, is the tool's result. Who joins,
and who is ended without being asked, a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from workbench.adapters.agents.claude.results import says
from workbench.adapters.agents.claude.tools import SERVER
from workbench.core.mail import ALL
from workbench.core.models import TEXT_LIMIT
from workbench.core.requests import Answer, Escalate, Request, RequestShutdown, Write
from workbench.engine.ports import Desk, Outcome

if TYPE_CHECKING:
    from claude_agent_sdk import McpSdkServerConfig, SdkMcpTool

Given = dict[str, Any]

_MESSAGE = {
    "type": "string",
    "description": "The id of the message, such as 'm7'. Left out: the oldest that waits for you.",
}
_TEXT = {"type": "string", "description": "What you have to say, in plain text.", "maxLength": TEXT_LIMIT}
_DECISION = {"type": "string", "enum": ["yes", "no"], "description": "For what wants a yes or a no."}
_MATE = {"type": "string", "description": "A teammate's name."}
_TO = {"type": "string", "description": "A teammate's name, or 'person'."}


@dataclass(frozen=True, slots=True)
class _Tool:
    """One tool: what the model is told of it, what it takes, and the request that it makes."""

    description: str
    properties: dict[str, Any]
    required: tuple[str, ...]
    request: Callable[[Given], Request]


_TOOLS: dict[str, _Tool] = {
    "answer": _Tool(
        "Answer a message that waits for you.",
        {"message": _MESSAGE, "text": _TEXT, "decision": _DECISION},
        ("text",),
        lambda given: Answer(
            message=given["message"], text=given["text"], decision=given.get("decision") or ""
        ),
    ),
    "approve_plan": _Tool(
        "Approve the plan that a teammate wants to follow, within the bounds that you were given.",
        {"message": _MESSAGE, "feedback": _TEXT},
        (),
        lambda given: Answer(message=given["message"], text=given.get("feedback") or "", decision="yes"),
    ),
    "reject_plan": _Tool(
        "Reject the plan that a teammate wants to follow, and say what is to be different.",
        {"message": _MESSAGE, "feedback": _TEXT},
        ("feedback",),
        lambda given: Answer(message=given["message"], text=given["feedback"], decision="no"),
    ),
    "escalate": _Tool(
        "Leave a message that waits for you to the person in charge, and say why.",
        {"message": _MESSAGE, "why": _TEXT},
        ("why",),
        lambda given: Escalate(message=given["message"], why=given["why"]),
    ),
    "write": _Tool(
        "Write to one teammate, or to the person in charge, what they need to know.",
        {"to": _TO, "text": _TEXT},
        ("to", "text"),
        lambda given: Write(to=given["to"], text=given["text"]),
    ),
    "broadcast": _Tool(
        "Write to all teammates. Dear: each of them reads it.",
        {"text": _TEXT},
        ("text",),
        lambda given: Write(to=ALL, text=given["text"]),
    ),
    "request_shutdown": _Tool(
        "Ask a teammate to leave the team, and say why. It may say no; the last one cannot be asked.",
        {"teammate": _MATE, "reason": _TEXT},
        ("teammate", "reason"),
        lambda given: RequestShutdown(teammate=given["teammate"], reason=given["reason"]),
    ),
}

_VIEWS = {
    "team_status": "Who is at what now, and what waits for you.",
    "discover_teams": "The team that you lead, and its members.",
}

LEAD_TOOLS = frozenset(f"mcp__{SERVER}__{name}" for name in (*_TOOLS, *_VIEWS))


def desk_server(desk: Desk, teammates: Collection[str] = ()) -> McpSdkServerConfig:
    """The MCP server of one lead, bound to its ``desk``."""
    from claude_agent_sdk import create_sdk_mcp_server

    tools = [_asking(name, tool, desk) for name, tool in _TOOLS.items()]
    status, teams = _VIEWS.items()
    tools.append(_viewing(*status, desk.team))
    members = ", ".join(teammates)
    tools.append(_viewing(*teams, lambda: f"One team, yours: {members}.\n{desk.team()}"))
    return create_sdk_mcp_server(SERVER, tools=tools)


def _asking(name: str, tool: _Tool, desk: Desk) -> SdkMcpTool[Any]:
    from claude_agent_sdk import SdkMcpTool

    async def call(given: Given) -> dict[str, Any]:
        if "message" in tool.properties and not given.get("message"):
            waiting = desk.waiting()
            if not waiting:
                return says("Nothing waits for your answer.", True)
            given = {**given, "message": waiting[0]}
        try:
            request = tool.request(given)
        except (ValidationError, KeyError) as error:
            said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else f"{error} is missing"
            return says(f"That is no use of {name}: {said}.", True)
        return _came_of(await desk.ask(request))

    schema = {
        "type": "object",
        "properties": tool.properties,
        "required": list(tool.required),
        "additionalProperties": False,
    }
    return SdkMcpTool(name=name, description=tool.description, input_schema=schema, handler=call)


def _viewing(name: str, description: str, view: Callable[[], str]) -> SdkMcpTool[Any]:
    from claude_agent_sdk import SdkMcpTool

    async def call(given: Given) -> dict[str, Any]:
        return says(view())

    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    return SdkMcpTool(name=name, description=description, input_schema=schema, handler=call)


def _came_of(outcome: Outcome) -> dict[str, Any]:
    if outcome.refused:
        return says(outcome.refused, True)
    return says(f"Sent, as {outcome.message}." if outcome.message else "Done.")
