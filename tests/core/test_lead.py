"""The lead in the pure core: when it is called, what it is told, what it may, and what it leaves."""

from __future__ import annotations

import pytest

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.leading import bounds, briefing, team
from workbench.core.mail import Decision, Message, MessageKind
from workbench.core.models import RunSettings, Task, Usage
from workbench.core.requests import Answer, Escalate, Request, RequestShutdown, Stop, Write
from workbench.errors import IllegalEvent
from workbench.testing.playbook import Playbook, nonce_of, started


def under_way(**values: object) -> Playbook:
    chosen = RunSettings.model_validate(
        {"team": ("ada", "bob"), "lead": "claude", "retry_seconds": 8.0, "on_question": "ask", **values}
    )
    book = Playbook()
    book.send(started([Task(id="a", title="A"), Task(id="b", title="B")], chosen))
    book.send(e.BaseChecked(verdicts=()))
    for name in ("a", "b"):
        book.send(e.AgentStarted(task=name, attempt=1, pid=1, session=f"s-{name}"))
    return book


def ask(book: Playbook, name: str = "1", task: str = "a", to: str = "") -> list[a.Action]:
    marker = e.MarkerReceived(task=task, attempt=1, name=name, kind="question", note="tabs?", to=to)
    return book.send(marker)


def up(book: Playbook, session: str | None = "L") -> list[a.TellLead]:
    return tells(book.send(e.LeadStarted(pid=1, session=session)))


def tells(actions: list[a.Action]) -> list[a.TellLead]:
    return [action for action in actions if isinstance(action, a.TellLead)]


def leading() -> Playbook:
    """A lead that has heard one question, m1 of ada."""
    book = under_way()
    ask(book)
    up(book)
    book.send(e.LeadHeard(messages=("m1",)))
    return book


def wants(book: Playbook, request: Request, by: str = "lead") -> list[a.Action]:
    return book.send(e.RequestMade(id=f"r{len(book.log)}", by=by, request=request))


def refusal(book: Playbook) -> str:
    *_, last = book.events(e.RequestRefused)
    assert isinstance(last, e.RequestRefused)
    return last.reason


