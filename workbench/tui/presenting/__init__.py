"""A run as rows and words for the screens. No Textual here: all of it is functions of values."""
