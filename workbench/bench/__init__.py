"""workbench beside a naive shell script, on the same tasks, in one run, on this machine.

    trial    a repository, a plan and the script: what both sides get
    measure  running both sides in turn; walls, CPU and memory
    merging  what a candidate costs without its gates, beside ``git merge``
    mail     how long a message is on its way to a teammate at work

Ratios hold from machine to machine better than seconds do, so both sides are run in turn and the
median of each counts.
"""
