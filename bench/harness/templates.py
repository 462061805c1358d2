"""Configurations of the contenders: files of bench/config with @names@ filled in."""

import pathlib
import re

from .failure import Failed

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "config"


def write(template, into, values):
    """Fills a template in; a name that it asks for and nobody gave is a mistake."""
    def value(found):
        if found.group(1) not in values:
            raise Failed(f"{template} asks for @{found.group(1)}@")
        return str(values[found.group(1)])
    text = re.sub(r"@([a-z0-9_]+)@", value, (FOLDER / template).read_text())
    into.write_text(text)
    return into
