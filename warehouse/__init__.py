"""Events become rows, rows become numbers: collector, tables, rules. Knows neither Dagster nor Litestar."""
