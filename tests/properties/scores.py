"""Drawing runs: tasks that wait for each other, work that collides, teammates of all kinds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hypothesis import strategies as st

from tests.properties.histories import (
    ATTRIBUTES,
    GITLINK,
    PLAIN,
    Edit,
    Entry,
    Made,
    Tree,
    checked_out,
    edits,
    put,
    small,
)  # fmt: skip
from tests.properties.house import House, Score
from tests.properties.teammates import ENDINGS, HANDLINGS, Feature, Style
from workbench.core.models import Task

NAMES = ("ant", "bee", "cat", "dog", "eel", "fox")

SHARED = b"".join(b"line %d\n" % number for number in range(12))
GROUND: Tree = {
    b"shared.txt": Entry(PLAIN, SHARED),
    b"docs/sp ace.md": Entry(PLAIN, SHARED),
    b"\xc3\xbcml.py": Entry(PLAIN, SHARED.replace(b"\n", b"\r\n")),
    b"bin": Entry(PLAIN, b"\0\1\2"),
    b"vendor": Entry(GITLINK, b"1" * 40),
}
"""What most runs begin with: few files, so that work meets."""

styles = st.builds(Style, st.sampled_from(HANDLINGS), st.sampled_from(ENDINGS), st.booleans(), st.booleans())
calm = st.builds(Style, st.sampled_from(HANDLINGS[:5]), st.sampled_from(("done", "exit", "forgetful")))
meeting: st.SearchStrategy[Edit] = st.tuples(
    st.sampled_from(("line", "line", "insert", "append", "cut")), st.integers(0, 4), st.integers(0, 12), small
)


@st.composite
def tasks(draw: st.DrawFn, most: int) -> tuple[Task, ...]:
    drawn: list[Task] = []
    for name in NAMES[: draw(st.integers(2, most))]:
        after = draw(st.sets(st.sampled_from([it.id for it in drawn]), max_size=2)) if drawn else set()
        after = after if draw(st.integers(0, 2)) == 2 else set()
        gates = (f"own {name}",) if draw(st.integers(0, 3)) == 3 else ()
        drawn.append(
            Task(
                id=name, title=f"Do {name}", after=tuple(sorted(after)), gates=gates,
                priority=draw(st.integers(0, 1)),
            )
        )  # fmt: skip
    return tuple(drawn)


@st.composite
def scores(draw: st.DrawFn, most: int = 5, wild: bool = True) -> Score:
    """A run. With ``wild`` False all teammates are able and their work is disjoint, so that everything can
    land."""
    chosen = draw(tasks(most))
    ground = dict(GROUND)
    if draw(st.booleans()):
        put(ground, b".gitattributes", Entry(PLAIN, draw(st.sampled_from(ATTRIBUTES))))
    names = [task.id for task in chosen]
    features: dict[str, Feature] = {}
    for name in names:
        if wild:
            edited = draw(st.lists(st.one_of(meeting, meeting, edits), max_size=4))
            ways = draw(st.lists(st.one_of(calm, calm, styles), min_size=1, max_size=3))
            broken = draw(st.integers(0, 5)) == 5
        else:
            edited, ways, broken = [], [draw(calm)], False  # one way, so that a second attempt makes the same
        features[name] = Feature(tuple(edited), tuple(ways), broken)
    clashing = st.lists(st.frozensets(st.sampled_from(names), min_size=2, max_size=3), max_size=2)
    return Score(
        ground=ground,
        tasks=chosen,
        features=features,
        clashes=tuple(draw(clashing)) if wild else (),
        team=draw(st.integers(1, 3)),
        batch=draw(st.sampled_from((1, 2, 8))),
        attempts=draw(st.integers(1, 3)) if wild else 9,
        continues=draw(st.booleans()),
        slow=0.1 if wild and draw(st.integers(0, 2)) == 2 else 0.0,
        flaky=draw(st.integers(0, 99)) if wild and draw(st.booleans()) else None,
    )


def open_house(root: Path, score: Score) -> House:
    """The repository of ``score`` below ``root``, with a user at work in it: something staged, something
    changed, something new, and a branch of their own."""
    repo = root / "repo"
    base, _ = checked_out([Made((), score.ground), Made((0,), {b"mine": Entry(PLAIN, b"mine\n")})], repo)
    (repo / "staged").write_text("staged\n")
    subprocess.run(["git", "add", "staged"], cwd=repo, check=True)
    (repo / "shared.txt").write_text("half an idea\n")
    (repo / "untracked").write_text("new\n")
    return House(root, score, base)
