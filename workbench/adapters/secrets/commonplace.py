"""Passwords that everybody knows: what examples, tests and local databases are full of."""

from __future__ import annotations

import re

KNOWN = frozenset({
    "admin", "changeit", "changeme", "default", "dev", "development", "docker", "dummy", "elastic", "example",
    "fake", "foo", "bar", "foobar", "guest", "hunter2", "letmein", "local", "localhost", "mariadb", "minio",
    "minioadmin", "mock", "mysql", "none", "null", "pass", "passwd", "password", "placeholder", "postgres",
    "postgresql", "qwerty", "rabbitmq", "redis", "root", "sa", "sample", "secret", "test", "testing", "tests",
    "toor", "user", "username", "wrong", "xxx", "your-password", "yourpassword",
})  # fmt: skip
"""In small letters, without what may stand around or behind: ``Test123`` is ``test``."""

LONGEST = 40
"""Characters. What is longer is none of them, and a pattern may look at it for long."""


def is_commonplace(secret: str) -> bool:
    """Whether nobody is kept out by ``secret``."""
    if len(secret) > LONGEST:
        return False
    whole = secret.casefold().strip("<>[]*").replace("_", "-")
    return whole in KNOWN or re.sub(r"[-!.]*\d{0,4}[-!.]*$", "", whole) in KNOWN
