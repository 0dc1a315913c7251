"""Scripts that an encoder reads, by its vocabulary."""

from monitor.embedding.vocabulary import Vocabulary

#: A sentence of each script: "I forgot the password of my bank account", or one like it.
SENTENCES = {
    "Latin": "Tôi quên mật khẩu; zapomniałem hasła; ich möchte mein Konto schließen",
    "Cyrillic": "Я забыл пароль от банковского счёта",
    "Greek": "Ξέχασα τον κωδικό του τραπεζικού μου λογαριασμού",
    "Arabic": "لقد نسيت كلمة مرور حسابي المصرفي",
    "Hebrew": "שכחתי את הסיסמה לחשבון הבנק שלי",
    "Devanagari": "मैं अपने बैंक खाते का पासवर्ड भूल गया हूँ",
    "Bengali": "আমি আমার ব্যাংক অ্যাকাউন্টের পাসওয়ার্ড ভুলে গেছি",
    "Chinese": "我忘记了我的银行账户密码",
    "Japanese": "銀行口座のパスワードを忘れました。リセットしてください。",
    "Korean": "은행 계좌 비밀번호를 잊어버렸어요. 재설정해 주세요.",
    "Thai": "ฉันลืมรหัสผ่านบัญชีธนาคารของฉัน",
    "Lao": "ຂ້ອຍລືມລະຫັດຜ່ານບັນຊີທະນາຄານຂອງຂ້ອຍ",
    "Khmer": "ខ្ញុំភ្លេចពាក្យសម្ងាត់គណនីធនាគាររបស់ខ្ញុំ",
    "Burmese": "ကျွန်ုပ်၏ဘဏ်အကောင့်စကားဝှက်ကိုမေ့သွားသည်",
    "Ethiopic": "የባንክ ሂሳቤን የይለፍ ቃል ረሳሁ",
    "Tamil": "எனது வங்கிக் கணக்கின் கடவுச்சொல்லை மறந்துவிட்டேன்",
    "Telugu": "నా బ్యాంక్ ఖాతా పాస్వర్డ్ మర్చిపోయాను",
    "Kannada": "ನನ್ನ ಬ್ಯಾಂಕ್ ಖಾತೆಯ ಪಾಸ್‌ವರ್ಡ್ ಮರೆತಿದ್ದೇನೆ",
    "Malayalam": "എന്റെ ബാങ്ക് അക്കൗണ്ട് പാസ്‌വേഡ് ഞാൻ മറന്നു",
    "Gujarati": "હું મારા બેંક ખાતાનો પાસવર્ડ ભૂલી ગયો છું",
    "Gurmukhi": "ਮੈਂ ਆਪਣੇ ਬੈਂਕ ਖਾਤੇ ਦਾ ਪਾਸਵਰਡ ਭੁੱਲ ਗਿਆ",
    "Sinhala": "මගේ බැංකු ගිණුමේ මුරපදය අමතක විය",
    "Georgian": "დამავიწყდა საბანკო ანგარიშის პაროლი",
    "Armenian": "Ես մոռացել եմ իմ բանկային հաշվի գաղտնաբառը",
}


def unread_scripts(vocabulary: Vocabulary) -> list[str]:
    """Return the scripts of whose sentence half of the characters or more are unknown."""
    shares = vocabulary.unknown_shares(list(SENTENCES.values()))
    return [name for name, share in zip(SENTENCES, shares, strict=True) if share >= 0.5]


def describe_scripts(vocabulary: Vocabulary) -> str:
    """Describe the scripts that the encoder doesn't read."""
    unread = unread_scripts(vocabulary)
    if not unread:
        return f"its vocabulary covers all {len(SENTENCES)} scripts tried"
    return f"cannot read {', '.join(unread)} (docs/how-to/production.md)"
