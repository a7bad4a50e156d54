"""What came of a run: one value, drawn from the state, and its Markdown and JUnit forms. Pure.

``proven`` arrives from outside: for each task, whether git itself says that what it delivered is an
ancestor of the integration branch. "Landed" in a report means that, and nothing else.
"""

from workbench.core.report.drawing import elapsed, report
from workbench.core.report.pages import (
    duration,
    graph,
    has_landed,
    headline,
    junit,
    markdown,
    proof_words,
    proposal_words,
    trust_words,
)
from workbench.core.report.values import Report

__all__ = [
    "Report",
    "duration",
    "elapsed",
    "graph",
    "has_landed",
    "headline",
    "junit",
    "markdown",
    "proof_words",
    "proposal_words",
    "report",
    "trust_words",
]
