"""Values that differ from others in a few fields: the model's values are frozen, and every event needs some of them.

They are msgspec's structs, for which `dataclasses.replace` does not work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # To the type checkers structs are dataclasses, and of this function they know each field and its kind.
    from dataclasses import replace as altered
else:
    # Raises TypeError for a field that the value does not have.
    from msgspec.structs import replace as altered

__all__ = ["altered"]
