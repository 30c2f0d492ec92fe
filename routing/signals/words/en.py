"""English: how people ask for somebody, and what they say in distress."""

from __future__ import annotations

from typing import Final

from routing.signals.grammar import Grammar

_DET: Final = (
    r"(?:(?:a|an|the|another|any|some|your|ur|one|that|this|ya|actual|any one|one of|some of|any of|"
    r"someone from|somebody from|"
    r"somebody at|someone at|someone in|somebody in) ){0,2}(?:your |the )?"
)
#: Words before the person: any, except those that begin something else.
_WORDS: Final = (
    r"(?:(?!(?:you|u|me|my|about|his|her|their|our|that|if|and|or|to|for|with|because|when|who|as|on|in|"
    r"of|estate|travel|"
    r"letting|virtual|robot|bot|automated|ai|digital|no|not|non existent|it|is|was|like|than|per|be)\b)\w+ ){0,3}"
)
_HUMAN: Final = (
    r"humans?(?! (?:resources?|error|rights?|readable|made)\b)|human beings?|humanoid|homo sapiens|"
    r"real (?:one|someone|somebody)"
)
_STAFF: Final = (
    r"agents?|representatives?|reps?|operators?|advis[eo]rs?|csr|attendants?|staff|staff members?|"
    r"employees?|consultants?|"
    r"specialists?|receptionists?|concierge|tellers?|bankers?|associates?|technicians?|support team|workers?"
)
_NOT_AFTER: Final = (
    r"(?! (?:numbers?|ids?|names?|codes?|fees?|rooms?|beds?|tents?|tables?|plans?|tickets?|limits?|"
    r"cabins?|portal|login|"
    r"license|household|jobs?|positions?|hours?|emails?|phone|lines?|charges?|booking|discount|training|"
    r"schedule|policy|entrance|installed|installation|running|deployed|software|process|daemon)\b)"
)
_PERSON: Final = (
    f"(?:(?:{_HUMAN}|{_STAFF}|persons?|people|somebody|someone|some ?one|anybody|anyone|some1|experts?|"
    f"colleagues?|members?|"
    r"professionals?|assistants?|customer assistance|individual|guy|lady|man|woman|clerks?|team|"
    r"department|founders?|customer (?:service|support|care)|"
    r"support|tech support|helpdesk|help desk|service desk|reception|front desk|sales|billing|"
    r"call cent(?:er|re)|someone else|"
    rf"somebody else){_NOT_AFTER})"
)
_NAMED: Final = (
    f"(?:(?:{_HUMAN}|{_STAFF}|(?:(?:real|live|actual|proper|normal|living|breathing|different|other|"
    f"physical|human) ){{1,2}}"
    r"(?:persons?|people|someone|somebody|individual)|(?<!another )(?<!contact )person|someone else|somebody else|"
    r"someone real|somebody real|"
    rf"customer (?:service|support|care)){_NOT_AFTER})"
)
_REACH: Final = (
    r"(?:talk|speak|chat|connect|converse|correspond|communicate|discuss \w+|get in touch|get in contact|"
    r"have a (?:chat|word|"
    r"talk|conversation)|be (?:connected|transferred|put through|forwarded|redirected|passed)|"
    r"get (?:connected|transferred|"
    r"through)|tlk|spk)"
)
_ADV: Final = r"(?:(?:directly|again|now|instead|just|live|straight|over|right|quickly|on the phone) ){0,2}"
_TO: Final = r"(?:(?:to|with|2|w) )"
_FRAME: Final = (
    r"(?:(?:i|we|id|ill|lets) )?(?:(?:really|just|very|much|would|do|still|also|only|now|"
    r"id) ){0,3}(?:want|wanna|need|like|love|"
    r"prefer|wish|rather|have|got|gotta|must|should|going|demand|insist|require|hoping)(?: to)?|(?:can|"
    r"could|may|might|shall|"
    r"cant|could not|couldnt) (?:i|we)(?: (?:please|pls|just|maybe|possibly|also|kindly))?|(?:let|"
    r"allow) (?:me|us)(?: to)?|"
    r"how (?:do|can|could|would) (?:i|we)|is it possible(?: for me)? to|possible to"
)
_MATTER: Final = (
    r"(?:this|it|my (?:call|chat|case|issue|problem|ticket|complaint|request|conversation)|(?:the|"
    r"this) (?:call|chat|case|issue|matter|conversation))"
)
_NO_OBJECT: Final = (
    r"(?!(?:you|u|ya|myself|him|her|them|it|me|my|mine|our|his|their|about|friends?|"
    r"(?:(?:a|an|the|this|that|your|some|another) )?(?:\w+ ){0,2}(?:bots?|chatbots?|robots?|machines?|"
    r"computers?|ai|assistants?|alexa|"
    r"point|extent|degree|idea)\b)\b)"
)
_BOT: Final = (
    r"(?:bots?|chatbots?|chat bots?|robots?|machines?|computers?|ai|software|program|algorithm|"
    r"automated \w+|answering machine|"
    r"virtual \w+|recording|script)"
)

