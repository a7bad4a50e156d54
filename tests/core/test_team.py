"""Who is in the team: joining, leaving, and what becomes of the work."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.mail import PERSON
from workbench.core.mailing import members
from workbench.core.requests import BY_ITSELF, Answer, Request, RequestJoin, RequestShutdown, Spawn, Write
from workbench.core.state import TaskStatus
from workbench.errors import IllegalEvent
from workbench.testing.story import Story, task

SEAT = "0123456789abcdef"


class Run(Story):
    """A story in which people ask for things."""

    asked = 0

    def ask(self, request: Request, by: str = PERSON) -> list[a.Action]:
        """Make a request; the actions that it calls for."""
        self.asked += 1
        return self.send(e.RequestMade(id=f"{self.asked:016x}", by=by, request=request))

    @property
    def refused(self) -> list[str]:
        """Why requests were refused."""
        return [event.reason for event in self.events(e.RequestRefused)]  # type: ignore[attr-defined]

    @property
    def left(self) -> list[tuple[str, str]]:
        """Who has left, and why."""
        return [(it.name, it.reason) for it in self.events(e.TeammateLeft)]  # type: ignore[attr-defined]

    def say(self, name: str, decision: str, reply_to: str, note: str = "") -> list[a.Action]:
        """A teammate answers."""
        return self.send(
            e.MarkerReceived.model_validate(
                {"task": name, "attempt": 1, "name": f"x{len(self.log)}", "kind": "answer",
                 "note": note, "reply_to": reply_to, "decision": decision}
            )
        )  # fmt: skip

    def cut(self, name: str, teammate: str, commit: str | None = "wip") -> list[a.Action]:
        """An interrupted attempt has ended."""
        return self.send(
            e.AttemptEnded(task=name, attempt=1, teammate=teammate, interrupted=True, commit=commit)
        )

    def join(self, **fields: str) -> list[a.Action]:
        return self.ask(RequestJoin.model_validate({"seat": SEAT, **fields}))


def run(*names: str, team: tuple[str, ...] = ("ada",), **settings: object) -> Run:
    return Run(*(task(name) for name in names), team=team, **settings)


def started(actions: list[a.Action]) -> list[tuple[str, str]]:
    return [(it.task, it.teammate) for it in actions if isinstance(it, a.StartAttempt)]


# -- growing -------------------------------------------------------------------------------------------


def test_who_is_added_gets_a_task_at_once_and_the_next_free_name() -> None:
    story = run("a", "b")
    assert started(story.ask(Spawn())) == [("b", "bob")]
    assert members(story.state) == ("ada", "bob")


@pytest.mark.parametrize(
    "name", ["lead", "person", "all", "workbench", "integration", "ada", "Bob", "../x", "-a", "a.lock",
             "a..b", "a b", "a\n", "x" * 33, "ä"],
)  # fmt: skip
def test_names_that_nobody_can_have(name: str) -> None:
    story = run("a")
    story.ask(Spawn(name=name))
    story.join(name=name)
    assert len(story.refused) == 2 and members(story.state) == ("ada",)
    with pytest.raises(IllegalEvent):
        story.send(e.TeammateJoined(name=name, by=PERSON))


def test_a_name_is_never_given_again() -> None:
    story = run("a", "b", "c", team=("ada", "bob"))
    story.ask(RequestShutdown(teammate="bob", now=True))
    story.cut("b", "bob")
    story.ask(Spawn(name="bob"))
    assert "there was one of that name before" in story.refused[-1]


# -- joining -------------------------------------------------------------------------------------------


def test_somebody_joins_when_the_person_says_yes() -> None:
    story = run("a", "b", answer_seconds=60.0)
    story.join(name="guest", worktree="/mine")
    (asked,) = [ask.message for ask in story.state.asks.values()]
    assert (asked.kind, asked.sender, asked.to) == ("join", "workbench", "person")
    assert "guest" in asked.text and "/mine" in asked.text
    assert members(story.state) == ("ada",)
    assert started(story.ask(Answer(message=asked.id, decision="yes"))) == [("b", "guest")]
    mate = story.state.teammates["guest"]
    assert (mate.external, mate.seat, mate.own, mate.by_hand) == (True, SEAT, "/mine", True)


def test_nobody_answers_and_nobody_joins() -> None:
    story = run("a", "b", answer_seconds=60.0)
    story.join(name="guest")
    (asked,) = story.state.asks
    story.now += 100
    story.send(e.Awoke())
    assert not story.state.asks and members(story.state) == ("ada",)
    answer = story.state.mail[story.state.answers[asked]]
    assert (answer.sender, answer.decision) == ("workbench", "no")


@pytest.mark.parametrize(("policy", "team"), [("approve", ("ada", "bob")), ("reject", ("ada",))])
def test_a_policy_answers(policy: str, team: tuple[str, ...]) -> None:
    story = run("a", on_join=policy)
    story.join()
    assert members(story.state) == team and not story.state.asks


def test_two_cannot_wait_for_one_name_and_a_worktree_has_a_whole_path() -> None:
    story = run("a")
    story.join(name="guest")
    story.ask(RequestJoin(seat=SEAT[::-1], name="guest"))
    story.ask(Spawn(name="guest"))
    story.ask(RequestJoin(seat=SEAT[::-1], worktree="../here"))
    assert len(story.refused) == 3


def test_who_came_from_outside_goes_before_the_run_is_over_and_gives_back_what_was_lent() -> None:
    story = run("a", "b", on_join="approve")
    story.join(name="guest", worktree="/mine")
    story.ready("a")
    story.ready("b")
    story.deliver("a")
    story.land("a")
    story.deliver("b")
    actions = story.land("b")
    assert story.left == [("guest", "the run is over")]
    assert a.GiveBack("guest") in actions
    assert isinstance(story.log[-1].event, e.RunFinished)


def test_whoever_is_not_there_any_more_leaves_and_the_work_goes_on_with_somebody_else() -> None:
    story = run("a", "b", on_join="approve")
    story.join(name="guest")
    story.ready("b")
    actions = story.send(e.TurnEnded(task="b", attempt=1, live=False, error="gone"))
    assert actions == [a.EndAttempt("b", 1, interrupt=True)]
    story.cut("b", "guest")
    there = story.state.tasks["b"]
    assert (there.status, there.carry, there.why, there.tries) == (TaskStatus.READY, "wip", "retry", 0)
    assert story.left == [("guest", "gone")]


def test_a_command_that_fails_is_a_failed_attempt_and_no_leaving() -> None:
    story = run("a", "b", on_join="approve")
    story.ask(RequestJoin(seat=SEAT, name="guest", agent="command"))
    story.ready("b")
    actions = story.send(e.TurnEnded(task="b", attempt=1, live=False, error="exit 1", exit_code=1))
    assert actions == [a.CollectWork("b", 1)] and not story.left


# -- leaving -------------------------------------------------------------------------------------------


def test_who_says_yes_leaves_and_its_task_goes_on_with_somebody_else() -> None:
    story = run("a", "b", team=("ada", "bob"))
    story.ready("a")
    story.ready("b")
    actions = story.ask(RequestShutdown(teammate="bob", reason="enough"))
    (asked,) = [it.message for it in actions if isinstance(it, a.Tell)]
    assert story.say("b", "yes", asked) == [a.EndAttempt("b", 1, interrupt=True)]
    assert not story.left and members(story.state) == ("ada", "bob")
    assert started(story.cut("b", "bob")) == []
    assert story.left == [("bob", "the person in charge asked it to: enough")]
    assert members(story.state) == ("ada",) and not story.state.asks
    assert story.state.tasks["b"].carry == "wip"


def test_who_came_from_outside_and_leaves_by_itself_was_not_asked_to() -> None:
    for at_work in (False, True):
        story = run("a", "b", on_join="approve")
        story.ask(RequestJoin(seat=SEAT, name="guest", agent="command"))
        if at_work:
            story.ready("b")
        story.ask(RequestShutdown(teammate="guest", reason=BY_ITSELF, now=True))
        mate = story.state.teammates["guest"]
        assert mate.reason == "it left", mate


def test_who_says_no_stays_and_the_asker_hears_why() -> None:
    story = run("a")
    story.ready("a")
    story.ask(RequestShutdown(teammate="ada"))
    story.say("a", "no", "m1", "nearly done")
    answer = story.state.mail["m2"]
    assert (answer.sender, answer.to, answer.decision, answer.text) == ("ada", "person", "no", "nearly done")
    assert not story.state.asks and not story.left


def test_an_answer_needs_its_decision_and_is_nobody_elses() -> None:
    story = run("a", "b", team=("ada", "bob"))
    story.ready("a")
    story.ready("b")
    story.ask(RequestShutdown(teammate="bob"))
    assert [it.kind for it in story.say("b", "", "m1", "well") if isinstance(it, a.Tell)] == ["refused"]
    story.say("a", "yes", "m1")
    story.ask(Answer(message="m1", decision="yes"), by="lead")
    assert "Only bob can answer m1." in story.refused
    assert "m1" in story.state.asks and not story.state.teammates["bob"].leaving


def test_no_answer_is_told_to_the_asker_and_a_late_yes_counts() -> None:
    story = run("a", nudge_seconds=60.0)
    story.ready("a")
    story.ask(RequestShutdown(teammate="ada"))
    story.ask(RequestShutdown(teammate="ada"))
    assert "was asked already (m1)" in story.refused[0]
    story.now += 100
    story.send(e.Awoke())
    told = story.state.mail["m2"]
    assert (told.sender, told.to, told.reply_to) == ("workbench", "person", "m1") and "--now" in told.text
    assert story.say("a", "yes", "m1") == [a.EndAttempt("a", 1, interrupt=True)]


def test_now_does_not_ask_and_who_is_at_nothing_leaves_at_once() -> None:
    story = run("a", "b", team=("ada", "bob", "cy"))
    actions = story.ask(RequestShutdown(teammate="bob", now=True))
    assert actions == [a.EndAttempt("b", 1, interrupt=True)] and not story.state.mail
    story.ask(RequestShutdown(teammate="cy"))
    assert [name for name, _ in story.left] == ["cy"]
    story.ask(RequestShutdown(teammate="cy"))
    story.ask(RequestShutdown(teammate="nobody"))
    assert len(story.refused) == 2


def test_nobody_writes_to_who_has_left_and_to_all_is_without_it() -> None:
    story = run("a", "b", team=("ada", "bob", "cy"))
    story.ask(RequestShutdown(teammate="cy", now=True))
    story.ask(Write(to="cy", text="hello"))
    assert "nobody called 'cy'" in story.refused[0]
    story.ask(Write(to="all", text="hello"))
    assert story.state.teammates["cy"].unread == []


def test_an_empty_team_stops_the_run_with_the_reason_and_a_resumed_one_has_somebody() -> None:
    story = run("a", "b")
    story.ready("a")
    story.ask(RequestShutdown(teammate="ada", reason="enough", now=True))
    story.cut("a", "ada")
    finished = story.log[-1].event
    assert isinstance(finished, e.RunFinished) and finished.outcome == "stopped"
    assert "nobody is left in the team (ada: the person in charge ended it: enough)" in finished.reason
    actions = story.send(e.RunResumed(pid=2))
    assert members(story.state) == ("bob",)
    assert ("a", "bob") in started(actions)


def test_a_stopped_run_takes_somebody_in_for_when_it_is_resumed() -> None:
    story = run("a", "b")
    story.send(e.StopRequested(reason="later"))
    story.cut("a", "ada")
    assert story.state.outcome == "stopped"
    story.ask(Spawn(name="gus"))
    assert {name for _, name in started(story.send(e.RunResumed(pid=2)))} == {"ada", "gus"}


def test_a_run_that_was_killed_goes_on_without_who_had_joined() -> None:
    story = run("a", "b", on_join="approve")
    story.join(name="guest", worktree="/mine")
    story.ready("a")
    story.ready("b")
    for name, mate in (("a", "ada"), ("b", "guest")):
        story.note(
            e.AttemptEnded(task=name, attempt=1, teammate=mate, interrupted=True, commit=f"wip-{name}")
        )
    actions = story.send(e.RunResumed(pid=2))
    assert [name for name, _ in story.left] == ["guest"]
    assert a.GiveBack("guest") in actions
    assert len(started(actions)) == 1
    assert members(story.state) == ("ada",)


def test_an_answer_before_the_base_is_proven_ends_nothing() -> None:
    story = run("a")
    assert story.state.base_green
    story.state.base_green = None
    story.ask(Spawn())
    assert not story.state.finished
