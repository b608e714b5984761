"""Word classes by the word alone: lists of what captions of everyday actions say, and endings.

A word counts as what it mostly is in such captions, so that "watch" is a verb and "light" a noun,
whatever the sentence. Taggers that read the sentence need models to be downloaded.
"""

from __future__ import annotations

from functools import cache

PADDING, NOUN, VERB, OTHER = 0, 1, 2, 3
"""Classes, numbered as EAMAT numbers its tags."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VERBS = _words(
    """
    accept add adjust answer appear apply arrange arrive ask attach attempt bake balance bathe beat become begin
    bend bite blend blow boil bounce bow break breathe bring brush build bump burn bury buy call carry carve cast
    catch celebrate change chase chat check chew chop clap clean clear climb clip close collect come compete
    complete consume continue cook cough cover crack crash crawl cross crouch cry cut dance decide decorate deliver
    demonstrate describe dig dip disappear discuss dive do drag draw drink drip drive drop drum dry dump eat empty
    end enjoy enter erase examine exit explain fall feed feel fight fill film finish fix flip float fly fold follow
    gather get give glance go grab grate grill grind grip grow guide hand hang hear help hide hit hold hop hug hurry
    insert inspect instruct interact introduce jog join juggle jump keep kick kiss kneel knit knock know laugh lay
    lean leap learn leave let lick lie lift listen load lock look lose lower make measure meet melt mix mount move
    mow nap nod notice observe open operate pack pass pause pay peel perform pet pick pinch place play point polish
    pose pour practice prepare press pretend proceed produce provide pull push put raise reach read receive record
    relax remain remove repair repeat replace rest return ride rinse rip roll rotate rub run rush sand say scoop
    scrape scream scrub search season see seem seize sell send serve set sew shake sharpen shave shift shoot shout
    shove show shut sing sip sit skate skateboard sketch ski skip sleep slice slide smell smile smoke sneeze sniff
    snuggle speak spill spin spit splash spray spread sprinkle squat squeeze stand stare start stay step stir stop
    store straighten stretch strike struggle study surf sweep swim swing switch take talk tap taste tear tell text
    throw tidy tie tighten toss touch trim try tuck tumble turn twirl twist type undress unfold unlock unpack unwrap
    use view wait wake walk wander wash watch wave wear welcome whip wipe work wrap wrestle write yell zip
    """
)
"""Verbs in every form."""

_NOUNS_AND_VERBS = _words(
    """
    bag book box button camera comb dress dust fence fish gas hammer head hose iron ladle light mask mop oil paddle
    paint paper park pedal phone photograph picture plant plate pump rake row sail salt sauce saw scissor shovel
    snow soap spoon stack stick strap table tape time towel vacuum videotape water wax weld whistle
    """
)
"""Nouns of which only the forms in -ing and -ed are verbs."""

_IRREGULAR = _words(
    """
    am are ate beaten became been began begun bent bit bitten blew blown bought bought broke broken brought built
    burnt came caught chose chosen dealt did does done drank drawn drew driven drove drunk dug eaten fallen fed fell
    felt flew flown forgot forgotten found gave given gone got gotten grew grown had has have heard held hid hidden
    hung is kept knelt knew known laid lain led lit lost lying made meant met paid ran rang read ridden risen rode
    rose said sang sat saw seen sent sewn shaken shone shook shot shown slept slid sold sought spat spent spoke
    spoken spun stood stole stolen struck stuck stung sung sunk swam swept swum swung taken taught thought threw
    thrown told took tore torn tried tying understood was went were woke woken won wore worn wound written wrote
    """
)

_OTHERS = _words(
    """
    a about above across after again against ago all almost along already also although always among an and another
    any anybody anyone anything around as aside at away back be because before behind being below beneath beside
    besides between beyond both briefly but by can cannot could down during each either else even ever every
    everyone everything except few first for forth forward from further he hence her here hers herself him himself
    his how however if in inside instead into it its itself just last later least less many may me might mine more
    most much must my near neither never next nobody none nor not nothing now of off often on once one only onto or
    other others our out outside over own past per perhaps quite rather same second several shall she should since
    so some somebody someone something soon still such than that the their theirs them themselves then there these
    they third this those though through throughout thus till to together too toward towards two under underneath
    until up upon us very we well what when where whether which while who whom whose why will with within without
    would yet you your three four five six seven eight nine ten several various able asleep awake bad bald barefoot
    beautiful big black blonde blue bright brown busy calm clever cold cool curly dark deep different difficult
    dirty double entire excited extra fast fat female final fine flat fresh front full funny giant good gray great
    green grey happy hard heavy high hot huge inner large left little long loud low main male multiple narrow new
    nice old orange outdoor outer pink plain plastic professional purple quick quiet ready real red rough round sad
    sexy sharp shirtless short silver similar single slow small smooth soft special steep strange strong sudden tall
    tan thick thin tiny top upper upset upside warm wet white whole wide wild wooden wrong yellow young
    """
)
"""Function words, numbers, adjectives."""

_NOUNS = _words(
    """
    bedding building ceiling clothing dressing earring evening family flooring frosting greeting hundred icing
    lightning morning offspring pudding railing seasoning seed sibling speed spring stocking string thing topping
    vegetable vegetables wedding weed
    """
)
"""Nouns that end like verbs or adjectives."""

_ADJECTIVE_ENDINGS = ("able", "ful", "ible", "ish", "ive", "less", "ly", "ous")


@cache
def word_class(word: str) -> int:
    """`NOUN`, `VERB` or `OTHER` for a lower-cased token; most words that nothing tells apart are nouns."""
    if word in _VERB_FORMS:
        return VERB
    if word in _NOUNS:
        return NOUN
    if word in _OTHERS or not word[:1].isalpha():
        return OTHER
    if len(word) > 4 and word.endswith(("ing", "ed")):
        return VERB
    if len(word) > 5 and word.endswith(_ADJECTIVE_ENDINGS):
        return OTHER
    return NOUN


def _forms(verb: str) -> set[str]:
    """Regular forms of a verb, and some that do not exist."""
    stem = verb[:-1] if verb.endswith("e") else verb
    forms = {verb, f"{verb}s", f"{verb}es", f"{stem}ing", f"{stem}ed", f"{verb}{verb[-1]}ing", f"{verb}{verb[-1]}ed"}
    if verb.endswith("y"):
        forms |= {f"{verb[:-1]}ies", f"{verb[:-1]}ied"}
    return forms


_VERB_FORMS = (frozenset().union(*map(_forms, _VERBS)) | _IRREGULAR) - _NOUNS - _OTHERS
