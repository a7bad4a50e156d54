"""`workbench mark`, as agents call it, and that what it writes is what the core reads."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import mark
from workbench.core import markers, noteform
from workbench.core.models import Marker, MarkerKind
from workbench.core.plain import UNPRINTABLE


@pytest.fixture
def worktree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    where = tmp_path / "worktree"
    (where / ".workbench" / "markers").mkdir(parents=True)
    (where / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(where / "src" / "deep")
    monkeypatch.setenv("WORKBENCH_NONCE", "n1")
    return where


def dropped(worktree: Path) -> list[Marker]:
    files = sorted((worktree / ".workbench" / "markers").iterdir())
    assert all(file.name.endswith(".json") for file in files)
    return [markers.read(file.read_bytes(), "n1") for file in files]


@pytest.mark.parametrize("kind", MarkerKind)
def test_the_core_reads_every_kind(worktree: Path, kind: MarkerKind) -> None:
    given = ["--percent", "40", "--confidence", "0.5", "--to", "ada", "--reply-to", "m7", "--yes"]
    assert mark.main([kind.value, *given, "naïve 🙂\nline two"]) == 0
    note = "naïve 🙂\nline two"
    assert dropped(worktree) == [
        Marker(
            kind=kind,
            nonce="n1",
            note=note,
            percent=40,
            confidence=0.5,
            to="ada",
            reply_to="m7",
            decision="yes",
        )
    ]


def test_what_is_not_given_is_not_written(worktree: Path) -> None:
    assert mark.main(["done"]) == 0
    assert dropped(worktree) == [Marker(kind=MarkerKind.DONE, nonce="n1")]


@pytest.mark.parametrize(
    "words",
    [
        ["progress", "half", "way", "--percent", "50"],
        ["progress", "--percent", "50", "half", "way"],
        ["progress", "half", "--percent", "50", "way"],
        ["--percent", "50", "progress", "half way"],
    ],
)
def test_words_and_options_in_any_order(worktree: Path, words: list[str]) -> None:
    assert mark.main(words) == 0
    (found,) = dropped(worktree)
    assert (found.note, found.percent) == ("half way", 50)


def test_a_note_from_standard_input(worktree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\n"))
    assert mark.main(["note", "-"]) == 0
    assert dropped(worktree)[0].note == "one\ntwo"


def test_names_sort_as_they_were_dropped(worktree: Path) -> None:
    for percent in range(20):
        assert mark.main(["progress", "--percent", str(percent)]) == 0
    assert [found.percent for found in dropped(worktree)] == list(range(20))


def test_the_named_worktree_goes_before_where_we_are(
    worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_WORKTREE", str(worktree))
    monkeypatch.chdir(tmp_path)
    assert mark.main(["done"]) == 0
    assert len(dropped(worktree)) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["finished"], "invalid choice: 'finished'"),
        ([], "KIND"),
        (["progress"], "--percent, a note, or both"),
        (["progress", "--percent", "101"], "from 0 to 100, not 101"),
        (["progress", "--percent", "half"], "invalid int value"),
        (["done", "--confidence", "2"], "from 0 to 1, not 2"),
        (["done", "--confidence", "nan"], "from 0 to 1"),
        (["question"], "needs a note"),
        (["blocked", "  "], "needs a note"),
        (["message", "hello"], "needs --to"),
        (["message", "hello", "--to", "a" * 65], "at most 64"),
        (["note", "x" * 2001], "at most 2000 characters"),
        (["message", "--to", "all", "x" * 20_001], "at most 20000 characters"),
        (["note", "a\x1b[2Jb"], "control characters"),
        (["note", "a\u202eb"], "control characters"),
        (["note", os.fsdecode(b"\xff")], "control characters"),
    ],
)
def test_mistakes_are_explained_and_nothing_is_dropped(
    worktree: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert mark.main(words) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.out == ""
    assert dropped(worktree) == []


def test_outside_a_worktree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKBENCH_NONCE", "n1")
    monkeypatch.chdir(tmp_path)
    assert mark.main(["done"]) == 2
    assert "not inside a worktree" in capsys.readouterr().err
    monkeypatch.setenv("WORKBENCH_WORKTREE", str(tmp_path / "gone"))
    assert mark.main(["done"]) == 2
    assert "not a directory" in capsys.readouterr().err


def test_without_a_nonce(
    worktree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WORKBENCH_NONCE")
    assert mark.main(["done"]) == 2
    assert "WORKBENCH_NONCE is not set" in capsys.readouterr().err
    assert dropped(worktree) == []


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    assert mark.main(["--help"]) == 0
    said = capsys.readouterr().out
    for word in (*MarkerKind, "examples:", "WORKBENCH_NONCE", "--percent"):
        assert word in said


def test_its_limits_are_those_of_the_core() -> None:
    assert set(MarkerKind) == set(mark.KINDS)
    assert {kind.value: limit for kind, limit in markers.NOTE_LIMITS.items()} == mark.NOTE_LIMITS
    assert {kind.value for kind in markers.NEEDS_NOTE} == set(mark.NEEDS_NOTE)
    to = [rule.max_length for rule in Marker.model_fields["to"].metadata if hasattr(rule, "max_length")]
    assert to == [mark.TO_LIMIT]
    assert (noteform.TTL_LIMIT, noteform.PATHS_LIMIT) == (mark.TTL_LIMIT, mark.PATHS_LIMIT)
    for code in range(0x3000):
        if chr(code) not in "\n\t":
            assert mark._plain(chr(code)) == (not UNPRINTABLE.search(chr(code))), hex(code)


def test_it_imports_next_to_nothing(worktree: Path) -> None:
    code = (
        "import sys; from workbench.cli import mark; code = mark.main(['done']);"
        "heavy = {'pydantic', 'asyncio', 'typer', 'pathlib', 'sqlite3', 'dataclasses', 'shutil'};"
        "print(sorted(heavy & set(sys.modules) - before)); sys.exit(code)"
    )
    # Site hooks of an editable install import some of these before any of our code runs.
    before = "import sys; before = set(sys.modules);"
    done = subprocess.run(
        [sys.executable, "-c", before + code], capture_output=True, text=True, check=True, cwd=worktree
    )
    assert done.stdout == "[]\n"
    assert len(dropped(worktree)) == 1


def test_a_note_says_what_it_is_about(worktree: Path) -> None:
    words = ["note", "--path", "src/a.py", "--path", "docs", "--namespace", "db", "--ttl", "60", "slow"]
    assert mark.main(words) == 0
    (found,) = dropped(worktree)
    assert (found.paths, found.namespace, found.ttl) == (("src/a.py", "docs"), "db", 60.0)


@pytest.mark.parametrize(
    "words",
    [
        ["progress", "--percent", "5", "--path", "a"],
        ["note", "x", "--ttl", "0"],
        ["note", "x", "--path", "/etc"],
        ["note", "x", "--path", "../a"],
        ["note", "x", "--path", "a\x1b"],
        ["note", "x", "--namespace", "Big"],
        ["note", "x", "--namespace", "-x"],
        ["note", "x", *(word for n in range(21) for word in ("--path", f"f{n}"))],
    ],
)
def test_what_a_note_is_about_is_refused_on_the_spot(worktree: Path, words: list[str]) -> None:
    assert mark.main(words) == 2
    assert dropped(worktree) == []
