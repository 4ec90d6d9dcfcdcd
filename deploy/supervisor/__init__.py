"""A small supervisor: starts services in dependency order, restarts what dies, leaves nothing behind.

It knows health checks, dependencies, bounded backoff, sessions and orphans, which the known libraries do
not (see ``docs/decisions``). What does not belong here: what the services of this product are
(``deploy.services``).
"""
