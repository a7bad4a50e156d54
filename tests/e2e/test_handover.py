"""Work goes from the job that made it to the one that may push, and nothing that does not hold is pushed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import git
from tests.e2e.conftest import CommandLine
from workbench.adapters.store.chain import START, link

pytestmark = pytest.mark.e2e

GATE = "sh gate.sh || npm run check"
"""There is no npm: package.json defines it all the same."""

MANIFEST = '{"scripts": {"check": "true"}, "dependencies": {%s}}'

PLAN = f"""\
---
gates: ["{GATE}"]
---
# Two greetings for @everybody

## Tasks

### hello: Say hello, fixes #12

Write it.

### goodbye: Say goodbye
- after: hello

Write it too.
"""

AGENT = f"""\
mkdir -p src
echo '{MANIFEST % '"left": "^1.0.0"'}' > package.json
echo "$WORKBENCH_TASK" > src/$WORKBENCH_TASK.py
"""

REF = "refs/heads/workbench/greet-1/integration"

Line = dict[str, Any]


@dataclass
class Second:
    """The second job: a fresh checkout of ``origin``, and the pack that the first one made."""

    line: CommandLine
    origin: Path
    checkout: Path
    pack: Path
    gh: str

    def deliver(self, *words: str, code: int = 0) -> str:
        """Deliver; gives what was said. When it is refused, nothing may be on origin that was not before."""
        before = git(self.origin, "for-each-ref"), git(self.checkout, "for-each-ref")
        done = self.line("deliver", str(self.pack), *words, cwd=self.checkout, PATH=self.gh)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        if code:
            assert (git(self.origin, "for-each-ref"), git(self.checkout, "for-each-ref")) == before
            assert "next:" in done.stderr and not done.stdout
        return done.stdout + done.stderr

    def asked(self) -> str:
        """What was asked of ``gh``."""
        path = self.checkout.parent / "asked"
        return path.read_text() if path.exists() else ""


@dataclass
class Forge:
    """Changes a pack as somebody would who wants it to be believed: hashes and chain fit again."""

    second: Second

    @property
    def manifest(self) -> Line:
        found: Line = json.loads((self.second.pack / "manifest.json").read_text())
        return found

    def sign(self, **changes: object) -> None:
        """Write the manifest anew, with the hashes of the files as they are."""
        manifest = self.manifest | changes
        manifest["files"] = {
            name: hashlib.sha256((self.second.pack / name).read_bytes()).hexdigest()
            for name in manifest["files"]
        }
        (self.second.pack / "manifest.json").write_text(json.dumps(manifest))

    def lines(self) -> list[Line]:
        return [json.loads(text) for text in (self.second.pack / "events.jsonl").read_text().splitlines()]

    def log(self, lines: list[Line], **changes: object) -> None:
        """Write the log anew, with a chain that holds."""
        head, run = START, self.manifest["run"].encode()
        for number, line in enumerate(lines, 1):
            line["seq"] = number
            head = link(head, run, number, line["at"], line["type"].encode(), line["body"].encode())
            line["hash"] = head.hex()
        (self.second.pack / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.sign(records=len(lines), head=head.hex(), **changes)

    def tree(self, entries: str, unknown_to: tuple[str, ...] = (), text: str = "../outside") -> None:
        """Have the last landing bring the files ``entries``, as for ``git mktree``, besides its own; a BLOB
        holds ``text``. The whole log agrees, but for the events ``unknown_to``: of the tree as it was."""
        where = self.second.checkout.parent / "smithy"
        git(self.second.checkout.parent, "clone", "-q", str(self.second.origin), str(where))
        git(where, "fetch", "-q", str(self.second.pack / "work.bundle"), f"{REF}:{REF}")
        old, old_tree = git(where, "rev-parse", REF, f"{REF}^{{tree}}").split()
        blob = self.make(where, "hash-object", "-w", "--stdin", feed=text)
        stays = [
            it for it in git(where, "ls-tree", old_tree).splitlines() if it.split("\t")[1] not in entries
        ]
        listed = "\n".join(stays) + "\n" + entries.replace("BLOB", blob)
        new_tree = self.make(where, "mktree", "--missing", feed=listed + "\n")
        parents = git(where, "rev-parse", f"{REF}^1", f"{REF}^2").split()
        new = git(where, "commit-tree", "-p", parents[0], "-p", parents[1], "-m", "land", new_tree)
        git(where, "update-ref", REF, new)
        bundle = str(self.second.pack / "work.bundle")
        git(where, "bundle", "create", "-q", bundle, REF, f"^{self.manifest['base']}")
        lines = self.lines()
        for line in lines:
            line["body"] = line["body"].replace(old, new)
            if line["type"] not in unknown_to:
                line["body"] = line["body"].replace(old_tree, new_tree)
        self.log(lines, tip=new)

    @staticmethod
    def make(where: Path, *words: str, feed: str) -> str:
        import subprocess

        done = subprocess.run(
            ["git", *words], cwd=where, input=feed, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


_made: list[Path] = []
"""Where the first job's results are, once a test of this process has made them."""


