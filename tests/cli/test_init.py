"""A repository gets its settings and its workflow, and what it has of them is left alone."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.actions.runner import ACTION, ROOT, read
from tests.actions.test_files import program
from tests.conftest import git
from tests.e2e.conftest import CommandLine
from workbench.adapters.installation import Source, plain, requirement
from workbench.adapters.installation import read as read_source
from workbench.cli.init import init
from workbench.config import load

WRITTEN = ["workbench.toml", ".github/workflows/workbench.yml", ".github/actions/workbench/action.yml"]
FROM = ("--requirement", "git+https://example.invalid/workbench@" + "1" * 40)


@pytest.fixture
def workbench(repo: Path) -> Iterator[CommandLine]:
    yield CommandLine(repo)


def commit(repo: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (repo / name).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "files")


def test_a_python_repository_gets_its_tests_as_the_gate(workbench: CommandLine, repo: Path) -> None:
    commit(repo, {"pyproject.toml": "[project]\nname = 'x'\n[tool.pytest.ini_options]\n[tool.ruff]\n"})

    done = workbench("init", "--yes", *FROM)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == WRITTEN
    assert load(repo).gates == ("python -m pytest -q",)
    assert '# also found here: ["ruff check ."]' in (repo / "workbench.toml").read_text()
    found = read(repo / WRITTEN[1])
    assert found["on"]["push"]["branches"] == ["main"]
    uses = [step["with"]["requirement"] for job in found["jobs"].values() for step in job["steps"]
            if step.get("uses", "").startswith("./")]  # fmt: skip
    assert uses == [FROM[1]] * 2
    text = (repo / WRITTEN[1]).read_text()
    assert "@REQUIREMENT@" not in text and "# - run: python -m pip install -e ." in text
    assert (repo / WRITTEN[2]).read_bytes() == ACTION.read_bytes()


def test_what_it_writes_stands_up_to_schema_and_auditor(workbench: CommandLine, repo: Path) -> None:
    commit(repo, {"package.json": '{"scripts": {"test": "node --test"}}', "package-lock.json": "{}"})
    assert workbench("init", "--yes", *FROM).returncode == 0
    assert load(repo).gates == ("npm test",) and load(repo).setup == ("npm ci",)
    workflow = str(repo / WRITTEN[1])
    for words in (
        [program("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", workflow],
        [program("zizmor"), "--offline", "--config", str(ROOT / ".github/zizmor.yml"), workflow],
    ):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_main_branch_is_origins(workbench: CommandLine, repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "-m", 'odd"name')
    git(tmp_path, "clone", "-q", "--bare", str(repo), "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    git(tmp_path / "clone", "switch", "-q", "-c", "work")
    done = workbench("init", "--yes", *FROM, cwd=tmp_path / "clone")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "clone" / WRITTEN[1])["on"]["push"]["branches"] == ['odd"name']


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_there_is_not_replaced(workbench: CommandLine, repo: Path, name: str) -> None:
    (repo / name).parent.mkdir(parents=True, exist_ok=True)
    (repo / name).write_text("# mine\n")
    before = git(repo, "status", "--porcelain", "-uall")

    done = workbench("init", "--yes", *FROM)

    assert done.returncode == 2 and name in done.stderr and "--force" in done.stderr and not done.stdout
    assert git(repo, "status", "--porcelain", "-uall") == before
    assert workbench("init", "--yes", "--force", *FROM).returncode == 0
    assert (repo / name).read_text() != "# mine\n"


def test_a_link_is_replaced_and_a_folder_that_leads_out_is_refused(
    workbench: CommandLine, repo: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.toml"
    outside.write_text("mine\n")
    (repo / "workbench.toml").symlink_to(outside)
    done = workbench("init", "--yes", "--force", "--no-workflow")
    assert done.returncode == 2 and "not valid TOML" in done.stderr
    outside.write_text("team = 2\n")
    assert workbench("init", "--yes", "--force", "--no-workflow").returncode == 0
    assert outside.read_text() == "team = 2\n" and not (repo / "workbench.toml").is_symlink()
    (tmp_path / "elsewhere").mkdir()
    (repo / ".github").symlink_to(tmp_path / "elsewhere")
    done = workbench("init", "--yes", "--force", *FROM)
    assert done.returncode == 2 and "outside the repository" in done.stderr
    assert not list((tmp_path / "elsewhere").iterdir())


def test_without_tests_and_without_a_known_source_it_says_so(workbench: CommandLine, repo: Path) -> None:
    done = workbench("init", "--yes", "--requirement", "")
    assert done.returncode == 0
    assert "no gate yet" in done.stderr and "where a job gets workbench from" in done.stderr
    assert tomllib.loads((repo / "workbench.toml").read_text())["gates"] == []


def test_settings_in_pyproject_stay_there(workbench: CommandLine, repo: Path) -> None:
    commit(repo, {"pyproject.toml": "[tool.workbench]\ngates = ['true']\n"})
    done = workbench("init", "--yes", *FROM)
    assert done.returncode == 0 and done.stdout.splitlines() == WRITTEN[1:]
    assert "in [tool.workbench]" in done.stderr and load(repo).gates == ("true",)


def test_no_workflow_means_settings_only(workbench: CommandLine, repo: Path) -> None:
    done = workbench("init", "--yes", "--no-workflow")
    assert done.stdout.splitlines() == WRITTEN[:1] and not (repo / ".github").exists()


def test_a_person_is_asked_for_gates_and_may_name_several(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def prompt(text: str, default: str, err: bool) -> str:
        asked.append(text)
        return " make test ;; ;; ./check.sh" if len(asked) == 1 else FROM[1]

    monkeypatch.setattr("workbench.cli.init.typer.prompt", prompt)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert init(repo, yes=False, workflow=True, requirement="", force=False) == 0
    assert len(asked) == 2 and capsys.readouterr().out.splitlines() == WRITTEN
    assert load(repo).gates == ("make test", "./check.sh")
    assert FROM[1] in (repo / WRITTEN[1]).read_text()


@pytest.mark.parametrize(
    ("url", "commit", "made"),
    [
        ("https://example.invalid/o/r.git", "1" * 40, "git+https://example.invalid/o/r.git@" + "1" * 40),
        ("https://user:token@example.invalid/o/r", "2" * 40, "git+https://example.invalid/o/r@" + "2" * 40),
        ("git@example.invalid:o/r.git", "1" * 40, "git+https://example.invalid/o/r.git@" + "1" * 40),
        ("ssh://git@example.invalid/o/r", "1" * 40, "git+https://example.invalid/o/r@" + "1" * 40),
        ("/home/ada/workbench", "1" * 40, ""),
        ("https://example.invalid/workbench.whl", "", "https://example.invalid/workbench.whl"),
    ],
)
def test_what_a_job_installs_is_what_is_installed_here(url: str, commit: str, made: str) -> None:
    assert requirement(url, commit) == made
    assert "token" not in plain(url)


def test_pips_note_says_where_it_is_from() -> None:
    assert read_source("1.2", None) == Source("1.2")
    note = '{"url": "https://example.invalid/r", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'
    assert read_source("1.2", note) == Source("1.2", "https://example.invalid/r", "abc")
    folder = read_source("1.2", '{"url": "file:///a%20b", "dir_info": {"editable": true}}').folder
    assert folder == Path("/a b")
