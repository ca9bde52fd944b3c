"""How fast a model runs on this machine, and how near to its limits: `minner bench`."""
