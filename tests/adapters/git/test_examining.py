"""What work brings in, read from real commits; secrets by the real library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.examining import MESSAGE, NAME, Examining, added_lines
from workbench.adapters.git.repository import open_repository
from workbench.adapters.secrets.search import Searcher, worth_a_look

KEY = "AKIA" + "QWERTZUIOPASDFGH"


@pytest.fixture
async def searcher() -> AsyncIterator[Searcher]:
    searcher = Searcher()
    yield searcher
    await searcher.aclose()


def commit(repo: Path, **files: str) -> str:
    for name, text in files.items():
        (repo / name).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "more")
    return git(repo, "rev-parse", "HEAD")


async def examining(repo: Path, searcher: Searcher) -> Examining:
    repository = await open_repository(repo)
    repository.state_dir.mkdir(parents=True, exist_ok=True)
    return Examining(repository, searcher.search)


async def test_entries_and_patch(repo: Path, searcher: Searcher) -> None:
    base = git(repo, "rev-parse", "HEAD")
    new = commit(repo, **{"README.md": "# More\n", "*.md": "star\n"})
    its = await examining(repo, searcher)
    blob = git(repo, "rev-parse", "HEAD:README.md")
    assert await its.entries(new, ["README.md", "gone"]) == {"README.md": f"100644 {blob}"}
    patch = await its.patch(base, new, ["*.md"], 4_000)
    assert "+star" in patch and "More" not in patch, "a path is no pattern"
    assert "(cut)" in await its.patch(base, new, ["*.md", "README.md"], 40)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("POSTGRES_PASSWORD: postgres", False),
        ("password = 'Test123!'", False),
        ("client_secret = '<your_password>'", False),
        ("url = 'postgres://postgres:postgres@localhost/db'", False),
        ("POSTGRES_PASSWORD: postgres-of-the-shop", True),
        ("password = 'test8675309'", True),
        ("password = 'hunter2'", False),
        ("password = 'test'; password = 'S3cure-Horse-77'", True),
        ("secret = 'secret'; client_secret = 'S3cure-Horse-77'", True),
        ("login(password='password', db_password='S3cure-Horse-77')", True),
        (f"password = 'Xw{'-' * 2_000}x'", True),
        ("url = 'postgres://root:gK3kd9aZ@db.example/x'", True),
    ],
)
async def test_a_password_that_everybody_knows_is_none(
    repo: Path, searcher: Searcher, line: str, secret: bool
) -> None:
    base = git(repo, "rev-parse", "HEAD")
    leaks = await (await examining(repo, searcher)).leaks((base,), commit(repo, **{"a.yml": f"{line}\n"}))
    assert [it.path for it in leaks] == ["a.yml"] * secret


async def test_a_secret_is_found_where_it_is_and_on_the_way(repo: Path, searcher: Searcher) -> None:
    base = git(repo, "rev-parse", "HEAD")
    way = commit(repo, **{"a.py": f"x = 1\nkey = '{KEY}'\n", "ä b.py": "y = 1\n"})
    its = await examining(repo, searcher)
    (leak,) = await its.leaks((base,), way)
    assert (leak.path, leak.line, leak.kind) == ("a.py", 2, "AWS Access Key")
    tip = commit(repo, **{"a.py": "x = 1\n", "ä b.py": f"\n\ny = '{KEY}'\n"})
    found = {(it.path, it.line) for it in await its.leaks((base, base), tip)}
    assert found == {("a.py", 0), ("ä b.py", 3)}
    assert not await its.leaks((base, tip), tip), "what has landed brings nothing in"


async def test_what_is_allowed_is_no_leak(repo: Path, searcher: Searcher) -> None:
    base = git(repo, "rev-parse", "HEAD")
    its = await examining(repo, searcher)
    new = commit(repo, **{"a.py": f"key = '{KEY}'  # pragma: allowlist secret\n"})
    assert await its.leaks((base,), new), "the work's own word says nothing"
    secret = commit(repo, **{"b.py": f"key = '{KEY}'\n"})
    assert await its.leaks((new,), secret)
    import hashlib
    import json

    hashed = hashlib.sha1(KEY.encode()).hexdigest()
    results = {"c.py": [{"hashed_secret": hashed, "line_number": 1}]}
    listed = commit(repo, **{".secrets.baseline": json.dumps({"results": results}, indent=1)})
    assert not await its.leaks((secret,), listed), "the fingerprints are none"
    known = commit(repo, **{"c.py": f"key = '{KEY}'\n"})
    assert not await its.leaks((listed,), known)
    assert await its.leaks((secret,), known), "the baseline of the work itself says nothing"


async def test_a_secret_at_the_end_of_a_long_line_and_one_in_a_message(
    repo: Path, searcher: Searcher
) -> None:
    base = git(repo, "rev-parse", "HEAD")
    its = await examining(repo, searcher)
    long = commit(repo, **{"a.py": f"{'x ' * 3_000} key = '{KEY}'\n"})
    assert [it.path for it in await its.leaks((base,), long)] == ["a.py"]
    git(repo, "commit", "-q", "--allow-empty", "-m", f"said\n\ncommit {base}\nkey = '{KEY}'\n")
    (leak,) = await its.leaks((long,), git(repo, "rev-parse", "HEAD"))
    assert (leak.path, leak.line, leak.kind) == (MESSAGE, 4, "AWS Access Key")


async def test_a_token_in_the_name_of_a_file_is_found(repo: Path, searcher: Searcher) -> None:
    base = git(repo, "rev-parse", "HEAD")
    long = f"{'0123456789abcdef' * 4}.bin"
    new = commit(repo, **{f"notes-{KEY}-empty": "", long: "x\n"})
    (leak,) = await (await examining(repo, searcher)).leaks((base,), new)
    assert (leak.path, leak.kind) == (NAME, "AWS key")


async def test_a_token_in_what_git_takes_for_binary_is_found(repo: Path, searcher: Searcher) -> None:
    base = git(repo, "rev-parse", "HEAD")
    (repo / "ä b.env").write_bytes(f"KEY={KEY}\n".encode("utf-16"))
    (repo / "image.png").write_bytes(b"\x89PNG\0\0" + bytes(range(256)) * 20)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "binaries\n\nBinary files a/x and b/x differ\n")
    way = git(repo, "rev-parse", "HEAD")
    its = await examining(repo, searcher)
    (leak,) = await its.leaks((base,), way)
    assert (leak.path, leak.line, leak.kind) == ("ä b.env", 1, "AWS key")
    git(repo, "rm", "-q", "ä b.env")
    git(repo, "commit", "-q", "-m", "gone")
    tip = git(repo, "rev-parse", "HEAD")
    assert await its.leaks((base,), tip) == (leak,), "it is in a commit on the way"
    assert not await its.leaks((way,), tip), "to take one away brings nothing in"


async def test_work_without_anything_to_look_at_starts_no_process(repo: Path) -> None:
    searcher = Searcher(seconds=0.0)  # would raise if it were asked
    base = git(repo, "rev-parse", "HEAD")
    new = commit(repo, **{"a.py": "def double(value):\n    return 2 * value\n"})
    assert not await (await examining(repo, searcher)).leaks((base,), new)


async def test_a_search_that_takes_too_long_is_ended(searcher: Searcher) -> None:
    impatient = Searcher(seconds=0.0)
    with pytest.raises(TimeoutError):
        await impatient.search([("a", f"key = '{KEY}'")])
    await impatient.aclose()
    assert await searcher.search([("a", f"key = '{KEY}'")]), "another one goes on"


def test_what_work_says_cannot_pass_for_the_head_of_a_diff() -> None:
    log = (
        "commit aa\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,3 @@\n+++ b/other\n"
        "+diff --git a/y b/y\n+commit bb\n"
    )
    name, *lines = [(it.commit, it.path, it.line) for it in added_lines(log)]
    assert name == ("aa", NAME, 0) and lines == [("aa", "x", n) for n in (1, 2, 3)]


def test_most_lines_are_not_worth_a_look() -> None:
    assert not worth_a_look("    return first(values) + second")
    assert worth_a_look(f"'{KEY}'") and worth_a_look("password = 'x'")


HEX, WIDE = "22ea1c649c82946aa6e479e1ffd321e4a318b1b0", "EhtHdKdZkkopKcSkEvtuMbmqp0ZGaEDvzEp21pqUFJ4"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("web/bun.lock", f'    "a": ["a@1.0.0", "", {{}}, "sha256-{WIDE}="],'),
        ("npm-shrinkwrap.json", f'      "integrity": "sha256-{WIDE}=",'),
        ("flake.lock", f'        "rev": "{HEX}",'),
        ("pubspec.lock", f'      sha256: "{HEX}"'),
        ("mix.lock", f'  "jason": {{:hex, :jason, "1.4.1", "{HEX}", [:mix], [], "hexpm"}},'),
        ("index.html", f'<script src="x.js" integrity="sha256-{WIDE}=" crossorigin>'),
    ],
)
async def test_hashes_of_packages_are_no_secrets(searcher: Searcher, path: str, line: str) -> None:
    assert not await searcher.search([(path, line)])


async def test_other_secrets_are_found_beside_hashes(searcher: Searcher) -> None:
    found = await searcher.search(
        [
            ("a.html", f'<script integrity="sha256-{WIDE}=" data-key="{KEY}">'),
            ("flake.lock", f'"key": "{KEY}"'),
            ("a.py", f"x = '{WIDE}='"),
        ]
    )
    assert [at for at, _, _ in found] == [0, 1, 2]
