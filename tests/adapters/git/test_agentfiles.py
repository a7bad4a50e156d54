"""Agent files as a commit has them: whatever is committed there, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import git
from workbench.adapters.git.agentfiles import agent_files
from workbench.adapters.git.repository import open_repository
from workbench.composition.place import open_place
from workbench.composition.roles import roles_of
from workbench.core.models import Plan, Task
from workbench.core.roles import LARGEST_FILE, MOST_FILES, AgentFile, gather
from workbench.errors import PlanError

REVIEWER = "---\nname: reviewer\ndescription: Reviews.\ntools: Read\nmodel: opus\n---\nYou review.\n"


def commit(repo: Path) -> str:
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "--allow-empty", "-m", "agents")
    return git(repo, "rev-parse", "HEAD")


@pytest.fixture
def agents(repo: Path) -> Path:
    folder = repo / ".claude" / "agents"
    folder.mkdir(parents=True)
    return folder


async def found(repo: Path, at: str) -> list[AgentFile]:
    return await agent_files(await open_repository(repo), at)


async def test_what_is_committed_counts_and_not_what_lies_there_now(repo: Path, agents: Path) -> None:
    (agents / "reviewer.md").write_text(REVIEWER)
    (agents / "README.txt").write_text("no agent")
    (agents / "deeper").mkdir()
    (agents / "deeper" / "x.md").write_text(REVIEWER)
    at = commit(repo)
    (agents / "reviewer.md").write_text("changed since")
    (agents / "new.md").write_text("not committed")
    git(repo, "add", "-A")  # nor what is only in the index
    assert await found(repo, at) == [AgentFile(".claude/agents/reviewer.md", REVIEWER)]
    assert await found(repo, git(repo, "rev-parse", f"{at}~1")) == []


async def test_a_linked_worktree_and_a_folder_below_read_the_same(
    repo: Path, agents: Path, tmp_path: Path
) -> None:
    (agents / "reviewer.md").write_text(REVIEWER)
    at = commit(repo)
    git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"), f"{at}~1")
    for where in (repo / "src", tmp_path / "linked"):
        assert [file.path for file in await found(where, at)] == [".claude/agents/reviewer.md"]


async def test_links_huge_files_and_what_is_no_text_are_told_and_not_read(repo: Path, agents: Path) -> None:
    (repo / "secret.md").write_text(REVIEWER)
    (agents / "linked.md").symlink_to("../../secret.md")
    (agents / "huge.md").write_text("x" * (LARGEST_FILE + 1))
    (agents / "just.md").write_text("x" * LARGEST_FILE)
    (agents / "latin.md").write_bytes(b"---\nname: caf\xe9\n---\n")
    (agents / "folder.md").mkdir()
    (agents / "folder.md" / "x").write_text("")
    files = {Path(file.path).stem: file for file in await found(repo, commit(repo))}
    assert files["linked"].trouble == "it is a link, and links are not followed"
    assert files["huge"].trouble == "it is larger than 64 KB"
    assert files["latin"].trouble == "it is not UTF-8 text"
    assert files["folder"].trouble == "it is not a file"
    assert not files["just"].trouble and len(files["just"].text) == LARGEST_FILE
    assert not any(file.text for file in files.values() if file.trouble)
    assert not gather(files.values()).by_name


async def test_an_agents_folder_that_is_a_link_holds_nothing(repo: Path) -> None:
    (repo / "elsewhere").mkdir()
    (repo / "elsewhere" / "reviewer.md").write_text(REVIEWER)
    (repo / ".claude").mkdir()
    (repo / ".claude" / "agents").symlink_to("../elsewhere")
    assert await found(repo, commit(repo)) == []


async def test_hostile_names_are_names(repo: Path, agents: Path) -> None:
    names: list[str | bytes] = [
        "a\nb.md",
        "\x1b[31m.md",
        "-rf.md",
        "$(x).md",
        "a b.md",
        ":(top)x.md",
        "\t.md",
        b"\xff.md",
    ]
    for name in names:
        path = bytes(agents) + b"/" + (name if isinstance(name, bytes) else name.encode())
        Path(path.decode("utf-8", "surrogateescape")).write_text(REVIEWER)
    files = await found(repo, commit(repo))
    assert len(files) == len(names) and all(file.text == REVIEWER for file in files)
    roles = gather(files)
    (role,) = roles.by_name.values()
    assert len(roles.remarks) == len(names) - 1
    shown = [role.path, *map(str, roles.remarks)]
    assert all(text.isprintable() for text in shown), shown


async def test_of_very_many_the_first_are_read(repo: Path, agents: Path) -> None:
    for number in range(MOST_FILES + 3):
        (agents / f"a{number:03}.md").write_text(REVIEWER)
    files = await found(repo, commit(repo))
    assert (
        len(files) == MOST_FILES + 1 and files[-1].trouble == f"3 files more than {MOST_FILES} are left out"
    )


def plan(role: str) -> Plan:
    return Plan(title="P", tasks=(Task(id="a", title="A", role=role, line=5),))


async def test_a_plan_gets_its_roles_at_the_base_and_the_command_lines_model_goes_over_theirs(
    repo: Path, agents: Path
) -> None:
    (agents / "reviewer.md").write_text(REVIEWER)
    (agents / "broken.md").write_text("nothing")
    at = commit(repo)
    (agents / "reviewer.md").write_text("changed since")
    ((role,), remarks) = await roles_of(await open_place(repo), plan("reviewer"), at)
    assert (role.model, role.tools, role.prompt) == ("opus", ("Read",), "You review.")
    assert [remark.path for remark in remarks] == [".claude/agents/broken.md"]
    ((role,), _) = await roles_of(await open_place(repo, model="haiku"), plan("reviewer"))
    assert role.model is None
    assert await roles_of(await open_place(repo), plan("")) == ((), [])


async def test_a_role_that_is_not_committed_is_refused_at_its_task(repo: Path, agents: Path) -> None:
    (agents / "reviewer.md").write_text(REVIEWER)
    at = commit(repo)
    (agents / "tester.md").write_text(REVIEWER.replace("reviewer", "tester"))
    with pytest.raises(PlanError) as refused:
        await roles_of(await open_place(repo), plan("tester"), at, "plan.md")
    assert str(refused.value).startswith('plan.md:5: task "a" names the role "tester"')
    assert "reviewer" in refused.value.hint and refused.value.exit_code == 2