def first_job(workbench: CommandLine, repo: Path, where: Path) -> None:
    """Run the plan in a checkout, and pack."""
    (repo / "gate.sh").write_text("test ! -e broken\n")
    (repo / "package.json").write_text(MANIFEST % "")
    (repo / "plans").mkdir()
    (repo / "plans/greet.md").write_text(PLAN)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "a gate and a plan")
    git(repo.parent, "clone", "-q", "--bare", str(repo), str(where / "origin.git"))
    (where / "agent.sh").write_text(AGENT)
    agent = f"command:sh {where / 'agent.sh'}"
    words = ("plans/greet.md", "--agent", agent, "--yes", "--run-id", "greet-1")
    done = workbench("run", *words)
    assert done.returncode == 0, done.stderr
    done = workbench("pack", "-o", str(where / "pack"))
    assert done.returncode == 0, done.stderr
    assert "every task landed" in done.stdout


@pytest.fixture
def second(
    workbench: CommandLine,
    repo: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Second:
    if not _made:
        where = tmp_path_factory.mktemp("first")
        monkeypatch.setenv("WORKBENCH_SANDBOX_WRITE", f"{repo.parent}\n{where}")
        first_job(workbench, repo, where)
        _made.append(where)
    (made,) = _made
    shutil.copytree(made / "pack", tmp_path / "pack")
    shutil.copytree(made / "origin.git", tmp_path / "origin.git")
    git(tmp_path, "clone", "-q", str(tmp_path / "origin.git"), "checkout")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "gh").write_text(
        f"""\
#!/bin/sh
printf '%s\\n' "$@" >> {tmp_path}/asked
case "$2" in
list) cat {tmp_path}/opened 2>/dev/null || true ;;
create) cat >> {tmp_path}/asked; echo https://example.invalid/pull/7 | tee {tmp_path}/opened ;;
edit) cat >> {tmp_path}/asked ;;
esac
"""
    )
    (folder / "gh").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return Second(workbench, tmp_path / "origin.git", tmp_path / "checkout", tmp_path / "pack", path)


@pytest.fixture
def forge(second: Second) -> Forge:
    return Forge(second)


# -- what holds ---------------------------------------------------------------------------------------------


def test_a_branch_is_pushed_and_a_pull_request_opened_and_then_updated(second: Second) -> None:
    said = second.deliver()

    tip = json.loads((second.pack / "manifest.json").read_text())["tip"]
    assert git(second.origin, "rev-parse", "workbench/greet") == tip
    assert f"2 of 2 tasks of run greet-1, green by `{GATE}`" in said and "pull/7" in said
    assert git(second.checkout, "for-each-ref", "refs/workbench") == ""
    assert git(second.checkout, "status", "--porcelain") == ""
    asked = second.asked()
    assert "create\n--head\nworkbench/greet\n" in asked and "| `hello` Say hello" in asked
    assert "@everybody" not in asked and "#12" not in asked, "nobody is called, and nothing closed"

    again = second.deliver()

    assert "pull/7" in again and second.asked().count("create\n") == 1
    assert "edit\nhttps://example.invalid/pull/7\n" in second.asked()


