import unittest

from ledger import parse, total


class LedgerTest(unittest.TestCase):
    def test_parse(self):
        self.assertEqual(parse("credit 3"), ("credit", 3))

    def test_total(self):
        self.assertEqual(total(["credit 3", "debit 1"]), 2)


if __name__ == "__main__":
    unittest.main()
