"""A person's work for a task that was given up: whether it can be taken, and how to make it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from workbench.composition.place import Place
from workbench.core.apply.provided import GIVEN_UP
from workbench.core.events import WorkProvided
from workbench.core.state import RunState, TaskState, TaskStatus
from workbench.engine.world import World
from workbench.errors import UsageError


@dataclass(frozen=True)
class Stuck:
    """A task that was given up: why, with the output seen then (``evidence``), what there is of it, and the
    commands by which a person brings it in."""

    run: str
    task: str
    title: str
    status: str
    reason: str
    paths: tuple[str, ...]
    others: tuple[str, ...]
    evidence: str
    commit: str
    commands: tuple[str, ...]


def given_up(state: RunState, name: str) -> TaskState:
    """The task, or a UsageError that says why nobody need bring in work for it."""
    stuck = [it for it, task in state.tasks.items() if task.status in GIVEN_UP]
    hint = f"Those that were given up: {', '.join(stuck)}." if stuck else "No task of it was given up."
    if name not in state.tasks:
        raise UsageError(f"Run {state.run} has no task {name!r}.", hint)
    if name not in stuck:
        raise UsageError(f"{name} is {state.tasks[name].status}: there is nothing to resolve.", hint)
    return state.tasks[name]


def stuck(place: Place, state: RunState, name: str) -> Stuck:
    """How a person can bring a given-up task in, step by step. Raises UsageError as ``given_up`` does."""
    task = given_up(state, name)
    attempts = [state.attempts[name, number] for number in range(1, task.attempt + 1)]
    made = [attempt.commit for attempt in attempts if attempt.commit]
    commit = task.commit or (made[-1] if made else "")  # what was green alone, or else the last there is
    branch = f"resolve-{name}"
    folder = place.root.parent / f"{place.root.name}-{branch}"
    bring = [f"{how}    # resolve what conflicts"] if (how := _bringing(state, task, commit)) else []
    gates = [f"{gate}    # must be green" for gate in state.gates_of(name)]
    tip = state.integration.removeprefix("refs/heads/")
    return Stuck(
        run=state.run,
        task=name,
        title=task.spec.title,
        status=task.status.value,
        reason=task.reason or task.evidence.partition("\n")[0],
        paths=task.conflicts,
        others=task.others,
        evidence=task.evidence,
        commit=commit,
        commands=(
            f"git worktree add -b {branch} {shlex.quote(str(folder))} {tip}",
            f"cd {shlex.quote(str(folder))}",
            *bring,
            *gates,
            "git commit --all",
            f"workbench resolve {name} {branch} --run {state.run}",
        ),
    )


def _bringing(state: RunState, task: TaskState, commit: str) -> str:
    """The command that brings what there is of a task into a checkout of the branch. What was undone is in
    the branch's history, where a merge finds nothing to do: its landing is applied again."""
    if task.status is TaskStatus.UNDONE:
        gone = next(it.reversal for it in reversed(state.undone) if it.reversal.task == task.spec.id)
        return f"git cherry-pick --no-commit -m 1 {gone.landing[:12]}"
    return f"git merge {commit[:12]}" if commit else ""


async def work_provided(state: RunState, world: World, name: str, commit: str) -> WorkProvided:
    """The event that takes ``commit`` for the work of a given-up task; it is pinned before. Raises
    UsageError when it is not built on the run's base, or has nothing that did not land."""
    git = world.git
    tip = await git.tip(state.integration) or state.tip
    if not await git.is_ancestor(state.base, commit):
        raise UsageError(
            f"{commit[:10]} is not built on {state.base[:10]}, from which the run began.",
            f"`workbench resolve {name}` shows where to begin.",
        )
    if await git.is_ancestor(commit, tip):
        raise UsageError(
            f"{commit[:10]} is on the integration branch already: there is nothing in it for {name}.",
            "Commit the work first, and name the branch that has it.",
        )
    start = state.base
    for landing in reversed(state.landings):
        if await git.is_ancestor(landing.commit, commit):
            start = landing.commit
            break
    number = state.task(name).attempt + 1
    await git.pin(f"refs/workbench/{state.run}/work/{name}/{number}", commit)
    tree = await git.tree_of(commit)
    return WorkProvided(task=name, attempt=number, commit=commit, tree=tree, start=start)
