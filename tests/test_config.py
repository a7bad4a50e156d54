"""Settings: what wins over what, and what is said about a bad one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from workbench.config import Settings, from_file, key_of, load, settings_table
from workbench.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, {})
    assert (settings.team, settings.agent, settings.gates) == (3, "claude", ())
    assert (settings.attempts, settings.repairs, settings.gate_seconds) == (3, 3, 1800.0)
    assert settings.batch == 8
    assert 1 <= settings.gate_slots <= 4
    assert settings.worktree_root.is_absolute()
    assert settings.worktree_root.parts[-2:] == ("workbench", "worktrees")
    assert not settings.web


def test_the_command_line_over_the_environment_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_text('team = 4\nmodel = "file"\nattempts = 5\nrepairs = 1\n')
    settings = load(tmp_path, {"WORKBENCH_TEAM": "6", "WORKBENCH_MODEL": "env"}, model="flag", team=None)
    assert (settings.model, settings.team, settings.attempts, settings.repairs) == ("flag", 6, 5, 1)


def test_the_process_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_TEAM", "7")
    assert load(tmp_path).team == 7
    assert load(tmp_path, {}).team == 3


def test_pyproject_counts_where_there_is_no_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.workbench]\nteam = 2\ngates = ["true"]\n')
    assert load(tmp_path, {}).team == 2
    assert from_file(tmp_path)[0] == "[tool.workbench] in pyproject.toml"
    (tmp_path / "workbench.toml").write_text("team = 5\n")
    assert load(tmp_path, {}).team == 5
    assert load(tmp_path, {}).gates == (), "the two are not mixed"
    (tmp_path / "workbench.toml").unlink()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert from_file(tmp_path) == ("", {})


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ('["a, b", "c"]', ("a, b", "c")),
        ("make test\n\n  ruff check, maybe\n", ("make test", "ruff check, maybe")),
        ("", ()),
    ],
)
def test_lists_from_the_environment(tmp_path: Path, value: str, items: tuple[str, ...]) -> None:
    assert load(tmp_path, {"WORKBENCH_GATES": value}).gates == items


def test_copy_and_link_under_the_names_people_write(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_text('copy = [".env"]\nlink = "node_modules"\n')
    settings = load(tmp_path, {"WORKBENCH_COPY": "a\nb"})
    assert (settings.copy_files, settings.link_files) == (("a", "b"), ("node_modules",))
    (tmp_path / "workbench.toml").write_text('copy_files = [".env"]\n')
    with pytest.raises(UsageError, match="unknown setting `copy_files`"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("teem = 3\n", r"workbench\.toml has an unknown setting `teem`", "`team`"),
        ("gate-seconds = 3\n", r"unknown setting `gate-seconds`", "`gate_seconds`"),
        ("xyzzy = 3\n", r"unknown setting `xyzzy`", "Settings are: team, agent"),
        ('team = "many"\n', r"`team` in workbench\.toml should be a whole number.*not 'many'", "teammates"),
        ("attempt_seconds = inf\n", r"`attempt_seconds` in workbench\.toml should be a finite number", ""),
        ("team = 0\n", r"`team` in workbench\.toml.*greater than or equal to 1", ""),
        ("batch = 0\n", r"`batch` in workbench\.toml.*greater than or equal to 1", "land at once"),
        ("batch = 101\n", r"`batch` in workbench\.toml.*less than or equal to 100", ""),
        ('gates = ["ok", ""]\n', r"`gates` in workbench\.toml holds an empty command", ""),
        ('agent = "gpt"\n', r"`agent` .*`claude` or `command:`", ""),
        ('agent = "command: "\n', r"`agent` .*`claude` or `command:`", ""),
        ('claude = "bin/claude"\n', r"`claude` .*absolute path", ""),
        ('worktree_root = "trees"\n', r"`worktree_root` .*absolute path", ""),
        ('copy = ["../secret"]\n', r"`copy` .*'\.\./secret' is not a path inside", ""),
        ('link = [".git/hooks"]\n', r"`link` .*'\.git/hooks' is not a path inside", ""),
        ('gate_junit = ["/tmp/*.xml"]\n', r"`gate_junit` .*'/tmp/\*\.xml' is not a path inside", "JUnit"),
        ('gate_junit = ["a/**.xml"]\n', r"`gate_junit` .*'a/\*\*\.xml' has a `\*\*`", ""),
        ('quarantine = ["a", "*"]\n', r"`quarantine` .*'\*' would excuse every test", "alone"),
        ('env = ["A-B"]\n', r"`env` .*'A-B' is not the name", ""),
        ('sandbox = "maybe"\n', r"`sandbox` .*'auto', 'on' or 'off'", ""),
        ("budget_usd = 0\n", r"`budget_usd` .*greater than 0", ""),
        ("team = \n", r"workbench\.toml is not valid TOML: .*line 1", ""),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, text: str, sentence: str, hint: str) -> None:
    (tmp_path / "workbench.toml").write_text(text)
    with pytest.raises(UsageError, match=sentence) as caught:
        load(tmp_path, {})
    assert hint in caught.value.hint
    assert caught.value.hint


def test_a_bad_table_in_pyproject_is_explained(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.workbench]\nteems = 1\n")
    with pytest.raises(UsageError, match=r"\[tool\.workbench\] in pyproject\.toml has an unknown"):
        load(tmp_path, {})
    (tmp_path / "pyproject.toml").write_text("[tool]\nworkbench = 1\n")
    with pytest.raises(UsageError, match="is not a table"):
        load(tmp_path, {})


def test_a_file_that_is_not_text_is_explained(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_bytes(b"team = '\xff'")
    with pytest.raises(UsageError, match=r"workbench\.toml is not valid TOML"):
        load(tmp_path, {})
    (tmp_path / "workbench.toml").unlink()
    (tmp_path / "workbench.toml").mkdir()
    with pytest.raises(UsageError, match=r"workbench\.toml cannot be read"):
        load(tmp_path, {})


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="WORKBENCH_TEAM in the environment should be"):
        load(tmp_path, {"WORKBENCH_TEAM": "x"})
    with pytest.raises(UsageError, match="WORKBENCH_GATES in the environment is not a JSON list"):
        load(tmp_path, {"WORKBENCH_GATES": "[x"})


def test_a_slip_in_a_variable_is_refused_and_strangers_are_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="WORKBENCH_GATE in the environment") as caught:
        load(tmp_path, {"WORKBENCH_GATE": "make test"})
    assert "WORKBENCH_GATES" in caught.value.hint
    assert load(tmp_path, {"WORKBENCH_GATE": "1"}).gates == (), "a gate may run workbench"
    ours = {"WORKBENCH_ATTEMPT": "1", "WORKBENCH_TASK": "a", "WORKBENCH_RUN": "r", "WORKBENCH_NONCE": "n"}
    others = {"WORKBENCH_WORKTREE": "/w", "WORKBENCH_TEAMMATE": "ada", "WORKBENCH_LICENCE_SERVER": "x"}
    assert load(tmp_path, ours | others) == load(tmp_path, {})


def test_a_bad_flag_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`team` in the command line should be"):
        load(tmp_path, {}, team=-1)


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        setattr(load(tmp_path, {}), "team", 9)  # noqa: B010


def test_every_setting_is_in_the_table() -> None:
    table = settings_table()
    for field, info in Settings.model_fields.items():
        assert info.description, field
        assert f"| `{key_of(field)}` |" in table
    assert all(line.count("|") == 4 for line in table.splitlines())


def test_the_readme_shows_the_table() -> None:
    shown = re.findall(r"^\| `(\w+)` \|.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    if not shown:
        pytest.skip("the README has no table of settings yet")
    assert settings_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_code_hosts_token_cannot_be_let_through(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="GITHUB_TOKEN, a code host's token"):
        load(tmp_path, {"WORKBENCH_ENV": "GITHUB_TOKEN"})
