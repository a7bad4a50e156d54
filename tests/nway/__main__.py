"""The command line of ``python -m tests.nway``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.nway.baseline import in_sequence, red_alone
from tests.nway.judge import Judge
from tests.nway.landing import land
from tests.nway.page import page, total
from tests.nway.pairs import every_pair
from tests.nway.sets import FeatureSet, load
from tests.nway.stage import set_up
from tests.nway.verdicts import Outcome, judged
from workbench.errors import UsageError


def measured(features: FeatureSet, folder: Path, given: argparse.Namespace) -> Outcome:
    """Everything that was asked for, of one set, in ``folder``."""
    stage = set_up(features, folder, given.flaky, given.seed)
    judge = Judge(stage.repo, folder)
    if red := red_alone(features, stage, judge):
        name, said = next(iter(red.items()))
        raise UsageError(
            f"{features.name}: {name} is red alone: {said}", "Features must be green on the base."
        )
    baseline = in_sequence(features, stage, judge)
    if given.no_run:
        outcome = Outcome(features.name, len(features.features))
    else:
        story = land(stage, given.team or len(features.features))
        outcome = judged(features, stage, story, judge)
    outcome.baseline = baseline
    if given.pairs:
        outcome.pairs = every_pair(features, stage, judge)
    return outcome


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and give the exit code."""
    given = _parser().parse_args(words)
    outcomes: list[Outcome] = []
    try:
        if not 0 <= given.flaky < 1 or (given.team is not None and given.team < 1):
            raise UsageError("--flaky must be at least 0 and below 1, --team 1 or more.")
        for features in [load(folder) for folder in given.folders]:
            folder = Path(tempfile.mkdtemp(prefix=f"nway-{features.name}-"))
            try:
                outcomes.append(measured(features, folder, given))
            finally:
                if given.keep:
                    print(f"{features.name} is kept in {folder}", file=sys.stderr, flush=True)
                else:
                    shutil.rmtree(folder, ignore_errors=True)
    except UsageError as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
        return error.exit_code
    if given.json:
        print(json.dumps({"sets": [one.as_json() for one in outcomes], "total": total(outcomes)}, indent=2))
    else:
        print(page(outcomes, ran=not given.no_run))
    return 1 if any(one.bad for one in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.nway", description="Land many features at once.")
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="feature sets")
    parser.add_argument(
        "--team", type=int, metavar="N", help="teammates at once; default: one for each feature"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--keep", action="store_true", help="keep the repositories and events")
    parser.add_argument(
        "--flaky", type=float, default=0.0, metavar="P", help="odds that the suite fails at random"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the dice of --flaky")
    parser.add_argument("--pairs", action="store_true", help="also merge every pair by the rungs")
    parser.add_argument("--no-run", action="store_true", help="leave out the run: baseline and pairs only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
