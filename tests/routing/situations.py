"""Random situations: a case at some moment, and something that happens to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hypothesis import strategies as st

from gateway.model import (
    Activity,
    ActivityKind,
    Attachment,
    Audience,
    CaseStatus,
    Channel,
    DeliveryFacts,
    DeliveryState,
    EffectKind,
    Episode,
    EpisodeState,
    Lookup,
    Mode,
    Profile,
    TicketChange,
    TicketStatus,
    Unanswered,
    altered,
)
from gateway.model.keeping import Suspended
from routing.policy import Policy
from routing.snapshot import Snapshot
from tests.routing.strategies import activities, cases, parties
from tests.routing.values import (
    BOT,
    CATCH_ALL,
    LADDER,
    LINK,
    MINUTE,
    NOW,
    activity,
    answer,
    connections,
    message,
    open_episode,
    outcome,
    policy,
    pressed,
    snapshot,
    ticket,
    timer,
)

RULES: Final = """
[customer]
profile_from = "desk"
vip = ["gold"]

[phrases]
person = ["real person"]
money = ["charged twice"]

[sensitivity.hush]
when.all = ["message.text contains 'hush'"]
group = "Private"

[severity]
impact = { desk = "amount" }
boost = ["gold"]
[severity.matrix]
high = { high = "P1", medium = "P2", low = "P3" }
medium = { high = "P2", medium = "P3", low = "P4" }
low = { high = "P3", medium = "P4", low = "P4" }

[[rule]]
id = "stuck"
do = "escalate"
ladder = "second"
suspend = "2m"
when.all = ["message.text contains 'stuck'"]
set = { impact = "medium", urgency = "medium" }

[[rule]]
id = "vip"
do = "none"
continue = true
when.all = ["customer.vip"]
set = { tags = ["vip"] }

[[rule]]
id = "mark"
do = "none"
continue = true
when.all = ["message.attachments > 1"]
set = { tags = ["files"], priority = "P2" }

[[rule]]
id = "help"
do = "escalate"
ladder = "second"
continue = true
mode = "MODE"
when.any = ["button.action == 'alpha'", "message.phrases contains 'person'"]
set = { priority = "P3", tags = ["person"], reason = "The customer asks for a person.", fields = { a = "b" } }
reply = "Your reference is #{{ticket.id}}, {{customer.name}}."

[[rule]]
id = "money"
do = "escalate"
ladder = "second"
when.all = ["sender.role == 'customer'", "message.phrases contains 'money'"]
set = { priority = "P1", group = "Billing" }

[[rule]]
id = "boss"
type = "hierarchical"
do = "escalate"
ladder = "managers"
continue = true
when.all = ["sender.role == 'customer'", "message.text contains 'manager'"]
set = { priority = "P2", reason = "The customer asks for a manager." }

