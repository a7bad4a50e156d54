"""The expressions of GitHub's workflow files, as far as ours use them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|\(|\)|\d+|[A-Za-z_][\w.-]*)")
WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

Contexts = Mapping[str, Any]


def fill(text: str, contexts: Contexts) -> str:
    """``text`` with each ``${{ … }}`` as the runner writes it."""
    return WHOLE.sub(lambda found: shown(evaluate(found[1], contexts)), text)


def holds(condition: str, contexts: Contexts) -> bool:
    """Whether an ``if:`` holds. Without a word on failure it holds only while nothing has failed."""
    inner = WHOLE.fullmatch(condition.strip())
    text = inner[1] if inner else condition
    if not re.search(r"\b(?:always|failure|cancelled|success)\(\)", text) and contexts["failed"]:
        return False
    return bool(evaluate(text, contexts))


def shown(value: Any) -> str:
    """A value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def evaluate(text: str, contexts: Contexts) -> Any:
    """The value of an expression; what no context knows is None."""
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, f"no expression: {text[at:]!r}"
        tokens.append(found[1])
        at = found.end()
    reader = _Reader(tokens, contexts)
    value = reader.any_of()
    assert not reader.tokens, f"left over: {reader.tokens}"
    return value


class _Reader:
    def __init__(self, tokens: list[str], contexts: Contexts) -> None:
        self.tokens = tokens
        self._contexts = contexts

    def any_of(self) -> Any:
        value = self._all_of()
        while self._next("||"):
            other = self._all_of()
            value = value or other
        return value

    def _all_of(self) -> Any:
        value = self._compared()
        while self._next("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._single()
        for sign in ("==", "!="):
            if self._next(sign):
                same = shown(value).casefold() == shown(self._single()).casefold()
                return same if sign == "==" else not same
        return value

    def _single(self) -> Any:
        token = self.tokens.pop(0)
        if token == "!":
            return not self._single()
        if token == "(":
            value = self.any_of()
            assert self._next(")")
            return value
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if self._next("("):
            assert self._next(")")
            failed = self._contexts["failed"]
            return {"always": True, "failure": failed, "success": not failed, "cancelled": False}[token]
        return _found(self._contexts, token)

    def _next(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False


def _found(value: Any, name: str) -> Any:
    """What stands at ``name``, a path through contexts."""
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
