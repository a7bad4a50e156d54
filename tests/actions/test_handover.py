"""The action's own steps, and the workflow's two jobs, from a plan to a pull request."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.actions.expressions import holds
from tests.actions.runner import ACTION, WORKFLOW, Hub, Step, read
from tests.conftest import git

pytestmark = pytest.mark.e2e

PLAN = """\
---
gates: ["sh gate.sh"]
agent: {agent}
---
# Two greetings

## Tasks

### hello: Say hello

Write it.

### goodbye: Say goodbye
- after: hello

Write it too.
"""

AGENT = """\
env > "{seen}"
mkdir -p src
echo "$WORKBENCH_TASK" > src/$WORKBENCH_TASK.py
{more}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """What a teammate is: a script that does its task, and keeps its environment for us to see."""
    path = tmp_path / "agent.sh"
    path.write_text(AGENT.format(seen=tmp_path / "seen", more=""))
    return path


@pytest.fixture
def hub(repo: Path, tmp_path: Path, agent: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    (repo / "gate.sh").write_text("test ! -e broken\n")
    (repo / "plans").mkdir()
    (repo / "plans/it's greet.md").write_text(PLAN.replace("agent: {agent}\n", ""))
    (repo / "workbench.toml").write_text(
        f"agent = {json.dumps(f'command:sh {agent}')}\nretry_seconds = 0.05\n"
    )
    for name in ("action.yml",):
        (repo / ".github/actions/workbench").mkdir(parents=True)
        shutil.copy(ACTION, repo / ".github/actions/workbench" / name)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a gate and a plan")
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(tmp_path / "origin.git"))
    tools = tmp_path / "tools"
    tools.mkdir()
    _script(
        tools / "gh",
        f"""\
printf '%s\\n' "$@" >> {tmp_path}/asked
echo "token $GH_TOKEN" >> {tmp_path}/asked
case "$1 $2" in
"api "*) echo "${{ROLE:-write}}" ;;
"pr list") cat {tmp_path}/opened 2>/dev/null || true ;;
"pr create") cat >> {tmp_path}/asked; echo https://example.invalid/pull/7 | tee {tmp_path}/opened ;;
"pr edit") cat >> {tmp_path}/asked ;;
esac
""",
    )
    _script(tools / "sudo", "")
    if shutil.which("bwrap") is None:  # nothing is installed by a test
        _script(tools / "bwrap", "exit 1")
        monkeypatch.setenv("WORKBENCH_TRUST", "always")
    if shutil.which("socat") is None:
        _script(tools / "socat", "")
    monkeypatch.setenv("WORKBENCH_SANDBOX_WRITE", str(tmp_path))
    # Makes what stands in for an environment with workbench in it; what pip is told is kept.
    _script(
        tools / "python",
        f"""\
mkdir -p "$3/bin"
cat > "$3/bin/python" <<'END'
#!/bin/sh
if [ "$1 $2" = "-m pip" ]; then printf '%s\\n' "$@" > {tmp_path}/installed; exit 0; fi
exec {sys.executable} "$@"
END
cat > "$3/bin/workbench" <<'END'
#!/bin/sh
exec {sys.executable} -m workbench "$@"
END
chmod +x "$3/bin/python" "$3/bin/workbench"
""",
    )
    folder = tmp_path / "hub"
    folder.mkdir()
    path = f"{tools}:{os.environ['PATH']}"
    return Hub(tmp_path / "origin.git", folder, path, tools / "python")


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


# -- the action ---------------------------------------------------------------------------------------------


def test_what_a_teammate_could_not_finish_is_no_reason_to_lose_the_rest(
    hub: Hub, tmp_path: Path, agent: Path
) -> None:
    agent.write_text('[ "$WORKBENCH_TASK" = hello ] || exit 1\nmkdir -p src; echo hello > src/hello.py\n')
    job = hub.job("workflow_dispatch")
    job.checkout({})

    done = job.action({"plan": "plans/it's greet.md"})

    assert done.names("failure") == ["Run the plan"], done.said
    assert done.outputs["deliverable"] == "true"
    job = hub.job("workflow_dispatch")
    job.checkout({})
    assert not job.action({"mode": "deliver"}).failed
    assert git(hub.origin, "ls-tree", "--name-only", "workbench/two-greetings", "src/").split() == [
        "src/app.py",
        "src/hello.py",
    ]


