"""What both drawings say of a rule or a step."""

from __future__ import annotations

from gateway.model.sla import TITLES
from routing.expression import comparisons
from routing.people import People, Relaxation, Whom, tells
from routing.phrases import Phrase
from routing.policy import Act, Incident, Ladder, Policy, Rule, Sla, Stage
from routing.precautions import Sensitivity
from routing.shown import duration_of


def does(rule: Rule) -> str:
    """Return in a few words what a rule does."""
    if rule.act is Act.ESCALATE:
        later = f" after {duration_of(rule.suspend)}" if rule.suspend is not None else ""
        return f"escalates on {rule.ladder}{later}"
    return f"writes the case into {rule.target}" if rule.act is Act.MIRROR else "nothing"


def phrases(policy: Policy) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Return the lists of phrases that are asked for: the name of each, its phrases, and who asks for it."""
    users: dict[str, list[str]] = {}
    askers: tuple[tuple[str, Rule | Incident | Sensitivity], ...] = (
        *((rule.id, rule) for rule in policy.rules),
        *((f"incident {incident.id}", incident) for incident in policy.incidents.values()),
        *((f"sensitive {each.name}", each) for each in policy.sensitivities),
    )
    for name, asker in askers:
        for condition in (*asker.all, *asker.any):
            for compare in comparisons(condition.node):
                if compare.field == "message.phrases":
                    users.setdefault(str(compare.value), []).append(name)
    return tuple(
        (
            name if listed.negation else f"{name} (denied ones, too)",
            tuple(map(_written, listed.phrases)),
            tuple(dict.fromkeys(users[name])),
        )
        for name, listed in policy.phrases.items()
        if name in users
    )


def _written(phrase: Phrase) -> str:
    return f"{phrase.text} ({phrase.language})" if phrase.language else phrase.text


def conditions(rule: Rule | Sla | Incident) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the conditions that must all hold, and those of which one must."""
    return tuple(each.source for each in rule.all), tuple(each.source for each in rule.any)


def asked(stage: Stage) -> str:
    """Return in a few words whom a step asks; empty when it asks nobody by name."""
    asks = stage.asks
    if asks is None:
        return ""
    if asks.whom is Whom.MANAGER_OF:
        return "the manager of who did it" if asks.name == "actor" else "the manager of who was asked before"
    wants = ", ".join(f"{need.skill} {need.level}" for need in asks.skills)
    return f"{asks.whom.value} {asks.name}{f', who know {wants}' if wants else ''}"


def wishes(stage: Stage) -> tuple[str, ...]:
    """Return how a step chooses among those whom it asks, as far as the step itself says so; a team's own way stands with it."""
    asks = stage.asks
    if asks is None:
        return ()
    prefers = ", ".join(f"{need.skill} {need.level}" for need in asks.prefer)
    given = [f"strategy {asks.strategy.value}"] if asks.strategy is not None else []
    return (*([f"rather who know {prefers}"] if prefers else []), *given, *map(_relaxed, asks.relax))


def _relaxed(relaxation: Relaxation) -> str:
    enough = "no skill is wanted" if relaxation.level is None else f"level {relaxation.level} is enough"
    return f"after {duration_of(relaxation.after)} {enough}"


def where(stage: Stage, *groups: str) -> str:
    """Return where the ticket stands at a step: the helpdesk, and its group where one is named."""
    named = " or ".join(group for group in groups if group)
    return f"{stage.target.connection}: {named}" if named else stage.target.connection


def targets(sla: Sla) -> tuple[tuple[str, str, str], ...]:
    """Return the targets of an SLA: what is measured, within what time, and after how much of it it is at risk."""
    return tuple(
        (TITLES[metric], duration_of(target), duration_of(sla.risks[metric])) for metric, target in sla.targets.items()
    )


def counted(sla: Sla) -> str:
    """Return in whose hours the time of an SLA counts."""
    return "always" if sla.calendar is None else f"hours of {sla.calendar.name}"


def stands(sla: Sla) -> str:
    """Return in which states of the ticket its clocks stand."""
    return ", ".join(sorted(each.value for each in sla.pause)) or "never"


def told(stage: Stage, people: People) -> tuple[str, ...]:
    """Return who is told, as the policy names them, and whether those are who are asked; empty for nobody."""
    named = (f"{address.connection}:{address.place}" for address in stage.notify)
    return (*named, *(("who is asked",) if tells(stage.asks, people) else ()))


def times(stage: Stage) -> tuple[str, ...]:
    """Return the times of a step, each with what it is for, and its terms."""
    named = (("taken within", stage.ack_within), ("answered within", stage.reply_within), ("kept for", stage.ack_ttl))
    return tuple(f"{what} {duration_of(amount)}" for what, amount in named if amount is not None) + terms(stage)


def terms(stage: Stage) -> tuple[str, ...]:
    """Return on what terms a case stays on a step, as far as they are no times."""
    of_whom = " of the team" if stage.acks_of_team else ""
    named = (
        (stage.skip_if is not None, f"passed over if {stage.skip_if.source if stage.skip_if is not None else ''}"),
        (stage.min_priority is not None, f"straight for {stage.min_priority} and up"),
        (stage.min_acks > 1, f"taken by {stage.min_acks}{of_whom}"),
        (stage.waits_for_room, f"waits for room, and after {duration_of(stage.max_wait)} before more urgent cases"),
        (stage.reassigns, "given to another if the customer writes and who has it is away"),
    )
    return tuple(words for holds, words in named if holds)


def hours(ladder: Ladder, stage: Stage) -> str:
    """Return in whose hours a step is, and what it does outside of them."""
    if stage.calendar is None:
        return "always"
    if stage.redirect is None:
        return f"hours of {stage.calendar.name}; else it waits"
    other = "the end" if ladder.at_end(stage.redirect) else f"step {stage.redirect + 1}"
    return f"hours of {stage.calendar.name}; else {other} stands in"


def group(rule: Rule, stage: Stage) -> str:
    """Return the group that a rule's ticket comes into at a step: its own at the first one."""
    return rule.set.group or stage.target.place
