"""What is asked of the log, and written to it, in SQL."""

from __future__ import annotations

# Distinct runs by skipping through the index, ordered by their first row: the order in which they
# began, whatever the clock did.
RUNS = """
WITH RECURSIVE found(run) AS (
  SELECT min(run) FROM events
  UNION ALL
  SELECT (SELECT min(run) FROM events WHERE run > found.run) FROM found WHERE found.run IS NOT NULL)
SELECT run FROM found WHERE run IS NOT NULL
ORDER BY (SELECT rowid FROM events WHERE events.run = found.run ORDER BY seq LIMIT 1)
"""

INSERT = "INSERT INTO events (run, seq, at, type, body, hash) VALUES (?, ?, ?, ?, ?, ?)"
HEAD = "SELECT seq, hash FROM events WHERE run = ? ORDER BY seq DESC LIMIT 1"
ROWS = "SELECT seq, at, type, body, hash FROM events WHERE run = ? AND seq >= ? ORDER BY seq"
PLAIN = "SELECT seq, at, type, body FROM events WHERE run = ? AND seq >= ? ORDER BY seq"

# What does not belong to the first so many events, which are whole.
BAD = "events WHERE run = ? AND NOT (seq BETWEEN 1 AND ?)"
COUNT = f"SELECT count(*) FROM {BAD}"  # noqa: S608 - of constants, as the next two
LEFT = f"SELECT seq, at, type, body, hash FROM {BAD} ORDER BY seq"  # noqa: S608
ASIDE = f"DELETE FROM {BAD}"  # noqa: S608

LOWEST = -(2**63)
"""No event has a lower number, whatever damage made of it."""
