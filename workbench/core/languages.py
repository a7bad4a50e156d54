"""What a file's name says about it: its language, and whether it holds tests."""

from __future__ import annotations

import re

SUFFIXES = {
    ".py": "python", ".pyi": "python",
    ".js": "javascript", ".jsx": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
    ".go": "go", ".rs": "rust", ".java": "java",
}  # fmt: skip
"""Languages that we have a grammar for, by the suffix of their files."""

TESTS = re.compile(
    r"(?:.*/)?(?:tests?|__tests__|testdata|specs?)/.*"
    r"|(?:.*/)?(?:test_[^/]*|conftest|[^/]*_test|[^/]*\.(?:test|spec)|[^/]*Tests?)\.\w+"
)


def language_of(path: str) -> str | None:
    """The grammar's name for a file, by its suffix; None when there is no grammar for it."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return SUFFIXES.get(f".{suffix}".lower()) if stem and dot else None


def is_test(path: str) -> bool:
    """Whether a file is named or placed as tests are."""
    return TESTS.fullmatch(path) is not None
