"""Paths and links that lead out of a repository."""

from __future__ import annotations

import pytest

from workbench.core.escapes import escapes, unsafe


@pytest.mark.parametrize(
    "path",
    [
        ".git/config", ".GIT/config", "sub/.Git/hooks/x", ".git", ".git.", ".git ",
        ".git::$INDEX_ALLOCATION/x", ".g\u200cit/config", "git~1/config", "GIT~2", "gi7eba~1", "../x",
        "a/../../x", "./x", "/etc/passwd",
        "C:/x", "a//b", "a\\..\\x", "sub\\.git\\config", "a\nb", "a\x1b[2Jb", "",
    ],
)  # fmt: skip
def test_what_may_not_be_written(path: str) -> None:
    assert unsafe(path)


@pytest.mark.parametrize(
    "path", [".github/x", ".gitignore", "a/git/config", "git~x", "..a/b", "a b.txt", "ä/ö", "x.git/config"]
)
def test_what_may(path: str) -> None:
    assert unsafe(path) == ""


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("a", "../x"),
        ("a/b", "../../x"),
        ("a", "/etc/passwd"),
        ("a", ".git/config"),
        ("a/b", "../.GIT"),
        ("a", ""),
        ("a", "b/../../x"),
        ("a", "C:\\x"),
        ("a/b", "..\\..\\x"),
    ],
)
def test_links_that_lead_out(path: str, target: str) -> None:
    assert escapes(path, target)


@pytest.mark.parametrize(
    ("path", "target"), [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d/./e"), ("a", "x.git")]
)
def test_links_that_stay(path: str, target: str) -> None:
    assert not escapes(path, target)
