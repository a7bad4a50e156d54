"""What a simulated run is about: tasks, team and settings by dice."""

from __future__ import annotations

import random

from workbench.core.models import Plan, RunSettings, Task

NAMES = ("ada", "bob", "cy", "dee")


def small(dice: random.Random) -> tuple[list[Task], RunSettings]:
    """A few tasks, and every setting that changes how a run goes."""
    tasks: list[Task] = []
    for number in range(dice.randint(1, 8)):
        earlier = [task.id for task in tasks]
        after = tuple(name for name in earlier if dice.random() < 0.25)
        own = ("own",) if dice.random() < 0.2 else ()
        urgent = dice.randrange(3) if dice.random() < 0.3 else 0
        name = chr(ord("a") + number)
        by = dice.choice(("lead", "person")) if dice.random() < 0.15 else ""
        fields = {"after": after, "gates": own, "priority": urgent, "plan_by": by}
        tasks.append(Task.model_validate({"id": name, "title": name.upper(), **fields}))
    return tasks, RunSettings(
        team=NAMES[: dice.randint(1, len(NAMES))],
        gates=("test",),
        attempts=dice.randint(1, 3),
        repairs=dice.randint(0, 3),
        batch=dice.choice((1, 2, 4, 8)),
        gate_slots=dice.randint(1, 3),
        budget_usd=dice.choice((0.5, 2.0)) if dice.random() < 0.1 else None,
        task_budget_usd=dice.choice((0.15, 1.0)) if dice.random() < 0.1 else None,
        idle_seconds=dice.choice((600.0, 7200.0)) if dice.random() < 0.6 else None,
        attempt_seconds=dice.choice((1200.0, 14_400.0)) if dice.random() < 0.6 else None,
        nudge_seconds=dice.choice((60.0, 300.0)),
        retry_seconds=dice.choice((0.0, 5.0, 60.0)),
        on_join=dice.choice(("ask", "approve", "approve", "reject")),
        on_question=dice.choice(("proceed", "proceed", "proceed", "ask", "hold", "fail")),
        answer_seconds=dice.choice((0.0, 60.0, 3600.0)),
        topology=dice.choice(("star", "hierarchical", "mesh")),
        message_quota=dice.choice((0, 3, 40)),
        on_plan=dice.choice(("approve", "approve", "ask", "hold")),
        on_permission=dice.choice(("deny", "ask")),
        continues=dice.random() < 0.5,
        agent=dice.choice(("claude", "command:x")),
        keep_worktrees=dice.random() < 0.2,
        lead=dice.choice(("", "claude")),
        on_guarded=dice.choice(("hold", "hold", "hold", "allow")),
    )


def large(dice: random.Random, teammates: int, tasks: int) -> tuple[list[Task], RunSettings]:
    """A plan as wide as its team: most tasks can begin at once, the others wait for one or two of them."""
    made: list[Task] = []
    for number in range(tasks):
        many = dice.choice((0, 0, 1, 2)) if number >= teammates else 0
        after = tuple(f"t{dice.randrange(number)}" for _ in range(many))
        made.append(Task(id=f"t{number}", title=f"Task {number}", after=tuple(dict.fromkeys(after))))
    team = tuple(f"m{number}" for number in range(teammates))
    return made, RunSettings(team=team, gates=("test",), batch=100, gate_slots=4, continues=True)


def another(dice: random.Random, plan: Plan) -> Plan:
    """A plan made of ``plan`` by a person in a hurry: tasks added, changed and left out, which may come to a
    plan that is none."""
    tasks = list(plan.tasks)
    for _ in range(dice.randint(1, 3)):
        names = [task.id for task in tasks]
        match dice.choice(("add", "add", "change", "drop", "text")):
            case "add":
                after = tuple(name for name in names if dice.random() < 0.2)
                name = f"x{dice.randrange(10_000)}"
                tasks.append(Task(id=name, title=name.upper(), after=after, priority=dice.randrange(3)))
            case "change" if tasks:
                at = dice.randrange(len(tasks))
                after = tuple(name for name in names if name != names[at] and dice.random() < 0.2)
                news = {"title": "Anew", "after": after, "priority": dice.randrange(5)}
                tasks[at] = tasks[at].model_copy(update=news)
            case "drop" if tasks:
                tasks.pop(dice.randrange(len(tasks)))
            case _:
                plan = plan.model_copy(update={"contract": f"Contract {dice.randrange(100)}."})
    return plan.model_copy(update={"tasks": tuple(tasks)})
