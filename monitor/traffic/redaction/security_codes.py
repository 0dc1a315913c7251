"""Detector of payment secrets and one-time codes, by the words around them: CVV, PIN, TAN, OTP."""

import re
from collections.abc import Iterator

from monitor.traffic.redaction.any_case import AnyCase
from monitor.traffic.redaction.text_scan import Place, TextScan, has_any, listed
from monitor.traffic.redaction.word_index import needles

#: Parts of the words.
NEEDLES = needles(
    "cvv cvc cvn security number pin tan otp code kod codi geheimzahl 2fa cryptogramme passcode"
    " codigo digit crypto puk"
)
OTHER_NEEDLES = needles(
    "prüfnummer prüfziffer código свв пин Пин ПИН код Код КОД 安全码 安全碼 验证码 驗證碼"
    " 認証 確認 暗証"
    " 密码 密碼 セキュリティ ワンタイム 인증 보안 비밀번호 핀 رمز الرمز السري सत्यापन पिन"
    " ओटीपी şifre"
)

#: Between a word and its code: no digit, and no end of a sentence.
LINK = (
    r"(?:\([^()]{0,24}\)|[^0-9.?!;({\[=:]|\.(?=\s{0,2}[:=])){0,28}?"
    r"(?:[\s:='\"\\>#\[(「『“-]{1,8}|(?<=[^\x00-\x7f]))"
)
END = r"(?![A-Za-z0-9_])(?![.,:/-][0-9])(?! ?[%€$£])"

CARD_CODE = AnyCase(
    r"(?<![a-z])(?:cvv|cvc|cvn)2?(?![a-z0-9])|\b[34][- ]digit (?:code|number)|\bsec\.? code|свв"
    r"|\bcrypto\b|prüfziffer"
    r"|\b(?:card )?(?:security|verification) (?:code|number|value)"
    r"|(?:karten)?prüfnummer|sicherheitscode|cryptogramme|code de sécurité|codice di sicurezza"
    r"|c[óo]digo de seguran[çc]a|c[óo]digo de seguridad|beveiligingscode|kod cvv|säkerhetskod"
    r"|код безопасности|安全码|安全碼|セキュリティコード|보안 ?코드|güvenlik kodu|رمز الأمان"
)
CARD_VALUE = re.compile(LINK + r"([0-9]{3,4}|[0-9](?: [0-9]){2,3})" + END)

PIN = AnyCase(
    r"(?<![a-z])p(?:in|uk)(?:s|[ -]?(?:code|number|nummer))?(?![a-z])|geheimzahl|code secret"
    r"|codice segreto|código secreto|пин(?:-?код)?|暗証番号|取引密码|密码|密碼"
    r"|비밀번호|핀 ?번호|पिन"
    r"|رمز سري|الرمز السري|الرقم السري|şifre(?:m|si)?"
)
PIN_VALUE = re.compile(LINK + r"([0-9]{4} [0-9]{4}|[0-9]{4,8}|[0-9](?: [0-9]){3,5})" + END)
PIN_LAST = AnyCase(
    r"(?<![0-9.,/-])([0-9]{4,8}) (?:is|ist|est|es|è|é|är|jest|to|-) ?(?:[^\W\d]{1,8} ){0,3}"
    r"(?:[a-z]{1,12}-)?(?:pin|tan|otp|cvv|cvc)(?![a-z])"
)