def test_a_dry_run_only_verifies(second: Second) -> None:
    before = git(second.origin, "for-each-ref")
    said = second.deliver("--dry-run")
    assert "nothing was pushed" in said and git(second.origin, "for-each-ref") == before
    assert not second.asked() and git(second.checkout, "for-each-ref", "refs/workbench") == ""


def test_the_target_may_have_moved_meanwhile(second: Second) -> None:
    (second.checkout / "more.txt").write_text("more\n")
    git(second.checkout, "add", "more.txt")
    git(second.checkout, "commit", "-q", "-m", "more")
    second.deliver()


def test_a_branch_of_ours_is_replaced_and_one_that_somebody_pushed_to_is_not(second: Second) -> None:
    base = git(second.checkout, "rev-parse", "HEAD")
    tree = f"{base}^{{tree}}"
    other = git(second.checkout, "commit-tree", "-p", base, "-m", "an earlier run", tree)
    note = "refs/workbench/delivered/workbench/greet"
    git(second.checkout, "push", "-q", "origin", f"{other}:refs/heads/workbench/greet", f"{other}:{note}")
    theirs = git(second.checkout, "commit-tree", "-p", other, "-m", "a person's", tree)
    git(second.checkout, "push", "-q", "origin", f"{theirs}:refs/heads/workbench/greet")
    assert "did not push" in second.deliver(code=2)

    git(second.checkout, "push", "-q", "-f", "origin", f"{other}:refs/heads/workbench/greet")
    second.deliver()

    tip = json.loads((second.pack / "manifest.json").read_text())["tip"]
    assert git(second.origin, "rev-parse", "workbench/greet") == git(second.origin, "rev-parse", note) == tip


def test_another_branch_may_be_named(second: Second) -> None:
    second.deliver("--branch", "greetings")
    assert git(second.origin, "rev-parse", "greetings")


def test_a_run_in_which_nothing_landed_has_nothing_to_push(second: Second, forge: Forge) -> None:
    lines = forge.lines()
    first = next(number for number, line in enumerate(lines) if line["type"] == "LandingStarted")
    (second.pack / "work.bundle").unlink()
    manifest = forge.manifest
    files = {name: digest for name, digest in manifest["files"].items() if name != "work.bundle"}
    forge.log(lines[:first], tip=manifest["base"], files=files)
    assert "nothing to push" in second.deliver()
    assert not second.asked() and "workbench" not in git(second.origin, "for-each-ref")


# -- what is tampered with ----------------------------------------------------------------------------------


