"""The classes of checks of `netnode conformance`, and what they cover, as SPEC.md prints them."""

from __future__ import annotations

from netnode.conformance.checking import CLASSES
from netnode.conformance.checks import ALL
from netnode.conformance.unobservable import UNOBSERVABLE
from netnode.conformance.vectors import FILES
from tests.spec.markdown import table


def classes() -> str:
    """Every class, how many checks it has, and the requirements they are about."""
    return table(("class", "about", "checks", "requirements"), (_row(name) for name in CLASSES))


def _row(name: str) -> tuple[str, str, str, str]:
    checks = [check for check in ALL if check.klass == name]
    if name == "C0":
        return name, CLASSES[name], str(len(FILES)), "those that the vectors cite"
    return name, CLASSES[name], str(len(checks)), _ids({id_ for check in checks for id_ in check.ids})


def _ids(ids: set[str]) -> str:
    """Ids in order, those of one family written together: R-LOG-1, 3."""
    families: dict[str, list[int]] = {}
    for id_ in ids:
        family, _, number = id_.rpartition("-")
        families.setdefault(family, []).append(int(number))
    said = []
    for family in sorted(families):
        first, *others = sorted(families[family])
        said.append(", ".join([f"{family}-{first}", *map(str, others)]))
    return "; ".join(said)


def left_out() -> str:
    """The requirements that no check of a running node covers, by reason."""
    reasons: dict[str, set[str]] = {}
    for id_, reason in UNOBSERVABLE.items():
        reasons.setdefault(reason, set()).add(id_)
    return table(("why", "requirements"), ((reason, _ids(ids)) for reason, ids in reasons.items()))
