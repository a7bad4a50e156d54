"""Who gets a task: fit, record, and nobody overloaded, whatever happened before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core import actions as a
from workbench.core import events as e
from workbench.core.allocation import CANDIDATES, NEAR, choose, fair_share, score
from workbench.core.models import Role, RunSettings
from workbench.core.report import report
from workbench.core.state import AttemptState, RunState, TaskState, TaskStatus, TeammateState
from workbench.core.story.events import line
from workbench.testing.playbook import Playbook, started
from workbench.testing.story import Story, task

TEAM = ("ada", "bob", "cleo", "dan")


def state(*team: str) -> RunState:
    """A run in which nobody did anything yet."""
    found = RunState(run="r")
    found.teammates = {name: TeammateState(name, index) for index, name in enumerate(team or TEAM)}
    return found


def did(
    run: RunState, who: str, name: str, *changed: str, landed: bool | None = True, **spec: object
) -> None:
    """``who`` tried the task ``name``, and it landed, failed, or is still on its way."""
    given = run.tasks.get(name) or TaskState(task(name, **spec), len(run.tasks), 0, set())
    run.tasks[name] = given
    given.attempt += 1
    attempt = AttemptState(name, given.attempt, who, "n", "base", "first", 0.0)
    attempt.outcome = "failed" if landed is False else "delivered"
    if landed is not False:
        given.delivered_by = given.attempt
    if landed:
        given.status, given.files = TaskStatus.LANDED, changed
    run.attempts[name, given.attempt] = attempt
    run.teammates[who].tried.append((name, given.attempt))
    run.teammates[who].worktree = f"/w/{who}"


def todo(name: str, *, prefers: str | None = None, avoids: str | None = None, **spec: object) -> TaskState:
    return TaskState(task(name, **spec), 99, 0, set(), prefers=prefers, avoids=avoids)


def begun(run: RunState) -> int:
    return sum(len(mate.tried) for mate in run.teammates.values())


def chosen(run: RunState, wanted: TaskState, *free: str) -> str:
    return choose(run, wanted, free or tuple(run.teammates), begun(run)).teammate


def test_with_no_history_the_first_is_as_good_as_any_and_nothing_is_said() -> None:
    choice = choose(state(), todo("x", files=("src/a.py",)), TEAM, 0)
    assert (choice.teammate, choice.because) == ("ada", "")


def test_who_changed_the_files_before_gets_them_again_and_it_says_why() -> None:
    run = state("ada", "bob")
    did(run, "ada", "docs", "docs/index.md")
    did(run, "bob", "login", "src/auth/login.py")
    choice = choose(run, todo("logout", files=("src/auth/**",)), ("ada", "bob"), 2)
    assert choice.teammate == "bob"
    assert choice.because.startswith("bob: fit 0.") and "(src/auth before)" in choice.because
    assert "record 1.00 (1 of 1 landed)" in choice.because and "; ada 0." in choice.because


def test_a_file_itself_is_worth_more_than_one_beside_it() -> None:
    run = state("ada", "bob")
    did(run, "ada", "one", "src/auth/tokens.py")
    did(run, "bob", "two", "src/auth/login.py")
    assert chosen(run, todo("x", files=("src/auth/login.py",))) == "bob"
    wanted = todo("x", files=("src/auth/login.py",)).spec
    far, near = (score(run, wanted, run.teammates[name]) for name in ("ada", "bob"))
    assert near.fit > far.fit > 0.1


def test_who_played_the_role_before_plays_it_again() -> None:
    run = state("ada", "bob")
    did(run, "ada", "one")
    did(run, "bob", "two", role="reviewer")
    choice = choose(run, todo("x", role="reviewer"), ("ada", "bob"), 2)
    assert choice.teammate == "bob" and "(reviewer before)" in choice.because


def test_capabilities_of_a_role_that_was_played_count_for_what_a_task_asks() -> None:
    run = state("ada", "bob")
    run.roles = {"dba": Role(name="dba", capabilities=("sql", "migration"))}
    did(run, "ada", "one")
    did(run, "bob", "two", role="dba")
    choice = choose(run, todo("x", body="Write the SQL migration."), ("ada", "bob"), 2)
    assert choice.teammate == "bob" and "knows sql, migration" in choice.because


def test_who_failed_at_similar_work_goes_behind_who_landed_it() -> None:
    run = state("ada", "bob")
    did(run, "ada", "one", landed=False, files=("src/a.py",))
    did(run, "bob", "two", "src/a.py", files=("src/a.py",))
    wanted = todo("x", files=("src/a.py",)).spec
    ada, bob = (score(run, wanted, run.teammates[name]) for name in ("ada", "bob"))
    assert (ada.record, ada.ended, bob.record, bob.landed) == (0.0, 1, 1.0, 1)
    assert chosen(run, todo("x", files=("src/a.py",))) == "bob"


def test_work_that_is_nothing_like_it_and_work_on_its_way_make_no_record() -> None:
    run = state("ada")
    did(run, "ada", "one", landed=False, files=("docs/a.md",))
    did(run, "ada", "two", landed=None, files=("src/a.py",))
    found = score(run, todo("x", files=("src/a.py",)).spec, run.teammates["ada"])
    assert (found.record, found.ended) == (0.5, 0)


def test_what_was_delivered_and_given_up_at_its_landing_failed() -> None:
    run = state("ada")
    did(run, "ada", "one", landed=None, files=("src/a.py",))
    run.tasks["one"].status = TaskStatus.FAILED
    assert score(run, todo("x", files=("src/a.py",)).spec, run.teammates["ada"]).record == 0.0


def test_a_worktree_that_stands_is_worth_something_until_its_owner_had_its_share() -> None:
    run = state("ada", "bob")
    order = []
    for number in range(6):
        order.append(chosen(run, todo(f"x{number}")))
        did(run, order[-1], f"done-{number}")
    assert order[:2] == ["ada", "ada"], "no need to make another worktree yet"
    assert sorted(order) == ["ada"] * 3 + ["bob"] * 3


def test_equals_are_used_equally() -> None:
    run = state("ada", "bob")
    for number in range(3):
        did(run, "ada", f"a{number}", "src/a.py")
    did(run, "bob", "b", "src/a.py")
    choice = choose(run, todo("x", files=("src/a.py",)), ("ada", "bob"), 4)
    assert choice.teammate == "bob"


def test_the_best_does_not_get_everything() -> None:
    run = state("ada", "bob")
    for number in range(40):
        who = chosen(run, todo("x", files=("src/a.py",)))
        did(run, who, f"t{number}", "src/a.py", files=("src/a.py",))
    assert {len(mate.tried) for mate in run.teammates.values()} <= {19, 20, 21}


def test_a_fixup_goes_to_its_author_however_loaded_and_a_broken_agents_task_to_another() -> None:
    run = state("ada", "bob")
    for number in range(9):
        did(run, "ada", f"t{number}", landed=False)
    assert chosen(run, todo("t0", prefers="ada")) == "ada"
    choice = choose(run, todo("t1", prefers="ada"), ("bob",), 9)
    assert choice.teammate == "bob", "the author is at work"
    did(run, "bob", "b", "src/a.py")
    wanted = todo("x", files=("src/a.py",), avoids="bob")
    assert chosen(run, wanted) == "ada" and chosen(run, wanted, "bob") == "bob"
    assert "not bob, whose agent broke at it" in choose(run, wanted, ("ada", "bob"), 10).because


def test_of_very_many_only_some_are_scored() -> None:
    names = [f"m{number}" for number in range(400)]
    run = state(*names)
    for name in names:
        did(run, name, f"t-{name}")
    did(run, names[-1], "own", "src/a.py")
    assert chosen(run, todo("x", files=("src/a.py",))) != names[-1], "it is not among the least loaded"
    assert CANDIDATES < 400


def test_why_is_in_the_log_and_in_the_state() -> None:
    run = Story(task("a"), task("b"), task("c", "a", "b", files=("docs/c.md", "docs/b.md")))
    for name in ("a", "b"):
        run.ready(name)
        run.deliver(name)
    run.land("a")
    run.built("b")
    run.gated("b", True)
    assert run.landed("b", ("docs/b.md",)) == [a.StartAttempt("c", "bob", 1, "first")]
    event = run.events(e.AttemptStarted)[-1]
    because = run.state.attempts["c", 1].because
    assert isinstance(event, e.AttemptStarted) and event.because == because
    assert because.startswith("bob: fit ") and "docs/b.md before" in because and "; ada 0." in because
    (row,) = (it for it in report(run.state).tasks if it.id == "c")
    assert row.because == because
    words = line(run.state, event)
    assert words is not None and words.what == f"starts c: Do c [{because}]"


def test_roles_are_in_the_log_and_in_the_state() -> None:
    role = Role(name="x", prompt="p", tools=())
    event = started((task("a"),), RunSettings(team=("ada",))).model_copy(update={"roles": (role,)})
    assert e.load("RunStarted", e.dump(event)) == event
    book = Playbook()
    book.send(event)
    book.restart()
    assert book.state.roles == {"x": role}


# -- whatever happened -------------------------------------------------------------------------------

WORDS = st.sampled_from(["", "src/a.py", "src/auth/**", "docs/b.md", "**", "*.py", "a/b/c/d"])
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(TEAM),
        st.sampled_from([True, False, None]),
        WORDS,
        st.sampled_from(["", "reviewer", "dba"]),
    ),
    max_size=30,
)


def played(deeds: list[tuple[str, bool | None, str, str]]) -> RunState:
    run = state()
    run.roles = {"dba": Role(name="dba", capabilities=("sql", "auth"))}
    for number, (who, landed, path, role) in enumerate(deeds):
        did(run, who, f"t{number}", path or "x.py", landed=landed, files=(path,) if path else (), role=role)
    return run


@given(DEEDS, WORDS, st.sampled_from(["", "reviewer", "dba"]))
def test_scores_are_from_nought_to_one_and_the_same_each_time(
    deeds: list[tuple[str, bool | None, str, str]], path: str, role: str
) -> None:
    run, wanted = played(deeds), todo("auth-x", files=(path,) if path else (), role=role).spec
    for mate in run.teammates.values():
        found = score(run, wanted, mate)
        assert 0 <= found.fit <= 1 and 0 <= found.record <= 1 and 0 <= found.total <= 1
        assert 0 <= found.landed <= found.ended
        assert found == score(played(deeds), wanted, mate)


@given(DEEDS, WORDS, st.sets(st.sampled_from(TEAM), min_size=1), st.none() | st.sampled_from(TEAM))
def test_nobody_is_overloaded_while_others_are_free(
    deeds: list[tuple[str, bool | None, str, str]], path: str, free: set[str], avoids: str | None
) -> None:
    run = played(deeds)
    names = tuple(name for name in TEAM if name in free)
    wanted = todo("x", files=(path,) if path else (), avoids=avoids)
    choice = choose(run, wanted, names, begun(run))
    others = [name for name in names if name != avoids] or list(names)
    assert choice.teammate in others
    assert choice == choose(played(deeds), wanted, names, begun(run))
    tried = {name: len(run.teammates[name].tried) for name in others}
    share = fair_share(begun(run), len(TEAM))
    if min(tried.values()) <= share:
        assert tried[choice.teammate] + 1 <= share + 1
        scores = {
            name: score(run, wanted.spec, run.teammates[name]).total
            for name in others
            if tried[name] <= share
        }
        assert scores[choice.teammate] >= max(scores.values()) - NEAR
    else:
        assert tried[choice.teammate] == min(tried.values())


@given(st.integers(2, 6), st.lists(WORDS, min_size=1, max_size=40))
def test_when_all_are_free_nobody_ever_has_more_than_its_share_and_one(team: int, paths: list[str]) -> None:
    run = state(*(f"m{number}" for number in range(team)))
    for number, path in enumerate(paths):
        files = (path,) if path else ()
        did(run, chosen(run, todo("x", files=files)), f"t{number}", path or "x.py", files=files)
        most = max(len(mate.tried) for mate in run.teammates.values())
        assert most <= fair_share(number, team) + 1


@pytest.mark.parametrize(
    ("number", "team", "share"), [(0, 4, 1), (3, 4, 1), (4, 4, 2), (0, 1, 1), (9, 1, 10)]
)
def test_fair_shares(number: int, team: int, share: int) -> None:
    assert fair_share(number, team) == share
