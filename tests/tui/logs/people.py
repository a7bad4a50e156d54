"""The lead and the person in charge, who answer as the script has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tui.logs.naming import session
from workbench.core import actions as a
from workbench.core import events as e
from workbench.core import leading
from workbench.core.mail import LEAD, PERSON, Message, MessageKind
from workbench.core.models import Usage
from workbench.core.requests import Answer, Escalate

if TYPE_CHECKING:
    from tests.tui.logs.stage import Stage

DEFAULT = "Go on as the contract says, and note it in your report."
"""What a lead answers that was given no other words."""


class People:
    """Whoever is asked in a run on stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._told: list[str] = []
        self._busy = False
        self._usage = Usage()

    def forget(self) -> None:
        """The lead's process is gone."""
        self._told, self._busy, self._usage = [], False, Usage()

    def perform(self, action: a.CallLead | a.TellLead | a.EndLead) -> None:
        """Begin what the lead is to do."""
        stage = self._stage
        match action:
            case a.CallLead(life, known):
                name = known or session(stage.script.run, LEAD, life)
                self.forget()
                stage.later(2.5, lambda: stage.send(e.LeadStarted(pid=40_900 + life, session=name)), LEAD)
            case a.TellLead(message=message):
                self._told.append(message)
                if not self._busy:
                    self._busy = True
                    stage.later(1.0, self._hear, LEAD)
            case a.EndLead():
                stage.drop(LEAD)
                ended = e.LeadEnded(usage=self._usage, session=stage.state.lead.session, interrupted=True)
                stage.later(0.6, lambda: stage.send(ended))

    def _hear(self) -> None:
        heard, self._told = tuple(it for it in self._told if it), []
        if heard:
            self._stage.send(e.LeadHeard(messages=heard))
        self._usage += Usage(cost_usd=0.06, input_tokens=14_000, output_tokens=450, turns=1)
        self._stage.later(4.0, self._look, LEAD)

    def _look(self) -> None:
        target = self._stage.dice.choice(("plan.md", "README.md"))
        self._stage.send(e.LeadActed(tool="Read", target=target))
        self._stage.later(12.0, self._answer, LEAD)

    def _answer(self) -> None:
        stage = self._stage
        for ask in leading.waiting(stage.state):
            name, text = ask.message.id, stage.script.lead_says.get(ask.message.task, DEFAULT)
            if text.startswith("!"):
                stage.request(Escalate(message=name, why=text[1:]), LEAD)
            elif ask.message.kind is MessageKind.QUESTION:
                stage.request(Answer(message=name, text=text), LEAD)
            else:
                stage.request(Answer(message=name, decision="yes", text=text), LEAD)
        self._busy = False
        stage.send(e.LeadTurnEnded(live=True, usage=self._usage, session=stage.state.lead.session))

    def asked(self, message: Message) -> None:
        """A person answers what is for them, if the script says so."""
        stage = self._stage
        ask = stage.state.asks.get(message.id)
        if ask is None or ask.to != PERSON:
            return
        answers = stage.script.answers
        found = answers.get(message.task) or answers.get(str(message.kind))
        if found is None:
            return
        seconds, decision, text = found
        answer = Answer.model_validate({"message": message.id, "decision": decision, "text": text})

        def answered() -> None:
            if message.id in stage.state.asks:
                stage.request(answer)

        stage.answer_later(seconds, answered)
