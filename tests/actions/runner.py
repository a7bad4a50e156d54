"""A runner for our action and workflow: ``run:`` steps with bash and the files that GitHub gives them,
``uses:`` steps by stand-ins that copy folders. It knows what ours need and refuses the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.actions.expressions import fill, holds
from tests.conftest import git

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/workbench/action.yml"
WORKFLOW = ROOT / "templates/github/workbench.yml"


def read(path: Path) -> dict[str, Any]:
    """A YAML file as GitHub reads it: ``on`` is a word."""
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    return found


@dataclass
class Step:
    """A step that was run: how it ended, what it set, and what it printed."""

    name: str
    outcome: str
    outputs: dict[str, str] = field(default_factory=dict)
    said: str = ""


@dataclass
class Result:
    """A job or an action that was run."""

    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return any(step.outcome == "failure" for step in self.steps)

    @property
    def said(self) -> str:
        return "\n".join(step.said for step in self.steps)

    def names(self, outcome: str = "success") -> list[str]:
        """The steps that ended so."""
        return [step.name for step in self.steps if step.outcome == outcome]


@dataclass
class Hub:
    """What outlives a job: the repository, artifacts, the cache, and programs that stand in for others."""

    origin: Path
    folder: Path
    path: str
    python: Path
    run: int = 0

    def job(self, name: str, /, **github: Any) -> Job:
        """A new job on a machine of its own; its checkout has the same path each time."""
        self.run += 1
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        shutil.rmtree(self.folder / "temp", ignore_errors=True)
        (self.folder / "temp").mkdir(parents=True)
        known: dict[str, Any] = {"event_name": name, "run_id": str(self.run), "run_attempt": "1"}
        known["token"] = "forge-token"
        return Job(self, known | {"repository": "ada/sample", "actor": "ada"} | github)


class Job:
    """One job on a fresh machine."""

    def __init__(self, hub: Hub, github: dict[str, Any]) -> None:
        self.hub = hub
        self.github = github
        self.work = hub.folder / "work"
        self.temp = hub.folder / "temp"
        self._count = 0
        self.contexts: dict[str, Any] = {}

    def checkout(self, given: Mapping[str, str]) -> None:
        """As ``actions/checkout`` does it."""
        git(self.hub.folder, "clone", "-q", str(self.hub.origin), str(self.work))
        git(self.work, "checkout", "-q", given.get("ref") or "HEAD")

    def run(self, job: Mapping[str, Any], **contexts: Any) -> Result:
        """Run a job of a workflow."""
        event = self.github.get("event", {})
        self.contexts = {
            "github": {**self.github, "event": event},
            "runner": {"temp": str(self.temp)},
        } | contexts
        result = self._steps(job["steps"], self.contexts)
        known = {**self.contexts, "steps": _known(result.steps), "failed": False}
        result.outputs = {name: fill(text, known) for name, text in job.get("outputs", {}).items()}
        return result

    def action(self, given: Mapping[str, str], path: Path = ACTION) -> Result:
        """Run our action with these inputs."""
        action = read(path)
        unknown = set(given) - set(action["inputs"])
        assert not unknown, f"the action has no inputs {unknown}"
        inputs = {name: str(about.get("default", "")) for name, about in action["inputs"].items()}
        inputs |= {"python": str(self.hub.python)} | dict(given)
        contexts = {
            "github": {**self.github, "action_path": str(path.parent)},
            "runner": {"temp": str(self.temp)},
            "inputs": inputs,
        }
        result = self._steps(action["runs"]["steps"], contexts)
        known = {**contexts, "steps": _known(result.steps), "failed": False}
        result.outputs = {name: fill(about["value"], known) for name, about in action["outputs"].items()}
        return result

    def _steps(self, steps: list[dict[str, Any]], contexts: dict[str, Any]) -> Result:
        result = Result()
        ids: dict[str, Step] = {}
        for step in steps:
            known = {**contexts, "failed": result.failed}
            known["steps"] = {
                name: {"outputs": it.outputs, "outcome": it.outcome} for name, it in ids.items()
            }
            done = Step(step.get("name") or step.get("uses", ""), "skipped")
            if holds(step.get("if", "success()"), known):
                done = self._shell(step, known) if "run" in step else self._uses(step, known)
            result.steps.append(done)
            if "id" in step:
                ids[step["id"]] = done
            done.outputs.setdefault("", step.get("id", ""))
        return result

    def _shell(self, step: Mapping[str, Any], known: dict[str, Any]) -> Step:
        assert "${{" not in step["run"], "nothing is written into a script"
        self._count += 1
        files = {
            name: self.temp / f"{name}-{self._count}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        for path in files.values():
            path.touch()
        given = {name: fill(text, known) for name, text in step.get("env", {}).items()}
        env = dict(os.environ) | {name: str(path) for name, path in files.items()}
        env |= {"PATH": self.hub.path, "RUNNER_TEMP": str(self.temp), "RUNNER_OS": "Linux"}
        env |= {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_WORKSPACE": str(self.work)}
        env |= {"GITHUB_REPOSITORY": self.github["repository"]}
        script = self.temp / f"step-{self._count}.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.work / fill(step.get("working-directory", "."), known), env=env | given,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        outcome = "success" if done.returncode == 0 else "failure"
        return Step(step["name"], outcome, _outputs(files["GITHUB_OUTPUT"]), done.stdout + done.stderr)

    def _uses(self, step: Mapping[str, Any], known: dict[str, Any]) -> Step:
        given = {name: fill(text, known) for name, text in step.get("with", {}).items()}
        done = Step(step.get("name", step["uses"]), "success")
        name = step["uses"].partition("@")[0]
        if name == "./.github/actions/workbench":
            inner = self.action(given, self.work / ".github/actions/workbench/action.yml")
            return Step(done.name, "failure" if inner.failed else "success", inner.outputs, inner.said)
        artifacts, caches = self.hub.folder / "artifacts", self.hub.folder / "caches"
        match name:
            case "actions/checkout":
                self.checkout(given)
            case "actions/setup-python":
                pass
            case "actions/upload-artifact":
                shutil.copytree(given["path"], artifacts / given["name"], dirs_exist_ok=True)
            case "actions/download-artifact":
                shutil.copytree(artifacts / given["name"], given["path"])
            case "actions/cache/save":
                shutil.copytree(given["path"], caches / given["key"])
            case "actions/cache/restore":
                kept = sorted(caches.glob(f"{given['restore-keys']}*"), key=lambda path: path.stat().st_mtime)
                if kept:
                    shutil.copytree(kept[-1], given["path"])
            case _:
                raise AssertionError(f"nothing stands in for {name}")
        return done


def _known(steps: list[Step]) -> dict[str, Any]:
    return {step.outputs.get("", ""): {"outputs": step.outputs, "outcome": step.outcome} for step in steps}


def _outputs(path: Path) -> dict[str, str]:
    """What a step set: ``name=value``, or ``name<<END`` and lines up to END."""
    found: dict[str, str] = {}
    lines = iter(path.read_text().splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and "<<" not in name:
            found[name] = value
            continue
        name, _, end = line.partition("<<")
        inside: list[str] = []
        for text in lines:
            if text == end:
                break
            inside.append(text)
        found[name] = "\n".join(inside)
    return found
