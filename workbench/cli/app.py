"""The commands and their options. Bodies import what they need when they run, so that ``--help`` is
quick; what a command does is in the module it imports."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from copy import copy
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import guarding, handing, interop, keeping, note, policy, talking, team
from workbench.cli.options import HERE, Json, Repo, RunId
from workbench.cli.outcome import guarded

app = typer.Typer(
    name="workbench",
    help="An approved plan, a team of Claude Codes, one branch that is always green.\n\n"
    "Start with `workbench demo`: it runs the whole thing on a sample repository, with no key. Then write "
    "a plan (`workbench check plan.md` tells what is wrong with it), approve it, and run it.",
    epilog="Exit codes: 0 every task landed; 1 some task did not; 2 usage, plan or set-up error; 3 a bug of "
    "workbench; 130 interrupted (`workbench resume` goes on). In a job of GitHub Actions, 0 also when a run "
    "was stopped for its deadline with nothing given up.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help="The plan: a Markdown file.")]
Team = Annotated[
    int | None,
    typer.Option("--team", min=1, max=1000, metavar="N", help="How many teammates work at once."),
]
Agent = Annotated[
    str | None,
    typer.Option("--agent", metavar="AGENT", help="`claude` (the default) or `command:CMD`, any program."),
]
Lead = Annotated[
    str | None,
    typer.Option(
        "--lead", metavar="LEAD", help="`claude`: a session that answers teammates' questions; '' for none."
    ),
]
Gate = Annotated[
    list[str] | None,
    typer.Option(
        "--gate", metavar="CMD", help="A command that must exit 0 before anything lands; repeatable."
    ),
]
NoGates = Annotated[bool, typer.Option("--no-gates", help="Land without any gate. You mean it.")]
Model = Annotated[str | None, typer.Option("--model", metavar="M", help="The model teammates use.")]
Budget = Annotated[
    float | None,
    typer.Option("--budget-usd", min=0.01, metavar="X", help="Start nothing new once this much is spent."),
]
Base = Annotated[str | None, typer.Option("--base", metavar="REF", help="Start from here, not from HEAD.")]
NewId = Annotated[str | None, typer.Option("--run-id", metavar="ID", help="Name the run yourself.")]
Headless = Annotated[
    bool, typer.Option("--headless", help="No viewer: a live table on a terminal, lines anywhere else.")
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline", min=0, metavar="MINUTES", help="Stop by then, so that it can be resumed; 0 for never."
    ),
]
Ci = Annotated[
    bool | None,
    typer.Option(
        "--ci/--no-ci", show_default=False, help="Be a step of GitHub Actions; found by itself in a job."
    ),
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write test results there.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("workbench"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What stands before a command."""


@app.command()
def demo(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Where to make the sample; a temporary folder if not given."
        ),
    ] = None,
    json: Json = False,
    headless: Headless = False,
) -> None:
    """Show the whole thing on a sample repository: no key, no cost.

    Three teammates, the real Claude Code on a scripted model: a red gate repaired in its session, a
    conflict resolved, a message passed on, and everything landed.
    """
    from workbench.cli.demo import demo as body

    raise typer.Exit(body(directory, json=json, headless=headless))


@app.command()
def run(
    plan: PlanFile,
    repo: Repo = HERE,
    team: Team = None,
    agent: Agent = None,
    lead: Lead = None,
    gate: Gate = None,
    no_gates: NoGates = False,
    model: Model = None,
    budget_usd: Budget = None,
    base: Base = None,
    run_id: NewId = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan as it stands, and run it.")] = False,
    write_back: Annotated[
        bool | None, typer.Option("--write-back", help="Tick the boxes in PLAN as its tasks land.")
    ] = None,
    deadline: Deadline = None,
    ci: Ci = None,
    junit: Junit = None,
    headless: Headless = False,
    json: Json = False,
) -> None:
    """Run an approved plan, from worktrees to report.

    Your branch and checkout are not touched: everything lands on `workbench/RUN/integration`. Ctrl-C
    stops gracefully and keeps what there is; `workbench resume` goes on.
    """
    from workbench.cli.running import Wanted, run_plan

    overrides = {"team": team, "agent": agent, "gates": gate, "model": model, "budget_usd": budget_usd}
    overrides |= {"lead": lead, "write_back": write_back, "deadline_minutes": deadline}
    wanted = Wanted(plan, repo, overrides, base, run_id, no_gates, yes, headless, json, ci, junit)
    raise typer.Exit(run_plan(wanted))