ONE_TIME = AnyCase(
    r"(?<![a-z])(?:m|i|sms|push|chip|photo|app)?-?tan(?![a-z])(?:[- ]?(?:code|nummer))?|\botps?\b"
    r"|\b(?:four|five|six|eight|[4-8])[- ]digit code\b|\b2fa\b|\bpasscode"
    r"|\b(?:use|enter|type)(?: the)? code|ワンタイムパスワード"
    r"|one[- ]time (?:pass(?:word|code)|code|pin)"
    r"|einmal(?:code|passwort|kennwort)"
    r"|(?:verification|confirmation|authenti\w{1,8}|auth|login|log-in|sms|access|security) code"
    r"|(?:bestätigungs|verifizierungs|sicherheits|freigabe|anmelde)code"
    r"|code (?:de vérification|de confirmation|d'authentification|à usage unique|sms|reçu)"
    r"|c[óo]digo (?:de verificaci[óo]n|de confirmaci[óo]n|de verifica[çc][ãa]o|de acceso|sms)"
    r"|codice (?:di verifica|di conferma|otp|sms|temporaneo)|verificatiecode|bevestigingscode"
    r"|kod (?:weryfikacyjny|sms|autoryzacyjny|jednorazowy)|(?:verifierings|engångs)kod"
    r"|код (?:подтверждения|из (?:смс|sms)|доступа)|doğrulama kod\w{0,3}|onay kod\w{0,3}"
    r"|验证码|驗證碼|認証(?:コード|番号)|確認コード|인증 ?(?:번호|코드)|رمز التحقق|सत्यापन कोड"
    r"|ओटीपी"
)
CODE = (
    r"((?:[A-Z]-)?(?:[0-9]{3}[ -][0-9]{3,4}|[0-9]{4} [0-9]{4}"
    r"|[0-9]{2}(?: [0-9]{2}){2,3}|[0-9]{4,8}))"
)
#: An amount may stand between, where a verb or a colon leads to the code.
ONE_TIME_VALUE = re.compile(
    rf"(?:{LINK}|[^\n?!]{{0,64}}?(?:lautet|\bis|\bist|\best|\bes|è|é|[:=]) ?){CODE}{END}"
)

YEAR = re.compile(r"(?:19|20)[0-9]{2}")

#: One of these is in each match of the words of a kind; to look for them is faster.
OF_CARD_CODES = listed(
    "cvv cvc cvn digit sec свв crypto prüf security verification sicherheitscode sécurité sicurezza"
    " seguran segur beveiligingscode säkerhetskod безопасности 安全码 安全碼 セキュリティ 보안"
    " güvenlik الأمان"
)
OF_ONE_TIME = listed(
    "tan otp 2fa passcode code codi códi time einmal kod код ワンタイム 验证码 驗證碼 認証 確認"
    " 인증 التحقق सत्यापन ओटीपी"
)
OF_PINS = listed(
    "pin puk geheimzahl secret segreto пин 暗証 取引 密码 密碼 비밀번호 핀 पिन سري السري şifre"
)
#: Kinds of codes: words before one, and the code after them.
KINDS = (
    (OF_CARD_CODES, CARD_CODE, CARD_VALUE),
    (OF_ONE_TIME, ONE_TIME, ONE_TIME_VALUE),
    (OF_PINS, PIN, PIN_VALUE),
)
DIGITS_NEAR = re.compile(r"[0-9] ?[0-9] ?[0-9]")
#: Characters before a needle at which its word may begin.
REACH = 16


def find_security_codes(scan: TextScan) -> Iterator[Place]:
    """Yield card security codes, PINs and one-time codes after, or before, their names."""
    text = scan.text
    end_of_last = 0
    for place in scan.places_of(NEEDLES, OTHER_NEEDLES):
        if place < end_of_last or not DIGITS_NEAR.search(text, max(0, place - 24), place + 72):
            continue
        code = _first_code(scan, end_of_last, place)
        if code:
            end_of_last = code.end()
            yield code.span(1)
        else:
            first = max(end_of_last, place - 2 * REACH)
            code = PIN_LAST.of(scan.cases).search(scan.cases.lower, first, place + 4)
            if code:
                end_of_last = place + 3
                yield code.span(1)


def _first_code(scan: TextScan, start: int, place: int) -> re.Match[str] | None:
    """Return the first code of any kind whose name is near a place; of equals the longest."""
    text = scan.text
    first: re.Match[str] | None = None
    begin, end = max(start, place - REACH), place + 40
    near = text[begin:end]
    for needed, words, value in KINDS:
        if not has_any(near, needed):
            continue
        name = words.of(scan.cases).search(scan.cases.lower, begin, end)
        code = name and value.match(text, name.end())
        if not name or not code or _is_postal(name, code[1]) or _is_year(name, code[1]):
            continue
        if first is None or (code.start(1), -code.end(1)) < (first.start(1), -first.end(1)):
            first = code
    return first


def _is_postal(name: re.Match[str], code: str) -> bool:
    """Return whether a number is a postal code of India, which is called a PIN code."""
    words = name[0].lower()
    is_postal = ("code" in words and "pin" in words) or words.startswith("पिन")
    return len(code) == 6 and code[0] != "0" and is_postal


def _is_year(name: re.Match[str], code: str) -> bool:
    """Return whether a number is a year after a word that has other meanings."""
    if name[0].lower() not in {"pin", "pins", "tan"} or not YEAR.fullmatch(code):
        return False
    return name.string[name.end() : name.end() + 1] not in ":="
