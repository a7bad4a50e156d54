"""The plan: its text, its graph, what is said about it, and approving exactly what was shown."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import cast

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

from tests.tui.conftest import Opened, recorded, screen_text
from workbench import doctor
from workbench.composition.place import Place, open_place
from workbench.composition.watching import Piece
from workbench.config import Settings
from workbench.core import events as e
from workbench.core.changes import PlanChange, with_change
from workbench.core.plan import sha256
from workbench.core.state import TaskStatus
from workbench.doctor import Finding
from workbench.errors import UsageError
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp
from workbench.tui.outside import edit
from workbench.tui.presenting import graph
from workbench.tui.presenting.table import Cell
from workbench.tui.screens.confirm import ConfirmScreen
from workbench.tui.screens.plan import PlanScreen
from workbench.tui.screens.task import TaskScreen
from workbench.tui.widgets.laying import as_cells, as_source, printable
from workbench.tui.widgets.prose import LAID_OUT, Prose, as_markdown
from workbench.tui.widgets.rows import Rows

DARK = BUILTIN_THEMES["textual-dark"]

PLAN = """\
---
gates: [make test]
---
# Shelves

What it is for.

## Tasks

### a: Do a

It has `code` in it.

### b: Do b

- after: a

That.
"""


@pytest.fixture
async def place(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    async def examined(where: Path, settings: Settings) -> list[Finding]:
        return []

    monkeypatch.setattr(doctor, "examine", examined)
    return await open_place(repo)


async def settled(pilot: Pilot[None]) -> None:
    """All that is read and laid out in the background was, and is shown."""
    for _ in range(3):  # what was read is then laid out
        await pilot.pause()
        waits = [it for it in pilot.app.workers if it.group not in ("follow", "stamp")]
        await pilot.app.workers.wait_for_complete(waits)
    await pilot.pause()


OnPlan = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def on_plan(place: Place) -> OnPlan:
    @asynccontextmanager
    async def open_(text: str = PLAN, size: tuple[int, int] = (130, 40)) -> AsyncIterator[Pilot[None]]:
        path = place.root / "plan.md"
        path.write_text(text)
        async with WorkbenchApp(place=place).run_test(size=size) as pilot:
            cast("WorkbenchApp", pilot.app).open_plan(path)
            await settled(pilot)
            yield pilot

    return open_


def said(pilot: Pilot[None]) -> list[str]:
    """The notices so far."""
    return [it.message for it in pilot.app._notifications]


def approved(place: Place, text: str) -> bool:
    if not place.log_path.exists():
        return False
    with place.reading() as store:
        return store.approved(sha256(text))


def rows(pilot: Pilot[None], name: str) -> Rows:
    return pilot.app.screen.query_one(f"#{name}", Rows)


def text_of(pilot: Pilot[None]) -> Prose:
    return pilot.app.screen.query_one("#text", Prose)


async def test_text_graph_and_check_side_by_side(on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        shown = screen_text(pilot)
        assert "What it is for." in shown and "└─b" in shown
        assert "make test" in shown, "the front matter is seen, too"
        assert "no files are named" in shown and "not approved" in shown


async def test_one_pane_after_the_other_where_there_is_no_room(on_plan: OnPlan) -> None:
    async with on_plan(size=(80, 24)) as pilot:
        assert "What it is for." in screen_text(pilot) and "└─b" not in screen_text(pilot)
        await pilot.press("tab")
        assert "What it is for." not in screen_text(pilot) and "└─b" in screen_text(pilot)
        await pilot.press("tab")
        assert "no files are named" in screen_text(pilot) and "└─b" not in screen_text(pilot)
        await pilot.press("shift+tab", "h")
        assert "What it is for." in screen_text(pilot)
        await pilot.resize_terminal(130, 40)
        await pilot.pause()
        assert "What it is for." in screen_text(pilot) and "└─b" in screen_text(pilot)


async def test_the_source_has_line_numbers(on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        assert "10   ### a: Do a" not in screen_text(pilot)
        await pilot.press("v")
        await settled(pilot)
        assert "10 " in next(line for line in screen_text(pilot).splitlines() if "### a: Do a" in line)
        await pilot.press("v")
        await settled(pilot)
        assert "### a: Do a" not in screen_text(pilot)


async def test_a_diagnostic_leads_to_its_line(on_plan: OnPlan) -> None:
    async with on_plan(PLAN.replace("after: a", "after: nobody")) as pilot:
        assert "cannot be run" in screen_text(pilot).splitlines()[1]
        await pilot.press("tab", "tab")
        assert "Name the id of a task" in screen_text(pilot), "the way out is told"
        await pilot.press("enter")
        await settled(pilot)
        assert text_of(pilot).marked == 16 and pilot.app.focused is text_of(pilot)
        assert "after: nobody" in screen_text(pilot)
        await pilot.press("A")
        assert not isinstance(pilot.app.screen, ConfirmScreen) and "mend" in said(pilot)[-1]


async def test_a_task_of_a_file_leads_to_its_text(on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        for key in ("enter", "t"):
            await pilot.press("tab", "j", key)
            await settled(pilot)
            assert text_of(pilot).marked == 14 and pilot.app.focused is text_of(pilot)


async def test_exactly_what_is_shown_is_approved(place: Place, on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        await pilot.press("A")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        asked = screen_text(pilot)
        assert sha256(PLAN)[:16] in asked and "make test" in asked
        await pilot.press("n")
        assert not approved(place, PLAN)
        await pilot.press("A", "y")
        await settled(pilot)
        assert approved(place, PLAN)
        assert "workbench run plan.md" in said(pilot)[-1]
        assert "approved; workbench run plan.md" in screen_text(pilot).splitlines()[1]
        await pilot.press("A")
        assert not isinstance(pilot.app.screen, ConfirmScreen) and "already" in said(pilot)[-1]


async def test_what_changed_on_disk_is_shown_again_and_not_approved(place: Place, on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        await pilot.press("A")
        other = PLAN.replace("What it is for.", "Something else.")
        (place.root / "plan.md").write_text(other)
        await pilot.press("y")
        await settled(pilot)
        assert not approved(place, PLAN) and not approved(place, other)
        assert "has changed" in said(pilot)[-1] and "Something else." in screen_text(pilot)


async def test_a_file_that_changes_is_read_again(place: Place, on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        (place.root / "plan.md").write_text(PLAN + "\nAnd more.\n")
        screen = cast("PlanScreen", pilot.app.screen)
        await screen._looking_for_change(place.root / "plan.md")
        await settled(pilot)
        assert "And more." in screen_text(pilot)
        (place.root / "plan.md").unlink()
        await screen._looking_for_change(place.root / "plan.md")
        await settled(pilot)
        assert "There is no plan at" in screen_text(pilot) and "And more." in screen_text(pilot)
        await pilot.press("A")
        assert not isinstance(pilot.app.screen, ConfirmScreen), "what is gone cannot be approved"


@contextmanager
def suspended(app: App[None]) -> Iterator[None]:
    """As if the terminal could be handed over."""
    yield


EDITS = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); p.write_text(p.read_text() + '\\nEdited.\\n')"


async def test_it_is_edited_and_looked_at_again(on_plan: OnPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(App, "suspend", suspended)
    monkeypatch.setenv("EDITOR", f'"{sys.executable}" -c "{EDITS}"')
    async with on_plan() as pilot:
        await pilot.press("e")
        await settled(pilot)
        assert "Edited." in screen_text(pilot)
        monkeypatch.delenv("EDITOR")
        await pilot.press("e")
        await settled(pilot)
        assert "$EDITOR" in said(pilot)[-1]


async def test_why_there_is_no_editing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with App[None]().run_test() as pilot:
        monkeypatch.setenv("VISUAL", "true")
        with pytest.raises(UsageError, match="cannot be handed"):
            await edit(pilot.app, tmp_path / "plan.md")
        monkeypatch.setattr(App, "suspend", suspended)
        await edit(pilot.app, tmp_path / "plan.md")
        monkeypatch.setenv("VISUAL", "false")
        with pytest.raises(UsageError, match="exit code 1"):
            await edit(pilot.app, tmp_path / "plan.md")
        monkeypatch.setenv("VISUAL", "/nowhere/vi")
        with pytest.raises(UsageError, match="could not be started"):
            await edit(pilot.app, tmp_path / "plan.md")
        monkeypatch.setenv("VISUAL", "'vi")
        with pytest.raises(UsageError, match="cannot be read"):
            await edit(pilot.app, tmp_path / "plan.md")


async def test_a_plain_plan_is_said_to_be_one(on_plan: OnPlan) -> None:
    async with on_plan("# Goals\n\n1. Sow the seed\n2. Water it\n") as pilot:
        assert "no structured plan" in screen_text(pilot) and "no tasks section" in screen_text(pilot)
        await pilot.press("A")
        assert "nothing to approve" in said(pilot)[-1]


async def test_hostile_text_is_only_text(on_plan: OnPlan) -> None:
    evil = PLAN.replace("What it is for.", "[red]x[/red] \x1b]0;title\x07 <!-- hidden --> [a](b 'c')")
    async with on_plan(evil) as pilot:
        shown = screen_text(pilot)
        assert "\x1b" not in shown and "[red]x[/red]" in shown and "<!-- hidden -->" in shown


async def test_the_filter_holds_in_graph_and_check(on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        await pilot.press("slash", "d", "o", "space", "b")
        assert [row.key for row in rows(pilot, "graph").rows] == ["b"] and not rows(pilot, "problems").rows
        await pilot.press("escape")
        assert len(rows(pilot, "graph").rows) == 2


async def test_copying(on_plan: OnPlan) -> None:
    async with on_plan() as pilot:
        await pilot.press("y")
        assert pilot.app.clipboard == PLAN
        await pilot.press("tab", "j", "y")
        assert pilot.app.clipboard == "b"
        await pilot.press("tab", "y")
        assert "gate" in pilot.app.clipboard or "files" in pilot.app.clipboard


# -- a run's plan ------------------------------------------------------------------------------------


class Given:
    """A run as it was played."""

    def __init__(self, story: Story) -> None:
        self.run = "r"
        self._piece = Piece(tuple(story.log), len(story.log), True)

    async def pieces(self) -> AsyncIterator[Piece]:
        """See Source."""
        yield self._piece


async def test_the_plan_of_a_run_with_its_states(opened: Opened) -> None:
    _, records = recorded("quiet")
    async with opened("quiet", len(records) // 2, live=True, size=(160, 45)) as pilot:
        await pilot.press("5")
        await settled(pilot)
        state = cast("WorkbenchApp", pilot.app).watched.state
        assert state.plan is not None and state.plan.title in screen_text(pilot)
        for row in rows(pilot, "graph").rows:
            assert str(state.tasks[row.key].status) in row.cells[1].text
        await pilot.press("A", "e")
        assert isinstance(pilot.app.screen, PlanScreen), "it was approved when it began"
        assert "no file of this plan" in said(pilot)[-1]
        await pilot.press("tab", "enter")
        assert isinstance(pilot.app.screen, TaskScreen)


async def test_no_plan_yet_teaches(place: Place) -> None:
    async with WorkbenchApp(place=place).run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settled(pilot)
        assert "No plan yet." in screen_text(pilot) and "Home (1)" in screen_text(pilot)


async def test_an_open_change_is_shown() -> None:
    story = Story(task("a"), task("b", "a"), team=("ada",))
    change = PlanChange(added=(task("c", "b"),), dropped=("b",))
    assert story.state.plan is not None
    said_ = with_change(story.state.plan, change)
    story.send(e.PlanChangeProposed(source="", said=said_, change=change))
    async with WorkbenchApp(source=Given(story)).run_test(size=(80, 24)) as pilot:
        await pilot.press("5")
        await settled(pilot)
        assert "proposes: adds c; drops b" in screen_text(pilot)
        await pilot.press("v", "v")
        await settled(pilot)
        assert "+ c: Do c" in screen_text(pilot) and "- b" in screen_text(pilot)
        await pilot.press("v")
        await settled(pilot)
        assert "+ c: Do c" not in screen_text(pilot)


# -- words and rows ----------------------------------------------------------------------------------


def test_the_graph_has_every_task_once() -> None:
    tasks = [task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"), task("e")]
    assert [it.text for it in graph.drawn(tasks)] == ["a", "├─b", "│ └─d (+ c)", "└─c", "e"]


def test_a_deep_graph_stays_narrow() -> None:
    tasks = [task("t0"), *(task(f"t{it}", f"t{it - 1}") for it in range(1, 2_000))]
    nodes = graph.drawn(tasks)
    assert len(nodes) == 2_000 and max(len(it.lead) for it in nodes) <= graph.DEEPEST + 4
    assert nodes[-1].lead.startswith("…")


def test_many_others_are_counted() -> None:
    names = [f"t{it}" for it in range(6)]
    last = graph.drawn([*map(task, names), task("z", *names)])
    assert next(it for it in last if it.id == "z").text == "└─z (+ t1, t2, t3, 2 more)"


def test_rows_are_made_once_for_each_state() -> None:
    story = Story(task("a"), task("b"), team=("ada",))
    drawing = graph.Drawing(graph.drawn([task("a"), task("b")]))
    before = drawing.rows(story.state.tasks)
    story.state.tasks["a"].status = TaskStatus.FAILED
    after = drawing.rows(story.state.tasks)
    assert after[0].cells[1].text == "✗ failed" and after[1] is before[1]
    assert [row.key for row in drawing.rows({}, {"b"})] == ["b"]


def test_every_status_has_its_glyph() -> None:
    assert set(graph.GLYPHS) == set(TaskStatus)


def plain(laid: object) -> str:
    return "\n".join(strip.text for strip in laid.rows)  # type: ignore[attr-defined]


HIDDEN = (
    "<!-- SECRET -->",
    "<p hidden>SECRET</p>",
    "x <b SECRET>y</b>",
    "[//]: # (SECRET)",
    "[a](http://u 'SECRET')",
    "![SECRET](x) ![i](SECRET)",
    "```py SECRET\ncode\n```",
    "```{SECRET}\ncode\n```",
    "| a |\n|---|\n| b | SECRET |",
    "---\nkey: SECRET\n---\n# T",
)


@pytest.mark.parametrize("text", HIDDEN)
def test_nothing_is_hidden_from_who_approves(text: str) -> None:
    assert "SECRET" in plain(as_markdown(text)(60, DARK))


def test_control_characters_are_seen_and_do_nothing() -> None:
    assert printable("a\x1b[0m\tb\r\nc\u202ed\x00") == "a\ufffd[0m   b\nc\ufffdd\ufffd"


def test_source_wraps_and_keeps_its_lines() -> None:
    laid = as_source("one two three four\n\nfive", {3: "bad"})(16, DARK)
    assert laid.lines == (1, 1, 2, 3) and laid.row(3) == 3 and laid.row(1) == 0
    assert "▌" in laid.rows[3].text and all(strip.cell_length <= 16 for strip in laid.rows)


def test_headings_know_their_lines() -> None:
    laid = as_markdown(PLAN)(60, DARK)
    assert "Do b" in laid.rows[laid.row(14)].text
    assert laid.row(15) == laid.row(14), "what has no line of its own belongs to the heading before"


def test_a_text_too_long_is_shown_as_it_is_written() -> None:
    laid = as_markdown("# T\n" + "word " * (LAID_OUT // 5))(80, DARK)
    assert laid.rows[0].text.endswith("# T")


def test_wide_characters_fit() -> None:
    cells = as_cells([Cell("漢字" * 30)])(21, DARK)
    assert len(cells.rows) == 6 and all(strip.cell_length <= 21 for strip in cells.rows)
