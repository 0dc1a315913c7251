"""Words that name nothing, by language: for names of topics."""

# ruff: noqa: RUF001 - letters of other alphabets look like English ones

from monitor.descriptors.stop_words import WORDS

_ENGLISH = """
a about above after again against all also am an and any anybody anyone anything are aren't as
at be because been before being below between both but by can can't cannot could couldn't did
didn't do does doesn't doing don't down during each even ever every few for from further get
gets getting give given go goes going gonna got had hadn't has hasn't have haven't having he
hello her here here's hers herself hey hi him himself his how how's however i i'd i'll i'm
i've if in into is isn't it it's its itself just kindly know let let's like make makes many
may me might more most much must mustn't my myself need needs no nor not now of off ok okay on
once one only or other ought our ours ourselves out over own please quite really same shall
she should shouldn't so some somebody someone something such sure take tell than thank thanks
that that's the their theirs them themselves then there there's these they they'd they'll
they're they've thing things this those through to too try under until up upon us use using
very want wanna wants was wasn't way we we'd we'll we're we've well were weren't what what's
when when's where where's whether which while who who's whom whose why why's will with without
won't would wouldn't yes yet you you'd you'll you're you've your yours yourself yourselves
"""

#: Of languages with spaces that have no list for descriptors.
_FURTHER: dict[str, str] = {
    "ru": """
        и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только
        ее мне было вот от меня еще нет о из ему теперь когда даже ну ли если уже или ни быть
        был него до вас вам нибудь опять для мы тебя их чем была сам чтобы без будто чего раз
        тоже себе под будет ж кто этот того потому этого какой ним здесь этом один почти мой
        моя мое мои моего моей тем нее сейчас были куда зачем всех можно при про это эта эти
        есть через эту нас свою мою хочу нужно пожалуйста почему где могу может ваш ваша ваши
        здравствуйте спасибо
    """,
    "uk": """
        і й в у не що він на я з із зі як а то все вона так його але та ти до же ви за би по
        тільки мені було від мене ще ні о коли навіть чи якщо вже або бути був вас вам для ми
        їх чим щоб без цей того хто мій моя моє мої при про це ця ці є через де можу може хочу
        потрібно треба будь ласка чому дякую ваш ваша
    """,
    "bg": """
        и в във не че на аз с със как а то все тя така го но да ти у вие за би по само ми беше
        от мен още няма о из когато дали ако вече или съм бил до ви ние те какво без кой този
        тази това моя мой моята моето при е са има къде защо мога може искам трябва моля
    """,
    "el": """
        και το να η ο του της για με από σε την τον στο στη στην στον είναι που δεν θα μου πως
        πώς τι τα οι των ένα μια μία έναν αν ή αλλά όταν τις τους σας μας σου μπορώ έχω έχει
        αυτό αυτή αυτός θέλω πρέπει παρακαλώ γιατί πού πότε ποιο ποια στα στις κάτι
    """,
    "ar": """
        في من على إلى الى عن مع هذا هذه ذلك التي الذي كيف ما ماذا هل لا لم لن أن ان إن أو او و
        ثم قد كان كانت يكون هو هي أنا انا نحن أنت هم كل بعد قبل عند عندي لدي أين متى لماذا
        يمكن يمكنني أريد اريد لي لك به بها له لها فيه فيها من فضلك شكرا ولا وما حتى إذا اذا
        غير بين أي اي كم
    """,
    "fa": """
        و در به از که این آن را با برای است من تو او ما شما آنها یک چه چرا چگونه چطور کجا کی
        آیا هم تا یا اگر می شود شد کنم کنید کند است هست نیست باشد باید خود هر بر لطفا دارم
        دارد کردن
    """,
    "he": """
        של את על עם זה זו זאת אני הוא היא הם אנחנו אתה לא כן מה איך למה איפה מתי או אם כי גם
        רק כל יש אין היה הייתה להיות אל מן אבל שלי שלך שלו יכול צריך רוצה בבקשה לי לך כמה אחרי
        לפני
    """,
    "hi": """
        के का की में है हैं और को से पर ने यह वह मैं मेरा मेरी मेरे हम आप आपका आपकी क्या कैसे
        कब कहाँ कहां क्यों कौन हो होता होती था थी थे एक इस उस कि या तो भी ही नहीं लिए कर करना
        करें सकता सकते सकती रहा रही रहे गया गई कुछ मुझे अपना अपनी अपने कृपया जो तक अब कोई
    """,
    "ko": """
        이 그 저 것 수 등 및 더 좀 내 제 나 너 우리 왜 어떻게 무엇 무엇을 뭐 언제 어디 어디서
        누가 하는 하고 하면 해서 있는 있나요 있습니까 없는 없어요 됩니다 되나요 합니다 하나요
        어떤 그리고 하지만 또는 안 못 잘 때 제가 나는 저는 내가 주세요 싶어요 싶습니다 대한
        위해 대해 무슨 해주세요 알려주세요
    """,
    "et": """
        ja on ei see et ma sa ta me te nad oma kuidas mis kas kui või aga ka kes mida minu
        saan saab pole olen oli palun siis veel ning selle
    """,
    "hr": """
        i u je na se da za od su s sa kako što koji koja koje ali ili ne nije sam si smo ste
        moj moja moje može mogu kada gdje zašto li po do iz bi treba želim ako samo već molim
    """,
    "sk": """
        a v je sa na že to s so z do ako čo po ale od za sú pre pri môže môj moja moje byť tak
        jeho ten tá alebo ktorý ktorá už aj by som si vo ku kde prečo keď chcem môžem prosím
    """,
    "ca": """
        el la els les de que i en un una per amb no es al del com més però és són què com meu
        meva aquest aquesta pot puc hi ha ser molt també quan sobre si em vull on perquè
    """,
}

