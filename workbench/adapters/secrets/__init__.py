"""Secrets in what work adds, found by detect-secrets: in a process of its own, for its patterns meet text
that anybody may have written, and one that takes too long can then be ended. It asks nobody whether a secret
is valid: nothing of it goes to the network.

``worker`` is the only place that imports the library; ``search`` starts it when a line is first worth a look.
"""
