"""The user's git repository, one file per git noun.

repository      where it is and what state it is in: ``open_repository``
process         running git: one command in a small thread pool
conversation    a long-lived git that answers questions
objects         reading any object through one ``cat-file``; writing commits without a process
refs            compare-and-swap and pins
attributes      a commit's ``.gitattributes``, put where merging looks for them
merges          merges in memory through one ``merge-tree``
probes          trial merges of work in progress, of which nothing is kept
diffs           which paths differ, through one ``diff-tree``
patches         diffs for people to read, of a worktree and between commits
plumbing        these together: the ``Git`` port
administration  git's own folder for a linked worktree: made, checked, mended, removed
reffiles        all refs, read from their files again and again
guard           what no attempt has business with: the ``Guard`` port
target          a branch of the user's own and the checkout that shows it, for `workbench land`
status          what ``git status`` says, read
placeholders    what sandboxes leave behind, and what never reaches a commit
excludes        our block in ``info/exclude``
furnishing      copied and linked files, set-up commands
mending         a worktree that names what is gone, made workable again
carrying        earlier work, merged into a worktree that starts anew
locks           which lock files nobody will remove any more
pins            what keeps a run's commits reachable
salvage         what a worktree holds, kept before it is reset or removed
snapshots       committing what was left uncommitted
worktrees       the teammates' worktrees: the ``Worktrees`` port
checkouts       the gates' worktrees: the ``Checkouts`` port
copies          a commit's files apart from the repository, for reading
offers          which gates a commit shows

GitPython is imported only here, lazily, and none of its objects outlives the call that made it.
"""
