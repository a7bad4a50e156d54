import unittest

from stockroom.items import Item
from stockroom.report import FORMATS, plain


class PlainTest(unittest.TestCase):
    def test_names_line_up(self) -> None:
        text = plain([Item("nails", 200, 3), Item("blue paint", 4, 1250)])
        self.assertEqual(text, "nails         200        3\nblue paint      4     1250\n")

    def test_is_a_format(self) -> None:
        self.assertIs(FORMATS["plain"], plain)

    def test_no_items(self) -> None:
        self.assertEqual(plain([]), "")
