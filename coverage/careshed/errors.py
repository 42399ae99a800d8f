"""What can go wrong, as a tree.

Every error is a builtin *and* ours, so that a caller may catch either::

    CareshedError
    ├── InputError (ValueError)            a file or value that can't be used
    │   ├── FileFaultError                 empty, truncated, undecodable, wrongly shaped
    │   ├── MissingColumnError (KeyError)  a table without a column it needs
    │   ├── DuplicateIdError               two rows under one id
    │   ├── CRSError                       no CRS, the wrong one, or axes swapped
    │   └── RowFaultError                  no row is left, or ``--strict`` met a bad one
    ├── MissingLayerError (LookupError)    the area lacks what was asked of it
    ├── DownloadError (OSError)            a map service failed
    └── UnsupportedError (ValueError)      a model does not take that rule

A plan that can't be made is no error: it is a status, see
:class:`careshed.siting.Solution`.
"""

from __future__ import annotations

__all__ = [
    "CRSError",
    "CareshedError",
    "DownloadError",
    "DuplicateIdError",
    "FileFaultError",
    "InputError",
    "MissingColumnError",
    "MissingLayerError",
    "RowFaultError",
    "UnsupportedError",
]


class CareshedError(Exception):
    """Base of all errors that careshed raises on purpose.

    The message is one sentence for a person: what was found, where, what was
    expected and how to mend it.
    """

    def __str__(self) -> str:
        """Return the plain message (``KeyError`` would show its ``repr``)."""
        return str(self.args[0]) if self.args else ""


class InputError(CareshedError, ValueError):
    """A file or a value that can't be used."""


class FileFaultError(InputError):
    """A file that is absent, empty, truncated, undecodable or wrongly shaped."""


class MissingColumnError(InputError, KeyError):
    """A table without a column it needs."""


class DuplicateIdError(InputError):
    """Two rows under one id."""


class CRSError(InputError):
    """A missing or unusable coordinate reference system, or swapped axes."""


class RowFaultError(InputError):
    """Rows were rejected where none may be, or none is left."""


class MissingLayerError(CareshedError, LookupError):
    """The study area has no layer for what was asked."""


class DownloadError(CareshedError, OSError):
    """A download from a map service failed."""


class UnsupportedError(CareshedError, ValueError):
    """A model, rule or option that do not go together."""
