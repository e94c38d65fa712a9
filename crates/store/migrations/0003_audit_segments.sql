-- One row for all entries of a node that were committed together. `hashes` are 32 bytes for each entry; `entries` are
-- their texts, with a line break between them.
CREATE TABLE audit_segments (
    node TEXT NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hashes BYTEA NOT NULL,
    entries TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (node, first_sequence)
);

INSERT INTO audit_segments (node, first_sequence, last_sequence, previous_hash, hashes, entries, until)
SELECT node, sequence, sequence, previous_hash, hash, entry, at FROM audit_entries;

DROP TABLE audit_entries;
