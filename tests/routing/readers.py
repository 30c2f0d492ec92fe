"""The modules that read a policy and note its mistakes: each mistake that they know has a fixture and stands in the reference."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from routing import (
    load,
    load_asking,
    load_calendar,
    load_customer,
    load_incident,
    load_ladder,
    load_notices,
    load_passing,
    load_people,
    load_phrases,
    load_precautions,
    load_reply,
    load_risk,
    load_severity,
    load_sla,
    reader,
)

READERS: Final[tuple[ModuleType, ...]] = (
    *(load, load_asking, load_calendar, load_customer, load_incident, load_ladder),
    *(load_passing, load_people, load_phrases, load_reply, load_risk, load_sla, reader),
    *(load_notices, load_precautions, load_severity),
)
