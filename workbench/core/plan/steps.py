"""A plain plan, split by its structure alone: headings and lists, in the order they stand.

The steps are the first of these that there is, sections of context (Context, Testing, Risks…) apart:
1. below a heading such as Steps or Implementation: its sub-headings, or else its list;
2. headings with numbers (``## 2. Parse``, ``### Step 2: Parse``), the outermost level that has any;
3. items of numbered lists; 4. items of checklists; 5. other headings, the outermost level below the
title; 6. items of plain lists.

Each step waits for the one before it, also where nothing is numbered: the order of the text is all that
the text says, and a later step may well build on an earlier one. Whoever approves the result can
remove an ``after`` where two steps are independent. Ticked steps are left out. Whatever is in no step
is context, so nothing of the text is lost.
"""

from __future__ import annotations

import re
import textwrap
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt

from workbench.core.models import Plan
from workbench.core.plan import page as plan_page
from workbench.core.plan import rules
from workbench.core.plan.draft import Draft, build
from workbench.core.plan.page import Block, Page
from workbench.core.plan.parse import front_of
from workbench.errors import PlanError, Problem

STEPS = re.compile(
    "steps|step-by-step|implementation|plan|tasks?|task list|to-?dos?|to do|checklist|phases|milestones|work|"
    "(?:proposed |planned )?changes|action items"
)
CONTEXT = re.compile(
    "context|overview|background|summary|goals?|objectives?|motivation|introduction|purpose|problem|"
    "problem statement|verification|verify|tests?|testing|validation|qa|risks?|mitigations|notes|assumptions|"
    "constraints|scope|out of scope|non-goals|(?:open )?questions|references|success|acceptance|rollback|"
    "timeline|(?:critical |key |relevant )?files|files to (?:modify|change|create)|alternatives|"
    "(?:key )?decisions|current state|requirements|architecture|design|dependencies|prerequisites|"
    "table of contents|appendix"
)
SUFFIX = re.compile(r"\s+(?:plan|strategy|steps|notes|considerations|criteria)$")

BOX = re.compile(r"\[(?P<tick>[ xX])\]\s+")
NUMBER = re.compile(
    r"(?:(?:step|phase|task|part|stage|milestone)\s+\d+(?:\.\d+)*|\d+(?:\.\d+)*(?=[.):])|\d+(?:\.\d+)+(?=\s))"
    r"\s*[.):\u2013\u2014-]*\s*",
    re.IGNORECASE,
)
MARKER = re.compile(r"\s*(?:[-*+]|\d+[.)])(?:\s+|$)")
BOLD = re.compile(r"(?:\*\*|__)(?P<text>.+?)(?:\*\*|__)", re.DOTALL)

TITLE_LENGTH = 80
FILE = re.compile(r"[\w.@+*?{}\[\],-]+(?:/[\w.@+*?{}\[\],-]+)*/?")
EXTENSIONS = re.compile(
    "astro|bat|c|cc|cfg|cjs|cljs?|conf|cpp|cs|css|csv|cts|dart|env|exs?|go|gradle|graphql|h|hpp|hs|html?|ini|ipynb|"
    "java|js|jsonc?|jsx|kts?|less|lock|lua|m|md|mdx|mjs|mli?|mts|php|pl|plist|prisma|proto|ps1|pyi?|r|rb|rs|rst|"
    "sass|scala|scss|sh|sql|svelte|svg|swift|tcss|tf|toml|ts|tsx|txt|vue|xml|ya?ml|zig"
)
"""What the name of a file without a folder must end in, so that ``os.path`` is not taken for one."""


