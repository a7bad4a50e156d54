"""The process that looks: lines of JSON in, findings out, until its input ends.

Asked ``[[path, line], …]``, it answers ``[[index, kind, fingerprint], …]``. The fingerprint is that of a
``.secrets.baseline``; no secret itself is ever written.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from workbench.adapters.secrets.commonplace import is_commonplace

LEFT_OUT = frozenset({"IPPublicDetector"})
"""Plugins whose findings are no secrets."""

FILTERS = ("heuristic.is_sequential_string",
           "heuristic.is_potential_uuid", "heuristic.is_likely_id_string", "heuristic.is_templated_secret",
           "heuristic.is_prefixed_with_dollar_sign", "heuristic.is_indirect_reference",
           "heuristic.is_not_alphanumeric_string", "heuristic.is_lock_file")  # fmt: skip
"""Those of the library that look at text alone; the one that asks a service is not among them. Nor is the one
by which a line can say (``pragma: allowlist secret``) that it holds none: it is the work's own word."""

ASIDE = 20
"""So often something commonplace of a line is put aside; with more, it is looked at by a person."""


class Detector:
    """The library, set up once."""

    def __init__(self) -> None:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.core.scan import _process_line_based_plugins
        from detect_secrets.settings import get_settings

        plugins: list[type] = list(get_mapping_from_secret_type_to_class().values())
        names = {plugin.__name__ for plugin in plugins} - LEFT_OUT
        settings = get_settings()
        settings.clear()
        settings.configure_plugins([{"name": name} for name in sorted(names)])
        settings.configure_filters([{"path": f"detect_secrets.filters.{name}"} for name in FILTERS])
        self._scan = _process_line_based_plugins

    def look(self, lines: Sequence[tuple[str, str]]) -> Iterator[tuple[int, str, str]]:
        """Index, kind and fingerprint of each secret in ``lines``, which are pairs of path and text. One
        secret of a line is enough."""
        for index, (path, line) in enumerate(lines):
            found = self._first(path, line)
            if found is not None:
                yield index, found.type, found.secret_hash

    def _first(self, path: str, line: str) -> Any:
        """The first secret of a line that is one; behind those that everybody knows another may stand."""
        for _ in range(ASIDE):
            found = None
            for found in self._scan([(1, line)], path):
                if not is_commonplace(found.secret_value or ""):
                    return found
            if found is None:
                return None
            line = _without(line, found.secret_value or "")
        return found


def _without(line: str, value: str) -> str:
    """``line`` without the first ``value`` in it, a whole word if there is one: further on it may be part of
    a secret, or of the name of one."""
    word = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
    return word.sub("", line, count=1) if word.search(line) else line.replace(value, "", 1)


def offline() -> None:
    """Put nothing in the place of what the library would ask services with whether a secret is valid: it is
    not asked to, and the real one takes longer to import than all else. Every name of it is an exception, as
    those are that the library names in ``except``."""
    nothing = ModuleType("requests")
    nothing.__dict__["__getattr__"] = lambda name: OSError
    sys.modules["requests"] = nothing


def main() -> None:
    """Answer until nobody asks any more."""
    offline()
    detector: Detector | None = None
    for asked in sys.stdin:
        detector = detector or Detector()
        found = list(detector.look([(path, line) for path, line in json.loads(asked)]))
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
