"""The account as people read it: where every frame is, what became of the story, and whether it adds up."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text as Line

from engine.demo.account import Account
from engine.demo.scenes import SceneResult
from sensors.field.names import Text

HEAD = Text(zh="结账", en="The account")
SCENES = Text(zh="剧情中的报警", en="The story's alerts")
ALL_GOOD = Text(zh="账目相符，剧情中的报警全部产生。", en="It adds up, and the story's alerts all came.")
NOT_GOOD = Text(zh="账目不符或报警缺失，见上。", en="It does not add up, or an alert is missing: see above.")
NOT_PLAYED = Text(zh="未演完", en="not played to its end")
MISSING = Text(zh="缺少", en="missing")
SURPRISE = Text(zh="意外的报警", en="an alert nobody promised")
ENDED = Text(zh="提前结束", en="ended early")


def closing(account: Account, lang: str) -> RenderableType:
    """The whole account as a screen."""
    verdict, style = (ALL_GOOD, "bold green") if account.holds else (NOT_GOOD, "bold red")
    early = [Line(f"✗ {ENDED.say(lang)}: {account.trouble}", style="red")] if account.trouble else []
    return Group(
        Line(HEAD.say(lang), style="bold"),
        _checks(account, lang),
        Line(),
        Line(SCENES.say(lang), style="bold"),
        *(_scene(result, lang) for result in account.scenes),
        *(Line(f"✗ {SURPRISE.say(lang)}: {name}", style="red") for name in account.surprises),
        Line(),
        *early,
        Line(verdict.say(lang), style=style),
    )


def _checks(account: Account, lang: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    for check in account.checks:
        mark = Line("✓", style="green") if check.holds else Line("✗", style="bold red")
        table.add_row(mark, check.says.say(lang), _short(check.left), _short(check.right))
    return table


def _scene(result: SceneResult, lang: str) -> Line:
    title = result.scene.title.say(lang)
    if not result.played:
        return Line(f"· {title}: {NOT_PLAYED.say(lang)}", style="dim")
    if result.missing:
        return Line(f"✗ {title}: {MISSING.say(lang)} {'; '.join(result.missing)}", style="red")
    rules = ", ".join(dict.fromkeys(expected.rule for expected in result.scene.expected))
    return Line(f"✓ {title}" + (f": {rules}" if rules else ""))


def _short(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value[:12]
