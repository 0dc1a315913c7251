"""Phrases of refusing in nine further languages, as expressions on folded text."""

# ruff: noqa: RUF001 - letters of other scripts look like Latin ones

#: By language; no phrase extends beyond its sentence.
PHRASES: dict[str, tuple[str, ...]] = {
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