@dataclass(slots=True)
class Part:
    """A heading with all below it, to the next of its level or above: lines ``start`` to ``end``.

    The first part has no heading. ``blocks`` are its own, before any sub-heading. ``apart`` means
    that no steps are looked for in it: context, the contract, and what is below them.
    """

    heading: Block | None
    start: int
    end: int
    level: int
    apart: bool
    is_title: bool = False
    blocks: list[Block] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.heading.text.strip() if self.heading else ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step on lines ``start`` to ``end``; ``body`` is all its text unless the title says it all,
    ``first`` its heading or first line as it was written."""

    start: int
    end: int
    first: str
    title: str
    body: str
    done: bool


def split(text: str, path: str = "plan.md") -> Plan:
    """Split a plain plan; see the module for how. Front matter and ``## Contract`` count as in a
    structured one. Raises PlanError when there are no steps, or with all that is wrong.
    """
    page = plan_page.read(text, path)
    front = front_of(page)
    problems = [*page.problems, *front.problems]
    parts = _parts(page)
    steps = _steps(page, [part for part in parts if not part.apart])
    if not steps and not problems:
        hint = "Write a numbered list of steps, or '## Tasks' and a heading '### id: title' for each task."
        raise PlanError([Problem(0, "no steps were found in this plan", hint)], path)
    if len(steps) > rules.MAX_TASKS:
        sentence = f"the plan has {len(steps):,} steps, more than {rules.MAX_TASKS:,}"
        raise PlanError(
            [*problems, Problem(steps[rules.MAX_TASKS].start + 1, sentence, "Make several plans.")], path
        )
    head = front.head
    stem = path.replace("\\", "/").rpartition("/")[2].partition(".")[0]
    title = next((part for part in parts if part.is_title), None)
    head.title = (title.text if title else "") or head.title or stem or "plan"
    contracts = [part for part in parts if _is_contract(part)]
    head.contract = "\n\n".join(page.text(part.start + 1, part.end) for part in contracts)
    taken = [(part.start, part.end) for part in contracts] + [(step.start, step.end) for step in steps]
    rest = _rest(page, parts, taken)
    head.context = "\n\n".join(part for part in (head.context, rest) if part)
    return build(head, list(_drafts(steps)), problems, path)


# -- parts -------------------------------------------------------------------------------------------


def _parts(page: Page) -> list[Part]:
    """All headings in order, each with its extent; parts of parts are in the list too."""
    root = Part(None, 0, len(page.lines), 0, False)
    parts, open_, has_title = [root], [root], False
    for block in page.blocks:
        if block.kind != "heading":
            parts[-1].blocks.append(block)
            continue
        while open_[-1].level >= block.level:
            open_.pop().end = block.start
        part = Part(block, block.start, len(page.lines), block.level, False)
        part.is_title = block.level == 1 and not has_title
        has_title = has_title or part.is_title
        # "## 4. Risks" is a chapter; "### 3. Tests" in a series of steps is one of them.
        chapter = not part.is_title and not (block.level > 2 and NUMBER.match(part.text))
        part.apart = open_[-1].apart or _is_contract(part) or (chapter and _named(part.text, CONTEXT))
        parts.append(part)
        open_.append(part)
    return parts


def _is_contract(part: Part) -> bool:
    return part.level == 2 and part.text.rstrip(":").lower() == "contract"


def _named(heading: str, names: re.Pattern[str]) -> bool:
    """Whether a heading says one of ``names``: ``3. Risks & open questions`` says risks."""
    words = NUMBER.sub("", heading, count=1) if NUMBER.match(heading) else heading
    words = words.strip(" *_`:.").lower()
    first = SUFFIX.sub("", re.split(r"\s*(?:[/&,:(]|\band\b)\s*", words)[0])
    return bool(names.fullmatch(words) or names.fullmatch(first))


# -- steps -------------------------------------------------------------------------------------------


def _steps(page: Page, parts: list[Part]) -> list[Step]:
    """The steps, from whichever of the module's six places has any. ``parts`` are without those apart."""
    named = [part for part in parts if part.level and not part.is_title and _named(part.text, STEPS)]
    starts = [part.start for part in parts]
    steps = []
    for place, part in enumerate(named):
        if (
            place + 1 == len(named) or named[place + 1].start >= part.end
        ):  # the innermost, where one is inside another
            inside = parts[bisect_right(starts, part.start) : bisect_left(starts, part.end)]
            steps += _parts_as_steps(page, inside) or _any_items(page, [part])
    if steps:
        return steps
    steps_headings = {part.start for part in named}
    others = [p for p in parts if p.level and not p.is_title and p.start not in steps_headings]
    return (
        _parts_as_steps(page, [part for part in others if NUMBER.match(part.text)])
        or _items(page, parts, "numbered")
        or _items(page, parts, "boxes")
        or _parts_as_steps(page, others)
        or _items(page, parts, "plain")
    )


def _any_items(page: Page, parts: list[Part]) -> list[Step]:
    return _items(page, parts, "numbered") or _items(page, parts, "boxes") or _items(page, parts, "plain")


def _parts_as_steps(page: Page, parts: list[Part]) -> list[Step]:
    """The outermost level of ``parts``, each as a step."""
    level = min((part.level for part in parts), default=0)
    steps = []
    for part in parts:
        if part.level == level and part.heading:
            box = BOX.match(part.text)
            text = part.text[box.end() :] if box else part.text
            text = NUMBER.sub("", text, count=1) if NUMBER.match(text) else text
            body = page.text(part.heading.end, part.end)
            done = box is not None and box["tick"] != " "
            steps.append(Step(part.start, part.end, part.text, _title(text or part.text), body, done))
    return steps