@app.command()
def rehearse(
    plan: PlanFile,
    repo: Repo = HERE,
    team: Team = None,
    lead: Lead = None,
    gate: Gate = None,
    no_gates: NoGates = False,
    base: Base = None,
    run_id: NewId = None,
    script: Annotated[
        Path | None,
        typer.Option(
            "--script", metavar="FILE", help="What the model does; written from the plan if not given."
        ),
    ] = None,
    deadline: Deadline = None,
    ci: Ci = None,
    junit: Junit = None,
    headless: Headless = False,
    json: Json = False,
) -> None:
    """Run a plan with a scripted model, at no cost.

    This checks set-up, permissions, gates and merging before money is spent.

    Every teammate is the real Claude Code and makes a small edit in its task's files; all of it stays
    on the rehearsal's own branches. No approval is needed, because nothing is spent.
    """
    from workbench.cli.running import Wanted, rehearse_plan

    overrides = {"team": team, "gates": gate, "lead": lead, "deadline_minutes": deadline}
    wanted = Wanted(plan, repo, overrides, base, run_id, no_gates, True, headless, json, ci, junit)
    raise typer.Exit(rehearse_plan(wanted, script))


@app.command()
def plan(
    goal: Annotated[
        str, typer.Argument(metavar="GOAL", help="What is to be done; `-` to read it from stdin.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Where to write it; a free `plan.md` if not given."
        ),
    ] = None,
    repo: Repo = HERE,
    model: Model = None,
    critique: Annotated[
        bool, typer.Option("--critique", help="Have a second session review the draft, and revise it once.")
    ] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help="Open it in $VISUAL or $EDITOR, and check it again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Approve the plan as it comes.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    json: Json = False,
) -> None:
    """Let Claude Code draft a plan for a goal.

    It reads your latest commit, in a copy, and changes nothing. The draft is checked (and mended) before
    you see it, with its graph and an opinion on whether a team is worth it. Nothing runs until you approve.
    """
    from workbench.cli.drafting import Wanted
    from workbench.cli.drafting import plan as body

    wanted = Wanted(goal, repo, output, {"model": model}, critique, edit, yes, force, json)
    raise typer.Exit(body(wanted))


@app.command()
def check(plan: PlanFile, repo: Repo = HERE, json: Json = False) -> None:
    """Say what is wrong with a plan, or what is in it.

    Every problem is named with its line; a plan without any is shown as its tasks and their graph.
    """
    from workbench.cli.plans import check_plan

    raise typer.Exit(check_plan(plan, repo, json=json))


@app.command()
def approve(plan: PlanFile, repo: Repo = HERE) -> None:
    """Approve exactly this text of a plan.

    The approval holds in this repository; a plan that was changed needs it anew.
    """
    from workbench.cli.plans import approve_plan

    raise typer.Exit(approve_plan(plan, repo))


