"""The permission policy: what is in force, where each line comes from, and what it says of a use."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.options import HERE, Json, Repo

policy = typer.Typer(
    rich_markup_mode=None,
    help="The permission policy: what Claude teammates may use.\n\n"
    "Deny wins over ask, ask over allow; what no rule names goes by `on_permission`. Your own rules stand in "
    "workbench.toml under [policy].",
    epilog="Try: workbench policy test 'Bash(git push origin)'",
)


@policy.callback(invoke_without_command=True)
def show(context: typer.Context, repo: Repo = HERE, json: Json = False) -> None:
    """Show the policy in force, line by line, with where each comes from."""
    if context.invoked_subcommand is None:
        show_policy(repo, json=json)


@policy.command("test")
def test(
    use: Annotated[str, typer.Argument(metavar="USE", help="A tool and what it is about, as a rule has it.")],
    repo: Repo = HERE,
    json: Json = False,
) -> None:
    """Say what becomes of a use of a tool, and by which rule.

    What no policy can allow, such as writing to git's own files, is said too."""
    test_policy(use, repo, json=json)


def show_policy(repo: Path, *, json: bool) -> None:
    """Print every rule, those that win first."""
    from workbench.cli.driving import run_async
    from workbench.cli.trust import say_withheld
    from workbench.composition.place import open_place
    from workbench.composition.policy import rules_of
    from workbench.core.policy import ORDER

    place = run_async(open_place(repo))
    say_withheld(place.withheld, place.file)
    rules = sorted(rules_of(place), key=lambda rule: ORDER.index(rule.decision))
    unruled = place.settings.on_permission
    if json:
        found = {"rules": [rule.model_dump() for rule in rules], "unruled": unruled}
        print(jsonlib.dumps(found, indent=2))
        return
    width = max((len(rule.rule) for rule in rules), default=0)
    for rule in rules:
        print(f"{rule.decision:<6} {rule.rule:<{width}}  {rule.source}")
    print(f"{unruled:<6} {'whatever no rule names':<{width}}  the setting on_permission")
    if place.settings.agent != "claude":
        print("\nThis binds Claude teammates only: the tools of a command are not seen. Its walls bind it.")


def test_policy(use: str, repo: Path, *, json: bool) -> None:
    """Print the decision and the rule."""
    from workbench.adapters.agents.claude.using import simple_commands
    from workbench.cli.driving import run_async
    from workbench.cli.trust import say_withheld
    from workbench.composition.place import open_place
    from workbench.composition.policy import never, rules_of
    from workbench.core.policy import SHAPE, ruled
    from workbench.errors import UsageError

    found = SHAPE.fullmatch(use.strip())
    if found is None:
        raise UsageError(
            f"{use!r} is no use of a tool.", "Write it as `Bash(git push origin)` or `WebSearch`."
        )
    place = run_async(open_place(repo))
    say_withheld(place.withheld, place.file)
    about = (found["pattern"] or "").removeprefix("domain:")
    subjects = simple_commands(about) if found["tool"] == "Bash" else (about,)
    ruling = ruled(rules_of(place), found["tool"], subjects)
    decision = ruling.decision or place.settings.on_permission
    rule = ruling.rule
    refused = "" if decision == "deny" else never(place, found["tool"], about)
    if refused:
        decision, rule = "deny", None
    if json:
        said = {"decision": decision, "rule": rule.model_dump() if rule else None, "never": refused}
        print(jsonlib.dumps(said, indent=2))
    elif refused:
        print(f"deny: whatever the policy says; a teammate is told: {refused}")
    elif rule is None:
        print(f"{decision}: no rule names it (on_permission = {decision!r})")
    else:
        print(f"{decision}: {rule.rule} ({rule.source})")
