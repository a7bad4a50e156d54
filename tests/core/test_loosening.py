"""What a settings file that nobody trusts may say: stricter, and not looser."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.config import Settings, load, narrowed, own_word
from workbench.core.loosening import PROTECTING, RUNNING, SELF_DEFENDED

# fmt: off
HARMLESS = frozenset({
    "team", "sparse", "model", "budget_usd", "task_budget_usd", "attempts", "repairs",
    "idle_seconds", "attempt_seconds", "nudge_seconds", "retry_seconds", "batch", "gate_seconds",
    "gate_slots", "gate_cache", "gate_junit", "quarantine", "salvage", "on_question",
    "answer_seconds", "topology", "lead", "message_quota", "write_back", "on_change", "guarded",
    "plain", "note_decay", "note_floor", "deadline_minutes", "keep_worktrees", "bell", "notify",
    "theme",
})
# fmt: on
"""Settings that neither protect the machine nor harm it, whatever they are."""


def test_each_setting_was_thought_about() -> None:
    known = [*PROTECTING, *RUNNING, *SELF_DEFENDED, *HARMLESS]
    assert sorted(known) == sorted(Settings.model_fields), "say in core.loosening what a new setting can do"


LOOSER = {
    "claude": '"/srv/evil"',
    "sandbox": '"off"',
    "sandbox_domains": '["evil.example"]',
    "sandbox_write": '["~/.ssh"]',
    "sandbox_read": '["~/.npmrc"]',
    "gate_network": "true",
    "policy": '{allow = ["WebFetch"]}',
    "web": "true",
    "env": '["SECRET"]',
    "copy": '[".env"]',
    "link": '["data"]',
    "worktree_root": '"/srv/www"',
    "on_plan": '"approve"',
    "on_join": '"approve"',
    "on_permission": '"ask"',
    "on_guarded": '"allow"',
    "secrets": '"allow"',
}


def test_each_of_them_is_tried() -> None:
    assert len(LOOSER) == len(PROTECTING)


@pytest.mark.parametrize("key", LOOSER)
def test_what_loosens_protection_is_left_out_by_name(tmp_path: Path, key: str) -> None:
    (tmp_path / "workbench.toml").write_text(f"{key} = {LOOSER[key]}\nteam = 2\n")
    found, withheld = narrowed(load(tmp_path, {}), own_word(tmp_path, {}))
    assert withheld == (key,)
    assert found == Settings(team=2)


@pytest.mark.parametrize(
    "line",
    ['sandbox = "on"', 'on_join = "reject"', 'guarded = ["infra/**"]', 'policy = {deny = ["Bash(make *)"]}',
     'secrets = "hold"', "web = false", 'gates = ["make"]', 'trust = "never"'],
)  # fmt: skip
def test_what_makes_it_stricter_or_is_no_matter_stays(tmp_path: Path, line: str) -> None:
    (tmp_path / "workbench.toml").write_text(line)
    whole = load(tmp_path, {})
    assert narrowed(whole, own_word(tmp_path, {})) == (whole, ())


def test_what_the_person_says_is_not_the_files(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_text('env = ["A"]\nweb = true\nsandbox = "off"\n')
    env = {"WORKBENCH_ENV": "B"}
    whole = load(tmp_path, env, sandbox="off")
    found, withheld = narrowed(whole, own_word(tmp_path, env, ("sandbox",)))
    assert (found.env, found.sandbox, found.web, withheld) == (("B",), "off", False, ("web",))


def test_a_policy_that_takes_the_shipped_denials_away_loosens(tmp_path: Path) -> None:
    (tmp_path / "workbench.toml").write_text('[policy]\ndefaults = false\nask = ["WebFetch"]\n')
    found, withheld = narrowed(load(tmp_path, {}), own_word(tmp_path, {}))
    assert withheld == ("policy",) and found.policy.defaults and found.policy.ask == ("WebFetch",)
