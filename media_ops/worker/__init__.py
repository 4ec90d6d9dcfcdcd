"""The worker: leases jobs, calls the media functions, puts objects, writes rows, renders manifests.

``slots`` decide what runs at once, ``attempt`` runs one lease with its heartbeat, ``work`` says what each
kind of job does, ``streams`` carries segments from ffmpeg to store and ledger, ``publisher`` renders
manifests, ``wakes`` listens to Kafka. What does not belong here: deciding (``media_ops.ledger``).
"""
