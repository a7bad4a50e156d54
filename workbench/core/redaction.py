"""Secrets, taken out of text before it is kept anywhere. Pure.

Two kinds are known: the values of variables that hold secrets, and tokens by their shape. Text that has a
mark of neither is left after a few searches for plain strings, which is what nearly all text costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from workbench.core import events as e
from workbench.core.models import Value
from workbench.core.requests import ProposeChange

SHORTEST = 8
"""Characters that the value of a variable must have: shorter ones occur by themselves."""

SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:api_?key|key|token|secret|passwd|password|pwd|passphrase|pat|credentials?|auth)(?:_|$)"
    r"|(?:key|token|secret|password)$"
)
"""What the name of a variable has that holds a secret."""

_KEY = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"

SHAPES: tuple[tuple[str, str, str], ...] = (
    *(("GitHub token", f"gh{kind}_", "[A-Za-z0-9]{30,255}") for kind in "pousr"),
    ("GitHub token", "github_pat_", "[A-Za-z0-9_]{22,255}"),
    ("GitLab token", "glpat-", r"[A-Za-z0-9_\-]{20,100}"),
    ("Anthropic key", "sk-ant-", r"[A-Za-z0-9_\-]{16,200}"),
    ("AWS key", "AKIA", "[0-9A-Z]{16}"),
    *(("Slack token", f"xox{kind}-", r"[A-Za-z0-9\-]{10,250}") for kind in "abeoprs"),
    ("JWT", "eyJ", r"[A-Za-z0-9_\-]{8,2000}\.eyJ[A-Za-z0-9_\-]{2,4000}\.[A-Za-z0-9_\-]{8,2000}"),
    ("private key", "-----BEGIN ", rf"{_KEY}[\s\S]{{0,20000}}?(?:-----END {_KEY}|\Z)"),
)
"""Tokens that are known by how they look: a name, how each begins, a pattern for the rest."""

TEXTS = frozenset({
    "because", "error", "evidence", "failing", "hint", "hunks", "note", "output", "patch", "reason",
    "sentence", "signature", "target", "tests", "text", "weakened", "why",
})  # fmt: skip
"""Fields that hold what somebody or something said. All others are names and ids, by which things are found
again: those are ours, and are left alone."""

NESTED = frozenset({"alarm", "changes", "message", "request", "verdicts"})
"""Fields whose values have such fields in turn."""

OWN = (e.RunStarted, e.PlanChanged, e.PlanChangeProposed, ProposeChange)
"""What the user wrote, and is read again as it is."""

E = TypeVar("E", bound=Value)


def known_secrets(environ: Mapping[str, str], names: Iterable[str] = ()) -> dict[str, str]:
    """Variables whose values are secrets: those of ``names``, and those that are called so. Paths, plain
    words and short values are none."""
    chosen = frozenset(names)
    return {
        name: value
        for name, value in environ.items()
        if (name in chosen or SECRET_NAME.search(name)) and _telling(value)
    }


def _telling(value: str) -> bool:
    """Whether a value could not be anything else by chance."""
    if len(value) < SHORTEST or value.startswith(("/", "~", "./")) or value.isspace():
        return False
    return not (value.isalpha() and (value.islower() or value.isupper() or value.istitle()))


# One that begins with a plain string is looked for as fast as that string.
_SHAPES = [(mark, re.compile(re.escape(mark) + rest), f"[redacted: {name}]") for name, mark, rest in SHAPES]


def shape_in(text: str) -> str:
    """What kind of token ``text`` has in it, by its looks; "" for none."""
    return next(
        (name for name, mark, rest in SHAPES if mark in text and re.search(re.escape(mark) + rest, text)), ""
    )


class Redactor:
    """Takes out the ``known`` secrets, values by name, and all that look like one."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        values = {value: name for name, value in (known or {}).items() if len(value) >= SHORTEST}
        # The longest first: one value may begin with another.
        self._values = [
            (value, f"[redacted: {values[value]}]") for value in sorted(values, key=len, reverse=True)
        ]

    def text(self, text: str) -> str:
        """``text`` with ``[redacted: NAME]`` in place of each secret."""
        for value, instead in self._values:
            if value in text:
                text = text.replace(value, instead)
        for mark, pattern, instead in _SHAPES:
            if mark in text:
                text = pattern.sub(instead, text)
        return text

    def event(self, event: E) -> E:
        """The same event without secrets; the very same where there is none."""
        if isinstance(event, OWN):
            return event
        changed: dict[str, Any] = {}
        for name in _fields(type(event)):
            was = getattr(event, name)
            now = self._value(was)
            if now is not was:
                changed[name] = now
        return event.model_copy(update=changed) if changed else event

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value) if len(value) >= SHORTEST else value
        if isinstance(value, Value):
            return self.event(value)
        if isinstance(value, tuple):
            now = tuple(self._value(it) for it in value)
            return now if any(one is not other for one, other in zip(now, value, strict=True)) else value
        return value


@cache
def _fields(kind: type[Value]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name in TEXTS or name in NESTED)


class Stream:
    """Text that comes in pieces, redacted: what may be the beginning of a secret is held back until its end
    is there."""

    MOST = 32_000

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = ""

    def write(self, text: str) -> str:
        """What can be shown by now."""
        text = self._rest + text
        cut = self._safe(text)
        if len(text) - cut > self.MOST:  # no secret is as long
            cut = len(text)
        self._rest = text[cut:]
        return self._redactor.text(text[:cut])

    def close(self) -> str:
        """What was held back."""
        rest, self._rest = self._rest, ""
        return self._redactor.text(rest)

    def _safe(self, text: str) -> int:
        opened = text.rfind("-----BEGIN ")
        closed = _END.search(text, opened) if opened >= 0 else None
        if opened >= 0 and closed is None:
            return opened
        start = len(text) - len(text[-8000:].rpartition("\n")[2].rpartition(" ")[2])
        start = max(start, closed.end() if closed is not None else 0)
        tail = text[start:]
        return start if "-" in tail or any(map(str.isalnum, tail)) else len(text)


_END = re.compile(r"-----END [^-]{0,60}-----")
