"""Text: its words, their wordpieces, the windows that a model sees, and offsets in all units."""
