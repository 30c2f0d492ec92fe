"""Steps whose terms nobody can meet."""

from __future__ import annotations

from routing.lint.finding import Examined
from routing.people import Whom, with_fallbacks


def too_few(examined: Examined) -> None:
    """Note steps that want more acknowledgements than there are people who may give one."""
    teams = examined.policy.people.teams
    for name, ladder in examined.policy.ladders.items():
        for number, stage in enumerate(ladder.steps):
            asks = stage.asks
            if not stage.acks_of_team or asks is None or asks.whom is not Whom.TEAM:
                continue
            chain = with_fallbacks(examined.policy.people, asks.name)
            may = len({member for team in chain for member in teams[team].members})
            if may < stage.min_acks:
                sentence = (
                    f"step {number + 1} of ladder {name} wants {stage.min_acks} acknowledgements of team {asks.name}, and who may"
                    f" give one are {may}: nobody can take a case there"
                )
                examined.note("too-few-for-acks", ("ladder", name, "step", number, "min_acks"), sentence, value=True)
