"""Identity: one spelling for each address, number and handle, by which the same one is found again. Pure.

The spelling is for comparing, never for sending: what goes out goes to what the vendor said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import phonenumbers

from gateway.model import Party

#: Kinds of identifiers that mean the same thing on every connection. All others are ids within one vendor's account.
EMAIL: Final = "email"
PHONE: Final = "phone"
#: Names that people chose at a network of which there is one: the same on every connection to it.
HANDLES: Final = frozenset({"handle", "instagram", "messenger", "telegram", "x"})
#: RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, angle brackets included.
_LONGEST_ADDRESS: Final = 254
_LONGEST_HANDLE: Final = 128
#: What vendors write before a number.
_SCHEMES: Final = ("whatsapp:", "tel:", "sms:")
#: National numbers that are shorter are short codes, or too easily taken for one.
_FEWEST_DIGITS: Final = 7
_BRAZIL, _ARGENTINA, _MEXICO = 55, 54, 52
#: National digits of a number in Brazil (with area code) before mobile numbers got their ninth digit.
_OLD_BRAZIL: Final = 10
_MOBILE_PREFIXES: Final = frozenset({(_ARGENTINA, "9"), (_MEXICO, "1")})
#: National digits of a number in Argentina and in Mexico, without the mobile prefix.
_NATIONAL: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRule:
    """What does not matter in the local part of a domain's addresses. Without a rule, only the case of letters."""

    #: Dots do not matter: ``ann.smith`` is ``annsmith``.
    ignore_dots: bool = False
    #: What follows a plus does not matter: ``ann+shop`` is ``ann``.
    ignore_plus: bool = False
    #: The domain that it is another name of, empty when none.
    same_as: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    """How a company compares identifiers."""

    #: Rules by domain, in small letters.
    mail: Mapping[str, MailRule] = field(default_factory=dict[str, MailRule])
    #: Country (ISO 3166, two letters) of numbers that are written without one; empty: such numbers have no canonical form.
    region: str = ""


def canonical(party: Party, rules: IdentityRules) -> tuple[str, str] | None:
    """Return kind and canonical spelling of who somebody is; None when it means something at its vendor only."""
    return canonical_value(party.kind, party.value, rules)


def canonical_value(kind: str, value: str, rules: IdentityRules) -> tuple[str, str] | None:
    """Return kind and canonical spelling of an identifier; None when it has none, or is none."""
    if kind == EMAIL:
        address = canonical_email(value, rules.mail)
        return None if address is None else (EMAIL, address)
    if kind == PHONE:
        number = canonical_phone(value, rules.region)
        return None if number is None else (PHONE, number)
    if kind in HANDLES:
        handle = value.strip().removeprefix("@").casefold()
        return (kind, handle) if handle.isprintable() and 0 < len(handle) <= _LONGEST_HANDLE else None
    return None


def canonical_email(value: str, rules: Mapping[str, MailRule]) -> str | None:
    """Return an address in small letters, its domain in ASCII, changed by the rule of its domain; None for no address.

    RFC 5321, section 2.4, lets a host tell capitals in the local part apart. None that people write from does, and helpdesks
    change them as they like, so they are the same here.
    """
    local, at, domain = value.strip().rpartition("@")
    local, domain = local.lower(), domain.lower().rstrip(".")
    if not at or not local or not domain or len(value) > _LONGEST_ADDRESS or not value.strip().isprintable():
        return None
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    if any(each.isspace() or each in "<>,;@" for each in local + domain):
        return None
    rule = rules.get(domain)
    if rule is None:
        return f"{local}@{domain}"
    if rule.ignore_plus:
        local = local.partition("+")[0] or local
    if rule.ignore_dots:
        local = local.replace(".", "") or local
    return f"{local}@{rule.same_as or domain}"


@lru_cache(maxsize=4096)
def canonical_phone(value: str, region: str = "") -> str | None:
    """Return a number as E.164, in one of the spellings by which its country knows it; None for what is no number.

    Withheld numbers, short codes and extensions have none. Of the spellings that are in use side by side:

    - Brazil: mobile numbers got a ninth digit from 2012 to 2016, and messengers still write old ones without: it is added.
    - Argentina: calls from abroad to mobiles carry a 9 that others leave out, and at home a 15: both are left out.
    - Mexico: the 1 of mobiles went out of use in 2019, and messengers still write it: it is left out.
    """
    text = value.strip()
    for scheme in _SCHEMES:
        text = text.removeprefix(scheme)
    try:
        number = phonenumbers.parse(text, region.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    national = phonenumbers.national_significant_number(number)
    if number.country_code == _BRAZIL and len(national) == _OLD_BRAZIL and national[2] in "6789":
        national = f"{national[:2]}9{national[2:]}"
    elif len(national) == _NATIONAL + 1 and (number.country_code, national[0]) in _MOBILE_PREFIXES:
        national = national[1:]
    if len(national) < _FEWEST_DIGITS:
        return None
    found = f"+{number.country_code}{national}"
    try:
        return found if phonenumbers.is_possible_number(phonenumbers.parse(found)) else None
    except phonenumbers.NumberParseException:
        return None
