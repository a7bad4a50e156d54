import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from stockroom.cli import main


class CommandCase(unittest.TestCase):
    """Runs commands on a stock file of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = str(Path(folder.name) / "stock.json")

    def stockroom(self, *words: str) -> str:
        """Run one command and give what it printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            self.assertEqual(main(["--file", self.file, *words]), 0)
        return printed.getvalue()


class CommandsTest(CommandCase):
    def test_add_then_list(self) -> None:
        self.stockroom("add", "nails", "--quantity", "200", "--price-cents", "3")
        self.assertEqual(self.stockroom("list"), "nails    200        3\n")

    def test_find(self) -> None:
        self.stockroom("add", "blue paint", "--quantity", "4")
        self.stockroom("add", "nails")
        self.assertEqual(self.stockroom("find", "blue", "paint"), "blue paint      4        0\n")
