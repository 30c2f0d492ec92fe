"""How mail programs mark what is not new: lines above an answered mail, headers copied into the text, rules, signatures.

Vocabulary in many languages; every pattern is bounded, so a line costs time in proportion to its length.
"""

from __future__ import annotations

import re
from typing import Final

#: Lines of one attribution at most: programs wrap it at 76 characters.
ATTRIBUTION_LINES: Final = 4
#: Characters of an attribution at most.
LONGEST_ATTRIBUTION: Final = 600
#: Characters of a line that can be a mark: longer ones are somebody's words.
_LONGEST_MARK: Final = 300
#: Characters of a line that may end with an attribution.
_LONGEST_SHARED: Final = 2_000

_WROTE: Final = (
    r"wrote|writes|sent|said|schrieb|geschrieben|a (?:é|e)crit|(?:é|e)crit|escribi(?:ó|o)|escribe|ha escrito|escreveu|ha scritto|scrisse|"
    r"schreef|schrijft|het volgende geschreven|skrev|skreiv|kirjoitti|napisa(?:ł|l)(?:\(a\)|/a|a)?|pisze|napsal(?:\(a\)|a)?|nap(?:í|i)sal(?:\(a\)|a)?|"
    r"(?:í|i)rta|a scris|написала?|написал(?:\(а\)|а)?|пишет|написав(?:\(-ла\)|ла)?|пише|έγραψε|yazd(?:ı|i)|şunu yazdı|đã viết|viết|"
    r"menulis|tulis|je napisao(?:/la)?|je napisala|je pisal(?:/a)?|rakstīja|rašė|kirjutas|va escriure|idatzi du|skrifaði|"
    r"写道|寫道|写到|来信写道|のメール|さんは書きました|が書きました|書き込みました|님이 작성|작성|كتب|כתב(?:/ה|ה)?|เขียน"
)
_STARTS: Final = (
    r"on|le|am|el|il|em|op|den|p(?:å|a)|w dniu|dnia|dne|d(?:ň|n)a|v|vào|a|la|στις|tarihinde|em|no dia|quest?|il giorno|il|at|"
    r"в|от|к|ma|kuup(?:ä|a)eval|u|dana|pada|em|ne|le|în|on|в|у"
)
_ENDS: Final = re.compile(
    rf"(?:\b(?:{_WROTE})\b|(?:{_WROTE}))(?:[^\n:：]|(?<=\d):(?=\d)){{0,80}}[:：]?\**\s*[-–—]{{0,10}}\s*$", re.IGNORECASE
)
_STARTED: Final = re.compile(
    rf"^[-–—*_~\s]{{0,12}}(?:(?:{_STARTS})\b[\s:,.]|\d{{1,4}}[-/.年]\s?\d{{1,2}}[-/.月]|\d{{1,2}}\.? ?\w{{2,12}}\.? \d{{4}}|\w{{2,12}}\.?,? \d{{1,2}}\.? \w{{2,12}}\.? \d{{4}}|在|於)",
    re.IGNORECASE,
)
_SOMEBODY: Final = re.compile(r"^[-–—*_\s]{0,12}[\"“'<(]?[^\s<>:\"](?:[^<>\n]{0,90})<[^<>\s]{1,200}@[^<>\s]{1,200}>")
_HAS_DATE: Final = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}[-/.]\d{1,2}|@")
_DATE_AND_ADDRESS: Final = re.compile(
    r"^[\s*_-]{0,8}(?:\d{4}[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}|\d{1,2}[-/. ](?:\d{1,2}|\w{3,12})[-/. ]\d{2,4})[^\n]{0,200}<[^<>\s]{1,100}@[^<>]{1,200}>\s?:?$"
)
_DASHED_WROTE: Final = re.compile(
    rf"(?:-{{3,}}|—{{2,}})\s?[^\n]{{2,200}}\b(?:{_WROTE})\b[^\n]{{0,12}}-{{3,}}\s*$", re.IGNORECASE
)
_SHARED_LINE: Final = re.compile(rf"-{{3,}}\s?(on\b[^\n]{{5,250}}\b(?:{_WROTE})\b\s?:?\s*$)", re.IGNORECASE)

