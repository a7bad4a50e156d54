"""Nothing that needs a person's word is on the branch without one."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.guarded import guarded
from workbench.core.mail import PERSON, MessageKind
from workbench.core.state import PERSON as BY_HAND
from workbench.core.state import Landed, RunState
from workbench.testing.examiner import SECRET
from workbench.testing.git import FakeGit


def seen(log: list[e.Record], state: RunState, git: FakeGit) -> None:
    """Whatever landed of what is guarded was shown to a person, who said yes to exactly that; no lead and no
    teammate answered in that place."""
    asked: dict[str, str] = {}
    shown: dict[str, list[str]] = {}
    delivered: dict[str, str] = {}
    for record in log:
        match record.event:
            case e.TaskDelivered() | e.WorkProvided():
                delivered[record.event.task] = record.event.commit
            case e.MessageSent(message=said) if said.kind is MessageKind.HELD:
                asked[said.id] = delivered[said.task]
                assert said.to == PERSON, "somebody else was asked"
            case e.MessageSent(message=said) if said.reply_to in asked and said.kind is MessageKind.ANSWER:
                assert said.sender == PERSON, f"{said.sender} answered what is for the person"
                if said.decision == "yes":
                    task = state.mail[said.reply_to].task
                    shown.setdefault(task, []).append(asked[said.reply_to])
            case _:
                pass
    for landing in state.landings:
        words = shown.get(landing.task, [])
        if state.settings.on_guarded == "hold" and landing.teammate != BY_HAND:
            for path in guarded(landing.files, state.gates_of(landing.task), state.settings.guarded):
                _was_shown(git, landing, path, words)
        if state.settings.secrets == "hold" and landing.teammate != BY_HAND:
            before, now = git.tree(landing.parent), git.tree(landing.commit)
            for path in before.differing(now):
                if SECRET in (now.get(path) or "") and SECRET not in (before.get(path) or ""):
                    _was_shown(git, landing, path, words)


def _was_shown(git: FakeGit, landing: Landed, path: str, shown: list[str]) -> None:
    text = git.tree(landing.commit).get(path)
    same = any(git.tree(commit).get(path) == text for commit in shown)
    settled = path in landing.resolved and bool(shown)  # of two texts that were both seen
    assert same or settled, f"{landing.task} landed with {path}, which nobody said yes to"
