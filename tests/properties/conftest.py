"""How hard the properties are tried.

``PROPERTIES=10`` in the environment tries ten times as many examples as usual. A failing example is printed
with what reproduces it, kept in hypothesis's own data base, and tried first the next time. It is made
smaller with ``PROPERTIES_SHRINK=yes`` only, for that can take minutes where each try starts processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

TIMES = float(os.environ.get("PROPERTIES", "1"))


def examples(number: int) -> Callable[[Any], Any]:
    """What makes a property be tried ``number`` times in an ordinary test run: see ``chosen``."""
    decorate: Callable[[Any], Any] = chosen(number)
    return decorate


def chosen(number: int) -> settings:
    """Settings for a property that is tried ``number`` times in an ordinary test run.

    Nothing here has a deadline: an example starts processes, on machines that do other work too.
    """
    phases = [Phase.explicit, Phase.reuse, Phase.generate]
    if os.environ.get("PROPERTIES_SHRINK") == "yes":
        phases.append(Phase.shrink)
    unhurried = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
    return settings(
        max_examples=max(1, round(number * TIMES)),
        deadline=None,
        phases=phases,
        suppress_health_check=unhurried,
        print_blob=True,
        report_multiple_bugs=False,
    )
