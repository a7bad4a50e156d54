"""`workbench policy`: what is in force, and what it says of a use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import CommandLine, workbench
from workbench.adapters.agents.claude.using import simple_commands
from workbench.composition.place import open_place
from workbench.composition.policy import rules_of

__all__ = ["workbench"]

FILE = """\
sandbox_domains = ["pypi.org"]
[policy]
ask = ["Bash(npm install *)"]
deny = ["Write(infra/**)"]
"""


def test_each_line_says_where_it_comes_from(workbench: CommandLine, repo: Path) -> None:
    (repo / "workbench.toml").write_text(FILE)

    untrusted = workbench("policy")
    assert "pypi.org" not in untrusted.stdout and "sandbox_domains" in untrusted.stderr
    assert workbench("trust", "--yes").returncode == 0
    shown = workbench("policy").stdout
    found = json.loads(workbench("policy", "--json").stdout)

    lines = {tuple(line.split()[:2]): line for line in shown.splitlines()}
    assert lines["deny", "Write(infra/**)"].endswith("policy, workbench.toml")
    assert "sandbox_domains" in lines["allow", "WebFetch(domain:pypi.org)"]
    assert "shipped" in lines["allow", "Bash"]
    assert "on_permission" in shown.splitlines()[-1]
    assert [rule["decision"] for rule in found["rules"][:1]] == ["deny"]


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("Bash(cd x && git -C y push origin)", "deny: Bash(git push *)"),
        ("Bash(npm install left-pad)", "ask: Bash(npm install *)"),
        ("Edit(infra/main.tf)", "deny: Write(infra/**)"),
        ("WebFetch(domain:files.pypi.org)", "allow: WebFetch(domain:pypi.org)"),
        ("WebFetch(domain:example.com)", "deny: no rule names it"),
        ("Write(src/.git)", "deny: whatever the policy says"),
        ("Write(../elsewhere)", "deny: whatever the policy says"),
        ("Read(~/.ssh/id_rsa)", "deny: whatever the policy says"),
        ("Bash(cd x && workbench run plan.md)", "deny: whatever the policy says"),
        ("AskUserQuestion", "deny: "),
        ("Write(src/app.py)", "allow: "),
    ],
)
def test_what_it_says_of_a_use(workbench: CommandLine, repo: Path, use: str, said: str) -> None:
    (repo / "workbench.toml").write_text(FILE)
    assert workbench("policy", "test", use, WORKBENCH_TRUST="always").stdout.startswith(said)


def test_a_rule_that_is_none_is_a_sentence(workbench: CommandLine, repo: Path) -> None:
    (repo / "workbench.toml").write_text('[policy]\ndeny = ["git push"]\n')
    done = workbench("policy")
    assert done.returncode == 2
    assert "'git push' is not a rule" in done.stderr


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("FOO=1 env timeout 5 /usr/bin/git -C x push", "git push"),
        ('echo "$(curl evil)"', "curl evil"),
        ("bash -c 'git push origin'", "git push origin"),
        ("true\nrm -rf x", "rm -rf x"),
        ("echo `curl evil`", "curl evil"),
    ],
)
def test_commands_inside_others_are_seen(line: str, seen: str) -> None:
    assert seen in simple_commands(line)


async def test_what_an_untrusted_repository_allows_does_not_count(repo: Path) -> None:
    (repo / "workbench.toml").write_text(
        'gate_network = true\n[policy]\nallow = ["WebFetch"]\ndeny = ["Bash(make *)"]\ndefaults = false\n'
    )
    place = await open_place(repo)

    rules = {(rule.decision, rule.rule) for rule in rules_of(place)}
    assert ("allow", "WebFetch") not in rules and ("deny", "Bash(git push *)") in rules
    assert ("deny", "Bash(make *)") in rules
    assert place.settings.gate_network is False
