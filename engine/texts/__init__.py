"""Every text that people read from the command line, in both languages, side by side in one YAML file per area."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

LANGS = ("en", "zh")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one language.

    >>> Texts(lang="en")("problem.duplicate", value="a", first="x.yaml:1:2")
    "'a' is there already, at x.yaml:1:2"
    """

    lang: str

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key with its values filled in; KeyError where there is none."""
        return area(key.partition(".")[0])[key][self.lang].format(**values)

    def has(self, key: str) -> bool:
        """Whether there is a text of this key."""
        return key in area(key.partition(".")[0])


@cache
def area(name: str) -> Mapping[str, Mapping[str, str]]:
    """All texts of one area: key -> language -> text. The area is the part of a key before its first dot."""
    file = resources.files("engine.texts").joinpath(f"{name}.yaml")
    groups = yaml.load(file.read_text("utf-8"), LOADER)
    return {f"{name}.{key}": texts for key, texts in groups.items()}


def lang_of(environ: Mapping[str, str] = os.environ) -> str:
    """The language of a locale: zh where it says so, else en. OUTFALL_LANG comes before the locale.

    >>> lang_of({"LANG": "zh_CN.UTF-8"}), lang_of({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}), lang_of({})
    ('zh', 'en', 'en')
    """
    for name in ("OUTFALL_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "zh" if environ[name].lower().startswith("zh") else "en"
    return "en"
