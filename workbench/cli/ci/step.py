"""A command that is a step of a job from its first word to its last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workbench.cli.ci.surroundings import Surroundings

if TYPE_CHECKING:
    from workbench.cli.ci.leaving import Step


@contextmanager
def as_step(around: Surroundings | None) -> Iterator[Step | None]:
    """What is said inside is for a job's log, where there is one; what ends it early is told to the steps
    that follow."""
    if around is None:
        yield None
        return
    from workbench.cli.ci.leaving import Step
    from workbench.cli.ci.streams import words_only_on_stderr, words_only_on_stdout

    with words_only_on_stderr() as stream, words_only_on_stdout():
        step = Step(around, stream)
        try:
            yield step
        except BaseException as error:
            step.fail(error)
            raise
