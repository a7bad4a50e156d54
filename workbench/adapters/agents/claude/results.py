"""What a tool of ours gives back to the model."""

from __future__ import annotations

from typing import Any


def says(text: str, is_error: bool = False) -> dict[str, Any]:
    """A text as the result of a tool of an MCP server."""
    return {"content": [{"type": "text", "text": text}], "is_error": is_error}
