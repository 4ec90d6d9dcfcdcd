-- A message that Kafka would refuse for its size must fail where it is made: in the outbox it would hold
-- up all that come after it.
ALTER TABLE outbox.message ADD CONSTRAINT message_size CHECK (octet_length(payload::text) <= 900000);
