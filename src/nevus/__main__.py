"""`python -m nevus` is the command `nevus`."""

from nevus.cli import main

main()
