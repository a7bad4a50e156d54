"""What gates print, for whoever looks on from this process or another."""

from __future__ import annotations

from workbench.adapters.gatelogs import last_lines
from workbench.composition.place import Place


def gate_output(place: Place, run: str, commit_or_tree: str, gate: str) -> str:
    """The last lines (200, and 20,000 characters, at most) of what ``gate`` has printed in its latest run on
    a commit or a tree of ``run``: while it runs, as far as it has come.

    The commit is that of CheckingStarted, WorkChecked or CandidateChecked, or the run's base; the tree that
    of a Verdict; the gate the command as it is in both. The text is plain: no colours, no control characters
    but tabs, of a line drawn again and again the last state; still as hostile as what agents write. "" where
    there is none: it has printed nothing yet, was never run because its verdict was known, is longer ago than
    the latest 50 that printed something, the run was cleaned, or its disk could not be written to. What
    ``Verdict.output`` adds (that it ran out of time, say) is not in it.

    Reads a folder of some fifty names and 128 KiB at most, which takes about a millisecond, or ten where
    there is much: call it in a thread. Never raises.
    """
    return last_lines(place.gate_logs(run), commit_or_tree, gate)
