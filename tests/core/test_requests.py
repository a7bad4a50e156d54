"""What is asked of a run, in the log."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.core.events import RequestMade, dump, load
from workbench.core.mail import PERSON
from workbench.core.requests import Answer, Stop, Write

SAMPLES: list[Any] = [Write(to="ada", text="hello"), Answer(message="m1", decision="yes"), Stop()]


@pytest.mark.parametrize("request_", SAMPLES, ids=lambda it: it.what)
def test_the_log_gives_back_the_request_that_was_made(request_: Any) -> None:
    made = RequestMade(id="0123456789abcdef", by=PERSON, request=request_)
    assert load("RequestMade", dump(made)) == made
