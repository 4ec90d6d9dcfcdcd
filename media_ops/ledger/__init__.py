"""The media ledger: SQL that decides who works on what, what is published, and what an item's state is.

``leases`` (take, keep, give back), ``endings`` (complete, fail), ``losses`` (leases lost with their worker),
``refusals`` (what cannot be packaged as it is), ``plan`` (rungs and jobs of a source), ``publish`` (rows
under the lease's fence), ``settle`` (manifest versions and item states), ``rendering`` (what a manifest
render reads and records), ``verifying`` (looks at finished versions), ``reading``, ``board`` and
``sweeping``. What does not belong here: running the work (``media_ops.worker``), media functions, and any
table of another room.
"""