[[rule]]
id = "keep"
do = "mirror"
target = "desk"
mode = "MODE"
when.all = ["channel == 'chat'", "sender.role == 'customer'"]
"""
#: A second step, with hours that are open at every instant: a decision does not depend on the weekday of the test.
SECOND_STEP: Final = """
[[ladder.second.step]]
target = "team:third"
in = "desk/Third line"
notify = ["chat:#third"]
skills = [{ name = "billing", level = 3 }]
relax_after = [{ after = "10m", level = 2 }, { after = "20m", drop = true }]
ack_within = "1h"
reply_within = "1h"
ack_ttl = "2h"
outside_hours = "pause"
calendar = "always"
[ladder.managers]
final = { target = "queue:desk/Directors", notify = ["chat:#directors"] }
[[ladder.managers.step]]
target = "queue:desk/Managers"
notify = ["chat:#managers"]
ack_within = "10m"
[skill.billing]
[agent.ann]
ids = { desk = "7", chat = "U1" }
notify = ["chat:@ann"]
skills = { billing = 3 }
capacity = { chat = 1 }
[agent.ben]
ids = { desk = "8" }
skills = { billing = 2 }
[team.third]
members = ["ann", "ben"]
[calendar.always]
tz = "Asia/Kathmandu"
mon = ["00:00-24:00"]
tue = ["00:00-12:00", "12:00-24:00"]
wed = ["00:00-24:00"]
thu = ["00:00-24:00"]
fri = ["00:00-24:00"]
sat = ["00:00-24:00"]
sun = ["00:00-24:00"]
"""
POLICIES: Final = {mode: policy(RULES.replace("MODE", mode.value) + CATCH_ALL + LADDER + SECOND_STEP) for mode in Mode}
LIVE: Final = POLICIES[Mode.LIVE]


@st.composite
def episodes(draw: st.DrawFn) -> Episode | None:
    """Return no episode, or one that is open or taken, whose rule may be gone from the policy."""
    if draw(st.booleans()):
        return None
    rule = draw(st.sampled_from(("help", "help", "help", "money", "gone")))
    step = draw(st.integers(0, 2))
    taken = draw(st.booleans())
    return open_episode(
        rule=rule,
        reasons=(rule,),
        ladder=draw(st.sampled_from(("second", "second", "second", "second", "gone"))),
        step=step,
        epoch=step,
        hushed=not taken and draw(st.booleans()),
        assigned=draw(st.sampled_from(((), ("ann",), ("gone",)))) if step == 1 else (),
        relax_at=NOW if step == 1 and not taken and draw(st.booleans()) else None,
        relaxed=draw(st.integers(0, 1)) if step == 1 else 0,
        answer_by=NOW if taken and draw(st.booleans()) else None,
        held_until=NOW if taken and draw(st.booleans()) else None,
        state=EpisodeState.ACKNOWLEDGED if taken else EpisodeState.OPEN,
        mode=draw(st.sampled_from((Mode.LIVE, Mode.LIVE, Mode.NOTES, Mode.OBSERVE))),
    )


HAPPENINGS: Final = (
    "message",
    "another message",
    "message in the helpdesk",
    "button",
    "acknowledgement",
    "answer",
    "ticket",
    "end",
    "edit",
    "deletion",
    "deadline",
    "late deadline",
    "hours begin",
    "solve itself",
    "mute ends",
    "fewer skills",
    "no answer",
    "further",
    "tag",
    "landed",
    "given up",
    "other outcome",
    "looked up",
    "consent",
    "report",
    "wish",
    "anything",
)
#: What waits for an open episode: drawn together with one, or most of it would find nothing to do.
AWAITED: Final = frozenset(
    {
        "hours begin",
        "mute ends",
        "fewer skills",
        "landed",
        "given up",
        "deadline",
        "acknowledgement",
        "further",
        "no answer",
    }
)
SAID: Final = (
    *("hello", "a real person please", "I was charged twice", "a real person! I was charged twice"),
    *("I am stuck", "hush, a real person please", "it works now"),
    *("a manager, please", "a real person! a manager"),
)


@st.composite
def happenings(draw: st.DrawFn, what: str, episode: Episode | None) -> Activity:
    """Return what happens to a case, by its name in `HAPPENINGS`."""
    text = draw(st.sampled_from(SAID))
    dedupe = draw(st.sampled_from(("e1", "e2")))
    files = draw(st.sampled_from(((), (Attachment(id="f1"), Attachment(id="f2")))))
    status = draw(st.none() | st.sampled_from(TicketStatus))
    audience = draw(st.sampled_from(Audience))
    others = [kind.value for kind in EffectKind if kind is not EffectKind.HANDOFF]
    choices: dict[str, Callable[[], Activity]] = {
        "message": lambda: message(text, dedupe=dedupe, attachments=files),
        "another message": lambda: message(text, dedupe=dedupe, occurred_at=NOW - MINUTE, thread="C1/2"),
        "message in the helpdesk": lambda: message(text, connection="desk", channel=Channel.HELPDESK, thread="55"),
        "button": lambda: pressed(draw(st.sampled_from(("alpha", "beta"))), dedupe=dedupe),
        "acknowledgement": lambda: pressed("acknowledge", reference=draw(st.none() | st.just("r1")), thread="C9/9"),
        "answer": lambda: answer(text, audience=audience),
        "ticket": lambda: ticket(draw(st.sampled_from(TicketChange)), status, sender=draw(parties())),
        "end": lambda: ticket(TicketChange.STATUS, draw(st.sampled_from((TicketStatus.SOLVED, TicketStatus.CLOSED)))),
        "edit": lambda: activity(ActivityKind.EDIT, text=text, message_id="m1"),
        "deletion": lambda: activity(ActivityKind.DELETION, message_id="m1"),
        "deadline": lambda: timer(f"ack:episode-1:{episode.step if episode else 0}"),
        "late deadline": lambda: timer(draw(st.sampled_from(("ack:episode-1:0", "ack:episode-1:1", "ack:other:0")))),
        "hours begin": lambda: timer(f"open:episode-1:{episode.epoch if episode else 0}"),
        "solve itself": lambda: timer("suspend:stuck"),
        "mute ends": lambda: timer(
            f"unmute:{draw(st.sampled_from(('', 'reply:')))}episode-1:{episode.epoch if episode else 0}"
        ),
        "fewer skills": lambda: timer(f"relax:episode-1:{episode.epoch if episode else 0}"),
        "no answer": lambda: timer(
            f"{draw(st.sampled_from(('reply', 'ttl')))}:episode-1:{episode.epoch if episode else 0}"
        ),
        "further": lambda: pressed("escalate_further", reference=draw(st.none() | st.just("r1")), thread="C9/9"),
        "tag": lambda: ticket(TicketChange.TAGS, status, tags=draw(st.sampled_from(((), ("escalate_further",))))),
        "landed": lambda: outcome("e9", episode),
        "given up": lambda: outcome("e9", episode, landed=False),
        "other outcome": lambda: outcome("e9", episode, effect_kind=draw(st.sampled_from(others))),
        "looked up": lambda: outcome(
            draw(st.sampled_from((ASKED.effect_id, "e9"))), None, landed=draw(st.booleans()), effect_kind="lookup"
        ),
        "consent": lambda: activity(ActivityKind.CONSENT, consent=draw(st.booleans())),
        "report": lambda: activity(ActivityKind.DELIVERY_REPORT, report=DeliveryFacts(state=DeliveryState.FAILED)),
        "wish": lambda: activity(ActivityKind.HANDOFF_REQUEST, text=text, sender=BOT, audience=Audience.INTERNAL),
        "anything": lambda: draw(activities()),
    }
    return choices[what]()


@st.composite
def awaiting(draw: st.DrawFn, name: str) -> Episode:
    """Return an episode that waits for what happens to it."""
    step = draw(st.integers(0, 1))
    if name == "no answer":
        return open_episode(state=EpisodeState.ACKNOWLEDGED, step=step, epoch=step, answer_by=NOW, held_until=NOW)
    if name == "hours begin":
        return open_episode(step=1, epoch=1, hushed=True)
    if name == "fewer skills":
        return open_episode(step=1, epoch=1, relax_at=NOW, relaxed=draw(st.integers(0, 1)))
    return open_episode(step=step, epoch=step)


#: A look-up that is out, and what waits for it.
WAITING: Final = message("a real person please", dedupe="e0", received_at=NOW - MINUTE)
ASKED: Final = Lookup(
    effect_id="l1", connection="desk", waiting=(Unanswered(activity=("chat", "e0"), rules=("keep", "rest")),)
)
KNOWN: Final = (
    None,
    Profile(values={"tier": "gold", "organization": "Acme"}, read_at=NOW - MINUTE),
    Profile(values={"tier": "gold"}, read_at=NOW - 3 * 86_400_000_000),
    Profile(values={}, read_at=NOW),
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Snapshot, Activity]:
    """Return a case at some moment and what happens to it, internal activities included."""
    name = draw(st.sampled_from(HAPPENINGS))
    episode = draw(awaiting(name)) if name in AWAITED and draw(st.integers(0, 3)) else draw(episodes())
    what = draw(happenings(name, episode))
    modes = st.sampled_from((Mode.LIVE, Mode.LIVE, Mode.NOTES, Mode.OBSERVE))
    case_now = draw(cases())
    if draw(st.integers(0, 3)):
        case_now = altered(case_now, status=CaseStatus.OPEN, last_connection="chat", targets=("desk",))
    if name == "solve itself" and draw(st.booleans()):
        case_now = altered(case_now, suspended=(Suspended(rule="stuck", matched_at=NOW - 2 * MINUTE, due_at=NOW),))
    case_now = altered(case_now, sensitive=draw(st.sampled_from(("", "", "", "hush"))))
    looked = [None, ASKED, altered(ASKED, waiting=(), failed_at=NOW - draw(st.sampled_from((1, 10))) * MINUTE)]
    case_now = altered(case_now, lookup=ASKED if name == "looked up" else draw(st.sampled_from(looked)))
    tickets = draw(st.sampled_from(((), (LINK,), (altered(LINK, adopted=True),))))
    start = snapshot(
        POLICIES[draw(modes)],
        case=case_now,
        episode=episode,
        tickets=tickets,
        connections=connections(chat=draw(modes), desk=draw(modes)),
        profile=draw(st.sampled_from(KNOWN)),
        askable=draw(st.booleans()),
        waiting=(WAITING,) if name == "looked up" else (),
    )
    return start, what


def moved(value: Any, by: int) -> Any:
    """Return a value with every instant in it moved."""
    if isinstance(value, tuple):
        return tuple(moved(each, by) for each in value)
    names = getattr(value, "__struct_fields__", None) or getattr(value, "__dataclass_fields__", ())
    if isinstance(value, type | Policy) or not names:
        return value
    instants = ("_at", "acknowledge_by", "answer_by", "held_until")
    changes = {
        name: old + by if name.endswith(instants) and isinstance(old, int) else moved(old, by)
        for name in names
        if (old := getattr(value, name)) is not None
    }
    change: Any = altered if hasattr(value, "__struct_fields__") else replace
    return change(value, **changes)
