#!/bin/sh
# Prints the path of a Python 3.11. Where there is none: one line on standard error, exit status 3.
# A shell script, because the thing it looks for may be missing.
found=""
for name in ${PYTHON:-} python3.11 python3 python; do
    path=$(command -v "$name" 2>/dev/null) || continue
    version=$("$path" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    if [ "$version" = "3.11" ]; then
        echo "$path"
        exit 0
    fi
    case "$found" in *"$path"*) ;; *) found="$found${found:+, }$version ($path)" ;; esac
done
echo "setup: python: MCSP needs Python 3.11, and this machine has ${found:-no Python at all on its PATH}." \
    "Next: install Python 3.11 so that python3.11 is on PATH, or name it: make setup PYTHON=/path/to/python3.11" >&2
exit 3
