"""A file for each hazard; `hazard.py`, one folder up, says what is in it."""
