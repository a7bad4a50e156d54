"""Claude Code's messages as reports of the port, and what a turn's result means."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.adapters.agents.claude.permissions import aim
from workbench.core.models import Usage
from workbench.core.money import dollars
from workbench.engine.ports import Acted, AgentReport, Ended, Retried, Said

if TYPE_CHECKING:
    from claude_agent_sdk import AssistantMessage, RateLimitEvent, ResultMessage, SystemMessage

SAID_LINES = 6
SAID_CHARACTERS = 800

SIGN_IN = (
    "Claude Code could not sign in: {said}. Run 'claude' and /login, or set ANTHROPIC_API_KEY, "
    "then resume the run."
)


NO_CREDIT = (
    "The model's provider refuses for want of credit: {said}. Mend that in its console, then resume the run."
)

OVERLOADED = (429, 503, 529)
"""HTTP statuses by which the model's API says: less, or later."""


def heard(message: AssistantMessage) -> Iterator[AgentReport]:
    """What an assistant message says and does. A subagent's talk is left out, its deeds are not."""
    from claude_agent_sdk import TextBlock, ToolUseBlock

    for block in message.content:
        if isinstance(block, ToolUseBlock):
            yield Acted(block.name, aim(block.input))
        elif isinstance(block, TextBlock) and message.parent_tool_use_id is None:
            text = shortened(block.text)
            if text:
                yield Said(text)


def used(message: AssistantMessage) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tools that an assistant message uses, with what they are given; not those of a subagent."""
    from claude_agent_sdk import ToolUseBlock

    for block in message.content if message.parent_tool_use_id is None else ():
        if isinstance(block, ToolUseBlock):
            yield block.name, block.input


def shortened(text: str) -> str:
    """The first few lines of ``text``."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    kept = "\n".join(lines[:SAID_LINES])
    return (
        kept if len(lines) <= SAID_LINES and len(kept) <= SAID_CHARACTERS else kept[:SAID_CHARACTERS] + " …"
    )


def retried(message: SystemMessage) -> Retried:
    """The report of an ``api_retry`` message."""
    status = message.data.get("error_status")
    return Retried(
        status=status if isinstance(status, int) else None,
        error=str(message.data.get("error") or "unknown"),
        delay_seconds=float(message.data.get("retry_delay_ms") or 0) / 1000,
    )


def limited(message: RateLimitEvent) -> Retried | None:
    """The report of a usage limit that was hit, with the time until it is lifted; None for warnings, and
    where what goes beyond it is paid for: then nobody has to wait."""
    info = message.rate_limit_info
    if info.status != "rejected" or info.overage_status in ("allowed", "allowed_warning"):
        return None
    wait = max(0.0, (info.resets_at or time.time()) - time.time())
    return Retried(
        status=429, error=f"usage limit reached ({info.rate_limit_type or 'unnamed'})", delay_seconds=wait
    )


class Meter:
    """Adds up what one session uses.

    A result's cost and per-model tokens are totals of the session, those of earlier processes that it
    continues included; its turns (and ``usage``, which is therefore not used) are of one query. What a
    continued session had used before (``before``) is taken off, so that the attempts of a run can be
    added up.
    """

    def __init__(self, before: Usage) -> None:
        self._before = before
        self._turns = 0
        self.usage = Usage()

    def count(self, result: ResultMessage) -> None:
        """Take in the result of one query."""
        self._turns += result.num_turns
        total = _total(result.total_cost_usd, result.model_usage)
        self.usage = Usage(
            cost_usd=max(0.0, total.cost_usd - self._before.cost_usd),
            input_tokens=max(0, total.input_tokens - self._before.input_tokens),
            output_tokens=max(0, total.output_tokens - self._before.output_tokens),
            turns=self._turns,
        )


