"""Topics of the demo: sentence frames of requests, and their routes.

A topic has a handful of sentence frames with slots. With openings, closings and typing habits they
give some thousands of distinct requests per topic.
"""

from dataclasses import dataclass

#: Filled into the frames' ``{slots}``.
SLOTS: dict[str, tuple[str, ...]] = {
    "shop": (
        "the supermarket",
        "a petrol station",
        "the bakery",
        "a hotel",
        "an online shop",
        "the cinema",
        "a furniture store",
        "the pharmacy",
    ),
    "place": (
        "the train",
        "a taxi",
        "the gym",
        "a restaurant",
        "the airport",
        "my office",
        "the park",
        "a concert",
    ),
    "city": ("Lisbon", "Vienna", "Oslo", "Prague", "Dublin", "Athens", "Warsaw", "Turin"),
    "day": (
        "yesterday",
        "this morning",
        "on Monday",
        "last Friday",
        "two days ago",
        "last night",
        "over the weekend",
        "a week ago",
    ),
    "amount": (
        "50 euros",
        "120 euros",
        "2,000 euros",
        "89.90",
        "300 euros",
        "1,450 euros",
        "a few hundred euros",
        "15 euros",
    ),
    "person": (
        "my landlord",
        "my sister",
        "a colleague",
        "my father",
        "the plumber",
        "a friend",
        "my accountant",
        "our neighbour",
    ),
    "company": (
        "the electricity company",
        "a streaming service",
        "my old gym",
        "the phone company",
        "an insurance firm",
        "a magazine",
    ),
    "currency": ("dollars", "pounds", "Swiss francs", "yen", "Norwegian kroner", "zloty"),
    "month": ("January", "March", "last month", "the second quarter", "all of 2025", "August"),
    "purpose": ("my tax return", "a visa application", "the landlord", "my records", "a lawyer"),
    "street": ("Mill Lane", "Station Road", "Garden Street", "the old harbour", "Park Avenue"),
    "child": (
        "my daughter",
        "my son",
        "my nephew",
        "our eldest",
        "my ten-year-old",
        "our teenager",
    ),
    "watch": ("my smart watch", "a fitness band", "my new ring", "the watch I got", "my wristband"),
    "coin": ("bitcoin", "ether", "some crypto", "a stablecoin", "digital coins"),
    "exchange": ("a crypto exchange", "a coin broker", "my trading app", "a wallet provider"),
}

OPENINGS = (
    "",
    "",
    "",
    "Hi, ",
    "Hello, ",
    "Good morning, ",
    "Quick question: ",
    "Hi there, ",
    "Sorry to bother you, ",
    "Hello team, ",
)
CLOSINGS = (
    "",
    "",
    "",
    "",
    " Thanks!",
    " Please help.",
    " Thank you in advance.",
    " What should I do?",
    " It is rather urgent.",
    " Can you sort this out?",
)


@dataclass(frozen=True)
class Topic:
    """A kind of request."""

    #: Subject; known to the experts, not logged by production.
    name: str
    #: Entry of the app's menu: the logged task type.
    menu: str
    #: The correct route, ``queue: action``.
    route: str
    #: Sentence frames with slots.
    frames: tuple[str, ...]


