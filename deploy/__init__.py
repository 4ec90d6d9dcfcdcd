"""The local stack and all that sets up a machine for it. Importing this package imports nothing else:
``deploy.setup`` runs before anything is installed."""
