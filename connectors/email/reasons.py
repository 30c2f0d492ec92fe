"""Why a mail did not arrive, from what servers write: the words decide, then the code (RFC 3463, RFC 5321 4.2).

Hard is only what says that the address itself is no good: no such user or host, moved, takes no mail at all. A full mailbox, a
filter or a time-out may be over tomorrow, whatever class the server's code has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: Characters of a server's words that are looked at.
LONGEST_WORDS: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A sort of failure."""

    #: Our word for it.
    name: str
    #: The code that stands for it where the server names none.
    code: str
    #: True when the address itself is no good.
    hard: bool = False
    #: What servers write, in any order of words that was seen.
    words: re.Pattern[str]


def _reason(name: str, code: str, *words: str, hard: bool = False) -> Reason:
    return Reason(name=name, code=code, hard=hard, words=re.compile("|".join(words), re.IGNORECASE))


_MAILBOX = (
    r"(?:user|recipient|mailbox|account|address|addressee|destinat\w+|e-?mail(?: account| address)?|local part|alias)"
)

#: In this order: a sentence about a blocked host may well name the recipient.
REASONS: Final[tuple[Reason, ...]] = (
    _reason(
        "sender",
        "5.1.8",
        r"domain of (?:the )?sender",
        r"sender'?s? (?:e-?mail )?(?:address|domain) (?:\S+ )?(?:\w+ ){0,2}(?:rejected|denied|unknown|not|does|blocked|invalid|must|could|is|verif)",
        r"after mail from",
        r"(?:in )?reply to (?:the )?mail from command",
        r"sender (?:rejected|denied|verify|unknown)",
        r"envelope sender",
        r"from (?:address|header) (?:\w+ )?(?:rejected|invalid|not)",
    ),
    _reason(
        "too_many",
        "4.7.1",
        r"too many (?:concurrent |simultaneous )?(?:smtp )?(?:connections|sessions|messages)",
        r"\b(?:rate|speed)[ -]?limit",
        r"receiving mail (?:at a rate|too quickly)",
        r"unusual rate",
        r"sending too (?:fast|quickly|many)",
        r"throttl",
        r"max(?:imum)? (?:number of )?(?:messages|connections) (?:per|exceeded)",
        r"connection rate",
        r"too many recipients (?:this|per|in)",
    ),
    _reason(
        "no_mail_at_all",
        "5.7.27",
        r"null ?mx",
        r"does not accept (?:any )?(?:e-?)?mail",
        r"not accept(?:ing)? (?:any )?mail\b",
        r"smtp protocol is not",
        r"no smtp service here",
        r"host/domain does not accept mail",
        r"doesn'?t accept mail",
        hard=True,
    ),
    _reason(
        "moved",
        "5.1.6",
        r"has moved",
        r"no longer (?:valid|in use|exists?|at|with|works)",
        r"moved to\b",
        r"please (?:try|use) (?:the )?(?:new|following) address",
        r"user has been replaced",
        hard=True,
    ),
    _reason(
        "mailbox_full",
        "5.2.2",
        r"(?:over|exceed\w*|out of|beyond|above)\W+(?:\w+\W+){0,4}(?:quota|storage|space)",
        r"quota (?:\w+ ){0,3}(?:exceed|full|violat)",
        r"quotaexceed",
        r"(?:mail)?box(?:es)? (?:\w+ ){0,3}(?:is |are )?(?:\w+ )?(?:full|too large|over quota)",
        r"mailfolder is full",
        r"(?:disk|storage) (?:\w+ ){0,2}(?:quota|full|exceed)",
        r"not enough (?:storage|disk|space)",
        r"insufficient (?:\w+ )?(?:storage|disk|space)",
        r"account is full",
        r"user is over",
        r"over ?quota",
        r"mailbox.{0,20}\bfull\b",
        r"exceeded (?:\w+ )?(?:storage|mailbox)",
        r"postfach (?:ist )?voll",
        r"bo(?:î|i)te (?:\w+ )?pleine",
        r"maximum (?:\w+ )?(?:storage|mailbox)",
    ),
    _reason(
        "too_big",
        "5.3.4",
        r"(?:message|mail|size|data) (?:\w+ ){0,4}(?:too (?:big|large|long)|exceeds (?:\w+ ){0,4}(?:size|limit|maximum))",
        r"(?:message|mail|content) (?:\w+ ){0,3}size (?:\w+ ){0,3}exceed",
        r"exceeds? (?:\w+ ){0,3}(?:maximum|max|fixed|message|size)(?:\w+ ){0,3} ?size",
        r"message length exceeds",
        r"maximum message size",
    ),
    _reason(
        "virus",
        "5.7.0",
        r"\bvirus\b",
        r"malware",
        r"infected",
        r"malicious",
        r"suspicious attachment",
        r"ransomware",
    ),
    _reason(
        "spam",
        "5.7.1",
        r"\bspam\b",
        r"\bspammy?\b",
        r"junk mail",
        r"bulk mail",
        r"unsolicited",
        r"content (?:\w+ ){0,2}(?:rejected|denied|filter)",
        r"spamassassin",
        r"high spam",
    ),
    _reason(
        "authentication",
        "5.7.26",
        r"\bdmarc\b",
        r"\bspf\b",
        r"\bdkim\b",
        r"unauthenticated (?:e-?mail|mail)",
        r"authentication[- ](?:check|information|results)",
        r"sender policy framework",
        r"sender id",
    ),
    _reason(
        "blocked",
        "5.7.1",
        r"black ?list",
        r"block ?list",
        r"\bdnsbl\b|\brbl\b|spamhaus|spamcop|barracudacentral|sorbs",
        r"(?:ip|client|host|server|network)(?: address)? (?:\[?[\w.:]+\]? )?(?:\w+ ){0,4}(?:is |was |has been )?(?:blocked|denied|rejected|banned)",
        r"\bptr\b|reverse (?:dns|mapping|lookup|hostname)|rdns|cannot find your hostname|hostname mismatch",
        r"helo command rejected|invalid helo|ehlo command rejected",
        r"bad reputation|poor reputation|low reputation|reputation of",
        r"access (?:from|for) (?:\w+ ){0,4}(?:denied|blocked)",
        r"blocked (?:using|by|for|due|because)",
        r"connection (?:refused|rejected|denied) (?:by|due|from) (?:policy|reputation)",
        r"we do not accept mail from",
        r"mail from (?:this )?(?:\w+ )?(?:ip|host|server)",
        r"temporarily (?:deferred|blocked|rejected)",
        r"(?:domain|sender) (?:name )?(?:\S+ )?(?:is |was )?(?:blocked|blacklisted)",
    ),
    _reason(
        "relaying",
        "5.7.1",
        r"relay(?:ing)? (?:is )?(?:not|denied|access|prohibited|rejected)",
        r"(?:unable|not permitted|not allowed|refuse) to relay",
        r"cannot relay",
        r"no relaying",
        r"relay not",
        r"not (?:a|an|our) (?:open relay|customer|local domain)",
        r"insecure mail relay",
        r"rcpthosts",
    ),
    _reason(
        "disabled",
        "5.2.1",
        rf"{_MAILBOX} (?:\S+ )?(?:\w+ ){{0,4}}(?:disabled|suspended|inactive|deactivated|discontinued|locked|frozen|blocked|on hold|not active|temporarily unavailable|expired)",
        r"(?:inactive|disabled|suspended|expired) (?:user|account|mailbox|recipient)",
        r"not accepting messages",
        r"boite du destinataire archiv",
        r"temporarily suspended",
    ),
    _reason(
        "no_user",
        "5.1.1",
        rf"(?:unknown|invalid|bad|illegal|undeliverable|non-?existent|no such|unrouteable|unrouted|unresolvable|not a valid|unavailable) (?:\w+ ){{0,2}}{_MAILBOX}",
        rf"{_MAILBOX}\W+(?:<?[^\s<>]{{1,100}}>?\W+)?(?:is |was |are |has been |could |can)?(?:been )?(?:unknown|invalid|unavailable|not (?:be )?(?:found|known|exist|valid|listed|recogni[sz]ed|here)|does ?n[o']t (?:have|exist)|does not exist|doesn[’']t exist|removed|deleted|undeliverable|non-?existent)",
        r"user_?unknown|usernot?found|recipnotfound|recipientnotfound|adr\.recip|bad-mailbox|nosuchuser",
        r"no (?:\w+ ){0,2}(?:mailbox|account|user|recipient|such)\b",
        r"(?:not|n['o]t) (?:have|a|listed|known|exist)(?: \w+){0,3} (?:here|mailbox|account|user|directory)\b",
        r"doesn[’']?t have an? \S+ account|does not have an? \S+ account",
        r"(?:account|address|user|recipient) that you tried to reach does not exist",
        r"user (?:\S+ )?(?:unknown|not found|doesn)",
        r"unknown (?:user|recipient|address|local|account|or illegal)",
        r"(?:address|recipient|user|mailbox)(?: \S+)? (?:rejected|unknown|failed): (?:user|unknown|undeliverable|no such|unverified)",
        r"not our customer",
        r"no existe|inexistente|inconnue?\b|unbekannt|non esiste|nieznany|неизвест|не существует|не найден|存在しない|見つかりません|不存在|宛先不明",
        r"check (?:the )?(?:recipient|address|e-?mail) for (?:typ|spell|misspell)",
        r"recipient verify failed|verify failed",
        r"dns ?error.{0,40}user|address does not|recipient .{0,60}not exist",
        hard=True,
    ),
    _reason(
        "no_host",
        "5.1.2",
        r"(?:host|domain)(?: name)? (?:\S+ )?(?:unknown|not found|does not exist|lookup|could not be found|was not found|not exist|invalid)",
        r"(?:unknown|invalid|unresolvable|bad|illegal) (?:\w+ ){0,2}(?:host|domain)",
        r"unrouteable (?:mail )?domain|unroutable",
        r"\b[\w-]{1,63}(?:\.[\w-]{1,63})+ (?:does not exist|doesn't exist|not found)",
        r"nxdomain|no such (?:host|domain)|name (?:or service )?not (?:known|found)",
        r"domain does not exist|domain doesn|no (?:mx|a|dns) (?:or a )?(?:record|for)|dns (?:lookup|error|domain)|no mail (?:server|exchanger)s?",
        r"couldn't find any host|couldn't find a mail exchanger|cannot (?:find|resolve)|host lookup",
        hard=True,
    ),
    _reason(
        "rejected",
        "5.7.1",
        r"sender (?:address )?(?:rejected|denied|not allowed|verify|not authori[sz]ed|blocked|is not)",
        r"(?:access|permission|delivery|transaction) (?:denied|not authorized|rejected|failed due to policy)",
        r"\bpolicy\b|not authori[sz]ed|unauthorized|prohibited|restricted|not permitted|not allowed",
        r"message (?:was )?(?:rejected|refused|denied)|rejected (?:by|due|for)|refused by|protection filter|by the domain filter",
        r"filtered|blocked",
    ),
    _reason(
        "expired",
        "4.4.7",
        r"timed? ?out|time-?out|expired|too (?:old|long in)|could not be delivered (?:for|in|within)|retry (?:time|timeout)",
        r"(?:delivery|message|mail) (?:\w+ ){0,4}(?:delayed|deferred|still (?:be )?queued|been in the queue)",
        r"connection (?:was )?(?:refused|reset|timed|dropped|lost)|unable to connect|no route|unreachable|network (?:error|is)",
        r"giving up|not responding|could not (?:connect|be contacted)|connect(?:ing)? to .{0,80}(?:failed|refused)",
        r"undeliverable for|not yet been delivered|will (?:continue to )?(?:be )?retr|delivery attempts?",
    ),
    _reason(
        "loop",
        "5.4.6",
        r"mail ?loop|loops? (?:back|detected)|too many (?:hops|received)|routing loop|forwarding loop|hop count",
    ),
    _reason(
        "server",
        "5.3.0",
        r"(?:mail|local) (?:server|configuration|system|agent) (?:\w+ ){0,2}(?:error|problem|fail)",
        r"internal error|system error|local error|mailer error|command (?:died|failed|rejected)|i/o error|can't create|cannot (?:open|create|append)",
    ),
)

