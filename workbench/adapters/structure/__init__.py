"""Merging by structure: the model-free rungs of the conflict ladder, and whether tests were kept.

Nothing is imported here: whoever imports ``resolver`` loads no grammar, and not tree-sitter.
"""
