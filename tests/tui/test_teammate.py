"""The screen of one teammate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.conftest import git
from tests.tui.conftest import NAMES, Opened, screen_text
from workbench.adapters.git.administration import establish, linked_at
from workbench.composition.place import Place, open_place
from workbench.composition.watching import Piece
from workbench.core import events as e
from workbench.core.events import Record
from workbench.core.models import Plan, RunSettings, Task, Usage
from workbench.core.requests import Request, RequestShutdown
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.task import TaskScreen
from workbench.tui.screens.teammate import TeammateScreen
from workbench.tui.screens.write import WriteScreen
from workbench.tui.widgets.diff import DiffView
from workbench.tui.widgets.passages import Passages

SESSION = "0d46beac-8d68-47c8-9cb2-d7e8726832f2"


@asynccontextmanager
async def on(opened: Opened, log: str, **more: Any) -> AsyncIterator[tuple[Pilot[None], TeammateScreen]]:
    """The screen of the teammate of a recorded run that had most attempts."""
    async with opened(log, **more) as pilot:
        app = pilot.app
        assert isinstance(app, WorkbenchApp)
        mates = app.watched.state.teammates.values()
        app.open_teammate(max(mates, key=lambda it: len(it.tried)).name)
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, TeammateScreen)
        yield pilot, screen


def attempts(screen: TeammateScreen) -> list[tuple[str, int]]:
    return screen.bench.watched.state.teammates[screen.teammate].tried


@pytest.mark.parametrize(("log", "size"), list(zip(NAMES, ((80, 24), (200, 60), (100, 30)), strict=True)))
async def test_it_says_who_and_what(opened: Opened, log: str, size: tuple[int, int]) -> None:
    async with on(opened, log, size=size) as (pilot, screen):
        text = screen_text(pilot)
        task, number = attempts(screen)[-1]
        assert screen.teammate in text and task in text and f"attempt {number}" in text
        assert "▸Transcript" in text and "from the run's events" in text
        assert all(len(line) <= size[0] for line in text.splitlines())


async def test_panes_follow_each_other(opened: Opened) -> None:
    async with on(opened, "quiet", size=(80, 24)) as (pilot, screen):
        for key, pane in (
            ("tab", "diff"), ("l", "marks"), ("tab", "transcript"), ("h", "marks"), ("shift+tab", "diff"),
            ("T", "transcript"), ("M", "marks"), ("D", "diff"),
        ):  # fmt: skip
            await pilot.press(key)
            assert screen.focused is screen.query_one(f"#{pane}")
            assert [it.id for it in screen.query("#area > *") if it.display] == [pane]
        assert "This is a recording" in screen_text(pilot)
        row = next(line for line in screen_text(pilot).splitlines() if "Markers" in line)
        await pilot.click("#panes", offset=(row.index("Markers"), 0))
        assert screen.focused is screen.query_one("#marks")


async def test_panes_stand_beside_each_other_where_there_is_room(opened: Opened) -> None:
    async with on(opened, "quiet", size=(200, 50)) as (pilot, screen):

        def shown() -> list[str | None]:
            return [it.id for it in screen.query("#area > *") if it.display]

        assert shown() == ["transcript", "diff"]
        await pilot.press("M")
        assert shown() == ["transcript", "marks"]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert shown() == ["marks"]


async def test_earlier_attempts_can_be_looked_at(opened: Opened) -> None:
    async with on(opened, "quiet") as (pilot, screen):
        tried = attempts(screen)
        assert len(tried) > 1
        for key, place in (
            ("left_square_bracket", -2),
            ("right_square_bracket", -1),
            ("right_square_bracket", -1),
        ):
            await pilot.press(key)
            assert screen.attempt is not None
            assert (screen.attempt.task, screen.attempt.number) == tried[place]
        assert f"{len(tried)} of its {len(tried)} attempts" in screen_text(pilot)


async def test_one_goes_on_to_its_task_and_writes_to_it(opened: Opened) -> None:
    async with on(opened, "quiet") as (pilot, screen):
        await pilot.press("t")
        task = pilot.app.screen
        assert isinstance(task, TaskScreen)
        assert task.name_of_task == attempts(screen)[-1][0]
        await pilot.press("escape", "m")
        assert isinstance(pilot.app.screen, WriteScreen)
        assert f"To {screen.teammate}" in screen_text(pilot)


async def test_w_asks_it_to_leave_once_that_is_confirmed(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Request] = []
    monkeypatch.setattr(WorkbenchApp, "ask", lambda self, request, done: asked.append(request))
    async with on(opened, "quiet") as (pilot, screen):
        await pilot.press("w", "escape")
        assert not asked
        await pilot.press("w", "y")
        assert asked == [RequestShutdown(teammate=screen.teammate)]


async def test_a_recording_has_nothing_to_go_to(opened: Opened) -> None:
    async with on(opened, "quiet") as (pilot, _):
        for count, key in enumerate(("s", "a"), 1):
            await pilot.press(key)
            said = [it.message for it in pilot.app._notifications]
            assert said == ["This is a recording: its worktrees and transcripts are not here."] * count


async def test_the_filter_holds_for_what_was_said_and_done(opened: Opened) -> None:
    async with on(opened, "quiet") as (pilot, screen):
        pane = screen.query_one("#transcript", Passages)
        every = len(pane.passages)
        await pilot.press("slash")
        screen.query_one("#filter", Input).value = "bash"
        await pilot.pause()
        assert 0 < len(pane.passages) < every
        assert f"of {every} match" in screen_text(pilot)
        await pilot.press("enter")
        assert screen.focused is pane
        await pilot.press("escape")
        assert len(pane.passages) == every


async def test_it_stays_at_its_end_until_one_goes_elsewhere(opened: Opened) -> None:
    async with on(opened, "quiet", upto=150, live=True, size=(80, 16)) as (pilot, screen):
        pane = screen.query_one("#transcript", Passages)
        more = [replaced(it, f"more{number}") for number, it in enumerate(pane.passages)]
        assert pane.following and pane.cursor == pane.count - 1
        pane.show([*pane.passages, *more])
        assert pane.cursor == pane.count - 1
        await pilot.press("k", "k")
        before = (pane.cursor, pane.scroll_offset.y)
        pane.show([*pane.passages, *[replaced(it, f"again{it.key}") for it in more]])
        await pilot.pause()
        assert (pane.cursor, pane.scroll_offset.y) == before
        assert "not following" in screen_text(pilot)
        await pilot.press("G")
        assert pane.following


def replaced(passage: Any, key: str) -> Any:
    from dataclasses import replace

    return replace(passage, key=key)


# -- a run whose worktree and transcript are here -----------------------------------------------------


class Records:
    """A source that gives these records, then those that ``more`` is given."""

    def __init__(self, *events: e.Event) -> None:
        self.run = "r"
        self.queue: asyncio.Queue[Piece] = asyncio.Queue()
        self.last = 0
        self.more(*events)

    def more(self, *events: e.Event) -> None:
        records = tuple(
            Record(self.last + it, 1_795_285_121.0 + self.last, event) for it, event in enumerate(events, 1)
        )
        self.last += len(events)
        self.queue.put_nowait(Piece(records, self.last, live=True))

    async def pieces(self) -> AsyncIterator[Piece]:
        """See Source."""
        while True:
            yield await self.queue.get()


class Here:
    """A run with one teammate at work, in a real repository."""

    def __init__(self, place: Place, tree: Path, transcript: Path) -> None:
        self.place, self.tree, self.transcript = place, tree, transcript
        head = git(place.root, "rev-parse", "HEAD")
        plan = Plan(title="P", tasks=(Task(id="one", title="The one", body="Do it."),))
        settings = RunSettings(team=("ada",), no_gates=True)
        start = e.RunStarted(
            plan=plan, settings=settings, base=head, base_tree=git(place.root, "rev-parse", "HEAD^{tree}"),
            target="main", integration="refs/heads/workbench/r/integration", environment="env",
            plan_path="plan.md", plan_sha256="0" * 64, plan_text="# P",
        )  # fmt: skip
        self.source = Records(
            start,
            e.AttemptStarted(task="one", attempt=1, teammate="ada", nonce="n", start=head, why="first"),
            e.WorktreeReady(teammate="ada", path=str(tree), branch="workbench/r/ada", seconds=0.1),
            e.AgentStarted(task="one", attempt=1, pid=1, session=SESSION),
        )

    def writes(self, kind: str, content: Any) -> None:
        said = {
            "type": kind,
            "timestamp": "2026-11-21T18:18:41.500Z",
            "message": {"role": kind, "content": content},
        }
        with self.transcript.open("a") as file:
            file.write(json.dumps(said, separators=(",", ":")) + "\n")


@pytest.fixture
async def here(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    transcript = tmp_path / "claude" / "projects" / "-tree" / f"{SESSION}.jsonl"
    transcript.parent.mkdir(parents=True)
    place = await open_place(repo)
    git(repo, "branch", "workbench/r/ada")
    git(repo, "branch", "workbench/r/integration")
    tree = tmp_path / "tree"
    establish(linked_at(tree, place.repository.common_dir), "ref: refs/heads/workbench/r/ada", "test")
    git(tree, "reset", "-q", "--hard")
    return Here(place, tree, transcript)


@asynccontextmanager
async def visited(
    here: Here, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[tuple[Pilot[None], TeammateScreen]]:
    app = WorkbenchApp(here.place, here.source)
    async with app.run_test(size=size) as pilot:
        while app.watched.state.seq < here.source.last:
            await pilot.pause()
        app.open_teammate("ada")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, TeammateScreen)
        yield pilot, screen


async def shows(pilot: Pilot[None], text: str) -> str:
    """The screen, once it shows ``text``; fails with what it shows instead."""
    try:
        async with asyncio.timeout(8):
            while text not in (seen := screen_text(pilot)):
                await pilot.pause(0.02)
    except TimeoutError:
        pytest.fail(f"{text!r} is not to be seen:\n{screen_text(pilot)}")
    return seen


async def test_a_transcript_is_followed_and_its_tools_unfold(here: Here) -> None:
    here.writes("user", "# one: The one\n\nDo it.")
    async with visited(here, size=(80, 16)) as (pilot, screen):
        await shows(pilot, "brief # one: The one")
        given = {"file_path": f"{here.tree}/src/app.py"}
        here.writes("assistant", [{"type": "tool_use", "id": "u1", "name": "Read", "input": given}])
        seen = await shows(pilot, "Read src/app.py")
        assert "◌ ▸ Read" in seen and "the answer" not in seen
        answer = "the answer\n" + "and more\n" * 10
        here.writes("user", [{"type": "tool_result", "tool_use_id": "u1", "content": answer}])
        await shows(pilot, "11 lines")
        await pilot.press("space")
        seen = await shows(pilot, "out │ the answer")
        assert "in │ src/app.py" in seen
        assert screen.copied().startswith("Read src/app.py")
        await pilot.press("enter")
        assert "the answer" not in screen_text(pilot)
        await pilot.press("z", "g")
        assert "the answer" in screen_text(pilot) and "Do it." in screen_text(pilot)


async def test_what_no_transcript_tells_comes_from_the_events(here: Here) -> None:
    here.writes("user", "# one: The one")
    here.writes("user", "The gate `make` is red.")
    async with visited(here) as (pilot, _):
        await shows(pilot, "transcript")
        here.source.more(
            e.Told(task="one", attempt=1, kind="gate_red", text="The gate `make` is red.\n"),
            e.AgentRetried(task="one", attempt=1, status=529, error="overloaded", delay_seconds=1.0),
            e.ActionDenied(task="one", attempt=1, tool="Write", target="/etc/passwd", reason="outside"),
        )
        seen = await shows(pilot, "denied Write /etc/passwd outside")
        assert "told: a gate is red The gate `make` is red." in seen
        assert "model's API failed: HTTP 529 overloaded" in seen


async def test_what_an_agent_writes_is_text_and_nothing_else(here: Here) -> None:
    here.writes(
        "assistant", [{"type": "text", "text": "[red]not[/red] \x1b[31mred\x1b[0m [@click=app.exit]no[/]"}]
    )
    async with visited(here) as (pilot, _):
        await shows(pilot, "[red]not[/red]  [31mred [0m [@click=app.exit]no[/]")


async def test_the_diff_is_read_and_read_again(here: Here) -> None:
    (here.tree / "new.txt").write_text("hello\n")
    async with visited(here) as (pilot, screen):
        await pilot.press("D")
        await shows(pilot, "new.txt (new)")
        assert "Diff +1 -0" in screen_text(pilot)
        (here.tree / "new.txt").write_text("hello\nagain\n")
        await pilot.press("r")
        await shows(pilot, "+again")
        assert screen.copied() == "new.txt"


async def test_a_worktree_that_vanishes_is_a_sentence(here: Here) -> None:
    here.tree.rename(here.tree.with_name("elsewhere"))
    async with visited(here) as (pilot, screen):
        await pilot.press("D")
        await shows(pilot, "is gone")
        assert not screen.query_one("#diff", DiffView).patch.files
        await pilot.press("s")
        assert any("is gone" in str(it.message) for it in pilot.app._notifications)


async def test_a_terminal_that_cannot_be_lent_gets_the_command(here: Here) -> None:
    here.writes("user", "# one")
    async with visited(here) as (pilot, _):
        for key, said in (("s", f"cd {here.tree}"), ("a", f"--resume {SESSION} --fork-session")):
            await pilot.press(key)
            async with asyncio.timeout(8):
                while not any(said in str(it.message) for it in pilot.app._notifications):
                    await pilot.pause(0.02)


async def test_its_markers_and_mail_stand_in_order(here: Here) -> None:
    async with visited(here) as (pilot, _):
        await pilot.press("M")
        await shows(pilot, "No marker yet")
        here.source.more(
            e.MarkerReceived(task="one", attempt=1, name="1.json", kind="progress", note="half", percent=50),
        )
        seen = await shows(pilot, "progress 50% half")
        assert "Markers and mail 1" in seen


async def test_one_that_never_worked_says_so(here: Here) -> None:
    here.source = Records(*[it.event for it in here.source.queue.get_nowait().records][:1])
    async with visited(here) as (pilot, _):
        seen = await shows(pilot, "has not worked yet; what it says")
        assert "○ has not worked yet" in seen
        for key in ("D", "T", "t", "a", "left_square_bracket", "space", "r"):
            await pilot.press(key)
        assert isinstance(pilot.app.screen, TeammateScreen)


def test_usage_is_said_in_few_words() -> None:
    from workbench.tui.presenting.teammate import spent

    assert spent(Usage()) == ""
    assert (
        spent(Usage(cost_usd=1.5, input_tokens=1_234_567, output_tokens=8_400)) == "1.2M in, 8.4k out · $1.50"
    )
