"""The script format: what it takes, what it refuses and where it says the trouble is."""

from __future__ import annotations

import pytest

from workbench.errors import UsageError
from workbench.rehearsal import script as module
from workbench.rehearsal.script import Use, load


def test_the_example_in_the_documentation_is_a_script() -> None:
    lines = (module.__doc__ or "").splitlines()
    start = lines.index("    default:                              # for every task that is not named below")
    end = next(n for n, line in enumerate(lines) if line.startswith("A task is a list"))
    script = load("\n".join(lines[start:end]))
    assert set(script.tasks) == {"auth"}
    first, second = script.part("auth", 1), script.part("auth", 2)
    assert first.steps[0].fault is not None and first.steps[0].fault.times == 2
    assert [use.tool for use in first.steps[3].use] == ["Bash", "Bash"]
    assert second.steps[0].say == "Once more."
    assert script.part("auth", 9) == second, "the last attempt stands for the rest"
    assert script.part("other", 1).steps[0].say == "I shall leave a note."


def test_reactions_are_tried_from_the_attempt_outwards() -> None:
    script = load(
        """
tasks:
  a:
    attempts:
      - steps: [{say: hi}]
        on_told: [{match: one, steps: []}]
    on_told: [{match: two, steps: []}]
on_told: [{match: three, steps: []}]
"""
    )
    assert [reaction.match for reaction in script.part("a", 1).on_told] == ["one", "two", "three"]
    assert [reaction.match for reaction in script.part("b", 1).on_told] == ["three"]


def test_short_and_long_forms_mean_the_same() -> None:
    short = load("default: [{fault: cut}, {wait: 2}, {use: {tool: Read}}]").default.steps
    long = load("default: {steps: [{fault: {kind: cut}}, {wait: {seconds: 2}}, {use: [{tool: Read}]}]}")
    assert short == long.default.steps
    assert short[2].use == (Use(tool="Read"),)


def test_a_task_may_be_a_number_in_yaml() -> None:
    assert load("tasks: {1: [{say: hi}]}").part("1", 1).steps[0].say == "hi"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("default:\n  - say: a\n  - use: {tool: Bash}\n    wait: 1\n", 3, "does one thing"),
        ("default:\n  - if_result: x\n", 2, "says or does something"),
        ("default:\n  - say: a\n    wait: 3\n", 2, "cannot stand with wait"),
        ("tasks:\n  a:\n    - say: ok\n    - say: '{{worktre}}'\n", 4, "{{worktre}} is not known"),
        ("default:\n  - use:\n      tool: Bash\n      inptu: {}\n", 4, "Extra inputs"),
        ("default:\n  - use:\n    - tool: Bash\n      input:\n        a: [{b: '{{x}}'}]\n", 4, "{{x}}"),
        ("on_told:\n  - match: '('\n    steps: []\n", 2, "no regular expression"),
        ("default:\n  - fault: sulk\n", 2, "cut"),
        ("default:\n  - fault: {status: 200}\n", 2, "greater than or equal to 400"),
        ("default:\n  steps: [{say: a}]\n  attempts: [[{say: b}]]\n", 1, "not both"),
        ("tasks:\n  a: []\n  b: []\n  a: []\n", 4, "a stands here twice"),
        ("tasks:\n  ../x: []\n", 2, "pattern"),
        ("default:\n  - end: false\n", 2, "True"),
        ("default: [\n", 2, "expected"),
        ("a\n\n  b: c: d\n", 3, "mapping values are not allowed"),
        ("- say: x\n", 1, "a script is a mapping"),
        ("", 1, "a script is a mapping"),
        ("defualt: []\n", 1, "Extra inputs"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(text)
    assert f"script:{line}: " in str(raised.value)
    assert words in str(raised.value)
    assert raised.value.hint


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(UsageError) as raised:
        load("default:\n  - say: 1\n  - fault: x\ntasks:\n  b: 3\n")
    assert [part.split(":")[1] for part in str(raised.value).splitlines()] == ["2", "3", "5"]
