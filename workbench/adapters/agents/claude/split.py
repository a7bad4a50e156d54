"""Splitting a plain plan into tasks: one question to Claude with a JSON schema for the answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.adapters.agents.claude.reading import Purpose, reading
from workbench.adapters.agents.claude.settings import ClaudeSettings

SPLIT_SECONDS = 600.0

PURPOSE = Purpose("splitting the plan", "Or give the plan a '## Tasks' section yourself.")


async def split_with_claude(
    text: str,
    *,
    schema: dict[str, Any],
    prompt: str,
    cwd: Path,
    env: Mapping[str, str],
    model: str | None = None,
    settings: ClaudeSettings | None = None,
) -> dict[str, Any]:
    """What Claude answers to ``prompt`` about ``text``, as an object that fits the JSON ``schema``.

    Claude gets no tool, reads no settings of the repository and writes nothing;
    ``text`` is put to it as data. ``env`` is the whole of its environment. Raises LoginError when it
    cannot sign in and AgentError when it gives no valid answer. Cancelling ends it.
    """
    async with reading(
        PURPOSE,
        schema=schema,
        cwd=cwd,
        env=env,
        tools=(),
        model=model,
        settings=settings,
        seconds=SPLIT_SECONDS,
    ) as session:
        return await session.ask(f"{prompt}\n\n<plan>\n{text}\n</plan>\n")
