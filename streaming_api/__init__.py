"""One Litestar application per service, and the web pages they serve."""
