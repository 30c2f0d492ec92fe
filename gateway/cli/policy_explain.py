"""`baton policy explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.configuration import config_option, read_outline
from gateway.cli.terminal import WrongInput, bad, good, instant, json_option, paragraph, print_json
from gateway.plain import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.loading import Outline
    from gateway.store.ports import AppliedActivity, Store
    from routing.account import Account, RuleAccount, StepAccount
    from routing.policy import Policy


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option(
    "--activity",
    "seq",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Only this one, by its number in `baton cases show`.",
)
@click.option("--all", "every", is_flag=True, help="Each activity, those that no rule looked at included.")
@config_option
@json_option
def explain(case_id: str, seq: int | None, config: Path, *, every: bool, as_json: bool) -> None:
    """Say why a case was escalated or not: each rule, each condition, and each step that was left out.

    Each decision is shown under the policy that it was made by. Without options, the activities that rules looked at, and those
    of which more was written down. What people wrote is not shown, and nothing is changed.
    """
    from gateway.cli.reading import reading

    outline = read_outline(config)
    with reading(config) as store:
        history = store.history(case_id)
        if history is None:
            message = f"there is no case {case_id}: `baton cases list` shows those that there are"
            raise WrongInput(message)
        applied = history.activities
        found = _accounts(applied, case_id, _shelf(store, outline), outline)
    numbers = [each.seq for each in applied]
    if seq is not None and seq not in numbers:
        raise WrongInput(f"case {case_id} has no activity {seq}: they are numbered 1 to {max(numbers, default=0)}")
    chosen = [
        (stored, account)
        for stored, account in zip(applied, found, strict=True)
        if (stored.seq == seq if seq is not None else every or account.decision.trace.steps or _notes(stored))
    ]
    if as_json:
        print_json({"case": case_id, "activities": [_values(stored, account) for stored, account in chosen]})
        return
    for stored, account in chosen:
        _tell(stored, account)
    if not chosen:
        paragraph(f"No rule looked at anything that happened to case {case_id}; --all shows why.")


def _shelf(store: Store, outline: Outline) -> Callable[[str], Policy]:
    """Return what gives policies by their hash: the stored ones, and the one in force for those that cannot be read any more."""
    from gateway.toml import Problems
    from routing.load import load_policy

    known = {outline.policy.digest: outline.policy}

    def policy(digest: str) -> Policy:
        if digest not in known:
            text = store.policy(digest)
            try:
                known[digest] = load_policy(text or "", f"policy {digest[:12]}", outline.facts)
            except Problems:
                known[digest] = outline.policy
        return known[digest]

    return policy


def _accounts(
    applied: Sequence[AppliedActivity], case_id: str, policies: Callable[[str], Policy], outline: Outline
) -> list[Account]:
    import msgspec

    from gateway.model import Trace
    from routing.account import accounts
    from routing.risk.traced import traced

    told = [(each.activity, str((each.trace or {}).get("policy", ""))) for each in applied]
    risks = traced((each.activity, each.trace) for each in applied)
    counted = {
        (each.activity.connection, each.activity.dedupe): msgspec.convert(each.trace, Trace)
        for each in applied
        if each.trace and (each.trace.get("bursts") or each.trace.get("incident"))
    }
    return list(accounts(told, case_id, policies, outline.facts, risks, counted))


# --- for people ------------------------------------------------------------------------------------------------------
def _tell(stored: AppliedActivity, account: Account) -> None:
    activity = account.activity
    who = activity.sender.role.value if activity.sender and not activity.own else "baton"
    click.echo(
        f"{stored.seq:>4} {instant(activity.occurred_at)} {activity.kind.value} of {who} on {activity.connection}"
    )
    trace: Any = stored.trace or {}
    paragraph(str(trace.get("sentence", "")), indent="       ")
    for sentence in _notes(stored):
        paragraph(sentence, indent="       ")
    for note in _doubts(stored, account):
        click.echo(bad(f"       {note}"))
    if account.seen:
        known = ", ".join(f"{name} {_word(name, value)}" for name, value in account.seen.items() if value is not None)
        paragraph(f"The rules saw: {known}.", indent="       ")
        if account.decision.trace.risk is not None:
            paragraph(f"Risk of escalation: {account.decision.trace.risk.evidence}.", indent="       ")
        for rule in account.rules:
            _tell_rule(rule)
    for step in _left_out(stored, account):
        paragraph(f"Step {step.step + 1} of ladder {step.ladder} is left out: {step.why}.", indent="       ")
    thought_of = [f"{name}: {why or 'asked'}" for name, why in trace.get("candidates_considered", ())]
    if thought_of:
        paragraph(f"Thought of were {'; '.join(thought_of)}.", indent="       ")


def _tell_rule(rule: RuleAccount) -> None:
    from routing.account import Verdict

    word = good(rule.verdict.value) if rule.verdict is Verdict.MATCHED else rule.verdict.value
    click.echo(f"       {rule.step.rule}: {word}")
    if rule.verdict is Verdict.HELD_BACK:
        paragraph(rule.why, indent="           ")
    if rule.verdict is Verdict.NOT_ASKED:
        # What it would have said is in --json: for people it would hide what mattered.
        paragraph(rule.why, indent="           ")
        return
    for source, held in rule.step.conditions:
        paragraph(source, indent="               ", first=f"           {'yes' if held else 'no ':3} ")
    for field, words in rule.step.evidence:
        paragraph(f"{field}: {words}", indent="               ")


def _word(name: str, value: object) -> str:
    from routing.fields import FIELDS, Kind
    from routing.shown import span_of

    if FIELDS[name].kind is Kind.DURATION and isinstance(value, int):
        return span_of(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list | frozenset):
        return " ".join(sorted(map(str, value))) or "none"
    return str(value)


def _notes(stored: AppliedActivity) -> list[str]:
    """Return what else was written down at the decision: how a priority came about, which notice a mute held."""
    trace: Any = stored.trace or {}
    return [str(each) for each in trace.get("notes", ())]


def _left_out(stored: AppliedActivity, account: Account) -> list[StepAccount]:
    """Return the steps that were left out, as the decision of then kept them: who was there then is not known any more."""
    from routing.account import StepAccount as Step

    trace: Any = stored.trace or {}
    kept = {int(number): str(why) for number, why in trace.get("skipped_why", ())}
    ladder = account.decision.episode.ladder if account.decision.episode is not None else ""
    known = [Step(ladder=ladder, step=number, why=why) for number, why in kept.items()]
    return sorted([*known, *(each for each in account.steps if each.step not in kept)], key=lambda each: each.step)


def _doubts(stored: AppliedActivity, account: Account) -> list[str]:
    """Return what makes the account differ from what was decided then."""
    trace: Any = stored.trace or {}
    doubts: list[str] = []
    if trace.get("policy") != account.policy:
        doubts.append("The policy of then cannot be read any more: this is what the one in force says.")
    then = [step["rule"] for step in trace.get("steps", ())]
    now = [step.rule for step in account.decision.trace.steps]
    if then != now:
        doubts.append(
            f"Then, other rules matched: {', '.join(then) or 'none'}. The case was merged or changed by hand,"
            " or what was known of its customer, or of agents, is not stored."
        )
    return doubts


# --- for programs ----------------------------------------------------------------------------------------------------
def _values(stored: AppliedActivity, account: Account) -> dict[str, Any]:
    trace: Any = stored.trace or {}
    return {
        "activity": stored.seq,
        "kind": account.activity.kind.value,
        "policy": account.policy,
        "result": trace.get("result"),
        "sentence": trace.get("sentence"),
        "notes": _notes(stored),
        "doubts": _doubts(stored, account),
        "seen": plain(account.seen),
        "risk": plain(account.decision.trace.risk),
        "rules": [
            {
                "rule": rule.step.rule,
                "verdict": rule.verdict.value,
                "why": rule.why,
                "conditions": [{"condition": source, "holds": held} for source, held in rule.step.conditions],
                "evidence": dict(rule.step.evidence),
            }
            for rule in account.rules
        ],
        "left_out": [
            {"ladder": step.ladder, "step": step.step + 1, "why": step.why} for step in _left_out(stored, account)
        ],
        "thought_of": dict(trace.get("candidates_considered", ())),
    }
