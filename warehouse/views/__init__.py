"""What counts as a view: the rule, the ClickHouse SQL made from it, and an oracle that tests compare with."""
