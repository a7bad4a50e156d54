"""Conflicts in real runs on real git: settled by a rung or an agent, and named when they are semantic."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine, events, of

pytestmark = pytest.mark.e2e

GATE = f"{sys.executable} -m pytest -q -p no:cacheprovider"

MODULE = """\
def answer(kind):
    if kind == "one":
        return 1
    raise ValueError(kind)


KINDS = [
    "one",
]
"""

TESTS = """\
from kinds import KINDS, answer


def test_one():
    assert answer("one") == 1


def test_every_kind_has_an_answer():
    for kind in KINDS:
        answer(kind)
"""

NEW_KIND = """\
import os, pathlib
kind = os.environ["WORKBENCH_TASK"]
module, tests = pathlib.Path("kinds.py"), pathlib.Path("test_kinds.py")
text = module.read_text()
text = text.replace("    raise", f'    if kind == "{kind}":\\n        return _{kind}()\\n    raise')
text = text.replace('    "one",\\n', f'    "one",\\n    "{kind}",\\n')
text = text.replace("\\n\\nKINDS", f'\\n\\ndef _{kind}():\\n    return "{kind}"\\n\\n\\nKINDS')
module.write_text(text)
tests.write_text(tests.read_text() + f'\\n\\ndef test_{kind}():\\n    assert answer("{kind}") == "{kind}"\\n')
"""


def planned(*tasks: str) -> str:
    heads = "".join(f"### {task}: The work on {task}\n\nAll about {task}.\n\n" for task in tasks)
    return f"# Conflicts\n\n## Tasks\n\n{heads}"


@pytest.fixture
def sample(repo: Path) -> Path:
    (repo / "kinds.py").write_text(MODULE)
    (repo / "test_kinds.py").write_text(TESTS)
    (repo / ".gitignore").write_text("__pycache__/\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "kinds")
    return repo


def run(
    workbench: CommandLine, sample: Path, script: str, *tasks: str
) -> tuple[int, list[dict[str, object]]]:
    """A run of ``tasks``, all at once, by agents that execute ``script``."""
    folder = sample.parent
    (folder / "plan.md").write_text(planned(*tasks))
    (folder / "agent.py").write_text(script)
    done = workbench(
        "run", str(folder / "plan.md"), "--yes", "--json", "--run-id", "r", "--team", str(len(tasks)),
        "--gate", GATE, "--agent", f"command:{sys.executable} {folder / 'agent.py'}",
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, events(done.stdout)


def test_features_that_conflict_in_every_file_land_without_a_model(
    workbench: CommandLine, sample: Path
) -> None:
    code, seen = run(workbench, sample, NEW_KIND, "two", "three", "four")
    assert code == 0
    assert len(of("AttemptStarted", seen)) == 3, "nobody was asked a second time"
    settled = [event for event in of("CandidateMade", seen) if event["rung"]]
    assert {tuple(event["resolved"]) for event in settled} == {("kinds.py", "test_kinds.py")}
    tip = "workbench/r/integration"
    landed = git(sample, "show", f"{tip}:kinds.py")
    assert all(f"def _{kind}" in landed and f'"{kind}",' in landed for kind in ("two", "three", "four"))
    trailers = git(sample, "log", "--format=%(trailers:key=Workbench-Resolved,valueonly)", tip).split()
    assert trailers == ["union", "union"]
    report = json.loads(workbench("report", "--format", "json").stdout)
    assert [(it["paths"], it["rung"]) for it in report["conflicts"]] == [
        (["kinds.py", "test_kinds.py"], "union")
    ] * 2
    assert "## Conflicts that were settled" in workbench("report").stdout


RENAMER = """\
import os, pathlib
if os.environ["WORKBENCH_TASK"] == "rename":
    for path in pathlib.Path().glob("*.py"):
        path.write_text(path.read_text().replace("answer", "reply"))
