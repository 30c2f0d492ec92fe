"""`[customer]` of a policy → where its knowledge of customers comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from routing import schema
from routing.expression import parse_duration
from routing.policy import Rule, Sla
from routing.precautions import Mute, Sensitivity
from routing.reader import Path, Reader
from routing.signals.customer import CustomerRules

#: What a connection's class must be able to do.
ROLE: Final = "profile"
#: How long a profile is fresh when the policy does not say: `schema.CUSTOMER` tells it.
FRESH_FOR: Final = "1d"
_PATH: Final = ("customer",)
_VIP: Final = "customer.vip"


def read_customer(
    reader: Reader,
    value: object,
    rules: Sequence[Rule | None],
    slas: Sequence[Sla],
    more: Sequence[Sensitivity | Mute] = (),
    *,
    boost: bool = False,
) -> CustomerRules | None:
    """Read the table; None when no condition reads a field `customer.…` and no tier raises a severity: then nobody is asked."""
    table = reader.table(_PATH, value, "customer")
    reader.keys(_PATH, table, schema.CUSTOMER, "customer")
    name = reader.string(_PATH, table, "profile_from")
    if isinstance(table.get("profile_from"), str):
        reader.connection((*_PATH, "profile_from"), name, ROLE, 0)
    fresh_for = reader.duration(_PATH, table, "fresh_for") if "fresh_for" in table else parse_duration(FRESH_FOR)
    vip = reader.strings((*_PATH, "vip"), table.get("vip", []), "vip")
    reads = _reads({"rule": rules, "sla": slas})
    reads = _more(more, boost=boost) | reads
    if not reads or reader.problems:
        return None
    if _VIP in reads and not vip:
        reader.note(
            reads[_VIP],
            f'a condition reads {_VIP}: say which tiers or tags that is, [customer] vip = ["gold", …]',
        )
    able = sorted(each.name for each in reader.connections.values() if ROLE in each.roles)
    if not name and len(able) != 1:
        field = min(reads)
        reader.note(
            reads[field],
            f'a condition reads {field}: say who knows, [customer] profile_from = "NAME"; '
            f"{', '.join(able) or 'no enabled connection'} could",
        )
        return None
    return CustomerRules(
        connection=name or able[0], fresh_for=fresh_for or 0, vip=frozenset(each.casefold() for each in vip)
    )


def _more(asking: Sequence[Sensitivity | Mute], *, boost: bool) -> dict[str, Path]:
    """Return the same for precautions, and for tiers that raise a severity."""
    found: dict[str, Path] = {"customer.tier": ("severity", "boost")} if boost else {}
    for each in asking:
        path: Path = ("sensitivity", each.name) if isinstance(each, Sensitivity) else ("mute",)
        fields = [field for condition in (*each.all, *each.any) for field in condition.fields]
        found = {field: path for field in fields if field.startswith("customer.")} | found
    return found


def _reads(asking: Mapping[str, Sequence[Rule | Sla | None]]) -> dict[str, Path]:
    """Return the fields `customer.…` that conditions read, each with the first table that does."""
    found: dict[str, Path] = {}
    for kind, tables in asking.items():
        for number, table in enumerate(tables):
            for condition in (*table.all, *table.any) if table is not None else ():
                for field in condition.fields:
                    if field.startswith("customer."):
                        found.setdefault(field, (kind, number))
    return found
