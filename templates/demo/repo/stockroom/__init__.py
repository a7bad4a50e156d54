"""Keeps count of what is on the shelves."""