def test_nothing_that_landed_is_nothing_to_deliver_and_a_report(hub: Hub, agent: Path) -> None:
    agent.write_text("exit 1\n")
    job = hub.job("workflow_dispatch")
    job.checkout({})
    done = job.action({"plan": "plans/it's greet.md"})
    assert done.failed and done.outputs["deliverable"] == ""
    assert (hub.folder / "artifacts/workbench-pack/report.md").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"plan": ""}, "the input plan is empty"),
        ({"plan": "plans/none.md"}, "no such plan"),
        ({"plan": "/etc/passwd"}, "a file of the checkout"),
        ({"plan": "--help"}, "a file of the checkout"),
        ({"plan": "plans/*.md"}, "no such plan"),
        ({"plan": "$(touch broken).md"}, "no such plan"),
        ({"plan": "x", "mode": "undo"}, "mode is"),
        ({"mode": "deliver; touch broken"}, "mode is"),
    ],
)
def test_bad_inputs_are_refused_before_anything_is_installed(
    hub: Hub, tmp_path: Path, given: dict[str, str], said: str
) -> None:
    job = hub.job("workflow_dispatch")
    job.checkout({})
    done = job.action(given)
    assert done.names() == [] and said in done.said
    assert not (tmp_path / "installed").exists() and not (job.work / "broken").exists()


def test_inputs_are_words_and_never_script(hub: Hub, tmp_path: Path) -> None:
    job = hub.job("workflow_dispatch")
    job.checkout({})
    gates = 'sh gate.sh\ntest "$(echo a b)" = "a b"\n'
    done = job.action(
        {
            "plan": "plans/it's greet.md",
            "gates": gates,
            "team": "$(touch broken)",
            "requirement": "x; touch broken",
        }
    )
    assert done.failed and not (job.work / "broken").exists()
    assert "x; touch broken\n" in (tmp_path / "installed").read_text()
    assert "Invalid value for '--team'" in done.said and done.names("failure") == ["Run the plan"]


def test_with_nothing_to_go_on_with_a_resume_is_well(hub: Hub) -> None:
    job = hub.job("schedule")
    job.checkout({})
    done = job.action({"mode": "resume"})
    assert not done.failed and "no run to go on with" in done.said, done.said
    assert "Pack what landed" in done.names("skipped")


