"""Prompts in English and Spanish."""

#: English sentences with names, numbers or related words, and their translations.
PAIRS = {
    "book a flight to Lisbon for Christopher and his sister": (
        "quiero que reserves un vuelo a Lisboa para Christopher y su hermana"
    ),
    "I need a visa for Mozambique and a hotel in Maputo": (
        "necesito un visado para Mozambique y un hotel en Maputo"
    ),
    "convert 250 dollars to Norwegian kroner": "convierte 250 dólares a coronas noruegas",
    "is there a reservation at Trattoria Bellini tonight": (
        "hay una reserva esta noche en la Trattoria Bellini"
    ),
    "transfer 99 euros from my account at Santander": (
        "transfiere 99 euros de mi cuenta en Santander"
    ),
    "tell Francesca that the conference in Toronto is cancelled": (
        "dile a Francesca que la conferencia de Toronto está cancelada"
    ),
    "how many calories are in a chocolate croissant": (
        "cuántas calorías tiene un cruasán de chocolate"
    ),
}
#: Spanish sentences about other things.
UNRELATED = (
    "quiero cambiar la contraseña de mi correo electrónico",
    "mi perro se ha perdido cerca del parque",
    "cuándo empieza la película de esta noche",
    "apaga las luces de la cocina por favor",
    "necesito un médico para mi hijo mañana",
)
PLAIN = (
    *("what is the weather like on the coast", "the printer is out of paper again"),
    *("please water the plants in the office", "who won the match last night"),
    *("my shoes are too small and they hurt", "where can I park near the stadium"),
    *("turn the lights off in the kitchen", "read me the news of this morning"),
)
