"""minner behind an address: `minner serve`. `app.py` speaks HTTP, `service.py` knows the model."""
