"""What `baton doctor` asks HubSpot: token, scopes, the unique property, pipeline and stages. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from connectors.hubspot.crm import Crm, Json
from connectors.hubspot.direct import Direct, TokenFacts
from connectors.hubspot.settings import HubSpotSettings
from gateway.sdk import Examination, Finding, Host

#: What a custom channel needs beyond the rest.
CHANNEL_SCOPES: Final = (
    "conversations.custom_channels.read",
    "conversations.custom_channels.write",
    "conversations.read",
)


def needed_scopes(settings: HubSpotSettings, scopes: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes that are needed as it is set up."""
    mails = ("sales-email-read",) if settings.read_emails else ()
    return (*scopes, *mails, *(CHANNEL_SCOPES if settings.channel_id else ()))


async def examine(
    settings: HubSpotSettings, host: Host, crm: Crm, direct: Direct, scopes: Sequence[str]
) -> Examination:
    """Return what was found. Raises errors of the contract where HubSpot cannot be asked at all."""
    facts = await direct.token_facts()
    pipelines = await host.run_blocking(crm.pipelines)
    external = await host.run_blocking(lambda: crm.ticket_property(settings.external_id_property))
    priority = await host.run_blocking(lambda: crm.ticket_property("hs_ticket_priority"))
    return Examination(
        findings=(
            _account(facts, settings),
            _scopes(facts.scopes if facts is not None else None, needed_scopes(settings, scopes)),
            _external(external, settings.external_id_property),
            *_pipeline(pipelines, settings),
            _priorities(priority, settings),
            _version(settings),
            Finding(
                subject="webhook",
                good=True,
                sentence="HubSpot tells no app where its webhooks go; Baton polls as well, so a lost webhook costs a minute.",
                advice=f"Compare the target URL on the app's Webhooks page with <public_url>/hooks/{host.connection}.",
            ),
        )
    )


def _account(facts: TokenFacts | None, settings: HubSpotSettings) -> Finding:
    if facts is None or not facts.portal_id:
        sentence = "HubSpot does not tell whose token it is."
        return Finding(subject="account", good=True, sentence=sentence, advice="Compare portal_id and app_id yourself.")
    told = (facts.portal_id, facts.app_id or str(settings.app_id))
    if told != (str(settings.portal_id), str(settings.app_id)):
        return Finding(
            subject="account",
            good=False,
            sentence=f"The token belongs to account {told[0]} and app {told[1]}, not to {settings.portal_id} and"
            f" {settings.app_id}.",
            advice="Mend portal_id and app_id, or use the right token.",
        )
    return Finding(subject="account", good=True, sentence=f"The token belongs to account {told[0]} and app {told[1]}.")


def _scopes(granted: frozenset[str] | None, needed: Iterable[str]) -> Finding:
    if granted is None:
        return Finding(
            subject="scopes",
            good=True,
            sentence="HubSpot does not tell the scopes of this token.",
            advice=f"See on the app's Auth page that it has {', '.join(sorted(needed))}.",
        )
    missing = sorted(set(needed) - granted)
    if missing:
        return Finding(
            subject="scopes",
            good=False,
            sentence=f"The token lacks {', '.join(missing)}.",
            advice="Add them on the app's Auth page and install the app again.",
        )
    further = sorted(granted - set(needed) - {"oauth"})
    if further:
        return Finding(
            subject="scopes",
            good=True,
            sentence=f"The token may do all that it must, and more than it needs: {', '.join(further)}.",
            advice="Take away what nothing else needs.",
        )
    return Finding(subject="scopes", good=True, sentence="The token may do what it must, and nothing else.")


def _external(found: Json | None, name: str) -> Finding:
    how = f"Settings, Properties, Ticket properties: create {name}, single-line text, with 'Require unique values'."
    if found is None:
        return Finding(
            subject="external id",
            good=False,
            sentence=f"Tickets have no property {name}: no handoff can be written.",
            advice=how,
        )
    if found.get("hasUniqueValue") is not True:
        return Finding(
            subject="external id",
            good=False,
            sentence=f"The property {name} does not require unique values, which cannot be changed later.",
            advice=f"{how} Under another name, for external_id_property.",
        )
    return Finding(subject="external id", good=True, sentence=f"The property {name} takes unique values.")


def _pipeline(pipelines: Sequence[Json], settings: HubSpotSettings) -> Iterable[Finding]:
    stages = {
        str(pipeline["id"]): [str(stage["id"]) for stage in pipeline.get("stages") or ()] for pipeline in pipelines
    }
    own = stages.get(settings.pipeline)
    if own is None:
        there = ", ".join(sorted(stages)) or "none"
        sentence = f"There is no ticket pipeline {settings.pipeline}: there are {there}."
        yield Finding(subject="pipeline", good=False, sentence=sentence, advice="Set pipeline to one of them.")
    elif settings.new_stage not in own:
        sentence = f"Pipeline {settings.pipeline} has no stage {settings.new_stage}: it has {', '.join(own)}."
        yield Finding(subject="pipeline", good=False, sentence=sentence, advice="Set new_stage to one of them.")
    else:
        yield Finding(
            subject="pipeline", good=True, sentence=f"Pipeline {settings.pipeline} has stage {settings.new_stage}."
        )
    unknown = sorted({each for ids in stages.values() for each in ids} - set(settings.stages))
    if unknown:
        yield Finding(
            subject="stages",
            good=False,
            sentence=f"Nothing says what these stages mean: {', '.join(unknown)}.",
            advice="Add them to stages; until then a ticket in them has no state for rules.",
        )
    else:
        yield Finding(subject="stages", good=True, sentence="It is said of each stage what it means.")


def _priorities(found: Json | None, settings: HubSpotSettings) -> Finding:
    options = {str(each.get("value")) for each in (found or {}).get("options") or ()}
    missing = sorted(set(settings.priorities.values()) - options)
    if missing:
        return Finding(
            subject="priorities",
            good=False,
            sentence=f"The ticket's priority has no option {', '.join(missing)}.",
            advice="Add the options to the property hs_ticket_priority, or name others under priorities.",
        )
    return Finding(subject="priorities", good=True, sentence="The ticket's priority has all options that are written.")


def _version(settings: HubSpotSettings) -> Finding:
    if settings.api_version:
        return Finding(subject="api version", good=True, sentence=f"The dated version {settings.api_version} is used.")
    return Finding(
        subject="api version",
        good=True,
        sentence="The versions v3 and v4 are used; HubSpot supports v4 until 2027-03-30 and v3 until 2027-09.",
        advice='Try api_version = "2026-09" before then.',
    )