#: Enhanced code → reason, where the words say nothing (RFC 3463 and its registry).
_BY_CODE: Final = {
    "1.1": "no_user",
    "1.3": "no_user",
    "1.10": "no_mail_at_all",
    "1.2": "no_host",
    "1.6": "moved",
    "1.7": "sender",
    "1.8": "sender",
    "2.1": "disabled",
    "2.2": "mailbox_full",
    "2.3": "too_big",
    "3.4": "too_big",
    "4.4": "no_host",
    "4.6": "loop",
    "4.7": "expired",
    "7.13": "disabled",
    "7.27": "no_mail_at_all",
    "7.26": "authentication",
}
_NAMED: Final = {each.name: each for each in REASONS}


def reason_of(words: str, code: str) -> Reason | None:
    """Return the reason in a server's words, or else in its enhanced code; None when neither says."""
    plain = " ".join(words[:LONGEST_WORDS].split())
    detail = code.partition(".")[2]
    if detail in {"7.27", "1.6", "1.7", "1.8", "1.10"}:
        return _NAMED[_BY_CODE[detail]]
    found = next((each for each in REASONS if each.words.search(plain)), None)
    if found is None or found.name in {"rejected", "expired", "server"}:
        named = _BY_CODE.get(detail)
        return _NAMED[named] if named is not None else found
    return found
