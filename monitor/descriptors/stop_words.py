"""Function words of languages in the Latin alphabet: articles, pronouns, prepositions, ..."""

# ruff: noqa: RUF001 - letters of other alphabets look like English ones

WORDS: dict[str, str] = {
    "en": """
        the of and to in is that it for you with on are this be as have not or from what how
        can my your i was will would there which they their an if at by do has but we me
        about when all should does could been were more than its please want need like
    """,
    "de": """
        der die das und ist nicht ich sie es ein eine einen einer zu mit auf für den dem des
        von im wie was kann auch sich werden wird sind oder bei nach aus als wenn mein meine
        ihr ihre ihnen haben habe hat dass wir noch nur über um durch zum zur vom sein man
        wo
    """,
    "fr": """
        le la les de des et est un une vous je que qui pour dans pas sur avec ce cette il
        elle nous au aux du en sont par plus mais ou comment votre vos mon ma mes être avoir
        ai c l d qu sa ses leur ne se peut fait quel quelle où
    """,
    "es": """
        el la los las de que y en un una por para con no se su es del al lo como más pero
        está son qué cómo mi tu este esta puede puedo hay ser ha muy también cuando sobre le
        sus o si me te porque donde desde quiero otra otro
    """,
    "it": """
        il lo la gli le di che e è un una per con non si del della dei delle nel nella sono
        come più ma anche mi mio mia può posso questo questa ho hai ha essere alla al da
        cosa quando i in l suo sua ogni perché dove vorrei altro altra
    """,
    "pt": """
        o a os as de que e é em um uma para com não se por do da dos das no na mais como mas
        ao seu sua você eu está são foi isso este esta meu minha também muito pode posso ser
        tem quando ou pela pelo onde quero outra outro
    """,
    "nl": """
        de het een en van is dat niet ik je u in op te met voor zijn aan er maar om ook als
        bij naar uit dan wordt worden kan hoe wat mijn uw deze dit heb heeft hebben nog wel
        geen of ze we waar door
    """,
    "sv": """
        och att det en ett är jag som på inte med för av till den du har i om kan vi man men
        var från så hur vad eller när min mitt din vara blir ska detta de mig sig också
    """,
    "da": """
        og at det en et er jeg som på ikke med for af til den du har i om kan vi man men var
        fra så hvordan hvad eller når min mit din være bliver skal dette de mig sig også
        efter vil gerne
    """,
    "nb": """
        og å det en et er jeg som på ikke med for av til den du har i om kan vi man men var
        fra så hvordan hva eller når min mitt din være blir skal dette de meg seg også etter
        vil gjerne
    """,
    "fi": """
        ja on ei se että en olen ovat oli mutta kun niin kuin myös joka tämä voi voin mitä
        miten minun sinun hän he me te tai jos vain ole sen voit mukaan kanssa minä sinä
    """,
    "pl": """
        i w nie na się jest to z do że jak o co po ale od za są czy dla mnie może mój moja
        być tak jego ten ta te przez tylko które który oraz już mogę przy jako moim chcę mam
    """,
    "cs": """
        a v je se na že to s z do jak o co po ale od za jsou pro mi může můj být tak jeho
        ten ta při nebo které který jako už také by jsem mohu si ve ke
    """,
    "ro": """
        și de la în nu cu este un o să pe care ce din mai pentru se sunt că al ale prin sau
        dar cum îmi meu mea poate pot fi am ai dacă acest această
    """,
    "hu": """
        a az és hogy nem is egy van ez meg de ha csak mint vagy már még ki mi hogyan vagyok
        kell lehet azt ezt nagyon el amely ami volt tudom szeretném
    """,
    "tr": """
        ve bir bu da de için ile mi ne olarak çok daha var ben sen o nasıl gibi olan ama
        değil kadar ya veya en her şey benim sizin olduğu mı mu nedir
    """,
    "vi": """
        và của là không có cho tôi được trong một các với này những đó khi như bạn từ về
        người để đã thì cũng làm thế nào gì
    """,
    "id": """
        yang dan di ini itu dengan untuk tidak dari ke saya anda pada adalah dalam akan bisa
        atau juga apa bagaimana ada karena lebih kami sudah cara
    """,
}
