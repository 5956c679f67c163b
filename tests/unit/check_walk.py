#!/usr/bin/env python3
"""Checks that docs/walk.md names what is there: check_walk.py SOURCE_ROOT

Each `file.c` exists; a function beside one in parentheses, `file.c` (`function`) or `function` (`file.c`), is
defined in it; any other name with an underscore is defined somewhere in src/.
"""

import pathlib
import re
import sys

NAME = r"[a-z]\w*"
FILE = r"[\w/]+\.[ch]"


def files_named(sources, name):
    return [path for path in sources if f"/src/{path}".endswith(f"/{name}")]


def defines(text, name):
    """Is a function (or a macro) of that name defined there?"""
    return re.search(rf"^(?:[\w*]+[\s*]+)+{name}\([^;]*?\)\s*\{{|^#define {name}\b", text, re.M | re.S)


def main():
    root = pathlib.Path(sys.argv[1])
    sources = {str(path.relative_to(root / "src")): path.read_text() for path in (root / "src").rglob("*.[ch]")}
    walk = (root / "docs" / "walk.md").read_text()
    wrong = []
    pairs = [(file, name) for file, names in re.findall(rf"`({FILE})` \(((?:`{NAME}`(?:, )?)+)\)", walk)
             for name in re.findall(NAME, names)]
    pairs += [(file, name) for name, file in re.findall(rf"`({NAME})` \(`({FILE})`", walk)]
    for file, name in pairs:
        found = files_named(sources, file)
        if found and not any(defines(sources[path], name) for path in found):
            wrong.append(f"{file} does not define {name}")
    for file in set(re.findall(rf"`({FILE})`", walk)):
        if not files_named(sources, file):
            wrong.append(f"there is no {file}")
    for name in set(re.findall(rf"`({NAME}_\w+)`", walk)):
        if not any(defines(text, name) for text in sources.values()):
            wrong.append(f"nothing defines {name}")
    if not pairs:
        wrong.append("walk.md names no function of a file: its form has changed")
    print("\n".join(f"docs/walk.md: {each}" for each in wrong) or f"{len(pairs)} functions are where walk.md says")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
