"""Targets of SLAs over all cases: how many were met, and how many missed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from gateway.model import SlaMetric, SlaOutcome
from gateway.store.engine import Engine

#: How the document of a case reads of which a target was met or missed. Others are not decoded.
_COUNTED: Final = '%"counts":[[%'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """As much of the clocks as is needed here."""

    counts: tuple[tuple[SlaMetric, SlaOutcome, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """As much of a case's document as is needed here: the rest is not decoded."""

    sla: _Counted | None = None


_case_from: Final = msgspec.json.Decoder(_Case).decode


class Targets:
    """The targets of all cases."""

    def __init__(self, engine: Engine) -> None:
        """Work on an engine."""
        self._engine = engine

    def sla_targets(self) -> Mapping[tuple[SlaMetric, SlaOutcome], int]:
        """Count what came of them; see `Store.sla_targets`."""
        found: Counter[tuple[SlaMetric, SlaOutcome]] = Counter()
        for row in self._engine.read(lambda t: t.rows("SELECT doc FROM cases WHERE doc LIKE ?", _COUNTED)):
            sla = _case_from(row[0]).sla
            for metric, outcome, number in sla.counts if sla is not None else ():
                found[metric, outcome] += number
        return found
