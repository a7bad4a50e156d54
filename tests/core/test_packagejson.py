"""What of a package.json needs a person where a gate is one of its scripts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workbench.core.packagejson import redefines

BEFORE: dict[str, Any] = {
    "name": "shop",
    "private": True,
    "scripts": {"test": "jest"},
    "devDependencies": {"jest": "^29.7.0", "old": "git+https://example.invalid/old"},
}


def changed(**values: Any) -> bool:
    after = {name: value for name, value in {**BEFORE, **values}.items() if value is not None}
    return redefines(json.dumps(BEFORE), json.dumps(after, indent=2))


@pytest.mark.parametrize(
    "version",
    [
        "1.2.3",
        "^1.2.3",
        "~1.2",
        ">=1 <3",
        "1.x || >=2.5.0 || 5.0.0 - 7.2.3",
        "*",
        "1.0.0-beta.2",
        "latest",
        "=v2.0.0+b1",
    ],
)
def test_a_dependency_of_the_registry_says_nothing(version: str) -> None:
    assert not changed(dependencies={"left": version})
    assert not changed(devDependencies={**BEFORE["devDependencies"], "left": version})


def test_what_was_there_may_stay_and_what_goes_may_go() -> None:
    assert not changed()
    assert not changed(devDependencies={"old": "git+https://example.invalid/old"})
    assert not changed(devDependencies=None)


@pytest.mark.parametrize(
    "version",
    ["npm:other@1.0.0", "file:../evil", "link:evil", "workspace:*", "owner/repo", "github:owner/repo",
     "../evil", ".", "~/evil", "https://evil.example/x.tgz", "git+ssh://git@evil.example/x", "1.0.0-x.tgz",
     "1.0.0-x.TGZ", "1.0.0-x.tar-gz", "\u0661.0.0", "x.tar.gz", "C:\\x", "", "1.0.0\n", 1,
     None, {"a": "1"}, "1" * 200],
)  # fmt: skip
def test_a_dependency_from_elsewhere_needs_a_person(version: object) -> None:
    assert changed(dependencies={"left": version})


@pytest.mark.parametrize("name", ["jest@file:./evil", "@scope/jest@file:./evil", "../evil", "", ".", "a b"])
def test_a_name_that_brings_a_version_of_its_own_needs_a_person(name: str) -> None:
    assert changed(dependencies={name: "1.0.0"})


@pytest.mark.parametrize("name", ["left-pad", "@types/node", "lodash.merge", "JSONStream", "@scope/a.b"])
def test_names_as_packages_have_them(name: str) -> None:
    assert not changed(dependencies={name: "1.0.0"})


def test_the_order_of_all_else_counts() -> None:
    """The first of jest's patterns that fits is the one."""
    before = '{"jest": {"moduleNameMapper": {"^shop/(.*)": "./src/$1", ".*": "./fake.js"}}}'
    after = '{"jest": {"moduleNameMapper": {".*": "./fake.js", "^shop/(.*)": "./src/$1"}}}'
    assert redefines(before, after)
    assert not redefines(
        '{"dependencies": {"a": "1"}, "name": "x"}', '{"name": "x", "dependencies": {"b": "1"}}'
    )


@pytest.mark.parametrize(
    "values",
    [
        {"scripts": {"test": "true"}},
        {"scripts": None},
        {"jest": {"testMatch": []}},
        {"private": 1},
        {"overrides": {"jest": "npm:other@1"}},
        {"bundleDependencies": ["x"]},
        {"dependencies": ["left"]},
    ],
)
def test_all_else_needs_a_person(values: dict[str, Any]) -> None:
    assert changed(**values)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 200_000, '{"a": 1, "a": 1}', '{"scripts": {"test": "true", "test": "jest"}}', None],
)
def test_what_cannot_be_read_or_is_not_there_needs_a_person(text: str | None) -> None:
    plain = json.dumps(BEFORE)
    assert redefines(plain, text) and redefines(text, plain)
