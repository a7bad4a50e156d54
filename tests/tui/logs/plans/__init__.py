"""The plans of the recorded runs."""

from __future__ import annotations

from pathlib import Path

from workbench.core.models import Plan
from workbench.core.plan.parse import parse


def plan(name: str) -> tuple[str, Plan]:
    """The text of a plan, and what it says."""
    text = Path(__file__).with_name(f"{name}.md").read_text(encoding="utf-8")
    return text, parse(text, "plan.md")
