"""Claude Code's own teams, as values: a run written as one, and a plan made of one. Pure.

Below Claude Code's configuration folder (``CLAUDE_CONFIG_DIR``, or ``~/.claude``) a team is

    teams/TEAM/config.json           name, createdAt (milliseconds), leadAgentId, and members: agentId
                                     (``NAME@TEAM``), name, agentType, model, joinedAt, tmuxPaneId, cwd,
                                     subscriptions, backendType
    teams/TEAM/inboxes/NAME.json     a list of from, text, timestamp (ISO 8601), read, color, summary
    tasks/TEAM/N.json                id, subject, description, activeForm, owner, status (pending,
                                     in_progress, completed), blocks, blockedBy, metadata
    tasks/TEAM/.highwatermark        the highest id that was ever given

The format is experimental and not documented. This is what Claude Code 2.1.329 has in its program (the
schemas by which it checks a task and an entry of an inbox, the code that makes a team), held against what it
does with such files. With ``CLAUDE_CODE_TASK_LIST_ID=TEAM`` (and, for models to which it gives no task tools
of its own accord, ``CLAUDE_CODE_ENABLE_TODO_TOOLS=1``) its TaskList, TaskGet and TaskUpdate work on tasks
written here, and keep their metadata. With ``--team-name TEAM --agent-name NAME --agent-id NAME@TEAM`` it
takes the task list of that team, and adds to its inboxes, keeping what is there.
tests/e2e/test_claudeteam.py holds both. Not seen: how an interactive session shows such a team, and letters
put before the model; in a session where nobody sits they stayed unread.

    outgoing    the files of a team, from a run
    incoming    a plan, from the files of a team
"""
