"""What can be wrong with a command line."""


class OptionError(Exception):
    """The words do not fit the options."""


class UnknownOption(OptionError):
    """There is no such option."""


class MissingValue(OptionError):
    """An option stands without its value."""
