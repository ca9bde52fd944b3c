"""From the forward pass to machine code: compiled once, kept as a file, loaded without Numba."""
