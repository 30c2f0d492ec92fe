"""After the fire: is everything that was acknowledged there, once and in order, in the store and at the vendors?"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import Any, Final, cast

from gateway.store.engine import Engine, Row, Transaction
from tests.prove.conservation import require_conservation
from tests.prove.proof import Figures
from tests.prove.world import World

_TOKEN: Final = re.compile(r"~(\d+\.\d+)#(\d+)~")
#: A customer's line in a note; a note that quotes another one indents it.
_LINE: Final = re.compile(r"^[^ ].* UTC U0C\d+ \(customer, chat\): ~(\d+\.\d+)#(\d+)~", re.MULTILINE)
_ESCALATED: Final = "Escalated by Baton"


def judge(world: World, figures: Figures) -> None:
    """Note everything that must hold once the world is quiet."""
    store = world.store()
    try:
        engine: Engine = cast("Any", store)._engine
        in_store(world, engine, figures)
        require_conservation(figures, store, "at the end")
        accounts = store.accounts()
        figures.must_be("unaccounted deliveries, events, activities", accounts.unaccounted, 0)
        figures.must_be("dead letters", accounts.dead_letters_open, 0)
        figures.must_be("effects not done", sum(accounts.effects.values()) - accounts.effects.get("done", 0), 0)
        figures.tell("effects done", accounts.effects.get("done", 0))
    finally:
        store.close()
    at_zendesk(world, figures)
    at_slack(world, figures)


def rows_of(engine: Engine, sql: str) -> list[Row]:
    """Return the rows of a question."""

    def work(t: Transaction) -> list[Row]:
        return list(t.rows(sql))

    return engine.read(work)


def in_store(world: World, engine: Engine, figures: Figures) -> None:
    """Every acknowledged request is a delivery; every message is one activity, applied once, in its thread's order."""
    ledger = world.ledger
    rows = rows_of(engine, "SELECT delivery_id, body FROM payloads ORDER BY delivery_id")
    kept: Counter[str] = Counter()
    for _, body in rows:
        text = bytes(body).decode()
        found = _TOKEN.search(text)
        if found and '"user": "U0C' in text:
            kept[f"{found[1]}/{found[2]}"] += 1
    acknowledged = {key: count for key, count in ledger.acknowledged.items() if "/" in key}
    figures.tell("deliveries acknowledged", sum(ledger.acknowledged.values()))
    figures.tell("messages acknowledged", len(acknowledged))
    figures.none_of(
        "acknowledged and not in the store",
        [f"{key}: {count} acknowledged, {kept[key]} kept" for key, count in acknowledged.items() if kept[key] < count],
    )
    figures.none_of(
        "in the store more often than sent",
        [f"{key}: {count}" for key, count in kept.items() if count > ledger.attempts[key]],
    )
    activities = rows_of(
        engine,
        "SELECT a.id, a.state, c.doc, a.thread_id, a.case_id, a.seq FROM activities a"
        " JOIN contents c ON c.activity_id = a.id WHERE a.kind = 'message' ORDER BY a.id",
    )
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    not_applied: list[str] = []
    numbers: Counter[tuple[str, int]] = Counter()
    for _, state, doc, _, case_id, seq in activities:
        activity = json.loads(doc)
        numbers[case_id, seq] += 1
        found = _TOKEN.search(activity["text"])
        if found is None or activity["connection"] != "support":
            continue
        places[found[1]].append((seq or 0, int(found[2])))
        if state != 1:
            not_applied.append(f"{found[0]}: state {state}")
    figures.none_of("messages not applied", not_applied)
    figures.none_of("applied twice under one number", [str(key) for key, count in numbers.items() if count > 1])
    figures.none_of(
        "threads not applied once each and in order",
        [
            f"{thread}: {[place for _, place in sorted(places[thread])]} of {count}"
            for thread, count in ledger.threads.items()
            if [place for _, place in sorted(places[thread])] != list(range(count))
        ],
    )


def at_zendesk(world: World, figures: Figures) -> None:
    """One ticket a case; every message on it once and in order; every note once."""
    tickets = list(world.zendesk.account.tickets.values())
    cases = Counter(ticket.external_id for ticket in tickets)
    figures.tell("tickets", len(tickets))
    figures.none_of("cases with two tickets", [str(case) for case, count in cases.items() if count > 1])
    keys: Counter[str] = Counter()
    for ticket in tickets:
        for audit in ticket.audits:
            custom = audit["metadata"]["custom"]
            if "baton_key" not in custom:
                # What people did, which Zendesk keeps as well.
                continue
            keys.update([str(custom["baton_key"])])
            keys.update(f"entry {each}" for each in str(custom.get("baton_entries", "")).split())
    figures.tell("notes", sum(1 for key in keys if not key.startswith("entry")))
    figures.none_of("notes or entries written twice", [key for key, count in keys.items() if count > 1])
    told = {thread: places for ticket in tickets for thread, places in _told(ticket.comments).items()}
    figures.none_of(
        "threads not on their ticket once each and in order",
        [
            f"{thread}: {told.get(thread)} of {count}"
            for thread, count in world.ledger.threads.items()
            if told.get(thread) != list(range(count))
        ],
    )


def _told(comments: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Return the places of each thread's messages as a ticket tells them. A packet repeats: only its last line is new."""
    found: dict[str, list[int]] = defaultdict(list)
    for comment in comments:
        tokens = _LINE.findall(comment["body"])
        if comment["body"].startswith(_ESCALATED):
            tokens = tokens[-1:]
        for thread, place in tokens:
            found[thread].append(int(place))
    return found


def at_slack(world: World, figures: Figures) -> None:
    """Every notice and every reply once."""
    keys: Counter[str] = Counter()
    for posts in world.slack.posts.values():
        for post in posts:
            key = ((post.get("metadata") or {}).get("event_payload") or {}).get("key")
            keys.update([str(key)] if key else [])
    figures.tell("notices and replies", sum(keys.values()))
    figures.none_of("notices or replies posted twice", [key for key, count in keys.items() if count > 1])
