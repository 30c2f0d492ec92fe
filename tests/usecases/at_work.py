"""The desk at work: people in the helpdesk, what they do there, and a ticket's content as text for the golden files."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from connectors.chatbot.sandbox import ChatbotSandbox
from connectors.slack.sandbox import SlackSandbox
from connectors.zendesk.sandbox import ZendeskSandbox
from gateway.demo.vendors import Mailbox
from gateway.demo.world import Part, World, world
from gateway.store.values import CaseHistory
from tests.conserved import require_conserved

GOLDENS: Final = Path(__file__).parent / "goldens"
PART: Final = Part(name="use case", package="tests.usecases.desk", hour=9)
#: A Tuesday.
DAY: Final = date(2026, 11, 24)
#: In the order of their ids, 9001 and on.
STAFF: Final = ("Bob", "Carla", "Sam", "Eva", "Tim", "Fay", "Fiona")
GROUPS: Final = {504: "Finance", 505: "Shipping", 506: "Engineering", 507: "Fraud"}
_ID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECONDS: Final = re.compile(r"(\d\d:\d\d):\d\d UTC")
_AGE: Final = re.compile(r"\b\d+s old")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The world, with its stand-ins by name."""

    world: World
    zendesk: ZendeskSandbox
    bot: ChatbotSandbox
    slack: SlackSandbox
    mail: Mailbox

    # --- customers ---------------------------------------------------------------------------------------------------
    async def asks_bot(self, talk: str, text: str, customer: Mapping[str, object]) -> None:
        """Have a customer say something to the bot."""
        turn = {"id": f"turn-{self.bot._number}", "role": "customer", "text": text}
        self.bot.posts({"type": "turns", "conversation": talk, "customer": dict(customer), "turns": [turn]})
        await self.world.rest()

    async def bot_answers(self, talk: str, text: str, *, fallback: bool = False) -> None:
        """Have the bot answer."""
        self.bot.bot_says(talk, text, confidence=0.2 if fallback else 0.9, fallback=fallback)
        await self.world.rest()

    async def bot_hands_over(self, talk: str, reason: str, **more: Any) -> None:
        """Have the bot ask for a person, with what it collected and tried."""
        self.bot.posts({"type": "handoff", "conversation": talk, "id": f"wish-{talk}", "reason": reason, **more})
        await self.world.rest()

    async def agent(self, deed: str, ticket: int, *given: Any, name: str) -> None:
        """Have an agent do something in the helpdesk."""
        getattr(self.zendesk, f"agent_{deed}")(ticket, *given, name=name)
        await self.world.rest()

    # --- what came of it ---------------------------------------------------------------------------------------------
    def history(self, subject: str) -> CaseHistory:
        """Return the only case of a subject."""
        store = self.world.gateway.store
        (case,) = [each for each in store.cases(100) if each.subject.startswith(subject)]
        found = store.history(case.id)
        assert found is not None
        return found

    def ticket(self, subject: str) -> Any:
        """Return the only ticket of a subject."""
        (found,) = [each for each in self.zendesk.account.tickets.values() if each.subject.startswith(subject)]
        return found

    def path(self, subject: str) -> list[tuple[str, str, int, tuple[str, ...]]]:
        """Return the episodes of a case: rule, ladder, the step that it came to (from 1), to whom it is assigned."""
        return [(each.rule, each.ladder, each.step + 1, each.assigned) for each in self.history(subject).episodes]

    def shown(self, ticket: Any) -> str:
        """Return all that stands on a ticket, as text. Ids and seconds, which no two runs share, are left out."""
        account = self.zendesk.account
        names = {number: str(user["name"]) for number, user in account.users.items()}
        names[account.own_user] = "Baton"
        mail = account.users[ticket.requester_id]["email"]
        lines = [
            f"#{ticket.id} {ticket.subject}",
            f"for: {names[ticket.requester_id]}{f' <{mail}>' if mail else ''}",
            f"status: {ticket.status}",
            f"group: {account.groups.get(ticket.group_id or 0, 'none')}",
            f"assignee: {names.get(ticket.assignee_id or 0, 'nobody')}",
            f"priority: {ticket.priority or 'none'}",
            f"tags: {', '.join(sorted(ticket.tags)) or 'none'}",
        ]
        for comment in ticket.comments:
            audience = "public" if comment["public"] else "internal"
            lines += ["", f"--- {names[comment['author_id']]}, {audience}", str(comment["body"]).rstrip()]
            for file in comment["attachments"]:
                body = account.files[file["id"]]
                lines.append(f"[{file['file_name']}: {len(body)} bytes, sha256 {sha256(body).hexdigest()[:16]}]")
        text = _SECONDS.sub(r"\1 UTC", _ID.sub("(id)", "\n".join(lines)))
        return _AGE.sub("seconds old", text) + "\n"


@asynccontextmanager
async def at_work() -> AsyncGenerator[Desk, None]:
    """Open the desk on a Tuesday at nine. At the end nothing is unaccounted for."""
    async with world(PART, DAY) as here:
        found: Mapping[str, Any] = here.sandboxes
        desk = Desk(
            world=here,
            zendesk=found["zendesk"],
            bot=found["shop-bot"],
            slack=found["support-slack"],
            mail=found["mail"],
        )
        account = desk.zendesk.account
        account.groups.update(GROUPS)
        people = [account.user(name, f"{name.lower()}@example.com", "agent") for name in STAFF]
        assert people == list(range(9001, 9001 + len(STAFF))), "the ids of the policy"
        yield desk
        await here.rest()
        require_conserved(here.gateway.store)


def golden(name: str, shown: Sequence[str]) -> None:
    """Compare with the golden file, or write it with BATON_UPDATE_GOLDENS=1."""
    path, text = GOLDENS / f"{name}.txt", "\n========\n\n".join(shown)
    if os.environ.get("BATON_UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
