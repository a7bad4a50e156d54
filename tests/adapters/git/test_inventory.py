"""What runs have in a repository, whatever agents called it."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import git
from workbench.adapters.git.inventory import BRANCHES, Inventory
from workbench.adapters.git.repository import open_repository


async def test_a_name_that_text_would_break_in_two_is_one_name(repo: Path) -> None:
    name = f"{BRANCHES}r1/line\u2028feed\x85"
    git(repo, "update-ref", name, "HEAD")
    inventory, head = Inventory(await open_repository(repo)), git(repo, "rev-parse", "HEAD")
    assert [ref.name for ref in await inventory.refs(BRANCHES)] == [name]
    assert await inventory.contained(head, BRANCHES) == {name}