KNOWN_TOPICS: tuple[Topic, ...] = (
    Topic("lost card", "card_lost", "cards: block card", (
        "I left my card on {place} {day}.",
        "My wallet was stolen at {shop} and the card was in it.",
        "I can't find my debit card anywhere since {day}.",
        "Somebody took my card at {place} in {city}.",
        "I think I dropped my card at {shop} {day}.",
        "My bank card is gone, I last used it at {shop}.",
        "My card has been missing since {day}, please stop it.",
    )),
    Topic("card delivery", "card_delivery", "cards: track delivery", (
        "When will my new card arrive at {street}?",
        "I ordered a card {day} and nothing is in the post.",
        "How long does it take to mail a new card to {city}?",
        "The replacement card you sent has still not come.",
        "Has my new card been posted yet? I applied {day}.",
        "I'm still waiting for the card you promised {day}.",
        "Where is the card that should have been delivered to {street}?",
    )),
    Topic("forgotten pin", "pin_reset", "cards: reset pin", (
        "I forgot my PIN and stood at {shop} unable to pay.",
        "How can I get a new PIN for my card?",
        "I typed the wrong PIN three times at {shop}.",
        "My PIN does not work any more since {day}.",
        "Can I choose another PIN for my card? I keep forgetting this one.",
        "I need to change my secret number, {person} saw it.",
        "The machine in {city} says my PIN is blocked.",
    )),
    Topic("pending transfer", "transfer_pending", "payments: trace transfer", (
        "I sent {amount} to {person} {day} and it has not arrived.",
        "My transfer of {amount} is still pending.",
        "{person} says the {amount} I sent never came.",
        "How long does a transfer to {city} take? I made it {day}.",
        "The money I wired {day} is neither here nor there.",
        "Why is my payment of {amount} to {person} stuck?",
        "A bank transfer I made {day} seems to be lost.",
    )),
    Topic("direct debit", "direct_debit", "payments: return debit", (
        "{company} took {amount} from my account without permission.",
        "I want to reverse a direct debit by {company}.",
        "Please return the debit of {amount} that {company} collected {day}.",
        "{company} keeps collecting money although I cancelled.",
        "There is a direct debit of {amount} I never agreed to.",
        "I ended my contract but {company} still charged me {day}.",
        "Can I get back the {amount} debited by {company}?",
    )),
    Topic("exchange rate", "exchange_rate", "payments: quote rate", (
        "What rate do I get if I change {amount} into {currency}?",
        "How many {currency} would I get for {amount}?",
        "I travel to {city} soon, what is your rate for {currency}?",
        "Do you charge anything to exchange {currency}?",
        "Is the exchange rate for {currency} better at the counter in {city}?",
        "I would like to buy {currency}, what do they cost today?",
        "What was the rate for {currency} that you used {day}?",
    )),
    Topic("statement", "statement", "accounts: send statement", (
        "I need a statement of {month} for {purpose}.",
        "Where can I download my statement for {month}?",
        "Please mail me the account statements of {month}.",
        "{person} asks for proof of income, can you send the statement of {month}?",
        "The statement for {month} is missing from my inbox.",
        "Can I have a stamped bank statement for {purpose}?",
        "How do I print all movements of {month}?",
    )),
    Topic("new address", "address_change", "accounts: change address", (
        "I moved to {street} {day}, please update my address.",
        "We are moving to {city}, how do I tell you my new address?",
        "My letters still go to {street}, where I no longer live.",
        "Please change my postal address to {street} in {city}.",
        "I have a new home in {city}, what must I do?",
        "You have my old address on file, I now live at {street}.",
        "After my move to {city} I get no post from you.",
    )),
    Topic("card limit", "card_limit", "cards: raise limit", (
        "Can you raise my card limit to {amount} for a trip to {city}?",
        "My card was declined at {shop} as I reached my limit, I need a higher one.",
        "I want to spend {amount} at {shop}, please increase my card limit.",
        "How do I get a higher limit on my card?",
        "Please lift the daily limit of my card, {amount} is too little.",
        "I need more room on my credit card before I fly to {city}.",
        "Could my spending limit go up by {amount}?",
    )),
    Topic("overdraft", "overdraft", "lending: set overdraft", (
        "Can I overdraw my account by {amount} until payday?",
        "I would like an overdraft of {amount}.",
        "What does it cost if my balance goes below zero by {amount}?",
        "My salary is late, may my account go into the red?",
        "Please give me an arranged overdraft, {company} collects tomorrow.",
        "How far can my account be overdrawn?",
        "I'm {amount} below zero since {day}, can we agree on an overdraft?",
    )),
    Topic("mortgage", "mortgage", "lending: book adviser", (
        "We want to buy a flat in {city} and need a mortgage.",
        "Whom can I talk to about a loan for a house on {street}?",
        "What mortgage could I afford with {amount} a month?",
        "I'd like an appointment about financing a house.",
        "My fixed rate ends in {month}, how do I renew the mortgage?",
        "Can {person} and I take out a home loan together?",
        "How much deposit do you ask for a house in {city}?",
    )),
    Topic("cash deposit", "cash_deposit", "accounts: find branch", (
        "Where can I pay in {amount} in cash in {city}?",
        "Which branch near {street} takes coins?",
        "I want to deposit cash from {shop}, where is your nearest machine?",
        "Is your counter at {street} open for cash on Saturdays?",
        "How do I put {amount} of notes into my account?",
        "The deposit machine on {street} is broken, where is the next one?",
        "I have a jar of coins, where can I pay them in?",
    )),
)  # fmt: skip

#: Topics that arrive in the fourth week, under the nearest entry of a menu that has none for them.
NEW_TOPICS: tuple[Topic, ...] = (
    Topic("crypto payment", "transfer_pending", "security: release payment", (
        "You stopped my payment of {amount} to {exchange}.",
        "I tried to buy {coin} {day} and the bank refused.",
        "Why can't I send {amount} to {exchange}?",
        "My purchase of {coin} for {amount} was blocked by you.",
        "Please allow transfers to {exchange}, I invest in {coin}.",
        "Is it forbidden to pay {exchange} from my account?",
        "The app warns me about {coin} and holds back {amount}.",
    )),
    Topic("junior account", "cash_deposit", "accounts: open junior", (
        "I want to open an account for {child}.",
        "Can {child} have a card with pocket money?",
        "What do I need so that {child} gets a savings account?",
        "From what age can {child} bank with you?",
        "How do I pay {child} a weekly allowance of {amount} in your app?",
        "We would like a junior account for {child} with no fees.",
        "May {child} have an account of their own, with me as guardian?",
    )),
    Topic("wearable payment", "card_delivery", "cards: link device", (
        "How do I pay with {watch}?",
        "I can't add my card to {watch}.",
        "{watch} was refused by the reader at {shop}.",
        "Which wearables can I use to pay at {shop}?",
        "I paired {watch} {day}, but tapping it does nothing.",
        "Is it safe to tap and pay with {watch}?",
        "Please connect my account to {watch} for contactless payments.",
    )),
)  # fmt: skip

#: From the fourth week on customers who come about the card limit want the opposite of before.
CHANGED_TOPIC = Topic("card limit", "card_limit", "cards: lower limit", (
    "Please lower my card limit to {amount}, I am afraid of fraud.",
    "I want a smaller limit on my card after the news about stolen data.",
    "Can I cap my card at {amount} a day so that thieves get less?",
    "How do I reduce the spending limit of my card?",
    "My card limit is too high for my taste, cut it to {amount}.",
    "After the data leak at {shop} I want my card limit down.",
    "Could you decrease my daily card limit to {amount}, to be on the safe side?",
))  # fmt: skip
