"""What is known for running code or steering agents, and what a list of it comes to."""

from __future__ import annotations

import pytest

from workbench.core.trust.gitconfig import exec_setting, neutral
from workbench.core.trust.items import Decision, Item, Kind, Trust, digest, news
from workbench.core.trust.paths import imports, item_of, kind_of, link_target, near
from workbench.core.trust.words import lines, standing


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("CLAUDE.md", Kind.INSTRUCTIONS),
        ("claude.MD", Kind.INSTRUCTIONS),
        ("deep/in/CLAUDE.md", Kind.INSTRUCTIONS),
        ("AGENTS.md", Kind.INSTRUCTIONS),
        (".claude/rules/a.md", Kind.INSTRUCTIONS),
        (".claude", Kind.SETTINGS),
        (".claude/settings.json", Kind.SETTINGS),
        (".Claude/hooks/x.sh", Kind.SETTINGS),
        (".claude/skills/a/SKILL.md", Kind.SKILL),
        ("pkg/.claude/commands/a.md", Kind.SKILL),
        (".mcp.json", Kind.SERVERS),
        ("a/.gitattributes", Kind.ATTRIBUTES),
        (".gitmodules", Kind.SUBMODULES),
        ("src/app.py", None),
        ("docs/claude.md.txt", None),
        ("claude/settings.json", None),
    ],
)
def test_files_are_known_by_name(path: str, kind: Kind | None) -> None:
    assert kind_of(path) is kind
    assert near(path) is (kind is not None)


def test_what_links_and_imports_lead_to_is_watched_and_no_folder_that_only_sounds_so() -> None:
    assert near("docs/style.md", ("docs/style.md",))
    assert near("tools/claude/settings.json", ("tools/claude/",))
    assert not near("src/app.py", ("src",)), "`@src` in prose is no folder that is watched"
    assert imports("CLAUDE.md", b"See @docs/a.md, @./b.md and mail me@x.org. Not @/etc/passwd") == (
        "docs/a.md",
        "b.md",
    )
    assert imports("sub/CLAUDE.md", b"@../c.md @../../out.md") == ("c.md",)
    assert link_target(".claude", b"tools/claude") == "tools/claude"
    assert link_target("CLAUDE.md", b"../elsewhere") == ""


def test_attributes_count_where_they_name_a_driver_and_hooks_are_shown() -> None:
    assert item_of(".gitattributes", Kind.ATTRIBUTES, b"*.py text eol=lf merge=union\n") is None
    item = item_of(".gitattributes", Kind.ATTRIBUTES, b"*.c filter=evil diff=x\n")
    assert item is not None and "filter=evil" in item.why
    hooked = b'{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "curl evil"}]}]}}'
    settings = item_of(".claude/settings.json", Kind.SETTINGS, hooked)
    assert settings is not None and "curl evil" in settings.why
    assert item_of(".claude/settings.json", Kind.SETTINGS, b"[" * 100_000) is not None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.fsmonitor", "./evil"),
        ("core.hooksPath", ".husky"),
        ("core.sshcommand", "ssh -i x"),
        ("filter.LFS.clean", "x"),
        ("diff.external", "x"),
        ("diff.a.b.textconv", "x"),
        ("merge.x.driver", "x"),
        ("credential.https://x.helper", "!x"),
        ("alias.st", "!x"),
        ("include.path", "../x"),
        ("includeif.gitdir:/x.path", "y"),
        ("url.ext::sh -c x.insteadof", "https://"),
        ("submodule.x.update", "!x"),
        ("protocol.ext.allow", "always"),
    ],
)
def test_settings_that_run_something_are_known(key: str, value: str) -> None:
    assert exec_setting(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.fsmonitor", "true"),
        ("alias.st", "status -s"),
        ("user.name", "x"),
        ("remote.origin.url", "x"),
        ("submodule.x.update", "rebase"),
        ("url.https://x.insteadof", "gh:"),
        ("branch.main.merge", "refs/heads/main"),
        ("pager.log", "false"),
        ("merge.conflictstyle", "zdiff3"),
        ("filter.lfs.required", "true"),
    ],
)
def test_settings_that_run_nothing_are_left_alone(key: str, value: str) -> None:
    assert exec_setting(key, value) == ""
    assert neutral([(key, value)]) == neutral([])


def test_a_filter_is_made_harmless_as_a_whole() -> None:
    over = neutral([("filter.x.smudge", "evil"), ("alias.x", "!evil"), ("include.path", "y")])
    assert over["filter.x.clean"] == over["filter.x.process"] == "" and over["filter.x.required"] == "false"
    assert over["core.hooksPath"] == "/dev/null" and "evil" not in str(over) and "include.path" not in over


def _item(name: str, sha: str = "a" * 64) -> Item:
    return Item(kind=Kind.INSTRUCTIONS, name=name, sha256=sha)


def test_a_list_is_known_by_a_hash_that_each_change_changes() -> None:
    one, two = _item("a"), _item("b")
    assert digest([one, two]) == digest([two, one])
    assert len({digest([]), digest([one]), digest([one, two]), digest([one, _item("b", "c" * 64)])}) == 4
    since = news([one, _item("b", "c" * 64), _item("d")], [two, one, _item("gone")])
    assert [since.of(it) for it in (one, two, _item("d"))] == ["", "changed", "new"]
    assert [it.name for it in since.gone] == ["gone"]


def test_what_is_new_is_shown_however_long_the_list_and_nothing_moves_the_cursor() -> None:
    many = [_item(f"{number:03}/CLAUDE.md") for number in range(60)]
    shown = "\n".join(
        lines([*many, _item("new\x1b[2J\n/CLAUDE.md")], news([*many, _item("new\x1b[2J\n/CLAUDE.md")], many))
    )
    assert "[new]" in shown and "21 more" in shown and "\x1b" not in shown
    assert "instructions" in shown


def test_standing_says_what_a_run_does_without() -> None:
    trust = Trust(trusted=False, commit="c" * 40, sha256="d" * 64, count=2, how="unasked")
    said, hint = standing(trust)
    assert "not trusted" in said and "without" in said and "workbench trust" in hint
    decided = Decision(sha256="d" * 64, by="ada", at=0.0)
    said, hint = standing(trust.model_copy(update={"trusted": True, "how": "recorded", "by": decided.by}))
    assert "is trusted" in said and "ada" in said and not hint