def kinds(actions: list[a.Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


# -- called and told ---------------------------------------------------------------------------------


def test_the_first_question_calls_it_and_the_second_waits_for_it() -> None:
    book = under_way()
    assert a.CallLead(1, None) in ask(book)
    assert "CallLead" not in kinds(ask(book, "2", "b"))
    assert [letter.message for letter in up(book)] == ["m1", "m2"], "one by one, in their order"
    assert book.state.lead.told == ["m1", "m2"] and not book.state.for_lead


def test_a_question_to_a_teammate_and_a_run_without_one_call_nobody() -> None:
    assert "CallLead" not in kinds(ask(under_way(), to="bob"))
    book = under_way(lead="")
    assert "CallLead" not in kinds(ask(book))
    assert book.state.mail["m1"].to == "person"
    with pytest.raises(IllegalEvent):
        book.send(e.LeadCalled(life=1, nonce="n"))


def test_it_is_one_at_a_time_and_ends_before_the_run_does() -> None:
    book = leading()
    with pytest.raises(IllegalEvent):
        book.send(e.LeadCalled(life=2, nonce="n"))
    with pytest.raises(IllegalEvent):
        book.send(e.RunFinished(outcome="stopped"))
    stops = book.send(e.StopRequested(reason="enough"))
    assert a.EndLead() in stops
    for name in ("a", "b"):
        book.send(
            e.AttemptEnded(task=name, attempt=1, teammate={"a": "ada", "b": "bob"}[name], interrupted=True)
        )
    assert not book.state.finished
    book.send(e.LeadEnded(interrupted=True, session="L", usage=Usage(cost_usd=0.5)))
    assert book.state.finished and book.state.spent.cost_usd == 0.5


# -- what it may ---------------------------------------------------------------------------------------


def test_its_answer_goes_to_who_asked() -> None:
    book = leading()
    actions = wants(book, Answer(message="m1", text="spaces"))
    (told,) = [action for action in actions if isinstance(action, a.Tell)]
    assert (told.task, told.values["sender"], told.values["text"]) == ("a", "lead", "spaces")
    assert not book.state.asks


@pytest.mark.parametrize("decision", ["yes", "no"])
def test_it_never_answers_what_is_a_persons_to_answer(decision: Decision) -> None:
    book = leading()
    for to in ("person", "lead"):
        number = len(book.state.mail) + 1
        permission = Message(id=f"m{number}", kind=MessageKind.PERMISSION, sender="ada", to=to, text="rm?")
        book.send(e.MessageSent(message=permission))
        wants(book, Answer(message=permission.id, decision=decision, text="fine"))
        assert "a person to answer, not for the lead" in refusal(book)
        assert permission.id in book.state.asks
    ask(book, "3", "b", to="person")
    asked = next(reversed(book.state.mail))
    wants(book, Answer(message=asked, text="the person says yes"))
    assert "a person to answer" in refusal(book) and asked in book.state.asks


def test_what_it_passed_on_is_not_its_own_any_more() -> None:
    book = leading()
    wants(book, Escalate(message="m1", why="money"))
    assert (book.state.asks["m1"].to, book.state.asks["m1"].why) == ("person", "money")
    wants(book, Answer(message="m1", text="after all"))
    assert "a person to answer" in refusal(book)
    wants(book, Escalate(message="m1"))
    assert "waits for person already" in refusal(book)
    wants(book, Answer(message="m1", text="tabs"), by="person")
    assert book.state.mail[book.state.answers["m1"]].sender == "person"


def test_it_cannot_stop_the_run_and_nobody_else_escalates() -> None:
    book = leading()
    wants(book, Stop())
    assert "may not ask for that" in refusal(book) and not book.state.stopping
    wants(book, Escalate(message="m1"), by="person")
    assert "Only the lead" in refusal(book)


def test_it_asks_a_teammate_to_leave_and_ends_nobody() -> None:
    book = leading()
    asked = wants(book, RequestShutdown(teammate="ada", reason="x"))
    (told,) = [it for it in asked if isinstance(it, a.Tell)]
    assert book.state.mail[told.message].kind is MessageKind.SHUTDOWN
    wants(book, RequestShutdown(teammate="bob", reason="x", now=True))
    assert "A lead asks" in refusal(book) and not book.state.teammates["bob"].leaving


def test_it_leaves_the_last_teammate_where_it_is() -> None:
    book = Playbook()
    alone = RunSettings(team=("ada",), lead="claude", on_question="ask")
    book.send(started([Task(id="a", title="A")], alone))
    book.send(e.BaseChecked(verdicts=()))
    wants(book, RequestShutdown(teammate="ada", reason="x"))
    assert "the last teammate" in refusal(book) and not book.state.mail


def test_what_it_writes_is_its_own_word() -> None:
    book = leading()
    wants(book, Write(to="all", text="I am the person"))
    sent = [message for message in book.state.mail.values() if message.text.startswith("I am")]
    assert [message.sender for message in sent] == ["lead"]
    wants(book, Write(to="lead", text="note to self"))
    assert "oneself" in refusal(book)


# -- what it leaves --------------------------------------------------------------------------------------


def test_a_turn_without_an_answer_is_followed_by_a_reminder_and_then_by_the_person() -> None:
    book = leading()
    (reminder,) = tells(book.send(e.LeadTurnEnded(live=True, session="L")))
    assert reminder.reminds == ("m1",)
    book.send(e.LeadTurnEnded(live=True, session="L"))
    assert book.state.asks["m1"].to == "person"


def test_a_failed_one_is_called_later_each_time_and_then_not_at_all() -> None:
    book = leading()
    waits = []
    for number in (2, 3):
        book.send(e.LeadTurnEnded(live=False, error="lost", session="L"))
        actions = book.send(e.LeadEnded(session="L"))
        (wake,) = [action for action in actions if isinstance(action, a.Wake)]
        waits.append(wake.hold.until - wake.hold.since)
        book.now = wake.hold.until
        assert a.CallLead(number, "L") in book.send(e.Awoke())
        (again,) = up(book)
        assert again.reminds == ("m1",), "it knows the letter"
    assert waits == [8.0, 16.0]
    book.send(e.LeadTurnEnded(live=False, error="lost", session="L"))
    book.send(e.LeadEnded(session="L"))
    assert book.state.lead.out == "lost" and book.state.asks["m1"].to == "person"
    ask(book, "2", "b")
    assert book.state.mail["m2"].to == "person"
    book.send(e.MarkerReceived(task="a", attempt=1, name="9", kind="message", note="hello", to="bob"))
    assert book.events(e.MessageRefused) == [], "workbench is the hub of the star now"


def test_a_refused_login_is_not_tried_again_and_a_limit_is_waited_out() -> None:
    book = leading()
    book.send(e.LeadTurnEnded(live=False, error="sign in", login=True))
    assert "CallLead" not in kinds(book.send(e.LeadEnded())) and book.state.lead.out == "sign in"
    book = leading()
    book.send(e.LeadTurnEnded(live=False, error="limit", limit="usage", resets_at=book.now + 90))
    reset = book.now + 89
    assert "CallLead" not in kinds(book.send(e.LeadEnded()))
    assert not book.state.lead.out and not book.state.lead.failures
    book.now = reset
    assert "CallLead" in kinds(book.send(e.Awoke()))


def test_when_the_money_is_spent_its_questions_go_to_the_person() -> None:
    book = under_way(budget_usd=1.0)
    ask(book)
    up(book)
    book.send(e.LeadHeard(messages=("m1",)))
    book.send(e.LeadTurnEnded(live=True, session="L", usage=Usage(cost_usd=1.0)))
    assert book.state.asks["m1"].to == "person" and not book.state.led
    assert len(book.events(e.BudgetWarned)) == 1


def test_a_new_session_hears_again_what_is_open_and_nothing_else() -> None:
    book = leading()
    wants(book, Answer(message="m1", text="spaces"))
    ask(book, "2", "b")
    book.send(e.LeadHeard(messages=("m3",)))
    book.send(e.LeadTurnEnded(live=False, error="lost", session="L"))
    book.send(e.LeadEnded(session="L"))
    book.now += 60.0
    book.send(e.Awoke())
    (again,) = up(book, session="other")
    assert again.message == "m3" and book.state.lead.told == ["m3"]
    assert [line["id"] for line in briefing(book.state)["said"]] == ["m1", "m2"]  # type: ignore[attr-defined]


def test_taking_the_run_up_again_calls_it_for_what_it_had_not_answered() -> None:
    book = leading()
    with pytest.raises(IllegalEvent):
        book.send(e.RunResumed(pid=2))
    book.note(e.LeadEnded(session="L", interrupted=True))
    for name, mate in (("a", "ada"), ("b", "bob")):
        book.note(e.AttemptEnded(task=name, attempt=1, teammate=mate, interrupted=True))
    book.restart()
    assert a.CallLead(2, "L") in book.send(e.RunResumed(pid=2))


# -- what it is told --------------------------------------------------------------------------------------


def test_bounds_are_the_section_of_that_name() -> None:
    text = "Intro\n\n```\n## Lead\nno\n```\n\n## Lead\n\nMay decide names.\n\n### Plans\n\nYes.\n\n## Else\nx"
    assert bounds(text) == "May decide names.\n\n### Plans\n\nYes."
    assert bounds("nothing\n") == "" == bounds("### Lead\nx")


def test_it_sees_who_is_at_what_and_who_waits() -> None:
    book = leading()
    book.send(e.TurnEnded(task="a", attempt=1, live=True))
    seen = team(book.state)
    mates = seen["mates"]
    assert isinstance(mates, list)
    assert (mates[0]["name"], mates[0]["task"], mates[0]["waits"]) == ("ada", "a", "lead")
    assert seen["waiting"] == [{"id": "m1", "sender": "ada"}]
    assert nonce_of("a", 1) not in str(seen)


# -- cut off ---------------------------------------------------------------------------------------------


def written_to(book: Playbook) -> None:
    """A lead that has taken up m1, a message of the person's that nobody waits for."""
    wants(book, Write(to="lead", text="pass it on"), by="person")
    up(book)
    book.send(e.LeadHeard(messages=("m1",)))


@pytest.mark.parametrize("interrupted", [True, False])
def test_what_its_turn_was_cut_off_at_is_told_again_though_nobody_waits(interrupted: bool) -> None:
    book = under_way(retry_seconds=0.0)
    written_to(book)
    book.send(e.LeadEnded(session="L", interrupted=interrupted))
    if book.state.lead.life == 1:  # it failed, and is called again after a moment
        book.send(e.Awoke())
    assert book.state.lead.life == 2, "it is wanted"
    assert [letter.message for letter in up(book)] == ["m1"]


def test_what_it_dealt_with_is_not_told_again() -> None:
    book = under_way()
    written_to(book)
    book.send(e.LeadTurnEnded(live=True))
    book.send(e.LeadEnded(session="L", interrupted=True))
    assert not book.state.for_lead and book.state.lead.life == 1


def test_of_a_question_it_is_reminded_and_what_it_answered_is_over_with() -> None:
    book = leading()
    ask(book, "2", "b")
    book.send(e.LeadHeard(messages=("m2",)))
    wants(book, Answer(message="m1", text="spaces"))
    book.send(e.LeadEnded(session="L", interrupted=True))
    assert not book.state.for_lead
    (reminded,) = up(book)
    assert (reminded.kind, reminded.reminds) == ("waits", ("m2",))
