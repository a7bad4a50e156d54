"""A person's work for a task that was given up: whether it can be taken, and how to make it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from workbench.composition.place import Place
from workbench.core.apply.provided import GIVEN_UP
from workbench.core.events import WorkProvided
from workbench.core.models import Reversal
from workbench.core.state import RunState, TaskState
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
    if unmet := [other for other in state.tasks[name].spec.after if other in state.tasks[name].unmet]:
        raise UsageError(
            f"{name} is to land on top of {', '.join(unmet)}, which {state.tasks[unmet[0]].status.stands}.",
            f"Bring that in first: `workbench resolve {unmet[0]} --run {state.run}`.",
        )
    return state.tasks[name]


def stuck(place: Place, state: RunState, name: str) -> Stuck:
    """How a person can bring a given-up task in, step by step. Raises UsageError as ``given_up`` does."""
    task = given_up(state, name)
    attempts = [state.attempts[name, number] for number in range(1, task.attempt + 1)]
    made = [attempt.commit for attempt in attempts if attempt.commit and attempt.commit != attempt.start]
    commit = task.commit or (made[-1] if made else "")  # what was green alone, or else the last there is
    branch = f"resolve-{name}"
    folder = place.root.parent / f"{place.root.name}-{branch}"
    merge = f"{_taken(state, name, commit)}    # resolve what conflicts"
    if not commit:
        merge = "# its teammate made nothing that could be brought in: do the work here, and `git add` it"
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
            merge,
            *gates,
            "git commit --all",
            f"workbench resolve {name} {branch} --run {state.run}",
        ),
    )


def _taken(state: RunState, name: str, commit: str) -> str:
    """The git command that brings a task's work onto the integration branch. What was undone is in its
    history, so that a merge would bring nothing: it is picked from its landing."""
    undone = _undone(state, name)
    if undone is not None:
        return f"git cherry-pick --no-commit -m 1 {undone.landing[:12]}"
    return f"git merge --no-ff --no-commit {commit[:12]}"


def _undone(state: RunState, name: str) -> Reversal | None:
    """What last took the task off the branch, if it stands as undone by that."""
    if state.tasks[name].landed is not None:
        return None
    return next((it.reversal for it in reversed(state.undone) if it.reversal.task == name), None)


async def work_provided(state: RunState, world: World, name: str, commit: str) -> WorkProvided:
    """The event that takes ``commit`` for the work of a given-up task; it is pinned before. Raises
    UsageError when it is not built on the run's base, has nothing that did not land, or would not bring back
    what was undone."""
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
    undone = _undone(state, name)
    before = next((it.delivered for it in state.landings if undone and it.commit == undone.landing), "")
    if undone and not await git.is_ancestor(undone.commit, commit) and await git.is_ancestor(before, commit):
        raise UsageError(
            f"{commit[:10]} is built on the work for {name} as it was before {undone.commit[:10]} undid it: "
            "merged, only what came after that work would land.",
            f"Begin at the integration branch: `workbench resolve {name}` shows how.",
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
