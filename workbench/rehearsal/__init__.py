"""The rehearsal: a scripted Messages API on loopback that the real Claude Code runs against.

Everything Claude Code does is real (tools, permissions, hooks, sessions, retries); only the model is
scripted. ``script`` is the format, ``play`` finds the next answer for a conversation, ``wire`` writes it
as the API would, ``faults`` does that wrong on purpose, ``server`` serves it. ``author`` writes a script
for any plan, and ``edit`` and ``mend`` are what its teammates do to files.
"""
