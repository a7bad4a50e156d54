"""Requests to a run in another process, which takes them, or does not."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from workbench.adapters.lock import RepositoryLock
from workbench.adapters.requests import RequestFolder, leave
from workbench.composition import requesting
from workbench.composition.place import Place, open_place
from workbench.composition.requesting import Requested as Answered
from workbench.composition.requesting import ask, is_paused, kept_answers
from workbench.composition.runs import drop_requests, take_requests
from workbench.core import events as e
from workbench.core.apply import fold
from workbench.core.mail import PERSON
from workbench.core.requests import Answer, Pause, Request, Retry, Skip, Stop, Unpause, Write
from workbench.engine.ports import Requested
from workbench.errors import UsageError, WorkbenchError
from workbench.testing.story import Story, task

RUN = "r"


@pytest.fixture
async def place(repo: Path) -> Place:
    return await open_place(repo)


def given_up() -> Story:
    """``a`` failed for good, ``b`` behind it is held, and the run is over."""
    run = Story(task("a"), task("b", "a"), team=("ada",), attempts=1)
    run.turn("a", error="it crashed")
    run.collected("a")
    run.ended("a")
    assert run.state.over_for_good
    return run


async def logged(place: Place, run: Story) -> None:
    with place.store() as store:
        await store.append(RUN, run.log)


def folder(place: Place) -> RequestFolder:
    return RequestFolder(place.requests(RUN), pytest.fail)


async def left(place: Place) -> tuple[RequestFolder, Requested]:
    """The first request that is there."""
    requests = folder(place)
    async with aclosing(requests.watch()) as came:  # type: ignore[type-var]
        async for request in came:
            return requests, request
    raise AssertionError("it is watched until there is one")


async def taking(place: Place, run: Story) -> None:
    """What the process that holds the run does with the first request."""
    requests, found = await left(place)
    before = len(run.log)
    run.send(e.RequestMade(id=found.id, by=PERSON, request=found.request))
    with place.store() as store:
        await store.append(RUN, run.log[before:])
    requests.settle(found.id)


async def test_what_followed_is_told(place: Place) -> None:
    run = Story(task("a"), team=("ada",))
    await logged(place, run)
    with RepositoryLock(place.state_dir).acquire(RUN):
        _, asked = await asyncio.gather(taking(place, run), ask(place, None, Pause()))
        assert asked.event == e.RunPaused(by=PERSON) and asked.run == RUN
        assert is_paused(place, None) and is_paused(place, RUN) and not is_paused(place, "other")
    assert not is_paused(place, None), "nobody holds it any more"


async def test_a_refusal_is_told_in_the_runs_own_words(place: Place) -> None:
    run = Story(task("a"), team=("ada",))
    await logged(place, run)
    with (
        RepositoryLock(place.state_dir).acquire(RUN),
        pytest.raises(UsageError, match="being worked on") as no,
    ):
        await asyncio.gather(taking(place, run), ask(place, None, Skip(task="a")))
    assert "stop" in no.value.hint


@pytest.mark.parametrize(("request_", "kept"), [(Stop(), 0), (Pause(), 0), (Write(to="ada", text="hi"), 1)])
async def test_a_run_that_is_stuck_is_not_waited_for_forever(
    place: Place, monkeypatch: pytest.MonkeyPatch, request_: Request, kept: int
) -> None:
    """What is of the moment is taken back: nobody wants a run to stop an hour later."""
    monkeypatch.setattr(requesting, "TAKE_SECONDS", 0.1)
    await logged(place, Story(task("a"), team=("ada",)))
    with (
        RepositoryLock(place.state_dir).acquire(RUN),
        pytest.raises(WorkbenchError, match="did not take the request") as late,
    ):
        await ask(place, None, request_)
    assert late.value.exit_code == 1 and "workbench status r" in late.value.hint
    assert len(folder(place).scan()) == kept


async def test_a_run_that_ends_while_it_is_asked_keeps_what_it_can(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requesting, "ALIVE_SECONDS", 0.0)
    await logged(place, Story(task("a"), team=("ada",)))

    async def while_held(request: Request) -> Answered:
        with RepositoryLock(place.state_dir).acquire(RUN):
            waiting = asyncio.ensure_future(ask(place, None, request))
            await left(place)
        return await waiting

    with pytest.raises(UsageError, match="is not going on"):
        await while_held(Stop())
    assert not folder(place).scan(), "taken back"
    kept = await while_held(Write(to="ada", text="hi"))
    assert kept.event is None and [it.id for it in folder(place).scan()] == [kept.id]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Stop(), "is over: incomplete"),
        (Unpause(), "is over: incomplete"),
        (Write(to="ada", text="hi"), "Nobody would read it"),
        (Answer(message="m1", text="hi"), "Nobody would read it"),
        (Retry(task="b"), "b is held"),
        (Skip(task="nope"), "no task 'nope'"),
    ],
)
async def test_what_can_come_to_nothing_is_refused_at_once(place: Place, request_: Request, why: str) -> None:
    await logged(place, given_up())
    with pytest.raises(UsageError, match=why):
        await ask(place, None, request_)
    assert not folder(place).scan()


async def test_without_any_run_there_is_nobody_to_ask(place: Place) -> None:
    with pytest.raises(WorkbenchError, match="no event log"):
        await ask(place, None, Pause())
    await logged(place, given_up())
    with pytest.raises(UsageError, match="no run 'other'"):
        await ask(place, "other", Pause())


async def test_a_run_that_is_over_takes_what_was_kept_once_and_goes_on(place: Place) -> None:
    await logged(place, given_up())
    kept = await ask(place, None, Retry(task="a"))
    late = await ask(place, None, Skip(task="b"))
    assert kept.event is late.event is None
    with place.store() as store:
        for _ in range(2):  # killed before the files were gone
            files = {path: path.read_text() for path in place.requests(RUN).glob("*.json")}
            state = fold(store.history(RUN))
            state.run = RUN
            await take_requests(store, state, folder(place))
            assert not state.over_for_good
            for path, text in files.items():
                path.write_text(text)
        types = [record.type for record in store.history(RUN)]
    assert types.count("RequestMade") == 2 and types[-4:] == [
        "RequestMade", "TaskRetried", "RequestMade", "TaskSkipped",
    ]  # fmt: skip


async def test_what_was_asked_of_the_process_before_is_dropped(place: Place) -> None:
    run = Story(task("a"), team=("ada",))
    await logged(place, run)
    for request in (Stop(), Pause(), Unpause()):
        leave(place.requests(RUN), request)
    kept = leave(place.requests(RUN), Write(to="ada", text="hi"))
    drop_requests(run.state, folder(place))
    assert [it.id for it in folder(place).scan()] == [kept]


async def test_of_two_answers_that_wait_for_a_run_the_last_word_counts(place: Place) -> None:
    run = Story(task("a"), task("b"), on_question="hold")
    run.mark("a", "question", "which port?")
    run.mark("b", "question", "which host?")
    await logged(place, run)
    first = await ask(place, None, Answer(message="m1", text="no"))
    other = await ask(place, None, Answer(message="m2", text="here"))
    last = await ask(place, None, Answer(message="m1", text="8080"))
    assert (first.replaced, other.replaced, last.replaced) == (False, False, True)
    assert [it.id for it in folder(place).scan()] == [other.id, last.id]
    assert {name: it.text for name, it in kept_answers(place, RUN).items()} == {"m1": "8080", "m2": "here"}


async def test_a_teammate_of_the_run_does_not_speak_for_the_person(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await logged(place, given_up())
    monkeypatch.setenv("WORKBENCH_NONCE", "nonce-a-1")
    monkeypatch.setenv("WORKBENCH_RUN", RUN)
    with pytest.raises(UsageError, match="does not speak for the person"):
        await ask(place, None, Retry(task="a"))
    assert folder(place).scan() == []
    monkeypatch.setenv("WORKBENCH_RUN", "another")
    await ask(place, None, Retry(task="a"))
    assert len(folder(place).scan()) == 1
