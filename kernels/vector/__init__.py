"""The language that kernels are written in, and the instruction set that it is compiled for."""