@app.command()
def status(
    run: RunId = None,
    repo: Repo = HERE,
    disk: Annotated[
        bool, typer.Option("--disk", help="What all runs, or RUN, use of the disk instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Where a run stands: its tasks, its team, and what to do next."""
    if disk:
        from workbench.cli.disk import show_disk

        raise typer.Exit(show_disk(run, repo, json=json))
    from workbench.cli.results import status as body

    raise typer.Exit(body(run, repo, json=json))


@app.command()
def watch(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="Which run, or a FILE.jsonl; the one going on if not given."),
    ] = None,
    repo: Repo = HERE,
    plain: Annotated[
        bool,
        typer.Option("--plain", help="Lines of words only, for screen readers; `help` tells what to type."),
    ] = False,
    attached: Annotated[bool, typer.Option("--attached", hidden=True)] = False,
) -> None:
    """See the team, talk to it, answer what it asks.

    Works from any terminal on a run that is going on, on one that is over, and on what
    `workbench run --json` wrote to a file. Closing it changes nothing. `?` shows the keys.

    With --plain nothing moves: what happens is told line by line, and what you type is a command. Off a
    terminal that ends when the run does.
    """
    from workbench.cli.watching import watch as body

    raise typer.Exit(body(run, repo, plain=plain, attached=attached))


@app.command()
def report(
    run: RunId = None,
    repo: Repo = HERE,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORM", help="md, json or junit; a table on a terminal if not given."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """What a run came to, with proof.

    What landed where, by whom, in what time and at what cost; git is asked for each task whether it
    is on the integration branch.
    """
    from workbench.cli.results import show_report

    raise typer.Exit(show_report(run, repo, "json" if json else form))


@app.command()
def resume(
    run: RunId = None,
    repo: Repo = HERE,
    budget_usd: Budget = None,
    deadline: Deadline = None,
    ci: Ci = None,
    junit: Junit = None,
    headless: Headless = False,
    json: Json = False,
) -> None:
    """Go on with a run that was stopped, killed or paused.

    What was in flight is looked for in git before it is repeated: nothing is lost or lands twice. What
    was sent, answered and asked for meanwhile is taken up.
    """
    from workbench.cli.running import resume as body

    raise typer.Exit(
        body(
            run, repo, budget_usd, headless=headless, json=json, deadline_minutes=deadline, ci=ci, junit=junit
        )
    )


@app.command()
def propose(
    plan: PlanFile,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Which run; the latest if not given.")
    ] = None,
    repo: Repo = HERE,
    yes: Annotated[bool, typer.Option("--yes", help="You have read it: approve it at once.")] = False,
    json: Json = False,
) -> None:
    """Have a run go on by another plan.

    PLAN is the whole plan as it should be: tasks that it adds join the run, those that it leaves out are
    dropped, where they were not begun. The same is asked when the plan file of a run is changed.
    """
    from workbench.cli.propose import propose as body

    raise typer.Exit(body(plan, run, repo, yes=yes, json=json))


@app.command()
def resolve(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task that was given up.")],
    commit: Annotated[
        str | None, typer.Argument(metavar="COMMIT", help="Your work; how to make it if not given.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Which run; the latest if not given.")
    ] = None,
    repo: Repo = HERE,
    headless: Headless = False,
    json: Json = False,
) -> None:
    """Bring in the work of a given-up task yourself.

    Without a commit it says what is wrong and which commands lead to one. With it, the commit is merged
    and gated like a teammate's, and the run goes on with what waited for it.
    """
    from workbench.cli.resolve import resolve as body

    raise typer.Exit(body(task, commit, run, repo, headless=headless, json=json))


@app.command()
def land(
    run: RunId = None,
    repo: Repo = HERE,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="BRANCH", help="The branch to land on, if not the run's target."),
    ] = None,
    pr: Annotated[
        bool, typer.Option("--pr", help="Push to origin and open a pull request (with `gh`) instead.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring the work of a run to the branch you started from.

    Fast-forward where possible, otherwise a merge on which the gates are green. A checkout that shows
    the branch goes along; it is refused (exit 2) when a file there
    would be lost or is not committed, or when the two conflict. Exit 1: a gate is red on the merge.
    """
    from workbench.cli.landing import land as body

    raise typer.Exit(body(run, repo, into, pr=pr, json=json))


@app.command()
def undo(
    tasks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TASK", help="Which tasks; the last that landed if not given. Or an id from --list."
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Which run; the latest if not given.")
    ] = None,
    repo: Repo = HERE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be undone, and whether it can be.")
    ] = False,
    listing: Annotated[
        bool, typer.Option("--list", help="Show all that can be brought back, and how, newest first.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="BRANCH", help="The branch that an id from --list is brought back as."),
    ] = None,
    json: Json = False,
) -> None:
    """Take landed work off the integration branch again.

    The last landing, or the named tasks and all that depends on them, are reverted; the branch moves
    when the gates are green without them. Nothing is lost: every landing stays in its history. Exit 2:
    later work stands in the way. Exit 1: a gate is red. Nothing is changed then.

    What was kept aside (an interrupted attempt's work, files found in a worktree before it was removed)
    has an id with a slash, such as `salvage/t1/3`; it comes back as a new branch.
    """
    from workbench.core.salvage import is_pin

    if listing or name is not None or any(is_pin(task) for task in tasks or []):
        from workbench.cli.recovering import recovering

        raise typer.Exit(
            recovering(tasks or [], run, repo, name, listing=listing, dry_run=dry_run, json=json)
        )
    from workbench.cli.undo import undo as body

    raise typer.Exit(body(tasks or [], run, repo, dry_run=dry_run, json=json))


app.command()(keeping.clean)
app.command()(guarding.trust)
app.command()(guarding.audit)
app.command()(interop.export)
app.command("import")(interop.import_)

app.command()(handing.init)
app.command()(handing.pack)
app.command()(handing.deliver)
for command in talking.COMMANDS:
    app.command()(command)


@app.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
def mark(words: Annotated[list[str], typer.Argument(metavar="KIND …")]) -> None:
    """Report from a teammate's worktree.

    Kinds are progress, done, blocked, question, message and note.
    """
    from workbench.cli.mark import main as body

    raise typer.Exit(body(words))


app.command()(team.join)
app.command()(team.team)
app.command()(team.teams)
app.command(hidden=True)(team.discover)


@app.command()
def doctor(repo: Repo = HERE, json: Json = False) -> None:
    """Check this machine and repository, with advice."""
    from workbench.cli.doctor import doctor as body

    raise typer.Exit(body(repo, json=json))


app.add_typer(note.notes, name="note")
app.add_typer(policy.policy, name="policy")

benches = typer.Typer(rich_markup_mode=None)
app.add_typer(benches, name="bench")


@benches.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    tasks: Annotated[
        list[int] | None,
        typer.Option(
            "--tasks", min=1, metavar="N", help="How many tasks; repeatable. 10 and 50 if not given."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, metavar="S", help="How long each task works.")] = 2.0,
    team: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Teammates; as many as tasks if not given.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Rounds; the median counts.")] = 3,
    files: Annotated[int, typer.Option(min=1, metavar="N", help="Files in the repository.")] = 160,
    json: Json = False,
) -> None:
    """Measure workbench beside a naive shell script.

    Both run the same tasks in turn, on this machine; the medians are compared. `workbench bench merge`
    measures merging alone, `workbench bench tui` the viewer.
    """
    if context.invoked_subcommand is not None:
        return
    from workbench.cli.bench import bench as body

    raise typer.Exit(body(tasks or [10, 50], seconds, team, rounds, files, json=json))