def flip(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("name", ["work.bundle", "events.jsonl", "report.md", "report.json"])
def test_a_file_that_was_changed_is_named(second: Second, name: str) -> None:
    flip(second.pack / name, -20)
    assert f"{name} is not the file that was packed" in second.deliver(code=2)


@pytest.mark.parametrize("name", ["work.bundle", "events.jsonl", "manifest.json"])
def test_a_file_that_is_missing_or_a_link_is_named(second: Second, name: str) -> None:
    (second.pack / name).rename(second.pack / "elsewhere")
    assert f"no {name}" in second.deliver(code=2)
    (second.pack / name).symlink_to("elsewhere")
    assert f"{name} is not a plain file" in second.deliver(code=2)


def test_a_manifest_that_is_none(second: Second) -> None:
    (second.pack / "manifest.json").write_text("{}")
    assert "manifest.json is not one" in second.deliver(code=2)
    (second.pack / "manifest.json").write_text("not json")
    assert "manifest.json is not one" in second.deliver(code=2)


def test_a_manifest_that_names_other_files_or_branches(second: Second, forge: Forge) -> None:
    forge.sign(integration="refs/heads/main")
    assert "manifest.json is not one" in second.deliver(code=2)
    forge.sign(integration="refs/heads/workbench/other/integration")
    assert "does not agree with itself on the run's branch" in second.deliver(code=2)
    forge.sign(integration=REF, files={"events.jsonl": "0" * 64})
    assert "does not name the files" in second.deliver(code=2)


def test_a_damaged_bundle_that_the_manifest_vouches_for(second: Second, forge: Forge) -> None:
    flip(second.pack / "work.bundle", -40)
    forge.sign()
    assert "The bundle cannot be used" in second.deliver(code=2)


def test_a_bundle_that_brings_another_ref_besides(second: Second, forge: Forge) -> None:
    where = second.checkout.parent / "smithy"
    git(second.checkout.parent, "clone", "-q", str(second.origin), str(where))
    git(where, "fetch", "-q", str(second.pack / "work.bundle"), f"{REF}:{REF}", f"{REF}:refs/heads/extra")
    bundle = str(second.pack / "work.bundle")
    git(where, "bundle", "create", "-q", bundle, REF, "extra", f"^{forge.manifest['base']}")
    forge.sign()
    assert "and nothing else, but" in second.deliver(code=2)


def test_a_log_that_was_changed_breaks_its_chain(second: Second, forge: Forge) -> None:
    path = second.pack / "events.jsonl"
    lines = forge.lines()
    lines[3]["at"] += 1
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    forge.sign()
    assert "breaks at event 4" in second.deliver(code=2)


def test_a_log_that_lost_its_end_or_its_middle(second: Second, forge: Forge) -> None:
    path = second.pack / "events.jsonl"
    whole = path.read_text().splitlines(keepends=True)
    path.write_text("".join(whole[:-1]))
    forge.sign()
    assert "not whole" in second.deliver(code=2)
    path.write_text("".join(whole[:4] + whole[5:]))
    forge.sign()
    assert "breaks at event 5" in second.deliver(code=2)
    path.write_text("".join(whole[:4]) + "{}\n")
    forge.sign()
    assert "Line 5 of the log" in second.deliver(code=2)


def test_a_log_without_a_landing_that_the_bundle_has(second: Second, forge: Forge) -> None:
    lines = forge.lines()
    last = max(number for number, line in enumerate(lines) if line["type"] == "TaskLanded")
    forge.log(lines[:last])
    assert "do not agree on the run's tip" in second.deliver(code=2)
    earlier = json.loads(lines[last]["body"])["parent"]
    forge.log(lines[:last], tip=earlier)
    assert "does not bring the run's branch" in second.deliver(code=2)


def test_a_log_whose_landings_are_other_commits(second: Second, forge: Forge) -> None:
    lines = forge.lines()
    first = next(json.loads(line["body"])["commit"] for line in lines if line["type"] == "TaskLanded")
    for line in lines:
        line["body"] = line["body"].replace(first, "1" * 40)
    forge.log(lines)
    assert "stands there" in second.deliver(code=2)


def test_a_log_whose_delivered_commit_is_another(second: Second, forge: Forge) -> None:
    lines = forge.lines()
    delivered = next(json.loads(line["body"])["commit"] for line in lines if line["type"] == "TaskDelivered")
    for line in lines:
        line["body"] = line["body"].replace(delivered, "1" * 40)
    forge.log(lines)
    assert "does not merge what was delivered" in second.deliver(code=2)


def test_a_log_that_tells_what_cannot_have_happened(second: Second, forge: Forge) -> None:
    lines = forge.lines()
    landed = next(line for line in lines if line["type"] == "TaskLanded")
    forge.log([*lines, dict(landed)])
    assert "cannot have happened" in second.deliver(code=2)
    forge.log([dict(landed), *lines])
    assert "cannot have happened" in second.deliver(code=2)
    forge.log([dict(lines[0]), *lines])
    assert "cannot have happened" in second.deliver(code=2)


def test_a_base_that_is_not_in_the_checkout(second: Second, forge: Forge) -> None:
    shutil.rmtree(second.checkout)
    git(second.checkout.parent, "init", "-q", "checkout")
    git(second.checkout, "commit", "-q", "--allow-empty", "-m", "another history")
    git(second.checkout, "remote", "add", "origin", str(second.origin))
    assert "not in the history of this checkout" in second.deliver(code=2)


def test_a_base_that_only_the_bundle_would_bring(second: Second, forge: Forge) -> None:
    """Even where the object is there, it must be in the history that was checked out."""
    git(second.checkout, "checkout", "-q", "--orphan", "other")
    git(second.checkout, "commit", "-q", "-m", "another history")
    assert "not in the history of this checkout" in second.deliver(code=2)


def test_files_that_the_gates_never_saw(second: Second, forge: Forge) -> None:
    forge.tree(
        "100644 blob BLOB\tmore.txt", unknown_to=("CandidateChecked", "WorkChecked", "CheckingStarted")
    )
    assert f"no green verdict of `{GATE}`" in second.deliver(code=2)


def test_files_that_the_log_does_not_know(second: Second, forge: Forge) -> None:
    forge.tree("100644 blob BLOB\tmore.txt", unknown_to=("TaskLanded",))
    assert "has other files than the log says" in second.deliver(code=2)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("100644 blob BLOB\tCLAUDE.md", "'CLAUDE.md' was changed, and it steers agents"),
        ("100644 blob BLOB\t.gitattributes", "'.gitattributes' was changed"),
        ("100644 blob BLOB\t.gitmodules", "'.gitmodules' was changed"),
        ("100644 blob BLOB\t.mcp.json", "'.mcp.json' was changed"),
        ("120000 blob BLOB\tlink", "'link' may not come: it is a link"),
        ("160000 commit 1111111111111111111111111111111111111111\tother", "it is another repository"),
        ("100644 blob BLOB\t.GIT", "cannot be used"),
        ("100644 blob BLOB\tgit~1", "cannot be used"),
    ],
)  # fmt: skip
def test_files_that_may_not_come_unseen(second: Second, forge: Forge, entry: str, said: str) -> None:
    forge.tree(entry)
    assert said in second.deliver(code=2)


