"""The command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from stockroom.items import Item
from stockroom.report import FORMATS
from stockroom.search import find
from stockroom.storage import load, save


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="stockroom", description="Keeps count of what is on the shelves.")
    top.add_argument("--file", type=Path, default=Path("stock.json"), help="where the items are kept")
    commands = top.add_subparsers(dest="command", required=True)

    listing = commands.add_parser("list", help="print everything")
    listing.set_defaults(run=run_list)

    finding = commands.add_parser("find", help="print what has these words in its name")
    finding.add_argument("words", nargs="*")
    finding.set_defaults(run=run_find)

    adding = commands.add_parser("add", help="put an item on the shelf")
    adding.add_argument("name")
    adding.add_argument("--quantity", type=int, default=1)
    adding.add_argument("--price-cents", type=int, default=0)
    adding.set_defaults(run=run_add)

    return top


def run_list(options: argparse.Namespace) -> None:
    """Print everything."""
    sys.stdout.write(FORMATS["plain"](load(options.file)))


def run_find(options: argparse.Namespace) -> None:
    """Print what has the words in its name."""
    sys.stdout.write(FORMATS["plain"](find(load(options.file), " ".join(options.words))))


def run_add(options: argparse.Namespace) -> None:
    """Put an item on the shelf."""
    items = load(options.file)
    items.append(Item(options.name, options.quantity, options.price_cents))
    save(options.file, items)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = parser().parse_args(arguments)
    options.run(options)
    return 0