def test_a_run_that_was_cut_short_is_resumed_by_a_later_job(
    hub: Hub, agent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_SANDBOX", "off")  # nobody in it sees workbench's process
    monkeypatch.setenv("WORKBENCH_TRUST", "always")
    whole = agent.read_text()
    # The second teammate ends workbench as a runner that is cancelled does, once the first has landed.
    stop = 'if [ "$WORKBENCH_TASK" = goodbye ]; then kill -TERM $(cat {}); sleep 60; fi\n'
    agent.write_text(stop.format(tmp_path / "pid") + whole)
    started = f"exec {sys.executable} -m workbench"
    hub.python.write_text(hub.python.read_text().replace(started, f"echo $$ > {tmp_path}/pid\n{started}"))
    job = hub.job("workflow_dispatch")
    job.checkout({})
    done = job.action({"plan": "plans/it's greet.md"})
    assert done.failed and done.outputs["deliverable"] == "true", done.said
    assert list((hub.folder / "caches").iterdir())
    agent.write_text(whole)

    job = hub.job("schedule")
    job.checkout({})
    done = job.action({"mode": "resume"})

    assert not done.failed, done.said
    assert git(job.work, "show", "workbench/two-greetings-1/integration:src/goodbye.py") == "goodbye"
    assert git(job.work, "show", "workbench/two-greetings-1/integration:src/hello.py") == "hello"
    job = hub.job("schedule")
    job.checkout({})
    done = job.action({"mode": "deliver"})
    assert not done.failed, done.said
    assert git(hub.origin, "show", "workbench/two-greetings:src/goodbye.py") == "goodbye"


# -- the workflow -------------------------------------------------------------------------------------------

SECRETS = {"ANTHROPIC_API_KEY": "sk-ant-not-a-real-key"}


def workflow() -> dict[str, Any]:
    jobs: dict[str, Any] = read(WORKFLOW)["jobs"]
    return jobs


def test_a_merged_plan_becomes_a_pull_request_in_two_jobs_unless_its_pack_was_tampered_with(
    hub: Hub, repo: Path, tmp_path: Path
) -> None:
    jobs = workflow()
    event = {"before": git(repo, "rev-parse", "HEAD^"), "repository": {"default_branch": "main"}}
    github = {"sha": git(repo, "rev-parse", "HEAD"), "event": event}
    job = hub.job("push", **github)
    first = job.run(jobs["agents"], secrets=SECRETS)
    assert not first.failed, first.said
    assert first.outputs == {"deliverable": "true"}
    assert first.steps[-1].outputs["landed"] == "2" and first.steps[-1].outputs["cost"] == "0.00"
    assert "forge-token" not in (tmp_path / "seen").read_text()
    asked = (tmp_path / "asked").read_text()
    assert "collaborators/ada/permission" in asked and "create" not in asked

    job = hub.job("push", **github)
    needs = {"agents": {"outputs": first.outputs}}
    report = hub.folder / "artifacts/workbench-pack/report.md"
    whole, before = report.read_text(), git(hub.origin, "for-each-ref")
    report.write_text("all is well\n")
    refused = job.run(jobs["deliver"], needs=needs)
    assert refused.failed and "report.md is not the file that was packed" in refused.said
    assert git(hub.origin, "for-each-ref") == before and "create" not in (tmp_path / "asked").read_text()
    report.write_text(whole)

    job = hub.job("push", **github)
    assert holds(jobs["deliver"]["if"], {"needs": needs, "inputs": {}, "failed": False})
    second = job.run(jobs["deliver"], needs=needs)

    assert not second.failed, second.said
    assert git(hub.origin, "show", "workbench/two-greetings:src/goodbye.py") == "goodbye"
    asked = (tmp_path / "asked").read_text()
    assert "auth\nsetup-git\n" in asked and "create\n--head\nworkbench/two-greetings\n--base\nmain\n" in asked
    assert "token forge-token" in asked and SECRETS["ANTHROPIC_API_KEY"] not in asked


def test_who_may_not_write_starts_nothing(hub: Hub, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLE", "read")
    job = hub.job("workflow_dispatch", sha="main")
    done = job.run(workflow()["agents"], secrets=SECRETS, inputs={"plan": "plans/it's greet.md"})
    assert done.names("failure") == ["See who asks"] and "Run workbench" in done.names("skipped")


def labelled(label: str, of: str) -> dict[str, Any]:
    """What is known when a pull request gets a label."""
    event = {"label": {"name": label}, "pull_request": {"head": {"repo": {"full_name": of}}}}
    return {"event_name": "pull_request", "repository": "ada/sample", "event": event}


@pytest.mark.parametrize(
    ("github", "wanted"),
    [
        ({"event_name": "push"}, True),
        ({"event_name": "schedule"}, True),
        (labelled("workbench", "ada/sample"), True),
        (labelled("bug", "ada/sample"), False),
        (labelled("workbench", "eve/sample"), False),
    ],
)
def test_a_label_starts_it_and_never_on_a_fork(github: dict[str, Any], wanted: bool) -> None:
    assert holds(workflow()["agents"]["if"], {"github": github, "failed": False}) is wanted


def choose(hub: Hub, event: str, *, inputs: dict[str, str] | None = None, **about: Any) -> Step:
    """Run only the step that chooses the plan."""
    (step,) = (step for step in workflow()["agents"]["steps"] if step.get("id") == "plan")
    job = hub.job(event, event=about, sha="main")
    job.checkout({})
    (done,) = job.run({"steps": [step]}, inputs=inputs or {}).steps
    return done


def test_the_plan_is_the_one_that_was_merged_named_or_labelled(hub: Hub, repo: Path) -> None:
    before = git(repo, "rev-parse", "HEAD^")
    odd = "plans/$(touch broken) `x`.md"
    assert choose(hub, "push", before=before).outputs["plan"] == "plans/it's greet.md"
    assert choose(hub, "push", before="0" * 40).outputs["plan"] == "plans/it's greet.md"
    asked = choose(hub, "pull_request", pull_request={"base": {"sha": before}})
    assert asked.outputs["plan"] == "plans/it's greet.md" and asked.outputs["mode"] == "run"
    named = choose(hub, "workflow_dispatch", inputs={"plan": odd, "mode": "rehearse"})
    assert (named.outputs["plan"], named.outputs["mode"]) == (odd, "rehearse")
    assert choose(hub, "schedule").outputs["mode"] == "resume"
    assert "no name" in choose(hub, "workflow_dispatch", inputs={"plan": "a\nmode=run"}).said
    assert not (hub.folder / "work/broken").exists()


def test_two_plans_or_none_are_refused(hub: Hub, repo: Path) -> None:
    before = git(repo, "rev-parse", "HEAD")
    done = choose(hub, "push", before=before)
    assert done.outcome == "failure" and "0 plans were changed" in done.said


def test_what_a_job_holds_is_answered_in_a_later_one_and_until_then_the_schedule_is_quiet(
    hub: Hub, tmp_path: Path, agent: Path
) -> None:
    agent.write_text(agent.read_text() + '[ "$WORKBENCH_TASK" != hello ] || echo "* @ada" > CODEOWNERS\n')
    jobs = workflow()
    github = {"sha": "main", "event": {"repository": {"default_branch": "main"}}}

    def agents(event: str, **inputs: str) -> Step:
        return hub.job(event, **github).run(jobs["agents"], secrets=SECRETS, inputs=inputs).steps[-1]

    first = agents("workflow_dispatch", plan="plans/it's greet.md", mode="run")
    assert (first.outcome, first.outputs["asks"], first.outputs["landed"]) == ("failure", "1", "0")
    kept = list((hub.folder / "caches").iterdir())

    quiet = agents("schedule")
    assert quiet.outcome == "success" and "::warning::workbench: the run waits for answers" in quiet.said
    assert list((hub.folder / "caches").iterdir()) == kept and quiet.outputs["deliverable"] == ""

    unknown = agents("workflow_dispatch", plan="", mode="resume", answers="m7 yes")
    assert unknown.outcome == "failure" and "an answer was not taken" in unknown.said

    done = agents("workflow_dispatch", plan="", mode="resume", answers="\nm1 yes\n")
    assert (done.outcome, done.outputs["landed"]) == ("success", "2"), done.said
    needs = {"agents": {"outputs": {"deliverable": "true"}}}
    job = hub.job("workflow_dispatch", **github)
    refused = job.run(jobs["deliver"], needs=needs, inputs={})
    assert refused.failed and "CODEOWNERS" in refused.said
    job = hub.job("workflow_dispatch", **github)
    assert not job.run(jobs["deliver"], needs=needs, inputs={"allow": "CODEOWNERS"}).failed
    assert git(hub.origin, "show", "workbench/two-greetings:CODEOWNERS") == "* @ada"


def test_a_job_can_be_told_that_the_repository_is_trusted(hub: Hub, tmp_path: Path) -> None:
    for given, said in (({}, "not trusted"), ({"trust": "always"}, "is trusted, by the setting")):
        job = hub.job("workflow_dispatch")
        job.checkout({})
        done = job.action({"plan": "plans/it's greet.md", "carry": "false"} | given)
        assert not done.failed and said in done.said


@pytest.mark.parametrize("program", ["sudo", "apt-get", ""])
def test_each_of_what_the_sandbox_needs_is_installed_where_it_is_missing(
    hub: Hub, tmp_path: Path, program: str
) -> None:
    """By sudo, without it where there is none (as in a container), or not at all: that is said."""
    tools = tmp_path / "few"
    tools.mkdir()
    for name in ("bash", "sh", "mkdir", "cat", "chmod", "grep", "git", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    _script(tools / "socat", "")
    if program:
        _script(tools / program, f'echo "$@" >> {tmp_path}/as-root\n')
    (install,) = (step for step in read(ACTION)["runs"]["steps"] if step.get("id") == "install")
    hub.path = str(tools)
    job = hub.job("workflow_dispatch")
    job.checkout({})
    inputs = {
        "python": str(hub.python),
        "sandbox": "true",
        "mode": "run",
        "directory": ".",
        "requirement": "x",
    }
    done = job.run({"steps": [install]}, inputs=inputs)
    assert done.failed == (not program)
    if program:
        said = (tmp_path / "as-root").read_text()
        assert "install -qq -y --no-install-recommends bubblewrap socat" in said
        assert ("apt-get install" in said) == (program == "sudo")
    else:
        assert "::error::workbench: bubblewrap and socat are missing" in done.said


def test_without_walls_a_job_refuses_the_commands_of_a_file_that_nobody_trusts_and_says_how_on(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKBENCH_TRUST", raising=False)
    _script(tmp_path / "tools/bwrap", "exit 1")
    job = hub.job("workflow_dispatch")
    job.checkout({})
    done = job.action({"plan": "plans/it's greet.md"})
    assert done.names("failure") == ["Run the plan"] and done.outputs["outcome"] == "error"
    (note,) = (line for line in done.said.splitlines() if line.startswith("::error"))
    assert "nobody has said" in note and "A job is told by WORKBENCH_TRUST=always" in note


def test_a_run_that_was_refused_brings_none_of_an_earlier_one_to_delivery(hub: Hub) -> None:
    plan = "plans/it's greet.md"
    for given, delivers in (({}, "true"), ({"agent": "nobody"}, "")):
        job = hub.job("workflow_dispatch")
        job.checkout({})
        done = job.action({"plan": plan} | given)
        assert done.outputs["deliverable"] == delivers, done.said
    assert done.outputs["outcome"] == "error" and done.names("failure") == ["Run the plan"]


def test_a_state_whose_commits_are_gone_from_the_branch_keeps_no_later_job_from_its_work(
    hub: Hub, repo: Path
) -> None:
    plan = {"plan": "plans/it's greet.md"}
    job = hub.job("workflow_dispatch")
    job.checkout({})
    assert not job.action(plan).failed
    git(repo, "commit", "-q", "--amend", "-m", "told otherwise")
    git(repo, "push", "-q", "-f", str(hub.origin), "HEAD:main")
    shutil.rmtree(hub.folder / "work")
    git(hub.origin, "gc", "-q", "--prune=now")

    job = hub.job("workflow_dispatch")
    job.checkout({})
    done = job.action(plan)

    assert not done.failed and "it is left out" in done.said, done.said
    assert done.outputs["landed"] == "2"
