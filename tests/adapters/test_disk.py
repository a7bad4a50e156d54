"""What is measured is what would be freed: no link is followed, and it ends in time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.adapters.disk import Scale, Size, readable


def test_links_are_not_followed_and_names_of_one_file_count_once(tmp_path: Path) -> None:
    home, tree = tmp_path / "precious", tmp_path / "tree"
    home.mkdir()
    (home / "huge").write_bytes(b"x" * 5_000_000)
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "file").write_bytes(b"x" * 100_000)
    alone = Scale.lasting(60).weigh(tree)
    (tree / "home").symlink_to(home)
    (tree / "deep" / "up").symlink_to(tmp_path)
    (tree / "again").hardlink_to(tree / "deep" / "file")
    found = Scale.lasting(60).weigh(tree)
    assert found.whole and 100_000 <= alone.bytes <= found.bytes < alone.bytes + 50_000
    assert Scale.lasting(60).weigh(tree / "home").bytes < 50_000
    scale = Scale.lasting(60)
    assert scale.weigh(tree / "again").bytes >= 100_000 and scale.weigh(tree / "deep" / "file").bytes == 0


def test_odd_names_and_what_is_not_there(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n")).write_bytes(b"x" * 10_000)
    assert Scale.lasting(60).weigh(tmp_path, tmp_path / "gone").bytes >= 10_000


def test_it_ends_when_the_time_is_up(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    found = Scale.lasting(-1).weigh(tmp_path)
    assert not found.whole and readable(found).startswith("at least ")


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (150_000, "150 kB"), (2 * 10**13, "20.0 TB")],
)
def test_words(size: int, text: str) -> None:
    assert readable(Size(size)) == text
