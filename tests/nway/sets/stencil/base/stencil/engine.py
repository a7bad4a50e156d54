"""A small template engine: ``{{ value|filter }}``, ``{% if %}``, ``{% for %}``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Iterator

from stencil.filters import FILTERS

TOKEN = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})", re.DOTALL)
NAME = re.compile(r"[A-Za-z_]\w*(\.\w+)*")


class TemplateError(Exception):
    """A template that cannot be read or rendered."""


@dataclass
class Text:
    text: str

    def render(self, context: dict[str, Any]) -> str:
        return self.text


@dataclass
class Output:
    """A value and the filters it goes through."""

    path: str
    filters: list[str] = field(default_factory=list)

    def render(self, context: dict[str, Any]) -> str:
        value = lookup(self.path, context)
        for name in self.filters:
            value = FILTERS[name](value)
        return str(value)


@dataclass
class If:
    path: str
    negated: bool
    body: list[Any]
    otherwise: list[Any]

    def render(self, context: dict[str, Any]) -> str:
        truth = bool(lookup(self.path, context))
        chosen = self.body if truth != self.negated else self.otherwise
        return "".join(node.render(context) for node in chosen)


@dataclass
class For:
    name: str
    path: str
    body: list[Any]

    def render(self, context: dict[str, Any]) -> str:
        out = []
        for item in lookup(self.path, context) or []:
            inner = {**context, self.name: item}
            out.append("".join(node.render(inner) for node in self.body))
        return "".join(out)


def lookup(path: str, context: dict[str, Any]) -> Any:
    """The value of a dotted path; an empty string for what is not there."""
    value: Any = context
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part, "")
        else:
            value = getattr(value, part, "")
    return value


class Parser:
    """Turns tokens into nodes."""

    def __init__(self, source: str) -> None:
        self.tokens = [token for token in TOKEN.split(source) if token]
        self.at = 0

    def parse(self, until: tuple[str, ...] = ()) -> list[Any]:
        """Nodes up to one of the tags ``until``, which is left to be read."""
        nodes: list[Any] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.startswith("{{"):
                nodes.append(self.output(token[2:-2].strip()))
                self.at += 1
            elif token.startswith("{%"):
                words = token[2:-2].split()
                if not words:
                    raise TemplateError("empty tag")
                if words[0] in until:
                    return nodes
                self.at += 1
                nodes.append(self.tag(words))
            else:
                nodes.append(Text(token))
                self.at += 1
        if until:
            raise TemplateError(f"missing {' or '.join(until)}")
        return nodes

    def output(self, source: str) -> Output:
        """What stands between double braces."""
        path, *filters = [part.strip() for part in source.split("|")]
        if not NAME.fullmatch(path):
            raise TemplateError(f"bad name: {path!r}")
        for name in filters:
            if name not in FILTERS:
                raise TemplateError(f"unknown filter: {name!r}")
        return Output(path, filters)

    def tag(self, words: list[str]) -> Any:
        """A block, from behind its first tag."""
        if words[0] == "if":
            return self.if_tag(words[1:])
        elif words[0] == "for":
            return self.for_tag(words[1:])
        raise TemplateError(f"unknown tag: {words[0]!r}")

    def if_tag(self, words: list[str]) -> If:
        negated = words[:1] == ["not"]
        words = words[1:] if negated else words
        if len(words) != 1:
            raise TemplateError("if takes one name")
        body = self.parse(("else", "endif"))
        otherwise: list[Any] = []
        if self.closing() == "else":
            otherwise = self.parse(("endif",))
            self.closing()
        return If(words[0], negated, body, otherwise)

    def for_tag(self, words: list[str]) -> For:
        if len(words) != 3 or words[1] != "in":
            raise TemplateError("for takes: name in list")
        body = self.parse(("endfor",))
        self.closing()
        return For(words[0], words[2], body)

    def closing(self) -> str:
        """Read the tag that ended a body."""
        token = self.tokens[self.at]
        self.at += 1
        return token[2:-2].split()[0]


class Template:
    """A template, ready to be rendered."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.nodes = Parser(source).parse()

    def render(self, **context: Any) -> str:
        """The text, with ``context`` filled in."""
        return "".join(node.render(context) for node in self.nodes)

    def names(self) -> list[str]:
        """The names a template asks for, in order."""
        return list(dict.fromkeys(_names(self.nodes)))


def _names(nodes: list[Any]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, Output):
            yield node.path
        elif isinstance(node, If):
            yield node.path
            yield from _names(node.body)
            yield from _names(node.otherwise)
        elif isinstance(node, For):
            yield node.path
            yield from (name for name in _names(node.body) if name.split(".")[0] != node.name)


def render(source: str, **context: Any) -> str:
    """Render a template once."""
    return Template(source).render(**context)
