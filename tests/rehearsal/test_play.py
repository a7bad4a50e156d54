"""Where a session stands in its script, as a function of the conversation."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.rehearsal.play import NOTHING_LEFT, Answer, Facts, hear, reply
from workbench.rehearsal.script import Use, load

FACTS = Facts(task="t", attempt=1, teammate="ada", worktree="/w/ada")


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def results(*texts: str) -> dict[str, Any]:
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "x", "content": text} for text in texts],
    }


def midturn(text: str) -> dict[str, Any]:
    words = (
        f"The user sent a new message while you were working:\n{text}\n\nThis is how Claude Code surfaces it."
    )
    return {"role": "system", "content": words}


def spoken(answer: Answer) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": [
            {"type": "text", "text": block}
            if isinstance(block, str)
            else {"type": "tool_use", "id": "x", "name": block.tool, "input": block.input}
            for block in answer.blocks
        ],
    }


class Session:
    """A conversation with a script: what is said goes in, the model's answer comes out."""

    def __init__(self, text: str) -> None:
        self.script = load(text)
        self.messages: list[dict[str, Any]] = []

    def say(self, *messages: dict[str, Any]) -> Answer:
        self.messages += messages
        answer = reply(self.script, FACTS, self.messages)
        assert answer == reply(self.script, FACTS, self.messages), "the same conversation, the same answer"
        self.messages.append(spoken(answer))
        return answer


def test_steps_follow_one_another() -> None:
    session = Session(
        """
default:
  - say: first
  - say: second
  - use: {tool: Write, input: {file_path: "{{worktree}}/a", list: ["{{task}}-{{ attempt }}", 3]}}
  - use: [{tool: Read}, {tool: Bash}]
  - {say: bye, end: true}
  - say: again
"""
    )
    write = Use(tool="Write", input={"file_path": "/w/ada/a", "list": ["t-1", 3]})
    assert session.say(user("brief")) == Answer(("first", "second", write))
    assert session.say(results("ok")).blocks == (Use(tool="Read"), Use(tool="Bash"))
    ended = session.say(results("a", "b"))
    assert ended.blocks == ("bye",) and ended.ends
    assert session.say(user("and?")).blocks == ("again",)
    assert session.say(user("and?")).blocks == (NOTHING_LEFT,)


def test_conditions_look_at_the_latest_results_and_at_what_was_told() -> None:
    session = Session(
        """
default:
  - use: {tool: Bash}
  - if_result: "exit [1-9]"
    steps:
      - use: {tool: Edit}
      - {unless_result: updated, say: not this}
      - {if_told: conflict, say: as told}
  - {if_result: "exit [1-9]", say: the result is another one now}
  - {if_told: nothing like it, say: nor this}
  - say: end
"""
    )
    session.say(user("the brief tells of a conflict"))
    assert session.say(results("exit 1")).blocks == (Use(tool="Edit"),)
    assert session.say(results("updated")).blocks == ("as told", "end")


def test_a_condition_that_fails_passes_over_a_whole_block() -> None:
    session = Session(
        "default: [{use: {tool: Bash}}, {if_result: red, steps: [{say: a}, {say: b}]}, {say: c}]"
    )
    session.say(user("go"))
    assert session.say(results("green")).blocks == ("c",)


REACTIVE = """
default: [{use: {tool: A}}, {use: {tool: B}}, {say: finished, end: true}]
on_told:
  - {match: gate, steps: [{use: {tool: Fix}}, {say: fixed}]}
  - {match: "gate|hello", steps: [{say: hello too}]}
"""


def test_a_message_in_the_middle_of_a_turn_is_reacted_to_and_the_script_goes_on() -> None:
    session = Session(REACTIVE)
    session.say(user("brief: gates matter"))
    assert session.say(results("a"), midturn("a gate is red")).blocks == (Use(tool="Fix"),)
    assert session.say(results("f")).blocks == ("fixed", Use(tool="B"))
    assert session.say(results("b")).blocks == ("finished",)


