"""Where the packages in lock files come from."""

from __future__ import annotations

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
