"""The permission policy: which rule decides on a use, and what is no rule."""

from __future__ import annotations

import pytest

from workbench.core.models import Decided, PolicyRule
from workbench.core.policy import SHIPPED, problem, ruled


def rules(**texts: tuple[str, ...]) -> tuple[PolicyRule, ...]:
    found: list[PolicyRule] = []
    for decision in ("allow", "ask", "deny"):
        kind: Decided = decision
        found += [PolicyRule(decision=kind, rule=rule, source="here") for rule in texts.get(decision, ())]
    return tuple(found)


def decided(policy: tuple[PolicyRule, ...], tool: str, *subjects: str) -> str | None:
    return ruled(policy, tool, subjects).decision


def test_deny_wins_over_ask_and_ask_over_allow_whatever_the_order() -> None:
    policy = rules(allow=("Bash(git *)",), ask=("Bash(git push *)",), deny=("Bash(git push --force *)",))
    for some in (policy, policy[::-1]):
        assert decided(some, "Bash", "git status") == "allow"
        assert decided(some, "Bash", "git push origin") == "ask"
        assert decided(some, "Bash", "git push --force origin") == "deny"
        assert decided(some, "Bash", "make") is None


def test_a_line_is_denied_by_any_of_its_commands_and_allowed_by_all() -> None:
    policy = rules(allow=("Bash(pytest *)", "Bash(cd *)"), deny=("Bash(rm *)",))
    assert decided(policy, "Bash", "cd x", "pytest -q") == "allow"
    assert decided(policy, "Bash", "cd x", "curl y") is None
    assert decided(policy, "Bash", "pytest", "rm -rf x") == "deny"


@pytest.mark.parametrize(
    ("rule", "tool", "subject", "hit"),
    [
        ("Bash(git push *)", "Bash", "git push", True),
        ("Bash(git push:*)", "Bash", "git push origin main", True),
        ("Bash(git push *)", "Bash", "git pushy", False),
        ("Bash(npm run test)", "Bash", "npm  run test", True),
        ("Bash", "Bash", "anything", True),
        ("Write(docs/**)", "Edit", "docs/a/b.md", True),
        ("Edit(docs/**)", "NotebookEdit", "docs/a.ipynb", True),
        ("Write(docs/**)", "Write", "src/docs/a.md", False),
        ("Write(docs/)", "Write", "docs/a/b.md", True),
        ("Write(*.lock)", "Write", "deep/down/yarn.lock", True),
        ("Write(src/*.py)", "Write", "src/a/b.py", False),
        ("Write(docs/**)", "Read", "docs/a.md", False),
        ("Read(~/data/**)", "Grep", "~/data/x", True),
        ("WebFetch(domain:example.com)", "WebFetch", "docs.example.com", True),
        ("WebFetch(domain:example.com)", "WebFetch", "badexample.com", False),
        ("mcp__issues__*", "mcp__issues__close", "", True),
        ("mcp__issues__*", "mcp__other__close", "", False),
    ],
)
def test_what_a_rule_matches(rule: str, tool: str, subject: str, hit: bool) -> None:
    assert (decided(rules(deny=(rule,)), tool, subject) == "deny") is hit


@pytest.mark.parametrize("rule", ["", "git push", "Bash(", "Bash()", "WebFetch(example.com)", "Ba sh(x)"])
def test_what_is_no_rule_says_so(rule: str) -> None:
    assert problem(rule)


def test_the_shipped_rules_let_teammates_work_and_not_publish() -> None:
    assert not any(problem(rule.rule) for rule in SHIPPED)
    for tool, subject in (("Bash", "make test"), ("Edit", "src/a.py"), ("mcp__workbench__done", "")):
        assert decided(SHIPPED, tool, subject) == "allow"
    for command in ("git push", "gh pr create", "sudo ls"):
        assert decided(SHIPPED, "Bash", command) == "deny"
    assert decided(SHIPPED, "WebFetch", "example.com") is None
