"""The pages: home, watch, studio, and the browser's session. They own no data and ask the services."""
