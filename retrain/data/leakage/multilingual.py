"""Whether a sentence encoder is multilingual: translations are then near the original."""

import numpy as np

from retrain.data.similarity import SentenceEncoder

#: Sentences with their translations to Spanish, French and German.
SENTENCES = (
    (
        "When does the shop open tomorrow?",
        "¿A qué hora abre mañana la tienda?",
        "À quelle heure ouvre le magasin demain ?",
        "Wann macht der Laden morgen auf?",
    ),
    (
        "My neighbour has lost her keys.",
        "Mi vecina ha perdido sus llaves.",
        "Ma voisine a perdu ses clés.",
        "Meine Nachbarin hat ihre Schlüssel verloren.",
    ),
    (
        "How much money is left?",
        "¿Cuánto dinero queda?",
        "Combien d'argent reste-t-il ?",
        "Wie viel Geld ist noch übrig?",
    ),
    (
        "The children are playing in the snow.",
        "Los niños juegan en la nieve.",
        "Les enfants jouent dans la neige.",
        "Die Kinder spielen im Schnee.",
    ),
    (
        "Please send the letter back.",
        "Por favor, devuelva la carta.",
        "Veuillez renvoyer la lettre.",
        "Bitte schicken Sie den Brief zurück.",
    ),
    (
        "I would like to speak to a lawyer.",
        "Quisiera hablar con un abogado.",
        "Je voudrais parler à un avocat.",
        "Ich möchte mit einem Anwalt sprechen.",
    ),
)
#: Least share of the translations that are nearest to their original.
MIN_NEAREST = 0.9


def translation_threshold(encoder: SentenceEncoder) -> float | None:
    """Return the cosine from which a text is a translation; ``None``: not multilingual.

    It is half way from the nearest other sentence to the median translation.
    """
    originals = encoder.encode([sentence[0] for sentence in SENTENCES])
    translations = encoder.encode([text for sentence in SENTENCES for text in sentence[1:]])
    own = np.repeat(np.arange(len(SENTENCES)), len(SENTENCES[0]) - 1)
    cosines = translations @ originals.T
    if (cosines.argmax(axis=1) == own).mean() < MIN_NEAREST:
        return None
    is_own = own[:, None] == np.arange(len(SENTENCES))
    return float((np.median(cosines[is_own]) + cosines[~is_own].max()) / 2)
