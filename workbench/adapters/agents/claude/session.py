"""One Claude Code process working on one assignment, from its start to its certain end."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import tempfile
import uuid
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from workbench.adapters.agents.claude import launcher, processes, roles, translate
from workbench.adapters.agents.claude.binary import find_claude
from workbench.adapters.agents.claude.bubblewrap import path_with_patience
from workbench.adapters.agents.claude.fence import LEAVING, Fence
from workbench.adapters.agents.claude.permissions import Permissions
from workbench.adapters.agents.claude.sandbox import (
    claude_settings,
    forgetful,
    sandboxed,
    signing_in_settings,
)
from workbench.adapters.agents.claude.settings import ClaudeSettings
from workbench.adapters.agents.claude.team import Team
from workbench.adapters.agents.claude.tools import SERVER, tool_server
from workbench.adapters.agents.environment import SECRETS
from workbench.adapters.walls.layout import git_options
from workbench.adapters.walls.starter import make_ready
from workbench.core.models import Usage
from workbench.core.policy import SHIPPED
from workbench.engine.ports import AgentReport, Assignment, Ended, Heard, Letter, Notes, Started
from workbench.errors import AgentError, WorkbenchError

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions, ClaudeSDKClient

LARGEST_MESSAGE = 64 * 1024 * 1024
"""Bytes of one message from Claude Code: the SDK's own limit of 1 MiB ends the session at a long file."""

REFUSED_LOGINS = 3
"""After so many refused logins in a row there is no point in Claude Code's remaining retries, which go
on for three minutes. More than one, because an expired token is renewed after the first."""

PATIENCE = 3.0
"""Seconds that processes get to end by themselves before they are killed."""

# What the SDK sets itself for the child, whatever the surrounding environment says.
_SDK_OWN = {
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_AGENT_SDK_VERSION",
    "CLAUDE_CODE_SDK_READS_SESSION_STATE",
    "PWD",
}

OURS = {
    "DISABLE_AUTOUPDATER": "1",
    # Otherwise the marker tools are not among the model's tools until it searches for them.
    "ENABLE_TOOL_SEARCH": "false",
}
"""Variables every teammate starts with; the assignment's own go over them."""

TAKEN_UP_SECONDS = 10.0
"""How long after the end of a turn a text that was sent meanwhile may take to begin another."""

LOST_SESSION = (
    "Somebody began this task in this worktree and was interrupted; what they thought and said is lost, "
    "what they changed is here. Look at `git status`, `git diff` and `git log` first, keep what is good, "
    "and go on from there.\n\n"
)

GO_ON = "You were interrupted. What you were told before still holds: go on with it where it needs you."
"""To a session whose turn was cut off, and which knows why it had one."""