else:
    name = "reply" if os.environ["WORKBENCH_ATTEMPT"] == "2" else "answer"
    brief = pathlib.Path(os.environ["WORKBENCH_BRIEF"]).read_text()
    pathlib.Path(os.environ["NOTES"], os.environ["WORKBENCH_ATTEMPT"]).write_text(brief)
    call = f"kinds.{name}('one')"
    pathlib.Path("shout.py").write_text(f"import kinds\\n\\n\\ndef shout():\\n    return {call}\\n")
    tests = "from shout import shout\\n\\n\\ndef test_shout():\\n    assert shout() == 1\\n"
    pathlib.Path("test_shout.py").write_text(tests)
"""


def test_work_that_is_green_alone_and_red_together_is_named_with_its_other_side(
    workbench: CommandLine, sample: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    script = f"import os\nos.environ['NOTES'] = {str(notes)!r}\n{RENAMER}"
    code, seen = run(workbench, sample, script, "rename", "shout")
    assert code == 0
    (found,) = of("SemanticConflictFound", seen)
    assert {found["task"], *found["others"]} == {"rename", "shout"}
    assert found["certain"]
    if found["task"] == "shout":
        assert any("test_shout" in test for test in found["tests"])
        brief = (notes / "2").read_text()
        assert "All about rename." in brief and "All about shout." in brief
        assert "test_shout" in brief
    report = workbench("report").stdout
    assert "## Semantic conflicts" in report and "`rename`" in report


CHANGER = """\
import os, pathlib
kind = os.environ["WORKBENCH_TASK"]
path = pathlib.Path("kinds.py")
text = path.read_text()
if "<<<<<<<" in text:
    path.write_text(pathlib.Path(__file__).with_name("resolved.py").read_text())
else:
    path.write_text(text.replace("return 1", {"up": "return 2 - 1", "down": "return 5 - 4"}[kind]))
"""


def test_what_no_rung_can_settle_goes_back_to_its_teammate_with_the_hunks(
    workbench: CommandLine, sample: Path
) -> None:
    (sample.parent / "resolved.py").write_text(MODULE.replace("return 1", "return 7 - 6"))
    code, seen = run(workbench, sample, CHANGER, "up", "down")
    assert code == 0
    (conflict,) = of("TaskConflicted", seen)
    assert "|||||||" in conflict["evidence"]
    assert git(sample, "show", "workbench/r/integration:kinds.py").count("return 7 - 6") == 1
    report = json.loads(workbench("report", "--format", "json").stdout)
    assert [(it["paths"], it["rung"]) for it in report["conflicts"]] == [(["kinds.py"], "agent")]


def test_a_person_brings_in_what_nobody_could_settle_and_what_waited_for_it_goes_on(
    workbench: CommandLine, sample: Path, tmp_path: Path
) -> None:
    plan = planned("up", "down") + "### late: After both\n- after: up, down\n\nLate.\n"
    (tmp_path / "plan.md").write_text(plan)
    agent = CHANGER.replace(
        'if "<<<<<<<" in text:',
        'if kind == "late":\n    path.write_text(text + "# late\\n")\n'
        'elif "<<<<<<<" in text:\n    raise SystemExit(1)\n'
        "elif False:",
    )
    (tmp_path / "agent.py").write_text(agent)
    done = workbench(
        "run", str(tmp_path / "plan.md"), "--yes", "--run-id", "r", "--team", "2", "--gate", GATE,
        "--agent", f"command:{sys.executable} {tmp_path / 'agent.py'}",
    )  # fmt: skip
    assert done.returncode == 1
    lost = "down" if "workbench resolve down" in done.stderr else "up"
    assert f"workbench resolve {lost}" in done.stderr

    said = workbench("resolve", lost)
    assert said.returncode == 0
    assert "it conflicts" in said.stdout and "kinds.py" in said.stdout
    shown = json.loads(workbench("resolve", lost, "--json").stdout)
    add, enter, merge, *_ = shown["commands"]
    folder = Path(enter.removeprefix("cd ").strip("'"))
    subprocess.run(["sh", "-c", add], cwd=sample, check=True)
    assert subprocess.run(["sh", "-c", merge], cwd=folder, check=False).returncode == 1, "it conflicts"

    nothing = workbench("resolve", lost, f"resolve-{lost}")
    assert nothing.returncode == 2 and "nothing in it" in nothing.stderr
    (folder / "kinds.py").write_text(MODULE.replace("return 1", "return 7 - 6"))
    git(folder, "commit", "-qam", "both")
    assert workbench("resolve", "late", f"resolve-{lost}").returncode == 2, "it waits, and was not given up"
    went = workbench("resolve", lost, f"resolve-{lost}", "--json")
    assert went.returncode == 0, went.stderr
    assert {event["task"] for event in of("TaskLanded", events(went.stdout))} == {lost, "late"}
    report = json.loads(workbench("report", "--format", "json").stdout)
    assert report["complete"]
    assert "person" in [it["rung"] for it in report["conflicts"]]
    again = workbench("resolve", lost)
    assert again.returncode == 2 and "nothing to resolve" in again.stderr
    assert workbench("resolve", "nobody").returncode == 2


MOVER = """\
import os, pathlib, time
if os.environ["WORKBENCH_TASK"] == "move":
    os.rename("deep/link", "link")
    os.rename("packages.json", "package-lock.json")