_ORIGINAL: Final = (
    r"original (?:message|appointment|e-?mail|text)|message d'origine|message original|courriel original|urspr(?:ü|u)ngliche (?:nachricht|e-?mail)|"
    r"antwort nachricht|original-?nachricht|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|origineel bericht|"
    r"oprindelig (?:meddelelse|besked)|opprinnelig melding|original ?meddelande|ursprungligt meddelande|ursprungsmeddelande|alkuper(?:ä|a)inen viesti|"
    r"wiadomo(?:ś|s)(?:ć|c) oryginalna|oryginalna wiadomo(?:ś|s)(?:ć|c)|p(?:ů|u)vodn(?:í|i) zpr(?:á|a)va|p(?:ô|o)vodn(?:á|a) spr(?:á|a)va|eredeti (?:ü|u)zenet|"
    r"mesaj original|исходное сообщение|пересылаемое сообщение|оригинальное сообщение|αρχικό μήνυμα|özgün ileti|orijinal (?:ileti|mesaj)|"
    r"原始邮件|原始郵件|原邮件|元のメッセージ|original message|원본 메시지|الرسالة الأصلية|הודעה מקורית|tin nhắn gốc|thư gốc|reply message|answer message"
)
_ORIGINAL_LINE: Final = re.compile(
    rf"^[\s>*]{{0,4}}[-_=*—–]{{1,40}}\s{{0,3}}(?:{_ORIGINAL})\s?:?\s{{0,3}}[-_=*—–]{{0,40}}\s*$", re.IGNORECASE
)
#: Lines above a mail that is handed on: what stands below is meant to be read.
_FORWARDED: Final = re.compile(
    r"^[\s*]{0,4}(?:[-_=*—–]{2,40}\s{0,3}(?:forwarded (?:message|by|mail)|weitergeleitete nachricht|message (?:transf(?:é|e)r(?:é|e)|transmis)|mensaje reenviado|"
    r"mensagem (?:reencaminhada|encaminhada)|messaggio inoltrato|doorgestuurd bericht|vidarebefordrat meddelande|videresendt (?:melding|besked)|"
    r"przekazana wiadomo(?:ś|s)(?:ć|c)|пересланное сообщение|转发邮件|転送メッセージ)\b[^\n]{0,100}|"
    r"(?:begin forwarded message|d(?:é|e)but du message (?:réexpédié|transféré)|anfang der weitergeleiteten nachricht|inizio messaggio inoltrato|inicio del mensaje reenviado)\s?:)\s*$",
    re.IGNORECASE,
)

_LABELS: Final[dict[str, str]] = {
    "from": r"from|von|de|da|van|fr(?:å|a)n|fra|od|feladó|l(?:ä|a)hett(?:ä|a)j(?:ä|a)|от|відправник|від|kimden|από|发件人|寄件者|寄件人|差出人|보낸 ?사람|"
    r"من|מאת|t(?:ừ|u)|dari|expeditor|expéditeur|remitente|mittente|remetente|kdo|saatja|no|nuo",
    "date": r"date|sent|datum|gesendet(?: am)?|envoy(?:é|e)(?: le)?|enviado(?: em| el)?|inviato(?: il)?|data|verzonden|verstuurd|skickat|sendt|dato|fecha|"
    r"l(?:ä|a)hetetty|p(?:ä|a)iv(?:ä|a)ys|wys(?:ł|l)ano|odesl(?:á|a)no|odoslan(?:é|e)|elk(?:ü|u)ldve|d(?:á|a)tum|дата|отправлено|надіслано|g(?:ö|o)nderme tarihi|tarih|g(?:ö|o)nderildi|"
    r"ημερομηνία|στάλθηκε|发送时间|发送日期|日期|寄件日期|傳送日期|送信日時|日付|날짜|보낸 ?날짜|تاريخ|نشלח|נשלח|đ(?:ã|a) g(?:ử|u)i|ngày|trimis|dikirim|tanggal",
    "to": r"to|an|à|a|aan|para|till|til|do|komu|címzett|vastaanottaja|кому|kime|προς|收件人|收件者|宛先|받는 ?사람|إلى|אל|(?:đ|d)(?:ế|e)n|c(?:ă|a)tre|destinataire|kepada|pour|per",
    "subject": r"subject|betreff|objet|asunto|assunto|oggetto|onderwerp|(?:ä|a)mne|emne|temat|p(?:ř|r)edm(?:ě|e)t|predmet|t(?:á|a)rgy|aihe|тема|konu|θέμα|主题|主旨|件名|제목|الموضوع|נושא|"
    r"ch(?:ủ|u) đ(?:ề|e)|tiêu đ(?:ề|e)|subiect|sujet|subjek|perihal|re",
    "other": r"cc|copie(?: à)?|kopie|kopia|c(?:ó|o)pia|reply-to|antwort an|risposta|importance|attachments?|reference|organization|bcc|cci|kopi|копия|抄送|副本|priority|wichtigkeit|sent by",
}
_FIELD: Final = re.compile(
    r"^[\s>*_]{0,6}(?:"
    + "|".join(f"(?P<{role}>{words})" for role, words in _LABELS.items())
    + r")\s?\*{0,2}\s?[:：]\s?\*{0,2}\s*(?P<value>.*)$",
    re.IGNORECASE,
)
_RULE: Final = re.compile(r"^[\s>]{0,4}(?:[_=*#~—–]{5,}|-{5,}|(?:[-_] ?){6,})\s*$")