class Session:
    """The life of one Claude Code process. ``run`` once, in one task."""

    def __init__(
        self,
        settings: ClaudeSettings,
        assignment: Assignment,
        inbox: asyncio.Queue[Letter],
        report: Callable[[AgentReport], None],
        notes: Notes | None = None,
    ) -> None:
        self._settings = settings
        self._notes = notes
        self._assignment = assignment
        self._inbox = inbox
        self._report = report
        self._script: Path | None = None
        self._env = dict(assignment.env)
        self._home = Path(self._env.get("HOME") or "/")
        self._id = assignment.session or str(uuid.uuid4())
        self._stderr: deque[str] = deque(maxlen=20)
        self._meter = translate.Meter(Usage())
        self._permissions: Permissions | None = None
        self._busy = False
        self._over = False
        self._error: str | None = None
        self._resets_at: float | None = None
        self._unheard: list[Letter] = []  # sent, and not taken up by Claude Code yet
        self._before = ""  # what it was told in an earlier life of the session
        self._idle = False  # whether nothing told it yet to go on with that
        self._overdue: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Work until the session is over or this is cancelled; see ``ports.Agent.work``.

        After a first cancellation this still ends the process in good order; ``kill`` is for a caller
        that cannot wait for it.
        """
        try:
            # Half a second of imports; in a thread, so that other teammates go on meanwhile.
            await asyncio.to_thread(importlib.import_module, "claude_agent_sdk")
            # It logs what it also raises, and an ended process as a fatal error; all that is reported here.
            logging.getLogger("claude_agent_sdk").setLevel(logging.CRITICAL)
            with tempfile.TemporaryDirectory(
                prefix="workbench-claude-", dir=self._settings.launchers, ignore_cleanup_errors=True
            ) as folder:
                await self._live(Path(folder))
        except WorkbenchError as error:
            self._end(" ".join(part for part in (str(error), error.hint) if part))
        except OSError as error:
            self._end(f"Claude Code could not be started: {error}.")

    def opening(self, lost: bool) -> str:
        """What the session begins with; "" where it waits for the first letter. ``lost`` is the session that
        it was to go on with."""
        return LOST_SESSION + self._assignment.brief if lost else self._assignment.brief

    def kill(self) -> None:
        """Kill the process and all that it started, at once. Blocks for a moment; safe to call twice."""
        if self._script is not None:
            launcher.kill(self._script)
        processes.end(processes.family(None, self._nonce()), patience=0.0)

    async def _live(self, folder: Path) -> None:
        client: ClaudeSDKClient | None = None
        prompt = self.opening(lost=False)
        try:
            if self._assignment.session is not None:
                self._meter = translate.Meter(translate.used_before(self._env, self._id))
                self._before = translate.told_before(self._env, self._id)
                client = await self._connected(await self._options(folder, resume=True))
                if client is None:
                    self._meter = translate.Meter(Usage())
                    self._before = ""
                    self._id = str(uuid.uuid4())
                    self._stderr.clear()
                    prompt = self.opening(lost=True)
            if client is None:
                client = await self._connected(await self._options(folder, resume=False))
            if client is None:
                raise AgentError(f"Claude Code could not be started: {self._last_words()}.")
            assert self._script is not None
            self._report(Started(pid=await launcher.up(self._script), session=self._id))
            await self._converse(client, prompt)
        finally:
            await self._close(client)

    async def _options(self, folder: Path, *, resume: bool) -> ClaudeAgentOptions:
        from claude_agent_sdk import ClaudeAgentOptions, HookMatcher

        given = self._assignment
        path = self._env.get("PATH")
        in_sandbox = await sandboxed(self._settings, path)
        signing_in = signing_in_settings(self._env)
        env = {**OURS, **signing_in.pop("env", {}), **self._env}
        if not in_sandbox:
            env["CLAUDE_ENV_FILE"] = str(forgetful(folder))
        elif (patient := path_with_patience(folder, given.worktree, path, self._narrower())) is not None:
            env["PATH"] = patient
        self._script = launcher.write_launcher(
            folder, find_claude(self._settings.claude, path), set(os.environ) - set(env) - _SDK_OWN
        )
        tools = roles.only(given.plays)
        fence = Fence(
            given.worktree,
            self._home,
            sandboxed=in_sandbox,
            tools=tools,
            without=roles.without(given.plays),
            locked=given.read_only,
            logins=self._env.get("CLAUDE_CONFIG_DIR", ""),
        )
        team = Team(given.worktree, given.nonce, given.consult)
        self._permissions = Permissions(
            fence,
            self._settings,
            self._report,
            team,
            policy=given.policy or SHIPPED,
            asks_unruled=given.asks_unruled,
        )
        return ClaudeAgentOptions(
            cli_path=self._script,
            cwd=given.worktree,
            env=env,
            model=given.model,
            resume=self._id if resume else None,
            session_id=None if resume else self._id,
            # Counted from the start of the process, also in a session that goes on with an earlier one.
            max_budget_usd=given.budget_usd,
            system_prompt=roles.system_prompt(given.plays),
            tools=None if tools is None else sorted(tools),
            permission_mode="acceptEdits",
            can_use_tool=self._permissions.can_use_tool,
            hooks={"PreToolUse": [HookMatcher(hooks=[self._permissions.before_tool], on_failure="block")]},
            disallowed_tools=sorted(LEAVING | roles.without(given.plays)),
            mcp_servers={SERVER: tool_server(given.worktree, given.nonce, given.teammates, self._notes)},
            strict_mcp_config=True,
            # Of a repository that nobody trusts neither settings nor CLAUDE.md: they would run and steer.
            setting_sources=list(self._settings.setting_sources) if given.trusted else [],
            settings=claude_settings(
                self._settings,
                in_sandbox=in_sandbox,
                home=self._home,
                signing_in=signing_in,
                kept=self._kept(folder),
                logins=self._env.get("CLAUDE_CONFIG_DIR", ""),
            ),
            # Plans and messages are text: an @path in them must not pull in a file, a / not be a command.
            verbatim_prompts=True,
            max_buffer_size=LARGEST_MESSAGE,
            # Every text comes back when it is taken up: so a turn's end is known from one more turn's.
            extra_args={"replay-user-messages": None},
            stderr=self._stderr.append,
        )

    def _narrower(self) -> list[str]:
        """What is taken from commands in the sandbox that Claude Code's own would leave them of git."""
        if (ground := self._settings.ground) is None:
            return []
        make_ready(ground, self._assignment.worktree, "teammate")
        return git_options(ground, self._assignment.worktree)

    def _kept(self, folder: Path) -> list[Path]:
        """What commands in the sandbox must not write to: what stands here runs, or is believed, outside
        it, and may lie in the repository's ``.git``, where they commit."""
        state = self._env.get("WORKBENCH_STATE")
        kept = [folder, *([Path(state)] if state else [])]
        return [place for place in kept if not self._assignment.worktree.is_relative_to(place)]

    async def _connected(self, options: ClaudeAgentOptions) -> ClaudeSDKClient | None:
        """A client whose process is up, or None when it did not come up (``_stderr`` says why)."""
        from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError

        client = ClaudeSDKClient(options)
        try:
            await client.connect()
        except ClaudeSDKError as error:
            self._stderr.append(str(error).partition("\nError output")[0])
            return None
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception when its handshake fails
            self._stderr.append(str(error))
            return None
        return client

    async def _converse(self, client: ClaudeSDKClient, prompt: str) -> None:
        self._idle = not prompt
        if prompt:
            await self._send(client, Letter(prompt, self._assignment.messages))
        try:
            async with asyncio.TaskGroup() as group:
                feeding = group.create_task(self._feed(client))
                await self._listen(client)
                feeding.cancel()
        finally:
            self._due()

    async def _send(self, client: ClaudeSDKClient, letter: Letter) -> None:
        self._busy = True
        self._unheard.append(letter)
        await client.query(letter.text)

    def _due(self) -> None:
        """Something came, or nothing will: no turn is overdue any more."""
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None

    async def _feed(self, client: ClaudeSDKClient) -> None:
        from claude_agent_sdk import ClaudeSDKError

        while True:
            letter = await self._inbox.get()
            if letter.unlocks and self._permissions is not None:
                self._permissions.unlock()
            known = (letter.known_by or letter.text).strip()
            if letter.messages and known in self._before:  # a crash came before we heard of it
                self._report(Heard(letter.messages))
                if self._busy and not self._idle:
                    continue
                letter, self._idle = Letter(GO_ON), False  # the turn that took it up was cut off
            try:
                await self._send(client, letter)
            except ClaudeSDKError:
                return  # the process is gone; whoever listens to it reports that

    async def _listen(self, client: ClaudeSDKClient) -> None:
        from claude_agent_sdk import ClaudeSDKError, ProcessError

        try:
            stream = cast("AsyncGenerator[Any, None]", client.receive_messages())
            async with aclosing(stream) as messages:
                async for message in messages:
                    self._take(message)
                    if self._over:
                        return
        except ProcessError as error:
            code = error.exit_code
            how = (
                f"was killed by signal {-code}"
                if code is not None and code < 0
                else f"ended with exit code {code}"
            )
            self._end(f"Claude Code {how} in the middle of the session. {self._last_words()}".strip(), code)
        except ClaudeSDKError as error:
            self._end(f"Claude Code said something that could not be understood: {error}")
        else:
            self._end("Claude Code ended the session by itself.", 0)

    def _take(self, message: Any) -> None:
        from claude_agent_sdk import (
            AssistantMessage,
            RateLimitEvent,
            ResultMessage,
            SystemMessage,
            UserMessage,
        )

        self._due()
        if isinstance(message, UserMessage):
            self._taken_up(message.content)
        elif isinstance(message, AssistantMessage):
            self._error = message.error
            for report in translate.heard(message):
                self._report(report)
            for name, given in translate.used(message):
                if self._permissions is not None:
                    self._permissions.used(name, given)
        elif isinstance(message, ResultMessage):
            self._turn_ended(message)
        elif isinstance(message, RateLimitEvent):
            if limit := translate.limited(message):
                self._resets_at = float(message.rate_limit_info.resets_at or 0)
                self._report(limit)
            elif message.rate_limit_info.status == "allowed":  # the limit was lifted
                self._resets_at = None
        elif isinstance(message, SystemMessage) and message.subtype == "api_retry":
            self._report(retry := translate.retried(message))
            if retry.status == 401 and int(message.data.get("attempt") or 0) >= REFUSED_LOGINS:
                self._end(
                    translate.SIGN_IN.format(said="the model's API refused the key or token"), login=True
                )

    def _taken_up(self, content: Any) -> None:
        """Claude Code gives back what it takes up; texts that waited together come back as one."""
        parts = [content] if isinstance(content, str) else [getattr(part, "text", "") for part in content]
        said = "\n".join(parts)
        taken = [letter for letter in self._unheard if letter.text.strip() in said]
        self._unheard = [letter for letter in self._unheard if letter not in taken]
        if messages := tuple(name for letter in taken for name in letter.messages):
            self._report(Heard(messages))

    def _turn_ended(self, result: Any) -> None:
        self._busy = False
        self._meter.count(result)
        self._id = result.session_id
        assert self._permissions is not None
        self._permissions.denied_elsewhere(result.permission_denials or [])
        ended = translate.ended(
            result, self._meter.usage, self._error, self._assignment.budget_usd, self._resets_at
        )
        self._error = None
        self._over = not ended.live
        if ended.live and self._unheard:
            # A text came too late for this turn, so there will be another, and its end is the one to
            # report. Should none come after all, this was the end.
            self._busy = True
            loop = asyncio.get_running_loop()
            self._overdue = loop.call_later(TAKEN_UP_SECONDS, self._report, ended)
            return
        self._report(ended)

    def _end(self, error: str, exit_code: int | None = None, *, login: bool = False) -> None:
        if not self._over:
            self._over = True
            self._report(
                Ended(
                    live=False,
                    error=self._without_secrets(error),
                    login=login,
                    exit_code=exit_code,
                    usage=self._meter.usage,
                    session=self._id,
                )
            )

    async def _close(self, client: ClaudeSDKClient | None) -> None:
        """End the process in good order, then see that nothing of it is left."""
        if client is not None:
            if self._busy and self._script is not None:
                launcher.ask_to_end(self._script)
            await client.disconnect()  # waits for the relay, and so for all below it
        if self._script is not None and launcher.shim_pid(self._script) is not None:
            await asyncio.to_thread(launcher.kill, self._script)
        # Where there was no shim to the end, or none that can know: what still carries the nonce.
        members = await asyncio.to_thread(processes.family, None, self._nonce())
        await asyncio.to_thread(processes.end, members, PATIENCE)

    def _nonce(self) -> str:
        return self._env.get(processes.NONCE, "")

    def _last_words(self) -> str:
        return self._without_secrets(" ".join(list(self._stderr)[-3:])[:500]).rstrip(".")

    def _without_secrets(self, text: str) -> str:
        for name in SECRETS:
            value = self._env.get(name, "")
            if len(value) >= 8:
                text = text.replace(value, f"<{name}>")
        return text