def _items(page: Page, parts: Sequence[Part], kind: str) -> list[Step]:
    """Items of the lists right below the headings of ``parts``: numbered, with boxes, or plain."""
    steps = []
    for part in parts:
        under = "" if part.level <= 1 or _named(part.text, STEPS) else part.text
        for block in part.blocks:
            if block.kind == ("ordered_list" if kind == "numbered" else "bullet_list"):
                items = [_item(page, node.map or (0, 0), under) for node in block.node.children]
                steps += [item for has_box, item in items if item.title and (has_box or kind != "boxes")]
    return steps


def _item(page: Page, lines: tuple[int, int], under: str) -> tuple[bool, Step]:
    """A list item as a step, and whether it has a box to tick."""
    start, end = lines
    first = MARKER.sub("", page.lines[start], count=1)
    box = BOX.match(first)
    rest = textwrap.dedent("\n".join(page.lines[start + 1 : end]))
    text = plan_page.trim(f"{first[box.end() :] if box else first}\n{rest}")
    bold = BOLD.match(text)
    title = _title(bold["text"] if bold else text.strip().partition("\n")[0])
    body = "" if title == _title(text) and len(text) <= TITLE_LENGTH and "\n" not in text else text
    if under:
        body = f'Part of "{under}".\n\n{body}'.rstrip()
    return box is not None, Step(start, end, first, title, body, box is not None and box["tick"] != " ")


def _title(text: str) -> str:
    """One short line without Markdown's marks."""
    line = " ".join(text.replace("**", "").replace("__", "").replace("`", "").split()).rstrip(" :.;,")
    if len(line) > TITLE_LENGTH:
        line = line[:TITLE_LENGTH].rpartition(" ")[0] or line[:TITLE_LENGTH]
        line = line.rstrip(" :.;,") + "…"
    return line


# -- what becomes of them ----------------------------------------------------------------------------


def _drafts(steps: list[Step]) -> Iterator[Draft]:
    taken: dict[str, int] = {}
    before: tuple[str, ...] = ()
    for step in steps:
        if step.done:
            yield Draft(_fresh_id(step.title, taken), step.title, step.start + 1, done=True)
            continue
        id_ = _fresh_id(step.title, taken)
        files = tuple(dict.fromkeys(_files(f"{step.first}\n\n{step.body}")))
        yield Draft(id_, step.title, step.start + 1, body=step.body, after=before, files=files)
        before = (id_,)


def _fresh_id(title: str, taken: dict[str, int]) -> str:
    """An id made from ``title`` that is not yet in ``taken``, where it and its last number are noted."""
    base = rules.slug(title) or "task"
    id_ = base
    while id_ in taken:
        taken[base] += 1
        id_ = f"{base}-{taken[base]}"
    taken[id_] = 1
    return id_


def _files(text: str) -> Iterator[str]:
    """Paths of files that stand in backticks, outside of code blocks."""
    for token in MarkdownIt("commonmark").parse(text):
        for child in token.children or ():
            if child.type == "code_inline":
                path = re.sub(r":\d+(?:-\d+)?$|::.*$", "", child.content.strip()).removeprefix("./")
                if _is_file(path) and not list(rules.glob_problems(path, 0)):
                    yield path


def _is_file(path: str) -> bool:
    if not FILE.fullmatch(path):
        return False
    name = path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    is_known = EXTENSIONS.fullmatch(extension) is not None
    if "/" in path:
        return not name or "*" in path or is_known or (name[0] == "." and len(name) > 1)
    return is_known


def _rest(page: Page, parts: list[Part], taken: list[tuple[int, int]]) -> str:
    """All text outside of the lines ``taken``, without the title and headings that are left empty."""
    left = set(range(len(page.lines))).difference(*(range(start, end) for start, end in taken))
    pieces: list[str] = []
    last_kept = below = len(page.lines)
    for part in reversed(parts):  # from the end, to know what is left under a heading
        own = range(part.heading.end if part.heading else 0, below)
        text = plan_page.trim("\n".join(line for i, line in page.shown(own.start, own.stop) if i in left))
        below = part.start
        if part.heading and not part.is_title and part.start in left and (text or last_kept < part.end):
            text = "\n".join([*page.lines[part.start : part.heading.end], "", text]).rstrip()
        if text:
            pieces.append(text)
            last_kept = part.start
    return "\n\n".join(reversed(pieces))
