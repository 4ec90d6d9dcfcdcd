"""Jinja2 for the pages: escaping is on, ``static()`` gives a file's address."""

from pathlib import Path

from jinja2 import ChainableUndefined, Environment, FileSystemLoader, select_autoescape
from litestar.config.app import AppConfig
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.template import TemplateConfig

from streaming_api.web import static_files

TEMPLATES = Path(__file__).parent / "templates"


def template_config(config: AppConfig) -> AppConfig:
    """Adds the pages' templates to an application."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_files.load().url
    config.template_config = TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))
    return config
