"""The table in this package's docstring says who proves what: nobody it names is missing, and nobody here
is not named."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import tests.faults as table

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def _rows() -> dict[str, list[str]]:
    """Each row's fault, and the tests under it as ``path::name``, seen from the repository's top."""
    assert table.__doc__
    found = {}
    for block in table.__doc__.split("\n\n")[2:]:
        fault, *rest = block.strip().splitlines()
        named = [line.strip() for line in rest if "::" in line]
        assert rest and rest[0].startswith("    "), f"no row: {fault}"
        found[fault] = [one if one.startswith("tests/") else f"tests/faults/{one}" for one in named]
    return found


@cache
def _tests_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds) and "test_" in node.name)


@pytest.mark.parametrize("fault", _rows())
def test_each_row_names_tests_that_exist(fault: str) -> None:
    named = _rows()[fault]
    assert named, "nobody proves it"
    for one in named:
        path, _, name = one.partition("::")
        assert name in _tests_of(ROOT / path), one


def test_each_test_here_proves_a_row() -> None:
    named = {one for tests in _rows().values() for one in tests}
    here = {
        f"tests/faults/{path.name}::{name}"
        for path in HERE.glob("test_*.py")
        if path.name != Path(__file__).name
        for name in _tests_of(path)
    }
    assert here - named == set()
