"""A repository whose own git runs programs wherever it can, and every command of workbench in it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine

PLAN = "# One\n\n## Tasks\n\n### one: Write one\n- files: one.txt\n"

# fmt: off
HOOKS = (
    "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit",
    "prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase", "post-checkout", "post-merge",
    "pre-push", "pre-receive", "update", "proc-receive", "post-receive", "post-update",
    "reference-transaction", "push-to-checkout", "pre-auto-gc", "post-rewrite",
    "sendemail-validate", "fsmonitor-watchman", "post-index-change",
)
# fmt: on

RUN = ("run", "plan.md", "--yes", "--agent", "command:echo 1 > one.txt", "--gate", "true", "--headless")

COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "run": (RUN,),
    "rehearse": (("rehearse", "plan.md", "--gate", "true", "--headless"),),
    "plan": (("plan", "Write two", "-o", "drafted.md"),),
    "check": (("check", "plan.md"),),
    "approve": (("approve", "plan.md"),),
    "status": (("status",), ("status", "--json")),
    "watch": (("watch",),),
    "report": (("report",), ("report", "--format", "md")),
    "resume": (("resume", "--headless"),),
    "propose": (("propose", "plan.md"),),
    "resolve": (("resolve", "one"), ("resolve", "one", "HEAD", "--headless")),
    "land": (("land", "one-1", "--pr"), ("land", "one-1")),
    "undo": (("undo", "one"),),
    "clean": (("clean", "--dry-run"), ("clean", "one-1")),
    "trust": (("trust",),),
    "audit": (("audit", "--verify"),),
    "export": (("export", "--claude-team", "one-1"),),
    "import": (("import", "--claude-team", "one-1"),),
    "init": (("init", "--yes", "--force"),),
    "pack": (("pack", "one-1", "-o", "packed"),),
    "deliver": (("deliver", "packed", "--dry-run", "--any-plan"), ("deliver", "packed", "--any-plan")),
    "inbox": (("inbox",),),
    "send": (("send", "all", "hello"),),
    "answer": (("answer", "m1", "yes"),),
    "pause": (("pause",),),
    "stop": (("stop",),),
    "retry": (("retry", "one"),),
    "skip": (("skip", "one"),),
    "reassign": (("reassign", "one", "ada"),),
    "mark": (("mark", "progress", "half"),),
    "join": (("join",),),
    "team": (("team",),),
    "teams": (("teams",),),
    "doctor": (("doctor",),),
    "note": (
        ("note", "list"),
        ("note", "add", "a word"),
    ),
    "policy": (("policy",),),
}

ELSEWHERE = {"demo", "bench"}
"""They work in repositories that they make."""


def planted(repo: Path, proof: Path, tmp_path: Path) -> None:
    """Every way to have git run a program that configuration knows."""
    proof.mkdir()

    def leaves(name: str, then: str = "cat") -> str:
        program = tmp_path / f"leave-{name}"
        program.write_text(f'#!/bin/sh\necho "$0 $@" >> {proof}/{name}\ncat\n')
        program.chmod(0o755)
        return str(program)

    more = tmp_path / "more.config"
    more.write_text(
        f'[core]\n\tsshCommand = {leaves("included")}\n[filter "more"]\n\tclean = {leaves("more")}\n'
    )
    sub = repo / "sub"
    git(repo, "init", "-q", str(sub))
    (sub / "file").write_text("1\n")
    git(sub, "add", "-A")
    git(sub, "commit", "-q", "-m", "sub")
    (repo / ".gitmodules").write_text('[submodule "sub"]\n\tpath = sub\n\turl = ./sub\n')
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "more")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for where in (hooks, repo / ".git/hooks"):
        where.mkdir(exist_ok=True)
        for name in HOOKS:
            (where / name).write_text(f"#!/bin/sh\ntouch {proof}/hook-{name}\n")
            (where / name).chmod(0o755)
    for where, tag in ((sub, "sub-"), (repo, "")):
        for key, value in {
            "filter.bad.clean": leaves(f"{tag}clean"), "filter.bad.smudge": leaves(f"{tag}smudge"),
            "filter.bad.required": "true", "filter.long.process": leaves(f"{tag}process"),
            "diff.bad.textconv": leaves(f"{tag}textconv"), "diff.worse.command": leaves(f"{tag}diff-command"),
            "diff.external": leaves(f"{tag}external"), "merge.bad.driver": leaves(f"{tag}driver"),
            "core.sshCommand": leaves(f"{tag}ssh"), "core.pager": leaves(f"{tag}pager"),
            "pager.status": leaves(f"{tag}pager-status"), "core.editor": leaves(f"{tag}editor"),
            "sequence.editor": leaves(f"{tag}sequence"), "core.askPass": leaves(f"{tag}askpass"),
            "core.gitProxy": leaves(f"{tag}gitproxy"), "core.alternateRefsCommand": leaves(f"{tag}alternate"),
            "credential.helper": f"!{leaves(f'{tag}credential')}", "gpg.program": leaves(f"{tag}gpg"),
            "gpg.ssh.program": leaves(f"{tag}gpg-ssh"), "commit.gpgSign": "true", "tag.gpgSign": "true",
            "log.showSignature": "true", "merge.verifySignatures": "true", "push.gpgSign": "if-asked",
            "trailer.bad.command": leaves(f"{tag}trailer"), "alias.status": f"!{leaves(f'{tag}alias')}",
            "interactive.diffFilter": leaves(f"{tag}interactive"), "tar.tar.gz.command": leaves(f"{tag}tar"),
            "remote.origin.uploadpack": leaves(f"{tag}uploadpack", "exit 1"), "protocol.ext.allow": "user",
            "remote.origin.receivepack": leaves(f"{tag}receivepack"), "submodule.sub.ignore": "none",
            "remote.lazy.url": f"ext::{leaves(f'{tag}ext', 'exit 1')}", "remote.lazy.promisor": "true",
            "uploadpack.packObjectsHook": leaves(f"{tag}pack"), "status.submoduleSummary": "true",
            "include.path": str(more), "submodule.recurse": "true", "diff.submodule": "diff",
            "core.hooksPath": str(hooks), "core.fsmonitor": leaves(f"{tag}fsmonitor"),
        }.items():  # fmt: skip
            git(where, "config", key, value)
        info = where / ".git" / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(
            "*.md filter=long diff=worse\n*.py filter=more\n* filter=bad diff=bad merge=bad\n"
        )
    git_dir = repo / ".git"
    (sub / "file").write_text("2\n")
    for name in ("README.md", "src/app.py"):  # so that git looks into them
        path = repo / name
        path.write_bytes(path.read_bytes())
    assert git_dir.is_dir()


def sprung(repo: Path, proof: Path, *words: str) -> None:
    """See that plain git runs what leaves ``proof``; it might never end by itself."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["git", *words], cwd=repo, start_new_session=True, **quiet) as process:  # type: ignore[call-overload]
        try:
            for _ in range(200):
                if proof.exists():
                    return
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            raise AssertionError(f"git {' '.join(words)} runs nothing")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def read(repo: Path) -> str:
    return (repo / ".git/refs/heads/main").read_text()


