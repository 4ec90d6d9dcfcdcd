"""The security headers of every page, above all its Content-Security-Policy (W3C CSP Level 3).

A page may load from this origin alone; media and uploads go to the PoP and the object store, which the
settings name. There is no inline script or style, so neither is allowed.
"""

from urllib.parse import urlsplit

from mcsp.settings import Settings


def page_headers(settings: Settings) -> dict[str, str]:
    """The headers of an HTML answer."""
    return {
        "Content-Security-Policy": policy(settings),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
    }


def policy(settings: Settings) -> str:
    """The policy: who may be asked for what."""
    media = origin(settings.media_url)
    store = origin(settings.s3.public_endpoint or settings.s3.endpoint)
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": f"'self' data: {media}",
        "media-src": f"'self' blob: {media}",
        "connect-src": f"'self' {media} {store}",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {' '.join(value.split())}" for name, value in directives.items())


def origin(url: str) -> str:
    """Scheme, host and port of an address; nothing where there is none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
