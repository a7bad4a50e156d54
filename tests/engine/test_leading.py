"""A lead in whole runs of the real engine, on fakes: asked, answering, failing, cut off, taken up again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workbench.core import events as e
from workbench.core.models import RunSettings, Task
from workbench.core.requests import Answer, Escalate, Request, Stop, Write
from workbench.core.state import RunState
from workbench.engine.ports import Desk, Letter, Seat
from workbench.testing import FakeCheckouts, ScriptedLead
from workbench.testing.agents import Edit, EndTurn, Hear, Mark, Reach, Step
from workbench.testing.leads import Fails
from workbench.testing.stage import Stage

END: tuple[Step, ...] = (Edit({"own": "x\n"}), Mark("done"), EndTurn())


def stage(lead: ScriptedLead, *names: str, **values: object) -> Stage:
    tasks = [Task(id=name, title=f"Do {name}") for name in names or ("a",)]
    team = ("ada", "bob", "cy")[: len(tasks)]
    chosen = RunSettings.model_validate({"team": team, "gates": ("test",), "lead": "claude", **values})
    it = Stage(tasks, chosen)
    seat(it, lead)
    return it


def seat(it: Stage, lead: ScriptedLead) -> None:
    it.world = replace(it.world, seat=Seat(lead, FakeCheckouts(), {"HOME": "/home"}))
    it._open(RunState())


async def within(work: Any) -> RunState:
    state = await asyncio.wait_for(work, 20)
    assert isinstance(state, RunState)
    return state


def happened(it: Stage, *kinds: type[e.Event]) -> list[Any]:
    return [record.event for record in it.store.read("r") if isinstance(record.event, kinds)]


def told(it: Stage) -> list[str]:
    return [text for _, text in it.agent.heard]


def says(*requests: Request) -> Any:
    """A reply that asks for these, once, whatever it hears."""
    left = list(requests)

    def reply(letter: Letter, desk: Desk) -> Sequence[Request]:
        now, left[:] = list(left), []
        return now

    return reply


async def test_a_question_goes_to_the_lead_and_its_answer_to_who_asked() -> None:
    lead = ScriptedLead(says(Answer(message="m1", text="spaces")), cost_usd=0.25)
    it = stage(lead)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    assert state.outcome == "landed"
    (answer,) = [text for text in told(it) if "spaces" in text and "question=tabs or spaces?" in text]
    assert "sender=lead" in answer
    assert [letter.messages for letter in lead.heard] == [("m1",)]
    assert (lead.working, state.lead.up, state.lead.life) == (0, False, 1)
    assert (state.spent.cost_usd, state.lead.spent.cost_usd) == (0.25, 0.25)
    types = it.types()
    assert types.index("LeadEnded") < types.index("RunFinished")
    assert lead.assignments[0].env["WORKBENCH_TEAMMATE"] == "lead"
    assert lead.assignments[0].env["HOME"] == "/home"


async def test_nobody_is_called_while_nobody_asks() -> None:
    lead = ScriptedLead()
    it = stage(lead)
    state = await within(it.run())
    assert state.outcome == "landed" and not lead.assignments


async def test_what_it_escalates_is_answered_by_the_policy_for_questions_to_a_person() -> None:
    lead = ScriptedLead(says(Escalate(message="m1", why="a matter of taste")))
    it = stage(lead)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    (passed,) = happened(it, e.AskPassedOn)
    assert (passed.message, passed.to, passed.why) == ("m1", "person", "a matter of taste")
    assert state.outcome == "landed"
    assert any("sender=workbench" in text for text in told(it))


async def test_what_is_not_its_own_is_refused_with_the_reason() -> None:
    lead = ScriptedLead(
        says(
            Stop(),
            Answer(message="m9", text="x"),
            Write(to="nobody", text="x"),
            Answer(message="m1", text="spaces"),
            Escalate(message="m1"),
        )
    )
    it = stage(lead)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    assert state.outcome == "landed"
    refused = [outcome.refused for outcome in lead.outcomes]
    assert "may not ask for that" in refused[0] and not state.stops
    assert "is not there" in refused[1] and "nobody called" in refused[2]
    assert refused[3] == "" and "is not open" in refused[4]


async def test_in_a_star_the_lead_passes_on_what_teammates_may_not_tell_each_other() -> None:
    lead = ScriptedLead(says(Write(to="bob", text="ada needs the port")))
    it = stage(lead, "a", "b")
    got = asyncio.Event()
    it.agent.scripts = {
        ("a", 1): [
            Mark("message", "the port?", to="bob"),
            Hear("refused"),
            Mark("message", "the port?", to="lead"),
            Reach(asyncio.Event(), got),
            Edit({"a": "a\n"}),
            Mark("done"),
            EndTurn(),
        ],
        ("b", 1): [Hear("ada needs the port"), Reach(got, got), Edit({"b": "b\n"}), Mark("done"), EndTurn()],
    }
    state = await within(it.run())
    assert state.outcome == "landed"
    assert len(happened(it, e.MessageRefused)) == 1
    assert [outcome.message for outcome in lead.outcomes] == ["m2"]


async def test_one_that_ends_its_turn_without_a_word_is_reminded_and_then_passed_over() -> None:
    lead = ScriptedLead(lambda letter, desk: ())
    it = stage(lead)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    assert state.outcome == "landed"
    assert [letter.messages for letter in lead.heard] == [("m1",), ()]
    assert [passed.to for passed in happened(it, e.AskPassedOn)] == ["person"]


async def test_one_that_fails_is_called_again_and_its_letter_told_once_more() -> None:
    broken = [True]

    def reply(letter: Letter, desk: Desk) -> Sequence[Request]:
        if broken.pop() if broken else False:
            raise Fails("the connection was lost")
        return [Answer(message="m1", text="spaces")]

    lead = ScriptedLead(reply)
    it = stage(lead)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    assert state.outcome == "landed"
    first, second = lead.assignments
    assert second.session == "lead-session-1" and first.nonce != second.nonce
    assert [letter.messages for letter in lead.heard] == [("m1",), ()], (
        "it knew the question, and was reminded"
    )
    assert any("spaces" in text and "sender=lead" in text for text in told(it))


class Hangs(ScriptedLead):
    """Hears its first letter and never says anything more."""

    async def _live(self, assignment: Any, inbox: Any, report: Any, desk: Any) -> None:
        if assignment.attempt == 1:
            self.reply = says(Answer(message="m1", text="never said"))
            desk = Desk(self._never, desk.team, desk.waiting)
        else:
            self.reply = says(Answer(message="m1", text="spaces"))
        await super()._live(assignment, inbox, report, desk)

    async def _never(self, request: Request) -> Any:
        await asyncio.Event().wait()


async def test_one_that_hangs_is_ended_and_called_again() -> None:
    lead = Hangs()
    it = stage(lead, idle_seconds=0.1, nudge_seconds=30.0)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    assert state.outcome == "landed"
    assert [called.life for called in happened(it, e.LeadCalled)] == [1, 2]
    ended = [turn.error for turn in happened(it, e.LeadTurnEnded) if not turn.live]
    assert ended == ["the lead said and did nothing for 0 seconds"]
    assert any("spaces" in text and "sender=lead" in text for text in told(it))


async def test_one_that_has_nothing_to_say_may_be_silent() -> None:
    lead = ScriptedLead(says(Answer(message="m1", text="spaces")))
    it = stage(lead, idle_seconds=0.1, nudge_seconds=30.0)
    waited = asyncio.Event()
    it.agent.scripts = {
        ("a", 1): [Mark("question", "tabs?"), EndTurn(), Reach(asyncio.Event(), waited), *END]
    }

    async def wait() -> None:
        await asyncio.sleep(0.5)
        waited.set()

    waiting = asyncio.ensure_future(wait())
    state = await within(it.run())
    await waiting
    assert state.outcome == "landed"
    assert [turn.live for turn in happened(it, e.LeadTurnEnded)] == [True]


async def test_one_that_keeps_failing_leaves_its_questions_to_the_person() -> None:
    def fails(letter: Letter, desk: Desk) -> Sequence[Request]:
        raise Fails("the connection was lost")

    lead = ScriptedLead(fails)
    it = stage(lead)
    it.agent.scripts = {
        ("a", 1): [Mark("question", "tabs?"), EndTurn(), Mark("question", "really?"), EndTurn(), *END]
    }
    state = await within(it.run())
    assert state.outcome == "landed"
    assert len(lead.assignments) == 3 and state.lead.out == "the connection was lost"
    assert [message.to for message in state.mail.values()] == ["lead", "ada", "person", "ada"]


async def test_a_new_session_hears_again_what_still_waits() -> None:
    broken = [True]

    def reply(letter: Letter, desk: Desk) -> Sequence[Request]:
        if broken.pop() if broken else False:
            raise Fails("the session is gone")
        return [Answer(message="m1", text="spaces")]

    lead = ScriptedLead(reply, keeps=False)
    it = stage(lead)
    it.agent.scripts = {("a", 1): [Mark("question", "tabs or spaces?"), EndTurn(), *END]}
    state = await within(it.run())
    assert state.outcome == "landed"
    assert [letter.messages for letter in lead.heard] == [("m1",), ("m1",)]


async def test_a_killed_run_goes_on_with_the_same_lead_and_no_letter_is_lost_or_doubled() -> None:
    """The process dies while the lead thinks about the first letter and the second waits."""
    thinking, never = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedLead):
        async def _live(self, assignment: Any, inbox: Any, report: Any, desk: Any) -> None:
            if assignment.attempt == 1:
                self.reply = says()
                original = desk

                async def stuck(request: Request) -> Any:
                    thinking.set()
                    await never.wait()

                desk = Desk(stuck, original.team, original.waiting)
                self.reply = says(Answer(message="m1", text="never said"))
            else:
                self.reply = lambda letter, desk: [
                    Answer(message=name, text="spaces") for name in desk.waiting()[:1]
                ]
            await super()._live(assignment, inbox, report, desk)

    lead = Slow()
    it = stage(lead, "a", "b", continues=True)
    it.agent.scripts = {
        ("a", 1): [Mark("question", "first?"), EndTurn()],
        ("b", 1): [Reach(asyncio.Event(), thinking), Mark("question", "second?"), EndTurn()],
        ("a", 2): [*END],
        ("b", 2): [Edit({"b": "b\n"}), Mark("done"), EndTurn()],
    }
    second = asyncio.Event()
    it.bus.listen(
        lambda record: (
            second.set() if isinstance(record.event, e.LeadTold) and record.event.message == "m2" else None
        )
    )
    running = asyncio.ensure_future(it.run())
    await asyncio.wait_for(second.wait(), 20)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    assert lead.working == 0

    state = await within(it.resume())

    assert state.outcome == "landed", state.reason
    assert [assignment.session for assignment in lead.assignments] == [None, "lead-session-1"]
    told_of = [name for letter in lead.heard for name in letter.messages]
    assert sorted(told_of) == ["m1", "m2"], "each once in the session"
    assert set(state.answers) == {"m1", "m2"} and not state.for_lead


async def test_it_sees_what_has_landed_when_it_is_told_something() -> None:
    checkouts = FakeCheckouts()
    lead = ScriptedLead()
    it = stage(lead, "a", "b", "c")
    it.world = replace(it.world, seat=Seat(lead, checkouts, {}))
    it._open(RunState())
    landed = asyncio.Event()
    it.on(e.TaskLanded, lambda record: landed.set())
    it.agent.scripts = {
        ("a", 1): [Mark("question", "one?"), EndTurn(), Edit({"a": "a\n"}), Mark("done"), EndTurn()],
        ("b", 1): [
            Reach(asyncio.Event(), landed), Mark("question", "two?"), Hear("answer"),
            Edit({"b": "b\n"}), Mark("done"), EndTurn(),
        ],
        ("c", 1): [Edit({"c": "c\n"}), Mark("done"), EndTurn()],
    }  # fmt: skip
    state = await within(it.run())
    assert state.outcome == "landed"
    assert checkouts.leased[0] == it.base and len(checkouts.leased) == 2
    assert checkouts.leased[1] in {landing.commit for landing in state.landings}