def commands(workbench: CommandLine) -> set[str]:
    listed = workbench("--help").stdout.partition("Commands:")[2].partition("Exit codes")[0]
    return set(re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE))


def test_each_command_is_in_the_table(workbench: CommandLine) -> None:
    assert commands(workbench) == {*COMMANDS, *ELSEWHERE}


@pytest.fixture
def hostile(workbench: CommandLine, repo: Path, tmp_path: Path) -> Path:
    """The proof of a repository that has a run behind it and was planted since: a folder that stays empty."""
    origin = tmp_path / "origin.git"
    git(repo, "clone", "-q", "--bare", str(repo), str(origin))
    git(repo, "remote", "add", "origin", str(origin))
    (repo / "plan.md").write_text(PLAN)
    done = workbench(*RUN)
    assert done.returncode == 0, done.stderr
    planted(repo, proof := tmp_path / "proof", tmp_path)
    return proof


def test_the_traps_work(hostile: Path, repo: Path) -> None:
    subprocess.run(["git", "status"], cwd=repo, check=False, capture_output=True)
    found = {path.name for path in hostile.iterdir()}
    assert {"fsmonitor", "clean", "sub-fsmonitor", "sub-clean", "hook-post-index-change"} <= found, found


def test_no_command_runs_what_an_untrusted_repository_has_git_run(
    workbench: CommandLine, repo: Path, hostile: Path
) -> None:
    (repo / "workbench.toml").write_text('claude = "/nonexistent"\n')
    for name, lines in COMMANDS.items():
        for words in lines:
            done = workbench(*words, WORKBENCH_CLAUDE=None)
            assert done.returncode != 3, done.stderr
            found = sorted(path.name for path in hostile.iterdir())
            assert not found, (name, words, found, done.stderr[-2000:])


def test_a_missing_object_is_not_fetched_by_a_program_of_the_repositorys(
    workbench: CommandLine, repo: Path, hostile: Path
) -> None:
    git(repo, "config", "--remove-section", "remote.lazy")
    git(repo, "config", "extensions.partialClone", "origin")
    git(repo, "config", "remote.origin.promisor", "true")
    git(repo, "config", "core.repositoryFormatVersion", "1")
    blob = git(repo, "rev-parse", "HEAD:README.md")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for pack in (repo / ".git/objects/pack").iterdir():  # the run before made some
        pack.unlink()
    sprung(repo, hostile / "uploadpack", "cat-file", "-p", blob)
    for path in hostile.iterdir():
        path.unlink()
    for words in (("doctor",), ("status",), ("policy",), RUN):
        workbench(*words)
        assert sorted(path.name for path in hostile.iterdir()) == [], words


def test_a_repository_does_not_take_your_home_for_its_files(workbench: CommandLine, repo: Path) -> None:
    git(repo, "config", "core.worktree", str(repo.parent))
    done = workbench("status")
    assert done.returncode == 2 and "core.worktree" in done.stderr, done.stderr


def test_landing_waits_for_trust_where_it_would_run_hooks_and_filters(
    workbench: CommandLine, repo: Path, hostile: Path
) -> None:
    before = read(repo)
    done = workbench("land", "one-1")
    assert done.returncode == 2 and "workbench trust" in done.stderr, done.stderr
    assert "filter.bad.smudge" in done.stderr and "post-merge" in done.stderr
    assert read(repo) == before and not list(hostile.iterdir())
