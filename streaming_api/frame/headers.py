"""The headers of every answer: security for all, stricter ones for the API, CORS where a page of another
site asks.

Any origin may use the API: it takes bearer tokens and no cookies, so a foreign page gains nothing that its
own server could not have. Pages set their own Content-Security-Policy, which stays.
"""

Headers = tuple[tuple[bytes, bytes], ...]

SECURITY_HEADERS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'"),
)  # fmt: skip

API_HEADERS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

CORS_HEADERS: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-request-id, retry-after, idempotency-replayed"),
    (b"vary", b"origin"),
)

PREFLIGHT_HEADERS: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"authorization, content-encoding, content-type, idempotency-key, x-request-id",
    ),
    (b"access-control-max-age", b"7200"),
    (b"content-length", b"0"),
)  # fmt: skip
