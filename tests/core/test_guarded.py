"""Which files need a person."""

from __future__ import annotations

import pytest

from workbench.core.guarded import GUARDED, definitions, guarded, scripts


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".github/workflows/deep/er.yml",
        ".GitHub/Workflows/ci.yml",
        ".github/actions/mine/action.yml",
        "tools/action.yaml",
        ".claude/settings.json",
        "packages/web/.claude/agents/x.md",
        ".Claude/settings.json",
        "CLAUDE.md",
        "claude.md",
        "docs/AGENTS.md",
        ".mcp.json",
        ".gitattributes",
        "src/.gitattributes",
        ".gitmodules",
        ".husky/pre-commit",
        ".githooks/post-merge",
        ".pre-commit-config.yaml",
        ".github/CODEOWNERS",
        "web/.npmrc",
        "pnpm-workspace.yaml",
        "web/.pnpmfile.cjs",
        ".pnpmfile.mjs",
        "bunfig.toml",
        "NuGet.Config",
        "uv.toml",
        ".bundle/config",
        "api/.mvn/extensions.xml",
        "gradle/wrapper/gradle-wrapper.jar",
        ".yarn/releases/yarn-4.5.0.cjs",
        "web/.yarn/plugins/@yarnpkg/plugin-x.cjs",
        ".codex/config.toml",
        ".github/instructions/python.instructions.md",
        ".vscode/tasks.json",
        "workbench.toml",
        "odd\nname/.claude/x",
        ".claude",
        ".cl\u200caude/settings.json",
        ".github/workflows",
    ],
)
def test_what_runs_by_itself_or_steers_agents_needs_a_person(path: str) -> None:
    assert path in guarded([path])
    assert guarded([path])[path]


@pytest.mark.parametrize(
    "path",
    ["src/app.py", "README.md", "github/workflows/ci.yml", "docs/workflows/ci.yml", "claude/x.py",
     "CLAUDE.mdx", ".yarn/cache/x.zip", ".yarn/patches/x.patch", "gradle/libs.versions.toml", "codex/x.py",
     "pnpmfile.ts", "src/hooks/use_state.ts", ".claude-x", "tests/conftest.py", "xaction.yml"],
)  # fmt: skip
def test_other_files_do_not(path: str) -> None:
    assert guarded([path], ["pytest -q"]) == {}


@pytest.mark.parametrize(
    ("gate", "path"),
    [
        ("make test", "Makefile"),
        ("make", "Makefile"),
        ("./scripts/check.sh --all", "scripts/check.sh"),
        ("bash ci/run.sh", "ci/run.sh"),
        ("python tools/verify.py", "tools/verify.py"),
        ("cd sub && ../check.sh", "check.sh"),
        ("tox", "tox.ini"),
        ("python -m pytest -q", "conftest.py"),
        ("just check && ruff check .", "justfile"),
        ("./gradlew test", "gradlew"),
    ],
)
def test_what_defines_a_gate_needs_a_person(gate: str, path: str) -> None:
    assert guarded([path], [gate]) == {path: f"it is part of the gate `{gate}`"}
    assert guarded([path], ["true"]) == {}


def test_scripts_of_a_package_json_are_looked_for_in_it() -> None:
    gates = ["cd Web && CI=1 npm test", "pnpm lint", "cd ../x && npm test", "make"]
    part = "it is part of the gate `{}`"
    run = scripts(gates)
    assert run.why("Web/package.json") == part.format(gates[0])
    assert run.why("package.json") == part.format(gates[1])
    assert run.why("x/package.json") == run.why("package.json/x") == run.why("Makefile") == ""
    assert guarded(["Web/package.json", "package.json"], gates) == {}
    run = scripts(["npm --prefix web test"])
    assert run.why("web/package.json") and not run.why("package.json")
    assert guarded(["package.json"], gates, ["package.json"]), "the settings may guard all of it"


@pytest.mark.parametrize(
    ("gate", "everywhere"),
    [
        ("pnpm -r test", True),
        ("pnpm --filter=./apps/* test", True),
        ("npm test --workspaces", True),
        ("cd app && npm run test -w web", True),
        ("yarn workspace web test", True),
        ("bun --filter '*' test", True),
        ("npx turbo run test", True),
        ("npm test", False),
        ("rm -r dist && npm test", False),
        ("npm test 'open", False),
    ],
)
def test_where_their_manager_finds_packages_each_may_define_the_gate(gate: str, everywhere: bool) -> None:
    assert bool(scripts([gate]).why("apps/web/package.json")) is everywhere
    assert not scripts([gate]).why("apps/web/index.js")


def test_a_path_outside_defines_nothing_and_a_broken_command_is_no_reason_to_fail() -> None:
    assert definitions("../../other/check.sh; /usr/bin/check.sh") == frozenset()
    assert definitions("echo 'open") == frozenset()


def test_every_glob_matches_something_of_its_own() -> None:
    for glob, why in GUARDED:
        path = glob.replace("**/", "").replace("**", "x").replace("*", "")
        assert guarded([path]) == {path: why}, glob
