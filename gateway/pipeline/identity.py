"""Identity in the pipeline: the company's rules, as the normalizers and the store each need them."""

from __future__ import annotations

from functools import partial

from gateway.config.cases import CasesSection, microseconds
from gateway.store.ports import CaseRules
from normalizers.identity import IdentityRules, MailRule, canonical_value


def case_rules(section: CasesSection) -> CaseRules:
    """Return what the store goes by, from what `plugins.toml` says."""
    identity = IdentityRules(
        mail={
            domain: MailRule(ignore_dots=each.ignore_dots, ignore_plus=each.ignore_plus, same_as=each.same_as)
            for domain, each in section.mail.items()
        },
        region=section.phone_region,
    )
    return CaseRules(
        join_within=microseconds(section.join_within) if section.join == "same-contact" else None,
        reopen_within=microseconds(section.reopen_within),
        phone_reused_after=microseconds(section.phone_reused_after),
        canonical=partial(canonical_value, rules=identity),
    )
