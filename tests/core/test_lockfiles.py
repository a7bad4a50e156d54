"""Where the packages in lock files come from."""

from __future__ import annotations

import json

import pytest

from workbench.core.lockfiles import is_lock_file, new_hosts

EVIL = "evil.example"
LINES = {
    "package-lock.json": '"resolved": "https://{}/x/-/x-1.0.0.tgz",',
    "yarn.lock": '  resolved "https://{}/x/-/x-1.0.0.tgz#abc"',
    "pnpm-lock.yaml": "    resolution: {{tarball: https://{}/x.tgz}}",
    "uv.lock": 'source = {{ registry = "https://{}/simple" }}',
    "poetry.lock": 'url = "https://{}/simple"',
    "Cargo.lock": 'source = "git+https://{}/x?rev=1#1"',
    "Gemfile.lock": "  remote: https://{}/",
    "Pipfile.lock": '"url": "https://{}/simple",',
}


@pytest.mark.parametrize("name", LINES)
def test_a_new_host_is_told_and_a_known_one_is_not(name: str) -> None:
    line = LINES[name]
    assert is_lock_file(f"web/{name}")
    assert new_hosts(name, "", line.format(EVIL)) == (EVIL,)
    assert new_hosts(name, line.format(EVIL), line.format(EVIL) + "\n" + line.format(EVIL)) == ()
    assert new_hosts(name, "", line.format(f"user:pass@{EVIL}:8080")) == (f"{EVIL}:8080",)


def test_usual_registries_and_other_addresses_are_nothing_new() -> None:
    lock = (
        '"funding": {"url": "https://opencollective.com/x"},\n"resolved": "https://registry.npmjs.org/x.tgz"'
    )
    assert new_hosts("package-lock.json", "", lock) == ()
    crates = 'source = "registry+https://github.com/rust-lang/crates.io-index"'
    assert new_hosts("Cargo.lock", "", crates) == ()
    assert not is_lock_file("lock.py")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("package-lock.json", r'"resolved": "https:\/\/evil.example\/x.tgz"'),
        ("package-lock.json", r'"resol\u0076ed": "\u0068ttps://evil.example/x.tgz"'),
        ("package-lock.json", r'"resolved": "https:\\evil.example/x.tgz"'),
        ("package-lock.json", '"resolved": "HTTPS://Evil.Example/x.tgz"'),
        ("package-lock.json", '"resolved": "https:evil.example/x.tgz"'),
        ("package-lock.json", '"version": "https://evil.example/x.tgz"'),
        ("pnpm-lock.yaml", 'resolution: {"tarball": "https://evil.example/x"}'),
        ("yarn.lock", '  "resolved" "https://evil.example/x"'),
        ("uv.lock", "source = { registry = 'https://evil.example/simple' }"),
        ("uv.lock", 'sdist = { "url" = "https://evil.example/x" }'),
        ("poetry.lock", 'source = { type = "legacy", url = "https://evil.example/simple" }'),
        ("Cargo.lock", "package = [{ name = 'x', source = 'registry+https://evil.example/x' }]"),
    ],
)
def test_no_way_of_writing_hides_a_host(name: str, line: str) -> None:
    assert new_hosts(name, "", line) == (EVIL,)


def test_versions_and_files_are_no_hosts() -> None:
    lock = '"version": "1.2.3",\n"resolved": "packages/a",\n"from": "left-pad@^1.0.0",\n"link": true'
    assert new_hosts("package-lock.json", "", lock) == ()
    assert (
        new_hosts("yarn.lock", "", '  resolution: "a@npm:1.0.0"\n  resolution: "b@workspace:packages/b"')
        == ()
    )
    assert new_hosts("Cargo.lock", "", f"source = {json.dumps(CRATES_INDEX)}") == ()


CRATES_INDEX = "registry+https://github.com/rust-lang/crates.io-index"
