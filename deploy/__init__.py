"""The local stack, the PoP before its media bucket, and all that sets up a machine for them.

Importing this package imports nothing else: ``deploy.setup`` runs before anything is installed. What does
not belong here: anything a service does once it runs; that is the room the service lives in.
"""
