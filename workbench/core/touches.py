"""What in somebody's work needs a person's word, as a value."""

# Annotations are not postponed here: see core.models.

from workbench.core.models import Value

MERGED = "merged"
"""Stands for the contents of a file that came to be by a merge."""


class Touch(Value):
    """A file that work changes, and why a person should see it. ``blob`` is what the file is then, its mode
    and object id, empty where it is gone; a yes holds for exactly that. With a ``secret``, which is the kind
    of it, the file holds one in ``line``, or held it in a commit on the way."""

    path: str
    why: str
    blob: str = ""
    line: int = 0
    secret: str = ""
