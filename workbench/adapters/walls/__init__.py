"""The operating system's walls around commands that workbench starts: teammates, gates, set-up.

``bubblewrap`` tells whether there can be any, ``places`` where secrets and doors to other programs are,
``layout`` says what a command sees (bubblewrap's options), ``starter`` starts commands behind them. Claude
Code's own sandbox, around its Bash tool, goes by the same settings and is in ``agents.claude.sandbox``; of
git it leaves a command the same, by ``layout.git_options``.

What a command behind them can do:

- read the whole file system, but for secrets, sockets of programs that would act for it, workbench's state,
  and other worktrees of workbench's; of the machine's processes it sees its own only;
- write its worktree, a private /tmp and caches, and what ``sandbox_write`` names;
- of git, as a teammate: make objects, and move HEAD and branches below ``refs/heads/workbench/RUN/``. Git
  makes a lock next to a ref, so one branch of that folder cannot be given without the others: those are put
  back by the guard (``engine.guarding``). Objects that are not in packs can be deleted by who is set on it.
- reach the network, except for a gate, which has loopback only unless ``gate_network`` is set.
"""
