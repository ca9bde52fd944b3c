"""A folder that holds minner, compiled kernels and one model, and needs no installation."""
