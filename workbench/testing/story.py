"""A played run with words for what teammates, gates and git do: for playbooks that read like a story."""

from __future__ import annotations

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.models import RunSettings, Task, Verdict
from workbench.core.state import TaskStatus
from workbench.testing.playbook import Playbook, started


def task(name: str, *after: str, **values: object) -> Task:
    """A task that waits for ``after``."""
    return Task.model_validate({"id": name, "title": f"Do {name}", "after": after, **values})


def verdict(tree: str, green: bool = True, gate: str = "test", output: str = "1 failed") -> Verdict:
    """A gate's word on a tree; ``output`` is what it says when it is red."""
    return Verdict(
        tree=tree, gate=gate, environment="env", green=green, seconds=1.0, output="" if green else output
    )


class Story(Playbook):
    """A run under way. Attempt 1 at ``a`` leaves the commit ``a1`` with ``tree-a1``, its candidate is
    ``L-a`` with ``tree-L-a``; ``first`` are the actions that begin the run."""

    def __init__(self, *tasks: Task, team: tuple[str, ...] = ("ada", "bob"), **values: object) -> None:
        super().__init__()
        settings = RunSettings.model_validate({"team": team, "gates": ("test",), **values})
        assert self.send(started(tasks, settings)) == [a.CheckBase()]
        green = tuple(verdict("tree-base", gate=gate) for gate in settings.gates)
        self.first = self.send(e.BaseChecked(verdicts=green))

    # -- attempts ------------------------------------------------------------------------------------

    def ready(self, name: str, attempt: int = 1) -> list[a.Action]:
        mate = self.state.attempts[name, attempt].teammate
        self.send(e.WorktreeReady(teammate=mate, path=f"/w/{mate}", branch=mate, seconds=0.1))
        return self.send(e.AgentStarted(task=name, attempt=attempt, pid=1))

    def mark(self, name: str, kind: str, note: str = "", attempt: int = 1, to: str = "") -> list[a.Action]:
        place = f"m{len(self.log)}"
        return self.send(
            e.MarkerReceived(task=name, attempt=attempt, name=place, kind=kind, note=note, to=to)
        )

    def turn(self, name: str, attempt: int = 1, live: bool = True, **values: object) -> list[a.Action]:
        return self.send(
            e.TurnEnded.model_validate({"task": name, "attempt": attempt, "live": live, **values})
        )

    def collected(self, name: str, attempt: int = 1, tree: str = "", **values: object) -> list[a.Action]:
        fields = {"commit": f"{name}{attempt}", "tree": tree or f"tree-{name}{attempt}", "pin": "p"}
        return self.send(
            e.WorkCollected.model_validate(
                {"task": name, "attempt": attempt, "changed": True, "snapshot": False, **fields, **values}
            )
        )

    def checked(self, name: str, green: bool, attempt: int = 1) -> list[a.Action]:
        commit = f"{name}{attempt}"
        gates = self.state.gates_of(name)
        verdicts = tuple(verdict(f"tree-{commit}", green, gate) for gate in gates)
        return self.send(e.WorkChecked(task=name, attempt=attempt, commit=commit, verdicts=verdicts))

    def ended(self, name: str, attempt: int = 1, **values: object) -> list[a.Action]:
        mate = self.state.attempts[name, attempt].teammate
        return self.send(
            e.AttemptEnded.model_validate({"task": name, "attempt": attempt, "teammate": mate, **values})
        )

    def deliver(self, name: str, attempt: int = 1) -> list[a.Action]:
        """From a started attempt to work in the queue; the actions at its delivery."""
        self.mark(name, "done", attempt=attempt)
        self.turn(name, attempt)
        self.collected(name, attempt)
        actions = self.checked(name, True, attempt)
        self.ended(name, attempt)
        return actions

    # -- landings ------------------------------------------------------------------------------------

    def made(self, name: str, tree: str = "", **values: object) -> list[a.Action]:
        """The candidate of one task, on the one before it or on the tip."""
        landing = self.state.landing
        parent = landing.steps[-1].commit if landing is not None and landing.steps else self.state.tip
        made = {"task": name, "parent": parent, "commit": f"L-{name}", "tree": tree or f"tree-L-{name}"}
        return self.send(e.CandidateMade.model_validate(made | values))

    def conflict(self, name: str, *paths: str, hunks: str = "") -> list[a.Action]:
        """The merge of one task, behind those made before it, has conflicts."""
        landing = self.state.landing
        behind = tuple(step.task for step in landing.steps) if landing is not None else ()
        parent = f"L-{behind[-1]}" if behind else self.state.tip
        return self.send(e.ConflictFound(task=name, parent=parent, paths=paths, hunks=hunks, behind=behind))

    def built(self, *names: str, **trees: str) -> list[a.Action]:
        """Candidates of ``names`` one on the other, and the batch is complete; ``trees`` by task."""
        for name in names:
            self.made(name, trees.get(name, ""))
        return self.batch_built()

    def batch_built(self) -> list[a.Action]:
        landing = self.state.landing
        names = tuple(step.task for step in landing.steps) if landing is not None else ()
        tip = self.state.tip
        return self.send(e.BatchBuilt(tasks=names, base=tip, base_tree=f"tree-{tip}"))

    def gated(
        self,
        name: str,
        green: bool,
        *gates: str,
        output: str = "1 failed",
        task: str = "",
        failing: tuple[str, ...] = (),
    ) -> list[a.Action]:
        """The gates (``test``) were run on a candidate, or on ``base``, of which ``task`` is the next;
        all are green, or the last of them is red."""
        landing = self.state.landing
        assert landing is not None
        if name == "base":
            commit, tree, name = landing.base, landing.base_tree, task or landing.steps[0].task
        else:
            commit = f"L-{name}"
            tree = next(step.tree for step in landing.steps if step.task == name)
        chosen = gates or ("test",)
        said = [verdict(tree, green or gate != chosen[-1], gate, output) for gate in chosen]
        verdicts = tuple(it if it.green else it.model_copy(update={"failing": failing}) for it in said)
        return self.send(e.CandidateChecked(task=name, commit=commit, verdicts=verdicts))

    def land(self, name: str) -> list[a.Action]:
        """A landing of one task that is green."""
        self.built(name)
        self.gated(name, True)
        return self.landed(name)

    def landed(self, name: str, files: tuple[str, ...] = ()) -> list[a.Action]:
        attempt = self.state.tasks[name].delivered_by
        return self.send(
            e.TaskLanded(
                task=name, attempt=attempt, commit=f"L-{name}", parent=self.state.tip, tree="", files=files
            )
        )

    def paired(self, name: str, *others: str, certain: bool = True) -> list[a.Action]:
        """What a rejected task collides with was found."""
        return self.send(e.SemanticConflictFound(task=name, others=others, gate="test", certain=certain))

    def status(self, name: str) -> TaskStatus:
        return self.state.tasks[name].status
