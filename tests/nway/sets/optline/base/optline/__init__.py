"""Options of a command line."""

from optline.errors import MissingValue, OptionError, UnknownOption
from optline.parser import Option, Parser, split

__all__ = ["MissingValue", "Option", "OptionError", "Parser", "UnknownOption", "split"]
