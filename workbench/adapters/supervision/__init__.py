"""Commands under supervision: each has a process above it that outlives neither it nor workbench.

    workbench ── keeper ── shim ── sh -c COMMAND ── …         agents, gates, set-up commands
              └─ SDK ───── relay ── shim ── Claude Code ── …  see ``relay``

A *shim* starts one command in a session of its own and adopts whatever that leaves behind (on Linux, as
"child subreaper"): a process below it can leave its group, its session and its parent, and clear its
environment, and is still the shim's to find. When the command has exited, when workbench asks, or
when workbench is gone, killed with SIGKILL included, the shim ends all of it and waits for the last one.
That it has no child left is the proof that none is.

The *keeper* is one small process for each run. It forks a shim for each command, for a Python of its own
would cost each one 15 ms and 8 MB, a fork 1 ms and 1 MB; and it ends what a killed shim leaves.

``keeper``, ``shim``, ``relay`` and ``descendants`` run apart from workbench and import the standard library
and each other only; ``starter`` and ``kept`` are workbench's side.
"""
