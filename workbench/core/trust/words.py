"""Trust in words: what a person decides about, and what a run goes by."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workbench.core.plain import UNPRINTABLE
from workbench.core.trust.items import CAN, Decision, Item, Kind, News, Trust

LONGEST = 120

MOST = 40
"""So many of one kind are shown by name."""


def lines(items: Collection[Item], since: News, *, most: int = MOST) -> Iterator[str]:
    """The list for a person: grouped by kind, each with what it can do, and what is new or changed."""
    for kind in Kind:
        found = sorted((item for item in items if item.kind is kind), key=lambda item: item.name)
        if not found:
            continue
        yield f"{kind}: {CAN[kind]}"
        unseen = sum(bool(since.of(item)) for item in found)
        # What a person has not seen yet is never among those left out.
        shown = sorted(found, key=lambda item: not since.of(item))[: max(most, unseen)]
        for item in sorted(shown, key=lambda item: item.name):
            mark = f"  [{since.of(item)}]" if since.of(item) else ""
            why = f"  {printable(item.why)}" if item.why else ""
            yield f"  {item.sha256[:12]}  {printable(item.name)}{why}{mark}"
        if len(found) > len(shown):
            yield f"  and {len(found) - len(shown)} more that were trusted before"
    for item in since.gone:
        yield f"gone since: {item.kind} {printable(item.name)}"


def printable(text: str) -> str:
    """A path or value on one line, without what would move a terminal's cursor."""
    plain = UNPRINTABLE.sub("?", text.replace("\n", " ").replace("\t", " "))
    plain = plain.encode("utf-8", "replace").decode()
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"


def standing(trust: Trust) -> tuple[str, str]:
    """How a run stands to its repository: a sentence, and what to do about it ("" for nothing)."""
    things = f"{trust.count} thing{'' if trust.count == 1 else 's'} that can run code or steer agents"
    if trust.how == "nothing":
        return "the repository has nothing that runs code or steers agents", ""
    if trust.trusted:
        said = {"always": "by the setting `trust`", "asked": "just now"}.get(trust.how)
        said = said or (f"as {trust.by} said" if trust.by else "as recorded")
        return f"the repository is trusted, {said}: {things}", ""
    said = {
        "never": "by the setting `trust`",
        "refused": "as you said",
        "unasked": "nobody has said so yet",
    }.get(trust.how, "nobody has said so yet")
    without = "teammates run without its CLAUDE.md, .claude, git hooks and filters"
    return (
        f"the repository is not trusted ({said}): {without} ({things})",
        "`workbench trust` shows and records them; a job is told by WORKBENCH_TRUST=always",
    )


def sentence(decision: Decision, when: str) -> str:
    """A decision that was recorded."""
    return (
        f"trusted by {printable(decision.by)} on {when}: {len(decision.items)} things, {decision.sha256[:16]}"
    )
