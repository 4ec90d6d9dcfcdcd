"""Promises about the files that pages load: all there, all ours, kept for good by address."""

import re

from jinja2 import Environment, FileSystemLoader

from streaming_api.web.static_files import ROOM, load
from streaming_api.web.templating import TEMPLATES

SOURCES = [*(ROOM / "templates").rglob("*.html"), *(ROOM / "static").rglob("*.*")]
NAMESPACE = "http://www.w3.org/2000/svg"
STATIC = re.compile(r"static\('([^']+)'\)")
IMPORTED = re.compile(r"""(?:from|import\()\s*"([^"]+)\"""")


def test_every_file_that_a_template_names_exists() -> None:
    named = {name for path in TEMPLATES.rglob("*.html") for name in STATIC.findall(path.read_text())}
    assert named
    assert named <= set(load().files), "run `make setup`"


def test_every_module_that_a_script_imports_exists() -> None:
    scripts = list((ROOM / "static" / "js").rglob("*.js"))
    wanted = {(path, name) for path in scripts for name in IMPORTED.findall(path.read_text())}
    static = ROOM / "static"
    missing = []
    for path, name in wanted:
        target = (path.parent / name).resolve()
        shown = target.relative_to(static if target.is_relative_to(static) else ROOM)
        if shown.as_posix() not in load().files:
            missing.append(f"{path.name}: {name}")
    assert wanted
    assert missing == []


def test_nothing_loads_from_another_site() -> None:
    foreign = {
        f"{path.name}: {address}"
        for path in SOURCES
        for address in re.findall(r"""(?:https?:)?//[\w.-]+\.\w+[^"'\s]*""", path.read_text(errors="ignore"))
        if not address.startswith("//") or path.suffix != ".js"
        if not address.startswith(NAMESPACE)
    }
    assert foreign == set()


def test_no_page_has_inline_scripts_styles_or_handlers() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=", re.IGNORECASE)
    found = {path.name: inline.findall(path.read_text()) for path in TEMPLATES.rglob("*.html")}
    assert {name: what for name, what in found.items() if what} == {}


def test_every_template_compiles() -> None:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    names = environment.list_templates()
    assert {"home.html", "watch.html", "studio.html", "error.html"} <= set(names)
    for name in names:
        environment.get_template(name)


def test_texts_that_compress_are_kept_packed() -> None:
    files = load().files
    packed = files["js/watch.js"].packed
    assert packed is not None
    assert len(packed) < len(files["js/watch.js"].plain)
    assert all(file.packed is None for name, file in files.items() if name.endswith(".woff2"))
