"""A plan's text as Markdown sees it: front matter, lines and top-level blocks, by line of the file.

Only block structure is read: text between two lines of the file is always the file's own. Two things
are done on the way. Comments (``<!-- … -->`` in a block of their own) are left out, because what no
reader of the rendered plan sees should reach no teammate. And a section that is nothing but one fence
marked ``verbatim`` stands for the text inside it: that is how text which would otherwise be taken for
structure (headings of the plan's own levels, a list that looks like fields) is written down.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from workbench.core.plan.rules import MAX_BYTES, MAX_LINES, NEVER, hidden_characters
from workbench.errors import PlanError, Problem

VERBATIM = "verbatim"


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level block on lines ``start`` to ``end`` (from 0, ``end`` not included). ``level`` and
    ``text`` are those of a heading, else 0 and empty."""

    kind: str
    start: int
    end: int
    level: int
    text: str
    tokens: list[Token] = field(repr=False)

    @property
    def node(self) -> SyntaxTreeNode:
        """The block as a tree; made when asked for, as few blocks are looked into."""
        return SyntaxTreeNode(self.tokens, create_root=False)


@dataclass(frozen=True, slots=True)
class Page:
    """The text in pieces. ``front`` is the YAML front matter, whose first line is line 2 of the
    file, or None. ``problems`` are those of the text as such."""

    lines: list[str]
    blocks: list[Block]
    front: str | None
    problems: list[Problem]
    _hidden: frozenset[int] = field(repr=False)

    def text(self, start: int, end: int) -> str:
        """What stands on lines ``start`` to ``end``, trimmed, without comments, out of its fence."""
        inside: list[Block] = []
        place = max(0, bisect_left(self.blocks, start, key=lambda block: block.start) - 1)
        while place < len(self.blocks) and self.blocks[place].start < end and len(inside) < 2:
            block = self.blocks[place]
            if block.end > start and block.start not in self._hidden:
                inside.append(block)
            place += 1
        if len(inside) == 1 and inside[0].start >= start and _is_verbatim(inside[0]):
            return inside[0].tokens[0].content.removesuffix("\n")
        return trim("\n".join(line for _, line in self.shown(start, end)))

    def shown(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Lines ``start`` to ``end`` without comments, each with its number."""
        for number in range(start, min(end, len(self.lines))):
            if number not in self._hidden:
                yield number, self.lines[number]

    def comment(self, block: Block) -> bool:
        """Whether a block is a comment, which says nothing."""
        return block.start in self._hidden


def read(text: str, path: str = "") -> Page:
    """Take a plan's text apart. Raises PlanError when there is none, or too much to look at."""
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        sentence = f"the plan is larger than {MAX_BYTES >> 20} MiB"
        raise PlanError(
            [Problem(0, sentence, "Keep the plan to what teammates must know; link the rest.")], path
        )
    text = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff"))
    problems = list(hidden_characters(text))
    lines = NEVER.sub("\N{REPLACEMENT CHARACTER}", text).split("\n")
    if not text.strip():
        raise PlanError([Problem(0, "the plan is empty", "Write what is to be done; see the README.")], path)
    if len(lines) > MAX_LINES:
        sentence = f"the plan has more than {MAX_LINES:,} lines"
        raise PlanError([Problem(0, sentence, "Make several plans of it.")], path)
    front = _front_matter(lines, problems)
    blocks = list(_blocks("\n".join(lines)))  # a list of its own: others read the same text
    return Page(lines, blocks, front, problems, frozenset(_comments(lines, blocks, problems)))


def trim(text: str) -> str:
    """``text`` without blank lines at its ends and blanks at its end; its first line stays indented."""
    return re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip(" \t\n")


def markdown() -> MarkdownIt:
    """A parser for blocks alone: what stands inside a line is the teammates' to read."""
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.disable("reference")  # it would swallow lines and give no block for them
    return parser


def _front_matter(lines: list[str], problems: list[Problem]) -> str | None:
    """Cut the front matter out of ``lines``, leaving blank lines so that numbers stay right."""
    if lines[0].rstrip(" \t") != "---":
        return None
    for number in range(1, len(lines)):
        if lines[number].rstrip(" \t") in ("---", "..."):
            front = "\n".join(lines[1:number])
            lines[: number + 1] = [""] * (number + 1)
            return front
    sentence = "the front matter that begins here has no end"
    problems.append(Problem(1, sentence, "Close it with a line '---', or remove this line."))
    return None


@lru_cache(maxsize=2)
def _blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text, which is read once to see whether it is a plan, and again to read it."""
    tokens = markdown().parse(text)
    ends = [at for at, token in enumerate(tokens, 1) if token.level == 0 and token.nesting != 1]
    return tuple(_block(tokens[first:end]) for first, end in pairwise([0, *ends]))


def _block(tokens: list[Token]) -> Block:
    token = tokens[0]
    start, end = token.map or (0, 0)
    level = int(token.tag[1]) if token.type == "heading_open" else 0
    text = " ".join(tokens[1].content.split("\n")) if level else ""
    return Block(token.type.removesuffix("_open"), start, end, level, text, tokens)


def _comments(lines: list[str], blocks: list[Block], problems: list[Problem]) -> Iterator[int]:
    """The lines of all comments, with the blank lines after each."""
    for block in blocks:
        if block.kind != "html_block" or not block.tokens[0].content.lstrip().startswith("<!--"):
            continue
        content = block.tokens[0].content.strip()
        if "-->" not in content[4:]:
            sentence = "the comment that begins here has no end, so it hides the rest of the plan"
            problems.append(Problem(block.start + 1, sentence, "Close it with '-->'."))
        elif content.index("-->", 4) == len(content) - 3:
            end = block.end
            while end < len(lines) and not lines[end].strip():
                end += 1
            yield from range(block.start, end)


def _is_verbatim(block: Block) -> bool:
    return block.kind == "fence" and block.tokens[0].info.strip() == VERBATIM
