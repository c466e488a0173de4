"""What MkDocs does beside its own work: generated pages, files from elsewhere, and links that hold on the site too.

The documents of docs/ are also read where they are, beside the source, so their links lead to the repository's files.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the program `mkdocs` looks for nothing in the folder that it is started in

from scripts.docs_site.commands import commands_page  # noqa: E402
from scripts.docs_site.configuration import configuration_page  # noqa: E402

from assay.commands.schema import config_schema  # noqa: E402

EXAMPLES = "src/assay/examples"
PAGES = {"README.md": "index.md", "SECURITY.md": "security.md", "CONTRIBUTING.md": "contributing.md"}
"""Documents outside docs/: the page of each."""
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    for document, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / document).read_text(encoding="utf-8")))
    for example in sorted((ROOT / EXAMPLES).iterdir()):
        files.append(File.generated(config, f"examples/{example.name}", abs_src_path=str(example)))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    files.append(File.generated(config, "reference/configuration.md", content=configuration_page()))
    files.append(File.generated(config, "assay.schema.json", content=json.dumps(config_schema(), indent=2)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    here = page.file.src_uri
    if here.startswith("reference/"):
        return markdown
    document = next((document for document, own in PAGES.items() if own == here), f"docs/{here}")
    return _LINK.sub(lambda link: _on_site(link[1], document, here), markdown)


def _on_site(link: str, document: str, page: str) -> str:
    """Where a document's link leads on the site. Raises PluginError where the site has no such thing."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(document), link))
    if target.startswith("docs/"):
        place = target.removeprefix("docs/")
    elif target.startswith(f"{EXAMPLES}/"):
        place = f"examples/{posixpath.basename(target)}"
    elif target in PAGES:
        place = PAGES[target]
    else:
        raise PluginError(f"{document}: the link to {link} leads out of the site")
    return posixpath.relpath(place, posixpath.dirname(page) or ".")
