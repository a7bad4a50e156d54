"""Shared notes as values: how they fade and grow, which matter for what, and what may be in one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.noteform import PATHS_LIMIT, TEXT_LIMIT, namespace_of, paths_of, plain_text, ttl_of
from workbench.core.notelines import line_of, read_lines
from workbench.core.notes import (
    START,
    UNIT_SECONDS,
    Fading,
    Note,
    newer,
    note_of,
    proven,
    strength_at,
    touched,
)
from workbench.core.recall import (
    BRIEF_CHARACTERS,
    BRIEF_NOTES,
    FROM_ONE,
    Query,
    concerns,
    for_brief,
    ranked,
    shown,
    words_of,
)
from workbench.core.traces import Noted, Proof

FADING = Fading()
shares = st.floats(0, 1)
moments = st.floats(0, 1e6)
fadings = st.builds(Fading, st.floats(0.01, 1), shares)


def note(text: str = "it is slow", **fields: Any) -> Note:
    usual: dict[str, Any] = {
        "id": "n",
        "namespace": "general",
        "author": "ada",
        "made": 10.0,
        "changed": 10.0,
    }
    return Note(text=text, **(usual | fields))


def landing(*files: str, task: str = "other", made: float = 20.0) -> Proof:
    return Proof(task, f"c-{task}", files, made, 0.0)


# -- strength ----------------------------------------------------------------------------------------


@given(shares, moments, moments, fadings)
def test_strength_only_falls_with_time_and_never_below_the_floor(
    strength: float, now: float, more: float, fading: Fading
) -> None:
    it = note(strength=strength)
    before, after = strength_at(it, now, fading), strength_at(it, now + more, fading)
    assert 1.0 >= before >= after >= fading.floor


def test_strength_falls_by_a_twentieth_with_each_half_minute() -> None:
    it = note(strength=1.0, held_at=100.0)
    assert strength_at(it, 100.0 + UNIT_SECONDS, FADING) == pytest.approx(0.95)
    assert strength_at(it, 100.0 + 10 * UNIT_SECONDS, FADING) == pytest.approx(0.95**10)
    assert strength_at(it, 100.0 + 1e9, FADING) == 0.01
    assert strength_at(it, 50.0, FADING) == 1.0, "before it was held it is not more"


@given(shares, moments, fadings)
def test_a_landing_strengthens_a_note_and_weakens_a_warning(
    strength: float, now: float, fading: Fading
) -> None:
    for kind in ("note", "warning"):
        it = note(kind=kind, strength=strength, paths=("src/a.py",))
        after = proven(it, landing("src/a.py"), "r", now, fading)
        assert after is not None
        was, now_is = strength_at(it, now, fading), strength_at(after, now, fading)
        assert fading.floor <= now_is <= 1.0
        assert now_is >= was if kind == "note" else now_is <= was


def test_what_proves_a_note() -> None:
    own = note(run="r", task="t")
    assert proven(own, landing(task="t"), "r", 0.0, FADING) is not None
    assert proven(own, landing(task="t"), "another", 0.0, FADING) is None
    assert proven(own, landing("x.py"), "r", 0.0, FADING) is None, "it names no paths"
    assert proven(own, landing(task="t", made=5.0), "r", 0.0, FADING) is None, "it was made after that"
    folder = note(paths=("src",), strength=0.5)
    after = proven(folder, landing("src/deep/a.py"), "r", 0.0, FADING)
    assert after is not None and after.strength == pytest.approx(0.75)
    assert proven(folder, landing("source/a.py"), "r", 0.0, FADING) is None


def test_a_warning_is_settled_by_the_landing_of_its_own_task_only() -> None:
    warning = note(kind="warning", run="r", task="t", paths=("a.py",))
    settled = proven(warning, landing("a.py", task="t"), "r", 0.0, FADING)
    assert settled is not None and settled.settled and strength_at(settled, 0.0, FADING) == 0.0
    assert proven(settled, landing("a.py"), "r", 0.0, FADING) is None
    weaker = proven(warning, landing("a.py"), "r", 0.0, FADING)
    assert weaker is not None and not weaker.settled and weaker.strength < warning.strength


def test_the_later_warning_counts_also_within_one_tick_of_the_clock() -> None:
    """The warning of the attempt before stayed (seed 501180)."""
    first, second = (note(kind="warning", attempt=number, made=7.0, run_seconds=7.0) for number in (1, 2))
    assert newer(first, second)
    assert not newer(second, first) and not newer(second, second), "a log that is read again"
    later = note(kind="warning", attempt=2, made=8.0, run_seconds=8.0)
    assert newer(second, later) and not newer(later, second)


def test_the_same_trace_makes_the_same_note_and_a_warning_is_one_for_a_task_and_its_paths() -> None:
    kept = Noted("t", 1, "1.json", "text", "ada", 5.0, 2.0)
    assert note_of(kept, "r", 7.0) == note_of(kept, "r", 7.0)
    assert note_of(kept, "r", 7.0).id != note_of(kept, "s", 7.0).id
    assert note_of(kept, "r", 7.0).id != note_of(replace(kept, attempt=2), "r", 7.0).id
    warning = replace(kept, kind="warning", name="warning a.py")
    assert note_of(warning, "r", 7.0).id == note_of(replace(warning, attempt=2, text="b"), "r", 9.0).id
    assert note_of(kept, "r", 7.0).strength == START


# -- which matter --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "glob", "there"),
    [
        ("src/a.py", "src/*.py", True),
        ("src/a.py", "src/a.py", True),
        ("src/deep/a.py", "src/**", True),
        ("src/deep/a.py", "src/*.py", False),
        ("src", "src/auth/**", True),
        ("src", "src/auth/login.py", True),
        ("src/auth", "src", True),
        ("docs", "src/**", False),
        ("srcs", "src/**", False),
        ("a.py", "**", True),
        ("x*y.py", "x*y.py", True),
    ],
)
def test_paths_and_globs_meet(path: str, glob: str, there: bool) -> None:
    assert concerns((path,), (glob,)) is there
    assert not concerns((), (glob,)) and not concerns((path,), ())


def asked(notes: list[Note], **query: Any) -> list[str]:
    return [it.note.id for it in ranked(notes, Query(**query), 0.0, 100.0, FADING)]


def test_paths_count_more_than_words_and_weak_notes_less() -> None:
    notes = [
        note("parser is slow", id="words"),
        note("different", id="path", paths=("src/a.py",)),
        note("parser of src", id="both", paths=("src/b.py",)),
        note("elsewhere", id="none", paths=("docs/x.md",)),
        note("for all", id="general"),
        note("unsure", id="unsure", paths=("src/a.py",), confidence=0.1),
    ]
    brief = asked(notes, words="the parser", files=("src/**",), strict=False)
    far = [note("mind the parser", id="far", paths=("docs/x.md",))]
    long = "write tests for the parser and describe how to use everything"
    assert asked(far, words=long, strict=False) == [], "one word of many is none"
    assert asked(far, words="mind the parser", strict=False) == ["far"]
    assert brief == ["both", "path", "words", "unsure", "general"]
    assert asked(notes, words="parser", files=("src/**",)) == ["both"]
    assert asked(notes, words="pars") == ["words", "both"] or asked(notes, words="pars") == ["both", "words"]
    assert asked(notes, words="(((") == [], "what has no word answers nothing"


def test_what_is_out_of_date_settled_doubled_or_elsewhere_is_left_out() -> None:
    notes = [
        note("old", id="old", ttl_seconds=5.0),
        note("over", id="over", kind="warning", settled=True),
        note("Said  twice", id="first", made=11.0),
        note("said twice", id="second"),
        note("inner", id="inner", namespace="db/tests"),
        note("other", id="other", namespace="dbase"),
    ]
    assert set(asked(notes)) == {"first", "inner", "other"}
    assert asked(notes, namespace="db") == ["inner"]
    assert "over" in asked(notes, settled=True)


def test_nobody_talks_over_everybody_else_in_a_brief() -> None:
    loud = [note(f"text {n}", id=f"l{n}", run="r", task="t", attempt=1, confidence=1.0) for n in range(50)]
    quiet = note("something else", id="quiet", run="r", task="u", attempt=1, confidence=0.2)
    found = asked([*loud, quiet], strict=False, limit=8)
    assert len(found) == FROM_ONE + 1 and "quiet" in found


@given(st.lists(st.text(min_size=1, max_size=2_000), max_size=30))
def test_a_brief_has_room_for_so_much(texts: list[str]) -> None:
    notes = [note(text, id=str(n), paths=("a",) * n) for n, text in enumerate(texts)]
    chosen = for_brief(ranked(notes, Query(limit=50), 0.0, 100.0, FADING), 100.0)
    assert len(chosen) <= BRIEF_NOTES
    assert sum(len(v) for it in chosen for v in shown(it.note, 100.0).values()) <= BRIEF_CHARACTERS


@given(st.text(max_size=300))
def test_words_have_letters_and_digits_only(text: str) -> None:
    assert all(word.isalnum() for word in words_of(text) if word.isascii())
    assert all('"' not in word and "*" not in word for word in words_of(text))


@given(st.lists(st.sampled_from(["a/b/c.py", "a/b", "a", "d.py", "a/bc"]), max_size=4))
def test_touched_is_being_or_lying_in(files: list[str]) -> None:
    assert touched(("a/b",), files) == any(file == "a/b" or file.startswith("a/b/") for file in files)


# -- what may be in one ------------------------------------------------------------------------------------


def test_hostile_parts_are_refused_with_a_sentence() -> None:
    for text in ("", "  \n", "x" * (TEXT_LIMIT + 1), "red \x1b[31m", "turn \u202e round", "\ud800"):
        with pytest.raises(ValueError, match=r"\.$"):
            plain_text(text)
    for name in ("A", "-x", "a b", "x" * 65, "ä", "a\n", "../x"):
        with pytest.raises(ValueError, match=r"\.$"):
            namespace_of(name)
    for path in (
        "/etc/passwd",
        "../x",
        "a/../../x",
        "",
        ".git/config",
        "~/x",
        ".",
        "a\x00b",
        "x" * 301,
        "a\nb",
    ):
        with pytest.raises(ValueError, match=r"\.$"):
            paths_of([path])
    for seconds in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match=r"\.$"):
            ttl_of(seconds)
    with pytest.raises(ValueError, match="at most"):
        paths_of(f"f{n}" for n in range(PATHS_LIMIT + 1))
    assert paths_of(["./src//a.py", "src/a.py", "docs/"]) == ("src/a.py", "docs")
    assert (namespace_of(""), namespace_of("db/tests")) == ("general", "db/tests")


plain = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60).filter(str.strip)


@given(
    plain, shares, st.none() | st.floats(1, 1e6), st.lists(st.sampled_from(["a", "b/c", "d.py"]), unique=True)
)
def test_a_line_of_a_backup_is_read_as_it_was_written(
    text: str, share: float, ttl: float | None, paths: list[str]
) -> None:
    it = note(text.strip(), confidence=share, ttl_seconds=ttl, paths=tuple(paths), strength=0.5)
    assert read_lines([line_of(it, 0.0, FADING), ""]) == ([it], [])


GOOD = json.loads(line_of(note(), 0.0, FADING))


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        "[" * 100_000,
        "[]",
        "null",
        json.dumps(GOOD | {"format": 2}),
        json.dumps(GOOD | {"extra": 1}),
        json.dumps({k: v for k, v in GOOD.items() if k != "text"}),
        json.dumps(GOOD | {"text": "\x1b[2J"}),
        json.dumps(GOOD | {"text": "x" * 2_001}),
        json.dumps(GOOD | {"confidence": 2}),
        json.dumps(GOOD | {"confidence": True}),
        json.dumps(GOOD | {"confidence": float("nan")}),
        json.dumps(GOOD | {"made": 1e400}),
        json.dumps(GOOD | {"made": 0}),
        json.dumps(GOOD | {"strength": -1}),
        json.dumps(GOOD | {"paths": ["../x"]}),
        json.dumps(GOOD | {"paths": [1]}),
        json.dumps(GOOD | {"kind": "order"}),
        json.dumps(GOOD | {"author": "a\nb"}),
        json.dumps(GOOD | {"id": ""}),
        json.dumps(GOOD | {"run": "x" * 201}),
        '{"format": ' + "9" * 5_000 + "}",
        "x" * 100_001,
    ],
)
def test_a_wrong_line_is_named_and_the_others_are_read(line: str) -> None:
    notes, wrong = read_lines([json.dumps(GOOD), line, json.dumps(GOOD)])
    assert len(notes) == 2 and [it.number for it in wrong] == [2]
    assert wrong[0].sentence.endswith(".") and len(wrong[0].sentence) < 200
