"""The plan as files beside a run: what is shown, what is proposed, and what is left alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from workbench.core import events as e
from workbench.core.changing import OWN, open_change
from workbench.core.mail import PERSON
from workbench.core.plan import parse, sha256
from workbench.core.requests import Answer, ProposeChange
from workbench.engine.planfiles import PlanView
from workbench.testing.story import Story

TEXT = "# P\n\n## Tasks\n\n### a: Do a\n\n### [ ] b: Do b\n- after: a\n"
C = "\n### c: Do c\n"


@dataclass
class File:
    """A file in memory; ``write`` is what somebody else does."""

    name: str
    text: str | None = None
    _news: bool = True

    def write(self, text: str | None) -> None:
        self.text, self._news = text, True

    def changed(self, wait: bool = True) -> str | None:
        news, self._news = self._news, False
        return self.text if news else None

    def replace(self, before: str, text: str) -> bool:
        if (self.text or "") != before:
            return False
        self.text = text
        return True


@dataclass
class Files:
    own: File = field(default_factory=lambda: File("own"))
    theirs: File = field(default_factory=lambda: File("plan.md", TEXT))
    approved: list[tuple[str, str]] = field(default_factory=list)

    def at(self, path: str) -> File:
        return self.theirs

    def approve_again(self, before: str, text: str) -> None:
        self.approved.append((before, text))


class Scene:
    """A played run with its files. ``look`` is a round of looking and writing, and plays what comes of it."""

    def __init__(self, **settings: object) -> None:
        plan = parse(TEXT)
        self.story = Story(*plan.tasks, team=("ada",), **settings)
        first = self.story.log[0].event
        assert isinstance(first, e.RunStarted)
        self.story.log[0] = e.Record(
            1,
            1.0,
            first.model_copy(update={"plan": plan, "plan_file": "/p/plan.md", "plan_sha256": sha256(TEXT)}),
        )
        self.story.restart()
        self.files = Files()
        self.resumed()

    def resumed(self) -> None:
        """A new process looks."""
        self.emitted: list[e.Event] = []
        self.files.own._news = self.files.theirs._news = True
        self.view = PlanView(self.story.state, self.files, self.emitted.append)
        self.seen = len(self.story.log)
        self.view.committed(self.story.log[0].event)

    async def look(self) -> list[str]:
        """The types of what was emitted."""
        for record in self.story.log[self.seen :]:
            self.view.committed(record.event)
        self.seen = len(self.story.log)
        await self.view._round()
        said, self.emitted[:] = list(self.emitted), []
        for event in said:
            self.story.send(event)
        return [type(event).__name__ for event in said]

    def answer(self, decision: str) -> None:
        ask = open_change(self.story.state)
        assert ask is not None
        request = Answer.model_validate({"message": ask.message.id, "decision": decision})
        self.story.send(e.RequestMade(id=f"{len(self.story.log):08x}", by=PERSON, request=request))

    def propose(self, text: str) -> None:
        request = ProposeChange(text=text, approved=True)
        self.story.send(e.RequestMade(id=f"{len(self.story.log):08x}", by=PERSON, request=request))

    @property
    def own(self) -> str:
        assert self.files.own.text is not None
        return self.files.own.text


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    assert await scene.look() == []
    return scene


async def test_boxes_follow_the_tasks(scene: Scene) -> None:
    assert "### [~] a" in scene.own and "### [ ] b" in scene.own
    scene.story.deliver("a")
    scene.story.land("a")
    assert await scene.look() == []
    assert "### [x] a" in scene.own and "### [~] b" in scene.own
    scene.story.send(e.AttemptFailed(task="b", attempt=1, reason="no", final=True))
    await scene.look()
    assert "### [!] b" in scene.own
    assert scene.files.theirs.text == TEXT


async def test_with_write_back_only_what_landed_is_ticked_and_stays_approved() -> None:
    scene = Scene(write_back=True)
    await scene.look()
    assert scene.files.theirs.text == TEXT
    scene.story.deliver("a")
    scene.story.land("a")
    assert await scene.look() == []
    ticked = TEXT.replace("### a", "### [x] a")
    assert scene.files.theirs.text == ticked and scene.files.approved == [(TEXT, ticked)]
    assert await scene.look() == []
    scene.resumed()
    assert await scene.look() == [], "a new process takes no tick for a change"


@pytest.mark.parametrize("where", ["own", "theirs"])
async def test_a_changed_file_is_proposed_once(scene: Scene, where: str) -> None:
    file = getattr(scene.files, where)
    file.write(file.text + C)
    assert await scene.look() == ["PlanChangeProposed"]
    assert await scene.look() == []
    scene.story.deliver("a")
    scene.story.land("a")
    assert await scene.look() == []
    assert file.text.endswith(C), "what somebody wrote stays until it is settled"
    scene.resumed()
    assert await scene.look() == [], "a new process knows that it is asked about"
    scene.answer("yes")
    assert await scene.look() == []
    assert "### [ ] c: Do c" in scene.own and "c" in scene.story.state.tasks
    scene.resumed()
    assert await scene.look() == []


async def test_a_no_is_remembered_and_puts_the_own_file_back(scene: Scene) -> None:
    before = scene.own
    for file in (scene.files.theirs, scene.files.own):
        file.write(f"{file.text}{C}")
        assert await scene.look() == ["PlanChangeProposed"]
        scene.answer("no")
        assert await scene.look() == []
    assert scene.own == before and scene.files.theirs.text == TEXT + C
    scene.files.theirs.write(TEXT + C + "\n### d: Do d\n")
    assert await scene.look() == ["PlanChangeProposed"]
    proposed = scene.story.state.proposed
    assert proposed is not None and [it.id for it in proposed.change.added] == ["c", "d"], "it still says so"


async def test_what_is_taken_back_in_the_file_is_not_asked_any_more(scene: Scene) -> None:
    scene.files.theirs.write(TEXT + C)
    await scene.look()
    scene.files.theirs.write(TEXT)
    assert await scene.look() == ["PlanChangeDropped"]
    assert open_change(scene.story.state) is None


async def test_a_change_made_elsewhere_drops_nothing_that_a_file_does_not_know(scene: Scene) -> None:
    scene.propose(TEXT + C)
    assert await scene.look() == [] and "### [ ] c: Do c" in scene.own
    scene.files.theirs.write(TEXT + "\n### d: Do d\n")
    assert await scene.look() == ["PlanChangeProposed"]
    proposed = scene.story.state.proposed
    assert proposed is not None and not proposed.change.dropped
    assert [it.id for it in proposed.change.added] == ["d"]


async def test_what_waits_behind_another_proposal_comes_when_that_is_settled(scene: Scene) -> None:
    scene.files.own.write(scene.own + C)
    await scene.look()
    scene.files.theirs.write(TEXT + "\n### d: Do d\n")
    assert await scene.look() == ["PlanChangeProposed"]
    scene.answer("yes")
    assert await scene.look() == ["PlanChangeProposed"]
    proposed = scene.story.state.proposed
    assert proposed is not None and proposed.source == OWN
    scene.answer("yes")
    await scene.look()
    assert set(scene.story.state.tasks) == {"a", "b", "c", "d"}
    assert {"c", "d"} <= {it.id for it in parse(scene.own, standing="abcd").tasks}


async def test_a_box_set_by_hand_is_said_and_means_nothing(scene: Scene) -> None:
    scene.files.theirs.write(TEXT.replace("[ ] b", "[x] b"))
    assert await scene.look() == ["Noticed"]
    scene.files.own.write(scene.own.replace("[ ] b", "[x] b"))
    assert await scene.look() == ["Noticed"]
    assert open_change(scene.story.state) is None and not scene.story.state.proposed
    assert await scene.look() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT + "\n### c: C\n- after: z\n", 'line 11: "c" waits for "z"'),
        ("", "the plan is empty"),
        (TEXT + "<<<<<<< HEAD\n", "conflict markers"),
        (TEXT.replace("# P", "---\nteam: 9\n---\n# P"), "team of the front matter"),
    ],
)
async def test_what_is_no_plan_is_said_once_and_never_written(text: str, said: str) -> None:
    scene = Scene(write_back=True)
    await scene.look()
    scene.files.own.write(text)
    for file in (scene.files.own,):
        file.write(text)
        await scene.view._round()
        (odd,) = scene.emitted
        assert isinstance(odd, e.Noticed) and said in odd.sentence
        scene.emitted.clear()
        file.write(text)
        await scene.view._round()
        assert not scene.emitted


async def test_a_users_file_in_conflict_is_not_ticked() -> None:
    scene = Scene(write_back=True)
    await scene.look()
    broken = TEXT + "<<<<<<< HEAD\n"
    scene.files.theirs.write(broken)
    assert await scene.look() == ["Noticed"]
    scene.story.deliver("a")
    scene.story.land("a")
    await scene.look()
    assert scene.files.theirs.text == broken


async def test_with_ignore_nothing_is_proposed_and_boxes_are_set_all_the_same() -> None:
    scene = Scene(on_change="ignore", write_back=True)
    await scene.look()
    scene.files.theirs.write(TEXT + C)
    scene.story.deliver("a")
    scene.story.land("a")
    assert await scene.look() == []
    assert scene.files.theirs.text == TEXT.replace("### a", "### [x] a") + C


async def test_a_file_that_fails_costs_the_run_nothing() -> None:
    scene = Scene()

    def full(before: str, text: str) -> bool:
        raise OSError("no space left")

    scene.files.own.replace = full  # type: ignore[method-assign]
    going = asyncio.ensure_future(scene.view.go())
    scene.view.close()
    await going
    (odd,) = scene.emitted
    assert isinstance(odd, e.Noticed) and "no space left" in odd.sentence


async def test_the_end_is_shown_at_once() -> None:
    scene = Scene()
    going = asyncio.ensure_future(scene.view.go())
    await asyncio.sleep(0)
    scene.story.deliver("a")
    scene.story.land("a")
    scene.view.close()
    await going
    assert "### [x] a" in scene.own
