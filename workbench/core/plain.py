"""What counts as plain text, wherever text of others is taken in."""

from __future__ import annotations

import re

# Everything that moves a cursor, hides or reorders text on a terminal, and halves of characters that
# no encoding can write: control characters but tab and newline, bidirectional overrides, surrogates.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
