"""What `minner tag` writes: every module here that adds to `FORMATS` is a format.

To add one, write a module with a function that turns a model and texts into blocks of text, and
register it: ``FORMATS["name"] = Format(function, summary="what it holds")``.
"""

from importlib import import_module
from pkgutil import iter_modules

from minner.formats.registry import FORMATS, Format

__all__ = ["FORMATS", "Format", "import_all"]


def import_all() -> None:
    """Import every module of this package, which registers its formats."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")


import_all()
