"""Settings: WORKBENCH_* in the environment, over the repository's settings file, over defaults.

The file is ``workbench.toml``, or ``[tool.workbench]`` in ``pyproject.toml`` where there is none. The
three are merged here rather than by pydantic-settings: that costs 75 ms of every command, and an
error should name the file or variable that the bad value came from.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from workbench.core.forge import is_forge_token
from workbench.core.loosening import PROTECTING
from workbench.errors import UsageError, plainly

FILE = "workbench.toml"
PREFIX = "WORKBENCH_"

IN_A_GATE = ("WORKBENCH_GATE", "1")
"""What a gate gets; any other value is a slip for WORKBENCH_GATES."""

KEYS = {"copy": "copy_files", "link": "link_files"}
"""Settings that cannot be fields under the name people write, and the fields they are."""

ATTEMPT_VARIABLES = frozenset(
    {"RUN", "TASK", "ATTEMPT", "NONCE", "ROLE", "PHASE", "TEAMMATE", "WORKTREE", "BRIEF", "STATE", "WALLED"}
)
"""What follows WORKBENCH_ in the variables that a teammate gets: never settings."""


def _lines(value: object) -> object:
    """Read a list from one string: a JSON list, or an item on each line (commands hold commas)."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"is not a JSON list: {error}") from None
    return [line.strip() for line in value.splitlines() if line.strip()]


