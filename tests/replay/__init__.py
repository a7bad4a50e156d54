"""Every two-parent merge of a repository's history, made again by the code that makes landings.

    python -m tests.replay REPO [--limit N] [--json]

Each merge is made twice: by ``Plumbing.merge``, as a landing makes it, and by a ``git merge-tree`` process
of its own. Where git's merge is clean, the two trees have to be the same, bit for bit. Where it is not, the
rungs of the conflict ladder are asked for their proposals, and the first (which a landing would gate first)
is compared with what people committed.

    history   the merges, and a scratch repository that borrows REPO's objects, so that REPO stays as it is
    trial     one merge, made twice, and what the rungs say to its conflicts
    tally     the sum of it all, as text and as JSON

Exit codes: 0, 1 when a merge differs from git's, 2 when the input cannot be replayed.
"""
