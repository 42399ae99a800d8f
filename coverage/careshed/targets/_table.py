"""What every table of ``targets.toml`` is: frozen, and without keys that nobody knows."""

from __future__ import annotations

import pydantic

__all__ = ["Table"]


class Table(pydantic.BaseModel):
    """A table of the file."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
