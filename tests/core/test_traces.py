"""What a run's log says for the shared notes: the same when it is lived and when it is folded again."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.apply.notes import NOTES_LIMIT
from workbench.core.models import RunSettings, Task
from workbench.core.state import RunState
from workbench.core.traces import Noted, Proof
from workbench.testing.playbook import Playbook, started

TASKS = [Task(id="a", title="Build it")]


def under_way() -> Playbook:
    book = Playbook()
    book.send(started(TASKS, RunSettings(team=("ada",), no_gates=True, attempts=2)))
    book.send(e.BaseChecked(verdicts=()))
    return book


def noted(state: RunState) -> list[Noted]:
    return [trace for trace in state.traces if isinstance(trace, Noted)]


def marker(name: str = "1", **fields: object) -> e.MarkerReceived:
    whole = {"task": "a", "attempt": 1, "name": name, "kind": "note", "note": "mind the gap"} | fields
    return e.MarkerReceived.model_validate(whole)


def collected(*files: str) -> e.WorkCollected:
    return e.WorkCollected(
        task="a", attempt=1, commit="c1", tree="t", changed=True, snapshot=False, pin="p", files=files
    )


def failed(reason: str = "no luck", **more: bool) -> e.AttemptFailed:
    return e.AttemptFailed.model_validate(
        {"task": "a", "attempt": 1, "reason": reason, "commit": "c1"} | more
    )


def test_a_note_marker_is_kept_with_its_author_and_evidence() -> None:
    book = under_way()
    book.send(marker(namespace="db", ttl=60.0, paths=("src",), confidence=0.3))
    (it,) = noted(book.state)
    assert (it.text, it.author, it.task, it.attempt) == ("mind the gap", "ada", "a", 1)
    assert (it.namespace, it.ttl_seconds, it.paths, it.confidence) == ("db", 60.0, ("src",), 0.3)
    assert it.made == book.now and it.seconds == book.now - 1.0, "the run began at 1"
    book.send(marker("2", kind="progress", percent=5))
    assert len(noted(book.state)) == 1


def test_one_attempt_keeps_so_many_notes() -> None:
    book = under_way()
    for number in range(NOTES_LIMIT + 5):
        book.send(marker(str(number)))
    assert len(noted(book.state)) == NOTES_LIMIT


def test_a_failure_leaves_a_short_warning_on_the_files_it_touched() -> None:
    book = under_way()
    book.send(e.TurnEnded(task="a", attempt=1, live=False))
    book.note(collected("src/b.py", "src/a.py", "bad\x1bname"))
    book.note(failed("red \x1b[31m" + "x" * 1_000))
    (it,) = noted(book.state)
    assert (it.kind, it.author, it.namespace, it.commit) == ("warning", "workbench", "failures", "c1")
    assert it.paths == ("src/a.py", "src/b.py")
    assert "\x1b" not in it.text and len(it.text) < 300


def test_an_agent_that_broke_or_touched_nothing_says_nothing_about_files() -> None:
    book = under_way()
    book.send(e.TurnEnded(task="a", attempt=1, live=False))
    book.note(failed())
    assert noted(book.state) == []
    book = under_way()
    book.send(e.TurnEnded(task="a", attempt=1, live=False))
    book.note(collected("src/a.py"))
    book.note(failed(broke=True))
    assert noted(book.state) == []


def landing_of(book: Playbook) -> None:
    book.send(e.TurnEnded(task="a", attempt=1, live=False))
    book.send(collected("src/a.py"))
    book.send(e.AttemptEnded(task="a", attempt=1, teammate="ada"))


def test_a_conflict_and_a_rejection_warn_and_a_landing_proves() -> None:
    book = under_way()
    landing_of(book)
    assert book.state.landing is not None
    book.note(e.TaskConflicted(task="a", paths=("src/a.py",), others=("z",)))
    (it,) = noted(book.state)
    assert it.kind == "warning" and "z" in it.text and it.paths == ("src/a.py",)

    book = under_way()
    landing_of(book)
    book.note(e.TaskRejected(task="a", evidence="…", gate="test", tests=("test_x",)))
    (it,) = noted(book.state)
    assert "test_x" in it.text and it.paths == ("src/a.py",) and it.attempt == 1

    book = under_way()
    landing_of(book)
    book.note(e.CandidateMade(task="a", parent="base", commit="m", tree="mt", files=("src/a.py",)))
    book.note(e.TaskLanded(task="a", attempt=1, commit="m", parent="base", tree="mt", files=("src/a.py",)))
    (proof,) = book.state.traces
    assert isinstance(proof, Proof) and (proof.commit, proof.files) == ("m", ("src/a.py",))


def test_a_log_that_is_folded_again_says_the_same() -> None:
    book = under_way()
    book.send(marker())
    landing_of(book)
    book.note(e.TaskConflicted(task="a", paths=("src/a.py",)))
    before = list(book.state.traces)
    book.restart()
    assert book.state.traces == before and len(before) == 2
