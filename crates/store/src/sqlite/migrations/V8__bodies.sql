-- An attempt that sent the same body as one before it, of the same delivery, has that one's number here and no body.
ALTER TABLE attempts ADD COLUMN same_as INTEGER;
