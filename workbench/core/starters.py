"""The files that set a repository up, made from the templates and what was found in it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from workbench.core.discovery import Surroundings
from workbench.core.manifests import CHECK, Found

SETTINGS = "workbench.toml"
WORKFLOW = ".github/workflows/workbench.yml"
ACTION = ".github/actions/workbench/action.yml"

PLACE = "      # What the plan's gates need to run comes here: languages, packages.\n"
"""The line of the workflow's template behind which hints for a language go."""

HINTS = {
    "pyproject.toml": "python -m pip install -e .",
    "requirements.txt": "python -m pip install -r requirements.txt",
    "package.json": "npm ci",
    "Gemfile": "bundle install",
}
"""What is usually installed before a repository's tests can run, by the file that asks for it."""


def proposed(offers: Surroundings) -> tuple[Found, ...]:
    """The gates to begin with: the best that runs tests. Linters are left to a person: one that is red today
    would refuse every run."""
    tests = [found for found in offers.found if found.tests and found.rank > CHECK]
    return tuple(tests[:1])


def settings(template: str, gates: Sequence[str], offers: Surroundings) -> str:
    """``workbench.toml`` with these gates, the set-up that they need, and a comment on what else there is."""
    setups = dict.fromkeys(found.setup for found in offers.found if found.command in gates and found.setup)
    others = [found.command for found in offers.found if found.command not in gates][:4]
    lines = [f"gates = {_list(gates)}" + ("" if gates else '     # for example ["pytest -q", "ruff check"]')]
    if others:
        lines.append(f"# also found here: {_list(others)}")
    made = re.sub(r"(?m)^gates = .*$", lambda _: "\n".join(lines), template, count=1)
    if setups:
        made = re.sub(r"(?m)^# setup = .*$", lambda _: f"setup = {_list(list(setups))}", made, count=1)
    return made


def workflow(template: str, branch: str, requirement: str, offers: Surroundings) -> str:
    """The workflow for a repository whose main branch is ``branch``; ``requirement`` is what pip installs."""
    hints = [command for name, command in HINTS.items() if name in offers.paths]
    lines = PLACE + "".join(f"      # - run: {command}\n" for command in hints)
    made = template.replace('"@BRANCH@"', json.dumps(branch)).replace(
        '"@REQUIREMENT@"', json.dumps(requirement)
    )
    return made.replace(PLACE, lines, 1)


def _list(items: Sequence[str]) -> str:
    """A list as TOML, and JSON, have it."""
    return json.dumps(list(items), ensure_ascii=False)
