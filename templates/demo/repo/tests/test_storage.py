import tempfile
import unittest
from pathlib import Path

from stockroom.items import Item
from stockroom.storage import load, save


class StorageTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "stock.json"

    def test_nothing_saved_yet(self) -> None:
        self.assertEqual(load(self.path), [])

    def test_what_is_saved_is_loaded(self) -> None:
        items = [Item("nails", 200, 3), Item("blue paint", 4, 1250)]
        save(self.path, items)
        self.assertEqual(load(self.path), items)
