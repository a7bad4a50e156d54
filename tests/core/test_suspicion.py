"""Which change failing tests point at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.suspicion import pointed, touches


@pytest.mark.parametrize(
    ("test", "path", "score"),
    [
        ("tests/test_parser.py::test_empty", "tests/test_parser.py", 3),
        ("tests.test_parser.Case.test_empty", "tests/test_parser.py", 2),
        ("tests/test_parser.py::test_empty", "src/parser.py", 1),
        ("src/parser.test.ts > parses", "src/parser.ts", 1),
        ("ParserTest.empty", "src/main/java/Parser.java", 1),
        ("tests/test_parser.py::test_lexer", "src/lexer.py", 0),
        ("tests/test_parser.py::test_empty", "README.md", 0),
        ("tests/test_init.py::test_a", "src/__init__.py", 0),
        ("example.com/pkg/store.TestGet", "pkg/store/store.go", 1),
    ],
)
def test_how_plainly(test: str, path: str, score: int) -> None:
    assert touches(test, path) == score


def test_only_the_plainest_are_pointed_at() -> None:
    changes = [("src/parser.py",), ("tests/test_parser.py", "README.md"), ("src/other.py",)]
    assert pointed(["tests/test_parser.py::test_empty"], changes) == [1]
    assert pointed(["tests/test_unknown.py::test_x"], changes) == []
    assert pointed([], changes) == []


@given(
    st.lists(st.text(max_size=40), max_size=4),
    st.lists(st.lists(st.text(max_size=30), max_size=3), max_size=4),
)
def test_any_text_is_coped_with(tests: list[str], changes: list[list[str]]) -> None:
    assert set(pointed(tests, changes)) <= set(range(len(changes)))
