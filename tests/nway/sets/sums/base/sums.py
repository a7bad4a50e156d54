"""Sums over the rows of a table: ``python -m sums orders.csv --by city --of amount``."""

import argparse
import csv
import sys

FORMATS = ["text"]


class TableError(Exception):
    """The table cannot be summed up as asked."""


def read(lines):
    """Rows as dictionaries, by the names in the first line."""
    rows = list(csv.DictReader(lines))
    if not rows:
        raise TableError("the table is empty")
    return rows


def number(text):
    """The number a cell stands for."""
    try:
        return float(text)
    except ValueError:
        raise TableError(f"{text!r} is no number") from None


def summarise(rows, by, of):
    """Sums of a column by another: pairs of name and sum, by name."""
    for name in (by, of):
        if name not in rows[0]:
            raise TableError(f"there is no column {name!r}")
    totals = {}
    for row in rows:
        totals[row[by]] = totals.get(row[by], 0) + number(row[of])
    return sorted(totals.items())


def render(items):
    """A line for each sum."""
    lines = [f"{name}: {total:.2f}" for name, total in items]
    return "\n".join(lines)


def parser():
    """The command line."""
    made = argparse.ArgumentParser(prog="sums", description="Sums over a table.")
    made.add_argument("file")
    made.add_argument("--by", required=True, help="the column of names")
    made.add_argument("--of", required=True, help="the column of numbers")
    return made


def main(words=None, out=None, err=None):
    """Print the sums of a file; gives the exit code."""
    out, err = out or sys.stdout, err or sys.stderr
    given = parser().parse_args(words)
    try:
        with open(given.file, newline="", encoding="utf-8") as file:
            rows = read(file)
        items = summarise(rows, given.by, given.of)
    except (OSError, TableError) as error:
        print(f"sums: {error}", file=err)
        return 1
    print(render(items), file=out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