GRAMMAR: Final = Grammar(
    language="en",
    person=_PERSON,
    named=_NAMED,
    manager=(
        r"(?<!password )(?<!task )(?<!file )(?<!download )(?:(?:senior )?managers?|supervisors?|bos+(?:es)?|"
        r"superiors?|superviser|"
        r"team ?lead(?:er)?s?|(?:some ?one|some ?body|person|people|anyone|whoever|whoever is|whoevers|who is|"
        r"whos) (?:in charge|in authority|higher(?: up)?|"
        r"more senior|senior|responsible|above you|with (?:more )?authority)|higher ups?|directors?|ceo|"
        r"head of \w+|management|owner)"
        r"(?! (?:role|position|job|account)\b)"
    ),
    shapes=(
        rf"{_REACH} {_ADV}{_TO}{_DET}{_WORDS}{{who}}",
        (
            rf"(?:reach|contact|connect|call|ask|ask for|get hold of|get a hold of|see|request|summon|bring in|"
            rf"bring me|find me|phone) "
            rf"(?:me )?{_DET}{_WORDS}{{named}}(?<!technician)(?<!technicians)"
        ),
        (
            rf"(?:transfer|connect|put|pass|forward|send|switch|redirect|hand|direct|patch|route|escalate|move|"
            rf"refer|get|link|bring|give|hook)"
            rf" (?:me|us|{_MATTER})(?: (?:over|back|on|through|up|straight|directly|right))?"
            rf" (?:to|with|up with|up to|through to|through with|in touch with|in contact with|on to|"
            rf"onto) {_DET}{_WORDS}{{who}}"
        ),
        (
            rf"(?:transfer|connect|forward|switch|redirect|escalate|route) (?:over )?(?:to|"
            rf"with) {_DET}{_WORDS}{{named}}(?<! else)"
        ),
        (
            rf"(?:want|wants|need|give me|gimme|give us|get me|get us|get|like|demand|require|prefer|is there|"
            rf"are there|send me|"
            rf"send|want you to get|where is|wheres|do you have|expect|deserve) {_DET}{_WORDS}"
            rf"{{named}}(?! (?:who|that|from|of|at) (?:i|you|told|said|called|was)\b)"
        ),
        rf"(?:put|get|bring) {_DET}{_WORDS}{{named}} (?:on|in)(?= (?:the (?:line|phone|chat)|please|pls|now|instead|here)\b| $)",
        rf"(?:want|need|like|demand|have) {_MATTER} (?:to be )?escalated to {_DET}{_WORDS}{{who}}",
        (
            rf"(?:can|could|may) (?:i|we) (?:please )?have {_DET}{_WORDS}{{named}}(?= (?:please|now|instead|"
            rf"to (?:talk|speak|help|assist))| $)"
        ),
        rf"(?:deal|interact|work|engage) with {_DET}{_WORDS}{{named}}",
        rf"(?:let|have|make) {_DET}{_WORDS}{{named}} (?:handle|take|help|deal|answer|look|assist|do|sort|fix|solve)",
        (
            rf"(?:get|have|want|need|ask) {_DET}{_WORDS}{{who}} (?:else )?(?:on the (?:line|phone)|to (?:call|"
            rf"contact|ring|phone) me|"
            rf"(?:call|contact|ring|phone) me)"
        ),
        (
            rf"(?:can|could|may|would|will|please have|have) {_DET}{_WORDS}{{who}} (?:please )?(?:call|contact|"
            rf"ring|phone|get back to) me"
        ),
    ),
    open_shapes=(
        (
            r"(?:(?<=^ )|(?:please|pls|plz|just|kindly|(?:can|could|would|will) (?:you|u)(?: please| just)?"
            r"|(?:want|like|need|ask) (?:you|u) to) )(?:(?:call|ring|phone) me(?: back)?|give me a (?:call|ring))"
            r"(?= (?:please|pls|plz|now|asap|today|tomorrow|tonight|on|at|when|as soon|immediately|urgently|about|regarding"
            r"|this|in|or|so|and|thanks|thank|if|later)\b| $)"
        ),
        (
            r"(?:want|need|request|requesting|like|get|expect|arrange|schedule|have) (?:a |an "
            r"|your )?(?:phone )?call ?back(?= (?:please|now|asap|today|tomorrow|from|about|at|on|in|to)\b| $)"
        ),
        (
            r"(?:please|pls|kindly|just|(?:want|need|like|have|wish) to|(?:can|could|would|will|may) (?:you|u|i"
            r"|we)(?: please)?|must)"
            rf" escalate(?= {_MATTER}\b| (?:now|please|immediately|asap|further)\b| $)"
        ),
        rf"(?:want|need|like|demand|have) {_MATTER} (?:to be )?escalated(?= (?:now|please|immediately|asap|further)\b| $)",
        (
            r"(?:help|help me|assist me|assistance|hand)(?: (?:with|in|to))? (?:talking|speaking|chatting|connecting) "
            rf"{_ADV}{_TO}{_DET}{_WORDS}{{who}}"
        ),
        (
            r"(?:help|help me|assist me|assistance|hand)(?: (?:with|in|to))? (?:contacting|reaching|getting hold of) "
            rf"{_DET}{_WORDS}{{who}}"
        ),
        (
            rf"(?:{_FRAME}|help me(?: to)?|(?:need|have) to do to) (?:please )?(?:contact|reach) "
            r"(?:(?:a|any|some|another) (?:\w+ )?person|someone|somebody|anyone|anybody)"
            r"(?! (?:at|in|from) (?:my|his|her|their|another)\b)"
        ),
        (
            r"(?:transfer|direct|connect|redirect|send|pass|forward)(?: over)? to me "
            rf"(?:right away |now |please )?{_DET}{_WORDS}{{who}}"
        ),
        (
            rf"(?:{_FRAME}) (?:please )?{_ADV}(?:talk|speak|chat|have a (?:chat|word)|be (?:connected|transferred|"
            rf"put through)) {_ADV}"
            rf"(?:to|with) {_NO_OBJECT}(?:the|your|one of|some of|somebody|someone|a|an|reception|support|"
            rf"customer)(?! (?:point|extent)\b)"
        ),
        (
            rf"(?:transfer|patch|pass|forward|put|hand|redirect) me (?:over |back |on |straight |directly )?"
            rf"(?:to|with|through to|through with|onto|on to) {_NO_OBJECT}\w+"
        ),
        r"(?:get|give|find) me (?:over |through )?(?:to )?(?:someone|somebody|anyone|anybody)",
        r"who (?:can|could|should|do|may) (?:i|we) (?:talk|speak|chat) (?:to|with)",
        (
            r"(?:is|isnt) (?:there )?(?:anyone|anybody|someone|somebody|any person|any human) (?:there|here|real|"
            r"available|around|online|alive)"
        ),
        (
            r"(?:human|live agent|agent) (?:handoff|hand off|handover|takeover|support|assistance|help|"
            r"interaction|contact)"
        ),
        rf"(?:talk|speak|chat) {_TO}(?:someone|somebody|anyone|anybody)",
    ),
    weak_shapes=(
        rf"(?:from|by|with|to|for) {_DET}(?:(?:real|live|actual|proper) ){{1,2}}{{who}}",
        r"{named} (?:who is |that is )?(?:free|available|online)",
        (
            r"(?:want|need|ask|like|get|prefer|request|can|could|require|assistance|help|answers?|"
            r"advice)(?: \w+){0,8} from (?:a|an|one of your|your) "
            r"(?:(?:real|live|human|other) )?{named}"
        ),
        r"{named} (?:i|we) (?:can|could|may) (?:talk|speak|chat)",
    ),
    dislikes=(
        (
            rf"(?:dont|do not|not|never|wont|will not|refuse to|hate|stop|sick of|tired of|fed up with|no more|"
            rf"enough of|quit|done|"
            rf"cant stand|dislike|instead of|rather than|no point|waste of time)(?: (?:want|wanna|like|need|going|"
            rf"gonna|wish|to|really|ever|"
            rf"be|feel|enjoy|in|keep|i)){{0,4}} (?:talk|talking|speak|speaking|chat|chatting|deal|dealing|interact|"
            rf"interacting|"
            rf"communicate|arguing|argue) (?:to|with) (?:(?:a|an|the|this|that|some|your|these|"
            rf"you) )?(?:\w+ ){{0,2}}{_BOT}"
        ),
        (
            r"(?:dont|do not|never|wont|will not|refuse to|hate|sick of|tired of|stop|not)(?: (?:want|wanna|like|"
            r"wish|going|gonna|to|"
            r"really|even)){0,4} (?:talk|talking|speak|speaking|chat|chatting|deal|dealing) (?:to|with) (?:you|u|"
            r"this thing)"
            r"(?! (?:about|later|tomorrow|now|again|yet|on|via|over|in|until)\b)"
        ),
        (
            rf"(?:talking|speaking|chatting|dealing|wasting \w+(?: \w+)?) (?:to|with) (?:(?:a|an|the|this|some|"
            rf"your) )?(?:\w+ )?{_BOT} "
            rf"(?:is|isnt|sucks|wont|does|doesnt|makes|drives|gets|annoys)"
        ),
        (
            rf"(?:wasting|waste) (?:my |our )?time (?:talking )?(?:with|to|on) (?:(?:a|an|this|some|"
            rf"your) )?(?:\w+ )?{_BOT}"
        ),
        rf"(?:dont|do not) (?:want|need|like) (?:to use )?(?:a|an|this|your|any|some)? ?(?:\w+ )?{_BOT}",
        rf"(?:hate|no more|enough) (?:with )?(?:the |these |this |your )?(?:stupid )?{_BOT}",
    ),
    bare=(
        r"(?:(?:a|an|the|real|live|actual|human|customer|service|support|proper|other|another|different|"
        r"physical|speak|talk) ){0,4}"
        r"(?:humans?|human being|persons?|real people|agents?|representatives?|reps?|operators?|advis[eo]rs?|"
        r"customer "
        r"(?:service|support|care)|csr|human (?:help|support|assistance|contact)|someone (?:real|else)|"
        r"somebody (?:real|else)|"
        r"live (?:chat|support|help|agent))"
    ),
    bare_manager=r"(?:(?:a|the|your|senior) ){0,2}(?:managers?|supervisors?|team ?lead(?:er)?|boss)",
    polite=(
        r"please|pls|plz|plis|now|asap|hi|hello|hey|yes|ok|okay|immediately|right|already|thanks|thank|you|"
        r"just|quickly|instead|sorry|"
        r"again|at|once|damn|stop|well|um|uh|i|said|to|with"
    ),
    denials=(
        r"dont|do not|doesnt|does not|didnt|did not|never|no need|no reason|no wish|without|rather not|not|"
        r"wont|will not|no longer|"
        r"neednt|need not|havent|have not|hadnt|was able|were able|managed|finally got|no desire|"
        r"isnt necessary|unnecessary|instead of|"
        r"wouldnt|would not|no intention|hate|avoid|refuse|before i|yesterday i|after i|last time i"
    ),
    fillers=(
        r"want|wanna|need|like|wish|to|have|having|really|a|any|just|think i|think|going|gonna|able|make me|"
        r"be|for|it is|its|ever|"
        r"necessarily|actually|even|yet|of|in|got|get|the|please|i|currently|necessary|that|you to|feel|"
        r"asking|ask|looking|trying"
    ),
    asides=(
        r"(?:am|are|is|were|was|is it|arent|isnt) (?:i|you|this|we|it|that|u)|whether (?:i|you|this)|"
        r"if (?:you are|youre|this is|i am|im)|"
        r"(?:i|we|ive|weve) (?:already |just |have )?(?:got|received|heard|had|spoke|spoken|talked|met|been)|"
        r"(?:are|r) (?:you|u)|you sound|"
        r"you are|youre|thanks|thank you for|told me|said"
    ),
    phrases=(
        *(
            "talk to a human",
            "speak to a human",
            "talk to a person",
            "speak to a person",
            "talk to an agent",
            "speak to an agent",
        ),
        *(
            "speak with a human",
            "talk with a human",
            "speak with an agent",
            "speak with a person",
            "talk to a real person",
        ),
        *(
            "speak to a representative",
            "talk to a representative",
            "speak to someone",
            "talk to someone",
            "speak with someone",
        ),
        *("talk to an operator", "connect me to an agent", "transfer me to an agent", "real person please"),
        *(
            "i want a human",
            "i need an agent",
            "i need a human",
            "i want an agent",
            "live agent please",
            "human agent please",
        ),
    ),
    manager_phrases=(
        *(
            "speak to a manager",
            "talk to a manager",
            "speak with a manager",
            "speak to your manager",
            "talk to your manager",
        ),
        *("speak to a supervisor", "talk to a supervisor", "speak with a supervisor", "speak to your supervisor"),
        *("i want a manager", "get me a manager", "get me your manager", "i need a supervisor", "i need a manager"),
    ),
)

DISTRESS: Final = (
    *(
        "kill myself",
        "killing myself",
        "take my own life",
        "taking my own life",
        "want to die",
    ),
    *(
        "wanna die",
        "suicide",
        "suicidal",
        "dont want to live",
        "do not want to live",
        "no reason to live",
        "better off dead",
    ),
    *(
        "hurt myself",
        "harm myself",
        "self harm",
        "cut myself on purpose",
        "cant go on living",
        "end it all",
        "not worth living",
    ),
    *(
        "rather be dead",
        "wish i was dead",
        "wish i were dead",
        "overdose on",
        "took an overdose",
        "my life is in danger",
    ),
    *(
        "life is over",
        "life isnt worth living",
        "beats me at home",
        "being abused",
        "threatens to kill me",
        "going to kill me",
    ),
)
#: Words by which a text whose language nobody told is taken for English.
COMMON: Final = frozenset(
    (  # noqa: SIM905 (words read best as words)
        "the and is are was you your this that have has had not with for what why how when it its my me we our "
        "they them be been please thanks thank cant dont wont didnt would could should from very all just about "
        "there of an to"
    ).split()
)
