"""Whole merges, of one file or several, by the rungs that need no model."""

from __future__ import annotations

from workbench.adapters.structure.resolver import StructuralResolver
from workbench.engine.ports import Clash

BASE = "def a():\n    return 1\n"
OURS = BASE + "\n\ndef b():\n    return 2\n"
THEIRS = BASE + "\n\ndef c():\n    return 3\n"
CODE = Clash("m.py", BASE, OURS, THEIRS)
LIST = Clash("CHANGELOG.md", "# Log\n", "# Log\n- b\n", "# Log\n- c\n")
HOPELESS = Clash("m.py", "x = 1\n", "x = 2\n", "x = 3\n")


async def test_a_conflict_of_several_files_is_settled_in_all_of_them() -> None:
    found = await StructuralResolver().propose([CODE, LIST])
    assert found[0].rung == "union"
    for proposal in found:
        assert proposal.texts.keys() == {"m.py", "CHANGELOG.md"}
        assert "def b" in proposal.texts["m.py"] and "def c" in proposal.texts["m.py"]
        assert "- b" in proposal.texts["CHANGELOG.md"] and "- c" in proposal.texts["CHANGELOG.md"]
    rungs = [proposal.rung for proposal in found]
    assert len(set(rungs)) == len(rungs), "each is known by a name of its own"
    texts = [tuple(sorted(proposal.texts.items())) for proposal in found]
    assert len(set(texts)) == len(texts), "nothing is tried twice"


async def test_a_file_that_no_rung_can_settle_leaves_the_whole_merge() -> None:
    assert await StructuralResolver().propose([CODE, HOPELESS]) == []


async def test_what_would_lose_a_test_is_not_proposed() -> None:
    base = "def test_a():\n    assert f(1)\n"
    ours = "def test_a():\n    assert f(1)\n    assert f(2)\n"
    theirs = "def test_a():\n    assert f(1)\n    assert f(3)\n"
    for proposal in await StructuralResolver().propose([Clash("test_m.py", base, ours, theirs)]):
        assert "f(2)" in proposal.texts["test_m.py"] and "f(3)" in proposal.texts["test_m.py"]


async def test_what_was_settled_before_comes_first_and_settles_what_no_rung_can() -> None:
    resolver = StructuralResolver()
    resolver.remember(HOPELESS, "x = 5\n")
    (proposal,) = await resolver.propose([HOPELESS])
    assert (proposal.rung, proposal.texts) == ("reuse", {"m.py": "x = 5\n"})


async def test_a_text_is_weakened_when_either_sides_test_is_gone() -> None:
    clash = Clash("test_m.py", None, "def test_a():\n    assert a\n", "def test_b():\n    assert b\n")
    said = await StructuralResolver().weakened(clash, clash.ours)
    assert said is not None and "test_b" in said
    assert await StructuralResolver().weakened(clash, f"{clash.ours}\n\n{clash.theirs}") is None
