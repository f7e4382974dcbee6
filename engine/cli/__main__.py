"""`python -m engine.cli` is the program `outfall`."""

from engine.cli.main import main

main()
