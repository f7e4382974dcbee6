"""What the README says can be done: its commands exist with the options shown, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from engine.cli.main import make
from engine.texts import Texts

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "docs/cli.md", "docs/config.md", "docs/registry.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file(page: str) -> None:
    file = ROOT / page
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", file.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (file.parent / link).exists()] == []


def commands(page: str) -> list[str]:
    """Every line of a shell block that calls outfall or a script."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(("outfall", "script/"))]


ALL = [(page, line) for page in PAGES for line in commands(page)]


@pytest.mark.parametrize(("page", "line"), ALL, ids=[f"{page}: {line}" for page, line in ALL])
def test_every_command_shown_is_understood(page: str, line: str) -> None:
    name, *arguments = shlex.split(line, comments=True)
    if name.startswith("script/"):
        assert (ROOT / name).exists()
        return
    command: click.Command = make(Texts(lang="en"))
    context = click.Context(command, info_name="outfall")
    while isinstance(command, click.Group) and arguments:
        found = command.get_command(context, arguments.pop(0))
        assert found is not None
        command = found
    known = {option for param in command.params for option in param.opts}
    assert {argument for argument in arguments if re.match(r"--?[a-z]", argument)} <= known


def test_both_languages_of_the_readme_show_the_same_commands_and_documents() -> None:
    def shown(page: str) -> tuple[list[str], list[str]]:
        text = (ROOT / page).read_text("utf-8")
        return [shlex.join(shlex.split(c, comments=True)) for c in commands(page)], re.findall(r"\]\((docs/[^)]+)\)", text)

    assert shown("README.md") == shown("README.zh-CN.md")