def _gate_slots() -> int:
    """Half the cores, since agents need the rest; two at least, so that a landing never waits for the
    slow gate of somebody else's work, and not more than four."""
    return max(2, min(4, (os.cpu_count() or 1) // 2))


def _worktree_root() -> Path:
    import platformdirs

    return platformdirs.user_state_path("workbench") / "worktrees"


Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
"""Several strings; one string stands for its lines."""


class PolicySettings(BaseModel):
    """The repository's own rules of the permission policy: see ``core.policy``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    allow: Lines = ()
    ask: Lines = ()
    deny: Lines = ()
    defaults: bool = True

    @field_validator("allow", "ask", "deny")
    @classmethod
    def _rules(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        from workbench.core.policy import problem

        for rule in rules:
            if reason := problem(rule):
                raise ValueError(f"holds what is no rule: {reason}")
        return rules


def _table(value: object) -> object:
    """Read a table from one string, as the environment has it: JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


class Settings(BaseModel):
    """What a repository and its user want of every run. Frozen; made by ``load``."""

    # No infinite numbers: JSON, which the log is in, has none, and the run could not be read again.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False, allow_inf_nan=False)

    team: int = Field(3, ge=1, le=1000, description="How many teammates work at once.")
    agent: str = Field(
        "claude",
        description="`claude` for Claude Code, or `command:CMD` for any program that takes a brief on stdin.",
    )
    gates: Lines = Field((), description="Commands that must exit 0 on a tree before it is published.")
    setup: Lines = Field(
        (),
        description="Commands run once in each new worktree, `npm ci` for example; what they leave running "
        "is ended.",
    )
    copy_files: Lines = Field(
        (), description="Ignored files copied from the checkout into each new worktree, `.env` for example."
    )
    link_files: Lines = Field(
        (), description="Ignored files or folders that each worktree links to instead of copying."
    )
    sparse: bool = Field(
        False, description="Check out only what a task's `files` name; for big repositories."
    )
    model: str | None = Field(
        None, description="The model teammates use; Claude Code's own choice if not set."
    )
    budget_usd: float | None = Field(
        None, gt=0, description="Start no new attempts once a run has cost this many US dollars."
    )
    task_budget_usd: float | None = Field(
        None, gt=0, description="Give a task up once its attempts have cost this many US dollars."
    )
    attempts: int = Field(3, ge=1, le=20, description="How often a task is tried before it is given up.")
    repairs: int = Field(
        3, ge=0, le=20, description="How often the output of a red gate goes back into one live session."
    )
    idle_seconds: float = Field(
        1800.0, ge=0, description="An agent that says and writes nothing for so long is nudged; 0 for never."
    )
    attempt_seconds: float = Field(
        14400.0, ge=0, description="An agent that is at one attempt for so long is nudged; 0 for never."
    )
    nudge_seconds: float = Field(
        300.0, gt=0, description="An agent that was nudged is stopped after this, if nothing came of it."
    )
    retry_seconds: float = Field(
        5.0, ge=0, description="A task whose agent broke waits for this, doubled each time, up to 300."
    )
    batch: int = Field(
        8,
        ge=1,
        le=100,
        description="How many tasks may land at once: green together, they cost one gate run.",
    )
    gate_seconds: float = Field(1800.0, gt=0, description="A gate that runs longer than this is red.")
    gate_slots: int = Field(
        default_factory=_gate_slots, ge=1, le=64, description="How many gates run at the same time."
    )
    gate_cache: Lines = Field(
        (), description="Ignored paths that gates may keep from one to the next, `target/` for example."
    )
    gate_junit: Lines = Field(
        (), description="Where gates write JUnit XML, as globs in the worktree: `reports/*.xml` for example."
    )
    quarantine: Lines = Field(
        (),
        description="Tests whose failure alone does not make a gate red: names with `*` and `?`, "
        "`tests/test_net.py::test_slow` for example.",
    )
    salvage: Lines = Field(
        (),
        description="Ignored files worth keeping when a worktree is reset or removed, as globs: `notes/**`, "
        "`*.sqlite`. They go into snapshots, never into what lands.",
    )
    worktree_root: Path = Field(
        default_factory=_worktree_root, description="The folder, outside the repository, for the worktrees."
    )
    claude: str = Field(
        "bundled",
        description="Which Claude Code: `bundled` with workbench, the one on `path`, or an absolute path.",
    )
    sandbox: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Run teammates' commands, gates and set-up in a sandbox: where there is one, always, or "
        "never.",
    )
    sandbox_write: Lines = Field(
        (),
        description="Places that sandboxed commands may write to besides their worktree; `~` is your home, "
        "a relative path one in the checkout (what `link` names, for example).",
    )
    sandbox_read: Lines = Field(
        (), description="Hidden places, such as `~/.npmrc`, that sandboxed commands may read after all."
    )
    gate_network: bool = Field(
        False, description="Let sandboxed gates reach the network; they have loopback either way."
    )
    sandbox_domains: Lines = Field(
        (), description="Hosts that sandboxed commands may reach and Claude teammates may read."
    )
    trust: Literal["ask", "always", "never"] = Field(
        "ask",
        description="Load what the repository has for agents and git (CLAUDE.md, `.claude`, hooks, filters):"
        " `ask` once on a terminal and do without where nobody is there, `always`, or `never`. A repository's"
        " own file cannot say `always`.",
    )
    # A page can tell an agent that nobody watches to carry what it knows to another page.
    web: bool = Field(
        False, description="Let Claude teammates read any web page; they can search the web either way."
    )
    env: Lines = Field(
        (), description="Names of further environment variables that teammates, gates and set-up get."
    )
    on_question: Literal["proceed", "ask", "hold", "fail"] = Field(
        "proceed",
        description="A question for a person: `proceed` by best judgement, `ask` and wait for a while, `hold`"
        " the task until there is an answer, or `fail` it.",
    )
    on_plan: Literal["approve", "ask", "hold"] = Field(
        "hold",
        description="A plan that a person is to approve: `approve` it unseen, `ask` and wait for a while, or"
        " `hold` the task until there is an answer.",
    )
    on_permission: Literal["deny", "ask"] = Field(
        "deny",
        description="A tool use that no rule allows Claude teammates: `deny` it, or `ask` the person.",
    )
    policy: Annotated[PolicySettings, BeforeValidator(_table)] = Field(
        PolicySettings(),
        description="What Claude teammates may use: a table with `allow`, `ask` and `deny`, lists of rules "
        "such as `Bash(git push *)`; `defaults = false` leaves the shipped ones out. See `workbench policy`.",
    )
    answer_seconds: float = Field(
        600.0, ge=0, description="How long who asks waits for an answer before it goes on by best judgement."
    )
    topology: Literal["star", "hierarchical", "mesh"] = Field(
        "star",
        description="Who may write to whom: through the lead, also to who works on a related task, or all to"
        " all.",
    )
    lead: Literal["", "claude"] = Field(
        "",
        description="`claude` for a session that answers teammates' questions; empty for none: they go to a"
        " person.",
    )
    message_quota: int = Field(
        40, ge=0, description="Messages one attempt may write; one to all counts once for each who gets it."
    )
    on_join: Literal["ask", "approve", "reject"] = Field(
        "ask",
        description="Somebody wants to join by `workbench join`: `ask` you, `approve` it, or `reject` it.",
    )
    write_back: bool = Field(
        False,
        description="Tick the boxes in your plan file as tasks land; the run's own copy has them anyway.",
    )
    on_change: Literal["ask", "ignore"] = Field(
        "ask",
        description="A plan file that is changed during a run: `ask` whether the run's plan shall change, or"
        " `ignore` it.",
    )
    guarded: Lines = Field(
        (),
        description="Globs of more files that nobody's work may change without a person's word: `infra/**`.",
    )
    on_guarded: Literal["hold", "allow"] = Field(
        "hold",
        description="Work that changes workflows, hooks, agents' instructions or what the gates are: `hold`"
        " it until a person says yes, or `allow` it.",
    )
    secrets: Literal["hold", "allow"] = Field(
        "hold",
        description="Work that seems to add a secret: `hold` it until a person says yes, or `allow` it.",
    )
    plain: bool = Field(
        False,
        description="Show runs as lines of words only, for screen readers; `WORKBENCH_PLAIN=1` anywhere.",
    )
    note_decay: float = Field(
        0.95,
        gt=0,
        le=1,
        description="What is left of a shared note's strength after half a minute of run time; 1 for all.",
    )
    note_floor: float = Field(0.01, ge=0, le=1, description="The strength below which no shared note fades.")
    deadline_minutes: float | None = Field(
        None,
        ge=0,
        description="Stop a run after so many minutes, so that it can be resumed; 0 for never. If not set:"
        " never, and after 340 in a job on GitHub's own runners.",
    )
    keep_worktrees: bool = Field(False, description="Keep the worktrees when the run has finished.")
    bell: bool = Field(
        True, description="Ring the terminal's bell when something waits for you, and when a run ends."
    )
    notify: bool = Field(
        False, description="Show that on the desktop too; needs `pip install 'workbench[notify]'`."
    )
    theme: str = Field(
        "",
        description="The viewer's colours, `nord` or `ansi-light` for example; dark if empty, or light where"
        " the terminal says it is.",
    )

    @field_validator("agent")
    @classmethod
    def _known_agent(cls, agent: str) -> str:
        kind, colon, command = agent.partition(":")
        if agent == "claude" or (kind == "command" and colon and command.strip()):
            return agent
        raise ValueError("should be `claude` or `command:` followed by the command to run")

    @field_validator("claude")
    @classmethod
    def _known_claude(cls, claude: str) -> str:
        if claude in ("bundled", "path") or Path(claude).is_absolute():
            return claude
        raise ValueError("should be `bundled`, `path` or an absolute path")

    @field_validator("worktree_root", mode="after")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        if not (expanded := folder.expanduser()).is_absolute():
            raise ValueError("should be an absolute path, or begin with `~`")
        return expanded

    @field_validator("gates", "setup")
    @classmethod
    def _commands(cls, commands: tuple[str, ...]) -> tuple[str, ...]:
        if any(not command.strip() or "\0" in command for command in commands):
            raise ValueError("holds an empty command")
        return commands

    @field_validator("copy_files", "link_files", "gate_cache", "gate_junit", "salvage")
    @classmethod
    def _inside(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            parts = PurePosixPath(path).parts
            if not parts or path.startswith(("/", "~")) or ".." in parts or ".git" in parts or "\0" in path:
                raise ValueError(f"{path!r} is not a path inside the repository")
        return paths

    @field_validator("gate_junit")
    @classmethod
    def _globs(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        for glob in globs:
            if any("**" in part and part != "**" for part in PurePosixPath(glob).parts):
                raise ValueError(f"{glob!r} has a `**` that is no folder of its own")
        return globs

    @field_validator("quarantine")
    @classmethod
    def _tests(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        from workbench.core.quarantine import names_all

        for pattern in patterns:
            if names_all(pattern):
                raise ValueError(f"{pattern!r} would excuse every test, or none")
        return patterns

    @field_validator("env")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                raise ValueError(f"{name!r} is not the name of an environment variable")
            if is_forge_token(name):
                raise ValueError(f"names {name}, a code host's token, which no teammate or gate may have")
        return names


def key_of(field: str) -> str:
    """The name people write for a field of Settings: ``copy`` for ``copy_files``."""
    return next((key for key, name in KEYS.items() if name == field), field)


def load(root: Path, env: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """The settings for the repository whose top level is ``root``.

    ``env`` stands for the environment (the process's own by default). ``overrides`` are fields given on the
    command line; None means not given. Raises UsageError that names the file or variable and the key.
    """
    layers = [
        from_file(root),
        ("the environment", _from_env(os.environ if env is None else env)),
        ("the command line", {name: value for name, value in overrides.items() if value is not None}),
    ]
    values: dict[str, object] = {}
    origin: dict[str, str] = {}
    for where, layer in layers:
        values.update(layer)
        origin.update(dict.fromkeys(layer, where))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0])
        raise _bad_value(origin.get(field, "settings"), field, first) from None


def own_word(root: Path, env: Mapping[str, str] | None = None, given: Collection[str] = ()) -> frozenset[str]:
    """The fields that the repository's settings file decides: neither ``env`` (the process's own by default)
    nor the command line, which has ``given``, says anything of them."""
    _, said = from_file(root)
    return frozenset(said.keys() - _from_env(os.environ if env is None else env).keys() - set(given))


def narrowed(settings: Settings, own: Collection[str]) -> tuple[Settings, tuple[str, ...]]:
    """The settings without those by which a file that nobody trusts would loosen protection, and the names of
    these as people write them. ``own`` are the fields that the file decides; see ``core.loosening``."""
    instead: dict[str, object] = {}
    for field in (name for name in PROTECTING if name in own):
        value = getattr(settings, field)
        safe: object = Settings.model_fields[field].get_default(call_default_factory=True)
        if isinstance(value, PolicySettings):  # what it asks about and denies only narrows
            safe = value.model_copy(update={"allow": (), "defaults": True})
        if PROTECTING[field].loosens(value, safe):
            instead[field] = safe
    return settings.model_copy(update=instead), tuple(map(key_of, instead))


def from_file(root: Path) -> tuple[str, dict[str, object]]:
    """The name of the repository's settings file and what it sets, by field; an empty name for none."""
    table = _read(root / FILE)
    if table is not None:
        return FILE, _known(FILE, table)
    table = ((_read(root / "pyproject.toml") or {}).get("tool") or {}).get("workbench")
    if table is None:
        return "", {}
    where = "[tool.workbench] in pyproject.toml"
    if not isinstance(table, dict):
        raise UsageError(f"{where} is not a table.", "Write the settings under a heading [tool.workbench].")
    return where, _known(where, table)


def settings_table() -> str:
    """Every setting with its default and meaning, as a Markdown table."""
    rows = ["| setting | default | what it does |", "| --- | --- | --- |"]
    for field, info in Settings.model_fields.items():
        rows.append(f"| `{key_of(field)}` | {_default(field)} | {info.description} |")
    return "\n".join(rows) + "\n"


def _default(field: str) -> str:
    computed = {
        "gate_slots": "half the cores, 2 to 4",
        "worktree_root": "`workbench/worktrees` in the user's state folder",
    }
    if field in computed:
        return computed[field]
    value = Settings.model_fields[field].default
    if value is None:
        return "not set"
    if isinstance(value, BaseModel):
        return "the shipped rules"
    return f"`{json.dumps(value)}`"


def _read(path: Path) -> dict[str, Any] | None:
    """A TOML file, or None where there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
        import tomllib  # most repositories have no such file

        return tomllib.loads(text)
    except FileNotFoundError:
        return None
    except ValueError as error:  # no TOML, or no UTF-8
        raise UsageError(f"{path.name} is not valid TOML: {error}.", "Correct it and try again.") from None
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}.", f"Look at {path}.") from None


def _known(where: str, table: Mapping[str, object]) -> dict[str, object]:
    """What a table sets, by field; every key must be a setting."""
    known = {key_of(field): field for field in Settings.model_fields}
    for key in table:
        if key not in known:
            raise UsageError(f"{where} has an unknown setting `{key}`.", _did_you_mean(key, list(known)))
    if table.get("trust") == "always":
        raise UsageError(
            f'{where} says trust = "always", and a repository cannot vouch for itself.',
            "Take that out; to trust it, run `workbench trust`, or set WORKBENCH_TRUST=always yourself.",
        )
    return {known[key]: value for key, value in table.items()}


def _from_env(env: Mapping[str, str]) -> dict[str, object]:
    """What WORKBENCH_* sets, by field. A name that is nearly a setting's is refused as a slip;
    others are left alone, since the prefix may serve other programs too."""
    known = {PREFIX + key_of(field).upper(): field for field in Settings.model_fields}
    values: dict[str, object] = {}
    for name, value in env.items():
        if name in known:
            values[known[name]] = value
        elif (name, value) == IN_A_GATE:
            continue
        elif name.startswith(PREFIX) and name.removeprefix(PREFIX) not in ATTEMPT_VARIABLES:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
            if close:
                raise UsageError(
                    f"{name} in the environment is not a setting.",
                    f"Did you mean {close[0]}? If not, unset it.",
                )
    return values


def _did_you_mean(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f"Did you mean `{close[0]}`?" if close else f"Settings are: {', '.join(known)}."


def _bad_value(where: str, field: str, problem: Any) -> UsageError:
    key = key_of(field)
    name = PREFIX + key.upper() if where == "the environment" else f"`{key}`"
    meaning = Settings.model_fields[field].description if field in Settings.model_fields else ""
    words = plainly(str(problem["msg"]))
    separator = " " if words.startswith(("is ", "should ", "holds ")) else ": "
    given = f", not {_shown(problem['input'])}" if words.startswith("should ") else ""
    hint = f"`{key}`: {meaning}" if meaning else "See the table of settings in the README."
    return UsageError(f"{name} in {where}{separator}{words}{given}.", hint)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
