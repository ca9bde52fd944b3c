"""Races against other engines, and measurements against the machine's own limits."""
