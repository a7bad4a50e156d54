"""The structured plan: front matter, context, ``## Contract``, and ``## Tasks`` with its headings."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from workbench.core.models import Plan
from workbench.core.plan import fields as plan_fields
from workbench.core.plan import page as plan_page
from workbench.core.plan import rules
from workbench.core.plan.draft import Draft, Front, Head, build
from workbench.core.plan.page import Block, Page
from workbench.errors import PlanError, Problem

HEADING = re.compile(
    r"(?:\[(?P<tick>[ xX~!-])\]\s+)?(?P<open>`?)(?P<id>[^\s:`]+)(?P=open)(?:\s*:\s*(?P<title>.*))?"
)
"""``id: title``, possibly behind a box: see ``core.plan.boxes``."""

TASK_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of top-level blocks from a heading of level 1 or 2 (None before the first)."""

    heading: Block | None
    blocks: list[Block]
    start: int
    end: int

    @property
    def name(self) -> str:
        """``contract`` and ``tasks`` are the two that mean something."""
        if self.heading is None or self.heading.level != 2:
            return ""
        return self.heading.text.strip().rstrip(":").lower()


def parse(text: str, path: str = "plan.md", standing: Container[str] = ()) -> Plan:
    """Read a structured plan. ``path`` is named in errors, and titles a plan that has no title. Tasks that
    are ticked are done and no part of it, except those that are ``standing``: what they are, a run knows
    better.

    Raises PlanError with every problem found, each at its line in the file.
    """
    page = plan_page.read(text, path)
    front = front_of(page)
    problems = [*page.problems, *front.problems]
    sections = list(sections_of(page))
    drafts = [*front.todos]
    head = read_head(page, front.head, sections, ("tasks",), path, problems)
    for section in sections:
        if section.name == "tasks":
            drafts.extend(_drafts(page, section, problems))
    for draft in drafts:
        draft.done = draft.done and draft.id not in standing
    return build(head, drafts, problems, path)


def front_of(page: Page) -> Front:
    """The front matter of a plan. YAML is imported for a plan that has some."""
    if page.front is None:
        return Front()
    from workbench.core.plan import front as plan_front

    return plan_front.read(page.front)


def is_structured(text: str) -> bool:
    """Whether ``parse`` is the way to read ``text``: it has todos, or below ``## Tasks`` a heading
    that reads ``id: title`` or is followed by fields; or something in it that ``parse`` explains,
    such as front matter that cannot be read. Never raises.
    """
    try:
        page = plan_page.read(text)
    except PlanError:
        return True
    front = front_of(page)
    if front.unread or front.todos:
        return True
    return any(
        _reads_as_task(page, heading, blocks)
        for section in sections_of(page)
        if section.name == "tasks"
        for heading, blocks in tasks_of(section)
    )


def read_head(
    page: Page,
    head: Head,
    sections: list[Section],
    task_names: tuple[str, ...],
    path: str,
    problems: list[Problem],
) -> Head:
    """Title, context and contract into ``head``, which the front matter may have begun.

    Whatever belongs to no task is context, wherever it stands; nothing of a plan is dropped.
    """
    title = next((s.heading for s in sections if s.heading and s.heading.level == 1), None)
    context = [head.context]
    once: dict[str, int] = {}
    for section in sections:
        line = section.start + 1
        if section.name in ("contract", *task_names):
            if section.name in once:
                sentence = f'"## {section.name.title()}" stands twice (see line {once[section.name]})'
                problems.append(Problem(line, sentence, "Make one section of the two."))
            once.setdefault(section.name, line)
        if section.name == "contract":
            head.contract = page.text(_below(section), section.end)
        elif section.name in task_names:
            first = next((heading for heading, _ in tasks_of(section)), None)
            context.append(page.text(_below(section), first.start if first else section.end))
        elif section.heading is title and title is not None:
            context.append(page.text(title.end, section.end))
        else:
            context.append(page.text(section.start, section.end))
    head.context = "\n\n".join(part for part in context if part)
    stem = path.replace("\\", "/").rpartition("/")[2]
    head.title = title.text if title and title.text else head.title or stem.partition(".")[0] or "plan"
    return head


def sections_of(page: Page) -> Iterator[Section]:
    heading: Block | None = None
    blocks: list[Block] = []
    for block in page.blocks:
        if block.kind == "heading" and block.level <= 2:
            yield Section(heading, blocks, heading.start if heading else 0, block.start)
            heading, blocks = block, []
        else:
            blocks.append(block)
    yield Section(heading, blocks, heading.start if heading else 0, len(page.lines))


def _below(section: Section) -> int:
    return section.heading.end if section.heading else section.start


def tasks_of(section: Section) -> Iterator[tuple[Block, list[Block]]]:
    """Each task's heading and the blocks below it."""
    heading: Block | None = None
    blocks: list[Block] = []
    for block in section.blocks:
        if block.kind == "heading" and block.level == TASK_LEVEL:
            if heading:
                yield heading, blocks
            heading, blocks = block, []
        else:
            blocks.append(block)
    if heading:
        yield heading, blocks


def _reads_as_task(page: Page, heading: Block, blocks: list[Block]) -> bool:
    match = HEADING.fullmatch(heading.text)
    if match and match["title"]:
        return True
    draft = Draft(id="", title="")
    plan_fields.take(page, blocks, draft)
    return bool(draft.lines)


def _drafts(page: Page, section: Section, problems: list[Problem]) -> Iterator[Draft]:
    tasks = list(tasks_of(section))
    for place, (heading, blocks) in enumerate(tasks):
        end = tasks[place + 1][0].start if place + 1 < len(tasks) else section.end
        draft = _draft(heading, problems)
        start, found = plan_fields.take(page, blocks, draft)
        draft.body = page.text(heading.end if start is None else start, end)
        problems.extend(found)
        yield draft


def _draft(heading: Block, problems: list[Problem]) -> Draft:
    line = heading.start + 1
    match = HEADING.fullmatch(heading.text)
    if match is None:
        id_ = rules.slug(heading.text) or f"task-{line}"
        sentence = (
            f"the heading {rules.show(heading.text)} has no task id" if heading.text else "a heading is empty"
        )
        problems.append(Problem(line, sentence, f"Write '### {id_}: {heading.text or 'title'}'."))
        return Draft(id_, heading.text or id_, line)
    title = (match["title"] or "").strip() or match["id"]
    return Draft(match["id"], title, line, done=match["tick"] in ("x", "X"))