def test_a_message_after_the_turn_is_reacted_to_each_time_it_comes() -> None:
    session = Session("default: [{say: done}]\n" + REACTIVE.partition("\n")[2].partition("\n")[2])
    session.say(user("go"))
    for _ in range(2):
        assert session.say(user("gate!")).blocks == (Use(tool="Fix"),)
        assert session.say(results("f")).blocks == ("fixed",)
    assert session.say(user("something else")).blocks == (NOTHING_LEFT,)


def test_two_messages_at_once_are_reacted_to_in_order() -> None:
    session = Session(REACTIVE)
    session.say(user("go"))
    assert session.say(results("a"), midturn("hello"), midturn("gate")).blocks == (
        "hello too",
        Use(tool="Fix"),
    )


def test_what_claude_code_adds_by_itself_was_not_told() -> None:
    reminder = "<system-reminder>\nthe gate\n</system-reminder>\n"
    heard = hear([user(reminder + "brief"), {"role": "system", "content": "# Environment\ngate"}])
    assert [part.told for part in heard] == [("brief",)]
    assert hear([user("[Request interrupted by user for tool use]")])[0].told == ()


def test_results_in_blocks_are_read_as_text() -> None:
    block = {"type": "tool_result", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}
    assert hear([{"role": "user", "content": [block]}])[0].results == "a\n"


def test_parts_of_one_answer_count_once() -> None:
    session = Session(REACTIVE)
    session.say(user("go"))
    session.messages.append({"role": "assistant", "content": []})
    assert session.say(results("a")).blocks == (Use(tool="B"),)


CUT = "Your response above was cut off mid-stream. Resume directly from where it stops."


@pytest.mark.parametrize(
    ("kept", "news", "rest"),
    [
        (1, user(CUT), ("two", Use(tool="A"), Use(tool="B"))),
        (2, user(CUT), (Use(tool="A"), Use(tool="B"))),
        (3, results("a"), (Use(tool="B"),)),
        (4, results("a", "b"), ("next",)),
        (4, user(CUT), ("next",)),
    ],
)
def test_the_rest_of_an_answer_that_was_cut_is_given(kept: int, news: dict[str, Any], rest: Any) -> None:
    session = Session("default: [{say: one}, {say: two}, {use: [{tool: A}, {tool: B}]}, {say: next}]")
    session.say(user("go"))
    session.messages[-1]["content"] = session.messages[-1]["content"][:kept]
    assert session.say(news).blocks == rest
    if rest != ("next",):
        assert session.say(results("b")).blocks == ("next",)


def test_what_is_told_while_an_answer_is_being_completed_is_not_lost() -> None:
    session = Session(
        """
default: [{use: [{tool: A}, {tool: B}]}, {say: end}]
on_told: [{match: hey, steps: [{use: {tool: C}}]}]
"""
    )
    session.say(user("go"))
    session.messages[-1]["content"] = session.messages[-1]["content"][:1]
    assert session.say(results("a"), midturn("hey")).blocks == (Use(tool="B"),)
    assert session.say(results("b")).blocks == (Use(tool="C"),)
    assert session.say(results("c")).blocks == ("end",)


def test_thinking_time_and_faults_belong_to_the_answer_they_stand_before() -> None:
    session = Session("default: [{wait: 1}, {use: {tool: A}}, {fault: cut}, {wait: 2}, {wait: 3}, {say: b}]")
    first = session.say(user("go"))
    assert (first.seconds, first.faults) == (1.0, ())
    second = session.say(results("a"))
    assert second.seconds == 5.0
    assert [due.fault.kind for due in second.faults] == ["cut"]


def test_structured_output_is_a_tool() -> None:
    answer = Session('default: [{structured: {a: ["{{task}}"]}}]').say(user("go"))
    assert answer.blocks == (Use(tool="StructuredOutput", input={"a": ["t"]}),)