else:
    time.sleep(1)
    os.remove("deep/link")
    os.symlink("../packages.json", "deep/link")
    file = pathlib.Path("packages.json")
    file.write_text(file.read_text().replace("registry.npmjs.org/p7/", "evil.example/p7/"))
"""


def test_what_a_merge_makes_a_strange_link_or_lock_file_of_waits_for_a_person(
    workbench: CommandLine, repo: Path
) -> None:
    (repo / "deep").mkdir()
    (repo / "deep" / "link").symlink_to("file")
    lines = "".join(f' "resolved": "https://registry.npmjs.org/p{at}/-/p.tgz",\n' for at in range(20))
    (repo / "packages.json").write_text(lines)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "packages")
    (repo.parent / "plan.md").write_text(planned("move", "point"))
    (repo.parent / "agent.py").write_text(MOVER)
    done = workbench(
        "run", str(repo.parent / "plan.md"), "--yes", "--json", "--run-id", "r", "--team", "2",
        "--gate", "true", "--agent", f"command:{sys.executable} {repo.parent / 'agent.py'}",
    )  # fmt: skip
    seen = events(done.stdout)
    assert [event["task"] for event in of("TaskLanded", seen)] == ["move"]
    (held,) = of("MergeHeld", seen)
    assert {touch["path"] for touch in held["touches"]} == {"link", "package-lock.json"}
    assert "evil.example" not in git(repo, "show", "workbench/r/integration:package-lock.json")
    workbench("answer", "m1", "yes", "--run", "r")
    assert workbench("resume", "r").returncode == 0
    assert "evil.example" in git(repo, "show", "workbench/r/integration:package-lock.json")


UNREADABLE = """\
import os, pathlib
if os.environ["WORKBENCH_TASK"] == "link":
    pathlib.Path("data.json").write_text('"resolved": "https://evil.example/x.tgz"')
    os.makedirs("web", exist_ok=True)
    os.symlink("../data.json", "web/package-lock.json")
else:
    pathlib.Path("yarn.lock").write_bytes(b'# \\xff\\n  resolved "https://evil.example/x.tgz"\\n')
"""


def test_a_lock_file_that_cannot_be_looked_through_waits_for_a_person(
    workbench: CommandLine, sample: Path
) -> None:
    code, seen = run(workbench, sample, UNREADABLE, "link", "bytes")
    assert code == 1 and not of("TaskLanded", seen)
    touched = [touch["path"] for event in of("WorkCollected", seen) for touch in event["touches"]]
    assert sorted(touched) == ["web/package-lock.json", "yarn.lock"]
