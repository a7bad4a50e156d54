"""Two globs overlap exactly when some path matches both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.globs import everything, overlap
from workbench.core.notices import own_among


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("src/app.py", "src/app.py", True),
        ("src/app.py", "src/apps.py", False),
        ("src", "src/app.py", True),
        ("src/", "src/deep/app.py", True),
        ("./src/*.py", "src/app.py", True),
        ("src/*.py", "src/deep/app.py", False),
        ("src/**", "src/deep/app.py", True),
        ("src/**/app.py", "src/app.py", True),
        ("**/test_*.py", "tests/test_cli.py", True),
        ("**/test_*.py", "tests/cli_test.py", False),
        ("src/a*/x.py", "src/*b/x.py", True),
        ("src/a*.py", "src/b*.py", False),
        ("docs/**", "src/**", False),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("src/?.py", "src/ab.py", False),
        ("web/**/*.ts", "web/**/*.css", False),
        ("a" * 300, "a" * 300, True),
    ],
)
def test_overlap(one: str, other: str, wanted: bool) -> None:
    assert overlap(one, other) is wanted
    assert overlap(other, one) is wanted


def test_everything() -> None:
    assert everything("**") and everything("./**/*") and not everything("src/**")


PATHS = [
    "a", "b", "a/a", "a/b", "b/a", "ab", "ba", "a/ab", "ab/a", "a/a/a", "a/b/a", "a/b/b", "b/b/ab", "a/ab/b",
]  # fmt: skip
GLOBS = st.lists(st.sampled_from(["a", "b", "*", "?", "**", "a*", "*b", "ab"]), min_size=1, max_size=3).map(
    "/".join
)


@given(GLOBS, GLOBS)
def test_a_path_that_both_match_is_an_overlap(one: str, other: str) -> None:
    """The same reading of globs as ``own_among`` has, on paths of two letters."""
    both = set(own_among(PATHS, [one], [])) & set(own_among(PATHS, [other], []))
    assert overlap(one, other) or not both, both
    assert overlap(one, one)
