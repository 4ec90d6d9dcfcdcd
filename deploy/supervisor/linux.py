"""The few system calls that Python's library does not wrap: prctl and unshare. Linux only."""

import ctypes
import os
import pwd
import signal
from functools import lru_cache
from pathlib import Path

NOBODY = 65534
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _CLONE_NEWUSER = 1, 36, 0x10000000


def _check(result: int, call: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{call}: {os.strerror(ctypes.get_errno())}")


def become_subreaper() -> None:
    """From now on orphaned descendants become this process's children, so that it can end them."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Get signal ``number`` when the thread that started this process ends (it may have ended already)."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def needs_other_identity() -> bool:
    """Whether PostgreSQL would refuse this user: root, or one whom /etc/passwd does not name."""
    return os.geteuid() == 0 or os.geteuid() not in {entry.pw_uid for entry in pwd.getpwall()}


def named_ids() -> tuple[int, int]:
    """A uid and gid that /etc/passwd names, not root's; NOBODY where there is no other."""
    entries = [entry for entry in pwd.getpwall() if entry.pw_uid not in (0, NOBODY)]
    return (entries[0].pw_uid, entries[0].pw_gid) if entries else (NOBODY, NOBODY)


def enter_user_namespace(inside: tuple[int, int]) -> None:
    """Appear as another uid and gid while still being oneself outside: files stay within reach."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(_CLONE_NEWUSER), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside[0]} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{inside[1]} {gid} 1")


@lru_cache(maxsize=1)
def becomes_nobody() -> bool:
    """Whether root has to change the user for good, because user namespaces are forbidden here."""
    if os.geteuid() != 0:
        return False
    inside, child = named_ids(), os.fork()
    if child == 0:
        try:
            enter_user_namespace(inside)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def change_identity(inside: tuple[int, int], *, to_nobody: bool) -> None:
    """In a child: become ``inside`` within a namespace, or nobody for good.

    Clears the parent-death signal, which therefore has to be asked for afterwards.
    """
    if not to_nobody:
        enter_user_namespace(inside)
        return
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
