"""The listings of the demo's nodes, written for it."""

from __future__ import annotations

from typing import Any, Final

SELLERS: Final = ("Amara", "Bastian", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro")

_Row = tuple[str, str, str, str | None, str | None, str, str]
# kind, key, title, price, currency, category, description
_ROWS: Final[tuple[tuple[_Row, ...], ...]] = (
    (
        ("product", "coffee-yirga", "Coffee, Yirgacheffe, whole bean", "14.50", "EUR", "Food > Coffee",
         "Washed, light roast, notes of lemon and jasmine. Roasted to order every Tuesday."),
        ("product", "moka-pot", "Moka pot for three cups", "29.00", "EUR", "Kitchen",
         "Aluminium, works on gas and electric."),
        ("knowledge", "brewing", "Brewing better coffee at home", "9.00", "EUR", "Knowledge > Food",
         "A short course of six lessons on water, grind and time."),
        ("opportunity", "roastery-circle", "Join the roastery circle", None, None, "Opportunity",
         "Recommend our coffee and earn credit on what is really sold. No fee, no stock, no credit for recruiting."),
    ),
    (
        ("product", "oak-desk", "Standing desk of oiled oak", "690.00", "EUR", "Furniture > Desks",
         "Made to measure, delivered flat."),
        ("service", "repair-chair", "Chair repair", "45.00", "EUR", "Services > Repair",
         "Glueing, caning and new seats."),
        ("product", "coffee-table", "Coffee table, ash, round", "240.00", "EUR", "Furniture > Tables",
         "70 cm across, three legs."),
    ),
    (
        ("product", "linen-shirt", "Linen shirt", "64.00", "EUR", "Apparel > Shirts",
         "Heavy linen from the north of Italy."),
        ("product", "wool-scarf", "Wool scarf", "38.00", "EUR", "Apparel", "Merino, woven on old looms."),
        ("want-ad", "buttons", "Wanted: horn buttons, 500 pieces", "120.00", "EUR", "Wanted",
         "11 mm, four holes, any brown."),
    ),
    (
        ("service", "translation", "Translation, Russian and German", "0.12", "EUR", "Services > Language",
         "Per word, within two days."),
        ("knowledge", "newsletter", "A newsletter that people open", "19.00", "EUR", "Knowledge > Marketing",
         "With twelve worked examples."),
        ("licence", "follow-up-kit", "Follow-up kit, licence for one networker", "49.00", "EUR", "Systems",
         "Messages and a calendar for ninety days of honest follow-up."),
    ),
    (
        ("product", "rose-tea", "Rose tea", "7.80", "EUR", "Food > Tea", "Whole buds, caffeine free."),
        ("product", "coffee-turkish", "Coffee, Turkish grind", "8.90", "EUR", "Food > Coffee",
         "Ground as fine as flour."),
        ("product", "copper-pot", "Copper coffee pot", "34.00", "EUR", "Kitchen",
         "Hand hammered, tinned inside."),
    ),
    (
        ("service", "bookkeeping", "Bookkeeping for small traders", "60.00", "EUR", "Services > Office",
         "Per month, up to 50 receipts."),
        ("knowledge", "first-customers", "Your first ten customers", "15.00", "EUR", "Knowledge > Selling",
         "What to say, to whom, and when to stop."),
    ),
    (
        ("product", "bee-wax", "Beeswax candles, box of six", "18.00", "EUR", "Home", "From our own hives."),
        ("product", "honey", "Forest honey", "9.50", "EUR", "Food", "500 g, dark and slightly bitter."),
    ),
    (
        ("product", "iron-kettle", "Iron kettle", "88.00", "EUR", "Kitchen",
         "Holds a litre, lasts a century."),
        ("product", "green-tea", "Green tea, spring harvest", "16.40", "EUR", "Food > Tea",
         "Shaded for twenty days."),
    ),
)  # fmt: skip


def catalogue(number: int) -> list[dict[str, Any]]:
    """The listing forms of the node with this number, from 0 on."""
    forms = []
    for kind, key, title, price, currency, category, description in _ROWS[number % len(_ROWS)]:
        form: dict[str, Any] = {
            "kind": kind, "key": key, "title": title, "category": category, "description": description,
        }  # fmt: skip
        if price is not None:
            form |= {"price": price, "currency": currency}
        forms.append(form)
    return forms
