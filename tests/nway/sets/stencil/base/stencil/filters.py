"""Filters: functions of one value, by the names that templates use."""

from __future__ import annotations

import html
from typing import Any, Callable

Filter = Callable[[Any], Any]


def upper(value: Any) -> str:
    return str(value).upper()


def lower(value: Any) -> str:
    return str(value).lower()


def title(value: Any) -> str:
    return str(value).title()


def escape(value: Any) -> str:
    """Safe to stand in HTML."""
    return html.escape(str(value))


def length(value: Any) -> int:
    return len(value)


FILTERS: dict[str, Filter] = {
    "upper": upper,
    "lower": lower,
    "title": title,
    "escape": escape,
    "length": length,
}
