"""The people of the simulated district. Every name is invented; none belongs to a real place or firm."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The same words in both languages."""

    zh: str
    en: str

    def say(self, lang: str) -> str:
        """In the language asked for; anything but "zh" is English."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An enterprise of the district and the trades of its outlets, in the order of their numbers."""

    id: str
    name: Text
    town: Text
    trades: tuple[str, ...]


DISTRICT = Text(zh="青汀区", en="Qingting")
OUTLET = {
    "w": Text(zh="废水{n}号", en="outlet {n}"),
    "s": Text(zh="{n}号烟囱", en="stack {n}"),
    "a": Text(zh="{n}号厂界站", en="fence line {n}"),
}
EAST = Text(zh="东浦镇", en="Dongpu")
WEST = Text(zh="西堰镇", en="Xiyan")
NORTH = Text(zh="北砻街道", en="Beilong")


def site(id: str, zh: str, en: str, town: Text, *trades: str) -> Site:
    """One row of the table below."""
    return Site(id=id, name=Text(zh=zh, en=en), town=town, trades=trades)


SITES = (
    site("sewage-east", "青汀东区污水厂", "East Sewage of Qingting", EAST, "sewage"),
    site("sewage-west", "青汀西区污水厂", "West Sewage of Qingting", WEST, "sewage", "sewage"),
    site("landai", "青汀澜岱印染", "Landai Dyeing of Qingting", EAST, "dyeing"),
    site("tinghe", "青汀汀禾印染", "Tinghe Dyeing of Qingting", EAST, "dyeing"),
    site("langting", "青汀廊汀毛纺", "Langting Wool of Qingting", WEST, "dyeing"),
    site("xiuqing", "青汀岫青纸业", "Xiuqing Paper of Qingting", WEST, "paper", "paper", "coal boiler"),
    site("yanxi", "青汀砚溪纸业", "Yanxi Paper of Qingting", WEST, "paper"),
    site("hengchuan", "青汀珩川石化", "Hengchuan Chemicals of Qingting", NORTH,
         "petrochemistry", "petrochemistry", "heater", "fence line"),
    site("yiling", "青汀漪岭树脂", "Yiling Resins of Qingting", NORTH, "resins"),
    site("jipu", "青汀霁浦电镀", "Jipu Plating of Qingting", EAST, "plating", "plating"),
    site("muli", "青汀沐砾电镀", "Muli Plating of Qingting", EAST, "plating"),
    site("yaoji", "青汀峣畿电子", "Yaoji Electronics of Qingting", NORTH, "plating"),
    site("sangyu", "青汀桑屿制药", "Sangyu Pharma of Qingting", NORTH, "pharmacy"),
    site("luotang", "青汀荦棠制药", "Luotang Pharma of Qingting", NORTH, "pharmacy"),
    site("quege", "青汀阙阁食品", "Quege Foods of Qingting", EAST, "general"),
    site("zhuwei", "青汀渚苇乳业", "Zhuwei Dairy of Qingting", WEST, "general"),
    site("tanglu", "青汀棠麓酿造", "Tanglu Brewery of Qingting", WEST, "general"),
    site("cenxing", "青汀岑杏肉类", "Cenxing Meats of Qingting", EAST, "general"),
    site("fuyan", "青汀芙砚淀粉", "Fuyan Starch of Qingting", WEST, "general"),
    site("suiyan", "青汀燧堰热电", "Suiyan Power of Qingting", NORTH, "general", "coal power", "coal power"),
    site("kanlong", "青汀龛砻水泥", "Kanlong Cement of Qingting", NORTH, "cement kiln"),
    site("refuse", "青汀生活垃圾焚烧厂", "Refuse Works of Qingting", NORTH, "general", "incinerator", "incinerator"),
    site("heating", "青汀北区供热站", "North Heating of Qingting", NORTH, "gas boiler"),
)  # fmt: skip
"""25 wastewater outlets, 8 stacks and one special-air monitor."""
