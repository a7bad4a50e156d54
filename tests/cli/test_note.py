"""`workbench note`, as people and teammates call it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from workbench.cli.app import main
from workbench.core import markers

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _there(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo / "src")


def note(capsys: Capture, *words: str, code: int = 0) -> tuple[str, str]:
    assert main(["note", *words]) == code
    said = capsys.readouterr()
    return said.out, said.err


def found(capsys: Capture, *words: str) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = json.loads(note(capsys, *words, "--json")[0])["notes"]
    return notes


def test_a_note_is_kept_found_shown_and_forgotten(capsys: Capture) -> None:
    words = ["add", "--path", "src/app.py", "--namespace", "db", "--ttl", "2h", "--confidence", "0.5"]
    name = note(capsys, *words, "the", "test", "is slow")[0].strip()
    (it,) = found(capsys, "search", "slow")
    assert (it["id"], it["text"], it["author"]) == (name, "the test is slow", "a person")
    assert (it["namespace"], it["paths"], it["ttl_seconds"], it["confidence"]) == (
        "db",
        ["src/app.py"],
        7200,
        0.5,
    )
    assert found(capsys, "search", "--path", "src") and found(capsys, "list", "--namespace", "db")
    assert not found(capsys, "search", "quick") and not found(capsys, "list", "--namespace", "web")
    shown = note(capsys, "show", name[:6])[0]
    assert "the test is slow" in shown and "strength 0.50" in shown and "src/app.py" in shown
    note(capsys, "forget", name)
    assert not found(capsys, "list")
    assert "There is no note" in note(capsys, "show", name, code=2)[1]


def test_it_is_found_from_a_linked_worktree(
    capsys: Capture, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(capsys, "add", "known everywhere")
    git(repo, "worktree", "add", "-q", "-b", "other", str(repo.parent / "other"))
    monkeypatch.chdir(repo.parent / "other")
    assert [it["text"] for it in found(capsys, "search", "everywhere")] == ["known everywhere"]


def test_in_a_teammates_worktree_it_is_dropped_as_a_marker(
    capsys: Capture, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / ".workbench").mkdir()
    note(capsys, "add", "from a person")
    monkeypatch.setenv("WORKBENCH_NONCE", "n1")
    note(capsys, "add", "--path", "src/app.py", "--ttl", "1m", "from a teammate")
    (file,) = (repo / ".workbench" / "markers").iterdir()
    marker = markers.read(file.read_bytes(), "n1")
    assert (marker.note, marker.paths, marker.ttl) == ("from a teammate", ("src/app.py",), 60.0)
    said = note(capsys, "search", "from")[0]
    assert said.startswith("Written by others") and "from a person" in said and "teammate" not in said


@pytest.mark.parametrize(
    "words",
    [
        ["add", ""],
        ["add", "\x1b[31mred"],
        ["add", "x" * 2_001],
        ["add", "x", "--path", "../out"],
        ["add", "x", "--namespace", "A B"],
        ["add", "x", "--ttl", "soon"],
        ["add", "x", "--ttl", "0"],
        ["add", "x", "--ttl", "999999999d"],
        ["add", "x", "--confidence", "2"],
        ["search"],
        ["show", "nothing"],
        ["forget", "nothing"],
        ["restore", "nowhere.jsonl"],
        ["backup", "no/such/folder/b.jsonl"],
    ],
)
def test_bad_input_is_explained_and_exits_2(capsys: Capture, words: list[str]) -> None:
    out, err = note(capsys, *words, code=2)
    assert out == "" and "next:" in err and "Traceback" not in err


def test_text_of_others_moves_no_cursor(capsys: Capture, repo: Path) -> None:
    """What a backup or an older format let through is escaped when it is shown."""
    note(capsys, "add", "two\nlines\tand a tab")
    shown = note(capsys, "list")[0]
    assert "    two\n    lines\\tand a tab\n" in shown


@pytest.mark.parametrize("words", ['"', "a AND (", "text:x", "-x", "*", "(((", "' OR 1=1 --"])
def test_no_question_is_syntax(capsys: Capture, words: str) -> None:
    note(capsys, "add", "a note")
    note(capsys, "search", "--", words)


def test_a_backup_is_restored_once_and_wrong_lines_are_named(capsys: Capture, tmp_path: Path) -> None:
    note(capsys, "add", "one")
    two = note(capsys, "add", "two")[0].strip()
    file = tmp_path / "notes.jsonl"
    note(capsys, "backup", str(file))
    assert note(capsys, "backup")[0] == file.read_text() and len(file.read_text().splitlines()) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    note(capsys, "forget", two)
    assert "0 notes restored, 2 were here" in note(capsys, "restore", str(file))[1]
    (tmp_path / "repo" / ".git" / "workbench" / "notes.db").unlink()
    assert "2 notes restored" in note(capsys, "restore", str(file))[1]
    assert "0 notes restored" in note(capsys, "restore", str(file))[1]
    file.write_text(file.read_text() + '\n{"format": 1}\nrubbish\n')
    before = found(capsys, "list")
    err = note(capsys, "restore", str(file), code=2)[1]
    assert f"{file}:4: it has no `id`." in err and f"{file}:5: it is no JSON" in err
    assert "Nothing was restored" in err and found(capsys, "list") == before
    file.write_bytes(b"\n\xff\n")
    assert f"{file}:2:" in note(capsys, "restore", str(file), code=2)[1]


def test_damaged_notes_are_explained(capsys: Capture, repo: Path) -> None:
    note(capsys, "add", "one")
    (repo / ".git" / "workbench" / "notes.db").write_bytes(b"rubbish" * 1_000)
    assert "are damaged" in note(capsys, "list", code=2)[1]
    assert "are damaged" in note(capsys, "add", "two", code=2)[1]


def test_help_teaches(capsys: Capture) -> None:
    for words in ([], ["add"], ["restore"]):
        assert main(["note", *words, "--help"]) == 0
        assert "Usage: workbench note" in capsys.readouterr().out
