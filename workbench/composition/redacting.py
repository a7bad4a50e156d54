"""The redactor of this process: it knows the secrets of the environment."""

from __future__ import annotations

import os

from workbench.adapters.agents.environment import SECRETS
from workbench.core.redaction import Redactor, known_secrets


def open_redactor() -> Redactor:
    """Knows the values that look like secrets by the names of their variables, and the model's keys."""
    return Redactor(known_secrets(os.environ, SECRETS))
