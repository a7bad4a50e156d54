"""What Notes promises, kept alike in memory and in SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.adapters.store.notes import SqliteNotes
from workbench.core.recall import Query, Recalled
from workbench.core.traces import Noted, Proof, Trace
from workbench.engine.ports import Notes
from workbench.testing import FakeNotes

NOW = 1_000.0


@pytest.fixture(params=["memory", "sqlite"])
def notes(request: pytest.FixtureRequest, tmp_path: Path) -> Notes:
    if request.param == "memory":
        return FakeNotes(wall=lambda: NOW)
    return SqliteNotes(tmp_path / "state" / "notes.db", wall=lambda: NOW)


def noted(text: str, seconds: float = 0.0, **fields: Any) -> Noted:
    usual: dict[str, Any] = {
        "task": "a",
        "attempt": 1,
        "name": text,
        "author": "ada",
        "made": 100.0 + seconds,
    }
    return Noted(text=text, seconds=seconds, **(usual | fields))


def landed(*files: str, seconds: float = 10.0, task: str = "b", commit: str = "m1") -> Proof:
    return Proof(task, commit, files, 100.0 + seconds, seconds)


async def every(notes: Notes, **query: Any) -> list[Recalled]:
    return await notes.recall(Query(**({"limit": 50} | query)))


async def texts(notes: Notes, **query: Any) -> list[str]:
    return [it.note.text for it in await every(notes, **query)]


async def test_nothing_kept_is_nothing_recalled(notes: Notes) -> None:
    assert await every(notes) == []
    await notes.keep("r", [landed("src/a.py")], 20.0)
    assert await every(notes) == []


async def test_what_was_kept_is_recalled_by_words_paths_and_namespace(notes: Notes) -> None:
    kept: list[Trace] = [
        noted("the parser is slow", paths=("src/parse.py",)),
        noted("Café opens at ten", namespace="town/food"),
        noted("to_csv quotes everything", paths=("src",)),
    ]
    await notes.keep("r", kept, 5.0)
    assert await texts(notes, words="PARSERS slow") == ["the parser is slow"]
    assert await texts(notes, words="cafe") == ["Café opens at ten"]
    assert await texts(notes, words="csv") == ["to_csv quotes everything"]
    assert await texts(notes, namespace="town") == ["Café opens at ten"]
    assert set(await texts(notes, files=("src/parse.py",))) == {
        "the parser is slow",
        "to_csv quotes everything",
    }
    assert await texts(notes, files=("docs/**",)) == []
    (it,) = await every(notes, words="parser")
    assert (it.note.run, it.note.task, it.note.author, it.note.paths) == ("r", "a", "ada", ("src/parse.py",))


async def test_the_same_log_again_changes_nothing(notes: Notes) -> None:
    log: list[Trace] = [
        noted("one", paths=("src/a.py",)),
        landed("src/a.py", seconds=10.0),
        noted("two", seconds=20.0, paths=("src/a.py",)),
        landed("src/a.py", seconds=30.0, commit="m2"),
    ]
    await notes.keep("r", log, 40.0)
    before = await every(notes)
    assert len(before) == 2
    for part in (log, log[:2], log[1:], log):
        await notes.keep("r", part, 40.0)
        assert await every(notes) == before


async def test_notes_fade_in_run_time_and_grow_when_their_files_land(notes: Notes) -> None:
    await notes.keep("r", [noted("one", paths=("src/a.py",)), noted("two", paths=("docs",))], 0.0)
    fresh = {it.note.text: it.strength for it in await every(notes)}
    assert fresh == {"one": 0.5, "two": 0.5}
    await notes.keep("r", [landed("src/a.py", seconds=30.0)], 30.0)
    after = {it.note.text: it.strength for it in await every(notes)}
    assert after["two"] == pytest.approx(0.475)
    assert after["one"] == pytest.approx(0.475 + (1 - 0.475) * 0.5)
    await notes.keep("s", [noted("three")], 60.0)  # another run works on, and the clock with it
    later = {it.note.text: it.strength for it in await every(notes)}
    assert later["two"] == pytest.approx(0.475 * 0.95**2)
    at_work = await notes.recall(Query(words="two"), "s", 120.0)
    assert at_work[0].strength == pytest.approx(0.475 * 0.95**4), "as far as the run that asks has come"


async def test_a_run_that_is_over_hands_over_its_time(notes: Notes) -> None:
    await notes.keep("r", [noted("one")], 0.0)
    await notes.keep("r", [], 60.0)
    (it,) = await every(notes)
    assert it.strength == pytest.approx(0.5 * 0.95**2)
    await notes.keep("r", [], 30.0)
    assert await every(notes) == [it], "the clock never goes back"


async def test_a_warning_is_one_for_a_task_and_its_paths_and_goes_when_it_lands(notes: Notes) -> None:
    first = noted("red", 1.0, kind="warning", name="warning a.py", paths=("a.py",))
    again = noted("red again", 2.0, kind="warning", name="warning a.py", paths=("a.py",), attempt=2)
    await notes.keep("r", [first, again], 2.0)
    assert await texts(notes) == ["red again"]
    await notes.keep("r", [first], 2.0)
    assert await texts(notes) == ["red again"]
    await notes.keep("r", [landed("a.py", task="a", seconds=3.0)], 3.0)
    assert await texts(notes) == []
    assert await texts(notes, settled=True) == ["red again"]


async def test_what_is_out_of_date_is_not_recalled(notes: Notes) -> None:
    await notes.keep("r", [noted("short", ttl_seconds=899.0), noted("long", ttl_seconds=901.0)], 0.0)
    assert await texts(notes) == ["long"], "by the clock on the wall"


@pytest.mark.parametrize(
    "words", ['"', "a AND (", "NEAR(", "text:*", "- * ^", "x" * 10_000, "'; DROP TABLE notes"]
)
async def test_no_question_is_read_as_syntax(notes: Notes, words: str) -> None:
    await notes.keep("r", [noted('say "AND" NEAR( text:* ^ drop')], 0.0)
    await every(notes, words=words)
    assert len(await every(notes)) == 1
