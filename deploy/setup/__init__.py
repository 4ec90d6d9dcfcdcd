"""What `make setup` does. It runs on a bare Python 3.11, before anything is installed.

Belongs here: making `.venv`, `.jars`, the web assets and the test browser from the lock files, and
`make lock`, which writes those lock files. Does not belong here: anything that imports a package which
is not in the standard library, and anything of the running stack (see ``deploy``'s other modules).
"""
