"""The red team: teammates that try to get out, and what came of it.

``escapes`` has the words: an ``Escape`` is one deed and the question whether it took effect, an ``Outcome``
what a run made of it. ``commands`` does the deeds with hostile command agents, ``claude`` with the real
Claude Code on a hostile model; each gives ``outcomes(place) -> list[Outcome]``. ``python -m tests.redteam``
runs both and prints one table.
"""
