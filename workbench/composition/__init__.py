"""Wires a run together: the one place that knows every adapter.

place      the repository, its settings and its state, before any run
drafting   a goal becomes a plan
planning   a plan file becomes an approved plan
runs       a plan becomes a run; a run that was cut short goes on
past       runs as the log tells them, and the proof that what landed is there
harvest    what a finished run has to bring
target     that goes to the branch it was meant for
undo       what landed is taken off that branch again
proving    if the gates are green without it
proposal   or becomes a pull request
"""
