"""The words that click itself writes ("Usage", "no such option"), in the language spoken."""

import importlib
from collections.abc import Callable

from engine.texts import Texts, area

MODULES = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")


def speak(say: Texts) -> None:
    """Let click write in that language.

    click asks gettext, which wants compiled catalogues of the system; so its lookups are given ours instead.
    """
    known = {texts["en"]: texts[say.lang] for texts in area("click").values()}

    def one(message: str) -> str:
        return known.get(message, message)

    def many(singular: str, plural: str, count: int) -> str:
        return known.get(singular if count == 1 else plural, singular if count == 1 else plural)

    names: dict[str, Callable[..., str]] = {"_": one, "ngettext": many}
    for name in MODULES:
        module = importlib.import_module(f"click.{name}")
        for attribute, lookup in names.items():
            if hasattr(module, attribute):
                setattr(module, attribute, lookup)
