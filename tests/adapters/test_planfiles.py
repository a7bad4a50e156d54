"""Plan files on disk: read once they are left alone, replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.adapters.planfiles import PlanFileOnDisk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "plan.md"
    path.write_text("one")
    return path


def write(path: Path, text: str, at: int) -> None:
    """Write, at a time of its own."""
    path.write_text(text)
    os.utime(path, ns=(at, at))


def test_a_file_is_read_at_first_and_when_it_was_changed_and_left_alone(path: Path) -> None:
    file = PlanFileOnDisk(path, "p")
    assert file.changed() == "one"
    assert file.changed() is None
    write(path, "two", 1)
    assert file.changed() is None, "it may be half of it"
    write(path, "two, whole", 2)
    assert file.changed() is None
    assert file.changed() == "two, whole"
    assert file.changed() is None


def test_at_the_end_nothing_is_waited_for(path: Path) -> None:
    file = PlanFileOnDisk(path, "p")
    file.changed()
    write(path, "two", 1)
    assert file.changed(wait=False) == "two"


def test_what_is_not_there_or_no_text_is_nothing(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"\xff")
    assert PlanFileOnDisk(path, "p").changed() is None
    assert PlanFileOnDisk(tmp_path / "no", "p").changed() is None
    assert PlanFileOnDisk(tmp_path, "p").changed() is None
    os.mkfifo(tmp_path / "pipe")
    assert PlanFileOnDisk(tmp_path / "pipe", "p").changed() is None
    path.write_bytes(b"x" * ((2 << 20) + 1))
    assert PlanFileOnDisk(path, "p").changed() is None


def test_it_is_replaced_only_where_it_holds_what_was_read(path: Path) -> None:
    file = PlanFileOnDisk(path, "p")
    path.chmod(0o604)
    assert not file.replace("other", "two") and path.read_text() == "one"
    assert file.replace("one", "two") and path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o604
    assert file.changed() is None, "we wrote it ourselves"
    assert not list(path.parent.glob(".*"))


def test_line_ends_are_kept(path: Path) -> None:
    path.write_bytes(b"one\r\ntwo\r")
    file = PlanFileOnDisk(path, "p")
    assert file.changed() == "one\r\ntwo\r"
    assert file.replace("one\r\ntwo\r", "one\r\n2\r")
    assert path.read_bytes() == b"one\r\n2\r"


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.md"
    link.symlink_to(path)
    assert PlanFileOnDisk(link, "p").replace("one", "two")
    assert link.is_symlink() and path.read_text() == "two"


def test_only_the_runs_own_file_is_made(tmp_path: Path) -> None:
    assert not PlanFileOnDisk(tmp_path / "a.md", "p").replace("", "text")
    assert PlanFileOnDisk(tmp_path / "b.md", "p", fresh=True).replace("", "text")
    assert [it.name for it in tmp_path.glob("*.md")] == ["b.md"]
