"""The arithmetic: every compiled kernel. Knows arrays and shapes, never files or text."""