#: A line that begins a signature for good (RFC 3676 4.3, and what programs make of it).
SIGNATURE_MARK: Final = re.compile(r"^\s{0,3}(?:--|—|––|- -|__|—-|-- ?-{1,2})\s{0,3}$")
_PHONE_MARKS: Final = (
    r"(?:sent|send|composed|written|typed) (?:from|via|with|by|using) (?:my |a |an |the )?[\[(*]?"
    r"(?:\w+ ){0,4}?(?:i ?phone|i ?pad|i ?pod|i ?os|android|samsung|galaxy|blackberry|nokia|htc|lg|sony|huawei|xiaomi|redmi|oneplus|oppo|pixel|nexus|motorola|moto|alcatel|windows|outlook|"
    r"mobile|mobil|phone|smartphone|handheld|handset|tablet|device|cell|mail|mailbox|yahoo|gmail|airmail|thunderbird|proton\w*|spark|nine|aqua|k-9|bluemail|zoho|hey|superhuman|front|"
    r"t-mobile|verizon|at&t|sprint|ti-\d+|acompli|mailspring|email|aol|icloud|pc|mac|apple|wireless|palm|treo|sidekick|newton|tizen)\b[^\n]{0,80}"
)
_PHONE: Final = re.compile(
    r"^[\s<(\[*_>-]{0,6}(?:"
    + _PHONE_MARKS
    + r"|(?:from|by) my (?:i ?phone|i ?pad|android|mobile|phone)\b[^\n]{0,40}|sent by (?:galaxy|samsung|my)\b[^\n]{0,40}|get outlook for [^\n]{0,120}|get \[outlook[^\n]{0,150}|"
    r"[^\n]{0,30}\bfrom (?:a |my )?(?:phone|mobile|iphone)\)?|download (?:the )?\w{0,12} ?(?:app|mail)[^\n]{0,80}|sent from a phone|"
    r"envoy(?:é|e)e? (?:de(?:puis)?|par|via|avec)\b[^\n]{0,80}|(?:von|mit) (?:meinem|mein|unterwegs)\b[^\n]{0,60}\b(?:gesendet|verschickt|gesandt|geschrieben)\b[^\n]{0,30}|"
    r"gesendet (?:von|mit|aus|(?:ü|u)ber)\b[^\n]{0,80}|diese nachricht wurde von\b[^\n]{0,90}\bgesendet\b[^\n]{0,20}|"
    r"enviado (?:desde|do|de|a partir|pelo|via|con|com)\b[^\n]{0,80}|obtener outlook[^\n]{0,80}|inviato (?:da|dal|con|tramite)\b[^\n]{0,80}|"
    r"verzonden (?:vanaf|met|van|via)\b[^\n]{0,80}|verstuurd (?:vanaf|met|via|van)\b[^\n]{0,80}|skickat fr(?:å|a)n\b[^\n]{0,80}|sendt (?:fra|med)\b[^\n]{0,80}|l(?:ä|a)hetetty\b[^\n]{0,80}|"
    r"wys(?:ł|l)an[eoay]\b[^\n]{0,80}|odesl(?:á|a)no\b[^\n]{0,60}|odoslan(?:é|e)\b[^\n]{0,60}|elk(?:ü|u)ldve\b[^\n]{0,60}|trimis de pe\b[^\n]{0,60}|отправлено (?:с|из|через)\b[^\n]{0,80}|"
    r"надіслано (?:з|із)\b[^\n]{0,80}|iphone'?umdan g(?:ö|o)nderildi|[^\n]{0,40}g(?:ö|o)nderildi|στάλθηκε από[^\n]{0,60}|從我的[^\n]{0,40}傳送|发自我的[^\n]{0,40}|從[^\n]{0,20}傳送|"
    r"[^\n]{0,30}から送信|나의 [^\n]{0,20}에서 보냄|[^\n]{0,20}에서 보냄|g(?:ử|u)i t(?:ừ|u)[^\n]{0,40}|dikirim dari[^\n]{0,60}|أرسلت من[^\n]{0,40}|נשלח מה?[^\n]{0,40}"
    r")[\s)>\]*._-]{0,6}$",
    re.IGNORECASE,
)
#: A name behind a dash: ``-roman``, ``- John Smith``.
DASHED_NAME: Final = re.compile(r"^\s{0,2}-{1,2}\s?[^\W\d_][\w.'-]{0,30}(?: [^\W\d_][\w.'-]{0,30}){0,2}\s*$")
#: What a list puts below: not the sender's words.
LIST_FOOTER: Final = re.compile(
    r"^(?:[^\n]{0,60}mailing list\s*$|to (?:unsubscribe|post)[^\n]{0,200}|you received this message because[^\n]{0,200}|(?:un)?subscribe:?[^\n]{0,200})",
    re.IGNORECASE,
)