@benches.command("merge")
def bench_merge(
    files: Annotated[int, typer.Option(min=2, metavar="N", help="Files in the repository.")] = 5000,
    branches: Annotated[int, typer.Option(min=1, metavar="N", help="Branches of three files each.")] = 100,
    json: Json = False,
) -> None:
    """Gate runs to expect, and what merging costs.

    The first is computed: how often gates run for a batch in which some changes break the rest. The second
    is measured: the coordinator's merges beside `git merge --no-ff` of the same branches, in turn. Exit 1:
    the two came to different trees.
    """
    from workbench.cli.bench import bench_merge as body

    raise typer.Exit(body(files, branches, json=json))


@benches.command("tui")
def bench_tui(
    events: Annotated[int, typer.Option(min=4_000, metavar="N", help="Events in the log.")] = 100_000,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often the viewer is started.")] = 5,
    keys: Annotated[int, typer.Option(min=1, metavar="N", help="How many keys are pressed.")] = 200,
    json: Json = False,
) -> None:
    """How fast the viewer is on a run of a thousand teammates.

    From its start on a terminal to the first frame that shows where the run stands; and from a key to its
    frame while another process writes 50 events each millisecond to the log, in bursts. Exit 1: a target was
    missed.
    """
    from workbench.cli.bench import bench_tui as body

    raise typer.Exit(body(events, rounds, keys, json=json))


