"""The crash sweep: a plan is run again and again, each time with one fault more or another one.

    world    a clone of a repository in a folder of its own, and commands in it with a fault ordered
    plan     what is run: the short plan built in, or any plan with a teammate that edits by itself
    faults   which fault strikes where, as text that replays it
    checks   what must hold afterwards
    sweep    all of it, one fault after another

Nothing of this touches the user's repository, nor a model.
"""
