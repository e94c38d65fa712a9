-- What a user is, for the policy: JSON, a sorted list of names. Older programs make users without any.
ALTER TABLE users ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
