"""The team screen: what it says of a run, and its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui.conftest import NAMES, Opened, screen_text
from tests.tui.told import until
from workbench.composition.watching import Piece
from workbench.core import events as e
from workbench.core.history import Told
from workbench.core.mail import Message, MessageKind
from workbench.core.models import Usage
from workbench.core.watched import Watched
from workbench.testing.story import Story, task
from workbench.tui.app import WorkbenchApp
from workbench.tui.presenting import feed, gantt, header, panes, queue, team, tree
from workbench.tui.presenting.table import Cell, Column, Made, Parts, Row
from workbench.tui.presenting.times import moment, roughly, span
from workbench.tui.screens.team import PANES, TeamScreen
from workbench.tui.widgets.feed import Feed
from workbench.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from workbench.composition.place import Place


def watched(story: Story, *, live: bool = True) -> Watched:
    """What a viewer knows of a run that was played."""
    found = Watched("r")
    for record in story.log:
        found.take(record)
    found.stands(live=live, trouble="", caught_up=True, last=len(story.log))
    return found


def question(story: Story, name: str, number: int, to: str = "person") -> None:
    """The teammate at ``name`` asks and waits."""
    sender = story.state.attempts[name, 1].teammate
    story.note(
        e.MessageSent(
            message=Message(
                id=f"m{number}",
                kind=MessageKind.PERMISSION,
                sender=sender,
                to=to,
                text="may I?",
                task=name,
                attempt=1,
            )
        )
    )


def said(row: Row) -> str:
    """A row as text."""
    return " ".join(cell.text for cell in row.cells)


# -- the tree ------------------------------------------------------------------------------------


def test_a_task_stands_under_the_last_of_what_it_waits_for() -> None:
    tasks = [task("a"), task("b", "a"), task("c", "b"), task("d", "a", "c"), task("e")]
    nodes = {node.id: node for node in tree.planted(tasks)}
    assert list(nodes) == ["a", "b", "c", "d", "e"]
    assert nodes["d"].guide == "    └ " and nodes["d"].others == ("a",)
    assert nodes["a"].below == 3 and nodes["e"].guide == ""


def test_siblings_keep_the_order_of_the_plan_whatever_becomes_of_them() -> None:
    tasks = [task("root"), task("z", "root"), task("a", "root"), task("m", "root")]
    assert [node.id for node in tree.planted(tasks)] == ["root", "z", "a", "m"]


def test_a_chain_of_thousands_is_drawn_within_the_screen() -> None:
    tasks = [task("t0"), *(task(f"t{it}", f"t{it - 1}") for it in range(1, 3_000))]
    nodes = tree.planted(tasks)
    assert nodes[0].below == 2_999
    assert nodes[-1].guide.startswith("…") and len(nodes[-1].guide) == 2 * tree.DEEPEST


def test_what_is_folded_hides_its_whole_subtree() -> None:
    story = Story(task("a"), task("b", "a"), task("c", "b"), task("d"))
    drawn = tree.Tree()
    assert drawn.follow(story.state) and not drawn.follow(story.state)
    assert drawn.unfolded({"a"}) == ["a", "d"]
    rows = tree.tree_rows(watched(story), drawn, {"a"}, 5.0, None)
    assert "▸ 2 more" in rows[0].cells[0].text


# -- bars ----------------------------------------------------------------------------------------


def test_bars_show_attempts_on_the_axis_of_the_run() -> None:
    bars = (
        gantt.Bar(0, 3, "failed"),
        gantt.Bar(4, 5, "work"),
        gantt.Bar(5, 8, "queued"),
        gantt.Bar(8, 8, "landed"),
    )
    strip = gantt.Strip("", "plain", bars, 20.0, 15.0)
    drawn = strip.pieces(20)
    assert "".join(text for text, _ in drawn) == "✗✗✗✗█───✓      │    "
    assert len(strip.pieces(1)) == 1


def test_an_attempt_that_lasts_is_told_from_one_that_was_delivered() -> None:
    story = Story(task("a"), task("b"))
    story.deliver("a")
    found = watched(story)
    kinds = {
        name: [bar.kind for bar in gantt.strip(found, found.state.tasks[name], story.now, 60.0).bars]
        for name in ("a", "b")
    }
    assert kinds == {"a": ["queued", "work"], "b": ["live"]}
    story.land("a")
    found = watched(story)
    last = gantt.strip(found, found.state.tasks["a"], story.now, 60.0).bars[-1]
    assert last.kind == "landed"


def test_an_axis_stays_as_it_is_while_time_goes_by() -> None:
    found = watched(Story(task("a")))
    assert {gantt.axis(found, float(now)) for now in range(65, 115)} == {120.0}


# -- teammates -----------------------------------------------------------------------------------


def member(found: Watched, name: str, now: float) -> str:
    look = team.look(found, now)
    rows = team.team_rows(look, team.ORDERS[0], None)
    return said(next(row for row in rows if row.key == name))


def test_what_somebody_does_is_told_without_the_path_of_its_worktree() -> None:
    story = Story(task("a"))
    story.ready("a")
    story.send(e.AgentActed(task="a", attempt=1, tool="Edit", target="/w/ada/src/x.py"))
    story.mark("a", "progress")
    found = watched(story)
    assert "Edit src/x.py" in member(found, "ada", story.now)
    assert "● working" in member(found, "ada", story.now)
    assert "○ idle" in member(found, "bob", story.now)


def test_who_needs_the_person_is_told_and_can_come_first() -> None:
    story = Story(task("a"), task("b"), on_permission="ask")
    story.ready("a")
    story.ready("b")
    question(story, "b", 1)
    found = watched(story)
    assert "? needs you" in member(found, "bob", story.now)
    look = team.look(found, story.now)
    assert list(team.team_rows(look, "needs you first", None).keys) == ["bob", "ada"]
    assert list(team.team_rows(look, "team order", None).keys) == ["ada", "bob"]
    assert [cell.text for cell in team.counts(look)] == ["1 at work", "1 needs you"]


def test_gates_on_its_work_are_told_with_their_time() -> None:
    story = Story(task("a"))
    story.ready("a")
    story.mark("a", "done")
    story.turn("a")
    story.collected("a")
    story.note(e.CheckingStarted(task="a", commit="a1", gates=("test",), alone=True))
    shown = member(watched(story), "ada", story.now + 12)
    assert "◐ gates" in shown and "12s: test" in shown


def test_cost_tokens_and_unread_are_those_of_all_its_attempts() -> None:
    story = Story(task("a"), task("b"), team=("ada",))
    story.ready("a")
    story.mark("a", "done")
    story.turn("a", usage=Usage(cost_usd=1.25, input_tokens=40_000, output_tokens=2_000))
    shown = member(watched(story), "ada", story.now)
    assert "$1.25" in shown and "42k" in shown


def test_roles_have_a_column_only_where_there_are_any() -> None:
    story = Story(task("a"))
    assert "role" not in [column.title for column in team.columns(story.state)]
    story.note(e.TeammateJoined(name="eve", by="person", role="tester"))
    assert "role" in [column.title for column in team.columns(story.state)]


def test_the_lead_has_a_row_of_its_own_before_the_team() -> None:
    story = Story(task("a"), lead="claude")
    rows = team.team_rows(team.look(watched(story), story.now), team.ORDERS[0], None)
    assert [row.key for row in rows] == ["lead", "ada", "bob"]
    assert "comes when it is asked" in said(rows[0])
    story.note(e.LeadCalled(life=1, nonce="n"))
    story.note(e.LeadActed(tool="mcp__workbench__answer", target="m1"))
    assert "answer m1" in member(watched(story), "lead", story.now)
    assert "mcp__" not in member(watched(story), "lead", story.now)


def test_who_left_stands_last_and_is_not_counted() -> None:
    story = Story(task("a"))
    story.note(e.TeammateLeaving(name="bob", reason="enough"))
    assert "→ leaving" in member(watched(story), "bob", story.now)
    story.note(e.TeammateLeft(name="bob", reason="enough"))
    story.note(e.TeammateJoined(name="eve", by="person"))
    look = team.look(watched(story), story.now)
    assert list(team.team_rows(look, team.ORDERS[0], None).keys) == ["ada", "eve", "bob"]
    assert "left: enough" in member(watched(story), "bob", story.now)
    assert [cell.text for cell in team.counts(look)] == ["1 at work", "1 idle"]


# -- the queue -----------------------------------------------------------------------------------


def test_the_queue_tells_what_lands_what_waits_and_which_gates_run() -> None:
    story = Story(task("a"), task("b"), task("c"), team=("ada", "bob", "cleo"))
    story.deliver("a")
    story.deliver("b")
    found = watched(story)
    line = queue.in_line(found)
    assert (line.landing, line.waiting) == (["a"], ["b"])
    story.built("a")
    found = watched(story)
    line = queue.in_line(found)
    rows = queue.queue_rows(found, line, story.now + 3, None)
    assert [row.key.split()[0] for row in rows] == ["gate", "landing", "queued"]
    assert "merged: test" in said(rows[0])
    assert "gates run" in said(rows[1])
    assert line.tally == "1 landing · 1 queued · 1 gate run"
    assert [queue.task_of(row.key) for row in rows] == ["a", "a", "b"]


def test_a_gate_is_not_said_to_run_when_nobody_is_at_work() -> None:
    story = Story(task("a"))
    story.deliver("a")
    story.built("a")
    assert queue.in_line(watched(story)).gates
    assert not queue.in_line(watched(story, live=False)).gates


def test_the_last_line_that_a_gate_printed_is_that_of_the_latest_gate() -> None:
    assert queue.last_words({"lint": "ok\n", "pytest -q": "..\n3 passed\n\n"}) == "pytest -q │ 3 passed"
    assert queue.last_words({"lint": "checking\n", "pytest -q": ""}) == "lint │ checking"
    assert queue.last_words({"lint": ""}) == ""


# -- the feed ------------------------------------------------------------------------------------


def told(what: str) -> Told:
    return Told(seq=1, at=0.0, who="ada", what=what, tone="plain", kind="event")


def test_long_lines_go_on_under_themselves() -> None:
    entry = feed.laid_out(told("word " * 30 + "x" * 90), 60)
    assert all(sum(len(text) for text, _ in line) == 60 for line in entry.lines)
    assert len(entry.lines) == feed.height(entry.told, 60) > 4
    assert all(line[0][0].isspace() for line in entry.lines[1:])


@pytest.mark.parametrize(
    "what", ["", "short", "two\nlines", "漢字" * 40, "x\x1b[31mred", "a\n" * 50, "x" * 39, "x" * 40]
)
@pytest.mark.parametrize("width", [20, 51, 60, 100])
def test_the_height_is_known_without_laying_out(what: str, width: int) -> None:
    entry = feed.laid_out(told(what), width)
    assert feed.height(entry.told, width) == len(entry.lines) <= feed.LINES
    assert all("\x1b" not in text for line in entry.lines for text, _ in line)


def test_messages_and_trouble_can_be_told_apart() -> None:
    story = Story(task("a"))
    story.ready("a")
    story.send(e.ActionDenied(task="a", attempt=1, tool="Write", target="/etc/x", reason="outside"))
    question(story, "a", 1)
    history = watched(story).history
    assert {it.kind for it in feed.picked(history, "messages", None)} == {"message"}
    assert ["denied" in it.what for it in feed.picked(history, "trouble", None)] == [True]
    assert len(feed.picked(history, "all", None)) == len(history.feed)
    assert feed.picked(history, "messages", None)[0].message == "m1"


def test_an_entry_is_about_what_can_be_opened() -> None:
    story = Story(task("a"), task("b"))
    story.ready("a")
    question(story, "a", 1)
    question(story, "b", 2, to="ada")
    found = watched(story)
    abouts = [feed.about(found.state, it) for it in found.history.feed]
    assert abouts[0] == ("", "") and ("task", "a") in abouts
    assert abouts[-2:] == [("ask", "m1"), ("letter", "m2")]


# -- the header ----------------------------------------------------------------------------------


def landed(story: Story, *names: str) -> None:
    for name in names:
        story.deliver(name)
        story.land(name)


def test_a_guess_at_the_end_counts_only_the_process_at_work() -> None:
    names = tuple("abcdef")
    story = Story(*(task(name) for name in names), team=("ada",))
    landed(story, "a", "b")
    assert header.remaining(watched(story), story.now)
    assert not header.remaining(watched(story, live=False), story.now)
    story.note(e.AttemptEnded(task="c", attempt=1, teammate="ada", interrupted=True))
    story.now += 100_000
    story.note(e.RunResumed(pid=1))
    assert not header.remaining(watched(story), story.now)


def test_a_guess_grows_while_nothing_lands_and_is_not_made_in_a_pause() -> None:
    story = Story(*(task(name) for name in "abcdef"), team=("ada",))
    landed(story, "a", "b")
    found = watched(story)
    assert header.remaining(found, story.now + 60) != header.remaining(found, story.now + 6_000)
    story.note(e.RunPaused(by="person"))
    assert not header.remaining(watched(story), story.now)


def test_a_guess_is_never_less_than_the_longest_chain_takes() -> None:
    chain = [task("c0"), *(task(f"c{it}", f"c{it - 1}") for it in range(1, 40))]
    guesses = []
    for tasks in (
        [task("a"), task("b"), *chain],
        [task(name) for name in ("a", "b", *(it.id for it in chain))],
    ):
        story = Story(*tasks, team=("ada", "bob", "cleo"))
        story.now += 100
        landed(story, "a", "b")
        found = watched(story)
        found.history.course.landed = 60  # as if many more had landed meanwhile
        guesses.append(header.remaining(found, story.now))
    assert "h" in guesses[0] and "h" not in guesses[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
async def test_the_header_fits_and_never_leaves_out_what_is_needed_most(name: str, part: float) -> None:
    from tests.tui.conftest import recorded

    run, records = recorded(name)
    found = Watched(run)
    for record in records[: int(len(records) * part)]:
        found.take(record)
    found.stands(live=True, trouble="", caught_up=True, last=found.state.seq)
    head = header.head(found, found.now)
    for room in (40, 60, 78, 118, 198):
        cells = header.line(head, room)
        assert sum(len(cell.text) for cell in cells) + header.GAP * (len(cells) - 2) <= room
        words = [cell.text for cell in cells[3:]]
        assert words[0] in (head.items[0].text, head.items[0].words(brief=True))
    assert len(header.line(head, 198)) == 3 + len(head.items)


def test_the_budget_is_told_before_and_after_it_is_spent() -> None:
    story = Story(task("a"), budget_usd=2.0)
    story.ready("a")
    story.turn("a", usage=Usage(cost_usd=1.9))
    item = next(it for it in header.head(watched(story), story.now).items if "$" in it.text)
    assert (item.text, item.tone) == ("$1.90 of $2.00", "warn")


def test_what_asks_for_the_person_stands_in_the_header() -> None:
    story = Story(task("a"), on_permission="ask")
    story.ready("a")
    question(story, "a", 1)
    assert "✉ 1 for you" in [it.text for it in header.head(watched(story), story.now).items]


def test_times_are_short() -> None:
    assert max(len(span(it)) for it in range(0, 200_000, 7)) == 7
    assert [span(it) for it in (8.9, 185, 7_800, 270_000)] == ["8s", "3m 05s", "2h 10m", "3d 03h"]
    assert [roughly(it) for it in (10, 720, 1_620, 7_700)] == ["1 min", "12 min", "25 min", "2 h 10 min"]


# -- strips and rows -----------------------------------------------------------------------------


def test_a_strip_leaves_out_whole_words() -> None:
    tabs = [
        panes.Tab("a", "Tasks", (Cell("5/12"), Cell("3 folded")), shown=True),
        panes.Tab("b", "Queue", (Cell("2 landing"),)),
    ]
    whole = "".join(piece.text for piece in panes.strip(tabs, 80, "tab: next"))
    assert whole.startswith("▸Tasks 5/12 · 3 folded   Queue 2 landing") and whole.endswith("tab: next")
    assert len(whole) == 80
    assert "".join(piece.text for piece in panes.strip(tabs, 30)) == "▸Tasks 5/12   Queue 2 landing"


def test_parts_take_exactly_their_cells() -> None:
    cell = Parts("└ abc + d", "plain", (("└ ", "faint"), ("abc", "plain"), (" + d", "faint")))
    assert "".join(text for text, _ in cell.pieces(12)) == "└ abc + d   "
    assert "".join(text for text, _ in cell.pieces(7)) == "└ abc …"
    assert "".join(text for text, _ in cell.pieces(5)) == "└ ab…"
    assert "".join(text for text, _ in cell.pieces(4)) == "└ a…"


async def test_only_rows_that_are_seen_are_made(opened: Opened) -> None:
    made: list[str] = []

    def make(key: str) -> Row:
        made.append(key)
        return Row(key, (Cell(key),))

    async with opened("quiet", size=(80, 24)) as pilot:
        rows = Rows((Column("key", 10),))
        await pilot.app.screen.mount(rows)
        rows.show(Made([f"k{it}" for it in range(100_000)], make))
        await pilot.pause()
        assert 0 < len(set(made)) < 60
        rows.cursor = 5
        rows.show(Made([f"k{it}" for it in range(3, 100_000)], make))
        assert rows.key == "k5" and rows.cursor == 2


# -- the screen ----------------------------------------------------------------------------------


def screen(pilot: Pilot[None]) -> TeamScreen:
    found = pilot.app.screen
    assert isinstance(found, TeamScreen)
    return found


def has(pilot: Pilot[None], pane: str) -> bool:
    """Whether a pane is on the screen."""
    return pilot.app.screen.query_one(f"#{pane}").region.area > 0


def has_all(pilot: Pilot[None]) -> list[str]:
    return [pane for pane in PANES if has(pilot, pane)]


def rows(pilot: Pilot[None], pane: str) -> Rows:
    return pilot.app.screen.query_one(f"#{pane}-rows", Rows)


def lines(pilot: Pilot[None]) -> Feed:
    return pilot.app.screen.query_one(Feed)


async def test_tab_goes_through_the_panes_on_a_small_screen(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(80, 24)) as pilot:
        assert has_all(pilot) == ["team", "tasks"]
        seen = []
        for _ in range(4):
            await pilot.press("tab")
            seen.append((screen(pilot).pane, has_all(pilot)[-1]))
        assert seen == [("tasks", "tasks"), ("queue", "queue"), ("feed", "feed"), ("team", "feed")]
        await pilot.press("shift+tab", "h")
        assert screen(pilot).pane == "queue" and has_all(pilot) == ["team", "queue"]
        await pilot.press("l")
        assert screen(pilot).pane == "feed"
        assert "▸Feed all" in screen_text(pilot)


async def test_a_large_screen_shows_all_panes(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(200, 60)) as pilot:
        for size in ((200, 60), (160, 45), (130, 30)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert has_all(pilot) == list(PANES)
            boxes = [pilot.app.screen.query_one(f"#{pane}").region for pane in PANES]
            assert not any(one.overlaps(two) for one in boxes for two in boxes if one is not two)
            assert all(box.height >= 4 and box.right <= size[0] and box.bottom < size[1] for box in boxes)


async def test_zoom_shows_one_pane_alone_and_all_again(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(160, 45)) as pilot:
        await pilot.press("tab", "z")
        assert has_all(pilot) == ["tasks"]
        assert pilot.app.screen.query_one("#tasks").region.width == 160
        await pilot.press("tab", "tab")
        assert has_all(pilot) == ["feed"]
        await pilot.press("z")
        assert len(has_all(pilot)) == 4 and screen(pilot).pane == "feed"


async def test_nothing_is_lost_when_the_terminal_changes_its_size(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(160, 45)) as pilot:
        await pilot.press("tab", "j", "j")
        key = rows(pilot, "tasks").key
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert has_all(pilot) == ["team", "tasks"] and rows(pilot, "tasks").key == key
        await pilot.resize_terminal(160, 45)
        await pilot.pause()
        assert len(has_all(pilot)) == 4 and rows(pilot, "tasks").key == key


async def test_space_folds_what_stands_under_a_task(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(80, 24)) as pilot:
        await pilot.press("tab")
        nodes = screen(pilot)._tree.nodes
        parent = next(node for node in nodes if node.below)
        rows(pilot, "tasks").point(parent.id)
        await pilot.press("space")
        assert len(rows(pilot, "tasks").rows) == len(nodes) - parent.below
        assert rows(pilot, "tasks").key == parent.id
        assert f"▸ {parent.below} more" in screen_text(pilot)
        await pilot.press("space")
        assert len(rows(pilot, "tasks").rows) == len(nodes)


async def test_the_order_of_the_team_is_cycled_and_told(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(160, 45)) as pilot:
        before = [row.key for row in rows(pilot, "team").rows]
        for name in (*team.ORDERS[1:], ""):
            await pilot.press("o")
            assert name in screen_text(pilot)
            assert sorted(row.key for row in rows(pilot, "team").rows) == sorted(before)
        assert [row.key for row in rows(pilot, "team").rows] == before


async def test_the_feed_is_filtered_by_kind(opened: Opened) -> None:
    async with opened("disaster", size=(80, 24)) as pilot:
        history = pilot.app.watched.history  # type: ignore[attr-defined]
        counted = []
        for which in ("messages", "trouble", "all"):
            await pilot.press("f")
            assert screen(pilot).which == which and has(pilot, "feed")
            assert f"Feed {which}" in screen_text(pilot)
            counted.append(len(lines(pilot)._told))
        assert counted == [len(feed.picked(history, which, None)) for which in ("messages", "trouble", "all")]
        assert 0 < counted[1] < counted[2]


async def test_a_filter_holds_for_all_panes(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(160, 45)) as pilot:
        state = pilot.app.watched.state  # type: ignore[attr-defined]
        mate = next(mate for mate in state.teammates.values() if mate.task)
        await pilot.press("slash")
        field = pilot.app.screen.query_one("#filter", Input)
        field.value = mate.name
        await pilot.press("enter")
        assert mate.name in [row.key for row in rows(pilot, "team").rows]
        assert len(rows(pilot, "team").rows) < len(state.teammates)
        assert mate.task in [row.key for row in rows(pilot, "tasks").rows]
        assert len(rows(pilot, "tasks").rows) < len(state.tasks)
        assert all(mate.name in f"{it.who} {it.what} {it.task}" for it in lines(pilot)._told)
        field.value = "#nothing#"
        await pilot.pause()
        assert "nothing here matches" in screen_text(pilot)
        await pilot.press("escape")
        assert len(rows(pilot, "team").rows) >= len(state.teammates)


async def test_enter_opens_the_teammate_and_the_task(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(80, 24)) as pilot:
        key = next(iter(pilot.app.watched.state.teammates))  # type: ignore[attr-defined]
        assert rows(pilot, "team").point(key)
        await pilot.press("enter")
        assert pilot.app.screen.teammate == key  # type: ignore[attr-defined]
        await pilot.press("q", "tab")
        await pilot.press("enter")
        assert type(pilot.app.screen).__name__ == "TaskScreen"


async def test_the_feed_follows_its_end_until_somebody_looks_back(opened: Opened) -> None:
    async with opened("disaster", size=(80, 24)) as pilot:
        shown = pilot.app.watched  # type: ignore[attr-defined]
        await pilot.press("tab", "tab", "tab")

        async def more(what: str, after: float = 0.0) -> None:
            last = shown.history.feed[-1]
            shown.history.feed.append(Told(last.seq + 1, last.at + after, "x", what, "plain", "event"))
            shown.history.told += 1
            screen(pilot).again()
            await pilot.pause()

        await more("the newest of all")
        assert "the newest of all" in screen_text(pilot)
        await pilot.press("k", "k", "k")
        there = lines(pilot).told
        await more("one that is not looked at")
        assert "one that is not looked at" not in screen_text(pilot)
        assert lines(pilot).told is there and "4 below, G follows" in screen_text(pilot)
        await pilot.press("G")
        await more("the very last")
        assert "the very last" in screen_text(pilot) and "G follows" not in screen_text(pilot)
        await more("two days later", 172_800.0)
        day = moment(shown.history.feed[-1].at)[0]
        assert f"── {day} ─" in screen_text(pilot)


async def test_a_line_of_the_feed_opens_what_it_is_about(opened: Opened) -> None:
    async with opened("disaster", size=(80, 24)) as pilot:
        state = pilot.app.watched.state  # type: ignore[attr-defined]
        await pilot.press("tab", "tab", "tab")
        wanted = next(
            place for place, it in enumerate(lines(pilot)._told) if it.task in state.tasks and not it.message
        )
        lines(pilot)._go(wanted)
        await pilot.press("enter")
        assert type(pilot.app.screen).__name__ == "TaskScreen"
        await pilot.press("q")
        letter = next(
            place
            for place, it in enumerate(lines(pilot)._told)
            if it.message not in ("", *state.asks) and state.mail[it.message].sender in state.teammates
        )
        lines(pilot)._go(letter)
        await pilot.press("enter")
        assert type(pilot.app.screen).__name__ == "WriteScreen"


async def test_m_writes_to_whom_the_cursor_is_on(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(80, 24)) as pilot:
        await pilot.press("j", "m")
        assert f"To {rows_key(pilot)}" in screen_text(pilot)
        await pilot.press("escape", "tab")
        state = pilot.app.watched.state  # type: ignore[attr-defined]
        mate = next(mate for mate in state.teammates.values() if mate.task)
        rows(pilot, "tasks").point(mate.task)
        await pilot.press("m")
        assert f"To {mate.name}" in screen_text(pilot)


def rows_key(pilot: Pilot[None]) -> str:
    return pilot.app.screen_stack[0].query_one("#team-rows", Rows).key


async def test_a_click_goes_to_a_pane(opened: Opened) -> None:
    async with opened("busy", upto=400, live=True, size=(80, 24)) as pilot:
        line = next(it for it in screen_text(pilot).splitlines() if "▸Tasks" in it)
        await pilot.click("#tabs", offset=(line.index("Feed") + 1, 0))
        assert screen(pilot).pane == "feed" and has(pilot, "feed")


async def test_every_key_of_the_screen_is_told(opened: Opened) -> None:
    async with opened("quiet", size=(80, 40)) as pilot:
        await pilot.press("tab", "question_mark")
        shown = screen_text(pilot)
        for words in ("This pane alone", "Fold what stands", "Order of the team", "What the feed shows"):
            assert words in shown


async def test_an_empty_run_says_what_will_stand_here(opened: Opened) -> None:
    async with opened("quiet", upto=1, size=(160, 45)) as pilot:
        shown = screen_text(pilot)
        assert "delivered work waits here" in shown


class Played:
    """A source that gives a run that was played, as one that goes on."""

    run = "r"

    def __init__(self, story: Story) -> None:
        self.piece = Piece(tuple(story.log), len(story.log), live=True)

    async def pieces(self) -> AsyncIterator[Piece]:
        """See Source."""
        yield self.piece


async def test_the_last_line_of_a_gate_that_runs_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(task("a"))
    story.deliver("a")
    story.built("a")
    asked: list[tuple[str, str, str]] = []

    def printed(place: object, run: str, commit: str, gate: str) -> str:
        asked.append((run, commit, gate))
        return "....\n41 \x1b[31mpassed\n"

    monkeypatch.setattr("workbench.composition.gatelogs.gate_output", printed)
    quiet = SimpleNamespace(settings=SimpleNamespace(bell=False, notify=False, theme=""))
    app = WorkbenchApp(cast("Place", quiet), Played(story), clock=lambda: story.now)
    async with app.run_test(size=(160, 45)) as pilot:
        while app.watched.state.seq < len(story.log):
            await pilot.pause()
        app.look()
        screen(pilot)._tick()
        await until(pilot, "test │ 41  [31mpassed")
        assert set(asked) == {("r", "L-a", "test")}
        assert "\x1b" not in screen_text(pilot)


async def test_times_go_on_where_nothing_happens() -> None:
    story = Story(task("a"))
    story.ready("a")
    now = [story.now + 5]
    app = WorkbenchApp(source=Played(story), clock=lambda: now[0])
    async with app.run_test(size=(80, 24)) as pilot:
        while app.watched.state.seq < len(story.log):
            await pilot.pause()
        app.look()
        await pilot.pause()
        began = story.state.attempts["a", 1].started_at
        assert span(now[0] - began) in screen_text(pilot)
        now[0] += 600
        screen(pilot)._tick()
        await pilot.pause()
        assert span(now[0] - began) in screen_text(pilot)