def used_before(env: Mapping[str, str], session: str) -> Usage:
    """What ``session`` had used when its transcript was last written; nothing if that is not known.

    Claude Code keeps the running total in lines of type ``cost-state`` of the session's transcript.
    """
    found: dict[str, Any] = {}
    for line in _transcript(env, session):
        if '"cost-state"' in line[:200]:
            with contextlib.suppress(ValueError):  # cut off by a crash: the one before it counts
                found = json.loads(line)
    return _total(found.get("totalCostUSD"), found.get("modelUsage"))


def told_before(env: Mapping[str, str], session: str) -> str:
    """All that ``session`` was told so far, by its transcript; nothing if there is none.

    What waited in Claude Code's queue when it died is not among that: it has written down that it came
    (``queue-operation``), and a resumed session does not take it up. Measured with 2.1.
    """
    told: list[str] = []
    for line in _transcript(env, session):
        if '"user"' not in line and '"attachment"' not in line:
            continue
        with contextlib.suppress(ValueError):  # cut off by a crash
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("type") in ("user", "attachment"):
                told += _strings(entry)
    return "\n".join(told)


def _strings(value: Any) -> Iterator[str]:
    """Every text in a value of JSON: where one stands depends on how it came in."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _strings(inner)
        case list():
            for inner in value:
                yield from _strings(inner)
        case _:
            pass


def _transcript(env: Mapping[str, str], session: str) -> Iterator[str]:
    """The lines of a session's transcript, as far as it can be read."""
    folder = (
        Path(env["CLAUDE_CONFIG_DIR"])
        if env.get("CLAUDE_CONFIG_DIR")
        else Path(env.get("HOME", "/"), ".claude")
    )
    for transcript in folder.glob(f"projects/*/{session}.jsonl"):
        with contextlib.suppress(OSError), transcript.open(encoding="utf-8", errors="replace") as lines:
            yield from lines


def _total(cost: float | None, models: Mapping[str, Any] | None) -> Usage:
    used = list((models or {}).values())
    return Usage(
        cost_usd=cost or 0.0,
        input_tokens=sum(
            model.get("inputTokens", 0)
            + model.get("cacheReadInputTokens", 0)
            + model.get("cacheCreationInputTokens", 0)
            for model in used
        ),
        output_tokens=sum(model.get("outputTokens", 0) for model in used),
    )


def ended(
    result: ResultMessage, usage: Usage, error: str | None, budget: float | None, resets_at: float | None
) -> Ended:
    """What a turn's result means. ``error`` is the kind of error that the last answer carried;
    ``resets_at`` is when a usage limit that was hit is lifted (0 when nobody said), None without one."""
    if not result.is_error:
        return Ended(live=True, usage=usage, session=result.session_id)
    said = _words(result)
    login = error in ("authentication_failed", "billing_error") or result.api_error_status == 401
    limit: Literal["", "rate", "usage"] = ""
    if error == "rate_limit" or result.api_error_status in OVERLOADED:
        limit = "rate" if resets_at is None else "usage"
    if error == "billing_error":
        sentence = NO_CREDIT.format(said=said)
    elif login:
        sentence = SIGN_IN.format(said=said)
    elif limit == "usage":
        sentence = f"The usage limit is reached: {said}."
    elif result.subtype == "error_max_budget_usd":
        sentence = f"The budget of this attempt ({dollars(budget or 0.0)}) is used up."
    elif result.api_error_status is not None:
        sentence = f"The model's API failed with HTTP {result.api_error_status}: {said}."
    else:
        sentence = (
            f"Claude Code ended the turn with an error ({result.terminal_reason or result.subtype}): {said}."
        )
    return Ended(
        live=False,
        error=sentence,
        login=login,
        usage=usage,
        session=result.session_id,
        limit="" if login else limit,
        resets_at=resets_at or None,
    )


def _words(result: ResultMessage) -> str:
    texts = [*(result.errors or []), result.result or "", result.subtype]
    return shortened(next(text for text in texts if text)).rstrip(".").replace(os.linesep, " ")