#: Verbs and courtesies of questions, beyond the lists for descriptors.
_ADDED: dict[str, str] = {
    "de": "möchte will muss soll kannst können könnte gibt geht bitte danke hallo hier diese",
    "fr": "veux voudrais dois puis peux faire fait bonjour merci svp quelle quels pourquoi quand",
    "es": "quisiera necesito tengo hacer puedes podría hola gracias favor por qué cuál",
    "it": "voglio devo posso puoi fare ciao grazie favore quale quali qui",
    "pt": "preciso gostaria tenho fazer olá obrigado favor qual quais aqui",
    "nl": "wil moet graag kun kunnen hallo dank bedankt hier deze",
    "sv": "vill måste skulle hej tack hur varför",
    "da": "vil skal hej tak hvorfor",
    "nb": "vil skal hei takk hvorfor",
    "pl": "chciałbym muszę proszę dziękuję witam dlaczego gdzie",
    "cs": "chci musím prosím děkuji proč kde",
    "tr": "istiyorum lütfen merhaba neden nerede",
    "id": "ingin mau tolong terima kasih mengapa kenapa",
    "fi": "haluan pitää kiitos hei miksi missä",
    "hu": "kérem köszönöm miért hol hogy",
    "ro": "vreau trebuie mulțumesc bună unde de",
    "vi": "muốn cần xin chào vui lòng tại sao",
}

#: Of scripts without spaces.
_CONTINUOUS = """
的 了 吗 吧 呢 啊 是 我 你 您 他 她 它 在 有 和 与 不 没 也 就 都 要 这 那 么 把 被 给 对 从
到 为 以 及 或 将 让 会 能 我的 你的 您的 他的 我们 你们 他们 什么 怎么 怎样 怎么样 如何
为什么 哪里 哪个 哪些 多少 可以 可能 能够 是否 不能 没有 一个 一些 一下 这个 那个 这些 那些
这样 需要 应该 但是 因为 所以 如果 或者 以及 关于 使用 请问 谢谢 想要 吗 嗎 麼 這 個 為 對 從
會 讓 與 沒 給 什麼 怎麼 為什麼 我們 你們 他們 這個 那個 請問 謝謝 一個 沒有 請 です ます する
した して いる ある こと もの ため よう どう なに 何 私 私の あなた これ それ どの どこ いつ
なぜ 方法 場合 教えて ください お願い ที่ และ ของ ใน การ เป็น ได้ ให้ ไม่ มี จะ ว่า ไป มา กับ
ก็ นี้ นั้น จาก โดย แต่ หรือ คือ อยู่ แล้ว ด้วย ถ้า เพื่อ ทำ อย่างไร ยังไง อะไร ทำไม ไหน
ที่ไหน เมื่อไร เมื่อไหร่ ใคร กี่ เท่าไหร่ ฉัน ผม ดิฉัน คุณ เรา เขา ครับ ค่ะ คะ นะ ไหม มั้ย
หน่อย ต้อง ต้องการ อยาก สามารถ ช่วย ขอ เอา ความ ซึ่ง แบบ บ้าง ถึง
"""

#: Words of each language with spaces, in lower case.
SPACED_WORDS: dict[str, frozenset[str]] = {
    code: frozenset((words + " " + _ADDED.get(code, "")).split())
    for code, words in (WORDS | _FURTHER).items()
} | {"en": frozenset((WORDS["en"] + _ENGLISH).split())}

#: Words of scripts without spaces, which no other language shares.
CONTINUOUS_WORDS = frozenset(_CONTINUOUS.split())
