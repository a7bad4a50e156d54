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


def is_commonplace(secret: str) -> bool:
    """Whether nobody is kept out by ``secret``."""
    plain = re.sub(r"[-_!.]*\d{0,4}[-_!.]*$", "", secret.casefold().strip("<>[]*"))
    return plain.replace("_", "-") in KNOWN