def test_a_lock_file_with_a_new_host_may_not_come_unseen(second: Second, forge: Forge) -> None:
    lock = '"resolved": "https://evil.example/x.tgz"\n'
    forge.tree("100644 blob BLOB\tpackage-lock.json", text=lock)
    assert "it takes packages from evil.example" in second.deliver(code=2)
    second.deliver("--allow", "package-lock.json", "--dry-run")


def test_a_lock_file_that_is_no_text_may_not_come_unseen(second: Second, forge: Forge) -> None:
    """Pip reads UTF-16 where a mark says so."""
    forge.tree("100644 blob BLOB\trequirements.txt", text="\ufeff-\0i\0 \0h\0t\0t\0p\0:\0")
    assert "cannot be read as text" in second.deliver(code=2)


def test_scripts_that_a_gate_runs_may_not_come_unseen(second: Second, forge: Forge) -> None:
    second.deliver("--dry-run")  # a dependency may
    forge.tree("100644 blob BLOB\tpackage.json", text=MANIFEST.replace("true", "false") % "")
    assert f"'package.json' was changed, and it is part of the gate `{GATE}`" in second.deliver(code=2)
    second.deliver("--allow", "package.json", "--dry-run")


def test_the_gate_itself_may_not_come_unseen_but_a_person_may_let_it(second: Second, forge: Forge) -> None:
    forge.tree("100644 blob BLOB\tAGENTS.md")
    assert "--allow 'AGENTS.md'" in second.deliver(code=2)
    second.deliver("--allow", "AGENTS.md")


def test_a_plan_that_nobody_reviewed(second: Second, forge: Forge) -> None:
    lines = forge.lines()
    body = json.loads(lines[0]["body"])
    body["plan_text"] = body["plan_text"].replace("Write it too", "Write it, too")
    lines[0]["body"] = json.dumps(body)
    forge.log(lines)
    assert "not the one that was approved" in second.deliver(code=2)
    body["plan_sha256"] = hashlib.sha256(body["plan_text"].encode()).hexdigest()
    lines[0]["body"] = json.dumps(body)
    forge.log(lines)
    assert "nobody has reviewed it" in second.deliver(code=2)
    second.deliver("--any-plan", "--dry-run")


def test_gates_that_the_second_job_asks_for(second: Second) -> None:
    assert "no green verdict of `make check`" in second.deliver("--gate", "make check", code=2)


def test_the_checkouts_own_gates_count_where_the_plan_names_none(second: Second, forge: Forge) -> None:
    (second.checkout / "workbench.toml").write_text('gates = ["make all"]\n')
    second.deliver("--dry-run")
    assert "`make all`" in second.deliver("--dry-run", "--any-plan", "--gate", "make all", code=2)
