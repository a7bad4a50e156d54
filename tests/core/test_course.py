"""When a run was at work, and what a guess at its end may count."""

from __future__ import annotations

from workbench.core import events as e
from workbench.core.watched import Watched
from workbench.testing.story import Story, task


def cut_short(story: Story) -> None:
    story.note(e.AttemptEnded(task="a", attempt=1, teammate="ada", interrupted=True))


def watched(story: Story) -> Watched:
    found = Watched("r")
    for record in story.log:
        found.take(record)
    return found


def test_time_between_processes_is_no_time_at_work() -> None:
    story = Story(task("a"))
    cut_short(story)
    left = story.now
    story.now += 10_000
    story.note(e.RunResumed(pid=1))
    course = watched(story).history.course
    assert course.lulls == [(left, left + 10_001)]
    assert course.at_work(0.0, story.now + 5) == left + 5
    assert course.at_work(left + 100, story.now) == 0.0  # begins and ends within the lull


def test_what_is_asked_after_the_end_does_not_make_the_run_longer() -> None:
    story = Story(task("a"))
    cut_short(story)
    story.note(e.RunFinished(outcome="stopped", reason=""))
    left = story.now
    story.now += 500
    story.note(e.RequestRefused(id="0" * 8, reason="no"))
    story.now += 500
    story.note(e.RunResumed(pid=1))
    assert watched(story).history.course.lulls == [(left, story.now)]


def test_pauses_and_what_lands_in_them_do_not_count() -> None:
    story = Story(task("a"), task("b"), task("c"))
    story.deliver("a")
    story.land("a")
    story.note(e.RunPaused(by="person"))
    since = story.now
    story.deliver("b")
    story.land("b")
    found = watched(story)
    course, state = found.history.course, found.state
    assert course.landed == 1
    before = course.unhindered(state, since)
    assert course.unhindered(state, since + 1_000) == before
    story.note(e.RunUnpaused(by="person"))
    course = watched(story).history.course
    assert course.resting is None
    assert course.unhindered(state, story.now + 7) == before + 7
