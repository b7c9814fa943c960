"""Fails if a page of the project leads to a file that is not there."""

import pathlib
import re
import subprocess
import sys

pages = subprocess.check_output(["git", "ls-files", "*.md"], text=True).split()
links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", pathlib.Path(page).read_text())]
lost = [
    f"{page}: {link}"
    for page, link in links
    if "://" not in link and not (pathlib.Path(page).parent / link).exists()
]
if lost or not links:
    sys.exit("\n".join(["links that lead nowhere:", *lost]))
print(f"{len(links)} links on {len(pages)} pages lead somewhere")
