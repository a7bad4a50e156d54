"""Texts in trees, as git itself sees them."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from workbench.adapters.git.plumbing import Plumbing
from workbench.adapters.git.repository import open_repository
from workbench.errors import GitError


def git(repo: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=repo, check=True, capture_output=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def committed(repo: Path) -> str:
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a commit")
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
async def plumbing(repo: Path) -> AsyncIterator[Plumbing]:
    plumbing = Plumbing(await open_repository(repo))
    yield plumbing
    await plumbing.aclose()


async def test_only_what_is_named_changes_and_modes_stay(repo: Path, plumbing: Plumbing) -> None:
    (repo / "a/b/c").mkdir(parents=True)
    for path in ("a/b/c/é x.txt", "a/b/run.sh", "a/b.txt", "z"):
        (repo / path).write_text("old\n")
    (repo / "a/b/run.sh").chmod(0o755)
    (repo / "link").symlink_to("z")
    commit = committed(repo)
    tree = await plumbing.with_texts(
        await plumbing.tree_of(commit), {"a/b/c/é x.txt": "new\r\n", "a/b/run.sh": "", "z": "new"}
    )
    git(repo, "fsck", "--strict")
    changed = git(repo, "-c", "core.quotePath=false", "diff-tree", "-r", "--name-only", commit, tree)
    assert changed.splitlines() == ["a/b/c/é x.txt", "a/b/run.sh", "z"]
    modes = git(repo, "ls-tree", "-r", tree, "a/b/run.sh", "link", "z").split("\n")
    assert [line.split()[0] for line in modes] == ["100755", "120000", "100644"]
    assert git(repo, "cat-file", "-s", f"{tree}:a/b/run.sh") == "0"


@pytest.mark.parametrize("path", ["a", "a/b.txt/c", "missing", "a/missing"])
async def test_a_path_that_is_no_file_of_the_tree_is_refused(
    repo: Path, plumbing: Plumbing, path: str
) -> None:
    (repo / "a").mkdir()
    (repo / "a/b.txt").write_text("text\n")
    tree = await plumbing.tree_of(committed(repo))
    with pytest.raises(GitError):
        await plumbing.with_texts(tree, {path: "text\n"})


@pytest.mark.parametrize("raw", [b"a\0b", b"\xff\xfe"])
async def test_what_is_not_text_is_none(repo: Path, plumbing: Plumbing, raw: bytes) -> None:
    (repo / "f").write_bytes(raw)
    commit = committed(repo)
    assert await plumbing.text_at(commit, "f") is None
    assert await plumbing.text(git(repo, "rev-parse", f"{commit}:f")) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "settles"),
    [
        ({"f": "ours\n"}, {"f": "theirs\n"}, True),
        ({"f": "ours\n", "n": "ours\n"}, {"f": "theirs\n", "n": "theirs\n"}, True),
        ({"f": "ours\n"}, {"f": None}, False),
        ({"f": "ours\n", "bin": "\0ours"}, {"f": "theirs\n", "bin": "\0theirs"}, False),
        ({"f": "ours\n", "n": "ours\n"}, {"f": "theirs\n", "n/m": "theirs\n"}, False),
    ],
)
async def test_which_conflicts_texts_can_settle(
    repo: Path,
    plumbing: Plumbing,
    ours: dict[str, str | None],
    theirs: dict[str, str | None],
    settles: bool,
) -> None:
    (repo / "f").write_text("base\n")
    (repo / "bin").write_bytes(b"\0base")
    base = committed(repo)
    tips = []
    for side in (ours, theirs):
        git(repo, "checkout", "-q", "--detach", base)
        for path, text in side.items():
            target = repo / path
            target.parent.mkdir(exist_ok=True)
            if text is None:
                target.unlink()
            else:
                target.write_text(text)
        tips.append(committed(repo))
    merged = await plumbing.merge(*tips)
    assert not merged.clean
    assert bool(merged.files) is settles
    if settles:
        assert {file.path for file in merged.files} == set(merged.paths)


def tree_of_one(repo: Path, entry: str, name: str) -> str:
    """The tree with one entry, by git; only ``mktree -z`` takes any name."""
    given = f"{entry}\t{name}\0".encode()
    made = subprocess.run(["git", "mktree", "-z"], cwd=repo, check=True, capture_output=True, input=given)
    return made.stdout.decode().strip()


NAMES = st.text(st.characters(exclude_characters="/\0\n", exclude_categories=["Cs"]), min_size=1, max_size=8)
PATHS = st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(["a\r", "\r"], "text")
@given(PATHS, st.text(max_size=20).filter(lambda text: "\0" not in text))
async def test_any_path_can_be_given_a_text(repo: Path, names: list[str], text: str) -> None:
    """Against ``mktree`` and ``ls-tree``, which see names as they are."""
    plumbing = Plumbing(await open_repository(repo))
    try:
        path = "/".join(names)
        oid, kind = await plumbing.objects.write("blob", b"old"), "100644 blob"
        for name in reversed(names):
            oid, kind = tree_of_one(repo, f"{kind} {oid}", name), "040000 tree"
        tree = await plumbing.with_texts(oid, {path: text})
        commit = await plumbing.commit(tree, [], "a commit")
        assert await plumbing.text_at(commit, path) == text
    finally:
        await plumbing.aclose()
