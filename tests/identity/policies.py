"""The policies of the desk."""

from __future__ import annotations

from typing import Final

#: What a policy of the desk ends with.
REST: Final = """
[[rule]]
id = "rest"
catch_all = true
do = "none"

[ladder.second]
final = { target = "queue:desk/Last", notify = ["desk:x"] }
[[ladder.second.step]]
target = "queue:desk/Second"
notify = ["desk:x"]
ack_within = "15m"
"""
#: Every message with the word is escalated, and answered with the case's subject and its customer's name.
POLICY: Final = (
    """
[phrases]
help = ["help"]

[[rule]]
id = "help"
type = "hierarchical"
when.all = ["message.phrases contains 'help'"]
do = "escalate"
ladder = "second"
set = { priority = "P1", reason = "The customer asks for help." }
reply = "To {{customer.name}} about {{case.subject}}: your reference is #{{ticket.id}}."
"""
    + REST
)


#: The same, and what the CRM knows counts as well.
KNOWING: Final = (
    """
[customer]
profile_from = "desk"
fresh_for = "30d"

[[rule]]
id = "known"
when.all = ["customer.tier != ''"]
do = "none"
continue = true
set = { tags = ["known"] }
"""
    + POLICY
)
