"""Refusal phrases as regular expressions on case-folded text, by language."""

# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

#: By language; no phrase extends beyond its sentence.
PHRASES: dict[str, tuple[str, ...]] = {
    "en": (
        (
            r"\b(?:sorry|afraid|apologi[sz]e|unfortunately),? (?:but )?(?:that )?"
            r"(?:i (?:can't|cannot|can not|won't|am unable|am not able|must decline)"
            r"|i'm (?:unable|not))"
        ),
        r"\bi(?:'m| am) (?:unable|not able|not allowed|not permitted) to\b",
        (
            r"\bi (?:can't|cannot|can not|won't|will not|do not|don't|am unable to) "
            r"(?:help|assist|provide|answer|discuss|do that|comply|fulfil|create|generate|share"
            r"|offer|support|engage|have access|have the ability|have personal)"
        ),
        r"\b(?:can't|cannot|unable to) (?:help|assist) (?:you )?with",
        r"\bas an ai\b|as a (?:large )?language model\b|against my (?:guidelines|programming)",
    ),
    "de": (
        r"tut mir (?:sehr )?leid, (?:aber )?[^.!?\n]{0,80}\b(?:nicht|keine?n?)\b",
        (
            r"\b(?:ich kann|kann ich|ich darf|darf ich)\b[^.!?\n]{0,60}\b(?:nicht|keine?n?) "
            r"(?:\w+ )?(?:helfen|weiterhelfen|beantworten|unterstützen|anbieten|bereitstellen|geben"
            r"|erstellen|erfüllen|nachkommen)"
        ),
        r"\b(?:ich bin|bin ich)\b[^.!?\n]{0,30}nicht in der lage",
        r"\bals (?:ki|künstliche intelligenz|sprachmodell|ein sprachmodell)\b",
    ),
    "fr": (
        r"\bje ne (?:peux|puis) (?:malheureusement |donc )?pas\b",
        r"\bje ne suis pas (?:en mesure|capable|autorisé)",
        r"il m'est impossible",
        r"\ben tant qu(?:'ia\b|'intelligence artificielle|'assistant|e modèle|e grand modèle)",
    ),
    "es": (
        r"lo siento,? (?:mucho,? )?(?:pero )?no (?:te |le |les )?(?:puedo|es posible|tengo)",
        (
            r"\bno (?:te |le |les |os )?puedo (?:ayudar|asistir|proporcionar|responder|ofrecer"
            r"|cumplir|hacer|dar|brindar|generar|crear|escribir|compartir)"
        ),
        r"\bno me es posible|\bno estoy (?:en condiciones|capacitad[oa]|autorizad[oa])",
        r"\bcomo (?:un |una )?(?:modelo de lenguaje|ia\b|inteligencia artificial|asistente de ia)",
    ),
    "it": (
        r"mi dispiace,? (?:ma )?non (?:posso|sono)",
        r"\bnon posso (?:aiutar|assister|fornir|risponder|offrir|soddisfar|dar|generar|crear)",
        r"\bnon sono in grado di|\bnon mi è possibile",
        r"\b(?:come|in quanto) (?:un |una )?(?:modello linguistico|ia\b|intelligenza artificiale)",
    ),
    "pt": (
        r"(?:desculpe|sinto muito|lamento|infelizmente),? (?:mas )?(?:eu )?não (?:posso|consigo)",
        r"\bnão (?:posso|consigo) (?:ajud|fornec|respond|oferec|atend|cumpr|ger|criar|compartilh)",
        r"\bnão sou capaz de|\bnão me é possível|\bnão estou (?:apto|autorizad)",
        r"\bcomo (?:um |uma )?(?:modelo de linguagem|ia\b|inteligência artificial)",
    ),
    "nl": (
        r"spijt me,? (?:maar )?[^.!?\n]{0,60}\b(?:niet|geen)\b",
        (
            r"\b(?:ik kan|kan ik)\b[^.!?\n]{0,50}\b(?:niet|geen) "
            r"(?:\w+ )?(?:helpen|beantwoorden|geven|bieden|verstrekken|voldoen|assisteren)"
        ),
        r"\bniet in staat om\b|\bals (?:ai|taalmodel|een taalmodel|kunstmatige intelligentie)\b",
    ),
    "pl": (
        r"(?:przepraszam|przykro mi|niestety),? (?:ale )?nie (?:mogę|jestem)",
        (
            r"\bnie mogę (?:ci |panu |pani |w tym |z tym )*(?:pomóc|odpowiedzieć|udzielić|spełnić"
            r"|dostarczyć|udostępnić)"
        ),
        r"\bnie jestem w stanie|\bjako (?:model językowy|sztuczna inteligencja|ai\b)",
    ),
    "tr": (
        r"yardımcı ol(?:amam|amıyorum|amayacağım)|(?:cevap|yanıt|bilgi) ver(?:emem|emiyorum)",
        r"\b(?:yapay zeka|dil modeli)\w* (?:\w+ )?olarak",
    ),
    "ru": (
        r"(?:извините|простите|сожалению|сожалею|жаль),? (?:но )?(?:я )?не (?:могу|в состоянии)",
        (
            r"\bне (?:могу|смогу) (?:вам |тебе |с этим |этого |в этом )*(?:помочь|ответить"
            r"|предоставить|выполнить|обсуждать|создать|поделиться)"
        ),
        r"\bкак (?:большая )?(?:языковая модель|искусственный интеллект|ии\b)",
    ),
    "ja": (
        r"申し訳[^。\n]{0,60}(?:できません|出来ません|かねます|られません)",
        (
            r"(?:お手伝い|お答え|お応え|ご提供|提供|対応|回答|支援)(?:する)?(?:こと)?[はがに]?"
            r"(?:でき|出来)(?:ません|ない)"
        ),
        r"(?:応じ|お答えし|対応し|いたし)かねます|(?:ai|言語モデル|人工知能)として",
    ),
    "zh": (
        r"(?:抱歉|对不起|對不起|很遗憾|很遺憾)[^。!\n]{0,20}(?:无法|無法|不能|没办法|不便)",
        r"我(?:无法|無法|不能)(?:为您|为你|為您|帮|幫|协助|協助|提供|回答|满足|滿足|讨论|生成)",
        r"(?:作为|作為)(?:一个|一個|一名|一种)?(?:ai|人工智能|人工智慧|(?:大型)?语言模型)",
    ),
    "ko": (
        r"(?:죄송|유감)[^.\n]{0,60}(?:수 없|어렵습니다|못합니다)",
        r"(?:도와|도움을|제공|답변)[가-힣]{0,3} ?(?:드릴|할|해) ?(?:드릴 )?수 없",
        r"(?:ai|인공지능|언어 모델)(?:로서|으로서)",
    ),
    "ar": (
        r"(?:آسف|عذر|أعتذر|معذرة)[^.!؟\n]{0,40}لا (?:أستطيع|يمكنني|أقدر)",
        r"لا (?:أستطيع|يمكنني) (?:مساعد|تقديم|الإجابة|المساعدة|تلبية|توفير)",
        r"(?:كنموذج|بصفتي نموذج|باعتباري نموذج)",
    ),
}