@benches.command("mail")
def bench_mail(
    teammates: Annotated[int, typer.Option(min=1, metavar="N", help="Teammates at work at once.")] = 4,
    messages: Annotated[int, typer.Option(min=1, metavar="N", help="Messages of each round.")] = 40,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Rounds, a run each.")] = 1,
    agent: Annotated[
        str, typer.Option(metavar="KIND", help="`claude` or `command`; both if not given.")
    ] = "both",
    json: Json = False,
) -> None:
    """How long a message takes to reach a teammate.

    From sending to the first request to the model that holds it: the real Claude Code, on a scripted model,
    in the middle of a turn. For a command, until it is in its inbox.
    """
    from workbench.cli.post import bench_mail as body

    raise typer.Exit(body(teammates, messages, rounds, agent, json=json))


@benches.command("sweep")
def bench_sweep(
    plan: Annotated[
        Path | None, typer.Argument(metavar="[PLAN]", help="A plan; a short one built in if not given.")
    ] = None,
    repo: Repo = HERE,
    kinds: Annotated[
        str, typer.Option(metavar="KINDS", help="Which faults, with commas.")
    ] = "kill,ENOSPC,EIO,EAGAIN",
    every: Annotated[
        int, typer.Option(min=1, metavar="K", help="Only every K-th point, and each name at least once.")
    ] = 1,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="FAULT", help="Only this fault, as a sweep prints it; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Kill a run at every point, go on, and see that nothing is lost.

    The plan is run in a clone in a temporary folder, by a teammate that edits its tasks' files without any
    model: once untouched, then once for each fault at each crash point. After each `workbench resume` goes
    on to the end, and the result, the repository and the machine are looked at. Exit 1: something was lost.
    """
    from workbench.cli.faults import bench_sweep as body

    raise typer.Exit(body(plan, repo, kinds, every, at or [], json=json))


@benches.command("chaos")
def bench_chaos(
    tasks: Annotated[int, typer.Option(min=1, metavar="N", help="How many short tasks.")] = 500,
    team: Annotated[int, typer.Option(min=1, metavar="N", help="Teammates at once.")] = 8,
    seed: Annotated[int | None, typer.Option(metavar="S", help="The dice; drawn if not given.")] = None,
    json: Json = False,
) -> None:
    """Kill teammates and the orchestrator at random, and land it all.

    Short tasks in a temporary repository, by a teammate without any model, while every few seconds one
    teammate or workbench itself is killed, and `workbench resume` goes on. Exit 1: something was lost.
    """
    from workbench.cli.faults import bench_chaos as body

    raise typer.Exit(body(tasks, team, seed, json=json))


def _narrowed(words: Sequence[str]) -> typer.Typer:
    """The program with the command that ``words`` begin with and no other, where they begin with one:
    Typer would look at every parameter of all commands."""
    narrow = copy(app)
    narrow.registered_groups = []
    narrow.registered_commands = [
        known
        for known in app.registered_commands
        if words and known.callback is not None and words[0] == (known.name or known.callback.__name__)
    ]
    return narrow if narrow.registered_commands else app


def main(words: Sequence[str]) -> int:
    """Run the command line and give its exit code; nothing is raised, no stack trace is shown."""

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 is no reason to fail

    def command() -> int:
        result = _narrowed(words)(list(words), standalone_mode=False, prog_name="workbench")
        return result if isinstance(result, int) else 0

    if os.environ.get("GITHUB_ACTIONS") != "true":  # there, lines that are printed may be obeyed
        return guarded(command)
    from workbench.cli.ci.streams import words_only_on_stderr

    with words_only_on_stderr():
        return guarded(command)
