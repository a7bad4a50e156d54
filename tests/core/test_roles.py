"""Agent files become roles, or are told apart from them with a line and a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.models import Plan, Role, Task
from workbench.core.roles import AgentFile, chosen, gather, in_words, parse
from workbench.core.words import telling

FILE = """\
---
name: code-reviewer
description: Reviews code for security and style
tools: Read, Grep, Bash
model: sonnet
---

You review.
"""


def front(*lines: str, prompt: str = "You do.") -> str:
    return "\n".join(["---", *lines, "---", prompt])


def role_of(text: str) -> Role:
    role, _ = parse(".claude/agents/a.md", text)
    assert role is not None, parse("a.md", text)[1]
    return role


def said(text: str) -> list[str]:
    return [str(remark) for remark in parse("a.md", text)[1]]


def test_an_agent_file_as_claude_code_writes_it() -> None:
    role, remarks = parse(".claude/agents/code-reviewer.md", FILE)
    assert remarks == []
    assert role == Role(
        name="code-reviewer",
        description="Reviews code for security and style",
        capabilities=("review", "security", "style"),
        tools=("Read", "Grep", "Bash"),
        model="sonnet",
        prompt="You review.",
        path=".claude/agents/code-reviewer.md",
    )


@pytest.mark.parametrize(
    ("line", "tools"),
    [
        ("tools: Read,Write", ("Read", "Write")),
        ("tools: [Read, Write]", ("Read", "Write")),
        ("tools:\n  - Read\n  - Write", ("Read", "Write")),
        ("tools: Read, Read", ("Read",)),
        ("tools: []", ()),
        ("tools:", None),
        ('tools: "*"', None),
        ("color: red", None),
    ],
)
def test_tools_are_a_list_or_a_line(line: str, tools: tuple[str, ...] | None) -> None:
    assert role_of(front("name: a", "description: b", line)).tools == tools


def test_a_tool_is_given_or_taken_whole_and_servers_are_nobodys() -> None:
    text = front(
        "name: a",
        "description: b",
        "tools: Read, Bash(git add, git commit), mcp__github__push, ../x",
        "disallowedTools: Write, Edit(src/**), mcp__workbench__done",
    )
    role = role_of(text)
    assert (role.tools, role.without) == (("Read",), ("Write", "Edit"))
    left = said(text)
    assert len(left) == 2 and '"Bash(git add, git commit)"' in left[0] and "mcp__github__push" in left[0]
    assert "skipped" not in left[0]


@pytest.mark.parametrize(
    ("line", "model"),
    [
        ("model: inherit", None),
        ("model: opus", "opus"),
        ("model: claude-opus-4-5[1m]", "claude-opus-4-5[1m]"),
        ("model: arn:aws:bedrock:eu/x@2", "arn:aws:bedrock:eu/x@2"),
        ("model:", None),
    ],
)
def test_models(line: str, model: str | None) -> None:
    assert role_of(front("name: a", "description: b", line)).model == model


def test_what_widens_is_left_out_and_said() -> None:
    text = front(
        "name: a",
        "description: b",
        "color: red",
        "permissionMode: bypassPermissions",
        "mcpServers: {x: {command: sh}}",
        "hooks:",
        "  PreToolUse: [{matcher: Bash, hooks: [{type: command, command: sh}]}]",
    )
    assert role_of(text) == role_of(front("name: a", "description: b"))
    assert said(text) == ['a.md:5: "permissionMode", "mcpServers", "hooks" are not used here']


def test_a_description_that_yaml_would_trip_over_is_a_text_as_for_claude_code() -> None:
    role = role_of(front("name: a", "description: Use when: it's <b>late</b> # now", "tools: Read, Write"))
    assert role.description == "Use when: it's <b>late</b> # now" and role.tools == ("Read", "Write")


def test_listed_capabilities_go_over_the_words_of_the_description() -> None:
    text = front("name: a", "description: Knows billing", "capabilities: [SQL schemas, migrations]")
    assert role_of(text).capabilities == ("sql", "schema", "migration")


def test_windows_line_ends_and_a_byte_order_mark_are_nothing() -> None:
    role, remarks = parse(".claude/agents/code-reviewer.md", "\ufeff" + FILE.replace("\n", "\r\n"))
    assert role == parse(".claude/agents/code-reviewer.md", FILE)[0] and not remarks


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("You review.", 1, "does not begin with front matter"),
        ("---\nname: a\ndescription: b\nYou review.", 1, "does not begin with front matter"),
        (front("name: a"), 1, "no description"),
        (front("description: b"), 1, "no name"),
        (front("description: b", "name: ../x"), 3, "cannot be the name"),
        (front("description: b", "name: -rf"), 3, "cannot be the name"),
        (front("description: b", "name: [x]"), 3, "name is not a text"),
        (front("name: a", "description: b", "model: --help"), 4, "not a model"),
        (front("name: a", "description: b", "model: a b"), 4, "not a model"),
        (front("name: a", "description: b", "tools: {Read: yes}"), 4, "neither a list"),
        (front("name: a", "name: b", "description: b"), 3, "stands twice"),
        (front("name: &x a", "description: *x"), 3, "aliases"),
        (front("name: a", "description: b", "x: " + "[" * 5_000 + "]" * 5_000), 4, "nested too deeply"),
        (front("- name"), 2, "not a list of 'key: value'"),
        (front("name: a", "\t: {"), 3, "not YAML"),
        (front("name: a", "description: b", prompt="one\ntwo \u202e three"), 6, "hidden character"),
        (front("name: a", 'description: "b\\u202e"'), 3, "hidden character"),
        (front("name: a", "description: b", f"tools: {[f'T{n}' for n in range(101)]}"), 4, "more than 100"),
        ("", 1, "does not begin"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_with_its_line(text: str, line: int, words: str) -> None:
    role, remarks = parse("a.md", text)
    assert role is None
    assert remarks[0].line == line and words in remarks[0].sentence, remarks
    assert str(remarks[0]).startswith(f"a.md:{line}: ") and "the file is skipped" in str(remarks[0])


@given(st.text(max_size=300), st.booleans())
def test_no_text_breaks_the_reader(text: str, fronted: bool) -> None:
    role, remarks = parse("a.md", f"---\n{text}\n---\nx" if fronted else text)
    assert (role is None) == any(remark.broken for remark in remarks)


PLAN = Plan(
    title="P",
    tasks=(
        Task(id="a", title="A", role="one", line=7),
        Task(id="b", title="B"),
        Task(id="c", title="C", role="two", line=9),
    ),
)  # fmt: skip


def files(*names: str) -> list[AgentFile]:
    return [
        AgentFile(f".claude/agents/{name}.md", front(f"name: {name}", "description: d")) for name in names
    ]


def test_roles_are_those_that_the_plan_names() -> None:
    found = gather(files("two", "three", "one"))
    assert [role.name for role in found.used(PLAN)] == ["one", "two"]
    assert not list(found.missing(PLAN, "c" * 40))


def test_a_role_that_there_is_not_is_a_problem_at_its_task_with_those_there_are() -> None:
    broken = AgentFile(".claude/agents/broken.md", "x")
    (problem,) = gather([*files("one", "twoo"), broken]).missing(PLAN, "c" * 40)
    assert problem.line == 9
    assert '"c" names the role "two"' in problem.sentence and 'did you mean "twoo"' in problem.sentence
    assert "one, twoo" in problem.hint and "cccccccccc" in problem.hint and "broken.md:1:" in problem.hint
    (first, _) = gather([]).missing(PLAN, "c" * 40)
    assert "There are none at cccccccccc" in first.hint and "is committed there" in first.hint


def test_of_two_with_one_name_the_first_counts() -> None:
    first, second = (
        files("one")[0],
        AgentFile(".claude/agents/z.md", front("name: one", "description: other")),
    )
    found = gather([first, second])
    assert found.by_name["one"].description == "d"
    assert [str(it) for it in found.remarks] == [
        '.claude/agents/z.md: the role "one" is defined in .claude/agents/one.md already; the file is skipped'
    ]


def test_only_what_concerns_the_plan_is_worth_saying() -> None:
    odd = front("name: {}", "description: d", "permissionMode: plan")
    given = [AgentFile(f"{name}.md", odd.format(name)) for name in ("one", "other")]
    found = gather([*given, AgentFile("x\n\x1b[31m.md", trouble="it is a link")])
    assert [str(it) for it in found.worth_saying(PLAN)] == [
        'one.md:4: "permissionMode" is not used here',
        "x \N{REPLACEMENT CHARACTER}[31m.md: it is a link; the file is skipped",
    ]


def test_a_model_of_the_command_line_goes_over_a_roles() -> None:
    role = Role(name="a", model="opus", tools=("Read",), without=("Write",), path="a.md")
    assert chosen([role], model_given=False) == (role,)
    assert chosen([role], model_given=True)[0].model is None
    assert in_words(role) == "a: opus; Read without Write (a.md)"
    assert in_words(Role(name="a", path="a.md")) == "a: the model of the run; all tools (a.md)"


def test_telling_words() -> None:
    assert telling("Use this agent when the Tests fail: SQL migrations, sql, class, as_of") == (
        "fail", "sql", "migration", "class",
    )  # fmt: skip