def is_quoted(line: str) -> bool:
    """Return whether a line stands under a quote's mark."""
    return line.lstrip()[:1] in {">", "＞"} or line.startswith("| ") or line.rstrip() == "|"


def is_rule(line: str) -> bool:
    """Return whether a line is drawn across."""
    return len(line) < _LONGEST_MARK and _RULE.match(line) is not None


def is_forwarding(line: str) -> bool:
    """Return whether a line says that a mail handed on begins below."""
    return len(line) < _LONGEST_MARK and _FORWARDED.match(line) is not None


def is_phone_line(line: str) -> bool:
    """Return whether a line is what a telephone or a program puts below a mail."""
    return len(line) < _LONGEST_MARK and _PHONE.match(line) is not None


def attribution(lines: list[str], at: int) -> int:
    """Return how many lines from `at` say who wrote what follows, 0 when they do not."""
    first = lines[at].strip()
    if not first or len(first) > LONGEST_ATTRIBUTION or is_quoted(first):
        return 0
    if _ORIGINAL_LINE.match(first) or (_DASHED_WROTE.search(first) and first[:3] in {"---", "———"}):
        return 1
    begun = (
        _STARTED.match(first) is not None or _SOMEBODY.match(first) is not None or (":" in first[-3:] and "<" in first)
    )
    if not begun and not (first.endswith("<") and "@" not in first) and "<" not in first:
        return 1 if _is_somebody_said(first) else 0
    said = ""
    for count, line in enumerate(lines[at : at + ATTRIBUTION_LINES], 1):
        if not line.strip() or (count > 1 and is_quoted(line)):
            break
        if len(said) + len(line) > LONGEST_ATTRIBUTION:
            break
        said = f"{said} {line.strip()}".strip()
        if _is_attribution(said):
            return count
    return 0


def _is_attribution(said: str) -> bool:
    if _DATE_AND_ADDRESS.match(said):
        return True
    if not _HAS_DATE.search(said) or _ENDS.search(said) is None:
        return _ends_with_address(said)
    return _STARTED.match(said) is not None or _SOMEBODY.match(said) is not None


def _ends_with_address(said: str) -> bool:
    """Return whether it is a date, a name and an address before a colon, without a verb: ``2014-10-17 11:28 GMT+03:00 Ann <…>:``."""
    return (
        said.endswith(">:") and "@" in said and _STARTED.match(said) is not None and _HAS_DATE.search(said) is not None
    )


def _is_somebody_said(line: str) -> bool:
    return bool(
        len(line) < _LONGEST_MARK
        and "@" in line
        and re.search(rf"<[^<>\s]{{1,200}}@[^<>\s]{{1,200}}>\s?(?:{_WROTE})\s?:\s*$", line, re.IGNORECASE)
    )


def shared_line(line: str) -> int:
    """Return where within a line an attribution begins that its program put behind the sender's words, -1 when none does."""
    found = _SHARED_LINE.search(line) if len(line) < _LONGEST_SHARED and "---" in line else None
    return found.start() if found is not None and line[: found.start()].strip("- ") else -1


def header_block(lines: list[str], at: int) -> int:
    """Return how many lines from `at` are a copied mail header (``From: … Sent: …``), 0 when they are none."""
    found = _FIELD.match(lines[at][:500])
    if found is None or found.lastgroup is None:
        return 0
    roles: set[str] = set()
    last = fields = other = 0
    for count, line in enumerate(lines[at : at + 24], 1):
        field = _FIELD.match(line[:500])
        role = _role(field) if field is not None else ""
        if (role and role not in roles | {"other"}) or role == "other":
            roles.add(role)
            last, fields, other = count, fields + 1, 0
        elif not line.strip():
            if fields >= 3 or other > 1:  # noqa: PLR2004 (a header of three fields may end with an empty line)
                break
            other += 1
        elif other or role:
            break
        else:
            last = count  # a long value goes on
            if count - at > 20 or len(roles) < 1:  # noqa: PLR2004
                break
    known = roles - {"other"}
    ruled = at > 0 and is_rule(lines[at - 1]) and "@" in found["value"] and "from" in known
    strong = ruled or ("from" in known and len(known) >= 2) or len(known) >= 3 or {"date", "subject"} <= known  # noqa: PLR2004
    return last if strong else 0


def _role(field: re.Match[str]) -> str:
    return next((role for role in _LABELS if field[role] is not None), "")
