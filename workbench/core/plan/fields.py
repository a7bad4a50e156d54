"""The list of fields that may follow a task's heading, and where the body begins behind it.

The first block below a heading is a field list when it is a bullet list in which some item, before the
first blank line, begins with a known field, or whose first item begins with what is clearly meant for
one (``- depends on: a``). Then every item up to that blank line must be a field: a dependency that is
silently taken for prose would be worse than an error. Behind the blank line further fields are taken
until an item is none; from there on everything is body. Any other list is body from its first item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.tree import SyntaxTreeNode

from workbench.core.guesses import Guesses
from workbench.core.plan import rules
from workbench.core.plan.draft import Draft
from workbench.core.plan.page import Block, Page
from workbench.errors import Problem

FIELDS = ("after", "files", "gate", "role", "priority", "attempts", "budget", "plan")

MEANT = {
    "after": "depends, depends on, depends-on, depends_on, dependencies, dependency, needs, requires, "
    "waits for, blocked by, blocked-by, blocked_by, blockedby",
    "files": "file, paths, globs",
    "gate": "gates",
    "priority": "prio",
    "attempts": "attempt, retries, tries",
    "budget": "budget_usd, budget usd, cost",
}
"""Words that other tools, and people, use for our fields: suggested, not accepted."""

_MEANT = {word: name for name, words in MEANT.items() for word in words.split(", ")}

KEY = r"[A-Za-z][\w -]{0,23}"
ITEM = re.compile(
    rf"(?:\*\*(?P<a>{KEY})\*\*:|\*\*(?P<b>{KEY}):\*\*|(?P<c>{KEY}):)[ \t\n]*(?P<value>.*)", re.DOTALL
)
"""``key: value``, the key possibly in bold."""

SPAN = re.compile(r"(?P<ticks>`+)(?P<inner>.*)(?P=ticks)", re.DOTALL)

LISTS = ("after", "files", "gate")
"""Fields whose values may also stand in a list below the item."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the list: ``key`` is empty unless it reads ``key: value``; ``tight`` until the
    first blank line; ``values`` those of a list below it; ``odd`` when it holds anything else."""

    start: int
    key: str
    value: str
    values: tuple[str, ...]
    tight: bool
    odd: bool


def take(page: Page, blocks: list[Block], draft: Draft) -> tuple[int | None, list[Problem]]:
    """Read the fields at the front of ``blocks`` into ``draft``.

    Gives the line (from 0) at which the body begins, None for where the blocks do, and what is wrong.
    """
    first = next((block for block in blocks if not page.comment(block)), None)
    if first is None:
        return None, []
    if first.kind != "bullet_list":
        return None, list(_field_as_prose(first))
    items = list(_items(page, first))
    if not _is_field_list([item for item in items if item.tight]):
        return None, []
    problems: list[Problem] = []
    for item in items:
        if item.key in FIELDS:
            problems.extend(_set(draft, item))
        elif item.tight:
            problems.append(_not_a_field(item))
        else:
            return item.start, problems
    return first.end, problems


def _is_field_list(items: list[Item]) -> bool:
    return any(item.key in FIELDS for item in items) or _meant(items[0].key) is not None


def _meant(key: str) -> str | None:
    if not key:
        return None
    # A quarter of a word may be wrong; more would take "date" for "gate".
    meant = _MEANT.get(key) or Guesses(FIELDS, "").meant(key)
    return (
        meant if key in _MEANT or (meant and abs(len(meant) - len(key)) < 2 and _near(key, meant)) else None
    )


def _near(key: str, field: str) -> bool:
    """Whether ``key`` is ``field`` with one letter too many, too few, or two swapped."""
    if sorted(key) == sorted(field):
        return True
    short, long = sorted((key, field), key=len)
    return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def _not_a_field(item: Item) -> Problem:
    gap = "Leave a blank line between the fields and the body."
    if not item.key:
        return Problem(item.start + 1, "an item among the fields is not a field", gap)
    meant = _meant(item.key) or Guesses(FIELDS, "").meant(item.key)
    hint = f'Did you mean "{meant}"?' if meant else f"The fields are {', '.join(FIELDS)}. {gap}"
    return Problem(item.start + 1, f"unknown field {rules.show(item.key)}", hint)


def _field_as_prose(block: Block) -> Iterator[Problem]:
    """A field written without its dash would go unnoticed."""
    if block.kind == "paragraph":
        item = ITEM.fullmatch(block.node.children[0].content)
        if item and item["c"] in FIELDS:
            sentence = f'"{item["c"]}:" stands here as text, not as a field'
            yield Problem(block.start + 1, sentence, f"Write it as a list item: '- {item['c']}: …'.")


# -- items -------------------------------------------------------------------------------------------


def _items(page: Page, block: Block) -> Iterator[Item]:
    tight = True
    for node in block.node.children:
        start, end = node.map or (block.start, block.end)
        paragraphs = [child for child in node.children if child.type == "paragraph"]
        lists = [child for child in node.children if child.type == "bullet_list"]
        first = node.children[0] if node.children else None
        match = ITEM.fullmatch(first.children[0].content) if first and first.type == "paragraph" else None
        yield Item(
            start,
            " ".join((match["a"] or match["b"] or match["c"]).lower().split()) if match else "",
            match["value"] if match else "",
            tuple(_text(child) for nested in lists[:1] for child in nested.children),
            tight,
            len(paragraphs) + len(lists[:1]) != len(node.children) or len(paragraphs) > 1,
        )
        tight = tight and end <= len(page.lines) and bool(page.lines[end - 1].strip())


def _text(node: SyntaxTreeNode) -> str:
    """The text of a list item that is one paragraph, else nothing."""
    if len(node.children) == 1 and node.children[0].type == "paragraph":
        return node.children[0].children[0].content
    return ""


def _set(draft: Draft, item: Item) -> Iterator[Problem]:
    name, line = item.key, item.start + 1
    if name in draft.lines and name != "gate":
        sentence = f'"{name}" stands twice in this task (see line {draft.lines[name]})'
        yield Problem(line, sentence, "Keep one of the two.")
        return
    draft.lines.setdefault(name, line)
    values = [value for value in (item.value, *item.values) if value] if name in LISTS else [item.value]
    if item.odd or (item.values and name not in LISTS):
        yield Problem(line, f'"{name}" holds more than a value', "Write 'name: value' on one line.")
    elif not any(values):
        yield Problem(line, f'"{name}" has no value', "Give it one, or remove the line.")
    elif name in ("after", "files"):
        words = [word for value in values for word in split_list(value)]
        setattr(draft, name, tuple(word.removeprefix("./") if name == "files" else word for word in words))
    elif name == "gate":
        draft.gates += tuple(unquote(value) for value in values)
    elif name == "role":
        draft.role = unquote(item.value)
    elif name == "plan":
        draft.plan_by = unquote(item.value).lower()
    elif name == "budget":
        yield from _set_budget(draft, item.value, line)
    else:
        yield from _set_number(draft, name, item.value, line)


def _set_number(draft: Draft, name: str, value: str, line: int) -> Iterator[Problem]:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", value.strip()):
        yield Problem(line, f'"{name}" is not a whole number: {rules.show(value)}', "Write for example 2.")
    else:
        setattr(draft, name, int(value))


def _set_budget(draft: Draft, value: str, line: int) -> Iterator[Problem]:
    amount = re.fullmatch(r"\$?[ ]*([0-9]{1,6}(?:\.[0-9]{1,4})?)(?:[ ]*USD)?", value.strip())
    if amount is None or float(amount[1]) <= 0:
        yield Problem(
            line, f'"budget" is no amount of US dollars: {rules.show(value)}', "Write for example 2.50."
        )
    else:
        draft.budget_usd = float(amount[1])


def unquote(value: str) -> str:
    """``value`` out of the backticks around it, as Markdown takes them off."""
    value = value.strip()
    match = SPAN.fullmatch(value)
    if not match or match["ticks"] in re.findall(r"`+", match["inner"]):
        return value
    inner = match["inner"]
    if len(inner) > 2 and inner[0] == inner[-1] == " ":
        inner = inner[1:-1]
    return inner if inner.strip() else value


def quote(value: str) -> str:
    """The shortest text that ``unquote`` turns into ``value``."""
    if unquote(value) == value:
        return value
    ticks = "`"
    while ticks in re.findall(r"`+", value):
        ticks += "`"
    return f"{ticks} {value} {ticks}"


def split_list(text: str) -> Iterator[str]:
    """The parts of ``text`` between commas, but not those in backticks or braces, unquoted."""
    depth, part, in_ticks = 0, "", False
    for char in text.replace("\n", " "):
        in_ticks ^= char == "`"
        if not in_ticks:
            depth = max(0, depth + {"{": 1, "}": -1}.get(char, 0))
        if char == "," and depth == 0 and not in_ticks:
            yield from filter(None, [unquote(part)])
            part = ""
        else:
            part += char
    yield from filter(None, [unquote(part)])


def join_list(parts: tuple[str, ...]) -> str:
    """The text that ``split_list`` turns into ``parts``, which hold no backticks."""

    def stands_alone(part: str) -> bool:
        return list(split_list(f"{part}, x")) == [part, "x"]

    return ", ".join(part if stands_alone(part) else f"`{part}`" for part in parts)