#: By language, parts of words of which each phrase contains one: they rule most responses out
#: before an expression is tried.
CUES: dict[str, tuple[str, ...]] = {
    "en": (
        "can't",
        "cannot",
        "can not",
        "won't",
        "will not",
        "unable",
        "not able",
        "not allowed",
        "not permitted",
        "do not",
        "don't",
        "decline",
        "i'm not",
        "an ai",
        "language model",
        "against my",
    ),
    "de": (
        "nicht",
        "kein",
        "als ki",
        "künstliche int",
        "sprachmodell",
    ),
    "fr": (
        "je ne ",
        "impossible",
        "en tant qu",
    ),
    "es": (
        "puedo",
        "posible",
        "lo siento",
        "no estoy",
        "modelo de lenguaje",
        "como ia",
        " ia",
        "inteligencia art",
    ),
    "it": (
        "non posso",
        "non sono",
        "non mi è",
        "modello ling",
        " ia",
        "intelligenza art",
    ),
    "pt": (
        "não ",
        "modelo de ling",
        " ia",
        "inteligência art",
    ),
    "nl": (
        "niet",
        "geen",
        "als ai",
        "taalmodel",
        "kunstmatig",
    ),
    "pl": (
        "nie ",
        "jako ",
    ),
    "tr": (
        "yardımcı",
        "emem",
        "emiyorum",
        "olarak",
    ),
    "ru": (
        "не ",
        "как ",
    ),
    "ja": (
        "ません",
        "ない",
        "かねます",
        "として",
    ),
    "zh": (
        "抱歉",
        "对不起",
        "對不起",
        "遗憾",
        "遺憾",
        "我无法",
        "我無法",
        "我不能",
        "作为",
        "作為",
    ),
    "ko": (
        "수 없",
        "어렵습니다",
        "못합니다",
        "로서",
    ),
    "ar": (
        "لا ",
        "نموذج",
    ),
}
